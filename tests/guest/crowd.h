/* SPDX-License-Identifier: ISC */
/* Many threads at once, and arithmetic that shows if they are disturbed. */
#ifndef TESTS_GUEST_CROWD_H
#define TESTS_GUEST_CROWD_H

#include <pthread.h>
#include <stdint.h>

#include "check.h"

#define WORKERS 8

static inline void
spawn(pthread_t *t, unsigned n, void *(*fn)(void *))
{
	unsigned i;

	for (i = 0; i < n; i++)
		CHECK(
		    pthread_create(&t[i], NULL, fn, (void *)(uintptr_t)i) == 0);
}

static inline void
join_all(pthread_t *t, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

/* The same sum every time, unless somebody disturbs the registers. */
static inline double
series(unsigned from, unsigned n)
{
	double sum = 0, sign = 1;
	unsigned i;

	for (i = 0; i < n; i++) {
		sum += sign / (from + i * 2.0 + 1.0);
		sign = -sign;
	}
	return sum;
}

#endif
