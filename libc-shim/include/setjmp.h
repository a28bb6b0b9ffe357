/* SPDX-License-Identifier: ISC */
/*
 * newlib's <setjmp.h> plus the forms that keep the signal mask,
 * POSIX.1-2017 sigsetjmp and siglongjmp.
 */
#include_next <setjmp.h>

#ifndef SPRAT_SETJMP_H
#define SPRAT_SETJMP_H

#include <sys/_sigset.h>
#include <sys/cdefs.h>

typedef struct {
	jmp_buf __registers;
	__sigset_t __mask;
	int __mask_saved;
} sigjmp_buf[1];

__BEGIN_DECLS

void __sigsetjmp_mask(sigjmp_buf, int);
void siglongjmp(sigjmp_buf, int) __attribute__((__noreturn__));

__END_DECLS

/* A macro: setjmp must be called from the frame that is to be restored. */
#define sigsetjmp(env, save)                                                   \
	(__sigsetjmp_mask(env, save), setjmp((env)->__registers))
#define _setjmp(env)       setjmp(env)
#define _longjmp(env, val) longjmp(env, val)

#endif
