/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_RING_H
#define TESTS_FUZZ_RING_H

#include "tests/fuzz/fuzz.h"

/* A driver's life with one ring and a device that does what the input says. */
void ring_fuzz(struct fuzz_in *in, bool packed);

#endif
