/* SPDX-License-Identifier: ISC */
/* LINK: libc-shim/calendar.c */
/* timegm against the host's gmtime_r, its inverse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void
inverse_of_gmtime(void **state)
{
	struct tm tm;
	time_t t;

	(void)state;
	for (t = -70000000000; t < 70000000000; t += 86400 * 11 + 7919) {
		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(timegm(&tm), t);
	}
}

static void
normalises(void **state)
{
	struct tm tm;

	(void)state;
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = 70;
	tm.tm_mon = -1;
	tm.tm_mday = 32;
	tm.tm_hour = 24;
	assert_int_equal(timegm(&tm), 86400);
	assert_int_equal(tm.tm_mday, 2);
	assert_int_equal(tm.tm_mon, 0);
	assert_int_equal(tm.tm_hour, 0);
}

static void
far_years(void **state)
{
	struct tm tm;

	(void)state;
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = INT32_MAX;
	tm.tm_mon = INT32_MAX;
	tm.tm_mday = INT32_MAX;
	assert_int_equal(timegm(&tm), -1);
	tm.tm_year = INT32_MIN;
	tm.tm_mon = INT32_MIN;
	assert_int_equal(timegm(&tm), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(inverse_of_gmtime),
	    cmocka_unit_test(normalises),
	    cmocka_unit_test(far_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
