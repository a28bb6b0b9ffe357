/* SPDX-License-Identifier: ISC */
/*
 * Copying and filling memory.  newlib's own use stores that bypass the cache
 * from 256 bytes up and are fifteen times slower at the size of a packet.
 *
 * Built twice: hidden, for the kernel, and PUBLIC in libsprat.a, for
 * applications, so that an application with a memcpy of its own changes
 * nothing for the kernel.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libc-shim/shim.h"

#ifdef STRING_PUBLIC
#define EXPORT PUBLIC
#else
#define EXPORT
#endif

#define SHORT 32 /* bytes up to which a loop is cheaper than rep */

typedef uint64_t word __attribute__((may_alias, aligned(1)));

EXPORT void *
memcpy(void *restrict to, const void *restrict from, size_t len)
{
	char *d = to;
	const char *s = from;
	size_t words;

	if (len > SHORT) {
		words = len / 8;
		__asm__ volatile("rep movsq"
		    : "+D"(d), "+S"(s), "+c"(words) : : "memory");
		len %= 8;
	}
	for (; len >= 8; len -= 8, d += 8, s += 8)
		*(word *)d = *(const word *)s;
	for (; len > 0; len--)
		*d++ = *s++;
	return to;
}

EXPORT void *
memmove(void *to, const void *from, size_t len)
{
	char *d = to;
	const char *s = from;

	if ((uintptr_t)to - (uintptr_t)from >= len)
		return memcpy(to, from, len);
	for (; len >= 8; len -= 8)
		*(word *)(d + len - 8) = *(const word *)(s + len - 8);
	for (; len > 0; len--)
		d[len - 1] = s[len - 1];
	return to;
}

EXPORT void *
memset(void *to, int c, size_t len)
{
	char *d = to;
	uint64_t v = 0x0101010101010101UL * (uint8_t)c;
	size_t words;

	if (len > SHORT) {
		words = len / 8;
		__asm__ volatile("rep stosq"
		    : "+D"(d), "+c"(words) : "a"(v) : "memory");
		len %= 8;
	}
	for (; len >= 8; len -= 8, d += 8)
		*(word *)d = v;
	for (; len > 0; len--)
		*d++ = c;
	return to;
}

EXPORT int
memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len >= 8 && *(const word *)x == *(const word *)y; len -= 8) {
		x += 8;
		y += 8;
	}
	for (; len > 0; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
