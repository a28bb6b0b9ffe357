/* SPDX-License-Identifier: ISC */
/*
 * Thread-local data that is larger than a thread's usual stack, and aligned
 * more than anything else, in the first thread and in others.
 */
#include <pthread.h>
#include <stdint.h>

#include "check.h"
#include "crowd.h"

#define LARGE (9UL << 20)

static _Thread_local int before = 7;
static _Thread_local __attribute__((aligned(4096))) int page = 8;
static _Thread_local __attribute__((aligned(256))) char large[LARGE];

static void *
body(void *arg)
{
	CHECK((uintptr_t)&page % 4096 == 0);
	CHECK((uintptr_t)large % 256 == 0);
	CHECK(before == 7 && page == 8);
	CHECK(large[0] == 0 && large[LARGE - 1] == 0);
	large[0] = large[LARGE - 1] = 1;
	before = page = 9;
	return arg;
}

static void
first_thread(void)
{
	body(NULL);
	CHECK(large[LARGE - 1] == 1 && before == 9);
}

static void
others(void)
{
	pthread_t t[2];

	spawn(t, 2, body);
	join_all(t, 2);
}

int
main(void)
{
	CHECK_RUN(first_thread);
	CHECK_RUN(others);
	return check_failures != 0;
}
