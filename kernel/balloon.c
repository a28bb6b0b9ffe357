/* SPDX-License-Identifier: ISC */
/*
 * The balloon's policy.  It takes what is free, but leaves some for the guest
 * to go on with, whatever the host wants; where the rest is not to be had, it
 * tries again from time to time.
 */
#include "kernel/balloon.h"

#define STACK_LEN   (16UL << 10)
#define RETRY_NS    NS_PER_S
#define AFTER_OOM   (10 * NS_PER_S)
#define RESERVE_MIN (256UL << 10)
#define RESERVE_MAX (16UL << 20)
#define RECLAIM_MAX ((64UL << 20) / PAGE_SIZE)

static struct balloon *the;
static size_t reclaimed; /* pages */

/* Pages that may be given now, of `want`. */
static size_t
to_spare(size_t want)
{
	size_t reserve = page_total() / 32, unused = page_unused();

	if (reserve < RESERVE_MIN)
		reserve = RESERVE_MIN;
	if (reserve > RESERVE_MAX)
		reserve = RESERVE_MAX;
	if (unused <= reserve)
		return 0;
	unused = (unused - reserve) / PAGE_SIZE;
	return want < unused ? want : unused;
}

static void
told(struct balloon *b)
{
	if (b->ops->told != NULL)
		b->ops->told(b, page_given_total());
}

static void
unclaim(const struct page_run *run, unsigned n)
{
	for (; n > 0; n--, run++)
		page_unclaim(run);
}

/* One batch; false if nothing can be given now. */
static bool
inflate(struct balloon *b, size_t want)
{
	struct page_run run[BALLOON_RUNS];
	unsigned n = 0, i;

	want = to_spare(want < b->ops->batch ? want : b->ops->batch);
	while (n < BALLOON_RUNS && want > 0 && page_claim(want, &run[n]))
		want -= run[n++].npages;
	if (n == 0)
		return false;
	if (b->ops->inflate(b, run, n) != 0) {
		unclaim(run, n);
		return false;
	}
	for (i = 0; i < n; i++)
		page_given(&run[i]);
	told(b);
	return true;
}

/* One batch, from the lowest page on; how many pages came back. */
static size_t
deflate(struct balloon *b, uintptr_t *from, size_t want, bool spin)
{
	struct page_run run[BALLOON_RUNS];
	size_t left = want < b->ops->batch ? want : b->ops->batch, had;
	unsigned n = 0, i;

	had = left;
	while (n < BALLOON_RUNS && left > 0 &&
	       page_given_take(from, left, &run[n]))
		left -= run[n++].npages;
	if (n > 0 && b->ops->deflate(b, run, n, spin) != 0) {
		for (i = 0; i < n; i++)
			page_given(&run[i]);
		return 0;
	}
	unclaim(run, n);
	if (n > 0)
		told(b);
	return had - left;
}

/* Pages taken back for one that wants npages. */
static size_t
take_back(struct balloon *b, size_t npages)
{
	size_t n, got = 0, want = page_given_total() / 8;
	uintptr_t from = 0;

	/* more than that: the heap wants to go on in one place */
	if (want > RECLAIM_MAX)
		want = RECLAIM_MAX;
	if (want < npages)
		want = npages;
	do {
		n = deflate(b, &from, b->ops->batch, true);
		got += n;
	} while (n > 0 && got < want);
	reclaimed += got;
	return got;
}

/* Set as page_reclaim.  Under a lock, so that no thread finds memory short
 * while another is about to mend that; held: it is we who ask again. */
static bool
reclaim(size_t npages)
{
	static struct spinlock lock = SPINLOCK("reclaim");
	struct balloon *b = the;
	uint64_t flags;
	bool done;

	if (lock.held)
		return false;
	flags = spin_lock(&lock);
	done = b->ops->lent_back != NULL && b->ops->lent_back(b);
	if (!done && b->on_oom && page_given_total() > 0) {
		done = take_back(b, npages) > 0;
		b->from_ns = clock_ns() + AFTER_OOM;
	}
	spin_unlock(&lock, flags);
	return done;
}

/* A step towards the target; when to make the next one. */
static uint64_t
adjust(struct balloon *b)
{
	size_t given = page_given_total(), target = b->target;
	uint64_t now;

	if (given == target)
		return NS_NEVER;
	now = clock_ns();
	if (given > target) {
		if (deflate(b, &b->cursor, given - target, false) > 0)
			return now;
		b->cursor = 0; /* once around */
		return now + RETRY_NS;
	}
	if (now < b->from_ns)
		return b->from_ns;
	return inflate(b, target - given) ? now : now + RETRY_NS;
}

static void
wait(struct balloon *b, uint64_t until_ns)
{
	uint64_t flags = spin_lock(&b->lock);

	while (!b->woken)
		if (waitq_sleep(&b->thread, &b->lock, until_ns) == -ETIMEDOUT)
			break;
	b->woken = false;
	spin_unlock(&b->lock, flags);
}

static void *
balloon_loop(void *arg)
{
	struct balloon *b = arg;
	uint64_t until, again;

	for (;;) {
		until = b->ops->serve != NULL ? b->ops->serve(b) : NS_NEVER;
		again = adjust(b);
		wait(b, until < again ? until : again);
	}
	return NULL;
}

int
balloon_start(struct balloon *b)
{
	struct thread *t;

	if (the != NULL)
		return -EBUSY;
	b->lock.name = "balloon";
	the = b;
	t = thread_create(balloon_loop, b, STACK_LEN);
	if (t == NULL) {
		the = NULL;
		return -ENOMEM;
	}
	thread_detach(t);
	page_reclaim = reclaim;
	return 0;
}

void
balloon_wake(struct balloon *b)
{
	uint64_t flags = spin_lock(&b->lock);

	b->woken = true;
	waitq_wake(&b->thread, 1);
	spin_unlock(&b->lock, flags);
}

void
balloon_set_target(struct balloon *b, size_t npages)
{
	__atomic_store_n(&b->target, npages, __ATOMIC_RELAXED);
	balloon_wake(b);
}

size_t
balloon_wanted(void)
{
	return the == NULL ? 0 : the->target;
}

size_t
balloon_reclaimed(void)
{
	return reclaimed;
}
