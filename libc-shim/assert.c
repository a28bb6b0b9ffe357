/* SPDX-License-Identifier: ISC */
/* assert(): newlib's own would link its integer printf (20 KB) into every
 * program that has one assertion, or that prints floating point. */
#include <assert.h>
#include <stdlib.h>

#include "kernel/kernel.h"
#include "libc-shim/shim.h"

PUBLIC void
__assert_func(
    const char *file, int line, const char *function, const char *condition)
{
	log_line("%s:%d: %s%sassertion \"%s\" failed", file, line,
	    function != NULL ? function : "", function != NULL ? ": " : "",
	    condition);
	abort();
}

PUBLIC void
__assert(const char *file, int line, const char *condition)
{
	__assert_func(file, line, NULL, condition);
}
