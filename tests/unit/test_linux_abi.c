/* SPDX-License-Identifier: ISC */
/* libc-shim/linux_abi.c: on this host both sides are Linux, so what the tables
 * know must come out as it went in. */
/* LINK: libc-shim/linux_abi.c */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "libc-shim/linux_abi.h"

static void
test_errors(void **state)
{
	unsigned n, known = 0;

	(void)state;
	for (n = 1; n < 200; n++) {
		known += linux_error(n) == -(int)n;
		assert_true(
		    linux_error(n) == -(int)n || linux_error(n) == -EIO);
	}
	assert_true(known > 50);
	assert_int_equal(linux_error(0), -EIO);
	assert_int_equal(linux_error(UINT32_MAX), -EIO);
	assert_int_equal(linux_error(ENOTEMPTY), -ENOTEMPTY);
	assert_int_equal(linux_error(EOPNOTSUPP), -EOPNOTSUPP);
}

static void
test_open_flags(void **state)
{
	(void)state;
	assert_int_equal(
	    linux_open_flags(O_RDWR | O_APPEND | O_CREAT), O_RDWR | O_APPEND);
	assert_int_equal(linux_open_flags(O_WRONLY | O_TRUNC | O_SYNC | O_EXCL),
	    O_WRONLY | O_TRUNC | O_SYNC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_open_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
