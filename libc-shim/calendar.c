/* SPDX-License-Identifier: ISC */
/*
 * timegm, the inverse of gmtime, and timelocal.  Days are counted from
 * 1 March 0000 of the proleptic Gregorian calendar, so that a leap day is the
 * last of its year.
 */
#include <errno.h>
#include <stdint.h>
#include <time.h>

#include "libc-shim/shim.h"

#define DAYS_TO_1970 719468 /* from 1 March 0000 */

/* Rounds towards minus infinity. */
static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days from 1970 to the first of a month; month may be any number. */
static int64_t
days_before(int64_t year, int64_t month)
{
	int64_t from_march;

	year += floor_div(month, 12);
	month -= floor_div(month, 12) * 12;
	if (month < 2)
		year--;
	from_march = (month + 10) % 12;
	return year * 365 + floor_div(year, 4) - floor_div(year, 100) +
	       floor_div(year, 400) + (from_march * 153 + 2) / 5 - DAYS_TO_1970;
}

PUBLIC time_t
timegm(struct tm *tm)
{
	int64_t days = days_before((int64_t)tm->tm_year + 1900, tm->tm_mon) +
		       tm->tm_mday - 1;
	time_t t = days * 86400 + (int64_t)tm->tm_hour * 3600 +
		   (int64_t)tm->tm_min * 60 + tm->tm_sec;

	if (gmtime_r(&t, tm) == NULL) {
		errno = EOVERFLOW;
		return -1;
	}
	return t;
}

PUBLIC time_t
timelocal(struct tm *tm)
{
	return mktime(tm);
}
