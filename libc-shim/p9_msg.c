/* SPDX-License-Identifier: ISC */
/* Fields of 9P messages; see p9_msg.h. */
#include "libc-shim/p9_msg.h"

#include <string.h>

/* The next bytes of m, or NULL if there are not so many. */
static uint8_t *
advance(struct p9_msg *m, uint32_t bytes)
{
	uint8_t *p = m->p + m->at;

	if (m->bad || bytes > m->len - m->at) {
		m->bad = true;
		return NULL;
	}
	m->at += bytes;
	return p;
}

void
p9_put(struct p9_msg *m, uint64_t v, unsigned bytes)
{
	uint8_t *p = advance(m, bytes);

	if (p != NULL)
		memcpy(p, &v, bytes); /* little-endian, as we are */
}

void
p9_put_string(struct p9_msg *m, const char *s)
{
	size_t len = strlen(s);
	uint8_t *p;

	if (len > UINT16_MAX)
		m->bad = true;
	p9_put(m, len, 2);
	p = advance(m, (uint32_t)len);
	if (p != NULL)
		memcpy(p, s, len);
}

uint64_t
p9_get(struct p9_msg *m, unsigned bytes)
{
	const uint8_t *p = advance(m, bytes);
	uint64_t v = 0;

	if (p != NULL)
		memcpy(&v, p, bytes);
	return v;
}

struct p9_qid
p9_get_qid(struct p9_msg *m)
{
	struct p9_qid q;

	q.type = (uint8_t)p9_get(m, 1);
	p9_skip(m, 4); /* its version */
	q.path = p9_get(m, 8);
	return q;
}

void
p9_get_string(struct p9_msg *m, char *out, size_t room)
{
	uint32_t len = (uint32_t)p9_get(m, 2);
	const uint8_t *p = advance(m, len);

	if (p != NULL && len < room) {
		memcpy(out, p, len);
		out[len] = '\0';
		m->bad = strlen(out) != len;
	} else {
		m->bad = true;
	}
	if (m->bad)
		out[0] = '\0';
}

void
p9_skip(struct p9_msg *m, uint32_t bytes)
{
	advance(m, bytes);
}
