/* SPDX-License-Identifier: ISC */
/*
 * Virtqueues against a model: driver and device do anything they may, at
 * random, for half a million steps.  The model is queues of chains: added,
 * published, in the device, used.  Every chain the device sees, every token the
 * driver gets, every notification and every call of `done` is foretold by it.
 */
/* LINK: tests/unit/virtq_rig.c tests/unit/fake_virtio.c pv/virtio/virtio.c */
/* LINK: tests/unit/kernel_stub.c kernel/once.c pv/virtio/virtq.c */
/* LINK: pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
#include "tests/unit/virtq_rig.h"

#define RINGS    12 /* of different sizes, in each way */
#define STEPS    2600
#define CHAINS   256 /* at most, in flight */
#define BUFS_MAX 9

struct chain {
	struct virtq_buf buf[BUFS_MAX];
	unsigned nread, n, ndesc;
	uint32_t written;
	struct fake_chain seen;
};

/* First in, first out; any may be picked. */
struct list {
	struct chain *c[CHAINS];
	unsigned n;
};

static struct chain chains[CHAINS];
static struct list idle, added, published, held, used;
static char memory[4096];

static bool armed, unsure; /* taken since: perhaps what it was armed for */
static unsigned used_since_arm, arm_after, ndone;

/* Where a notification is wanted, counted from the ring's beginning: chains
 * when split, descriptors when packed. */
static enum { WANT_ALL, WANT_NONE, WANT_AT } want;
static uint64_t want_at, told, fetched;

static uint32_t seed;

static unsigned
pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static void
push(struct list *l, struct chain *c)
{
	assert_true(l->n < CHAINS);
	l->c[l->n++] = c;
}

static struct chain *
pull(struct list *l, unsigned at)
{
	struct chain *c = l->c[at];

	assert_true(at < l->n);
	memmove(&l->c[at], &l->c[at + 1], (--l->n - at) * sizeof(l->c[0]));
	return c;
}

/* --- the driver --- */

static void
add(void)
{
	unsigned before = rig.q.nfree, i;
	struct chain *c;
	int err;

	if (idle.n == 0)
		return;
	c = idle.c[0];
	c->n = 1 + pick(pick(3) == 0 ? BUFS_MAX : 3);
	c->nread = pick(c->n + 1);
	for (i = 0; i < c->n; i++)
		c->buf[i] = (struct virtq_buf){
		    &memory[pick(sizeof(memory))], 1 + pick(100000)};
	stub_heap_countdown = pick(20) == 0 ? 0 : -1;
	err = virtq_add(&rig.q, c->buf, c->nread, c->n - c->nread, c);
	stub_heap_countdown = -1;
	c->ndesc = before - rig.q.nfree;
	if (err == 0)
		push(&added, pull(&idle, 0));
	else if (c->n > rig.q.size)
		assert_int_equal(err, -E2BIG);
	else
		assert_int_equal(err, -ENOSPC);
	if (added.n + published.n + held.n + used.n == 0)
		assert_int_equal(err, -E2BIG); /* an empty ring takes any */
}

/* Was the one asked for among those from `told` to `now`? */
static bool
wanted(uint64_t now)
{
	uint64_t lap = rig.packed ? 2 * rig.q.size : 0x10000;

	if (want != WANT_AT)
		return want == WANT_ALL && now > told;
	for (; told < now; told++)
		if (told % lap == want_at % lap)
			return true;
	return false;
}

static void
kick(void)
{
	unsigned before = rig.fq->nnotified;
	uint64_t now = told;
	struct chain *c;

	virtq_kick(&rig.q);
	while (added.n > 0) {
		c = pull(&added, 0);
		now += rig.packed ? c->ndesc : 1;
		push(&published, c);
	}
	assert_int_equal(rig.fq->nnotified - before, wanted(now));
	told = now;
}

static void
take(void)
{
	uint32_t written = 0;
	struct chain *c = virtq_take(&rig.q, &written);

	if (used.n == 0) {
		assert_null(c);
		return;
	}
	assert_ptr_equal(c, used.c[0]);
	assert_int_equal(written, c->written);
	push(&idle, pull(&used, 0));
	unsure = unsure || armed;
	armed = false;
}

static void
arm(void)
{
	unsigned after = 1 + pick(5);

	unsure = false;
	if (virtq_arm(&rig.q, after)) {
		assert_true(used.n > 0);
		armed = false;
		return;
	}
	assert_int_equal(used.n, 0);
	armed = true;
	used_since_arm = 0;
	arm_after = after < rig.q.in_flight ? after : rig.q.in_flight;
	if (arm_after == 0)
		arm_after = 1;
	ndone = rig.ndone;
}

/* --- the device --- */

static void
fetch(void)
{
	struct fake_chain seen;
	struct chain *c;
	unsigned i;

	if (published.n == 0) {
		assert_int_equal(fake_fetch(rig.fq, &seen), 0);
		return;
	}
	seen = rig_fetch();
	c = pull(&published, 0);
	assert_int_equal(seen.nbufs, c->n);
	assert_int_equal(seen.nread, c->nread);
	for (i = 0; i < c->n; i++) {
		assert_ptr_equal(seen.buf[i].p, c->buf[i].p);
		assert_int_equal(seen.buf[i].len, c->buf[i].len);
	}
	c->seen = seen;
	assert_int_equal(seen.ndesc, c->ndesc);
	fetched += rig.packed ? seen.ndesc : 1;
	push(&held, c);
}

static void
use(void)
{
	struct fake_chain batch[CHAINS];
	struct chain *c;
	unsigned n = 1, i;

	if (held.n == 0)
		return;
	if (rig.in_order)
		n = 1 + pick(held.n);
	i = 0;
	do {
		c = pull(&held, rig.in_order ? 0 : pick(held.n));
		batch[i] = c->seen;
		c->written = c->seen.writable;
		push(&used, c);
	} while (++i < n);
	if (c->written > 0) /* of the last */
		c->written = pick(c->written + 1);
	fake_use_batch(rig.fq, batch, n, c->written);
	used_since_arm += n;
}

/* After a signal: was `done` called if, and only if, it had to be? */
static void
interrupt(void)
{
	bool all = added.n + published.n + held.n == 0, due;

	fake_interrupt(rig.fq);
	if (unsure && rig.ndone == ndone + 1) {
		unsure = false;
		ndone++;
	}
	if (!armed) {
		assert_int_equal(rig.ndone, ndone);
		return;
	}
	due = used_since_arm >= (rig.event_idx ? arm_after : 1);
	if (!rig.packed || !rig.event_idx || used_since_arm == 0)
		assert_int_equal(rig.ndone - ndone, due);
	else if (all || arm_after == 1) /* packed counts descriptors */
		assert_int_equal(rig.ndone - ndone, 1);
	armed = rig.ndone == ndone;
	ndone = rig.ndone;
}

static void
want_any(void)
{
	unsigned after = pick(rig.q.size);

	if (rig.event_idx && (pick(2) == 0 || !rig.packed)) {
		want = WANT_AT;
		want_at = fetched + after;
		fake_want_at(rig.fq, after);
	} else if (pick(2) == 0) {
		want = WANT_ALL;
		fake_want_all(rig.fq);
	} else {
		want = WANT_NONE;
		fake_want_none(rig.fq);
	}
}

/* --- both --- */

static void
begin(unsigned size)
{
	unsigned i;

	rig_open(size, 0);
	idle.n = added.n = published.n = held.n = used.n = 0;
	for (i = 0; i < CHAINS; i++)
		push(&idle, &chains[i]);
	armed = unsure = false;
	ndone = 0;
	told = fetched = want_at = 0;
	want = rig.event_idx && !rig.packed ? WANT_AT : WANT_ALL;
}

static void
end(void)
{
	kick();
	while (published.n > 0)
		fetch();
	while (held.n > 0)
		use();
	interrupt();
	while (used.n > 0)
		take();
	rig_close();
}

static void
test_model(void)
{
	static const unsigned sizes[] = {
	    1, 2, 4, 8, 16, 128, 3, 5, 7, 13, 100, 6};
	static void (*const step[])(void) = {add, add, add, kick, kick, take,
	    take, arm, fetch, fetch, use, use, interrupt, want_any};
	unsigned ring, i;

	for (ring = 0; ring < RINGS; ring++) {
		seed = 88172645 + ring;
		begin(sizes[rig.packed ? ring : ring % 6]);
		for (i = 0; i < STEPS; i++)
			step[pick(N(step))]();
		end();
	}
}

static const struct rig_test tests[] = {{"model", test_model}};

RIG_MAIN(tests)
