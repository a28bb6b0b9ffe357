/* SPDX-License-Identifier: ISC */
/*
 * memcpy and its kin against the host's, at every length around their changes
 * of method, unaligned, and overlapping in every way.
 */
/* LINK: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void *our_memcpy(void *to, const void *from, size_t len);
static void *our_memmove(void *to, const void *from, size_t len);
static void *our_memset(void *to, int c, size_t len);
static int our_memcmp(const void *a, const void *b, size_t len);

#define memcpy	our_memcpy
#define memmove our_memmove
#define memset	our_memset
#define memcmp	our_memcmp
#include "libc-shim/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#define LEN_MAX 600
#define ROOM	(LEN_MAX + 64)

static uint8_t ours[ROOM], theirs[ROOM], from[ROOM];

static void
fill(void)
{
	unsigned i;

	for (i = 0; i < ROOM; i++) {
		ours[i] = theirs[i] = (uint8_t)(i * 7 + 1);
		from[i] = (uint8_t)(i * 13 + 5);
	}
}

static void
copies(void **state)
{
	size_t len, to, at;

	(void)state;
	for (len = 0; len <= LEN_MAX; len++)
		for (to = 0; to < 9; to++)
			for (at = 0; at < 9; at += 4) {
				fill();
				memcpy(theirs + to, from + at, len);
				assert_ptr_equal(our_memcpy(ours + to,
				    from + at, len), ours + to);
				assert_memory_equal(ours, theirs, ROOM);
			}
}

static void
overlapping_moves(void **state)
{
	size_t len, to, at;

	(void)state;
	for (len = 0; len <= LEN_MAX; len += len < 80 ? 1 : 37)
		for (to = 0; to < 40; to++)
			for (at = 0; at < 40; at++) {
				fill();
				memmove(theirs + to, theirs + at, len);
				assert_ptr_equal(our_memmove(ours + to,
				    ours + at, len), ours + to);
				assert_memory_equal(ours, theirs, ROOM);
			}
}

static void
fills(void **state)
{
	size_t len, to;

	(void)state;
	for (len = 0; len <= LEN_MAX; len++)
		for (to = 0; to < 9; to++) {
			fill();
			memset(theirs + to, 0x1a5, len);
			assert_ptr_equal(our_memset(ours + to, 0x1a5, len),
			    ours + to);
			assert_memory_equal(ours, theirs, ROOM);
		}
}

static int
sign(int x)
{
	return (x > 0) - (x < 0);
}

static void
comparisons(void **state)
{
	size_t len, at;

	(void)state;
	for (len = 0; len <= 100; len++) {
		fill();
		assert_int_equal(our_memcmp(ours, theirs, len), 0);
		for (at = 0; at < len; at++) {
			ours[at] ^= 0x80;
			assert_int_equal(sign(our_memcmp(ours, theirs, len)),
			    sign(memcmp(ours, theirs, len)));
			assert_int_equal(our_memcmp(ours, theirs, at), 0);
			ours[at] ^= 0x80;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(copies),
	    cmocka_unit_test(overlapping_moves),
	    cmocka_unit_test(fills),
	    cmocka_unit_test(comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
