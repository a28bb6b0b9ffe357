/* SPDX-License-Identifier: ISC */
/* Disks for applications: see <sprat/blk.h>. */
#include <sprat/blk.h>

#include <fcntl.h>
#include <string.h>

#include "kernel/blk.h"
#include "libc-shim/io.h"
#include "libc-shim/poll.h"
#include "libc-shim/touch.h"

struct sprat_blk {
	struct blk_dev *dev;
	bool writable;
	unsigned outstanding; /* submitted, and not taken by a wait */
	struct blk_batch batch;
};

_Static_assert(
    sizeof(struct iovec) == sizeof(struct blk_buf) &&
	offsetof(struct iovec, iov_len) == offsetof(struct blk_buf, len),
    "an iovec is a blk_buf");
_Static_assert(
    sizeof(struct blk_req) <= sizeof(((struct sprat_blk_req *)0)->reserved),
    "a blk_req fits in what is reserved");

static struct blk_req *
inner(struct sprat_blk_req *r)
{
	return (struct blk_req *)(void *)r->reserved;
}

static struct sprat_blk_req *
outer(struct blk_req *r)
{
	return CONTAINER_OF(r, struct sprat_blk_req, reserved);
}

PUBLIC struct sprat_blk *
sprat_blk_open(const char *name, int flags)
{
	struct blk_dev *d;
	struct sprat_blk *b;
	int err = 0;

	blk_probe();
	d = blk_find(strncmp(name, "/dev/", 5) == 0 ? name + 5 : name);
	if (d == NULL)
		err = -ENXIO;
	else if ((flags & O_ACCMODE) != O_RDONLY && d->lim.read_only)
		err = -EROFS;
	b = err == 0 ? heap_alloc(sizeof(*b)) : NULL;
	if (b == NULL) {
		posix_result(err != 0 ? err : -ENOMEM);
		return NULL;
	}
	b->dev = d;
	b->writable = (flags & O_ACCMODE) != O_RDONLY;
	return b;
}

PUBLIC int
sprat_blk_close(struct sprat_blk *b)
{
	if (__atomic_load_n(&b->outstanding, __ATOMIC_RELAXED) > 0)
		return (int)posix_result(-EBUSY);
	heap_free(b, sizeof(*b));
	return 0;
}

PUBLIC void
sprat_blk_info(const struct sprat_blk *b, struct sprat_blk_info *info)
{
	const struct blk_limits *l = &b->dev->lim;

	memset(info, 0, sizeof(*info));
	strcpy(info->name, b->dev->name);
	info->bytes = blk_bytes(b->dev);
	info->block = l->block;
	info->physical = l->physical;
	info->io_optimal = l->io_opt;
	info->read_only = l->read_only;
	info->can_discard = l->discard_bytes > 0;
	info->can_zero = l->zero_bytes > 0;
	info->volatile_cache = l->caches;
}

/* The length that the buffers make, or what the caller says. */
static int
length(const struct sprat_blk_req *r, uint64_t *len)
{
	int i;

	*len = r->length;
	if (r->op == SPRAT_BLK_FLUSH)
		*len = 0;
	if (r->op > SPRAT_BLK_WRITE)
		return 0;
	if (r->iovcnt < 0)
		return -EINVAL;
	*len = 0;
	for (i = 0; i < r->iovcnt; i++) {
		if (__builtin_add_overflow(*len, r->iov[i].iov_len, len))
			return -EINVAL;
		touch(r->iov[i].iov_base, r->iov[i].iov_len,
		    r->op == SPRAT_BLK_READ);
	}
	return 0;
}

static int
prepare(struct sprat_blk *b, struct sprat_blk_req *r)
{
	static const uint8_t ops[] = {
	    [SPRAT_BLK_READ] = BLK_READ,
	    [SPRAT_BLK_WRITE] = BLK_WRITE,
	    [SPRAT_BLK_FLUSH] = BLK_FLUSH,
	    [SPRAT_BLK_DISCARD] = BLK_DISCARD,
	    [SPRAT_BLK_ZERO] = BLK_ZERO,
	    [SPRAT_BLK_ZERO_FREE] = BLK_ZERO,
	};
	struct blk_req *in = inner(r);

	if ((unsigned)r->op >= sizeof(ops))
		return -EINVAL;
	if (r->op != SPRAT_BLK_READ && !b->writable)
		return -EBADF;
	memset(in, 0, sizeof(*in));
	in->op = ops[r->op];
	in->may_free = r->op == SPRAT_BLK_ZERO_FREE;
	in->off = r->offset;
	in->buf = (const struct blk_buf *)(const void *)r->iov;
	in->batch = &b->batch;
	return length(r, &in->len);
}

PUBLIC int
sprat_blk_submit(struct sprat_blk *b, struct sprat_blk_req *const *reqs, int n)
{
	struct blk_req *first = NULL, **end = &first;
	int i, err;

	if (n < 0)
		return (int)posix_result(-EINVAL);
	for (i = 0; i < n; i++) {
		err = prepare(b, reqs[i]);
		if (err != 0)
			return (int)posix_result(err);
		*end = inner(reqs[i]);
		end = &(*end)->next;
	}
	__atomic_add_fetch(&b->outstanding, (unsigned)n, __ATOMIC_RELAXED);
	blk_submit(b->dev, first);
	return n;
}

static int
take(struct sprat_blk *b, struct sprat_blk_req **ended, int max)
{
	struct blk_req *r;
	int n;

	for (n = 0; n < max && (r = blk_take(b->dev, &b->batch)) != NULL; n++) {
		ended[n] = outer(r);
		ended[n]->error = -r->err;
	}
	__atomic_sub_fetch(&b->outstanding, (unsigned)n, __ATOMIC_RELAXED);
	return n;
}

PUBLIC int
sprat_blk_wait(struct sprat_blk *b, struct sprat_blk_req **ended, int min,
    int max, const struct timespec *timeout)
{
	unsigned there = __atomic_load_n(&b->outstanding, __ATOMIC_RELAXED);
	unsigned need = (unsigned)min < there ? (unsigned)min : there;
	uint64_t deadline_ns;
	int err = min < 0 || max < min ? -EINVAL
				       : poll_deadline(timeout, &deadline_ns);

	if (err != 0)
		return (int)posix_result(err);
	if (need == 0)
		blk_poll(b->dev);
	io_begin();
	do {
		err = blk_wait(b->dev, &b->batch, need, deadline_ns);
	} while (io_again(err));
	if (err == -EINTR || err == -EBUSY)
		return (int)posix_result(err);
	return take(b, ended, max);
}
