/* SPDX-License-Identifier: ISC */
/*
 * What newlib asks of its host beyond POSIX: a struct _reent for each thread,
 * locks, and memory.  Interfaces: newlib's <sys/reent.h> and <sys/lock.h>,
 * which give the names.
 */
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <unistd.h>

#include "libc-shim/shim.h"
#include "libc-shim/sleeplock.h"
#include "libc-shim/thread_libc.h"

/* --- one struct _reent a thread --- */

/* Asked for at every use of errno, so found by one load. */
static __thread struct _reent *reent;

static struct _reent *
reent_begin(void)
{
	struct thread_libc *l = thread_libc_self();

	reent = _GLOBAL_REENT;
	if (thread_id(thread_current()) == 1)
		return reent;
	reent = &l->reent;
	_REENT_INIT_PTR_ZEROED(reent);
	l->reent_end = _reclaim_reent;
	l->reent_ready = true;
	return reent;
}

PUBLIC struct _reent *
__getreent(void)
{
	return reent != NULL ? reent : reent_begin();
}

/* --- locks; all zero is free --- */

struct __lock {
	struct sleeplock l;
	void *owner; /* of a recursive one: its thread pointer, or NULL */
	unsigned depth;
};

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
		panic("no memory for a lock of the C library");
}

PUBLIC void
__retarget_lock_init_recursive(_LOCK_T *lock)
{
	__retarget_lock_init(lock);
}

PUBLIC void
__retarget_lock_close(_LOCK_T lock)
{
	heap_free(lock, sizeof(*lock));
}

PUBLIC void
__retarget_lock_close_recursive(_LOCK_T lock)
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

/* No other thread ever writes our name, so this needs no lock. */
static inline bool
owned(_LOCK_T lock)
{
	return lock->owner == __builtin_thread_pointer();
}

PUBLIC void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
	if (!owned(lock)) {
		sleeplock_take(&lock->l);
		lock->owner = __builtin_thread_pointer();
	}
	lock->depth++;
}

PUBLIC int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	if (!owned(lock)) {
		if (!sleeplock_try(&lock->l))
			return 0;
		lock->owner = __builtin_thread_pointer();
	}
	lock->depth++;
	return 1;
}

PUBLIC void
__retarget_lock_release_recursive(_LOCK_T lock)
{
	if (--lock->depth > 0)
		return;
	lock->owner = NULL;
	sleeplock_give(&lock->l);
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
LIBC_NAME(sbrk);

PUBLIC int
posix_memalign(void **p, size_t align, size_t bytes)
{
	if (align < sizeof(void *) || (align & (align - 1)) != 0)
		return EINVAL;
	*p = memalign(align, bytes);
	return *p == NULL ? ENOMEM : 0;
}
