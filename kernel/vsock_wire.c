/* SPDX-License-Identifier: ISC */
/* Packets of stream sockets, in and out: see vsock.h. */
#include <string.h>

#include "kernel/vsock.h"

#define BUCKETS      64
#define REFUSALS_MAX 16 /* kept while the device takes no packet */

#define CHILDREN_MAX 128

#define OP_BIT(op) ((uint16_t)(1U << (op)))
#define BOTH       (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

_Static_assert(sizeof(struct virtio_vsock_hdr) == 44, "[VIRTIO] 5.10.6");
_Static_assert(
    offsetof(struct virtio_vsock_hdr, fwd_cnt) == 40, "[VIRTIO] 5.10.6");

struct spinlock vsock_lock = SPINLOCK("vsock");
struct vsock_link *vsock_link;

static struct vsock *table[BUCKETS];
static bool full; /* since the device last refused a packet */
static struct virtio_vsock_hdr refusal[REFUSALS_MAX];
static unsigned nrefusals;

void
vsock_changed(struct vsock *s)
{
	waitq_wake(&s->events, -1U);
	if (s->notify != NULL)
		s->notify(s->user);
}

/* --- the table --- */

static struct vsock **
bucket(uint32_t port, uint32_t peer_port)
{
	return &table[(port ^ peer_port * 31) % BUCKETS];
}

void
vsock_know(struct vsock *s)
{
	struct vsock **b = bucket(s->local.port, s->peer.port);

	s->next = *b;
	*b = s;
	s->known = true;
}

void
vsock_forget(struct vsock *s)
{
	struct vsock **p = bucket(s->local.port, s->peer.port);

	if (!s->known)
		return;
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	s->known = false;
}

struct vsock *
vsock_any(struct vsock *after)
{
	struct vsock **b = table;

	if (after != NULL && after->next != NULL)
		return after->next;
	if (after != NULL)
		b = bucket(after->local.port, after->peer.port) + 1;
	while (b < table + BUCKETS && *b == NULL)
		b++;
	return b < table + BUCKETS ? *b : NULL;
}

bool
vsock_port_used(uint32_t port)
{
	struct vsock *s = vsock_any(NULL);

	while (s != NULL && !(s->bound && s->local.port == port))
		s = vsock_any(s);
	return s != NULL;
}

static struct vsock *
connection_find(const struct virtio_vsock_hdr *h)
{
	struct vsock *s = *bucket(h->dst_port, h->src_port);

	while (s != NULL &&
	       (s->local.port != h->dst_port || s->peer.port != h->src_port ||
		   s->peer.cid != h->src_cid || s->state < VSOCK_CONNECTING))
		s = s->next;
	return s;
}

static struct vsock *
listener_find(uint32_t port)
{
	struct vsock *s = *bucket(port, 0);

	while (
	    s != NULL && (s->local.port != port || s->state != VSOCK_LISTENING))
		s = s->next;
	return s;
}

/* --- life --- */

struct vsock *
vsock_alloc(void)
{
	return heap_alloc(sizeof(struct vsock));
}

static void
ring_free(struct vsock *s)
{
	if (s->ring != NULL)
		page_free(s->ring, s->ring_len / PAGE_SIZE);
	s->ring = NULL;
	s->head = s->len = 0;
}

void
vsock_free(struct vsock *s)
{
	vsock_forget(s);
	ring_free(s);
	heap_free(s, sizeof(*s));
}

int
vsock_ring_make(struct vsock *s)
{
	size_t want = s->buf_len != 0 ? s->buf_len : VSOCK_BUFFER_DEFAULT;

	ring_free(s);
	s->ring_len = (uint32_t)ALIGN_UP(want, PAGE_SIZE);
	s->ring = page_alloc(s->ring_len / PAGE_SIZE);
	return s->ring == NULL ? -ENOMEM : 0;
}

void
vsock_end(struct vsock *s, int error)
{
	bool connecting = s->state == VSOCK_CONNECTING;

	s->pending &= OP_BIT(VIRTIO_VSOCK_OP_RST);
	if (s->orphan && s->pending == 0) {
		vsock_free(s);
		return;
	}
	s->error = error;
	s->peer_shut = BOTH;
	s->state = VSOCK_ENDED;
	if (connecting && !s->orphan) { /* may try again */
		vsock_forget(s);
		s->state = VSOCK_IDLE;
		s->peer = (struct vsock_addr){0, 0};
		s->peer_shut = 0;
		s->pending = 0;
		ring_free(s);
		if (s->bound)
			vsock_know(s);
	}
	vsock_changed(s);
}

/* --- out --- */

static bool
send(const struct virtio_vsock_hdr *h, const void *data)
{
	if (!full && vsock_link != NULL &&
	    vsock_link->send(vsock_link, h, data))
		return true;
	full = true;
	return false;
}

/* Every packet tells the peer how much it may send ([VIRTIO] 5.10.6.3). */
static bool
packet(struct vsock *s, unsigned op, const void *p, uint32_t len)
{
	struct virtio_vsock_hdr h = {
	    .src_cid = vsock_link != NULL ? vsock_link->cid : 0,
	    .dst_cid = s->peer.cid,
	    .src_port = s->local.port,
	    .dst_port = s->peer.port,
	    .len = len,
	    .type = VIRTIO_VSOCK_TYPE_STREAM,
	    .op = (uint16_t)op,
	    .flags = op == VIRTIO_VSOCK_OP_SHUTDOWN ? s->shut : 0,
	    .buf_alloc = s->ring_len,
	    .fwd_cnt = s->fwd_cnt,
	};

	if (!send(&h, p))
		return false;
	s->fwd_told = s->fwd_cnt;
	s->pending &= (uint16_t)~OP_BIT(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	return true;
}

bool
vsock_send_pending(struct vsock *s)
{
	unsigned op;

	/* the order of their numbers will do, but that a reset is alone */
	for (op = 1; s->pending >> op != 0; op++) {
		if (!(s->pending & OP_BIT(op)))
			continue;
		if (!packet(s, op, NULL, 0))
			return false;
		s->pending &= (uint16_t)~OP_BIT(op);
	}
	return true;
}

void
vsock_send_op(struct vsock *s, unsigned op)
{
	if (op == VIRTIO_VSOCK_OP_RST)
		s->pending = 0;
	s->pending |= OP_BIT(op);
	vsock_send_pending(s);
}

bool
vsock_send_data(struct vsock *s, const void *p, uint32_t len)
{
	if (!vsock_send_pending(s) || !packet(s, VIRTIO_VSOCK_OP_RW, p, len))
		return false;
	s->sent += len;
	return true;
}

/* Bytes the peer has room for, by what it said last. */
uint32_t
vsock_credit(const struct vsock *s)
{
	uint32_t under_way = s->sent - s->peer_fwd;

	return under_way < s->peer_alloc ? s->peer_alloc - under_way : 0;
}

/* To who speaks to nobody ([VIRTIO] 5.10.6.4); never to a reset.
 * LIMIT: of more than REFUSALS_MAX while the device takes nothing, the rest is
 * dropped, and those peers' own time-outs must do. */
static void
refuse(const struct virtio_vsock_hdr *to)
{
	struct virtio_vsock_hdr h = {
	    .src_cid = to->dst_cid,
	    .dst_cid = to->src_cid,
	    .src_port = to->dst_port,
	    .dst_port = to->src_port,
	    .type = to->type,
	    .op = VIRTIO_VSOCK_OP_RST,
	};

	if (to->op != VIRTIO_VSOCK_OP_RST && !send(&h, NULL) &&
	    nrefusals < REFUSALS_MAX)
		refusal[nrefusals++] = h;
}

void
vsock_room(void)
{
	uint64_t flags = spin_lock(&vsock_lock);
	struct vsock *s, *next;

	full = false;
	while (nrefusals > 0 && send(&refusal[nrefusals - 1], NULL))
		nrefusals--;
	for (s = vsock_any(NULL); s != NULL && !full; s = next) {
		next = vsock_any(s);
		if (!vsock_send_pending(s))
			break;
		if (s->orphan && s->state == VSOCK_ENDED)
			vsock_free(s);
		else if (s->state == VSOCK_CONNECTED)
			vsock_changed(s);
	}
	spin_unlock(&vsock_lock, flags);
}

/* --- in --- */

/* The peer broke a rule. */
static void
break_off(struct vsock *s)
{
	vsock_send_op(s, VIRTIO_VSOCK_OP_RST);
	vsock_end(s, -ECONNRESET);
}

/* A count that goes back, or beyond what was sent, is an old one or a lie: then
 * what we know stays. */
static void
credit_told(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	uint32_t before = vsock_credit(s);

	s->peer_alloc = h->buf_alloc;
	if (h->fwd_cnt - s->peer_fwd <= s->sent - s->peer_fwd)
		s->peer_fwd = h->fwd_cnt;
	if (vsock_credit(s) > before) {
		s->asked = false;
		vsock_changed(s);
	}
}

/* The peer hears of it once it is worth a packet. */
void
vsock_consumed(struct vsock *s, uint32_t len)
{
	s->fwd_cnt += len;
	if (s->fwd_cnt - s->fwd_told >= s->ring_len / 4 &&
	    s->state == VSOCK_CONNECTED)
		vsock_send_op(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

static void
data_came(struct vsock *s, const uint8_t *p, uint32_t len)
{
	uint32_t at, first;

	if (s->orphan)
		return; /* what is said to a closed socket is lost */
	if (len > s->ring_len - s->len) {
		break_off(s);
		return;
	}
	if (s->shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		vsock_consumed(s, len);
		return;
	}
	at = (s->head + s->len) % s->ring_len;
	first = s->ring_len - at < len ? s->ring_len - at : len;
	memcpy(s->ring + at, p, first);
	memcpy(s->ring, p + first, len - first);
	s->len += len;
	vsock_changed(s);
}

static void
shutdown_came(struct vsock *s, uint32_t how)
{
	s->peer_shut |= how & BOTH;
	if (s->peer_shut == BOTH) { /* it waits for this: 5.10.6.6 */
		vsock_send_op(s, VIRTIO_VSOCK_OP_RST);
		vsock_end(s, 0);
	} else {
		vsock_changed(s);
	}
}

static void
answered(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	if (h->op == VIRTIO_VSOCK_OP_RST) {
		vsock_end(s, -ECONNRESET);
	} else if (h->op == VIRTIO_VSOCK_OP_RESPONSE) {
		s->state = VSOCK_CONNECTED;
		credit_told(s, h);
		vsock_changed(s);
	} else {
		break_off(s);
	}
}

static void
connection_receive(
    struct vsock *s, const struct virtio_vsock_hdr *h, const void *data)
{
	if (s->state == VSOCK_CONNECTING) {
		answered(s, h);
		return;
	}
	if (h->op == VIRTIO_VSOCK_OP_RST) {
		vsock_end(s, 0); /* as Linux: the end, not an error */
		return;
	}
	if (s->state == VSOCK_ENDED) {
		refuse(h);
		return;
	}
	credit_told(s, h);
	switch (h->op) {
	case VIRTIO_VSOCK_OP_RW:
		data_came(s, data, h->len);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		shutdown_came(s, h->flags);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		vsock_send_op(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	default:
		break_off(s);
	}
}

/* A connection to a listener is complete before it is accepted. */
static struct vsock *
child_make(struct vsock *l, const struct virtio_vsock_hdr *h)
{
	struct vsock *s;

	if (l->nchildren >= l->backlog || l->nchildren >= CHILDREN_MAX)
		return NULL;
	s = vsock_alloc();
	if (s == NULL)
		return NULL;
	s->buf_len = l->buf_len;
	s->connect_ns = l->connect_ns;
	s->local = (struct vsock_addr){(uint32_t)h->dst_cid, h->dst_port};
	s->peer = (struct vsock_addr){(uint32_t)h->src_cid, h->src_port};
	s->state = VSOCK_CONNECTED;
	if (vsock_ring_make(s) != 0) {
		heap_free(s, sizeof(*s));
		return NULL;
	}
	vsock_know(s);
	if (l->first_child == NULL)
		l->first_child = s;
	else
		l->last_child->younger = s;
	l->last_child = s;
	l->nchildren++;
	return s;
}

static void
stranger_receive(const struct virtio_vsock_hdr *h)
{
	struct vsock *l = NULL, *s = NULL;

	if (h->op == VIRTIO_VSOCK_OP_REQUEST)
		l = listener_find(h->dst_port);
	if (l != NULL)
		s = child_make(l, h);
	if (s == NULL) {
		refuse(h);
		return;
	}
	credit_told(s, h);
	vsock_send_op(s, VIRTIO_VSOCK_OP_RESPONSE);
	vsock_changed(l);
}

/* Contexts have 32 bits, ports other than 0 and "any" may be used. */
static bool
address_ok(const struct virtio_vsock_hdr *h)
{
	return h->dst_cid == vsock_link->cid && h->src_cid < VSOCK_ANY &&
	       h->src_port != 0;
}

void
vsock_receive(const struct virtio_vsock_hdr *h, const void *data)
{
	uint64_t flags = spin_lock(&vsock_lock);
	struct vsock *s;

	if (vsock_link == NULL || !address_ok(h)) {
		spin_unlock(&vsock_lock, flags);
		return;
	}
	s = connection_find(h);
	if (h->type != VIRTIO_VSOCK_TYPE_STREAM)
		refuse(h);
	else if (s != NULL)
		connection_receive(s, h, data);
	else
		stranger_receive(h);
	spin_unlock(&vsock_lock, flags);
}

/* --- the device --- */

static void
end_all(void)
{
	struct vsock *s = vsock_any(NULL), *next;

	nrefusals = 0;
	for (; s != NULL; s = next) {
		next = vsock_any(s);
		s->pending = 0;
		if (s->orphan)
			vsock_free(s);
		else if (s->state == VSOCK_CONNECTING ||
			 s->state == VSOCK_CONNECTED)
			vsock_end(s, -ECONNRESET);
	}
}

void
vsock_link_up(struct vsock_link *l)
{
	uint64_t flags = spin_lock(&vsock_lock);

	end_all();
	vsock_link = l;
	full = false;
	spin_unlock(&vsock_lock, flags);
}

void
vsock_link_reset(struct vsock_link *l, uint64_t cid)
{
	uint64_t flags = spin_lock(&vsock_lock);

	end_all();
	l->cid = cid;
	spin_unlock(&vsock_lock, flags);
}

void
vsock_link_down(void)
{
	uint64_t flags = spin_lock(&vsock_lock);

	end_all();
	vsock_link = NULL;
	spin_unlock(&vsock_lock, flags);
}
