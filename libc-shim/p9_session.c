/* SPDX-License-Identifier: ISC */
/* Requests, replies, tags and fids; see p9_session.h. */
#include "libc-shim/p9_session.h"

#include <string.h>

#include "libc-shim/linux_abi.h"

#define VERSION        "9P2000.L"
#define FID_ROOM_FIRST 64

/* --- tags and fids --- */

static int
tag_take(struct p9_session *s, bool wait, uint64_t deadline_ns, uint16_t *tag)
{
	bool interrupted = false;
	int err = 0;

	sleeplock_take(&s->lock);
	if (s->tags == UINT64_MAX && !wait)
		err = -EAGAIN;
	while (s->tags == UINT64_MAX && err == 0) {
		err = sleeplock_wait(&s->lock, &s->tag_room, deadline_ns);
		if (err == -EINTR) {
			interrupted = true;
			err = 0;
		}
	}
	if (err == 0) {
		*tag = (uint16_t)__builtin_ctzll(~s->tags);
		s->tags |= 1ULL << *tag;
	}
	sleeplock_give(&s->lock);
	if (interrupted) /* it was meant for a sleep that comes later */
		thread_interrupt(thread_current());
	return err;
}

static void
tag_give(struct p9_session *s, uint16_t tag)
{
	sleeplock_take(&s->lock);
	s->tags &= ~(1ULL << tag);
	sleeplock_wake(&s->lock, &s->tag_room, 1);
	sleeplock_give(&s->lock);
}

int
p9_fid_take(struct p9_session *s, uint32_t *fid)
{
	int err = 0;

	sleeplock_take(&s->lock);
	if (s->nfree > 0)
		*fid = s->fid_free[--s->nfree];
	else if (s->fid_next < P9_NOFID)
		*fid = s->fid_next++;
	else
		err = -ENFILE;
	sleeplock_give(&s->lock);
	return err;
}

/* Room to note one more.  Without memory the number is lost, one of 2^32. */
static bool
fid_room(struct p9_session *s)
{
	uint32_t room = s->fid_room == 0 ? FID_ROOM_FIRST : 2 * s->fid_room;
	uint32_t *more;

	if (s->nfree < s->fid_room)
		return true;
	more = heap_alloc(room * sizeof(*more));
	if (more == NULL)
		return false;
	if (s->nfree > 0)
		memcpy(more, s->fid_free, s->nfree * sizeof(*more));
	heap_free(s->fid_free, s->fid_room * sizeof(*more));
	s->fid_free = more;
	s->fid_room = room;
	return true;
}

void
p9_fid_give(struct p9_session *s, uint32_t fid)
{
	sleeplock_take(&s->lock);
	if (fid_room(s))
		s->fid_free[s->nfree++] = fid;
	sleeplock_give(&s->lock);
}

void
p9_clunk(struct p9_session *s, const uint32_t *fid, unsigned n)
{
	struct p9_io m[P9_CLUNK_MAX];
	bool started[P9_CLUNK_MAX];
	unsigned i;

	ASSERT(n <= P9_CLUNK_MAX);
	for (i = 0; i < n; i++) {
		started[i] = false;
		p9_io_init(&m[i], P9_TCLUNK);
		p9_put(&m[i].c.out, fid[i], 4);
		if (fid[i] != P9_NOFID)
			started[i] = p9_start(s, &m[i].c, false) == 0;
	}
	for (i = 0; i < n; i++)
		if (started[i])
			p9_finish(s, &m[i].c);
	/* Tags were short: now that we hold none, we may wait for one. */
	for (i = 0; i < n; i++)
		if (!started[i] && fid[i] != P9_NOFID)
			p9_call(s, &m[i].c);
	for (i = 0; i < n; i++)
		if (fid[i] != P9_NOFID) /* gone, whatever came back */
			p9_fid_give(s, fid[i]);
}

/* --- requests and replies --- */

static void
call_init(struct p9_call *c, enum p9_type type, uint8_t *out, uint32_t out_len,
    uint8_t *in, uint8_t *shared, uint32_t in_len)
{
	memset(c, 0, sizeof(*c));
	c->type = type;
	c->out = (struct p9_msg){out, out_len, P9_HEADER, false};
	c->in = (struct p9_msg){in, in_len, 0, false};
	c->shared = shared;
}

void
p9_small_init(struct p9_small *m, enum p9_type type)
{
	call_init(&m->c, type, m->out, sizeof(m->out), m->in, m->shared,
	    sizeof(m->in));
}

void
p9_io_init(struct p9_io *m, enum p9_type type)
{
	call_init(&m->c, type, m->out, sizeof(m->out), m->in, m->shared,
	    sizeof(m->in));
}

/* The message as the channel wants it. */
static void
request_fill(struct p9_call *c)
{
	struct p9_request *r = &c->rq;
	struct p9_msg header = {c->out.p, P9_HEADER, 0, false};
	uint32_t size = c->out.at + (c->data_in ? 0 : c->data_len);

	p9_put(&header, size, 4);
	p9_put(&header, c->type, 1);
	p9_put(&header, c->type == P9_TVERSION ? P9_NOTAG : r->tag, 2);
	r->buf[0] = (struct p9_buf){c->out.p, c->out.at};
	r->nout = r->nin = 1;
	if (c->data_len > 0 && !c->data_in)
		r->buf[r->nout++] = (struct p9_buf){c->data, c->data_len};
	r->buf[r->nout] = (struct p9_buf){c->shared, c->in.len};
	if (c->data_len > 0 && c->data_in)
		r->buf[r->nout + r->nin++] =
		    (struct p9_buf){c->data, c->data_len};
}

static bool
over(const struct p9_session *s)
{
	return s->broken || s->channel->restarts != s->restarts;
}

int
p9_start(struct p9_session *s, struct p9_call *c, bool wait)
{
	int err;

	if (c->out.bad)
		return -ENAMETOOLONG;
	if (over(s))
		return -EIO;
	c->rq.deadline_ns = c->patient ? NS_NEVER : clock_ns() + P9_ANSWER_NS;
	err = tag_take(s, wait, c->rq.deadline_ns, &c->rq.tag);
	if (err == 0) {
		request_fill(c);
		err = s->channel->ops->start(s->channel, &c->rq);
		if (err != 0)
			tag_give(s, c->rq.tag);
	}
	if (err == -ETIMEDOUT) /* what is under way does not come back */
		err = p9_session_fail(s, "no answer");
	return err;
}

/* What is wrong with a reply of which `got` bytes came; NULL if nothing. */
static const char *
reply_error(struct p9_call *c, uint32_t got)
{
	uint32_t room = c->in.len + (c->data_in ? c->data_len : 0);
	uint16_t tag = c->type == P9_TVERSION ? P9_NOTAG : c->rq.tag;
	uint8_t type;

	if (got > room)
		return "a reply is longer than its room";
	if (c->in.len > got)
		c->in.len = got;
	memcpy(c->in.p, c->shared, c->in.len);
	c->size = (uint32_t)p9_get(&c->in, 4);
	type = (uint8_t)p9_get(&c->in, 1);
	if (p9_get(&c->in, 2) != tag || c->in.bad)
		return "a reply has another tag";
	if (c->size < P9_HEADER || c->size > got)
		return "a reply has a false size";
	if (c->in.len > c->size)
		c->in.len = c->size;
	if (type != P9_RLERROR && type != c->type + 1)
		return "a reply is of another type";
	c->type = type;
	return NULL;
}

int
p9_finish(struct p9_session *s, struct p9_call *c)
{
	const char *why;
	uint32_t got, error;
	int err = s->channel->ops->finish(s->channel, &c->rq, &got);

	tag_give(s, c->rq.tag);
	if (err != 0)
		return err;
	if (over(s))
		return -EIO;
	why = reply_error(c, got);
	if (why != NULL)
		return p9_session_fail(s, why);
	if (c->type != P9_RLERROR)
		return 0;
	error = (uint32_t)p9_get(&c->in, 4);
	err = p9_checked(s, c);
	return err != 0 ? err : linux_error(error);
}

int
p9_call(struct p9_session *s, struct p9_call *c)
{
	int err = p9_start(s, c, true);

	return err != 0 ? err : p9_finish(s, c);
}

int
p9_checked(struct p9_session *s, const struct p9_call *c)
{
	return c->in.bad ? p9_session_fail(s, "a reply ends too early") : 0;
}

/* --- the session --- */

int
p9_session_fail(struct p9_session *s, const char *why)
{
	if (!__atomic_exchange_n(&s->broken, true, __ATOMIC_RELAXED))
		s->channel->ops->fail(s->channel, why);
	return -EIO;
}

/* [9P] version: the server may lower msize, and says "unknown" if it does not
 * speak the version. */
static int
version(struct p9_session *s)
{
	struct p9_small m;
	char name[16];
	int err;

	p9_small_init(&m, P9_TVERSION);
	p9_put(&m.c.out, P9_MSIZE, 4);
	p9_put_string(&m.c.out, VERSION);
	err = p9_call(s, &m.c);
	if (err != 0)
		return err;
	s->msize = (uint32_t)p9_get(&m.c.in, 4);
	p9_get_string(&m.c.in, name, sizeof(name));
	if (m.c.in.bad || strcmp(name, VERSION) != 0 ||
	    s->msize < P9_MSIZE_MIN || s->msize > P9_MSIZE)
		return -EPROTO;
	return 0;
}

int
p9_session_begin(struct p9_session *s, const char *tag)
{
	int err;

	memset(s, 0, sizeof(*s));
	err = p9_channel_take(tag, &s->channel);
	if (err != 0)
		return err;
	s->restarts = s->channel->restarts;
	err = version(s);
	if (err != 0)
		p9_channel_give(s->channel);
	return err;
}

void
p9_session_end(struct p9_session *s)
{
	heap_free(s->fid_free, s->fid_room * sizeof(*s->fid_free));
	p9_channel_give(s->channel);
}
