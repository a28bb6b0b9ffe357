/* SPDX-License-Identifier: ISC */
/*
 * Disks with many requests in flight.  Requests are handed in together, with
 * one notification of the host, and waited for together, with one interrupt;
 * data goes straight between the disk and the caller's memory.
 *
 *	struct sprat_blk *b = sprat_blk_open("vda", O_RDWR);
 *	struct iovec v = {buf, 4096};
 *	struct sprat_blk_req r = {.op = SPRAT_BLK_READ, .iov = &v, .iovcnt = 1};
 *	struct sprat_blk_req *p = &r;
 *
 *	sprat_blk_submit(b, &p, 1);
 *	sprat_blk_wait(b, &p, 1, 1, NULL);
 *	if (r.error != 0)
 *		...
 *
 * Requests may end in any order, and those in flight together that overlap have
 * no order at all.  Functions return -1 and set errno where it says so.
 */
#ifndef SPRAT_BLK_H
#define SPRAT_BLK_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

enum sprat_blk_op {
	SPRAT_BLK_READ,
	SPRAT_BLK_WRITE,
	SPRAT_BLK_FLUSH, /* all writes that have ended are on stable storage */
	SPRAT_BLK_DISCARD,  /* the contents are not needed any more: a hint */
	SPRAT_BLK_ZERO,     /* they are zeros from now on */
	SPRAT_BLK_ZERO_FREE /* the same, and the host may free the space */
};

struct sprat_blk_req {
	/* Set by the caller, who keeps all of it until the request has ended.
	 * `offset` and the length are multiples of the block size. */
	enum sprat_blk_op op;
	uint64_t offset;         /* bytes */
	const struct iovec *iov; /* READ, WRITE: the memory */
	int iovcnt;
	uint64_t length; /* DISCARD, ZERO: bytes */
	void *user;      /* the caller's own */
	/* Set when it has ended: 0 or an error number.  EINVAL: beyond the end
	 * of the disk, or not whole blocks; EROFS; EOPNOTSUPP: the disk does
	 * not know the operation; EIO. */
	int error;
	uint64_t reserved[20]; /* the library's */
};

struct sprat_blk_info {
	char name[16];
	uint64_t bytes;      /* now: a host may change it */
	uint32_t block;      /* bytes: the unit of requests */
	uint32_t physical;   /* bytes that the disk writes at once */
	uint32_t io_optimal; /* bytes of a good request, or 0 */
	int read_only;
	int can_discard, can_zero;
	int volatile_cache; /* writes are not stable before a FLUSH */
};

struct sprat_blk; /* an open disk */

#ifdef __cplusplus
extern "C" {
#endif

/* `name` as in /dev, with or without "/dev/"; flags O_RDONLY or O_RDWR.  NULL:
 * ENXIO: there is no such disk; EROFS; ENOMEM. */
struct sprat_blk *sprat_blk_open(const char *name, int flags);
/* Frees b.  -1, EBUSY: not all requests have been waited for. */
int sprat_blk_close(struct sprat_blk *b);
/* What the disk is like; `bytes` as of now. */
void sprat_blk_info(const struct sprat_blk *b, struct sprat_blk_info *info);

/* Hands in n requests, and does not sleep; what does not fit in the device's
 * queue waits its turn.  -1, EINVAL: one of them makes no sense, EBADF: one
 * writes and the disk is open for reading; then none is handed in. */
int sprat_blk_submit(
    struct sprat_blk *b, struct sprat_blk_req *const *reqs, int n);

/*
 * Waits until at least `min` requests have ended (or all there are, if they are
 * fewer), and takes up to `max`: how many.  With min 0 it only looks.  Less
 * than min after `timeout` (NULL: none).  -1, EINTR; EBUSY: another thread
 * waits; EINVAL: min is negative or above max.
 */
int sprat_blk_wait(struct sprat_blk *b, struct sprat_blk_req **ended, int min,
    int max, const struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif
