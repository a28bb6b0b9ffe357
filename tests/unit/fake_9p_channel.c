/* SPDX-License-Identifier: ISC */
/* The channel to the server in memory: see fake_9p.h. */
#include <string.h>

#include "libc-shim/p9_msg.h"
#include "tests/unit/fake_9p.h"

#define REPLY_MAX (1U << 20)

static uint8_t request[REPLY_MAX], reply[REPLY_MAX];

static void
serve(uint32_t len, uint32_t *reply_len)
{
	struct p9_msg in = {request, len, 0, false};
	struct p9_msg out = {reply, REPLY_MAX, P9_HEADER, false};
	uint32_t size = (uint32_t)p9_get(&in, 4), error;
	uint8_t type = (uint8_t)p9_get(&in, 1);
	uint16_t tag = (uint16_t)p9_get(&in, 2);

	ASSERT(size == len && (type == P9_TVERSION) == (tag == P9_NOTAG));
	fake_9p.ntype[type]++;
	error = fake_9p_answer(type, &in, &out);
	ASSERT(!in.bad && !out.bad);
	if (error != 0) {
		out.at = P9_HEADER;
		p9_put(&out, error, 4);
	}
	*reply_len = out.at;
	out.at = 0;
	p9_put(&out, *reply_len, 4);
	p9_put(&out, error != 0 ? P9_RLERROR : type + 1, 1);
	p9_put(&out, tag, 2);
	if (fake_9p.lie != NULL)
		fake_9p.lie(type, reply, reply_len);
}

static int
fake_start(struct p9_channel *c, struct p9_request *r)
{
	ASSERT(c == &fake_9p.channel && r->tag < P9_TAGS);
	ASSERT(r->nout + r->nin <= P9_BUFS && r->nout > 0 && r->nin > 0);
	ASSERT(!(fake_9p.tags & 1ULL << r->tag));
	if (fake_9p.nfailed > 0)
		return -EIO;
	fake_9p.tags |= 1ULL << r->tag;
	fake_9p.nrequests++;
	fake_9p.deadline_ns = r->deadline_ns;
	if (++fake_9p.under_way > fake_9p.most_under_way)
		fake_9p.most_under_way = fake_9p.under_way;
	return 0;
}

static int
fake_finish(struct p9_channel *c, struct p9_request *r, uint32_t *got)
{
	uint32_t len = 0, at = 0, n, i;

	(void)c;
	fake_9p.under_way--;
	fake_9p.tags &= ~(1ULL << r->tag);
	*got = 0;
	if (fake_9p.nfailed > 0)
		return -EIO;
	for (i = 0; i < r->nout; i++) {
		ASSERT(r->buf[i].len > 0 && len + r->buf[i].len < REPLY_MAX);
		memcpy(request + len, r->buf[i].p, r->buf[i].len);
		len += r->buf[i].len;
	}
	serve(len, got);
	for (; i < (uint32_t)r->nout + r->nin; i++) {
		n = *got - at < r->buf[i].len ? *got - at : r->buf[i].len;
		memcpy(r->buf[i].p, reply + at, n);
		at += n;
	}
	/* A server must have room for its answer. */
	ASSERT(at == *got || fake_9p.lie != NULL);
	return 0;
}

static void
fake_fail(struct p9_channel *c, const char *why)
{
	(void)c;
	ASSERT(why != NULL);
	fake_9p.nfailed++;
}

const struct p9_channel_ops fake_9p_ops = {
    .start = fake_start,
    .finish = fake_finish,
    .fail = fake_fail,
};

int
p9_channel_take(const char *tag, struct p9_channel **out)
{
	if (strcmp(tag, FAKE_9P_TAG) != 0)
		return -ENODEV;
	if (fake_9p.channel.taken)
		return -EBUSY;
	fake_9p.channel.taken = true;
	*out = &fake_9p.channel;
	return 0;
}

void
p9_channel_give(struct p9_channel *c)
{
	ASSERT(c->taken && fake_9p.under_way == 0);
	c->taken = false;
}
