/* SPDX-License-Identifier: ISC */
/* The console over any device: which one, both protocols, a device that is
 * lost, and the terminal's size. */
/* LINK: kernel/console.c tests/unit/kernel_stub.c */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/kernel.h"
#include "kernel/platform.h"

static char out[4096];
static const char *input, *option;
static size_t out_len, room;
static bool uart_here, broken, starts, seized, flushed, by_virtio;
static unsigned nresized;

static size_t
put(const uint8_t *p, size_t len)
{
	if (len > room) /* what the device takes at once */
		len = room;
	assert_true(out_len + len < sizeof(out));
	memcpy(out + out_len, p, len);
	out_len += len;
	return len;
}

static size_t
put_virtio(const uint8_t *p, size_t len)
{
	by_virtio = true;
	return put(p, len);
}

static long
get(uint8_t *p, size_t len)
{
	if (broken)
		return -EIO;
	assert_int_equal(len, 1);
	if (*input == '\0')
		return 0;
	*p = (uint8_t)*input++;
	return 1;
}

static bool
want(void)
{
	return broken || *input != '\0';
}

static bool
start(void)
{
	return starts;
}

static void
seize(void)
{
	seized = true;
}

static void
flush(void)
{
	flushed = true;
}

static const struct console_dev uart = {
    "uart", put, get, want, want, NULL, NULL, NULL};
const struct console_dev virtio_console_dev = {
    "virtio", put_virtio, get, want, want, start, seize, flush};

static const struct console_dev *
uart_find(void)
{
	return uart_here ? &uart : NULL;
}

static const struct platform here = {.console = uart_find};
const struct platform *platform = &here;

const char *
cmdline_option(const char *name)
{
	assert_string_equal(name, "console");
	return option;
}

static void
begin(const char *how, bool with_uart, const char *in)
{
	option = how;
	uart_here = with_uart;
	broken = seized = flushed = false;
	starts = true;
	input = in;
	out_len = 0;
	room = 7;
	console_init();
	console_start();
}

static void
expect(const char *want_out, size_t len)
{
	assert_int_equal(out_len, len);
	assert_memory_equal(out, want_out, len);
}
#define EXPECT(text) expect(text, sizeof(text) - 1)

/* console.c keeps what it has begun: each test is a console of its own kind,
 * from plain text to the protocol. */
static void
test_plain(void **state)
{
	char buf[8];

	(void)state;
	begin("muxer,virt", true, "a\rb\004c"); /* words it does not know */
	console_write(1, "to out\020", 7);
	console_write(2, "to err", 6);
	EXPECT("to out\020to err");
	assert_int_equal(console_read(buf, 8, true), 3);
	assert_memory_equal(buf, "a\nb", 3);
	assert_int_equal(console_read(buf, 8, true), 0);
	assert_int_equal(console_read(buf, 8, true), 1);
	assert_int_equal(console_read(buf, 8, true), -EAGAIN);
	console_exit(3);
	EXPECT("to out\020to err");
	assert_false(by_virtio);
}

static void
test_virtio_chosen(void **state)
{
	(void)state;
	begin("virtio:log", true, "");
	console_write(1, "x", 1);
	EXPECT("x");
	assert_true(by_virtio);
}

static void
test_no_console(void **state)
{
	char c;

	(void)state;
	option = NULL;
	uart_here = starts = false;
	out_len = 0;
	console_init();
	console_start();
	console_write(1, "x", 1);
	assert_int_equal(console_read(&c, 1, false), 0);
	assert_true(console_readable());
	console_exit(1);
	EXPECT("");
}

static void
test_mux(void **state)
{
	char buf[8];

	(void)state;
	begin("virtio,mux", false, "a\020\020b\020e");
	console_write(1, "out\020", 4);
	console_write(2, "err", 3);
	console_write(1, "", 0);
	EXPECT("\020Sout\020\020\0202err\0201");
	assert_int_equal(console_read(buf, 8, false), 3);
	assert_memory_equal(buf, "a\020b", 3);
	assert_int_equal(console_read(buf, 8, false), 0);
	assert_int_equal(console_read(buf, 8, false), 0); /* for good */
}

static void
resized(void)
{
	nresized++;
}

static void
test_size(void **state)
{
	unsigned cols, rows;

	(void)state;
	assert_false(console_size(&cols, &rows));
	console_resized(80, 25); /* nobody listens */
	console_resize_hook = resized;
	console_resized(80, 25);
	assert_int_equal(nresized, 0);
	console_resized(132, 25);
	console_resized(132, 50);
	assert_int_equal(nresized, 2);
	assert_true(console_size(&cols, &rows));
	assert_int_equal(cols, 132);
	assert_int_equal(rows, 50);
}

/* Last, for there is no way back. */
static void
test_end(void **state)
{
	(void)state;
	out_len = 0;
	console_seize();
	assert_true(seized);
	console_address(0xabc);
	console_exit(0x86);
	EXPECT("\0202\020a0000000000000abc\020x86");
	assert_true(flushed);
}

static void
test_lost(void **state)
{
	char c;

	(void)state;
	begin("virtio", false, "");
	assert_int_equal(console_read(&c, 1, true), -EAGAIN);
	broken = true;
	assert_true(console_readable());
	assert_int_equal(console_read(&c, 1, false), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_virtio_chosen),
	    cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_no_console),
	    cmocka_unit_test(test_mux),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
