/* SPDX-License-Identifier: ISC */
/* The list of disks, their names, and what they may be like: see blk.h. */
#include <string.h>

#include "kernel/blk.h"
#include "pv/virtio/virtio_drivers.h"

static struct blk_dev *disks, **disks_end = &disks;
static struct spinlock disks_lock = SPINLOCK("disks");

void
blk_probe(void)
{
	virtio_probe(&virtio_blk_driver);
	virtio_probe(&virtio_scsi_driver);
}

struct blk_dev *
blk_next(const struct blk_dev *d)
{
	uint64_t flags = spin_lock(&disks_lock);
	struct blk_dev *next = d == NULL ? disks : d->next;

	spin_unlock(&disks_lock, flags);
	return next;
}

struct blk_dev *
blk_find(const char *name)
{
	struct blk_dev *d = NULL;

	while ((d = blk_next(d)) != NULL)
		if (strcmp(d->name, name) == 0)
			break;
	return d;
}

static bool
is_power_of_two(uint64_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

int
blk_limits_check(struct blk_limits *l)
{
	if (!is_power_of_two(l->block) || l->block < BLK_SECTOR ||
	    l->block > BLK_BLOCK_MAX)
		return -EINVAL;
	if (l->seg_max == 0 || l->seg_bytes < l->block ||
	    l->piece_bytes < l->block)
		return -EINVAL;
	if (l->seg_max > BLK_SEG_MAX)
		l->seg_max = BLK_SEG_MAX;
	if (l->piece_bytes > BLK_PIECE_MAX)
		l->piece_bytes = BLK_PIECE_MAX;
	l->seg_bytes = ALIGN_DOWN(l->seg_bytes, l->block);
	l->piece_bytes = ALIGN_DOWN(l->piece_bytes, l->block);
	if (l->seg_bytes > l->piece_bytes)
		l->seg_bytes = l->piece_bytes;
	l->discard_bytes = ALIGN_DOWN(l->discard_bytes, l->block);
	l->zero_bytes = ALIGN_DOWN(l->zero_bytes, l->block);
	if (l->discard_align == 0 || l->discard_align % l->block != 0)
		l->discard_align = l->block;
	if (!is_power_of_two(l->physical) || l->physical < l->block)
		l->physical = l->block;
	return 0;
}

void
blk_resize(struct blk_dev *d, uint64_t bytes)
{
	if (bytes > INT64_MAX)
		bytes = INT64_MAX;
	__atomic_store_n(
	    &d->bytes, ALIGN_DOWN(bytes, d->lim.block), __ATOMIC_RELAXED);
}

/* As Linux counts: a to z, aa to zz. */
static void
name_make(struct blk_dev *d, const char *letters)
{
	char *p = d->name + strlen(letters);
	unsigned i = d->index;

	memcpy(d->name, letters, strlen(letters));
	if (i >= 26)
		*p++ = (char)('a' + i / 26 - 1);
	*p++ = (char)('a' + i % 26);
	*p = '\0';
}

int
blk_register(struct blk_dev *d, const char *letters)
{
	struct blk_dev *other;
	uint64_t flags;
	int err = 0;

	flags = spin_lock(&disks_lock);
	d->index = 0;
	for (other = disks; other != NULL; other = other->next)
		if (strncmp(other->name, letters, strlen(letters)) == 0)
			d->index++;
	if (d->index < 26 * 27) {
		name_make(d, letters);
		d->next = NULL;
		*disks_end = d;
		disks_end = &d->next;
	} else {
		err = -ENOSPC;
	}
	spin_unlock(&disks_lock, flags);
	return err;
}
