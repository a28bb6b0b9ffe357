/* SPDX-License-Identifier: ISC */
/*
 * Copying, filling and comparing memory, C11 7.24.  newlib's own copy by
 * stores that bypass the cache from 256 bytes up, fifteen times slower at the
 * size of a packet.
 *
 * Built twice: hidden for the kernel, and PUBLIC in libsprat.a for
 * applications, so that an application with a memcpy of its own changes
 * nothing for the kernel.
 */
#include <stdint.h>
#include <string.h>

#include "libc-shim/shim.h"

#ifdef STRING_PUBLIC
#define EXPORT PUBLIC
#else
#define EXPORT
#endif

/* Below this a loop costs less than starting the string instructions. */
#define REP_MIN 256

typedef uint64_t word __attribute__((may_alias, aligned(1)));
typedef uint32_t half __attribute__((may_alias, aligned(1)));
typedef uint16_t quarter __attribute__((may_alias, aligned(1)));

#define WORD(p, i)    (*(word *)((char *)(p) + (i)))
#define HALF(p, i)    (*(half *)((char *)(p) + (i)))
#define QUARTER(p, i) (*(quarter *)((char *)(p) + (i)))

/* Under 16 bytes: two moves that may overlap.  Both are read before either is
 * written, so the two ranges may overlap as well. */
static inline void
copy_small(char *d, const char *s, size_t len)
{
	uint64_t a, b;

	if (len >= 8) {
		a = WORD(s, 0);
		b = WORD(s, len - 8);
		WORD(d, 0) = a;
		WORD(d, len - 8) = b;
	} else if (len >= 4) {
		a = HALF(s, 0);
		b = HALF(s, len - 4);
		HALF(d, 0) = a;
		HALF(d, len - 4) = b;
	} else if (len >= 2) {
		a = QUARTER(s, 0);
		b = QUARTER(s, len - 2);
		QUARTER(d, 0) = a;
		QUARTER(d, len - 2) = b;
	} else if (len == 1) {
		*d = *s;
	}
}

/* From low to high, right also where `d` is below an overlapping `s`: the
 * last 16 bytes are read first and written last. */
static inline void
copy_up(char *d, const char *s, size_t len)
{
	uint64_t a, b, last0 = WORD(s, len - 16), last1 = WORD(s, len - 8);
	char *end = d + len - 16;
	size_t words;

	if (len >= REP_MIN) {
		words = len / 8;
		__asm__ volatile("rep movsq"
		    : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	}
	for (; d < end; d += 16, s += 16) {
		a = WORD(s, 0);
		b = WORD(s, 8);
		WORD(d, 0) = a;
		WORD(d, 8) = b;
	}
	WORD(end, 0) = last0;
	WORD(end, 8) = last1;
}

/* From high to low, for `d` above an overlapping `s`. */
static inline void
copy_down(char *d, const char *s, size_t len)
{
	uint64_t a, b, first0 = WORD(s, 0), first1 = WORD(s, 8);

	for (; len > 16; len -= 16) {
		a = WORD(s, len - 8);
		b = WORD(s, len - 16);
		WORD(d, len - 8) = a;
		WORD(d, len - 16) = b;
	}
	WORD(d, 0) = first0;
	WORD(d, 8) = first1;
}

EXPORT void *
memcpy(void *to, const void *from, size_t len)
{
	if (len < 16)
		copy_small(to, from, len);
	else
		copy_up(to, from, len);
	return to;
}

EXPORT void *
memmove(void *to, const void *from, size_t len)
{
	if (len < 16)
		copy_small(to, from, len);
	else if ((uintptr_t)to - (uintptr_t)from >= len)
		copy_up(to, from, len);
	else
		copy_down(to, from, len);
	return to;
}

EXPORT void *
memset(void *to, int c, size_t len)
{
	uint64_t v = 0x0101010101010101UL * (uint8_t)c;
	char *d = to, *end = d + len;
	size_t words;

	if (len < 8) {
		for (; d < end; d++)
			*d = c;
		return to;
	}
	if (len >= REP_MIN) {
		words = len / 8;
		__asm__ volatile("rep stosq"
		    : "+D"(d), "+c"(words) : "a"(v) : "memory");
	}
	for (; d < end - 8; d += 8)
		WORD(d, 0) = v;
	WORD(end, -8) = v;
	return to;
}

EXPORT int
memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len >= 8 && WORD(x, 0) == WORD(y, 0); len -= 8) {
		x += 8;
		y += 8;
	}
	for (; len > 0; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
