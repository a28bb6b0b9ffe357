/* SPDX-License-Identifier: ISC */
/*
 * The memory balloon device.  [VIRTIO] 5.5.  All of it is done by the balloon's
 * thread (kernel/balloon.c), which interrupts only wake.
 *
 * VIRTIO_BALLOON_F_PAGE_POISON is not accepted: it tells the host what we fill
 * free pages with, and we fill them with nothing.
 */
#include <linux/virtio_balloon.h>

#include "kernel/balloon.h"
#include "kernel/cpu.h"
#include "pv/virtio/virtio.h"
#include "pv/virtio/virtio_drivers.h"

#define ANSWER_NS (10 * NS_PER_S)
#define SPIN_NS   NS_PER_S
#define BATCH     1024U /* pages told at a time: one page full of numbers */
#define LENT_RUNS 32U
#define NSTATS    8

/* Memory has to be free for so long before it is reported: what is used again
 * soon costs the host nothing. */
#define REPORT_DELAY_NS NS_PER_S
/* Lent at a time, for meanwhile nobody gets it. */
#define REPORT_PAGES ((64UL << 20) / PAGE_SIZE)
#define HINT_PAGES   ((256UL << 20) / PAGE_SIZE)

#define FEATURES                                                               \
	(VIRTIO_BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) |                         \
	    VIRTIO_BIT(VIRTIO_BALLOON_F_STATS_VQ) |                            \
	    VIRTIO_BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |                      \
	    VIRTIO_BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT) |                      \
	    VIRTIO_BIT(VIRTIO_BALLOON_F_REPORTING))

_Static_assert(sizeof(struct virtio_balloon_config) == 16, "[VIRTIO] 5.5.4");
_Static_assert(
    offsetof(struct virtio_balloon_config, poison_val) == 12, "[VIRTIO] 5.5.4");
_Static_assert(sizeof(struct virtio_balloon_stat) == 10, "[VIRTIO] 5.5.6.3");

/* A queue of free memory that the host looks at, one request at a time. */
struct lendq {
	struct virtq q;
	struct spinlock lock;
	struct waitq waiter;
	bool there; /* the device has such a queue */
	bool drops; /* the host drops what is in them */
	bool busy;  /* under way */
	unsigned nrun;
	struct page_run run[LENT_RUNS];
};

struct vballoon {
	struct balloon b;
	struct virtio_dev *vd;
	struct virtio_calls inflateq, deflateq;
	uint32_t *pfn, *pfn_spin; /* BATCH each */

	struct virtq statsq;
	struct spinlock stats_lock;
	struct virtio_balloon_stat stats[NSTATS];

	struct lendq hintq, reportq;
	uint32_t hint_id;    /* the last one that was answered */
	bool config_changed; /* an interrupt said so */
	bool dirty;          /* there is something to report */
	uint64_t report_ns;  /* when; NS_NEVER: nothing */
};

static struct vballoon vb;

/* --- pages given and taken back, [VIRTIO] 5.5.6 --- */

/* LIMIT: pages above 16 TiB have no number that fits.  Their count; 0: none. */
static uint32_t
pfn_fill(uint32_t *pfn, const struct page_run *run, unsigned n)
{
	uint32_t count = 0;
	uint64_t at, end;

	for (; n > 0; n--, run++) {
		at = run->base >> VIRTIO_BALLOON_PFN_SHIFT;
		end = at + run->npages;
		if (end > UINT32_MAX || count + run->npages > BATCH)
			return 0;
		while (at < end)
			pfn[count++] = (uint32_t)at++;
	}
	return count;
}

static int
vballoon_inflate(struct balloon *b, const struct page_run *run, unsigned n)
{
	uint32_t count = pfn_fill(vb.pfn, run, n), written;
	struct virtq_buf buf = {vb.pfn, count * sizeof(vb.pfn[0])};

	(void)b;
	if (count == 0)
		return -ERANGE;
	return virtio_call(
	    &vb.inflateq, &buf, 1, 0, clock_ns() + ANSWER_NS, &written);
}

/* The pages are used only after the host knows, as MUST_TELL_HOST wants it:
 * that is no slower than to remember whom it was not told about. */
static int
vballoon_deflate(
    struct balloon *b, const struct page_run *run, unsigned n, bool spin)
{
	uint32_t *pfn = spin ? vb.pfn_spin : vb.pfn;
	uint32_t count = pfn_fill(pfn, run, n), written;
	struct virtq_buf buf = {pfn, count * sizeof(pfn[0])};

	(void)b;
	if (count == 0)
		return -ERANGE;
	if (spin)
		return virtio_call_spin(
		    &vb.deflateq, &buf, 1, 0, clock_ns() + SPIN_NS, &written);
	return virtio_call(
	    &vb.deflateq, &buf, 1, 0, clock_ns() + ANSWER_NS, &written);
}

static void
vballoon_told(struct balloon *b, size_t npages)
{
	(void)b;
	virtio_config_set(
	    vb.vd, offsetof(struct virtio_balloon_config, actual), 4, npages);
}

/* --- statistics, [VIRTIO] 5.5.6.3 --- */

static void
stat_add(unsigned *n, uint16_t tag, uint64_t val)
{
	vb.stats[*n].tag = tag;
	vb.stats[*n].val = val;
	++*n;
}

/* Memory is here or not: nothing is swapped, nothing faults in. */
static uint32_t
stats_fill(void)
{
	uint64_t unused = page_unused();
	unsigned n = 0;

	stat_add(&n, VIRTIO_BALLOON_S_SWAP_IN, 0);
	stat_add(&n, VIRTIO_BALLOON_S_SWAP_OUT, 0);
	stat_add(&n, VIRTIO_BALLOON_S_MAJFLT, 0);
	stat_add(&n, VIRTIO_BALLOON_S_MINFLT, 0);
	stat_add(&n, VIRTIO_BALLOON_S_MEMFREE, unused);
	stat_add(&n, VIRTIO_BALLOON_S_MEMTOT,
	    page_total() - page_given_total() * PAGE_SIZE);
	stat_add(&n, VIRTIO_BALLOON_S_AVAIL, unused);
	stat_add(&n, VIRTIO_BALLOON_S_CACHES, 0);
	return n * sizeof(vb.stats[0]);
}

/* The device keeps one buffer, and gives it back when it wants a new one. */
static void
stats_serve(void)
{
	struct virtq_buf buf = {vb.stats, 0};
	uint64_t flags = spin_lock(&vb.stats_lock);
	uint32_t written;

	if (virtq_take(&vb.statsq, &written) != NULL ||
	    vb.statsq.in_flight == 0) {
		buf.len = stats_fill();
		if (virtq_add(&vb.statsq, &buf, 1, 0, vb.stats) == 0) {
			virtq_kick(&vb.statsq);
			if (virtq_arm(&vb.statsq, 1))
				balloon_wake(&vb.b);
		}
	}
	spin_unlock(&vb.stats_lock, flags);
}

static void
stats_done(struct virtq *q)
{
	(void)q;
	balloon_wake(&vb.b);
}

/* --- lending --- */

static struct lendq *
lendq_of(struct virtq *q)
{
	return CONTAINER_OF(q, struct lendq, q);
}

static void
lendq_over(struct lendq *l, bool looked_at)
{
	page_lend_end(l->run, l->nrun, looked_at && l->drops);
	l->nrun = 0;
	l->busy = false;
	waitq_wake(&l->waiter, 1);
}

/* Under the lock. */
static void
lendq_take(struct lendq *l)
{
	uint32_t written;

	do {
		while (virtq_take(&l->q, &written) != NULL)
			lendq_over(l, !l->q.vd->broken);
	} while (l->q.in_flight > 0 && virtq_arm(&l->q, 1));
}

static void
lendq_done(struct virtq *q)
{
	struct lendq *l = lendq_of(q);
	uint64_t flags = spin_lock(&l->lock);

	lendq_take(l);
	spin_unlock(&l->lock, flags);
}

/* Sends buffers and waits until they are back, and so is what l->run lends.
 * The lock is held from before that is lent, but while this sleeps: lendq_back
 * finds nothing lent that the device does not have. */
static int
lendq_send(struct lendq *l, const struct virtq_buf *buf, unsigned nread,
    unsigned nwrite)
{
	uint64_t deadline;
	int err;

	l->busy = true;
	err = virtq_add(&l->q, buf, nread, nwrite, l);
	if (err == 0) {
		deadline = clock_ns() + ANSWER_NS;
		virtq_kick(&l->q);
		lendq_take(l);
		while (l->busy) {
			if (waitq_sleep(&l->waiter, &l->lock, deadline) !=
			    -ETIMEDOUT)
				continue;
			virtio_break(vb.vd, "free memory is not given back");
			lendq_take(l);
		}
		err = vb.vd->broken ? -EIO : 0;
	} else {
		lendq_over(l, false);
	}
	return err;
}

static int
lendq_send_runs(struct lendq *l)
{
	struct virtq_buf buf[LENT_RUNS];
	unsigned i;

	for (i = 0; i < l->nrun; i++) {
		buf[i].p = (void *)l->run[i].base;
		buf[i].len = (uint32_t)(l->run[i].npages * PAGE_SIZE);
	}
	return lendq_send(l, buf, 0, l->nrun);
}

/* Memory has run out while some is lent: waits for it here and now.  Whoever
 * holds the lock asks for memory himself. */
static bool
lendq_back(struct lendq *l)
{
	uint64_t flags, deadline;

	if (l->nrun == 0 || l->lock.held)
		return false;
	flags = spin_lock(&l->lock);
	deadline = clock_ns() + SPIN_NS;
	for (lendq_take(l); l->nrun > 0; lendq_take(l)) {
		if (clock_ns() >= deadline)
			virtio_break(vb.vd, "free memory is not given back");
		cpu_pause();
	}
	spin_unlock(&l->lock, flags);
	return true;
}

static bool
vballoon_lent_back(struct balloon *b)
{
	(void)b;
	return lendq_back(&vb.reportq) || lendq_back(&vb.hintq);
}

/* --- reporting, [VIRTIO] 5.5.6.7: what is freed and stays free --- */

/* Under page.c's lock. */
static void
report_wanted(void)
{
	vb.dirty = true;
	balloon_wake(&vb.b);
}

static void
report_all(void)
{
	struct lendq *l = &vb.reportq;
	unsigned most = l->q.size < LENT_RUNS ? l->q.size : LENT_RUNS;
	uint64_t flags;
	bool more;

	do {
		flags = spin_lock(&l->lock);
		l->nrun = page_lend_dirty(l->run, most, REPORT_PAGES);
		more = l->nrun > 0 && lendq_send_runs(l) == 0;
		spin_unlock(&l->lock, flags);
	} while (more);
}

static void
report_serve(void)
{
	uint64_t now = clock_ns();

	if (vb.report_ns <= now) {
		report_all();
		vb.report_ns = NS_NEVER;
		vb.dirty = !page_dirty_notify(report_wanted);
	}
	if (vb.dirty && vb.report_ns == NS_NEVER)
		vb.report_ns = now + REPORT_DELAY_NS;
}

/* --- hints for a migration, [VIRTIO] 5.5.6.5: what is free just now --- */

static int
hint_tell(uint32_t id)
{
	struct virtq_buf buf = {&id, sizeof(id)};
	uint64_t flags = spin_lock(&vb.hintq.lock);
	int err = lendq_send(&vb.hintq, &buf, 1, 0);

	spin_unlock(&vb.hintq.lock, flags);
	return err;
}

/* 0: the host has noted some more; -ENOENT: it has noted all. */
static int
hint_next(uintptr_t *from)
{
	struct lendq *l = &vb.hintq;
	uint64_t flags = spin_lock(&l->lock);
	int err = -ENOENT;

	l->nrun = page_lend_next(from, HINT_PAGES, l->run);
	if (l->nrun > 0)
		err = lendq_send_runs(l);
	spin_unlock(&l->lock, flags);
	return err;
}

/* Each run is ours again as soon as the host has noted it: what is written to
 * it from then on, the migration sees.  That the host wants no more we are told
 * by an interrupt: QEMU clears the field when it has read our answer. */
static void
hint_serve(void)
{
	uint32_t id = (uint32_t)VIRTIO_CONFIG(
	    vb.vd, struct virtio_balloon_config, free_page_hint_cmd_id);
	uintptr_t from = 0;
	int err;

	if (id == vb.hint_id)
		return;
	vb.hint_id = id;
	if (id == VIRTIO_BALLOON_CMD_ID_STOP ||
	    id == VIRTIO_BALLOON_CMD_ID_DONE)
		return;
	err = hint_tell(id);
	while (
	    err == 0 && !__atomic_load_n(&vb.config_changed, __ATOMIC_RELAXED))
		err = hint_next(&from);
	if (err == 0 || err == -ENOENT)
		hint_tell(VIRTIO_BALLOON_CMD_ID_STOP);
}

/* --- the thread's round, and setting up --- */

static uint64_t
vballoon_serve(struct balloon *b)
{
	if (vb.vd->broken) {
		b->target = page_given_total(); /* nothing moves any more */
		return NS_NEVER;
	}
	if (__atomic_exchange_n(&vb.config_changed, false, __ATOMIC_ACQ_REL)) {
		__atomic_store_n(&b->target,
		    VIRTIO_CONFIG(
			vb.vd, struct virtio_balloon_config, num_pages),
		    __ATOMIC_RELAXED);
		if (vb.hintq.there)
			hint_serve();
	}
	if (virtio_has(vb.vd, VIRTIO_BALLOON_F_STATS_VQ))
		stats_serve();
	if (!vb.reportq.there)
		return NS_NEVER;
	report_serve();
	return vb.report_ns;
}

static const struct balloon_ops vballoon_ops = {
    .batch = BATCH,
    .inflate = vballoon_inflate,
    .deflate = vballoon_deflate,
    .told = vballoon_told,
    .serve = vballoon_serve,
    .lent_back = vballoon_lent_back,
};

static void
vballoon_config_changed(struct virtio_dev *vd)
{
	(void)vd;
	vb.config_changed = true;
	balloon_wake(&vb.b);
}

static int
lendq_init(struct lendq *l, unsigned feature, bool drops, unsigned *index)
{
	int err;

	l->there = false;
	if (!virtio_has(vb.vd, feature))
		return 0;
	l->lock.name = "balloon lent";
	l->drops = drops;
	err = virtq_init(&l->q, vb.vd, (*index)++, lendq_done);
	l->there = err == 0;
	return err;
}

/* [VIRTIO] 5.5.2: queues that were not negotiated have no number. */
static int
queues_init(void)
{
	unsigned index = 2;
	int err;

	err = virtio_calls_init(&vb.inflateq, vb.vd, 0);
	if (err == 0)
		err = virtio_calls_init(&vb.deflateq, vb.vd, 1);
	if (err == 0 && virtio_has(vb.vd, VIRTIO_BALLOON_F_STATS_VQ))
		err = virtq_init(&vb.statsq, vb.vd, index++, stats_done);
	if (err == 0)
		err = lendq_init(
		    &vb.hintq, VIRTIO_BALLOON_F_FREE_PAGE_HINT, false, &index);
	if (err == 0)
		err = lendq_init(
		    &vb.reportq, VIRTIO_BALLOON_F_REPORTING, true, &index);
	return err;
}

static bool
numbers_alloc(void)
{
	vb.pfn = heap_alloc(BATCH * sizeof(vb.pfn[0]));
	vb.pfn_spin = heap_alloc(BATCH * sizeof(vb.pfn_spin[0]));
	return vb.pfn != NULL && vb.pfn_spin != NULL;
}

static int
vballoon_attach(struct virtio_dev *vd)
{
	bool again = vd->driver_data == &vb;
	int err;

	if (!again && vb.vd != NULL)
		return -EBUSY; /* one host wants one balloon */
	if (vb.vd == NULL && !numbers_alloc())
		return -ENOMEM;
	vb.vd = vd;
	vb.stats_lock.name = "balloon stats";
	err = virtio_negotiate(vd, FEATURES, 0);
	if (err == 0)
		err = queues_init();
	if (err != 0)
		return err;
	virtio_driver_ok(vd);
	vd->driver_data = &vb;
	vb.b.ops = &vballoon_ops;
	vb.b.on_oom = virtio_has(vd, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	vb.config_changed = true;
	vb.dirty = true;
	vb.report_ns = NS_NEVER;
	vb.hint_id = VIRTIO_BALLOON_CMD_ID_STOP;
	if (!again)
		return balloon_start(&vb.b);
	vballoon_told(&vb.b, page_given_total());
	balloon_wake(&vb.b);
	return 0;
}

const struct virtio_driver virtio_balloon_driver = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .attach = vballoon_attach,
    .config_changed = vballoon_config_changed,
    .start = virtio_start,
};
