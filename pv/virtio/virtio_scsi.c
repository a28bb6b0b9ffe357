/* SPDX-License-Identifier: ISC */
/*
 * The SCSI host: disks behind it become sda, sdb, ...  [VIRTIO] 5.6 carries
 * commands of [SBC] (SCSI Block Commands - 3) and [SPC] (SCSI Primary Commands
 * - 4).  One request queue; the control and event queues are not used, for
 * nothing is aborted and disks neither come nor go.
 */
#include <linux/virtio_scsi.h>
#include <string.h>

#include "kernel/blk.h"
#include "pv/virtio/scsi.h"
#include "pv/virtio/virtio.h"
#include "pv/virtio/virtio_drivers.h"

#define QUEUE_REQUESTS 2 /* [VIRTIO] 5.6.2 */
#define SLOTS_MAX      64
#define TARGETS_MAX    256 /* [VIRTIO] 5.6.4: max_target fits in a byte */
#define RESPONSE_NONE  0xff

_Static_assert(sizeof(struct virtio_scsi_cmd_req) == 51, "[VIRTIO] 5.6.6.1");
_Static_assert(sizeof(struct virtio_scsi_cmd_resp) == 108, "[VIRTIO] 5.6.6.1");
_Static_assert(
    offsetof(struct virtio_scsi_cmd_req, cdb) == 19, "[VIRTIO] 5.6.6.1");
_Static_assert(sizeof(struct virtio_scsi_config) == 36, "[VIRTIO] 5.6.4");

struct slot {
	struct virtio_scsi_cmd_req cmd;
	struct virtio_scsi_cmd_resp resp; /* device */
	struct slot *next;                /* of the free ones */
	struct blk_req *req;
	struct scsi_unmap unmap;
};

struct vscsi {
	struct blk_chan chan;
	struct virtio_dev *vd;
	bool ready; /* its queue can be used */
	bool scanned;
	unsigned targets;
	uint32_t seg_max, max_sectors;
	struct virtq q;
	struct slot *slots, *free;
	struct virtq_buf buf[BLK_SEG_MAX + 2]; /* of the one being added */
};

static struct vscsi *
vscsi_of(struct blk_chan *c)
{
	return (struct vscsi *)c; /* its first member */
}

/* --- the data path --- */

/* The data of a piece, from v on; behind its last buffer. */
static struct virtq_buf *
data_bufs(struct virtq_buf *v, struct slot *s, uint64_t len)
{
	struct blk_req *r = s->req;

	if (r->op == BLK_DISCARD) {
		*v++ = (struct virtq_buf){&s->unmap, sizeof(s->unmap)};
	} else if (r->op == BLK_ZERO) {
		*v++ = (struct virtq_buf){
		    scsi_disk_of(r->dev)->zeros, r->dev->lim.block};
	} else if (r->op != BLK_FLUSH) {
		for (; len > 0; len -= (v++)->len)
			blk_seg(r, len, &v->p, &v->len);
	}
	return v;
}

/* The response comes before data that the device writes, and after those that
 * it reads. */
static int
queue_add(struct vscsi *h, struct slot *s, uint64_t len)
{
	bool reads = s->req->op == BLK_READ || s->req->op == BLK_COMMAND;
	struct virtq_buf *v = h->buf, resp = {&s->resp, sizeof(s->resp)};
	unsigned nread = 1, n;

	*v++ = (struct virtq_buf){&s->cmd, sizeof(s->cmd)};
	if (reads)
		*v++ = resp;
	v = data_bufs(v, s, len);
	if (!reads) {
		nread = (unsigned)(v - h->buf);
		*v++ = resp;
	}
	n = (unsigned)(v - h->buf);
	return virtq_add(&h->q, h->buf, nread, n - nread, s);
}

static int
vscsi_add(struct blk_chan *c, struct blk_req *r, uint64_t len)
{
	struct vscsi *h = vscsi_of(c);
	struct scsi_disk *d = scsi_disk_of(r->dev);
	struct slot *s = h->free;
	int err;

	if (!h->ready)
		return -EIO;
	if (s == NULL)
		return -EBUSY;
	memset(&s->cmd, 0, sizeof(s->cmd));
	memcpy(s->cmd.lun, d->lun, sizeof(d->lun));
	s->cmd.tag = (uint64_t)s;
	scsi_command(r, len, s->cmd.cdb, &s->unmap);
	s->req = r;
	s->resp.response = RESPONSE_NONE;
	err = queue_add(h, s, len);
	if (err == 0)
		h->free = s->next;
	return err == -ENOSPC ? -EBUSY : err;
}

static bool
vscsi_tell(struct blk_chan *c, unsigned after)
{
	struct vscsi *h = vscsi_of(c);

	if (after > 0)
		return virtq_kick_arm(&h->q, after);
	virtq_kick(&h->q);
	return false;
}

/* All of the response is the device's word: copied, then looked at. */
static int
result(const struct slot *s, uint32_t written)
{
	struct virtio_scsi_cmd_resp resp = s->resp;
	uint32_t sense_len = resp.sense_len;

	if (written < offsetof(struct virtio_scsi_cmd_resp, sense) ||
	    sense_len > sizeof(resp.sense))
		return -EIO;
	switch (resp.response) {
	case VIRTIO_SCSI_S_OK:
		break;
	case VIRTIO_SCSI_S_BAD_TARGET:
	case VIRTIO_SCSI_S_INCORRECT_LUN:
		return -ENXIO;
	case VIRTIO_SCSI_S_RESET:
	case VIRTIO_SCSI_S_BUSY:
		return -EAGAIN;
	default:
		return -EIO;
	}
	if (resp.status != 0)
		return scsi_error(scsi_disk_of(s->req->dev), resp.status,
		    resp.sense, sense_len);
	/* what a command that only asks is short of is the asker's business */
	return resp.resid != 0 && s->req->op <= BLK_WRITE ? -EIO : 0;
}

static void
vscsi_take(struct blk_chan *c)
{
	struct vscsi *h = vscsi_of(c);
	uint32_t written;
	struct slot *s;

	while (
	    h->q.in_flight > 0 && (s = virtq_take(&h->q, &written)) != NULL) {
		s->next = h->free;
		h->free = s;
		blk_ended(c, s->req, result(s, written));
	}
}

static void
vscsi_fail(struct blk_chan *c)
{
	virtio_break(vscsi_of(c)->vd, "no answer");
}

static const struct blk_ops vscsi_ops = {
    .add = vscsi_add,
    .tell = vscsi_tell,
    .take = vscsi_take,
    .fail = vscsi_fail,
};

static void
vscsi_done(struct virtq *q)
{
	blk_interrupt(q->vd->driver_data);
}

/* --- attaching --- */

#define CONFIG(vd, field) VIRTIO_CONFIG(vd, struct virtio_scsi_config, field)

static struct vscsi *
vscsi_make(struct virtio_dev *vd)
{
	struct vscsi *h = heap_alloc(sizeof(*h));
	unsigned i;

	if (h == NULL)
		return NULL;
	h->slots = heap_alloc(SLOTS_MAX * sizeof(*h->slots));
	if (h->slots == NULL) {
		heap_free(h, sizeof(*h));
		return NULL;
	}
	for (i = 0; i < SLOTS_MAX; i++) {
		h->slots[i].next = h->free;
		h->free = &h->slots[i];
	}
	h->vd = vd;
	h->chan.ops = &vscsi_ops;
	h->chan.lock.name = "virtio_scsi";
	return h;
}

static void
ready_set(struct vscsi *h, bool ready)
{
	uint64_t flags = spin_lock(&h->chan.lock);

	h->ready = ready;
	spin_unlock(&h->chan.lock, flags);
}

/* [VIRTIO] 5.6.4; the sizes of commands and sense data stay as they are after
 * a reset, those of the structures in the header. */
static int
config_read(struct vscsi *h)
{
	uint32_t seg_max = (uint32_t)CONFIG(h->vd, seg_max);
	uint32_t room = h->q.size > 2 ? h->q.size - 2 : 0;

	h->targets = (unsigned)CONFIG(h->vd, max_target) + 1;
	if (h->targets > TARGETS_MAX)
		h->targets = TARGETS_MAX;
	h->max_sectors = (uint32_t)CONFIG(h->vd, max_sectors);
	h->seg_max = seg_max < room ? seg_max : room;
	if (h->seg_max == 0 || h->max_sectors == 0 ||
	    CONFIG(h->vd, sense_size) != VIRTIO_SCSI_SENSE_SIZE ||
	    CONFIG(h->vd, cdb_size) != VIRTIO_SCSI_CDB_SIZE)
		return -EINVAL;
	return 0;
}

static int
vscsi_attach(struct virtio_dev *vd)
{
	struct vscsi *h = vd->driver_data;
	unsigned target;
	int err;

	if (h == NULL)
		h = vd->driver_data = vscsi_make(vd);
	if (h == NULL)
		return -ENOMEM;
	ready_set(h, false);
	err = virtio_negotiate(vd, 0, 0);
	if (err == 0)
		err = virtq_init(&h->q, vd, QUEUE_REQUESTS, vscsi_done);
	if (err == 0)
		err = config_read(h);
	if (err != 0)
		return err;
	h->q.any_length = true; /* QEMU adds the data that it has read */
	virtio_driver_ok(vd);
	ready_set(h, true);
	for (target = 0; target < h->targets && !h->scanned; target++)
		scsi_scan(&h->chan, target, h->seg_max,
		    (uint64_t)h->max_sectors * BLK_SECTOR);
	h->scanned = true;
	return 0;
}

const struct virtio_driver virtio_scsi_driver = {
    .name = "virtio-scsi",
    .id = VIRTIO_ID_SCSI,
    .attach = vscsi_attach,
};
