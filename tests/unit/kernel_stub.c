/* SPDX-License-Identifier: ISC */
/*
 * The kernel as seen by code under test on the host: one thread, memory from
 * malloc (so that the sanitizers watch it), a log that is kept.
 */
#include "tests/unit/kernel_stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel/work.h"

size_t stub_pages, stub_page_limit = SIZE_MAX;
long stub_heap_blocks, stub_heap_countdown = -1;
unsigned stub_lines;
char stub_log[512];
bool (*stub_idle)(void);
bool stub_interrupted;
struct waitq *stub_woken;
unsigned stub_woken_n;

static struct work *work_first, **work_end = &work_first;

const void *initrd_base;
size_t initrd_len;

void *
page_alloc(size_t npages)
{
	void *p;

	if (stub_pages + npages > stub_page_limit)
		return NULL;
	p = aligned_alloc(PAGE_SIZE, npages * PAGE_SIZE);
	if (p != NULL)
		stub_pages += npages;
	return p;
}

void
page_free(void *p, size_t npages)
{
	stub_pages -= npages;
	free(p);
}

size_t
page_total(void)
{
	return 64 << 20;
}

size_t
page_unused(void)
{
	return page_total() - stub_pages * PAGE_SIZE;
}

void *
heap_alloc(size_t bytes)
{
	if (stub_heap_countdown == 0)
		return NULL;
	if (stub_heap_countdown > 0)
		stub_heap_countdown--;
	stub_heap_blocks++;
	return calloc(1, bytes);
}

void
heap_free(void *p, size_t bytes)
{
	(void)bytes;
	if (p != NULL)
		stub_heap_blocks--;
	free(p);
}

uint64_t
spin_lock(struct spinlock *l)
{
	ASSERT(l->held == 0);
	l->held = 1;
	return 0;
}

void
spin_unlock(struct spinlock *l, uint64_t flags)
{
	ASSERT(l->held == 1 && flags == 0);
	l->held = 0;
}

/* Time does not pass: when nothing happens any more, the deadline comes. */
void
spin_take(struct spinlock *l)
{
	spin_lock(l);
}

void
spin_give(struct spinlock *l)
{
	spin_unlock(l, 0);
}

int
waitq_sleep(struct waitq *q, struct spinlock *l, uint64_t deadline_ns)
{
	bool more;

	(void)q;
	if (stub_interrupted) {
		stub_interrupted = false;
		return -EINTR;
	}
	spin_unlock(l, 0);
	more = stub_work() || (stub_idle != NULL && stub_idle());
	spin_lock(l);
	if (more)
		return 0;
	if (deadline_ns == NS_NEVER)
		panic("the only thread sleeps for ever");
	return -ETIMEDOUT;
}

unsigned
waitq_wake(struct waitq *q, unsigned n)
{
	stub_woken = q;
	stub_woken_n = n;
	return 0;
}

struct thread *
thread_current(void)
{
	static char only;

	return (struct thread *)(void *)&only;
}

void
thread_interrupt(struct thread *t)
{
	(void)t;
	stub_interrupted = true;
}

uint64_t
clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t clock_realtime_ns(void);

uint64_t
clock_realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int
random_fill(void *p, size_t len)
{
	char *to = p;

	while (len-- > 0)
		*to++ = (char)rand();
	return 0;
}

void
log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(stub_log, sizeof(stub_log), fmt, ap);
	va_end(ap);
	stub_lines++;
}

int
log_format(char *buf, size_t len, const char *fmt, va_list ap)
{
	return vsnprintf(buf, len, fmt, ap);
}

int
log_text(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, len, fmt, ap);
	va_end(ap);
	return n;
}

struct exit_call *stub_exit;

void
kernel_at_exit(struct exit_call *c)
{
	stub_exit = c;
}

bool
panic_busy(void)
{
	return false;
}

int
work_init(void)
{
	return 0;
}

void
work_add(struct work *w)
{
	if (w->queued)
		return;
	w->queued = true;
	w->next = NULL;
	*work_end = w;
	work_end = &w->next;
}

bool
stub_work(void)
{
	struct work *w = work_first;

	if (w == NULL)
		return false;
	work_first = w->next;
	if (work_first == NULL)
		work_end = &work_first;
	w->queued = false;
	w->fn(w);
	return true;
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
