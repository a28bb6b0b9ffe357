/* SPDX-License-Identifier: ISC */
/*
 * flock: locks between open files, which closing them drops.  Those held are
 * in one list, for they are few.
 */
#include <sys/file.h>

#include "libc-shim/io.h"

struct held {
	struct held *next;
	struct file *file; /* not a reference: the lock ends with the file */
	bool exclusive;
};

static struct sleeplock lock;
static struct waitq waiting;
static struct held *list;

static struct held **
find(const struct file *f)
{
	struct held **p = &list;

	while (*p != NULL && (*p)->file != f)
		p = &(*p)->next;
	return p;
}

static bool
conflicts(const struct file *f, bool exclusive)
{
	const struct held *h;

	for (h = list; h != NULL; h = h->next)
		if (h->file != f && h->file->node == f->node &&
		    (exclusive || h->exclusive))
			return true;
	return false;
}

static void
drop_locked(struct file *f)
{
	struct held **p = find(f), *h = *p;

	if (h == NULL)
		return;
	*p = h->next;
	heap_free(h, sizeof(*h));
	sleeplock_wake(&lock, &waiting, -1U);
}

static void
drop(struct file *f)
{
	sleeplock_take(&lock);
	drop_locked(f);
	sleeplock_give(&lock);
}

static int
take_locked(struct file *f, bool exclusive, bool wait)
{
	struct held *h;
	int err;

	/* A lock of the other kind is given up first, as the calls of other
	 * systems do: it is no atomic change. */
	drop_locked(f);
	while (conflicts(f, exclusive)) {
		if (!wait)
			return -EWOULDBLOCK;
		err = sleeplock_wait(&lock, &waiting, NS_NEVER);
		if (err != 0)
			return err;
	}
	h = heap_alloc(sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	h->file = f;
	h->exclusive = exclusive;
	h->next = list;
	list = h;
	file_flock_end = drop;
	return 0;
}

static int
flock_file(struct file *f, int op)
{
	int kind = op & ~LOCK_NB, err = 0;

	if (f->node == NULL ||
	    (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN))
		return -EINVAL;
	sleeplock_take(&lock);
	if (kind == LOCK_UN)
		drop_locked(f);
	else
		err = take_locked(f, kind == LOCK_EX, !(op & LOCK_NB));
	sleeplock_give(&lock);
	return err;
}

PUBLIC int
flock(int fd, int op)
{
	struct file *f;
	int r;

	io_begin();
	do {
		f = file_get(fd);
		r = f == NULL ? -EBADF : flock_file(f, op);
		if (f != NULL)
			file_put(f);
	} while (io_again(r));
	return (int)posix_result(r);
}
