/* SPDX-License-Identifier: ISC */
/*
 * Signals, POSIX.1-2017 <signal.h>, with newlib's signal numbers; newlib's
 * <signal.h> includes this file in the place of its own, which has no
 * siginfo worth the name.
 *
 * The guest is one process, so signals come from itself: raise, kill,
 * pthread_kill, timers and faults.  A handler runs in the thread that raised
 * the signal, or in its target when that next sleeps, wakes or asks.
 * LIMIT: a thread that only computes is not interrupted by another's signal;
 * a timer's handler then runs in the timer thread.
 */
#ifndef _SYS_SIGNAL_H
#define _SYS_SIGNAL_H

#include <sys/_sigset.h>
#include <sys/_timespec.h>
#include <sys/cdefs.h>
#include <sys/features.h>
#include <sys/types.h>

#ifndef _SIGSET_T_DECLARED
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t;
#endif

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGIOT    SIGABRT
#define SIGEMT    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGBUS    10
#define SIGSEGV   11
#define SIGSYS    12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGURG    16
#define SIGSTOP   17
#define SIGTSTP   18
#define SIGCONT   19
#define SIGCHLD   20
#define SIGCLD    SIGCHLD
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGIO     23
#define SIGPOLL   SIGIO
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGLOST   29
#define SIGUSR1   30
#define SIGUSR2   31
#define NSIG      32
#define _NSIG     NSIG

#define SA_NOCLDSTOP 0x01
#define SA_SIGINFO   0x02
#define SA_ONSTACK   0x04
#define SA_RESTART   0x08
#define SA_NODEFER   0x10
#define SA_RESETHAND 0x20
#define SA_NOCLDWAIT 0x40
#define SA_NOMASK    SA_NODEFER
#define SA_ONESHOT   SA_RESETHAND

#define SIG_SETMASK 0
#define SIG_BLOCK   1
#define SIG_UNBLOCK 2

#define SS_ONSTACK  1
#define SS_DISABLE  2
#define MINSIGSTKSZ 2048
#define SIGSTKSZ    16384

#define SI_USER    0
#define SI_KERNEL  0x80
#define SI_QUEUE   (-1)
#define SI_TIMER   (-2)
#define SI_MESGQ   (-3)
#define SI_ASYNCIO (-4)
#define SI_TKILL   (-6)

#define ILL_ILLOPC  1
#define FPE_INTDIV  1
#define FPE_INTOVF  2
#define FPE_FLTDIV  3
#define FPE_FLTOVF  4
#define FPE_FLTUND  5
#define FPE_FLTRES  6
#define FPE_FLTINV  7
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN  1
#define BUS_ADRERR  2
#define TRAP_BRKPT  1
#define TRAP_TRACE  2
#define CLD_EXITED  1
#define CLD_KILLED  2
#define CLD_DUMPED  3

#define SIGEV_NONE   1
#define SIGEV_SIGNAL 2
#define SIGEV_THREAD 3

typedef void (*_sig_func_ptr)(int);

union sigval {
	int sival_int;
	void *sival_ptr;
};

struct sigevent {
	int sigev_notify; /* SIGEV_... */
	int sigev_signo;
	union sigval sigev_value;
	void (*sigev_notify_function)(union sigval);
	pthread_attr_t *sigev_notify_attributes;
};

typedef struct {
	int si_signo;
	int si_code; /* SI_..., or one of the signal's own */
	int si_errno;
	int si_status;
	pid_t si_pid;
	uid_t si_uid;
	void *si_addr; /* of a fault */
	union sigval si_value;
	long si_band;
} siginfo_t;

struct sigaction {
	union {
		void (*__handler)(int);
		void (*__action)(int, siginfo_t *, void *);
	} __call;
	sigset_t sa_mask;
	int sa_flags;
};
#define sa_handler   __call.__handler
#define sa_sigaction __call.__action

typedef struct sigaltstack {
	void *ss_sp;
	int ss_flags;
	size_t ss_size; /* bytes */
} stack_t;

__BEGIN_DECLS

/* EINVAL: no such signal, or a handler for SIGKILL or SIGSTOP. */
int sigaction(
    int, const struct sigaction *__restrict, struct sigaction *__restrict);
int sigprocmask(int, const sigset_t *__restrict, sigset_t *__restrict);
int pthread_sigmask(int, const sigset_t *__restrict, sigset_t *__restrict);
int sigpending(sigset_t *);
int sigsuspend(const sigset_t *);
/* The mask without signal n, until a handler has run (X/Open's sigpause). */
int sigpause(int);
int sigwait(const sigset_t *__restrict, int *__restrict);
int sigwaitinfo(const sigset_t *__restrict, siginfo_t *__restrict);
/* EAGAIN when the relative time has passed without a signal. */
int sigtimedwait(const sigset_t *__restrict, siginfo_t *__restrict,
    const struct timespec *__restrict);
int siginterrupt(int, int);
int sigaltstack(const stack_t *__restrict, stack_t *__restrict);

/* ESRCH for any process but this one; signal 0 only checks. */
int kill(pid_t, int);
int killpg(pid_t, int);
int sigqueue(pid_t, int, union sigval);
int pthread_kill(pthread_t, int);

/* EINVAL: no such signal. */
int sigaddset(sigset_t *, int);
int sigdelset(sigset_t *, int);
int sigismember(const sigset_t *, int);
int sigemptyset(sigset_t *);
int sigfillset(sigset_t *);

_sig_func_ptr sigset(int, _sig_func_ptr);
int sighold(int);
int sigrelse(int);
int sigignore(int);

__END_DECLS

#ifndef _SIGNAL_H_
#include <signal.h> /* programs may include this file alone */
#endif
#endif
