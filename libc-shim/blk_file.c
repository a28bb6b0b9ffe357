/* SPDX-License-Identifier: ISC */
/*
 * Disks as files.  Whole blocks go between the disk and the caller's memory
 * directly.  Part of a block goes through a buffer; to write it, the block is
 * read, changed and written back while no other write is under way.
 */
#include "libc-shim/blk_file.h"

#include <linux/fs.h>
#include <string.h>

#include "kernel/blk.h"
#include "libc-shim/device.h"
#include "libc-shim/touch.h"

#define MAJOR_VIRTIO    254 /* of the range that Linux gives out as it likes */
#define MAJOR_SCSI      8
#define MAJOR_SCSI_MORE 65
#define MINORS          16    /* of a disk: Linux has its partitions there */
#define ZEROS_LEN       65536 /* used ZEROS_BUFS times in a request */
#define ZEROS_BUFS      32

struct disk {
	struct device_node node; /* first, for disk_open */
	struct blk_dev *dev;
	/* Writes of whole blocks run together, others alone. */
	struct sleeplock lock;
	struct waitq wanting;
	unsigned shared; /* those under way */
	bool alone, alone_wanted;
};

struct disk_file {
	struct file f;
	struct disk *disk;
};

static struct disk *
disk_of(const struct file *f)
{
	return ((const struct disk_file *)(const void *)f)->disk;
}

/* --- who may write --- */

/* Under the lock, which it gives meanwhile; an interruption is for later. */
static void
sleep_on(struct disk *d, bool *interrupted)
{
	if (sleeplock_wait(&d->lock, &d->wanting, NS_NEVER) == -EINTR)
		*interrupted = true;
}

static void
write_begin(struct disk *d, bool alone)
{
	bool interrupted = false;

	sleeplock_take(&d->lock);
	while (d->alone || (alone ? d->shared > 0 : d->alone_wanted)) {
		d->alone_wanted |= alone;
		sleep_on(d, &interrupted);
	}
	if (alone) {
		d->alone_wanted = false;
		d->alone = true;
	} else {
		d->shared++;
	}
	sleeplock_give(&d->lock);
	if (interrupted)
		thread_interrupt(thread_current());
}

static void
write_end(struct disk *d, bool alone)
{
	sleeplock_take(&d->lock);
	if (alone)
		d->alone = false;
	else
		d->shared--;
	if (d->wanting.first != NULL)
		sleeplock_wake(&d->lock, &d->wanting, -1U);
	sleeplock_give(&d->lock);
}

/* --- reading and writing --- */

/* Part of one block. */
static int
part_do(struct disk *d, bool writing, uint64_t off, void *p, size_t len)
{
	uint32_t block = d->dev->lim.block;
	size_t in = off & (block - 1);
	char *whole = heap_alloc(block);
	int err;

	if (whole == NULL)
		return -ENOMEM;
	err = blk_rw(d->dev, BLK_READ, off - in, whole, block);
	if (err == 0 && writing) {
		memcpy(whole + in, p, len);
		err = blk_rw(d->dev, BLK_WRITE, off - in, whole, block);
	} else if (err == 0) {
		memcpy(p, whole + in, len);
	}
	heap_free(whole, block);
	return err;
}

/* Bytes, or -errno if there are none. */
static __attribute__((noinline)) long
transfer(struct disk *d, bool writing, uint64_t off, char *p, size_t len)
{
	uint32_t block = d->dev->lim.block;
	size_t done = 0, n, in;
	int err = 0;

	for (; done < len && err == 0; done += err == 0 ? n : 0) {
		in = (off + done) & (block - 1);
		n = len - done;
		if (in == 0 && n >= block) {
			n &= ~(size_t)(block - 1);
			err = blk_rw(d->dev, writing ? BLK_WRITE : BLK_READ,
			    off + done, p + done, n);
			continue;
		}
		if (n > block - in)
			n = block - in;
		err = part_do(d, writing, off + done, p + done, n);
	}
	return done > 0 ? (long)done : err;
}

static long
disk_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	struct disk *d = disk_of(f);
	uint64_t size = blk_bytes(d->dev);
	long r;

	if (*pos >= size)
		return 0;
	if (len > size - *pos)
		len = size - *pos;
	touch(p, len, true);
	if (((*pos | len) & (d->dev->lim.block - 1)) == 0) {
		r = blk_rw(d->dev, BLK_READ, *pos, p, len);
		if (r != 0)
			return r;
		r = (long)len;
	} else {
		r = transfer(d, false, *pos, p, len);
	}
	if (r > 0)
		*pos += (uint64_t)r;
	return r;
}

static long
disk_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	struct disk *d = disk_of(f);
	uint64_t size = blk_bytes(d->dev);
	bool alone;
	long r;

	if (len == 0)
		return 0;
	if (*pos >= size) /* FILE_END too */
		return -ENOSPC;
	if (len > size - *pos)
		len = size - *pos;
	touch(p, len, false);
	alone = ((*pos | len) & (d->dev->lim.block - 1)) != 0;
	write_begin(d, alone);
	r = transfer(d, true, *pos, (char *)(uintptr_t)p, len);
	write_end(d, alone);
	if (r > 0)
		*pos += (uint64_t)r;
	return r;
}

static int64_t
disk_size(struct file *f)
{
	return (int64_t)blk_bytes(disk_of(f)->dev);
}

static int
disk_sync(struct file *f)
{
	return blk_rw(disk_of(f)->dev, BLK_FLUSH, 0, NULL, 0);
}

/* --- ioctl --- */

/* For a disk that cannot do it by itself. */
static int
write_zeros(struct blk_dev *dev, uint64_t off, uint64_t len)
{
	struct blk_buf buf[ZEROS_BUFS];
	const uint64_t most = ZEROS_BUFS * ZEROS_LEN;
	unsigned i;
	struct blk_req r;
	void *zeros = heap_alloc(ZEROS_LEN);
	int err = zeros == NULL ? -ENOMEM : 0;

	for (i = 0; i < ZEROS_BUFS; i++)
		buf[i] = (struct blk_buf){zeros, ZEROS_LEN};
	for (; len > 0 && err == 0; off += r.len, len -= r.len) {
		memset(&r, 0, sizeof(r));
		r.op = BLK_WRITE;
		r.off = off;
		r.len = len < most ? len : most;
		r.buf = buf;
		err = blk_do(dev, &r, NS_NEVER);
	}
	heap_free(zeros, ZEROS_LEN);
	return err;
}

/* BLKDISCARD, BLKZEROOUT: range is two numbers, where and how much. */
static int
erase(struct file *f, enum blk_op op, const uint64_t *range)
{
	struct disk *d = disk_of(f);
	int err;

	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	write_begin(d, false);
	err = blk_rw(d->dev, op, range[0], NULL, range[1]);
	if (err == -EOPNOTSUPP && op == BLK_ZERO)
		err = write_zeros(d->dev, range[0], range[1]);
	write_end(d, false);
	return err;
}

static int
disk_ioctl(struct file *f, unsigned long request, void *arg)
{
	struct blk_dev *dev = disk_of(f)->dev;
	const struct blk_limits *l = &dev->lim;

	switch (request) {
	case BLKGETSIZE64:
		*(uint64_t *)arg = blk_bytes(dev);
		return 0;
	case BLKGETSIZE:
		*(unsigned long *)arg = blk_bytes(dev) / BLK_SECTOR;
		return 0;
	case BLKROGET:
		*(int *)arg = l->read_only;
		return 0;
	case BLKSSZGET:
	case BLKBSZGET:
		*(uint32_t *)arg = l->block;
		return 0;
	case BLKPBSZGET:
		*(uint32_t *)arg = l->physical;
		return 0;
	case BLKIOMIN:
		*(uint32_t *)arg = l->io_min > 0 ? l->io_min : l->physical;
		return 0;
	case BLKIOOPT:
		*(uint32_t *)arg = l->io_opt;
		return 0;
	case BLKALIGNOFF:
		*(uint32_t *)arg = l->align_off;
		return 0;
	case BLKFLSBUF:
		return disk_sync(f);
	case BLKDISCARD:
		return erase(f, BLK_DISCARD, arg);
	case BLKZEROOUT:
		return erase(f, BLK_ZERO, arg);
	}
	return -ENOTTY;
}

/* --- the devices --- */

static int
disk_close(struct file *f)
{
	heap_free(f, sizeof(struct disk_file));
	return 0;
}

static const struct file_ops disk_ops = {
    .read = disk_read,
    .write = disk_write,
    .size = disk_size,
    .ioctl = disk_ioctl,
    .sync = disk_sync,
    .close = disk_close,
};

static int
disk_open(const struct device_node *node, int flags, struct file **out)
{
	struct disk *d = (struct disk *)(uintptr_t)node;
	struct disk_file *f;

	if (d->dev->lim.read_only && (flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	f = heap_alloc(sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	file_init(&f->f, &disk_ops, flags);
	f->disk = d;
	*out = &f->f;
	return 0;
}

/* Sixteen disks to a major number, as Linux has it for SCSI: 8, 65, 66. */
static dev_t
disk_number(const struct blk_dev *dev)
{
	unsigned high = dev->index / MINORS;
	unsigned major = MAJOR_VIRTIO - high;

	if (dev->name[0] == 's')
		major = high == 0 ? MAJOR_SCSI : MAJOR_SCSI_MORE + high - 1;
	return DEVICE_NUMBER(major, dev->index % MINORS * MINORS);
}

static void
disk_add(struct blk_dev *dev)
{
	struct disk *d = heap_alloc(sizeof(*d));

	if (d == NULL) {
		log_line("/dev/%s: no memory for it", dev->name);
		return;
	}
	d->dev = dev;
	d->node.name = dev->name;
	d->node.mode = S_IFBLK | 0660;
	d->node.number = disk_number(dev);
	d->node.open = disk_open;
	device_register(&d->node);
}

void
blk_file_probe(void)
{
	static struct blk_dev *last; /* that has a device; under vfs.c's lock */
	struct blk_dev *dev;

	blk_probe();
	while ((dev = blk_next(last)) != NULL) {
		disk_add(dev);
		last = dev;
	}
}
