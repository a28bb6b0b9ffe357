/* SPDX-License-Identifier: ISC */
/*
 * Disks.  A driver registers struct blk_dev (vda, sda, ...); whoever uses one
 * hands it requests, which go into the device's queue in pieces no larger than
 * the device takes, all of a list with one notification.  Buffers are given to
 * the device as they are.
 *
 * A request that has ended either calls `done`, or joins its batch: a list that
 * a thread waits for, or looks at when it likes.  Only those that somebody
 * waits for, and those with `done`, make the device interrupt.
 */
#ifndef KERNEL_BLK_H
#define KERNEL_BLK_H

#include "kernel/kernel.h"

#define BLK_SECTOR    512U    /* the least block */
#define BLK_BLOCK_MAX 65536U  /* the largest block */
#define BLK_SEG_MAX   126U    /* segments of a piece, at most */
#define BLK_PIECE_MAX 4194304 /* bytes of a piece, at most */

enum blk_op {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,   /* what was written is on stable storage */
	BLK_DISCARD, /* the contents are not needed: a hint */
	BLK_ZERO,    /* reads as zeros from now on */
	BLK_COMMAND  /* one that only the driver understands, never split */
};

struct blk_buf { /* laid out as struct iovec */
	void *p;
	size_t len;
};
struct blk_chan;
struct blk_dev;
struct blk_req;

/* Requests that somebody waits for together; zero but for `end`. */
struct blk_batch {
	struct blk_req *first, **end; /* those that have ended, in that order */
	unsigned nended;
	/* blk.c's: */
	unsigned need; /* so many, for the one who waits */
	struct waitq waiter;
	struct blk_batch *next; /* that somebody waits for */
};

struct blk_req {
	/* The submitter's; a multiple of the block size, both: */
	uint64_t off, len;
	const struct blk_buf *buf; /* read or written: they hold len bytes */
	uint8_t op;                /* enum blk_op */
	bool may_free;             /* BLK_ZERO: the blocks may be given back */
	struct blk_req *next;      /* of a list handed in, or of a batch */
	/* Either of them.  `done` is called under the channel's lock, from an
	 * interrupt or from blk_submit: it wakes threads, no more. */
	struct blk_batch *batch;
	void (*done)(struct blk_req *r);
	int err; /* the result: 0 or -errno */
	/* blk.c's, and the driver's to read: */
	struct blk_dev *dev;
	const struct blk_buf *at; /* what the next piece begins with: blk_seg */
	size_t skip;              /* bytes of it that are in pieces */
	uint64_t issued;          /* bytes in pieces, or done */
	unsigned pieces;          /* that the device has */
	uint8_t tries;
	bool waits;           /* not all of it is in pieces */
	bool ended, sleeps;   /* for blk_do, */
	struct waitq sleeper; /* who may sleep there */
};

/* What a driver does, under the channel's lock, interrupts off. */
struct blk_ops {
	/* Puts the next `len` bytes of r into the device's queue: from
	 * r->off + r->issued on; for data, blk_seg says where they are.
	 * -EBUSY: there is no room until a piece comes back; -EIO. */
	int (*add)(struct blk_chan *c, struct blk_req *r, uint64_t len);
	/* Tells the device what was added.  If `after` is not 0, asks for an
	 * interrupt when so many have come back, at the latest; true: there
	 * are some, and none will come. */
	bool (*tell)(struct blk_chan *c, unsigned after);
	/* Calls blk_ended for each piece that has come back. */
	void (*take)(struct blk_chan *c);
	/* Gives up the device, which did not answer in time: what it has comes
	 * back. */
	void (*fail)(struct blk_chan *c);
};

/* The way to one or several disks; zero but for ops and the lock's name. */
struct blk_chan {
	const struct blk_ops *ops;
	struct spinlock lock;
	/* blk.c's: */
	struct blk_req *waiting, **waiting_end; /* for room */
	struct blk_batch *batches;              /* that threads wait for */
	unsigned in_flight;                     /* pieces */
	unsigned urgent;                        /* requests of no batch */
	bool untold;                            /* pieces were added */
};

/* What a disk is like, as its driver found it. */
struct blk_limits {
	uint32_t block;       /* bytes, a power of two: what can be addressed */
	uint32_t physical;    /* bytes that the disk itself writes at once */
	uint32_t align_off;   /* bytes to the first such block */
	uint32_t io_min;      /* bytes: good sizes, or 0 */
	uint32_t io_opt;      /* the same */
	bool read_only;       /* all that changes it ends in -EROFS */
	bool caches;          /* writes are not stable before BLK_FLUSH */
	uint32_t seg_max;     /* segments of a piece */
	uint32_t seg_bytes;   /* bytes of a segment */
	uint32_t piece_bytes; /* of data, all segments together */
	uint64_t discard_bytes; /* of a piece; 0: it can't */
	uint64_t discard_align; /* where pieces had better end, bytes */
	uint64_t zero_bytes;    /* of a piece; 0: it can't */
};

struct blk_dev {
	char name[8];   /* blk_register's */
	unsigned index; /* of those with the same letters; blk_register's */
	uint64_t bytes; /* may change at any time: blk_bytes */
	struct blk_limits lim;
	struct blk_chan *chan;
	struct blk_dev *next; /* blk_next's */
};

static inline uint64_t
blk_bytes(const struct blk_dev *d)
{
	return __atomic_load_n(&d->bytes, __ATOMIC_RELAXED);
}

/* --- for users, from threads --- */

void blk_probe(void); /* all drivers look for disks */
struct blk_dev *blk_next(const struct blk_dev *d); /* NULL: the first */
struct blk_dev *blk_find(const char *name);        /* or NULL */

/* Takes the requests of a list for one disk.  They stay the disk's until they
 * end; one that can't be is ended at once: -EINVAL (beyond the end, not whole
 * blocks), -EROFS, -EOPNOTSUPP. */
void blk_submit(struct blk_dev *d, struct blk_req *list);
/* Ends what the device has done, without waiting for more. */
void blk_poll(struct blk_dev *d);
/* Sleeps until b has at least n.  0, -ETIMEDOUT, -EINTR after
 * thread_interrupt; -EBUSY: another thread waits for b. */
int blk_wait(
    struct blk_dev *d, struct blk_batch *b, unsigned n, uint64_t deadline_ns);
/* Takes the oldest of b, or NULL. */
struct blk_req *blk_take(struct blk_dev *d, struct blk_batch *b);
/* Submits one and waits: its result.  A disk that has not answered at the
 * deadline is given up.  thread_interrupt is kept for later. */
int blk_do(struct blk_dev *d, struct blk_req *r, uint64_t deadline_ns);
/* The same for one buffer, or none, without a deadline. */
int blk_rw(
    struct blk_dev *d, enum blk_op op, uint64_t off, void *p, uint64_t len);

/* --- for drivers --- */

/* Are limits that the host told possible?  Rounds to blocks.  -EINVAL. */
int blk_limits_check(struct blk_limits *l);
/* The disk gets a name, "vd" -> vda, and stays.  -ENOSPC. */
int blk_register(struct blk_dev *d, const char *letters);
/* Bytes that it has now, of which whole blocks count. */
void blk_resize(struct blk_dev *d, uint64_t bytes);
/* What `done` of a queue does: there is something to take. */
void blk_interrupt(struct blk_chan *c);
/* A piece of r came back: 0, -errno; -EAGAIN: it should be tried again. */
void blk_ended(struct blk_chan *c, struct blk_req *r, int err);
/* The next segment of a piece of which `left` bytes are left. */
static inline void
blk_seg(struct blk_req *r, uint64_t left, void **p, uint32_t *len)
{
	size_t n = r->at->len - r->skip;

	while (n == 0) {
		n = (++r->at)->len;
		r->skip = 0;
	}
	if (n > left)
		n = left;
	if (n > r->dev->lim.seg_bytes)
		n = r->dev->lim.seg_bytes;
	*p = (char *)r->at->p + r->skip;
	*len = (uint32_t)n;
	r->skip += n;
}

#endif
