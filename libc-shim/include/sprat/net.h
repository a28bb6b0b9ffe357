/* SPDX-License-Identifier: ISC */
/*
 * Raw Ethernet frames, without a TCP/IP stack, and without copying: what is
 * received stays in the buffers that the network card filled, what is sent is
 * the application's own memory.  One user a card.  The usual loop, in one
 * thread:
 *
 *	struct sprat_net *n = sprat_net_open(0);
 *	for (;;) {
 *		struct sprat_net_buf *f = sprat_net_take(n, 64), *next;
 *		for (; f != NULL; f = next) {
 *			next = f->next_frame;
 *			... f->data, f->len, f->next ...
 *			sprat_net_free(f);
 *		}
 *		sprat_net_kick(n);
 *		sprat_net_wait(n, 0, -1);
 *	}
 *
 * Calls may come from several threads.  Functions of type int return 0, or -1
 * with errno.
 */
#ifndef SPRAT_NET_H
#define SPRAT_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPRAT_NET_FRAME_MAX  65550 /* bytes, Ethernet header included */
#define SPRAT_NET_PIECES_MAX 64    /* of a frame to send */

/* How a frame is, or is to be, cut into smaller ones. */
#define SPRAT_NET_GSO_NONE 0
#define SPRAT_NET_GSO_TCP4 1
#define SPRAT_NET_GSO_TCP6 2
#define SPRAT_NET_GSO_UFO  3 /* fragments of a UDP datagram */
#define SPRAT_NET_GSO_USO  4 /* several UDP datagrams */

#define SPRAT_NET_CSUM_NONE    0 /* sent: complete; received: not looked at */
#define SPRAT_NET_CSUM_PARTIAL 1 /* covers the pseudo header only */
#define SPRAT_NET_CSUM_VALID   2 /* received: verified */

/* What the sender leaves to the card, or the other way round. */
struct sprat_net_offload {
	uint8_t csum, gso;
	bool ecn;             /* TCP with CWR in the first segment alone */
	uint16_t csum_start;  /* PARTIAL: from here to the end, */
	uint16_t csum_offset; /* to be stored so far behind csum_start */
	uint16_t gso_size;    /* payload of each smaller frame */
	uint16_t header_len;  /* to send, gso: what each begins with */
};

/* A received frame is a list of these; the first holds the Ethernet header. */
struct sprat_net_buf {
	struct sprat_net_buf *next;       /* piece of this frame, or NULL */
	struct sprat_net_buf *next_frame; /* first piece: next frame, or NULL */
	uint8_t *data;                    /* writable */
	uint32_t len;
	uint32_t total;                   /* first piece: of the frame */
	struct sprat_net_offload offload; /* first piece */
	uintptr_t owner[8]; /* the application's, to use at will */
};

struct sprat_net_piece {
	const void *p;
	uint32_t len; /* not 0 */
};

/* A frame to send.  All of it, and what it points to, must stay unchanged until
 * `done` is called. */
struct sprat_net_tx {
	const struct sprat_net_piece *piece;
	unsigned npieces;
	unsigned flow; /* frames of one flow keep their order */
	struct sprat_net_offload offload;
	/* From sprat_net_reap, _wait, _write or _close, in the thread that
	 * called it; err is 0, or -EIO if the card was lost. */
	void (*done)(struct sprat_net_tx *t);
	int err;
	uintptr_t owner[4]; /* the application's */
	void *reserved[3];
};

/* What a card can do. */
#define SPRAT_NET_TX_CSUM 0x0001U /* CSUM_PARTIAL may be sent, */
#define SPRAT_NET_TX_TSO4 0x0002U /* GSO_TCP4, and so on, */
#define SPRAT_NET_TX_TSO6 0x0004U
#define SPRAT_NET_TX_ECN  0x0008U
#define SPRAT_NET_TX_UFO  0x0010U
#define SPRAT_NET_TX_USO  0x0020U
#define SPRAT_NET_RX_CSUM 0x0100U /* may be received, */
#define SPRAT_NET_RX_TSO4 0x0200U
#define SPRAT_NET_RX_TSO6 0x0400U
#define SPRAT_NET_RX_ECN  0x0800U
#define SPRAT_NET_RX_UFO  0x1000U
#define SPRAT_NET_RX_USO  0x2000U
#define SPRAT_NET_FILTER  0x10000U /* sprat_net_filter works, */
#define SPRAT_NET_SET_MAC 0x20000U /* sprat_net_set_mac, */
#define SPRAT_NET_SWITCH  0x40000U /* sprat_net_receive_offloads */

struct sprat_net_status {
	char name[8]; /* "eth0" */
	uint8_t mac[6];
	bool link_up;        /* false for good if the card is broken */
	unsigned mtu;        /* without the Ethernet header */
	unsigned can;        /* SPRAT_NET_TX_CSUM, ... */
	unsigned nlink;      /* times that the link changed */
	unsigned nannounce;  /* times that the host asked for gratuitous ARP */
	unsigned npieces;    /* of a frame to send, at most */
	unsigned sending;    /* frames whose `done` was not called yet */
	unsigned rx_buffers; /* offered to the host, or taken and not freed */
	uint64_t rx_frames, rx_bytes;
	uint64_t rx_bad;     /* dropped: nonsense from the host */
	uint64_t rx_starved; /* times that no buffer was left */
	uint64_t tx_frames, tx_bytes, tx_errors;
	uint64_t wakes; /* interrupts */
};

struct sprat_net;

/* Card i, from 0.  NULL with errno ENODEV: there are not so many; EBUSY: it is
 * open already; ENOMEM. */
struct sprat_net *sprat_net_open(unsigned i);
/* Waits until all is sent, a few seconds at most; then EIO is the end of the
 * rest.  Frames taken must have been freed. */
void sprat_net_close(struct sprat_net *n);
/* Settings, state and counters of the card, as of now. */
void sprat_net_status(struct sprat_net *n, struct sprat_net_status *s);

/* Queues a frame; sprat_net_kick hands over all that are queued.  ENOSPC: full,
 * reap or wait; EINVAL: the card can't do that offload; EMSGSIZE; ENETDOWN: no
 * link; EIO. */
int sprat_net_send(struct sprat_net *n, struct sprat_net_tx *t);
void sprat_net_kick(struct sprat_net *n); /* one notification, if any */
void sprat_net_reap(struct sprat_net *n); /* calls `done` of what was sent */
/* Sends one frame and waits until the card has it: simple, and slow.  Errors of
 * sprat_net_send but ENOSPC; ETIMEDOUT: no room for 5 s; EINTR. */
int sprat_net_write(struct sprat_net *n, const void *frame, size_t len);

/* Up to max received frames, oldest first; NULL: there are none. */
struct sprat_net_buf *sprat_net_take(struct sprat_net *n, unsigned max);
/* Gives all pieces of one frame back to the card. */
void sprat_net_free(struct sprat_net_buf *frame);

/* Sleeps until a frame has come, the status changed, or, with nsent > 0, so
 * many more frames have been sent (then it reaps).  May return early.
 * timeout_ms < 0: for ever.  ETIMEDOUT, EINTR.  A cancellation point. */
int sprat_net_wait(struct sprat_net *n, unsigned nsent, int timeout_ms);

/* Which frames the card lets through, besides its own address and broadcasts;
 * nmulticast (at most 64) addresses of 6 bytes.  Without a call all may come.
 * ENOTSUP, EINVAL, EIO. */
int sprat_net_filter(struct sprat_net *n, bool promiscuous, bool all_multicast,
    const uint8_t *multicast, unsigned nmulticast);
/* From now on `mac` is the card's address.  ENOTSUP, EINVAL: a group's; EIO. */
int sprat_net_set_mac(struct sprat_net *n, const uint8_t mac[6]);
/* Of the SPRAT_NET_RX_ bits those the application can cope with.  Without a
 * call, frames of all that the card `can` may come.  ENOTSUP, EIO. */
int sprat_net_receive_offloads(struct sprat_net *n, unsigned which);

#ifdef __cplusplus
}
#endif

#endif
