/* SPDX-License-Identifier: ISC */
/*
 * The host's end of the console protocol (kernel/mux.h): a parser that turns
 * the guest's bytes into events, and the escaping of its input.  No input or
 * output happens here.
 */
#ifndef HOST_MUX_H
#define HOST_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mux_kind {
	MUX_GOT_NOTHING,  /* all input is used up: read more */
	MUX_GOT_FIRMWARE, /* data: bytes from before the guest ran */
	MUX_GOT_START,    /* the guest runs */
	MUX_GOT_DATA,     /* data: bytes of `stream`, 1 or 2 */
	MUX_GOT_ADDRESS,  /* value: a code address to be named in `stream` */
	MUX_GOT_EXIT,     /* value: exit status, 0..255; nothing follows */
};

struct mux_event {
	enum mux_kind kind;
	int stream;
	uint64_t value;
	const uint8_t *data; /* points into the input, or to a constant */
	size_t len;
};

struct mux {             /* all zero at the start */
	bool started;    /* MUX_START was seen */
	bool exited;     /* MUX_EXIT was seen: the rest is dropped */
	bool escaped;    /* the last byte was MUX_ESC */
	bool on_stderr;  /* data belongs to stream 2 */
	uint8_t order;   /* MUX_ADDRESS or MUX_EXIT whose digits come; or 0 */
	uint8_t ndigits; /* of them seen so far */
	uint64_t digits;
};

/* The next event in [*p, *p + *len), which is moved past what was used. */
void mux_next(
    struct mux *m, const uint8_t **p, size_t *len, struct mux_event *ev);

/* Escapes input for the guest: `out` has room for 2 * len; bytes put there. */
size_t mux_escape(uint8_t *out, const uint8_t *in, size_t len);

#endif
