/* SPDX-License-Identifier: ISC */
/*
 * Stream sockets to the host: connections, their buffers and the credit that
 * says how much each side may send.  [VIRTIO] 5.10.6.  vsock.c has what users
 * call, vsock_wire.c packets in and out; the driver moves those.
 *
 * Everything here is under one lock and nothing sleeps but the calls that say
 * so.  What the peer says is not believed: the worst it can do is to end its
 * own connections.
 */
#ifndef KERNEL_VSOCK_H
#define KERNEL_VSOCK_H

#include <linux/virtio_vsock.h>

#include "kernel/kernel.h"

#define VSOCK_ANY            UINT32_MAX /* port or context: whichever */
#define VSOCK_BUFFER_DEFAULT (64U << 10)

enum vsock_state {
	VSOCK_IDLE,
	VSOCK_LISTENING,
	VSOCK_CONNECTING,
	VSOCK_CONNECTED,
	VSOCK_ENDED, /* was connected; what came can still be read */
};

struct vsock_addr {
	uint32_t cid, port;
};

struct vsock {
	/* Set by the user: called from interrupts and under the lock when
	 * what vsock_poll says may have changed. */
	void (*notify)(void *user);
	void *user;
	size_t buf_len; /* of connections to come; 0: the default */
	uint64_t connect_ns;

	/* For vsock*.c alone. */
	enum vsock_state state;
	bool bound, orphan; /* its user has closed it */
	bool known;         /* in the table */
	struct vsock *next; /* in the table, by port and peer's port */
	struct vsock_addr local, peer;
	int error;               /* of a connection that failed: -errno */
	uint8_t shut, peer_shut; /* VIRTIO_VSOCK_SHUTDOWN_* */
	uint16_t pending;        /* bit N: a packet of op N is to be sent */
	bool asked;              /* for credit */
	uint64_t deadline_ns;    /* of an orphan's end, or of connecting */
	struct waitq events;
	/* received and not yet read: a ring */
	uint8_t *ring;
	uint32_t ring_len, head, len;
	uint32_t fwd_cnt, fwd_told; /* bytes read, and what the peer knows */
	/* what the peer said, and bytes sent so far; they wrap */
	uint32_t peer_alloc, peer_fwd, sent;
	/* a listener's children that wait for accept, oldest first */
	struct vsock *first_child, *last_child, *younger;
	unsigned nchildren, backlog;
};

/* --- for users: 0 or -errno; from threads --- */

struct vsock *vsock_make(void); /* or NULL: no memory */
void vsock_close(struct vsock *s);
int vsock_bind(struct vsock *s, struct vsock_addr a);
int vsock_listen(struct vsock *s, unsigned backlog);
/* Sleeps for a connection; -EAGAIN at the deadline (0: at once), -EINTR. */
int vsock_accept(struct vsock *s, struct vsock **out, uint64_t deadline_ns);
/* Sleeps for the answer unless nonblock; then -EINPROGRESS. */
int vsock_connect(struct vsock *s, struct vsock_addr a, bool nonblock);
/* Bytes; sleep until there is at least one (recv) or all are sent.  A send
 * that must not wait for the peer may wait for the device, which takes what the
 * peer has room for. */
long vsock_send(
    struct vsock *s, const void *p, size_t len, uint64_t deadline_ns);
long vsock_recv(
    struct vsock *s, void *p, size_t len, bool peek, uint64_t deadline_ns);
/* how: VIRTIO_VSOCK_SHUTDOWN_RCV, _SEND or both */
int vsock_shutdown(struct vsock *s, unsigned how);
int vsock_take_error(struct vsock *s); /* -errno or 0, once */
struct vsock_addr vsock_name(struct vsock *s);
int vsock_peer(struct vsock *s, struct vsock_addr *a); /* -ENOTCONN */
size_t vsock_unread(struct vsock *s);
uint32_t vsock_own_cid(void); /* VSOCK_ANY: there is no device */

#define VSOCK_IN    1U
#define VSOCK_OUT   2U
#define VSOCK_ERR   4U
#define VSOCK_HUP   8U  /* nothing can come or go any more */
#define VSOCK_RDHUP 16U /* nothing more will come */
unsigned vsock_poll(struct vsock *s);

/* --- for the driver --- */

struct vsock_link {
	uint64_t cid;
	uint32_t send_max; /* bytes of data in a packet */
	/* Copies a packet and sends it.  False: no room, or broken; vsock_room
	 * is called when there is some again. */
	bool (*send)(struct vsock_link *l, const struct virtio_vsock_hdr *h,
	    const void *data);
	/* Waits until the device has taken all; not under the lock. */
	void (*drain)(struct vsock_link *l, uint64_t deadline_ns);
};
/* From a thread: the device works; there is one.  Connections end. */
void vsock_link_up(struct vsock_link *l);
/* The device is broken, or has another context ID: connections end. */
void vsock_link_reset(struct vsock_link *l, uint64_t cid);
void vsock_link_down(void);
/* A packet: the header as copied, and h->len bytes that are really there. */
void vsock_receive(const struct virtio_vsock_hdr *h, const void *data);
void vsock_room(void);

/* --- for vsock*.c alone; under the lock --- */

extern struct spinlock vsock_lock;
extern struct vsock_link *vsock_link; /* NULL: no device */

void vsock_changed(struct vsock *s); /* who waits looks again */
/* Has a packet of that op sent now or as soon as there is room. */
void vsock_send_op(struct vsock *s, unsigned op);
bool vsock_send_pending(struct vsock *s); /* false: some is left */
bool vsock_send_data(struct vsock *s, const void *p, uint32_t len);
uint32_t vsock_credit(const struct vsock *s);
/* The table of connections, listeners and bound sockets. */
void vsock_know(struct vsock *s);
void vsock_forget(struct vsock *s);
bool vsock_port_used(uint32_t port);
struct vsock *vsock_any(struct vsock *after); /* to visit all; NULL: first */
void vsock_consumed(struct vsock *s, uint32_t len); /* of what came */
/* The connection is over; an orphan is freed. */
void vsock_end(struct vsock *s, int error);
/* Makes the ring; a child of a listener has one from the beginning. */
int vsock_ring_make(struct vsock *s);
void vsock_free(struct vsock *s);
struct vsock *vsock_alloc(void);

#endif
