/* SPDX-License-Identifier: ISC */
/* kernel/cmdline.c: the grammar its opening comment gives. */
/* LINK: */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/cmdline.c" /* whole: one line after another is parsed */

static char *block; /* what heap_alloc gave last */

void *
heap_alloc(size_t bytes)
{
	free(block);
	block = calloc(1, bytes);
	return block;
}

static void
parse(const char *line)
{
	static char *copy;

	free(copy);
	copy = strdup(line);
	cmdline_argc = 0;
	cmdline_init(copy);
}

static void
test_sorts_words(void **state)
{
	(void)state;
	parse("sprat.name=prog sprat.tty one HOME=/ two=2 -- x=y --");
	assert_int_equal(cmdline_argc, 4);
	assert_string_equal(cmdline_argv[0], "prog");
	assert_string_equal(cmdline_argv[1], "one");
	assert_string_equal(cmdline_argv[2], "x=y");
	assert_string_equal(cmdline_argv[3], "--");
	assert_null(cmdline_argv[4]);
	assert_string_equal(cmdline_envp[0], "HOME=/");
	assert_string_equal(cmdline_envp[1], "two=2");
	assert_null(cmdline_envp[2]);
	assert_string_equal(cmdline_option("tty"), "");
	parse("sprat.mount=a sprat.mountain=b sprat.mount=c x sprat.mount -- y");
	assert_string_equal(cmdline_option_nth("mount", 0), "a");
	assert_string_equal(cmdline_option_nth("mount", 1), "c");
	assert_string_equal(cmdline_option_nth("mount", 2), "");
	assert_null(cmdline_option_nth("mount", 3));
	parse("sprat.name=prog sprat.tty");
	assert_null(cmdline_option("nam"));
	assert_null(cmdline_option("names"));
}

static void
test_quotes(void **state)
{
	(void)state;
	parse("-- \"a b\" a\\ b \"q\\\"q\" \"\" back\\\\slash \"new\nline\" x\"y z\"");
	assert_int_equal(cmdline_argc, 8);
	assert_string_equal(cmdline_argv[1], "a b");
	assert_string_equal(cmdline_argv[2], "a b");
	assert_string_equal(cmdline_argv[3], "q\"q");
	assert_string_equal(cmdline_argv[4], "");
	assert_string_equal(cmdline_argv[5], "back\\slash");
	assert_string_equal(cmdline_argv[6], "new\nline");
	assert_string_equal(cmdline_argv[7], "xy z");
}

static void
test_monitors_words(void **state)
{
	(void)state;
	parse("-- a virtio_mmio.device=512@0xfeb00e00:12 "
	      "\"virtio_mmio.device=mine\" \"sprat.x\"");
	assert_int_equal(cmdline_argc, 4);
	assert_string_equal(cmdline_argv[1], "a");
	assert_string_equal(cmdline_argv[2], "virtio_mmio.device=mine");
	assert_string_equal(cmdline_argv[3], "sprat.x");
	assert_string_equal(cmdline_devices[0], "512@0xfeb00e00:12");
	assert_null(cmdline_devices[1]);
}

static void
test_odd_lines(void **state)
{
	static const char *odd[] = {"", " ", "\"", "\\", "a\\", "\"open", "--",
		" -- ", "\"\"", "=", "a=", "\t\n x"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		parse(odd[i]);
		assert_true(cmdline_argc >= 1);
		assert_string_equal(cmdline_argv[0], "app");
	}
}

static void
test_many_words(void **state)
{
	static char line[40000];
	int i;

	(void)state;
	for (i = 0; i < 10000; i++)
		memcpy(line + 4 * i, "abc ", 4);
	line[sizeof(line) - 1] = '\0';
	parse(line);
	assert_int_equal(cmdline_argc, 10001);
	for (i = 1; i <= 10000; i++)
		assert_string_equal(cmdline_argv[i], "abc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts_words),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_monitors_words),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
