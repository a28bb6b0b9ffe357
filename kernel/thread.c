/* SPDX-License-Identifier: ISC */
/*
 * The life of a thread.  One run of pages holds all of it, lowest address
 * first:
 *
 *	guard page | stack | TLS image | struct thread
 *
 * with FS at struct thread, as the ABI's variant II wants it ([TLS] 3).
 */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

#define THREAD_ALIGN 64UL
#define LARGE_PAGE   (2UL << 20)

#define STACK_MAIN_MAX  (8UL << 20)
#define STACK_MAIN_MIN  (64UL << 10)
#define STACK_OTHER_MAX (128UL << 10)
#define STACK_OTHER_MIN (32UL << 10)

static unsigned last_id; /* under the scheduler's lock */

uint32_t trap_fpu_len = 512;

extern char __tls_start[], __tls_filesz[], __tls_memsz[], __tls_align[];

void
thread_free(struct thread *t)
{
	page_free_guarded(t->pages, t->npages);
}
/* --- beginning and end --- */

static void
thread_start(void)
{
	struct thread *t = thread_current();

	sched_leave(RFLAGS_IF);
	thread_exit(t->fn(t->arg));
}

/* What thread_switch will take off the new stack, top last. */
static void
stack_prepare(struct thread *t)
{
	uint64_t *sp = (uint64_t *)ALIGN_DOWN(t->stack_hi, 16UL);

	*--sp = 0;                      /* the end of every backtrace */
	*--sp = (uint64_t)thread_start; /* return address */
	sp -= 6;                        /* rbp rbx r12 r13 r14 r15 */
	memset(sp, 0, 6 * 8);
	sp -= 4; /* MXCSR and the x87 environment: [ABI], [SDM] 1, 8.1.10 */
	sp[0] = 0x037fUL << 32 | 0x1f80;
	sp[1] = 0xffffUL << 32; /* tags: all registers are empty */
	sp[2] = sp[3] = 0;
	t->rsp = (uintptr_t)sp;
}

static struct thread *
thread_alloc(size_t stack_len)
{
	size_t align = (size_t)__tls_align, tls, npages;
	struct thread *t;
	uintptr_t at;
	char *pages;

	if (align == 0)
		align = 1;
	tls = ALIGN_UP((size_t)__tls_memsz, align); /* below FS, [TLS] 3 */
	if (align < THREAD_ALIGN)
		align = THREAD_ALIGN;
	if (stack_len > SIZE_MAX / 2)
		return NULL;
	npages = ALIGN_UP(stack_len + tls + align + sizeof(*t), PAGE_SIZE) /
		 PAGE_SIZE;
	pages = page_alloc_guarded(npages);
	if (pages == NULL)
		return NULL;
	at = (uintptr_t)pages + npages * PAGE_SIZE - sizeof(*t);
	t = (struct thread *)ALIGN_DOWN(at, align);
	memset(t, 0, sizeof(*t));
	t->self = t;
	t->pages = pages;
	t->npages = npages;
	t->stack_lo = (uintptr_t)pages;
	t->stack_hi = (uintptr_t)t - tls;
	memcpy((char *)t - tls, __tls_start, (size_t)__tls_filesz);
	memset((char *)t - tls + (size_t)__tls_filesz, 0,
	    tls - (size_t)__tls_filesz);
	return t;
}

struct thread *
thread_create(void *(*fn)(void *), void *arg, size_t stack_len)
{
	struct thread *t;
	uint64_t flags;

	t = thread_alloc(stack_len ? stack_len : thread_stack_default());
	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	stack_prepare(t);
	flags = sched_enter();
	t->id = ++last_id;
	sched_wake(t, 0);
	sched_leave(flags);
	return t;
}

void (*thread_exit_hook)(void);

void
thread_exit(void *result)
{
	struct thread *t = thread_current(), *joiner;

	if (thread_exit_hook != NULL)
		thread_exit_hook();
	sched_enter();
	t->result = result;
	t->dead = true;
	while ((joiner = waitq_pop(&t->done)) != NULL)
		sched_wake(joiner, 0);
	sched_end(t);
}

int
thread_join(struct thread *t, void **result, uint64_t deadline_ns)
{
	uint64_t flags;
	int err = 0;

	if (t == thread_current())
		return -EDEADLK;
	flags = sched_enter();
	while (!t->dead && err == 0)
		err = sched_sleep(&t->done, deadline_ns);
	sched_leave(flags);
	if (!t->dead)
		return err;
	if (result != NULL)
		*result = t->result;
	thread_free(t);
	return 0;
}

int
thread_detach(struct thread *t)
{
	uint64_t flags = sched_enter();
	bool dead = t->dead;

	t->detached = true;
	sched_leave(flags);
	if (dead)
		thread_free(t);
	return 0;
}
/* --- what others ask --- */

unsigned
thread_id(const struct thread *t)
{
	return t == NULL ? 0 : t->id;
}

void *
thread_libc(struct thread *t)
{
	return t->libc;
}

void
thread_stack(const struct thread *t, uintptr_t *lo, uintptr_t *hi)
{
	*lo = t == NULL ? 0 : t->stack_lo;
	*hi = t == NULL ? 0 : t->stack_hi;
}

static size_t
clamp(size_t n, size_t lo, size_t hi)
{
	n = ALIGN_DOWN(n, PAGE_SIZE);
	return n < lo ? lo : n > hi ? hi : n;
}

size_t
thread_stack_default(void)
{
	return clamp(page_total() / 64, STACK_OTHER_MIN, STACK_OTHER_MAX);
}

/* [SDM] 1, 13: which extended states there are and how much room they take. */
static void
fpu_init(void)
{
	struct cpuid c;

	if (!(cpu_id(1, 0).ecx & (1U << 26)))
		return;
	cpu_set_cr4(cpu_cr4() | CR4_OSXSAVE);
	c = cpu_id(13, 0);
	cpu_set_xcr0(c.eax & 0xe7); /* x87, SSE, AVX, AVX-512 */
	trap_fpu_len = ALIGN_UP(cpu_id(13, 0).ebx, 64U) | 1;
}

void
thread_init(void (*fn)(void))
{
	const size_t other =
	    sizeof(struct thread) + THREAD_ALIGN + (size_t)__tls_memsz;
	struct thread *t;
	size_t len;

	fpu_init();
	/* with all that goes with it, a round number of large pages */
	len = clamp(page_total() / 12, STACK_MAIN_MIN, STACK_MAIN_MAX);
	if (len > LARGE_PAGE)
		len = ALIGN_DOWN(len, LARGE_PAGE);
	t = thread_alloc(other < len / 2 ? len - other : STACK_MAIN_MIN);
	if (t == NULL)
		panic("no memory for the first thread's stack");
	t->fn = (void *(*)(void *))fn;
	stack_prepare(t);
	t->id = ++last_id;
	sched_begin(t);
}
