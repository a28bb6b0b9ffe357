/* SPDX-License-Identifier: ISC */
/*
 * What public functions that may wait do about signals and cancellation.
 * They hold no reference while handlers run, since a cancelled thread does not
 * come back.
 */
#ifndef LIBC_SHIM_IO_H
#define LIBC_SHIM_IO_H

#include "libc-shim/file.h"
#include "libc-shim/shim.h"
#include "libc-shim/thread_libc.h"

/* Before the first try: what came while the thread was not waiting. */
static inline void
io_begin(void)
{
	if (thread_libc_wanted(thread_libc_self(), true))
		thread_libc_eintr();
}

/* After a try that gave r: true to try again. */
static inline bool
io_again(long r)
{
	return r == -EINTR && thread_libc_eintr();
}

#endif
