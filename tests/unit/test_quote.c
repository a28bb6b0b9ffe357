/* SPDX-License-Identifier: ISC */
/*
 * Quoting, held against those who read it back: the guest's own parser
 * (kernel/cmdline.c), linked in here, and a real shell.
 */
/* LINK: host/quote.c host/text.c host/util.c kernel/cmdline.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/quote.h"
#include "kernel/kernel.h"

static void *guest_heap; /* what the parser allocated, to be freed */

void *
heap_alloc(size_t bytes)
{
	free(guest_heap);
	guest_heap = calloc(1, bytes);
	return guest_heap;
}

/* The guest finds exactly `word`, before and after `--`, though QEMU adds
 * words of its own. */
static void
check_guest(const char *word)
{
	struct text t = {0};

	text_adds(&t, "sprat.console=mux sprat.name=");
	quote_guest(&t, word);
	text_adds(&t, " -- first ");
	quote_guest(&t, word);
	text_addc(&t, ' ');
	quote_guest(&t, word);
	text_adds(&t, " virtio_mmio.device=512@0xfeb00e00:12");
	cmdline_init(t.p);
	assert_int_equal(cmdline_argc, 4);
	assert_string_equal(cmdline_argv[0], word);
	assert_string_equal(cmdline_argv[1], "first");
	assert_string_equal(cmdline_argv[2], word);
	assert_string_equal(cmdline_argv[3], word);
	assert_null(cmdline_argv[4]);
	assert_string_equal(cmdline_option("console"), "mux");
	assert_null(cmdline_envp[0]);
	text_free(&t);
}

static void
check_guest_env(const char *pair)
{
	struct text t = {0};

	text_adds(&t, "sprat.console=mux ");
	quote_guest(&t, pair);
	text_adds(&t, " --");
	cmdline_init(t.p);
	assert_int_equal(cmdline_argc, 1);
	assert_string_equal(cmdline_envp[0], pair);
	assert_null(cmdline_envp[1]);
	text_free(&t);
}

static void
test_guest(void **state)
{
	static const char *const words[] = {"plain", "", " ", "two words", "\"",
	    "\\", "a\\", "\\\"", "new\nline", "tab\t", "--", "-x", "NAME=VALUE",
	    "sprat.console=plain", "sprat.", "it's",
	    "virtio_mmio.device=4K@0:1", "virtio_mmio.device=", "\xc3\xa9",
	    "\x01\x10\x7f\xff", "\r\v\f", "a\"b c\"d", NULL};
	size_t i;

	(void)state;
	for (i = 0; words[i] != NULL; i++)
		check_guest(words[i]);
	check_guest_env("A=");
	check_guest_env("A=b c");
	check_guest_env("A=\"\\\n");
	check_guest_env("odd name=x=y");
}

static void
test_guest_random(void **state)
{
	static const char alphabet[] = "\"\\ -=.\n\tav";
	char word[12];
	unsigned round, i, len;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		len = (unsigned)rand() % sizeof(word);
		for (i = 0; i < len; i++)
			word[i] =
			    alphabet[(unsigned)rand() % (sizeof(alphabet) - 1)];
		word[len] = '\0';
		check_guest(word);
	}
}

static void
test_guest_plain_words_stay_plain(void **state)
{
	struct text t = {0};

	(void)state;
	quote_guest(&t, "/usr/share/x-1.0,a:b@c+d%e=f");
	assert_string_equal(t.p, "/usr/share/x-1.0,a:b@c+d%e=f");
	text_free(&t);
}

static void
test_shell(void **state)
{
	static const char *const words[] = {"plain", "", "two words", "it's",
	    "$HOME `id` \"x\" \\", "a\nb", "*", "~", "a;b", NULL};
	struct text t = {0};
	char got[64];
	size_t i, n;
	FILE *f;

	(void)state;
	for (i = 0; words[i] != NULL; i++) {
		text_adds(&t, "printf %s ");
		quote_shell(&t, words[i]);
		f = popen(t.p, "r");
		assert_non_null(f);
		n = fread(got, 1, sizeof(got) - 1, f);
		got[n] = '\0';
		assert_int_equal(pclose(f), 0);
		assert_string_equal(got, words[i]);
		text_free(&t);
	}
}

static void
test_comma(void **state)
{
	struct text t = {0};

	(void)state;
	quote_comma(&t, ",a,,b");
	assert_string_equal(t.p, ",,a,,,,b");
	text_free(&t);
}

static void
test_fuse(void **state)
{
	struct text t = {0};

	(void)state;
	quote_fuse(&t, ",a\\b");
	assert_string_equal(t.p, "\\,a\\\\b");
	text_free(&t);
}

static int
fini(void **state)
{
	(void)state;
	free(guest_heap);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guest),
	    cmocka_unit_test(test_guest_random),
	    cmocka_unit_test(test_guest_plain_words_stay_plain),
	    cmocka_unit_test(test_shell),
	    cmocka_unit_test(test_comma),
	    cmocka_unit_test(test_fuse),
	};

	return cmocka_run_group_tests(tests, NULL, fini);
}
