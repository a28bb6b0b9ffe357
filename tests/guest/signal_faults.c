/* SPDX-License-Identifier: ISC */
/*
 * Faults that a program handles: each kind of signal, both ways out of the
 * handler, the signal stack, and registers that must survive.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "check.h"

/* Opaque to the compiler, which knows better than to write there. */
static volatile int *volatile nowhere = (volatile int *)16;

static sigjmp_buf env;
static siginfo_t last;
static volatile int calls;

static void
leave(int signo, siginfo_t *info, void *uc)
{
	(void)uc;
	last = *info;
	calls++;
	siglongjmp(env, signo);
}

static void
handle(int signo, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction act = {.sa_flags = SA_SIGINFO | flags};

	act.sa_sigaction = fn;
	sigemptyset(&act.sa_mask);
	CHECK(sigaction(signo, &act, NULL) == 0);
	calls = 0;
}

static const int constant = 1;

static void
segv_jump(void)
{
	volatile int i;

	handle(SIGSEGV, leave, 0);
	for (i = 0; i < 100; i++) {
		if (sigsetjmp(env, 1) == 0) {
			*nowhere = 1;
			CHECK(!"no fault");
		}
		CHECK(last.si_signo == SIGSEGV);
		CHECK(last.si_addr == (void *)nowhere);
		CHECK(last.si_code == SEGV_MAPERR);
	}
	CHECK(calls == 100);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile int *)&constant = 2;
		CHECK(!"wrote to rodata");
	}
	CHECK(last.si_addr == (void *)&constant);
	CHECK(last.si_code == SEGV_ACCERR);
}

static int file; /* standard input, or what the first argument names */

/* The same in calls that copy: nothing stays locked. */
static void
segv_in_calls(void)
{
	volatile int i;

	handle(SIGSEGV, leave, 0);
	for (i = 0; i < 3; i++) {
		if (sigsetjmp(env, 1) == 0) {
			read(file, (void *)(uintptr_t)&constant, 4);
			CHECK(!"read into rodata");
		}
		CHECK((uintptr_t)last.si_addr - (uintptr_t)&constant < 4);
		if (sigsetjmp(env, 1) == 0) {
			write(file, (void *)(uintptr_t)nowhere, 4);
			CHECK(!"wrote what is not there");
		}
		CHECK((uintptr_t)last.si_addr - (uintptr_t)nowhere < 4);
	}
	CHECK(calls == 6);
}

static void
fpe_jump(void)
{
	volatile int zero = 0, one = 1;

	handle(SIGFPE, leave, 0);
	if (sigsetjmp(env, 1) == 0) {
		one /= zero;
		CHECK(!"divided by zero");
	}
	CHECK(last.si_signo == SIGFPE && last.si_code == FPE_INTDIV);
}

/* Skips the two bytes of ud2. */
static void
skip(int signo, siginfo_t *info, void *arg)
{
	ucontext_t *uc = arg;

	CHECK(signo == SIGILL);
	CHECK(info->si_addr == (void *)uc->uc_mcontext.gregs[REG_RIP]);
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	calls++;
}

static void
ill_skip(void)
{
	handle(SIGILL, skip, 0);
	__asm__ volatile("ud2");
	__asm__ volatile("ud2");
	CHECK(calls == 2);
}

static void
breakpoint(int signo, siginfo_t *info, void *uc)
{
	CHECK(signo == SIGTRAP && info->si_code == TRAP_BRKPT);
	(void)uc;
	calls++;
}

static void
trap_goes_on(void)
{
	handle(SIGTRAP, breakpoint, 0);
	__asm__ volatile("int3");
	CHECK(calls == 1);
}

/* Mends the pointer in RBX, uses floating point, returns to the fault. */
static int there = 42;
static volatile double spoil;

static void
mend(int signo, siginfo_t *info, void *arg)
{
	ucontext_t *uc = arg;
	int i;

	(void)signo;
	(void)info;
	for (i = 0; i < 100; i++)
		spoil += i / 3.0;
	__asm__ volatile("xorps %%xmm7, %%xmm7; xorps %%xmm15, %%xmm15"
			 :
			 :
			 : "xmm7", "xmm15");
	uc->uc_mcontext.gregs[REG_RBX] = (greg_t)&there;
	calls++;
}

static void
segv_return(void)
{
	double x = 1.5, y = 2.25;
	uint64_t red = 0x1234, flags;
	int value = 0;

	handle(SIGSEGV, mend, 0);
	/* The red zone below RSP, XMM registers and the flags survive. */
	__asm__ volatile("movq %[red], -64(%%rsp)\n\t"
			 "movsd %[x], %%xmm7\n\t"
			 "movsd %[y], %%xmm15\n\t"
			 "movq $16, %%rbx\n\t"
			 "stc\n\t"
			 "movl (%%rbx), %[value]\n\t"
			 "sbbq %[flags], %[flags]\n\t"
			 "movsd %%xmm7, %[x]\n\t"
			 "movsd %%xmm15, %[y]\n\t"
			 "movq -64(%%rsp), %[red]\n\t"
			 : [red] "+r"(red), [x] "+m"(x), [y] "+m"(y),
			 [value] "=&r"(value), [flags] "=&r"(flags)
			 :
			 : "rbx", "xmm7", "xmm15", "cc", "memory");
	CHECK(calls == 1 && value == 42);
	CHECK(x == 1.5 && y == 2.25 && red == 0x1234);
	CHECK(flags == UINT64_MAX);
}

static char *signal_stack;
static size_t signal_stack_len = 64 * 1024;

static void
on_stack(int signo, siginfo_t *info, void *uc)
{
	stack_t now;
	char here;

	(void)info;
	(void)uc;
	CHECK(&here >= signal_stack && &here < signal_stack + signal_stack_len);
	CHECK(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_ONSTACK);
	calls++;
	if (signo == SIGSEGV)
		siglongjmp(env, 1);
}

static int
overflow(volatile int *n)
{
	volatile char frame[2000];

	frame[0] = (char)++*n;
	return *n < 0 ? 0 : overflow(n) + frame[0];
}

static void
stack_of_signals(void)
{
	volatile int n = 0;
	stack_t stack;

	signal_stack = malloc(signal_stack_len);
	stack.ss_sp = signal_stack;
	stack.ss_size = signal_stack_len;
	stack.ss_flags = 0;
	CHECK(sigaltstack(&stack, NULL) == 0);
	handle(SIGUSR1, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(calls == 1);
	handle(SIGSEGV, on_stack, SA_ONSTACK);
	if (sigsetjmp(env, 1) == 0)
		overflow(&n);
	CHECK(calls == 1 && n > 10);
	n = 0;
	if (sigsetjmp(env, 1) == 0)
		overflow(&n);
	CHECK(calls == 2 && n > 10);
	stack.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&stack, NULL) == 0);
}

/* Faults in several threads at once, handlers preempted. */
static __thread sigjmp_buf own_env;
static __thread int own_calls;

static void
leave_own(int signo, siginfo_t *info, void *uc)
{
	volatile int i;

	(void)info;
	(void)uc;
	for (i = 0; i < 2000; i++)
		continue;
	own_calls++;
	siglongjmp(own_env, signo);
}

static void *
faulting(void *arg)
{
	volatile int i;

	for (i = 0; i < 300; i++) {
		if (sigsetjmp(own_env, 1) == 0)
			*nowhere = 1;
	}
	CHECK(own_calls == 300);
	return arg;
}

static void
threads_fault(void)
{
	pthread_t t[4];
	int i;

	handle(SIGSEGV, leave_own, 0);
	for (i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, faulting, NULL) == 0);
	for (i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

/* abort calls the handler, which may leave. */
static void
abort_handled(void)
{
	handle(SIGABRT, leave, 0);
	if (sigsetjmp(env, 1) == 0)
		abort();
	CHECK(calls == 1 && last.si_signo == SIGABRT);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		file = open(argv[1], O_RDWR);
	CHECK_RUN(segv_jump);
	CHECK_RUN(segv_in_calls);
	CHECK_RUN(fpe_jump);
	CHECK_RUN(ill_skip);
	CHECK_RUN(trap_goes_on);
	CHECK_RUN(segv_return);
	CHECK_RUN(stack_of_signals);
	CHECK_RUN(threads_fault);
	CHECK_RUN(abort_handled);
	return check_failures != 0;
}
