/* SPDX-License-Identifier: ISC */
/* Network cards, and the buffers they receive into: see net.h. */
#include "kernel/net.h"

#include <string.h>

#include "kernel/cpu.h"
#include "pv/virtio/virtio_drivers.h"

#define CLOSE_NS  (3 * NS_PER_S)
#define LOST_NS   NS_PER_S /* until a card that was given up is empty */
#define LOOK_NS   1000000U /* how often net_close looks */
#define DISCARD_N 64U

static struct net_dev *cards, **cards_end = &cards;
static unsigned ncards;
static struct spinlock net_lock = SPINLOCK("net");

/* --- cards --- */

void
net_register(struct net_dev *d)
{
	log_text(d->name, sizeof(d->name), "eth%u", ncards++);
	*cards_end = d;
	cards_end = &d->next;
}

struct net_dev *
net_dev_at(unsigned i)
{
	struct net_dev *d;

	virtio_probe(&virtio_net_driver);
	for (d = cards; d != NULL && i > 0; d = d->next)
		i--;
	return d;
}

/* Of the range for local use.  Whatever entropy there is will do. */
static void
invent_mac(struct net_dev *d)
{
	uint64_t tsc = cpu_rdtsc() * 0x9e3779b97f4a7c15ULL; /* spread */

	if (random_fill(d->mac, sizeof(d->mac)) != 0)
		memcpy(d->mac, (uint8_t *)&tsc + 2, sizeof(d->mac));
	d->mac[0] = (d->mac[0] & 0xfc) | 2;
	d->has_mac = true;
}

int
net_open(struct net_dev *d, void (*wake)(struct net_dev *d), void *owner)
{
	uint64_t flags = spin_lock(&net_lock);
	bool mine = d->wake == NULL;
	struct net_buf *b, *next;

	if (mine) {
		d->owner = owner;
		d->wake = wake;
	}
	spin_unlock(&net_lock, flags);
	if (!mine)
		return -EBUSY;
	if (!d->has_mac)
		invent_mac(d);
	while ((b = net_take(d, DISCARD_N)) != NULL) {
		for (; b != NULL; b = next) {
			next = b->next_frame;
			net_free(b);
		}
	}
	return 0;
}

/* True when nothing is on its way any more. */
static bool
drain(struct net_dev *d, uint64_t ns)
{
	uint64_t until = clock_ns() + ns;

	for (net_reap(d); d->sending > 0; net_reap(d)) {
		if (clock_ns() >= until)
			return false;
		thread_sleep(clock_ns() + LOOK_NS);
	}
	return true;
}

void
net_close(struct net_dev *d)
{
	uint64_t flags;

	net_kick(d);
	if (!drain(d, CLOSE_NS)) {
		d->ops->give_up(d);
		drain(d, LOST_NS);
	}
	flags = spin_lock(&net_lock);
	d->wake = NULL;
	spin_unlock(&net_lock, flags);
}

void
net_wake(struct net_dev *d)
{
	uint64_t flags = spin_lock(&net_lock);

	if (d->wake != NULL)
		d->wake(d);
	spin_unlock(&net_lock, flags);
}

/* --- frames --- */

int
net_send(struct net_dev *d, struct net_tx *t)
{
	int err;

	__atomic_fetch_add(&d->sending, 1, __ATOMIC_RELAXED);
	err = d->ops->send(d, t);
	if (err != 0)
		__atomic_fetch_sub(&d->sending, 1, __ATOMIC_RELAXED);
	return err;
}

void
net_kick(struct net_dev *d)
{
	d->ops->kick(d);
}

void
net_done(struct net_dev *d, struct net_tx *list)
{
	struct net_tx *t, *next;

	for (t = list; t != NULL; t = next) {
		next = t->next; /* t may be sent anew */
		if (t->err != 0)
			d->stats.tx_errors++;
		__atomic_fetch_sub(&d->sending, 1, __ATOMIC_RELAXED);
		t->done(t);
	}
}

void
net_reap(struct net_dev *d)
{
	net_done(d, d->ops->reap(d));
}

struct net_buf *
net_take(struct net_dev *d, unsigned max)
{
	return d->ops->take(d, max);
}

bool
net_arm(struct net_dev *d, unsigned nframes, unsigned nsent)
{
	return d->ops->arm(d, nframes, nsent);
}

void
net_free(struct net_buf *b)
{
	net_pool_give(b);
}

/* --- settings --- */

int
net_filter(struct net_dev *d, const struct net_filter *f)
{
	if (f->nmulticast > NET_MULTICAST_MAX)
		return -EINVAL;
	return d->can & NET_FILTER ? d->ops->filter(d, f) : -ENOTSUP;
}

int
net_set_mac(struct net_dev *d, const uint8_t *mac)
{
	int err;

	if (mac[0] & 1) /* a group's */
		return -EINVAL;
	err = d->can & NET_SET_MAC ? d->ops->set_mac(d, mac) : -ENOTSUP;
	if (err == 0)
		memcpy(d->mac, mac, NET_MAC_LEN);
	return err;
}

int
net_receive_offloads(struct net_dev *d, unsigned which)
{
	return d->can & NET_SWITCH ? d->ops->receive_offloads(d, which)
				   : -ENOTSUP;
}

/* --- buffers --- */

static struct net_buf *
buf_make(struct net_pool *p)
{
	struct net_buf *b = heap_alloc(sizeof(*b));

	if (b == NULL)
		return NULL;
	b->mem = heap_alloc(p->len);
	if (b->mem == NULL) {
		heap_free(b, sizeof(*b));
		return NULL;
	}
	b->pool = p;
	return b;
}

/* Under the lock: at least n are free, if that can be. */
static bool
pool_fill(struct net_pool *p, unsigned n)
{
	struct net_buf *b;

	while (p->nfree < n) {
		b = p->count < p->limit ? buf_make(p) : NULL;
		if (b == NULL)
			return false;
		b->next = p->free;
		p->free = b;
		p->nfree++;
		p->count++;
	}
	return true;
}

struct net_buf *
net_pool_take(struct net_pool *p, unsigned n)
{
	uint64_t flags = spin_lock(&p->lock);
	struct net_buf *first = NULL, **end = &first, *b;

	p->hungry = !pool_fill(p, n);
	if (!p->hungry) {
		for (; n > 0; n--) {
			b = p->free;
			p->free = b->next;
			p->nfree--;
			b->data = b->mem;
			b->len = p->len;
			b->next_frame = NULL;
			*end = b;
			end = &b->next;
		}
		*end = NULL;
	}
	spin_unlock(&p->lock, flags);
	return first;
}

void
net_pool_give(struct net_buf *list)
{
	struct net_pool *p = list->pool;
	uint64_t flags = spin_lock(&p->lock);
	bool was_hungry = p->hungry;
	struct net_buf *b;

	while ((b = list) != NULL) {
		list = b->next;
		b->next = p->free;
		p->free = b;
		p->nfree++;
	}
	p->hungry = false;
	spin_unlock(&p->lock, flags);
	if (was_hungry)
		net_wake(p->dev);
}
