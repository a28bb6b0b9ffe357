/* SPDX-License-Identifier: ISC */
/*
 * Devices know nothing of page permissions: asked to, they write to constants
 * and read what is not mapped.  And a fault of a copy under a spinlock ends the
 * guest, though the application may want to handle the signal.  So before its
 * memory is given to a device, or copied there, each page is touched: a wrong
 * pointer faults here, as it does with files in memory.
 */
#ifndef LIBC_SHIM_TOUCH_H
#define LIBC_SHIM_TOUCH_H

#include "kernel/kernel.h"

static inline void
touch_byte(uintptr_t at, bool written)
{
	if (written) /* with what is there: still a write */
		__atomic_fetch_or((char *)at, 0, __ATOMIC_RELAXED);
	else
		(void)*(volatile char *)at;
}

/* [p, p + len) is about to be read, or `written`, by a device.  Other threads
 * may use it meanwhile: nothing changes. */
static inline void
touch(const void *p, size_t len, bool written)
{
	uintptr_t at = (uintptr_t)p;

	if (len == 0)
		return;
	touch_byte(at + len - 1, written);
	for (; len > PAGE_SIZE; at += PAGE_SIZE, len -= PAGE_SIZE)
		touch_byte(at, written);
	touch_byte(at, written);
}

#endif
