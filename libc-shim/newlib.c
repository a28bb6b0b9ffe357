/* SPDX-License-Identifier: ISC */
/*
 * What newlib asks of its host beyond POSIX: a struct _reent for each thread,
 * its locks, and memory.  Interfaces: newlib's sys/reent.h and sys/lock.h.
 */
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <unistd.h>

#include "libc-shim/shim.h"
#include "libc-shim/sleeplock.h"
#include "libc-shim/thread_libc.h"

extern void __sinit(struct _reent *);

/* --- one struct _reent a thread --- */

/* The standard streams are the program's, not the thread's: newlib would give
 * each thread three of its own. */
static void
reent_begin(struct thread_libc *l)
{
	struct _reent *r = &l->reent, *global = _GLOBAL_REENT;

	if (!global->__sdidinit)
		__sinit(global);
	_REENT_INIT_PTR(r);
	r->_stdin = global->_stdin;
	r->_stdout = global->_stdout;
	r->_stderr = global->_stderr;
	r->__sdidinit = 1;
	l->reent_end = _reclaim_reent;
	l->reent_ready = true;
}

PUBLIC struct _reent *
__getreent(void)
{
	struct thread *t = thread_current();
	struct thread_libc *l;

	if (thread_id(t) <= 1)
		return _GLOBAL_REENT;
	l = thread_libc(t);
	if (!l->reent_ready)
		reent_begin(l);
	return &l->reent;
}

/* --- locks --- */

struct __lock {
	struct sleeplock l;
	struct thread *owner; /* of a recursive one */
	unsigned depth;
};

/* All zero is free, and a lock costs no call to make. */
PUBLIC struct __lock __lock___sinit_recursive_mutex;
PUBLIC struct __lock __lock___sfp_recursive_mutex;
PUBLIC struct __lock __lock___atexit_recursive_mutex;
PUBLIC struct __lock __lock___at_quick_exit_mutex;
PUBLIC struct __lock __lock___malloc_recursive_mutex;
PUBLIC struct __lock __lock___env_recursive_mutex;
PUBLIC struct __lock __lock___tz_mutex;
PUBLIC struct __lock __lock___dd_hash_mutex;
PUBLIC struct __lock __lock___arc4random_mutex;

PUBLIC void
__retarget_lock_init(_LOCK_T *lock)
{
	*lock = heap_alloc(sizeof(**lock));
	if (*lock == NULL)
		panic("no memory for a C library lock");
}

PUBLIC void
__retarget_lock_close(_LOCK_T lock)
{
	heap_free(lock, sizeof(*lock));
}

PUBLIC void
__retarget_lock_acquire(_LOCK_T lock)
{
	sleeplock_take(&lock->l);
}

PUBLIC int
__retarget_lock_try_acquire(_LOCK_T lock)
{
	return sleeplock_try(&lock->l);
}

PUBLIC void
__retarget_lock_release(_LOCK_T lock)
{
	sleeplock_give(&lock->l);
}

PUBLIC void
__retarget_lock_init_recursive(_LOCK_T *lock)
{
	__retarget_lock_init(lock);
}

PUBLIC void
__retarget_lock_close_recursive(_LOCK_T lock)
{
	__retarget_lock_close(lock);
}

/* Only the owner finds itself in `owner`, so it may look without the lock. */
static bool
held_by_us(_LOCK_T lock)
{
	return lock->depth > 0 && lock->owner == thread_current();
}

PUBLIC void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
	if (!held_by_us(lock)) {
		sleeplock_take(&lock->l);
		lock->owner = thread_current();
	}
	lock->depth++;
}

PUBLIC int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	if (!held_by_us(lock)) {
		if (!sleeplock_try(&lock->l))
			return 0;
		lock->owner = thread_current();
	}
	lock->depth++;
	return 1;
}

PUBLIC void
__retarget_lock_release_recursive(_LOCK_T lock)
{
	if (--lock->depth == 0) {
		lock->owner = NULL;
		sleeplock_give(&lock->l);
	}
}

/* --- memory --- */

PUBLIC void *
sbrk(ptrdiff_t bytes)
{
	void *old = page_brk(bytes);

	if (old == NULL) {
		errno = ENOMEM;
		return (void *)-1;
	}
	return old;
}

PUBLIC int
posix_memalign(void **p, size_t align, size_t bytes)
{
	if (align < sizeof(void *) || (align & (align - 1)) != 0)
		return EINVAL;
	*p = memalign(align, bytes);
	return *p == NULL ? ENOMEM : 0;
}

PUBLIC void *
aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}
