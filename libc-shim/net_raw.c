/* SPDX-License-Identifier: ISC */
/*
 * <sprat/net.h>: kernel/net.h for applications, frame by frame the same memory,
 * and sleeping.
 */
#include <pthread.h>
#include <sprat/net.h>
#include <string.h>

#include "kernel/net.h"
#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/thread_libc.h"
#include "libc-shim/touch.h"

#define SAME(a, b) _Static_assert((a) == (b), "<sprat/net.h>: " #a)
#define SAME_PLACE(s, f)                                                       \
	SAME(offsetof(struct sprat_##s, f), offsetof(struct s, f))

SAME(sizeof(struct sprat_net_offload), sizeof(struct net_offload));
SAME_PLACE(net_offload, header_len);
SAME_PLACE(net_buf, next_frame);
SAME_PLACE(net_buf, total);
SAME_PLACE(net_buf, offload);
SAME_PLACE(net_buf, owner);
SAME(sizeof(struct sprat_net_piece), sizeof(struct net_piece));
SAME(sizeof(struct sprat_net_tx), sizeof(struct net_tx));
SAME_PLACE(net_tx, offload);
SAME_PLACE(net_tx, done);
SAME_PLACE(net_tx, owner);
SAME(SPRAT_NET_FRAME_MAX, NET_FRAME_MAX);
SAME(SPRAT_NET_PIECES_MAX, NET_PIECES_MAX);
SAME(SPRAT_NET_GSO_USO, NET_GSO_USO);
SAME(SPRAT_NET_CSUM_VALID, NET_CSUM_VALID);
SAME(SPRAT_NET_TX_USO, NET_TX_USO);
SAME(SPRAT_NET_RX_USO, NET_RX_USO);
SAME(SPRAT_NET_SWITCH, NET_SWITCH);

#define NS_PER_MS 1000000ULL
#define WRITE_NS  (5 * NS_PER_S)

struct sprat_net {
	struct net_dev *d;
	struct spinlock lock;
	struct waitq sleepers;
	unsigned nwakes;
	unsigned nseen; /* wakes that sprat_net_wait told of */
};

static void
raw_wake(struct net_dev *d)
{
	struct sprat_net *n = d->owner;
	uint64_t flags = spin_lock(&n->lock);

	n->nwakes++;
	waitq_wake(&n->sleepers, -1U);
	spin_unlock(&n->lock, flags);
}

PUBLIC struct sprat_net *
sprat_net_open(unsigned i)
{
	struct net_dev *d = net_dev_at(i);
	struct sprat_net *n;
	int err;

	if (d == NULL) {
		errno = ENODEV;
		return NULL;
	}
	n = heap_alloc(sizeof(*n));
	if (n == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	n->d = d;
	n->lock.name = "sprat_net";
	err = net_open(d, raw_wake, n);
	if (err == 0)
		return n;
	heap_free(n, sizeof(*n));
	errno = -err;
	return NULL;
}

PUBLIC void
sprat_net_close(struct sprat_net *n)
{
	net_close(n->d);
	heap_free(n, sizeof(*n));
}

PUBLIC void
sprat_net_status(struct sprat_net *n, struct sprat_net_status *s)
{
	const struct net_dev *d = n->d;
	struct net_stats st = d->stats;

	*s = (struct sprat_net_status){
	    .link_up = d->link_up,
	    .mtu = d->mtu,
	    .can = d->can,
	    .nlink = d->nlink,
	    .nannounce = d->nannounce,
	    .npieces = d->npieces,
	    .sending = d->sending,
	    .rx_buffers = d->pool->count - d->pool->nfree,
	    .rx_frames = st.rx_frames,
	    .rx_bytes = st.rx_bytes,
	    .rx_bad = st.rx_bad,
	    .rx_starved = st.rx_starved,
	    .tx_frames = st.tx_frames,
	    .tx_bytes = st.tx_bytes,
	    .tx_errors = st.tx_errors,
	    .wakes = st.wakes,
	};
	memcpy(s->name, d->name, sizeof(s->name));
	memcpy(s->mac, d->mac, sizeof(s->mac));
}

/* --- frames: the types differ in name only --- */

PUBLIC int
sprat_net_send(struct sprat_net *n, struct sprat_net_tx *t)
{
	if (t->done == NULL)
		return (int)posix_result(-EINVAL);
	return (int)posix_result(net_send(n->d, (struct net_tx *)(void *)t));
}

PUBLIC void
sprat_net_kick(struct sprat_net *n)
{
	net_kick(n->d);
}

PUBLIC void
sprat_net_reap(struct sprat_net *n)
{
	net_reap(n->d);
}

PUBLIC struct sprat_net_buf *
sprat_net_take(struct sprat_net *n, unsigned max)
{
	return (struct sprat_net_buf *)(void *)net_take(n->d, max);
}

PUBLIC void
sprat_net_free(struct sprat_net_buf *frame)
{
	net_free((struct net_buf *)(void *)frame);
}

/* --- waiting --- */

/* Until a wake beyond nseen; 0, -ETIMEDOUT or -EINTR. */
static int
sleep_past(
    struct sprat_net *n, unsigned nseen, uint64_t deadline_ns, bool cancel)
{
	uint64_t flags = spin_lock(&n->lock);
	int err = 0;

	while (n->nwakes == nseen && err == 0) {
		if (cancel && thread_libc_wanted(thread_libc_self(), true))
			err = -EINTR;
		else
			err = waitq_sleep(&n->sleepers, &n->lock, deadline_ns);
	}
	spin_unlock(&n->lock, flags);
	return err;
}

static int
wait_until(
    struct sprat_net *n, unsigned nframes, unsigned nsent, uint64_t deadline_ns)
{
	unsigned nseen = __atomic_load_n(&n->nseen, __ATOMIC_RELAXED);
	int err = 0;

	if (!net_arm(n->d, nframes, nsent)) {
		do {
			err = sleep_past(n, nseen, deadline_ns, true);
		} while (err == -EINTR && thread_libc_eintr());
	}
	__atomic_store_n(&n->nseen,
	    __atomic_load_n(&n->nwakes, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	if (nsent > 0)
		net_reap(n->d);
	return err;
}

PUBLIC int
sprat_net_wait(struct sprat_net *n, unsigned nsent, int timeout_ms)
{
	uint64_t deadline_ns = NS_NEVER;

	if (timeout_ms >= 0)
		deadline_ns =
		    clock_after(clock_ns(), (uint64_t)timeout_ms * NS_PER_MS);
	return (int)posix_result(wait_until(n, 1, nsent, deadline_ns));
}

struct write {
	struct net_tx tx;
	struct net_dev *d;
	bool done;
};

/* Perhaps in another thread, which reaped. */
static void
write_done(struct net_tx *t)
{
	struct write *w = (struct write *)(void *)t; /* its first member */
	struct net_dev *d = w->d;

	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	raw_wake(d);
}

static bool
write_is_done(const struct write *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE);
}

/* The frame is the card's until it is done: nothing ends the sleep before. */
static void
write_finish(struct sprat_net *n, struct write *w, uint64_t deadline_ns)
{
	bool interrupted = false;
	unsigned nseen;
	int err;

	for (;;) {
		nseen = __atomic_load_n(&n->nwakes, __ATOMIC_RELAXED);
		net_reap(n->d);
		if (write_is_done(w))
			break;
		if (net_arm(n->d, 0, 1))
			continue;
		err = sleep_past(n, nseen, deadline_ns, false);
		interrupted |= err == -EINTR;
		if (err == -ETIMEDOUT)
			n->d->ops->give_up(n->d);
	}
	if (interrupted)
		thread_interrupt(thread_current());
}

PUBLIC int
sprat_net_write(struct sprat_net *n, const void *frame, size_t len)
{
	struct net_piece piece = {frame, (uint32_t)len};
	struct write w = {.d = n->d};
	uint64_t deadline_ns = clock_ns() + WRITE_NS;
	int err;

	if (len > SPRAT_NET_FRAME_MAX)
		return (int)posix_result(-EMSGSIZE);
	touch(frame, len, false);
	w.tx.piece = &piece;
	w.tx.npieces = 1;
	w.tx.done = write_done;
	while ((err = net_send(n->d, &w.tx)) == -ENOSPC) {
		net_kick(n->d);
		err = wait_until(n, 0, 1, deadline_ns);
		if (err != 0)
			break;
	}
	if (err == 0) {
		net_kick(n->d);
		write_finish(n, &w, deadline_ns);
		err = w.tx.err;
	}
	return (int)posix_result(err);
}

/* --- settings --- */

PUBLIC int
sprat_net_filter(struct sprat_net *n, bool promiscuous, bool all_multicast,
    const uint8_t *multicast, unsigned nmulticast)
{
	struct net_filter f = {
	    promiscuous, all_multicast, nmulticast, multicast};

	return (int)posix_result(net_filter(n->d, &f));
}

PUBLIC int
sprat_net_set_mac(struct sprat_net *n, const uint8_t mac[6])
{
	return (int)posix_result(net_set_mac(n->d, mac));
}

PUBLIC int
sprat_net_receive_offloads(struct sprat_net *n, unsigned which)
{
	return (int)posix_result(net_receive_offloads(n->d, which));
}
