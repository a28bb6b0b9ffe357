/* SPDX-License-Identifier: ISC */
/*
 * Threads: a round-robin run queue, sleeping with deadlines, and the switch.
 * A thread is preempted only while another is runnable; with none runnable
 * the last one to sleep halts the processor on its own stack.
 *
 * One run of pages holds all of a thread, lowest address first:
 *
 *	guard page | stack | TLS image | struct thread
 *
 * with FS at struct thread, as the ABI's variant II wants it ([ABI] TLS).
 */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/platform.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

#define SLICE_NS 5000000ULL
#define THREAD_ALIGN 64UL
#define LARGE_PAGE   (2UL << 20)

#define STACK_MAIN_MAX	(8UL << 20)
#define STACK_MAIN_MIN	(64UL << 10)
#define STACK_OTHER_MAX (128UL << 10)
#define STACK_OTHER_MIN (32UL << 10)

struct thread {
	struct thread *self; /* at FS:0, [ABI] */
	uintptr_t rsp;	     /* while it does not run */
	struct thread *next; /* on the run queue or a wait queue */
	struct waitq *queue; /* that it sleeps on */
	struct thread *later, **link; /* sleepers by deadline */
	uint64_t deadline_ns;
	int wait_err;
	bool interrupted, dead, detached;
	unsigned id;
	void *(*fn)(void *);
	void *arg, *result;
	struct waitq done; /* joiners */
	char *pages;
	size_t npages;
	uintptr_t stack_lo, stack_hi;
	uint64_t run_ns;
	uint8_t libc[THREAD_LIBC_LEN] __attribute__((aligned(16)));
};

/* What each processor has; cpu_self is the only way to it. */
struct cpu {
	struct thread *current;
	uint64_t since_ns; /* when `current` began to run */
	uint64_t idle_ns;
	uint64_t slice_end_ns;
	bool idle, resched;
};

static struct cpu cpu0;

static struct cpu *
cpu_self(void)
{
	return &cpu0;
}

/* Guards all below and every link between threads. */
static struct spinlock sched_lock = SPINLOCK("sched");
static struct waitq runq;
static struct thread *sleepers; /* earliest deadline first */
static uint64_t armed_ns = NS_NEVER;
static struct thread *grave; /* detached, dead, not yet freed */
static unsigned last_id;

uint32_t trap_fpu_len = 512;

extern char __tls_start[], __tls_filesz[], __tls_memsz[], __tls_align[];

uint64_t
spin_lock(struct spinlock *l)
{
	uint64_t flags = cpu_irq_save();

	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		cpu_pause();
	return flags;
}

void
spin_unlock(struct spinlock *l, uint64_t flags)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
	cpu_irq_restore(flags);
}

struct thread *
thread_current(void)
{
	return cpu_self()->current;
}

/* --- queues: sched_lock held in all of these --- */

static void
queue_push(struct waitq *q, struct thread *t)
{
	t->next = NULL;
	if (q->first == NULL)
		q->first = t;
	else
		q->last->next = t;
	q->last = t;
}

static struct thread *
queue_pop(struct waitq *q)
{
	struct thread *t = q->first;

	if (t != NULL)
		q->first = t->next;
	return t;
}

static void
queue_remove(struct waitq *q, struct thread *t)
{
	struct thread **p = &q->first, *before = NULL;

	while (*p != t) {
		before = *p;
		p = &before->next;
	}
	*p = t->next;
	if (q->last == t)
		q->last = before;
}

static void
sleeper_add(struct thread *t, uint64_t deadline_ns)
{
	struct thread **p = &sleepers;

	while (*p != NULL && (*p)->deadline_ns <= deadline_ns)
		p = &(*p)->later;
	t->deadline_ns = deadline_ns;
	t->later = *p;
	t->link = p;
	if (t->later != NULL)
		t->later->link = &t->later;
	*p = t;
}

static void
sleeper_remove(struct thread *t)
{
	if (t->link == NULL)
		return;
	*t->link = t->later;
	if (t->later != NULL)
		t->later->link = t->link;
	t->link = NULL;
}

static void
timer_program(void)
{
	struct cpu *c = cpu_self();
	uint64_t deadline = sleepers ? sleepers->deadline_ns : NS_NEVER;

	if (runq.first != NULL && !c->idle && c->slice_end_ns < deadline)
		deadline = c->slice_end_ns;
	if (deadline >= armed_ns)
		return;
	armed_ns = deadline;
	platform->timer_arm(deadline);
}

/* Ends t's sleep; it may run again. */
static void
make_runnable(struct thread *t, int wait_err)
{
	struct cpu *c = cpu_self();

	sleeper_remove(t);
	t->queue = NULL;
	t->wait_err = wait_err;
	if (runq.first == NULL && !c->idle)
		c->slice_end_ns = clock_ns() + SLICE_NS;
	queue_push(&runq, t);
	timer_program();
}

/* Adds the time since the last call to whoever had it. */
static void
account(struct cpu *c, uint64_t *to)
{
	uint64_t now;

	if (!clock_started())
		return;
	now = clock_ns();
	*to += now - c->since_ns;
	c->since_ns = now;
}

static void
idle(struct cpu *c)
{
	account(c, &c->current->run_ns);
	c->idle = true;
	while (runq.first == NULL) {
		timer_program();
		spin_unlock(&sched_lock, 0);
		platform->idle();
		spin_lock(&sched_lock);
	}
	c->idle = false;
	account(c, &c->idle_ns);
}

/* Gives the processor to the next thread; returns when it is our turn again.
 * sched_lock is held throughout: the one who comes out of thread_switch drops
 * the lock that another took. */
static void
schedule(void)
{
	struct cpu *c = cpu_self();
	struct thread *prev = c->current, *next;

	c->resched = false;
	if (runq.first == NULL)
		idle(c);
	next = queue_pop(&runq);
	if (runq.first != NULL) {
		c->slice_end_ns = clock_ns() + SLICE_NS;
		timer_program();
	}
	if (next == prev)
		return;
	account(c, &prev->run_ns);
	c->current = next;
	cpu_wrmsr(MSR_FS_BASE, (uint64_t)next);
	thread_switch(&prev->rsp, next->rsp);
}

static void
thread_free(struct thread *t)
{
	page_free_guarded(t->pages, t->npages);
}

static void
sched_leave(uint64_t flags)
{
	struct thread *t = grave;

	grave = NULL;
	spin_unlock(&sched_lock, flags);
	if (t != NULL)
		thread_free(t);
}

/* --- sleeping and waking --- */

static int
sleep_locked(struct waitq *q, uint64_t deadline_ns)
{
	struct thread *t = thread_current();

	if (t->interrupted) {
		t->interrupted = false;
		return -EINTR;
	}
	if (deadline_ns != NS_NEVER) {
		if (deadline_ns <= clock_ns())
			return -ETIMEDOUT;
		sleeper_add(t, deadline_ns);
	}
	t->queue = q;
	queue_push(q, t);
	schedule();
	return t->wait_err;
}

int
waitq_sleep(struct waitq *q, struct spinlock *l, uint64_t deadline_ns)
{
	int err;

	spin_lock(&sched_lock);
	spin_unlock(l, 0);
	err = sleep_locked(q, deadline_ns);
	sched_leave(0);
	spin_lock(l);
	return err;
}

unsigned
waitq_wake(struct waitq *q, unsigned n)
{
	uint64_t flags = spin_lock(&sched_lock);
	struct thread *t;
	unsigned woken = 0;

	for (; woken < n && (t = queue_pop(q)) != NULL; woken++)
		make_runnable(t, 0);
	spin_unlock(&sched_lock, flags);
	return woken;
}

void
thread_interrupt(struct thread *t)
{
	uint64_t flags = spin_lock(&sched_lock);

	if (t->queue != NULL) {
		queue_remove(t->queue, t);
		make_runnable(t, -EINTR);
	} else {
		t->interrupted = true;
	}
	spin_unlock(&sched_lock, flags);
}

void
thread_sleep(uint64_t deadline_ns)
{
	struct waitq nobody = {NULL, NULL};
	uint64_t flags = spin_lock(&sched_lock);

	sleep_locked(&nobody, deadline_ns);
	sched_leave(flags);
}

void
thread_yield(void)
{
	uint64_t flags = spin_lock(&sched_lock);

	if (runq.first != NULL) {
		queue_push(&runq, thread_current());
		schedule();
	}
	sched_leave(flags);
}

void
thread_preempt(void)
{
	thread_yield();
}

/* From an interrupt, and only where it interrupted a thread. */
bool
thread_preempt_wanted(void)
{
	struct cpu *c = cpu_self();

	return c->resched && !c->idle && c->current != NULL;
}

/* Whoever an interrupt wakes goes next: it is the one with work to do. */
void
thread_interrupted(void)
{
	if (runq.first != NULL)
		cpu_self()->resched = true;
}

void
thread_timer(void)
{
	uint64_t flags = spin_lock(&sched_lock), now = clock_ns();
	struct thread *t;

	armed_ns = NS_NEVER;
	while ((t = sleepers) != NULL && t->deadline_ns <= now) {
		queue_remove(t->queue, t);
		make_runnable(t, -ETIMEDOUT);
	}
	timer_program();
	spin_unlock(&sched_lock, flags);
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

	*--sp = 0;		       /* the end of every backtrace */
	*--sp = (uint64_t)thread_start; /* return address */
	sp -= 6;		       /* rbp rbx r12 r13 r14 r15 */
	memset(sp, 0, 6 * 8);
	*--sp = 0x037fUL << 32 | 0x1f80; /* x87 control word, MXCSR: [ABI] */
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
	flags = spin_lock(&sched_lock);
	t->id = ++last_id;
	make_runnable(t, 0);
	spin_unlock(&sched_lock, flags);
	return t;
}

void (*thread_exit_hook)(void);

void
thread_exit(void *result)
{
	struct thread *t = thread_current(), *joiner;

	if (thread_exit_hook != NULL)
		thread_exit_hook();
	spin_lock(&sched_lock);
	t->result = result;
	t->dead = true;
	while ((joiner = queue_pop(&t->done)) != NULL)
		make_runnable(joiner, 0);
	if (t->detached)
		grave = t;
	schedule();
	__builtin_unreachable();
}

int
thread_join(struct thread *t, void **result, uint64_t deadline_ns)
{
	uint64_t flags;
	int err = 0;

	if (t == thread_current())
		return -EDEADLK;
	flags = spin_lock(&sched_lock);
	while (!t->dead && err == 0)
		err = sleep_locked(&t->done, deadline_ns);
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
	uint64_t flags = spin_lock(&sched_lock);
	bool dead = t->dead;

	t->detached = true;
	spin_unlock(&sched_lock, flags);
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

uint64_t
thread_idle_ns(void)
{
	return cpu_self()->idle_ns;
}

uint64_t
thread_run_ns(const struct thread *t)
{
	struct cpu *c = cpu_self();

	return t->run_ns +
	    (t == c->current ? clock_ns() - c->since_ns : 0);
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
	struct thread *t;
	uintptr_t boot_rsp;
	size_t len;

	fpu_init();
	/* with all that goes with it, a round number of large pages */
	len = clamp(page_total() / 12, STACK_MAIN_MIN, STACK_MAIN_MAX);
	if (len > LARGE_PAGE)
		len = ALIGN_DOWN(len, LARGE_PAGE);
	t = thread_alloc(len - sizeof(*t) - THREAD_ALIGN -
	    (size_t)__tls_memsz);
	if (t == NULL)
		panic("no memory for the first thread's stack");
	t->fn = (void *(*)(void *))fn;
	stack_prepare(t);
	t->id = ++last_id;
	cpu_self()->current = t;
	cpu_wrmsr(MSR_FS_BASE, (uint64_t)t);
	spin_lock(&sched_lock);
	thread_switch(&boot_rsp, t->rsp);
}
