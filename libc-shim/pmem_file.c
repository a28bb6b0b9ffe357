/* SPDX-License-Identifier: ISC */
/*
 * /dev/pmem0 and on: persistent memory as files.  A shared mapping of one is
 * the memory itself; fsync and msync ask the host to make it stable.
 */
#include "libc-shim/pmem_file.h"

#include <linux/fs.h>
#include <string.h>

#include "libc-shim/device.h"
#include "pv/virtio/virtio_pmem.h"

#define PMEM_MAJOR 259 /* Linux's for block devices of many kinds */

struct pmem {
	struct device_node node; /* first, for pmem_open */
	struct virtio_pmem *dev;
	char name[16];
};

struct pmem_file {
	struct file f;
	struct virtio_pmem *dev;
};

static struct virtio_pmem *
dev_of(struct file *f)
{
	return ((struct pmem_file *)(void *)f)->dev;
}

/* How much of len there is at *pos; that much, copied, moves it on. */
static size_t
fits(const struct virtio_pmem *p, uint64_t pos, size_t len)
{
	if (pos >= p->len)
		return 0;
	return len < p->len - pos ? len : p->len - pos;
}

static long
pmem_read(struct file *f, void *to, size_t len, uint64_t *pos)
{
	struct virtio_pmem *p = dev_of(f);

	len = fits(p, *pos, len);
	memcpy(to, p->base + *pos, len);
	*pos += len;
	return (long)len;
}

static long
pmem_write(struct file *f, const void *from, size_t len, uint64_t *pos)
{
	struct virtio_pmem *p = dev_of(f);
	size_t n = fits(p, *pos, len);

	if (n == 0 && len > 0)
		return -ENOSPC;
	memcpy(p->base + *pos, from, n);
	*pos += n;
	return (long)n;
}

static int64_t
pmem_size(struct file *f)
{
	return (int64_t)dev_of(f)->len;
}

static int
pmem_ioctl(struct file *f, unsigned long request, void *arg)
{
	if (request != BLKGETSIZE64)
		return -ENOTTY;
	*(uint64_t *)arg = dev_of(f)->len;
	return 0;
}

static int
pmem_sync(struct file *f)
{
	return virtio_pmem_flush(dev_of(f));
}

static int
pmem_map(struct file *f, uint64_t off, size_t len, void **out)
{
	struct virtio_pmem *p = dev_of(f);

	if (off >= p->len || len > ALIGN_UP(p->len - off, PAGE_SIZE))
		return -ENXIO;
	*out = p->base + off;
	return 0;
}

/* Set as file_map_sync. */
static int
map_sync(uintptr_t addr, size_t len)
{
	struct virtio_pmem *p;
	int err;

	for (p = virtio_pmem_next(NULL); p != NULL; p = virtio_pmem_next(p)) {
		if (addr + len <= (uintptr_t)p->base ||
		    addr >= (uintptr_t)p->base + p->len)
			continue;
		err = virtio_pmem_flush(p);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
pmem_close(struct file *f)
{
	heap_free(f, sizeof(struct pmem_file));
	return 0;
}

static const struct file_ops pmem_ops = {
    .read = pmem_read,
    .write = pmem_write,
    .size = pmem_size,
    .ioctl = pmem_ioctl,
    .sync = pmem_sync,
    .map = pmem_map,
    .close = pmem_close,
};

static int
pmem_open(const struct device_node *node, int flags, struct file **out)
{
	struct pmem_file *f = heap_alloc(sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	file_init(&f->f, &pmem_ops, flags);
	f->dev = ((const struct pmem *)(const void *)node)->dev;
	*out = &f->f;
	return 0;
}

static void
pmem_add(struct virtio_pmem *dev)
{
	struct pmem *p = heap_alloc(sizeof(*p));

	if (p == NULL) {
		log_line("/dev/pmem%u: no memory for it", dev->index);
		return;
	}
	log_text(p->name, sizeof(p->name), "pmem%u", dev->index);
	p->dev = dev;
	p->node.name = p->name;
	p->node.mode = S_IFBLK | 0660;
	p->node.number = DEVICE_NUMBER(PMEM_MAJOR, dev->index);
	p->node.open = pmem_open;
	device_register(&p->node);
}

void
pmem_file_probe(void)
{
	static struct virtio_pmem *last; /* that has a device; vfs.c's lock */
	struct virtio_pmem *dev;

	while ((dev = virtio_pmem_next(last)) != NULL) {
		file_map_sync = map_sync;
		pmem_add(dev);
		last = dev;
	}
}
