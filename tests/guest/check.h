/* SPDX-License-Identifier: ISC */
/*
 * What the guest tests share: CHECK reports the first failure of a test, and
 * check_run prints `ok NAME` or `not ok NAME: why`.
 */
#ifndef TESTS_GUEST_CHECK_H
#define TESTS_GUEST_CHECK_H

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *check_why;
static int check_line;
static unsigned check_failures;

/* Goes on after a failure: tests leave threads behind otherwise. */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond) && check_why == NULL) {                            \
			check_why = #cond;                                     \
			check_line = __LINE__;                                 \
		}                                                              \
	} while (0)

static inline void
check_run(const char *name, void (*test)(void))
{
	check_why = NULL;
	test();
	if (check_why == NULL) {
		printf("ok %s\n", name);
	} else {
		printf("not ok %s: line %d: %s\n", name, check_line, check_why);
		check_failures++;
	}
	fflush(stdout);
}

#define CHECK_RUN(test) check_run(#test, test)

/* Milliseconds of a clock. */
static inline double
check_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static inline struct timespec
check_after_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static inline void
check_sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

#endif
