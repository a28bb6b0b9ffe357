/* SPDX-License-Identifier: ISC */
/*
 * The console protocol's parser: every order, cut at every place, and bytes
 * that break the protocol.
 */
/* LINK: host/mux.c host/text.c host/util.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/mux.h"
#include "host/text.h"
#include "kernel/mux.h"

#define ESC "\x10"

/* The events of `in` as text, fed in pieces of `step` bytes; "[f:..]" is
 * firmware, "[1:..]" a stream.  Data of neighbouring events is joined. */
static char *
transcript(const char *in, size_t len, size_t step)
{
	struct text t = {0};
	struct mux m = {0};
	struct mux_event ev;
	char last = 0, now;
	const uint8_t *p;
	size_t at, n;

	for (at = 0; at < len; at += step) {
		/* an exact copy, so that sanitizers see a read too far */
		n = len - at < step ? len - at : step;
		uint8_t *piece = malloc(n);
		memcpy(piece, in + at, n);
		p = piece;
		for (;;) {
			mux_next(&m, &p, &n, &ev);
			if (ev.kind == MUX_GOT_NOTHING)
				break;
			now = ev.kind == MUX_GOT_FIRMWARE ? 'f'
			      : ev.kind == MUX_GOT_DATA   ? '0' + ev.stream
							  : 0;
			if (now != 0 && now != last)
				text_addf(&t, "%c:", now);
			last = now;
			if (now != 0)
				text_add(&t, ev.data, ev.len);
			else if (ev.kind == MUX_GOT_START)
				text_adds(&t, "[start]");
			else
				text_addf(&t, "[%c%d %" PRIx64 "]",
				    ev.kind == MUX_GOT_EXIT ? 'x' : 'a',
				    ev.stream, ev.value);
		}
		assert_int_equal(n, 0);
		free(piece);
	}
	return text_take(&t);
}

static void
check(const char *in, size_t len, const char *want)
{
	size_t step;
	char *got;

	for (step = 1; step <= len; step++) {
		got = transcript(in, len, step);
		assert_string_equal(got, want);
		free(got);
	}
}

#define CHECK(in, want) check(in, sizeof(in) - 1, want)

static void
test_streams(void **state)
{
	(void)state;
	CHECK(ESC "Shello" ESC "2oops" ESC "1again",
	    "[start]1:hello2:oops1:again");
	CHECK(ESC "Sa" ESC ESC "b", "[start]1:a\x10"
				    "b");
	CHECK(ESC "S" ESC "2" ESC ESC ESC "1x", "[start]2:\x10"
						"1:x");
}

static void
test_firmware_comes_first(void **state)
{
	(void)state;
	CHECK("bios 1.0\r\n" ESC "Sx", "f:bios 1.0\r\n[start]1:x");
	CHECK("a" ESC "1b" ESC "x07c" ESC "Sx", "f:ab07c[start]1:x");
	CHECK("noise" ESC ESC "Sx", "f:noise[start]1:x");
}

static void
test_exit(void **state)
{
	(void)state;
	CHECK(ESC "Sx" ESC "x07", "[start]1:x[x1 7]");
	CHECK(ESC "S" ESC "xffmore" ESC "x01", "[start][x1 ff]");
	CHECK(ESC "S" ESC "2" ESC "xFE", "[start][x2 fe]");
	CHECK(ESC "S" ESC "x0", "[start]");
}

static void
test_address(void **state)
{
	(void)state;
	CHECK(ESC "S" ESC "2at " ESC "a0000000000101234\n",
	    "[start]2:at [a2 101234]2:\n");
	CHECK(ESC "S" ESC "affffffffffffffff", "[start][a1 ffffffffffffffff]");
}

static void
test_broken_orders(void **state)
{
	(void)state;
	/* unknown: dropped */
	CHECK(ESC "S" ESC "qrest", "[start]1:rest");
	/* digits that are none end the order */
	CHECK(ESC "S" ESC "x0zrest", "[start]1:zrest");
	CHECK(ESC "S" ESC "a12" ESC "2panic", "[start]2:panic");
	CHECK(ESC "S" ESC "x" ESC "x05", "[start][x1 5]");
}

static void
test_random_bytes(void **state)
{
	static const char alphabet[] = ESC ESC ESC "S12ax0f\n\xff";
	char in[40], *one, *all;
	unsigned i, round;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < sizeof(in); i++)
			in[i] =
			    alphabet[(unsigned)rand() % (sizeof(alphabet) - 1)];
		one = transcript(in, sizeof(in), 1);
		all = transcript(in, sizeof(in), sizeof(in));
		assert_string_equal(one, all);
		free(one);
		free(all);
	}
}

static void
test_escape(void **state)
{
	uint8_t out[10];

	(void)state;
	assert_int_equal(mux_escape(out,
			     (const uint8_t *)"a\x10"
					      "b\x10",
			     4),
	    6);
	assert_memory_equal(out,
	    "a\x10\x10"
	    "b\x10\x10",
	    6);
	assert_int_equal(mux_escape(out, (const uint8_t *)"", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_streams),
	    cmocka_unit_test(test_firmware_comes_first),
	    cmocka_unit_test(test_exit),
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_broken_orders),
	    cmocka_unit_test(test_random_bytes),
	    cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
