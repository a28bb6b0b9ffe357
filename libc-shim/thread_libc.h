/* SPDX-License-Identifier: ISC */
/*
 * The C library's own state in each thread: the kernel keeps THREAD_LIBC_LEN
 * zeroed bytes for us (kernel.h, thread_libc) and this is their layout.  All
 * zero is a valid start.  Written by: newlib.c (reent*), the pthread files,
 * the signal files.
 *
 * Parts that only some programs need are reached through pointers that their
 * first use sets, so that a program without them does not link them.
 */
#ifndef LIBC_SHIM_THREAD_LIBC_H
#define LIBC_SHIM_THREAD_LIBC_H

#include <reent.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/kernel.h"

#define THREAD_KEYS_INLINE 32
#define THREAD_NAME_LEN	   16 /* with its NUL, as Linux has it */
#define THREAD_SIGNALS	   32 /* NSIG */

/* A thread-specific value counts only while `seq` is its key's number. */
struct thread_key_value {
	void *value;
	unsigned seq;
};

/* What came with a signal that waits to be delivered. */
struct thread_signal_note {
	void *value;
	int code; /* SI_USER, ... */
};

struct pthread_cleanup; /* libc-shim/include/pthread.h */

struct thread_libc {
	/* newlib's: for the main thread newlib has one of its own */
	struct _reent reent;
	bool reent_ready;
	/* Frees what newlib hung on reent, in the dying thread; or NULL. */
	void (*reent_end)(struct _reent *);

	/* pthread_key.c */
	struct thread_key_value keys[THREAD_KEYS_INLINE];
	struct thread_key_value *more_keys; /* from key 32 on */
	unsigned nmore_keys;
	bool has_keys;

	/* pthread.c */
	bool listed;	/* in the list of threads signals may go to */
	bool counted;	/* its end may be the end of the program */
	bool detached;
	struct thread *thread;
	struct thread_libc *next, *prev;
	struct pthread_cleanup *cleanup; /* innermost */
	unsigned read_locks; /* rwlocks held for reading */
	char name[THREAD_NAME_LEN];

	/* pthread_cancel.c */
	bool cancel_off, cancel_async, cancel_wanted, cancel_done;

	/* signal.c: sets have bit N for signal N */
	uint32_t sig_blocked, sig_pending;
	uint32_t sig_awaited; /* by sigwait, now */
	struct thread_signal_note sig_note[THREAD_SIGNALS];
	void *sig_stack; /* sigaltstack, lowest address */
	size_t sig_stack_len;
	/* Runs the handlers of pending signals, acts on a cancellation when
	 * `cancel_point`; false: the call that slept fails with EINTR, true:
	 * it goes on (SA_RESTART).  Set by whoever interrupts the thread. */
	bool (*interrupted)(bool cancel_point);
};

_Static_assert(sizeof(struct thread_libc) <= THREAD_LIBC_LEN,
    "the kernel keeps too few bytes a thread for the C library");

static inline struct thread_libc *
thread_libc_self(void)
{
	return thread_libc(thread_current());
}

/*
 * What a public function that is a cancellation point does when the kernel
 * gave it -EINTR: run the signal handlers, or end the thread if somebody
 * cancelled it.  Hold no lock.  True: try again; false: fail with EINTR.
 */
static inline bool
thread_libc_eintr(void)
{
	struct thread_libc *l = thread_libc_self();

	return l->interrupted == NULL || l->interrupted(true);
}

#endif
