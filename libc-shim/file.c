/* SPDX-License-Identifier: ISC */
/* What all open files share: references, positions, argument checks. */
#include "libc-shim/file.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "libc-shim/vfs.h"

void (*file_flock_end)(struct file *f);

void
file_init(struct file *f, const struct file_ops *ops, int flags)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->refs = 1;
	f->flags = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC);
}

int
file_end(struct file *f)
{
	struct node *n = f->node;
	int err = 0;

	if (file_flock_end != NULL)
		file_flock_end(f);
	if (f->ops->close != NULL)
		err = f->ops->close(f);
	node_put(n);
	return err;
}

static bool
readable(const struct file *f)
{
	return f->ops->read != NULL && (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool
writable(const struct file *f)
{
	return f->ops->write != NULL && (f->flags & O_ACCMODE) != O_RDONLY;
}

long
file_read(struct file *f, void *p, size_t len)
{
	long n;

	if (!readable(f))
		return -EBADF;
	if (len > LONG_MAX)
		return -EINVAL;
	if (f->ops->size == NULL)
		return f->ops->read(f, p, len, NULL);
	sleeplock_take(&f->lock);
	n = f->ops->read(f, p, len, &f->pos);
	sleeplock_give(&f->lock);
	return n;
}

/* What is written with O_SYNC is stable, or the write has failed. */
static long
write_stable(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	long n = f->ops->write(f, p, len, pos);
	int err = 0;

	if (n > 0 && (f->flags & O_SYNC) && f->ops->sync != NULL)
		err = f->ops->sync(f);
	return err != 0 ? err : n;
}

static long
write_at_pos(struct file *f, const void *p, size_t len)
{
	uint64_t pos;
	long n;

	sleeplock_take(&f->lock);
	pos = f->flags & O_APPEND ? FILE_END : f->pos;
	n = write_stable(f, p, len, &pos);
	if (n > 0)
		f->pos = pos;
	sleeplock_give(&f->lock);
	return n;
}

long
file_write(struct file *f, const void *p, size_t len)
{
	if (!writable(f))
		return -EBADF;
	if (len > LONG_MAX)
		return -EINVAL;
	if (f->ops->size == NULL)
		return f->ops->write(f, p, len, NULL);
	return write_at_pos(f, p, len);
}

long
file_pread(struct file *f, void *p, size_t len, int64_t off)
{
	uint64_t pos = (uint64_t)off;

	if (!readable(f))
		return -EBADF;
	if (f->ops->size == NULL)
		return -ESPIPE;
	if (off < 0 || len > LONG_MAX)
		return -EINVAL;
	return f->ops->read(f, p, len, &pos);
}

long
file_pwrite(struct file *f, const void *p, size_t len, int64_t off)
{
	uint64_t pos = (uint64_t)off;

	if (!writable(f))
		return -EBADF;
	if (f->ops->size == NULL)
		return -ESPIPE;
	if (off < 0 || len > LONG_MAX)
		return -EINVAL;
	return write_stable(f, p, len, &pos);
}

/* Under f->lock. */
static int64_t
seek_from(struct file *f, int64_t off, int whence)
{
	int64_t base = 0;

	if (whence == SEEK_CUR)
		base = (int64_t)f->pos;
	else if (whence == SEEK_END)
		base = f->ops->size(f);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (base < 0)
		return base;
	if (__builtin_add_overflow(base, off, &base))
		return -EOVERFLOW;
	if (base < 0)
		return -EINVAL;
	f->pos = (uint64_t)base;
	return base;
}

int64_t
file_seek(struct file *f, int64_t off, int whence)
{
	int64_t r;

	if (f->ops->size == NULL)
		return -ESPIPE;
	sleeplock_take(&f->lock);
	r = seek_from(f, off, whence);
	sleeplock_give(&f->lock);
	return r;
}

int
file_fstat(struct file *f, struct stat *st)
{
	int err;

	if (f->node != NULL) {
		err = f->node->ops->getattr(f->node, st);
		if (err == 0 && S_ISBLK(st->st_mode) && f->ops->size != NULL)
			st->st_size = f->ops->size(f);
		return err;
	}
	memset(st, 0, sizeof(*st));
	return f->ops->fstat == NULL ? -EBADF : f->ops->fstat(f, st);
}
