/* SPDX-License-Identifier: ISC */
/*
 * A queue and a fake device behind it, for tests that run in each of the 16
 * ways a ring can be: split or packed; event index, indirect descriptors, in
 * order, or without.
 */
#ifndef TESTS_UNIT_VIRTQ_RIG_H
#define TESTS_UNIT_VIRTQ_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define RIG_WAYS 16
#define N(a)     (sizeof(a) / sizeof((a)[0]))

struct rig {
	struct fake_virtio f;
	struct virtq q;
	struct fake_queue *fq;
	unsigned ndone;
	bool packed, event_idx, indirect, in_order;
};
extern struct rig rig;

/* A queue of that size in the way the test runs, and `more` features. */
void rig_open(unsigned size, uint64_t more);
/* Ends it; nothing may be in flight or leak. */
void rig_close(void);
/* The same, but the driver is told that the device is broken first. */
void rig_close_broken(void);

/* Adds and kicks one chain of nread + nwrite buffers, 16 bytes each. */
int rig_add(unsigned nread, unsigned nwrite, void *token);
void rig_send(unsigned nread, unsigned nwrite, void *token);
/* The device uses its next chain; in time. */
struct fake_chain rig_fetch(void);
void rig_use(uint32_t written);
/* The next token taken is this one, with that many bytes. */
void rig_expect(const void *token, uint32_t written);
void rig_expect_none(void);
void *rig_token(uintptr_t i); /* any number, as a token */
void rig_work(void);          /* all that is queued */

struct rig_test {
	const char *name;
	void (*fn)(void);
};
void rig_list(
    struct CMUnitTest *all, const struct rig_test *tests, unsigned ntests);

#define RIG_MAIN(tests)                                                        \
	int main(void)                                                         \
	{                                                                      \
		static struct CMUnitTest all[RIG_WAYS * N(tests)];             \
                                                                               \
		rig_list(all, tests, N(tests));                                \
		return cmocka_run_group_tests(all, NULL, NULL);                \
	}

#endif
