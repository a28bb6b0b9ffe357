/* SPDX-License-Identifier: ISC */
/*
 * What fuzzers share.  Every fuzz_*.c here is one: it has FUZZ, which is called
 * with inputs that libFuzzer makes up, names the sources it tests as a unit
 * test does (LINK), and fails by ASSERT or a sanitizer's report.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "kernel/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
#define FUZZ LLVMFuzzerTestOneInput

/* The input, eaten from its front; zeros behind its end. */
struct fuzz_in {
	const uint8_t *p;
	size_t len;
};

static inline uint8_t
fuzz_u8(struct fuzz_in *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->p++;
}

static inline uint16_t
fuzz_u16(struct fuzz_in *in)
{
	uint16_t low = fuzz_u8(in);

	return (uint16_t)(low | fuzz_u8(in) << 8);
}

static inline uint32_t
fuzz_u32(struct fuzz_in *in)
{
	uint32_t low = fuzz_u16(in);

	return low | (uint32_t)fuzz_u16(in) << 16;
}

/* Up to len bytes; how many. */
static inline size_t
fuzz_bytes(struct fuzz_in *in, void *p, size_t len)
{
	size_t i, n = len < in->len ? len : in->len;

	for (i = 0; i < n; i++)
		((uint8_t *)p)[i] = fuzz_u8(in);
	return n;
}

#endif
