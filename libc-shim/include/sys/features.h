/* SPDX-License-Identifier: ISC */
/*
 * Feature macros: newlib's own, then the POSIX.1-2017 option groups that the
 * kernel and this shim really offer.  newlib's headers hide the prototypes of
 * an option until its macro is there.
 */
#ifndef SPRAT_SYS_FEATURES_H
#define SPRAT_SYS_FEATURES_H

#include_next <sys/features.h>

#define _POSIX_VERSION			 200809L
#define _POSIX_THREADS			 200809L
#define _POSIX_THREAD_SAFE_FUNCTIONS	 200809L
#define _POSIX_THREAD_ATTR_STACKSIZE	 200809L
#define _POSIX_THREAD_PROCESS_SHARED	 200809L
#define _POSIX_THREAD_CPUTIME		 200809L
#define _UNIX98_THREAD_MUTEX_ATTRIBUTES	 1
#define _POSIX_BARRIERS			 200809L
#define _POSIX_READER_WRITER_LOCKS	 200809L
#define _POSIX_SPIN_LOCKS		 200809L
#define _POSIX_SEMAPHORES		 200809L
#define _POSIX_TIMERS			 200809L
#define _POSIX_TIMEOUTS			 200809L
#define _POSIX_MONOTONIC_CLOCK		 200809L
#define _POSIX_CLOCK_SELECTION		 200809L
#define _POSIX_CPUTIME			 200809L
#define _POSIX_REALTIME_SIGNALS		 200809L

#endif
