/* SPDX-License-Identifier: ISC */
/*
 * FUSE messages: how they are sent, and what is checked of a reply before
 * anybody sees it.  It answers the request it came for, is as long as it says
 * and no longer than was asked, and tells an error or data, not both.  A server
 * that gives another is left alone, as is one that says nothing in time.
 */
#include "libc-shim/fuse.h"

#include <string.h>

#include "libc-shim/linux_abi.h"

#define ERROR_END 512 /* of what a server may say; the rest is Linux's own */

_Static_assert(sizeof(struct fuse_in_header) == 40, "<linux/fuse.h>");
_Static_assert(offsetof(struct fuse_in_header, nodeid) == 16, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_out_header) == 16, "<linux/fuse.h>");
_Static_assert(offsetof(struct fuse_out_header, unique) == 8, "<linux/fuse.h>");
_Static_assert(
    offsetof(struct fuse_batch, one) ==
	sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in),
    "a batch is sent as it lies");

int
fuse_break(struct fuse_fs *fs, const char *why)
{
	virtio_break(fs->channel->vd, "%s", why);
	return -EIO;
}

static uint64_t
deadline(const struct fuse_fs *fs)
{
	return clock_ns() + fs->timeout_ns;
}

static void
header_set(struct fuse_in_header *in, struct fuse_fs *fs, uint32_t opcode,
    uint64_t id, size_t len)
{
	memset(in, 0, sizeof(*in));
	in->len = (uint32_t)len;
	in->opcode = opcode;
	in->unique = __atomic_add_fetch(&fs->unique, 1, __ATOMIC_RELAXED);
	in->nodeid = id;
	in->pid = 1; /* and user 0, as everything in a guest */
}

static void
part_add(struct fuse_req *r, void *p, size_t len)
{
	unsigned n = r->nread + r->nwrite;

	ASSERT(n < FUSE_BUFS);
	r->buf[n].p = p;
	r->buf[n].len = (uint32_t)len;
}

void
fuse_req_init(
    struct fuse_req *r, struct fuse_fs *fs, uint32_t opcode, uint64_t id)
{
	memset(r, 0, sizeof(*r));
	header_set(&r->in, fs, opcode, id, 0);
	fuse_req_part(r, &r->in, sizeof(r->in));
}

void
fuse_req_part(struct fuse_req *r, const void *p, size_t len)
{
	part_add(r, (void *)(uintptr_t)p, len);
	r->nread++;
	r->in.len += (uint32_t)len;
}

void
fuse_req_name(struct fuse_req *r, const char *name)
{
	fuse_req_part(r, name, strlen(name) + 1);
}

void
fuse_req_reply(struct fuse_req *r, void *p, size_t len, bool exact)
{
	part_add(r, &r->out, sizeof(r->out));
	r->nwrite++;
	if (len == 0)
		return;
	part_add(r, p, len);
	r->nwrite++;
	r->reply_max = (uint32_t)len;
	r->reply_exact = exact;
}

int
fuse_req_start(struct fuse_fs *fs, struct fuse_req *r)
{
	if (r->nwrite == 0)
		fuse_req_reply(r, NULL, 0, true);
	return virtio_call_start(&fs->channel->requests, &r->call, r->buf,
	    r->nread, r->nwrite, deadline(fs));
}

/* Bytes behind the header, or the server's error. */
static long
reply_check(struct fuse_fs *fs, const struct fuse_req *r, uint32_t written)
{
	struct fuse_out_header out = r->out;
	uint32_t len = out.len - (uint32_t)sizeof(out);

	if (written < sizeof(out) || out.len < sizeof(out) || out.len > written)
		return fuse_break(fs, "a reply is not as long as it says");
	if (out.unique != r->in.unique)
		return fuse_break(fs, "a reply to another request");
	if (out.error > 0 || out.error <= -ERROR_END)
		return fuse_break(fs, "there is no such error");
	if (out.error != 0 && len == 0)
		return linux_error((uint32_t)-out.error);
	if (out.error != 0 || len > r->reply_max ||
	    (r->reply_exact && len != r->reply_max))
		return fuse_break(fs, "a reply of the wrong length");
	return len;
}

long
fuse_req_finish(struct fuse_fs *fs, struct fuse_req *r)
{
	uint32_t written;
	int err = virtio_call_finish(
	    &fs->channel->requests, &r->call, deadline(fs), &written);

	return err != 0 ? err : reply_check(fs, r, written);
}

int
fuse_call(struct fuse_fs *fs, struct fuse_req *r)
{
	long n = fuse_req_start(fs, r);

	if (n == 0)
		n = fuse_req_finish(fs, r);
	return n < 0 ? (int)n : 0;
}

/* --- forgetting: the server gives no reply --- */

static void
batch_wait(struct fuse_fs *fs, struct fuse_batch *b)
{
	uint32_t written;

	if (!b->in_flight)
		return;
	virtio_call_finish(
	    &fs->channel->forget, &b->call, deadline(fs), &written);
	b->in_flight = false;
}

/* Under forget_lock: sends the one, makes the other the one to be filled. */
static void
batch_send(struct fuse_fs *fs)
{
	struct fuse_batch *b = &fs->batch[fs->filling];
	struct fuse_batch *other = &fs->batch[fs->filling ^= 1];
	struct virtq_buf buf = {
	    b, (uint32_t)offsetof(struct fuse_batch, one) +
		   b->count.count * (uint32_t)sizeof(b->one[0])};

	batch_wait(fs, other);
	other->count.count = 0;
	header_set(&b->in, fs, FUSE_BATCH_FORGET, 0, buf.len);
	b->in_flight = virtio_call_start(&fs->channel->forget, &b->call, &buf,
			   1, 0, deadline(fs)) == 0;
}

void
fuse_forget(struct fuse_fs *fs, uint64_t id, uint64_t nlookup)
{
	struct fuse_forget_one *one;
	struct fuse_batch *b;

	sleeplock_take(&fs->forget_lock);
	b = &fs->batch[fs->filling];
	one = &b->one[b->count.count++];
	one->nodeid = id;
	one->nlookup = nlookup;
	if (b->count.count == FUSE_FORGETS)
		batch_send(fs);
	sleeplock_give(&fs->forget_lock);
}

void
fuse_forget_send(struct fuse_fs *fs)
{
	sleeplock_take(&fs->forget_lock);
	if (fs->batch[fs->filling].count.count > 0)
		batch_send(fs);
	batch_wait(fs, &fs->batch[fs->filling ^ 1]);
	sleeplock_give(&fs->forget_lock);
}
