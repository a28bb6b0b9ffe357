/* SPDX-License-Identifier: ISC */
/*
 * The host's end of the console protocol: see mux.h and kernel/mux.h.  The
 * guest is not trusted: bytes that break the protocol are shown as data or
 * dropped, and never confuse the parser for longer than one order.
 */
#include "host/mux.h"

#include <string.h>

#include "kernel/mux.h"

static const uint8_t escape_byte[1] = {MUX_ESC};

static int
stream_of(const struct mux *m)
{
	return m->on_stderr ? 2 : 1;
}

static bool
emit_data(
    const struct mux *m, struct mux_event *ev, const uint8_t *p, size_t len)
{
	ev->kind = m->started ? MUX_GOT_DATA : MUX_GOT_FIRMWARE;
	ev->stream = m->started ? stream_of(m) : 0;
	ev->data = p;
	ev->len = len;
	return true;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A digit of MUX_ADDRESS or MUX_EXIT; true when `ev` holds an event. */
static bool
take_digit(struct mux *m, uint8_t c, struct mux_event *ev)
{
	uint8_t want = m->order == MUX_EXIT ? 2 : 16;

	m->digits = m->digits << 4 | (unsigned)hex_value(c);
	if (++m->ndigits < want)
		return false;
	ev->kind = m->order == MUX_EXIT ? MUX_GOT_EXIT : MUX_GOT_ADDRESS;
	ev->stream = stream_of(m);
	ev->value = m->digits;
	m->exited = m->order == MUX_EXIT;
	m->order = 0;
	return true;
}

/* The byte after MUX_ESC; true when `ev` holds an event. */
static bool
take_order(struct mux *m, uint8_t c, struct mux_event *ev)
{
	m->escaped = false;
	if (c == MUX_START) {
		m->started = true;
		m->on_stderr = false;
		ev->kind = MUX_GOT_START;
		return true;
	}
	if (!m->started) { /* noise; but MUX_START may follow at once */
		m->escaped = c == MUX_ESC;
		return false;
	}
	switch (c) {
	case MUX_ESC:
		return emit_data(m, ev, escape_byte, 1);
	case MUX_OUT:
	case MUX_ERR:
		m->on_stderr = c == MUX_ERR;
		break;
	case MUX_ADDRESS:
	case MUX_EXIT:
		m->order = c;
		m->ndigits = 0;
		m->digits = 0;
		break;
	}
	return false;
}

/* Data up to the next MUX_ESC or the end. */
static bool
take_data(struct mux *m, const uint8_t **p, size_t *len, struct mux_event *ev)
{
	const uint8_t *start = *p;
	const uint8_t *esc = memchr(start, MUX_ESC, *len);
	size_t n = esc ? (size_t)(esc - start) : *len;

	*p += n;
	*len -= n;
	return emit_data(m, ev, start, n);
}

/* Uses at least one byte. */
static bool
take_some(struct mux *m, const uint8_t **p, size_t *len, struct mux_event *ev)
{
	uint8_t c = **p;

	if (m->order != 0 && hex_value(c) < 0)
		m->order = 0; /* cut short, by a panic in mid-order say */
	if (m->order == 0 && !m->escaped && c != MUX_ESC)
		return take_data(m, p, len, ev);
	++*p;
	--*len;
	if (m->order != 0)
		return take_digit(m, c, ev);
	if (m->escaped)
		return take_order(m, c, ev);
	m->escaped = true;
	return false;
}

void
mux_next(struct mux *m, const uint8_t **p, size_t *len, struct mux_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	while (*len > 0 && !m->exited) {
		if (take_some(m, p, len, ev))
			return;
	}
	*p += *len;
	*len = 0;
	ev->kind = MUX_GOT_NOTHING;
}

size_t
mux_escape(uint8_t *out, const uint8_t *in, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (in[i] == MUX_ESC)
			out[n++] = MUX_ESC;
		out[n++] = in[i];
	}
	return n;
}
