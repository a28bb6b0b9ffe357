/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 stdio that newlib 3.3 lacks or hides: flockfile and kin, over
 * the lock newlib itself takes in every call, and getline.
 */
#include <stdio.h>
#include <sys/lock.h>

#include "libc-shim/shim.h"
#include "libc-shim/stdio_newlib.h"

/* A string's FILE has no lock; the standard streams get theirs at the first
 * use of any stream. */
static _LOCK_T
lock_of(FILE *f)
{
	if (f->_flags & __SSTR)
		return NULL;
	if (f->_lock == NULL)
		__sinit(_REENT);
	return f->_lock;
}

PUBLIC void
flockfile(FILE *f)
{
	_LOCK_T lock = lock_of(f);

	if (lock != NULL)
		__retarget_lock_acquire_recursive(lock);
}

PUBLIC int
ftrylockfile(FILE *f)
{
	_LOCK_T lock = lock_of(f);

	return lock == NULL || __retarget_lock_try_acquire_recursive(lock)
	    ? 0 : -1;
}

PUBLIC void
funlockfile(FILE *f)
{
	_LOCK_T lock = lock_of(f);

	if (lock != NULL)
		__retarget_lock_release_recursive(lock);
}

PUBLIC ssize_t
getdelim(char **restrict line, size_t *restrict size, int delim,
    FILE *restrict f)
{
	return __getdelim(line, size, delim, f);
}

PUBLIC ssize_t
getline(char **restrict line, size_t *restrict size, FILE *restrict f)
{
	return __getdelim(line, size, '\n', f);
}
