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
#define THREAD_NAME_LEN    16 /* with its NUL, as Linux has it */
#define THREAD_SIGNALS     32 /* NSIG */

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
	void (*key_end)(struct thread_libc *); /* runs the destructors */

	/* pthread.c */
	bool listed; /* may get signals, and may be the last to end */
	bool detached;
	struct thread *thread;
	struct thread_libc *next, *prev;
	struct pthread_cleanup *cleanup; /* innermost */
	unsigned read_locks;             /* rwlocks held for reading */
	char name[THREAD_NAME_LEN];

	/* pthread_cancel.c */
	bool cancel_off, cancel_async, cancel_wanted;

	/* signal.c: sets have bit N for signal N */
	uint32_t sig_blocked, sig_pending;
	uint32_t sig_awaited; /* by sigwait, now */
	struct thread_signal_note sig_note[THREAD_SIGNALS];
	void *sig_stack; /* sigaltstack, lowest address */
	size_t sig_stack_len;
	unsigned sig_handled; /* handlers run so far */

	/* Set by whoever interrupts the thread, so that a thread nobody
	 * interrupts links neither.  on_signal runs pending handlers; false:
	 * the call that slept fails with EINTR, not SA_RESTART.  on_cancel
	 * returns only if the thread is not to end now. */
	bool (*on_signal)(void);
	void (*on_cancel)(void);
};

_Static_assert(sizeof(struct thread_libc) <= THREAD_LIBC_LEN,
    "the kernel keeps too few bytes a thread for the C library");

static inline struct thread_libc *
thread_libc_self(void)
{
	return thread_libc(thread_current());
}

/* True if a sleep would be in vain: a signal or a cancellation waits. */
static inline bool
thread_libc_wanted(const struct thread_libc *l, bool cancel_point)
{
	return (l->sig_pending & ~l->sig_blocked) != 0 ||
	       (cancel_point && l->cancel_wanted && !l->cancel_off);
}

static inline bool
thread_libc_interrupted(bool cancel_point)
{
	struct thread_libc *l = thread_libc_self();

	if (cancel_point && l->on_cancel != NULL)
		l->on_cancel();
	return l->on_signal == NULL || l->on_signal();
}

/*
 * What a public function that is a cancellation point does when the kernel
 * gave it -EINTR: run the signal handlers, or end the thread if somebody
 * cancelled it.  Hold no lock.  True: try again; false: fail with EINTR.
 */
static inline bool
thread_libc_eintr(void)
{
	return thread_libc_interrupted(true);
}

#endif
