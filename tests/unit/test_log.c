/* SPDX-License-Identifier: ISC */
/* kernel/log.c: each conversion as printf has it, and no byte too many. */
/* LINK: kernel/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/kernel.h"

#define ROOM 64

static char written[512];
static size_t written_len;

void
console_write(int stream, const void *p, size_t len)
{
	assert_int_equal(stream, 2);
	assert_true(len < sizeof(written));
	memcpy(written, p, len);
	written_len = len;
}

/* As printf does, and the same again cut off after each number of bytes. */
static void __attribute__((format(printf, 1, 2))) same(const char *fmt, ...)
{
	char want[ROOM], got[ROOM + 1];
	va_list ap, again;
	size_t len;

	va_start(ap, fmt);
	for (len = 1; len <= ROOM; len++) {
		memset(got, 'x', sizeof(got));
		va_copy(again, ap);
		vsnprintf(want, len, fmt, again);
		va_end(again);
		va_copy(again, ap);
		assert_int_equal(
		    log_format(got, len, fmt, again), strlen(want));
		va_end(again);
		assert_string_equal(got, want);
		assert_int_equal(got[len], 'x');
	}
	va_end(ap);
}

static void
test_numbers(void **state)
{
	(void)state;
	same("%d %u %x", -1, 4000000000U, 0xbeefU);
	same("%d %ld", INT32_MIN, (long)INT64_MIN);
	same("%lu %lx %llu", UINT64_MAX, UINT64_MAX, 0ULL);
	same("%zu", SIZE_MAX);
	same("[%5d] [%5d] [%05d] [%05d]", 42, -42, 42, -42);
	same("[%016lx] [%4x] [%1u]", 0xfeedUL, 0xfU, 12345U);
	same("%02d %01d", -5, -5);
}

static void
test_text(void **state)
{
	(void)state;
	same("plain %s, %c and 100%%", "words", 'c');
	same("[%8s] [%2s] [%s]", "right", "long", "");
	same("%p", (void *)written);
}

static void
test_odd_formats(void **state)
{
	const char *const odd[] = {"%", "%5", "%l", "end%"};
	const char *volatile nothing = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		log_line(odd[i], 1);
	log_line("%s", nothing);
	written[written_len] = '\0';
	assert_string_equal(written, "sprat: (null)\n");
}

static void
test_long_line(void **state)
{
	static char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	log_line("%s", text);
	assert_true(written_len > 256 && written_len < sizeof(written));
	assert_int_equal(written[written_len - 1], '\n');
	assert_int_equal(written[written_len - 2], 'a');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_odd_formats),
	    cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
