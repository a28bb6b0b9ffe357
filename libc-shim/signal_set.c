/* SPDX-License-Identifier: ISC */
/*
 * Sets of signals, POSIX.1-2017 sigaddset and kin; the System V calls
 * sighold, sigrelse, sigignore, sigset; the mask's part of sigsetjmp.
 */
#include <setjmp.h>
#include <string.h>

#include "libc-shim/shim.h"
#include "libc-shim/signals.h"

PUBLIC int
sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

PUBLIC int
sigfillset(sigset_t *set)
{
	*set = UINT32_MAX & ~SIGNAL_BIT(0);
	return 0;
}

PUBLIC int
sigaddset(sigset_t *set, int signo)
{
	if (!signal_valid(signo))
		return (int)posix_result(-EINVAL);
	*set |= SIGNAL_BIT(signo);
	return 0;
}

PUBLIC int
sigdelset(sigset_t *set, int signo)
{
	if (!signal_valid(signo))
		return (int)posix_result(-EINVAL);
	*set &= ~(sigset_t)SIGNAL_BIT(signo);
	return 0;
}

PUBLIC int
sigismember(const sigset_t *set, int signo)
{
	if (!signal_valid(signo))
		return (int)posix_result(-EINVAL);
	return (*set & SIGNAL_BIT(signo)) != 0;
}

static int
mask_one(int how, int signo)
{
	sigset_t set = signal_valid(signo) ? SIGNAL_BIT(signo) : 0;

	return (int)posix_result(
	    set == 0 ? -EINVAL : signal_mask(how, &set, NULL));
}

PUBLIC int
sighold(int signo)
{
	return mask_one(SIG_BLOCK, signo);
}

PUBLIC int
sigrelse(int signo)
{
	return mask_one(SIG_UNBLOCK, signo);
}

PUBLIC int
sigignore(int signo)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_handler = SIG_IGN;
	return sigaction(signo, &act, NULL);
}

/* LIMIT: SIG_HOLD is not offered. */
PUBLIC _sig_func_ptr
sigset(int signo, _sig_func_ptr handler)
{
	_sig_func_ptr old = signal(signo, handler);

	if (old != SIG_ERR)
		mask_one(SIG_UNBLOCK, signo);
	return old;
}

PUBLIC void
__sigsetjmp_mask(sigjmp_buf env, int save)
{
	env->__mask_saved = save;
	if (save)
		signal_mask(SIG_BLOCK, NULL, &env->__mask);
}

PUBLIC void
siglongjmp(sigjmp_buf env, int value)
{
	if (env->__mask_saved)
		signal_mask(SIG_SETMASK, &env->__mask, NULL);
	longjmp(env->__registers, value);
}
