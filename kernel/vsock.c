/* SPDX-License-Identifier: ISC */
/* Stream sockets to the host, as users call them: see vsock.h. */
#include "kernel/vsock.h"

#include <string.h>

#include "kernel/once.h"
#include "kernel/panic.h"
#include "pv/virtio/virtio_drivers.h"

#define PORT_FIRST 1024U          /* that we choose ourselves */
#define CID_LOCAL  1U             /* oneself: not offered here */
#define CONNECT_NS (2 * NS_PER_S) /* Linux's default */
#define CLOSE_NS   (8 * NS_PER_S) /* as Linux: for the peer to agree */
#define ROOM_NS    NS_PER_S
#define GOODBYE_NS (5 * NS_PER_S)

#define BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

static struct once at_exit_set = ONCE("vsock exit");

/* --- life --- */

static void
time_out(struct vsock *s)
{
	vsock_send_op(s, VIRTIO_VSOCK_OP_RST);
	vsock_end(s, -ETIMEDOUT);
}

/* Those whose peer does not answer. */
static void
reap(void)
{
	struct vsock *s = vsock_any(NULL), *next;
	uint64_t now = clock_ns();

	for (; s != NULL; s = next) {
		next = vsock_any(s);
		if (s->deadline_ns <= now &&
		    (s->state == VSOCK_CONNECTING ||
			(s->state == VSOCK_CONNECTED && s->orphan)))
			time_out(s);
	}
}

/* Closes what is open, so that peers see an end and not a failure. */
static void
goodbye(void)
{
	uint64_t flags, deadline_ns = clock_ns() + GOODBYE_NS;
	struct vsock_link *l = vsock_link;
	struct vsock *s;

	if (panic_busy() || l == NULL)
		return;
	flags = spin_lock(&vsock_lock);
	for (s = vsock_any(NULL); s != NULL; s = vsock_any(s)) {
		if (s->state != VSOCK_CONNECTED || s->orphan)
			continue;
		s->shut = BOTH;
		vsock_send_op(s, VIRTIO_VSOCK_OP_SHUTDOWN);
	}
	spin_unlock(&vsock_lock, flags);
	l->drain(l, deadline_ns);
}

struct vsock *
vsock_make(void)
{
	static struct exit_call at_exit = {goodbye, NULL};
	struct vsock *s = vsock_alloc();
	uint64_t flags;

	if (s == NULL)
		return NULL;
	virtio_probe(&virtio_vsock_driver);
	if (once_enter(&at_exit_set)) {
		kernel_at_exit(&at_exit);
		once_leave(&at_exit_set, true);
	}
	s->connect_ns = CONNECT_NS;
	s->local = (struct vsock_addr){VSOCK_ANY, VSOCK_ANY};
	flags = spin_lock(&vsock_lock);
	reap();
	spin_unlock(&vsock_lock, flags);
	return s;
}

/* Nobody will read it: the peer is told that it is over, and has some time to
 * say so too; then both have forgotten it. */
static void
orphan(struct vsock *s)
{
	s->orphan = true;
	s->bound = false;
	s->notify = NULL;
	s->deadline_ns = clock_ns() + CLOSE_NS;
	if (s->shut != BOTH) {
		s->shut = BOTH;
		vsock_send_op(s, VIRTIO_VSOCK_OP_SHUTDOWN);
	}
}

static void
close_one(struct vsock *s)
{
	if (s->state == VSOCK_CONNECTED) {
		orphan(s);
		return;
	}
	if (s->state == VSOCK_CONNECTING) {
		s->orphan = true;
		s->notify = NULL;
		vsock_send_op(s, VIRTIO_VSOCK_OP_RST);
		vsock_end(s, 0);
		return;
	}
	s->notify = NULL;
	s->orphan = true;
	if (s->pending == 0)
		vsock_free(s);
}

void
vsock_close(struct vsock *s)
{
	uint64_t flags = spin_lock(&vsock_lock);
	struct vsock *child;

	while ((child = s->first_child) != NULL) {
		s->first_child = child->younger;
		close_one(child);
	}
	close_one(s);
	reap();
	spin_unlock(&vsock_lock, flags);
}

/* --- names --- */

/* Under the lock: a local port for s. */
static int
bind_to(struct vsock *s, struct vsock_addr a)
{
	static uint32_t last = PORT_FIRST - 1;
	uint32_t tries;

	for (tries = 0; a.port == VSOCK_ANY && tries < UINT16_MAX; tries++) {
		last = last < UINT32_MAX - 1 ? last + 1 : PORT_FIRST;
		if (!vsock_port_used(last))
			a.port = last;
	}
	if (a.port == VSOCK_ANY || vsock_port_used(a.port))
		return -EADDRINUSE;
	s->local = a;
	s->bound = true;
	vsock_know(s);
	return 0;
}

int
vsock_bind(struct vsock *s, struct vsock_addr a)
{
	uint64_t flags = spin_lock(&vsock_lock);
	int err = 0;

	if (s->state != VSOCK_IDLE || s->bound)
		err = -EINVAL;
	else if (a.cid != VSOCK_ANY &&
		 (vsock_link == NULL || a.cid != vsock_link->cid))
		err = -EADDRNOTAVAIL;
	else
		err = bind_to(s, a);
	spin_unlock(&vsock_lock, flags);
	return err;
}

struct vsock_addr
vsock_name(struct vsock *s)
{
	uint64_t flags = spin_lock(&vsock_lock);
	struct vsock_addr a = s->local;

	spin_unlock(&vsock_lock, flags);
	return a;
}

int
vsock_peer(struct vsock *s, struct vsock_addr *a)
{
	uint64_t flags = spin_lock(&vsock_lock);
	int err = s->state == VSOCK_CONNECTED ? 0 : -ENOTCONN;

	*a = s->peer;
	spin_unlock(&vsock_lock, flags);
	return err;
}

uint32_t
vsock_own_cid(void)
{
	uint64_t flags;
	uint32_t cid;

	virtio_probe(&virtio_vsock_driver);
	flags = spin_lock(&vsock_lock);
	cid = vsock_link == NULL ? VSOCK_ANY : (uint32_t)vsock_link->cid;
	spin_unlock(&vsock_lock, flags);
	return cid;
}

/* --- connections --- */

/* Sleeps until something has changed. */
static int
wait(struct vsock *s, uint64_t deadline_ns)
{
	int err = -EAGAIN;

	if (deadline_ns != 0)
		err = waitq_sleep(&s->events, &vsock_lock, deadline_ns);
	return err == -ETIMEDOUT ? -EAGAIN : err;
}

int
vsock_listen(struct vsock *s, unsigned backlog)
{
	uint64_t flags = spin_lock(&vsock_lock);
	int err = 0;

	if (!s->bound ||
	    (s->state != VSOCK_IDLE && s->state != VSOCK_LISTENING))
		err = -EINVAL;
	if (err == 0) {
		s->state = VSOCK_LISTENING;
		s->backlog = backlog > 0 ? backlog : 1;
	}
	spin_unlock(&vsock_lock, flags);
	return err;
}

int
vsock_accept(struct vsock *s, struct vsock **out, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&vsock_lock);
	struct vsock *child = NULL;
	int err = s->state == VSOCK_LISTENING ? 0 : -EINVAL;

	while (err == 0 && (child = s->first_child) == NULL)
		err = wait(s, deadline_ns);
	if (err == 0) {
		s->first_child = child->younger;
		child->younger = NULL;
		s->nchildren--;
		*out = child;
	}
	spin_unlock(&vsock_lock, flags);
	return err;
}

/* Asks the peer; under the lock. */
static int
connect_begin(struct vsock *s, struct vsock_addr a)
{
	int err = 0;

	if (vsock_link == NULL)
		return -ENODEV;
	if (a.cid == VSOCK_ANY || a.port == VSOCK_ANY)
		return -EINVAL;
	if (a.cid == CID_LOCAL || a.cid == vsock_link->cid)
		return -ENETUNREACH; /* LIMIT: no loop back */
	if (!s->bound)
		err = bind_to(s, s->local);
	if (err == 0)
		err = vsock_ring_make(s);
	if (err != 0)
		return err;
	vsock_forget(s); /* its place in the table depends on the peer */
	s->local.cid = (uint32_t)vsock_link->cid;
	s->peer = a;
	s->error = 0;
	s->sent = s->peer_fwd = s->peer_alloc = 0;
	s->fwd_cnt = s->fwd_told = 0;
	s->shut = s->peer_shut = 0;
	s->state = VSOCK_CONNECTING;
	s->deadline_ns = clock_ns() + s->connect_ns;
	vsock_know(s);
	vsock_send_op(s, VIRTIO_VSOCK_OP_REQUEST);
	return 0;
}

static int
take_error(struct vsock *s)
{
	int err = s->error;

	s->error = 0;
	return err;
}

/* LIMIT: the time-out of a connection nobody waits for in here is noticed only
 * by calls, so a poll for it should have one of its own. */
int
vsock_connect(struct vsock *s, struct vsock_addr a, bool nonblock)
{
	uint64_t flags = spin_lock(&vsock_lock);
	int err = 0;

	if (s->state == VSOCK_LISTENING)
		err = -EINVAL;
	else if (s->state >= VSOCK_CONNECTED)
		err = -EISCONN;
	else if (s->state == VSOCK_CONNECTING)
		err = nonblock ? -EALREADY : 0;
	else if ((err = take_error(s)) == 0) /* of an earlier try */
		err = connect_begin(s, a);
	if (err == 0 && nonblock && s->state == VSOCK_CONNECTING)
		err = -EINPROGRESS;
	while (err == 0 && s->state == VSOCK_CONNECTING) {
		err = wait(s, s->deadline_ns);
		if (err == -EAGAIN && s->state == VSOCK_CONNECTING) {
			time_out(s);
			err = 0;
		}
	}
	if (err == 0)
		err = take_error(s);
	spin_unlock(&vsock_lock, flags);
	return err;
}

int
vsock_shutdown(struct vsock *s, unsigned how)
{
	uint64_t flags = spin_lock(&vsock_lock);
	int err = s->state == VSOCK_CONNECTED || s->state == VSOCK_ENDED
		      ? 0
		      : -ENOTCONN;

	if (err == 0) {
		s->shut |= how & BOTH;
		if (s->state == VSOCK_CONNECTED)
			vsock_send_op(s, VIRTIO_VSOCK_OP_SHUTDOWN);
		vsock_changed(s);
	}
	spin_unlock(&vsock_lock, flags);
	return err;
}

/* --- data --- */

static int
may_send(const struct vsock *s)
{
	if (s->state != VSOCK_CONNECTED && s->state != VSOCK_ENDED)
		return -ENOTCONN;
	if (s->error != 0)
		return s->error;
	if (s->state == VSOCK_ENDED || (s->shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	    (s->peer_shut & VIRTIO_VSOCK_SHUTDOWN_RCV))
		return -EPIPE;
	return 0;
}

/* Bytes that could be sent in one packet now. */
static uint32_t
sendable(struct vsock *s, size_t len)
{
	uint32_t n = vsock_credit(s);

	if (n == 0 && !s->asked) {
		s->asked = true;
		vsock_send_op(s, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	}
	if (n > vsock_link->send_max)
		n = vsock_link->send_max;
	return n < len ? n : (uint32_t)len;
}

long
vsock_send(struct vsock *s, const void *p, size_t len, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&vsock_lock);
	const uint8_t *from = p;
	size_t done = 0;
	uint32_t n;
	int err = 0;

	while (done < len || len == 0) {
		err = may_send(s);
		if (err != 0 || len == 0)
			break;
		n = sendable(s, len - done);
		if (n > 0 && vsock_send_data(s, from + done, n)) {
			done += n;
			spin_unlock(&vsock_lock, flags); /* interrupts */
			flags = spin_lock(&vsock_lock);
			continue;
		}
		if (n > 0 && deadline_ns == 0) /* the device is the obstacle */
			err = wait(s, clock_ns() + ROOM_NS);
		else
			err = wait(s, deadline_ns);
		if (err != 0)
			break;
	}
	spin_unlock(&vsock_lock, flags);
	return done > 0 ? (long)done : err;
}

static size_t
ring_copy(const struct vsock *s, uint8_t *to, size_t len)
{
	size_t first = s->ring_len - s->head;

	if (len > s->len)
		len = s->len;
	if (first > len)
		first = len;
	memcpy(to, s->ring + s->head, first);
	memcpy(to + first, s->ring, len - first);
	return len;
}

long
vsock_recv(
    struct vsock *s, void *p, size_t len, bool peek, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&vsock_lock);
	size_t n = 0;
	int err = s->state < VSOCK_CONNECTED ? -ENOTCONN : 0;

	while (err == 0 && s->len == 0 && len > 0 && s->error == 0 &&
	       !(s->shut & VIRTIO_VSOCK_SHUTDOWN_RCV) &&
	       !(s->peer_shut & VIRTIO_VSOCK_SHUTDOWN_SEND))
		err = wait(s, deadline_ns);
	if (err == 0 && s->len == 0)
		err = take_error(s);
	if (err == 0 && s->len > 0) {
		n = ring_copy(s, p, len);
		if (!peek) {
			s->head = (s->head + (uint32_t)n) % s->ring_len;
			s->len -= (uint32_t)n;
			vsock_consumed(s, (uint32_t)n);
		}
	}
	spin_unlock(&vsock_lock, flags);
	return err != 0 ? err : (long)n;
}

/* --- questions --- */

int
vsock_take_error(struct vsock *s)
{
	uint64_t flags = spin_lock(&vsock_lock);
	int err;

	if (s->state == VSOCK_CONNECTING && clock_ns() >= s->deadline_ns)
		time_out(s);
	err = take_error(s);
	spin_unlock(&vsock_lock, flags);
	return err;
}

size_t
vsock_unread(struct vsock *s)
{
	uint64_t flags = spin_lock(&vsock_lock);
	size_t n = s->len;

	spin_unlock(&vsock_lock, flags);
	return n;
}

static unsigned
poll_connection(struct vsock *s)
{
	bool no_more_in = (s->shut & VIRTIO_VSOCK_SHUTDOWN_RCV) ||
			  (s->peer_shut & VIRTIO_VSOCK_SHUTDOWN_SEND);
	bool no_more_out = may_send(s) != 0;
	unsigned r = 0;

	if (s->len > 0)
		r |= VSOCK_IN;
	if (no_more_in)
		r |= VSOCK_IN | VSOCK_RDHUP;
	if (no_more_in && no_more_out)
		r |= VSOCK_HUP;
	if (no_more_out || sendable(s, 1) > 0)
		r |= VSOCK_OUT;
	return r;
}

unsigned
vsock_poll(struct vsock *s)
{
	uint64_t flags = spin_lock(&vsock_lock);
	unsigned r = 0;

	if (s->state == VSOCK_CONNECTING && clock_ns() >= s->deadline_ns)
		time_out(s);
	if (s->error != 0)
		r |= VSOCK_ERR | VSOCK_IN;
	if (s->state >= VSOCK_CONNECTED)
		r |= poll_connection(s);
	else if (s->state == VSOCK_LISTENING)
		r |= s->first_child != NULL ? VSOCK_IN : 0;
	else if (s->state == VSOCK_IDLE)
		r |= VSOCK_OUT | VSOCK_HUP;
	spin_unlock(&vsock_lock, flags);
	return r;
}
