/* SPDX-License-Identifier: ISC */
/* SCSI disks: see scsi.h. */
#include "pv/virtio/scsi.h"

#include <string.h>

/* Operation codes.  [SBC] 5, [SPC] 6 */
#define TEST_UNIT_READY   0x00
#define INQUIRY           0x12
#define MODE_SENSE_6      0x1a
#define READ_10           0x28
#define WRITE_10          0x2a
#define SYNCHRONIZE_CACHE 0x35
#define UNMAP             0x42
#define READ_16           0x88
#define WRITE_16          0x8a
#define WRITE_SAME_16     0x93
#define SERVICE_IN_16     0x9e
#define READ_CAPACITY_16  0x10 /* its service action */
#define REPORT_LUNS       0xa0

#define WRITE_SAME_UNMAPS 0x08
#define MODE_NO_BLOCKS    0x08
#define PAGE_CACHING      0x08
#define VPD_LIMITS        0xb0
#define VPD_PROVISIONING  0xb2

#define STATUS_CHECK 0x02 /* [SAM] 5.3 */
#define STATUS_BUSY  0x08
#define STATUS_FULL  0x28

#define LUNS_MAX     64 /* of a target */
#define ANSWER_NS    (10 * NS_PER_S)
#define RANGE_BLOCKS (1U << 22) /* of one command that carries no data */
#define RECOVERED    0x1        /* sense keys: [SPC] 4.5.6 */
#define ILLEGAL      0x5
#define ATTENTION    0x6
#define PROTECTED    0x7
#define ABORTED      0xb

/* --- numbers, big endian --- */

static void
put(uint8_t *p, unsigned len, uint64_t v)
{
	while (len-- > 0) {
		p[len] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t
get(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	while (len-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* --- commands --- */

static void
transfer_command(uint8_t *cdb, bool write, uint64_t lba, uint64_t n)
{
	if (lba + n <= UINT32_MAX && n <= UINT16_MAX) {
		cdb[0] = write ? WRITE_10 : READ_10;
		put(cdb + 2, 4, lba);
		put(cdb + 7, 2, n);
	} else {
		cdb[0] = write ? WRITE_16 : READ_16;
		put(cdb + 2, 8, lba);
		put(cdb + 10, 4, n);
	}
}

static void
unmap_command(uint8_t *cdb, struct scsi_unmap *u, uint64_t lba, uint64_t n)
{
	cdb[0] = UNMAP;
	put(cdb + 7, 2, sizeof(*u));
	memset(u, 0, sizeof(*u));
	put(u->bytes, 2, sizeof(*u) - 2);
	put(u->bytes + 2, 2, 16); /* of one range */
	put(u->bytes + 8, 8, lba);
	put(u->bytes + 16, 4, n);
}

void
scsi_command(
    struct blk_req *r, uint64_t len, uint8_t *cdb, struct scsi_unmap *unmap)
{
	struct scsi_disk *d = scsi_disk_of(r->dev);
	uint64_t lba = (r->off + r->issued) >> d->shift, n = len >> d->shift;

	switch (r->op) {
	case BLK_READ:
	case BLK_WRITE:
		transfer_command(cdb, r->op == BLK_WRITE, lba, n);
		break;
	case BLK_FLUSH:
		cdb[0] = SYNCHRONIZE_CACHE; /* all of it */
		break;
	case BLK_DISCARD:
		unmap_command(cdb, unmap, lba, n);
		break;
	case BLK_ZERO:
		cdb[0] = WRITE_SAME_16;
		if (r->may_free && d->same_unmaps)
			cdb[1] = WRITE_SAME_UNMAPS;
		put(cdb + 2, 8, lba);
		put(cdb + 10, 4, n);
		break;
	case BLK_COMMAND: /* the request is a scsi_request's first member */
		memcpy(cdb, ((struct scsi_request *)r)->cdb, SCSI_CDB_LEN);
		break;
	}
}

/* --- errors --- */

/* [SPC] 4.5: the fixed format, or descriptors. */
static unsigned
sense_key(const uint8_t *s, uint32_t len, unsigned *asc)
{
	unsigned format = len >= 8 ? s[0] & 0x7f : 0;

	*asc = 0;
	if (format == 0x72 || format == 0x73) {
		*asc = (unsigned)get(s + 2, 2);
		return s[1] & 0xf;
	}
	if (format != 0x70 && format != 0x71)
		return 0;
	if (len >= 14)
		*asc = (unsigned)get(s + 12, 2);
	return s[2] & 0xf;
}

int
scsi_error(
    struct scsi_disk *d, uint8_t status, const uint8_t *sense, uint32_t len)
{
	unsigned asc;

	if (status == STATUS_BUSY || status == STATUS_FULL)
		return -EAGAIN;
	if (status != STATUS_CHECK)
		return -EIO;
	switch (sense_key(sense, len, &asc)) {
	case RECOVERED:
		return 0;
	case ILLEGAL: /* operation code, or a field of it */
		return asc == 0x2000 || asc == 0x2400 ? -EOPNOTSUPP : -EIO;
	case ATTENTION:
		if (asc == 0x2a09 && d->resized.fn != NULL)
			work_add(&d->resized); /* the capacity has changed */
		return -EAGAIN;
	case PROTECTED:
		return asc == 0x2707 ? -ENOSPC : -EROFS;
	case ABORTED:
		return -EAGAIN;
	}
	return -EIO;
}

/* --- questions --- */

/* Sends cdb and reads at most len bytes; what the disk leaves is 0. */
static int
ask(struct scsi_disk *d, const uint8_t *cdb, void *p, uint32_t len)
{
	struct blk_buf buf = {p, len};
	struct scsi_request q;

	memset(&q, 0, sizeof(q));
	memset(p, 0, len);
	memcpy(q.cdb, cdb, SCSI_CDB_LEN);
	q.req.op = BLK_COMMAND;
	q.req.len = len;
	q.req.buf = &buf;
	return blk_do(&d->dev, &q.req, clock_ns() + ANSWER_NS);
}

/* page 0: the standard data */
static int
inquiry(struct scsi_disk *d, uint8_t page, uint8_t *p, uint32_t len)
{
	uint8_t cdb[SCSI_CDB_LEN] = {INQUIRY, page != 0, page};
	int err;

	put(cdb + 3, 2, len);
	err = ask(d, cdb, p, len);
	return err == 0 && page != 0 && p[1] != page ? -EIO : err;
}

/* Capacity, and the limits that come with it.  [SBC] 5.16 */
static int
capacity_read(struct scsi_disk *d, struct blk_limits *l, uint64_t *bytes)
{
	uint8_t cdb[SCSI_CDB_LEN] = {SERVICE_IN_16, READ_CAPACITY_16}, p[32];
	uint64_t last;
	int err;

	put(cdb + 10, 4, sizeof(p));
	err = ask(d, cdb, p, sizeof(p));
	if (err != 0)
		return err;
	last = get(p, 8);
	l->block = (uint32_t)get(p + 8, 4);
	if (last == UINT64_MAX || l->block > BLK_BLOCK_MAX ||
	    __builtin_mul_overflow(last + 1, l->block, bytes))
		return -EINVAL;
	l->physical = l->block << (p[13] & 0xf);
	l->align_off = ((uint32_t)get(p + 14, 2) & 0x3fff) * l->block;
	return 0;
}

/* Write protection and the cache.  [SPC] 6.11, [SBC] 6.5.5 */
static void
mode_read(struct scsi_disk *d, struct blk_limits *l)
{
	uint8_t cdb[SCSI_CDB_LEN] = {
	    MODE_SENSE_6, MODE_NO_BLOCKS, PAGE_CACHING};
	uint8_t p[32];

	cdb[4] = sizeof(p);
	l->caches = true;
	if (ask(d, cdb, p, sizeof(p)) != 0)
		return;
	l->read_only = p[2] & 0x80;
	if (p[3] == 0 && (p[4] & 0x3f) == PAGE_CACHING)
		l->caches = p[6] & 0x04;
}

/* [SBC] 6.6.4, 6.6.5 */
static void
limits_read(struct scsi_disk *d, struct blk_limits *l)
{
	uint8_t p[64];
	uint64_t n;

	l->zero_bytes = (uint64_t)RANGE_BLOCKS * l->block;
	if (inquiry(d, VPD_PROVISIONING, p, sizeof(p)) == 0) {
		if (p[5] & 0x80)
			l->discard_bytes = l->zero_bytes;
		d->same_unmaps = p[5] & 0x40;
	}
	if (inquiry(d, VPD_LIMITS, p, sizeof(p)) != 0)
		return;
	n = get(p + 8, 4) * l->block;
	if (n != 0 && n < l->piece_bytes)
		l->piece_bytes = (uint32_t)n;
	l->io_opt = (uint32_t)(get(p + 12, 4) * l->block);
	n = get(p + 20, 4) * l->block;
	if (n < l->discard_bytes)
		l->discard_bytes = n;
	l->discard_align = get(p + 28, 4) * l->block;
	n = get(p + 36, 8);
	if (n != 0 && n < RANGE_BLOCKS)
		l->zero_bytes = n * l->block;
}

/* --- finding --- */

static void
resized(struct work *w)
{
	struct scsi_disk *d = CONTAINER_OF(w, struct scsi_disk, resized);
	struct blk_limits l;
	uint64_t bytes;

	if (capacity_read(d, &l, &bytes) == 0 && l.block == d->dev.lim.block)
		blk_resize(&d->dev, bytes);
}

/* Is it a disk, and what is it like? */
static int
disk_look(struct scsi_disk *d, uint32_t seg_max, uint64_t piece_bytes)
{
	uint8_t ready[SCSI_CDB_LEN] = {TEST_UNIT_READY}, p[36];
	struct blk_limits l;
	uint64_t bytes;
	int err;

	memset(&l, 0, sizeof(l));
	err = inquiry(d, 0, p, sizeof(p));
	if (err == 0 && p[0] != 0) /* [SPC] 6.6.2: connected, and a disk */
		err = -ENXIO;
	if (err == 0)
		err = ask(d, ready, p, 0);
	if (err == 0)
		err = capacity_read(d, &l, &bytes);
	if (err != 0)
		return err;
	l.seg_max = seg_max;
	l.seg_bytes = BLK_PIECE_MAX;
	l.piece_bytes = BLK_PIECE_MAX;
	if (piece_bytes < l.piece_bytes)
		l.piece_bytes = (uint32_t)piece_bytes;
	mode_read(d, &l);
	limits_read(d, &l);
	err = blk_limits_check(&l);
	if (err != 0)
		return err;
	d->zeros = heap_alloc(l.block);
	if (d->zeros == NULL)
		return -ENOMEM;
	d->shift = (unsigned)__builtin_ctz(l.block);
	d->dev.lim = l;
	d->resized.fn = resized;
	blk_resize(&d->dev, bytes);
	return blk_register(&d->dev, "sd");
}

/* One that commands can be sent to.  [VIRTIO] 5.6.6.1: byte 0 is 1, then the
 * target, then the two bytes of a single level LUN. */
static void
disk_init(struct scsi_disk *d, struct blk_chan *c, unsigned target,
    const uint8_t *lun)
{
	memset(d, 0, sizeof(*d));
	d->dev.chan = c;
	d->dev.lim.seg_bytes = PAGE_SIZE;
	d->lun[0] = 1;
	d->lun[1] = (uint8_t)target;
	d->lun[2] = lun[0];
	d->lun[3] = lun[1];
}

static void
lun_scan(struct blk_chan *c, unsigned target, const uint8_t *lun,
    uint32_t seg_max, uint64_t piece_bytes)
{
	struct scsi_disk *d = heap_alloc(sizeof(*d));
	int err;

	if (d == NULL)
		return;
	disk_init(d, c, target, lun);
	err = disk_look(d, seg_max, piece_bytes);
	if (err == 0)
		return;
	if (err != -ENXIO)
		log_line("scsi target %u, lun %u: cannot be used: error %d",
		    target, (unsigned)get(lun, 2) & 0x3fff, -err);
	if (d->zeros == NULL)
		heap_free(d, sizeof(*d));
}

void
scsi_scan(
    struct blk_chan *c, unsigned target, uint32_t seg_max, uint64_t piece_bytes)
{
	static const uint8_t lun0[2];
	uint8_t cdb[SCSI_CDB_LEN] = {REPORT_LUNS}, luns[8 * (LUNS_MAX + 1)];
	struct scsi_disk any;
	uint64_t i, n;
	int err;

	disk_init(&any, c, target, lun0);
	put(cdb + 6, 4, sizeof(luns));
	err = ask(&any, cdb, luns, sizeof(luns));
	if (err == -ENXIO || err == -EIO) /* nobody there, or all is broken */
		return;
	n = err == 0 ? get(luns, 4) / 8 : 1; /* else it may have LUN 0 */
	for (i = 1; i <= n && i <= LUNS_MAX; i++)
		lun_scan(c, target, &luns[8 * i], seg_max, piece_bytes);
}
