/* SPDX-License-Identifier: ISC */
/*
 * Devices know nothing of page permissions: asked to, they write to constants
 * and read what is not mapped.  Before memory of the application is given to
 * one, each page is touched as a copy would, so that a wrong pointer faults
 * here, as it does with files in memory.
 */
#ifndef LIBC_SHIM_TOUCH_H
#define LIBC_SHIM_TOUCH_H

#include "kernel/kernel.h"

/* [p, p + len) is about to be read, or `written`, by a device.  Other threads
 * may use it meanwhile: nothing changes. */
static inline void
touch(const void *p, size_t len, bool written)
{
	uintptr_t at = (uintptr_t)p, end = at + len;
	char *c, v;

	for (; at < end; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE) {
		c = (char *)at;
		v = __atomic_load_n((volatile char *)c, __ATOMIC_RELAXED);
		if (written) /* with what is there: still a write */
			__atomic_compare_exchange_n((volatile char *)c, &v, v,
			    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

#endif
