/* SPDX-License-Identifier: ISC */
/*
 * Network cards.  A driver registers struct net_dev (eth0, ...); one owner at a
 * time, the TCP/IP stack or an application that wants raw frames, opens it.
 * Frames are Ethernet's, without its checksum, and nobody copies them:
 *
 *	net_send   hands the card the sender's memory, in pieces
 *	net_kick   publishes what was sent, tells the card
 *	net_reap   calls `done` of what the card has finished with
 *	net_take   gives the buffers that the card has filled
 *	net_arm    asks for one call of `wake`
 *
 * These may be called by any thread, at any time while the card is open.  The
 * usual loop, in one thread: take and reap until there is no more; arm; sleep
 * until `wake`.
 */
#ifndef KERNEL_NET_H
#define KERNEL_NET_H

#include "kernel/kernel.h"

#define NET_HEADER_LEN 14    /* addresses and type */
#define NET_FRAME_MAX  65550 /* with that, and the largest IP packet */
#define NET_PIECES_MAX 64    /* of a frame that is sent */
#define NET_MAC_LEN    6
#define NET_MTU        1500 /* where the card names no other */
#define NET_MTU_MIN    68   /* RFC 791 */

/* How a frame is, or is to be, cut into smaller ones. */
enum net_gso {
	NET_GSO_NONE,
	NET_GSO_TCP4, /* TCP segments over IPv4, */
	NET_GSO_TCP6, /* and IPv6 */
	NET_GSO_UFO,  /* fragments of one UDP datagram */
	NET_GSO_USO   /* several UDP datagrams */
};

enum net_csum {
	NET_CSUM_NONE,    /* sent: it is complete; received: nobody looked */
	NET_CSUM_PARTIAL, /* it covers the pseudo header only */
	NET_CSUM_VALID    /* received: the card looked, it is right */
};

/* What the sender leaves to the card, or the other way round. */
struct net_offload {
	uint8_t csum;         /* enum net_csum */
	uint8_t gso;          /* enum net_gso */
	bool ecn;             /* TCP with CWR in the first segment alone */
	uint16_t csum_start;  /* PARTIAL: from here to the end, */
	uint16_t csum_offset; /* stored so far behind csum_start */
	uint16_t gso_size;    /* payload of each smaller frame */
	uint16_t header_len;  /* sent, gso: what each of them begins with */
};

/* What a card can do: bits of net_dev.can. */
#define NET_TX_CSUM 0x0001U /* complete a partial checksum */
#define NET_TX_TSO4 0x0002U
#define NET_TX_TSO6 0x0004U
#define NET_TX_ECN  0x0008U /* cut TCP with offload.ecn */
#define NET_TX_UFO  0x0010U
#define NET_TX_USO  0x0020U
#define NET_RX_CSUM 0x0100U /* give frames of PARTIAL and VALID */
#define NET_RX_TSO4 0x0200U /* give large ones */
#define NET_RX_TSO6 0x0400U
#define NET_RX_ECN  0x0800U
#define NET_RX_UFO  0x1000U
#define NET_RX_USO  0x2000U
#define NET_RX_ALL  0x3f00U
#define NET_FILTER  0x10000U /* net_filter works, */
#define NET_SET_MAC 0x20000U /* net_set_mac, */
#define NET_SWITCH  0x40000U /* net_receive_offloads */

struct net_dev;
struct net_pool;

/* A piece of a received frame.  The first one holds the Ethernet header; `len`
 * of all pieces is `total`. */
struct net_buf {
	struct net_buf *next;       /* piece of the same frame, or NULL */
	struct net_buf *next_frame; /* first piece: the next one taken */
	uint8_t *data;              /* whoever holds it may move it, */
	uint32_t len;               /* and shorten this */
	uint32_t total;             /* first piece: bytes of the frame */
	struct net_offload offload; /* first piece */
	uintptr_t owner[8];         /* for whoever holds it */
	/* net.c's */
	struct net_pool *pool;
	uint8_t *mem; /* pool->len bytes */
};

struct net_piece {
	const void *p;
	uint32_t len; /* not 0 */
};

/* A frame to send: it, its pieces and what they point to belong to the card
 * until `done` is called. */
struct net_tx {
	const struct net_piece *piece;
	unsigned npieces;
	unsigned flow; /* frames of one flow keep their order */
	struct net_offload offload;
	/* From net_reap or net_close, in the calling thread; err is 0 or -EIO.
	 * May send again. */
	void (*done)(struct net_tx *t);
	int err;
	uintptr_t owner[4]; /* the sender's */
	/* the driver's */
	struct net_tx *next;
	uint8_t header[16];
};

struct net_stats {
	uint64_t rx_frames, rx_bytes;
	uint64_t rx_bad;     /* dropped: the host wrote nonsense */
	uint64_t rx_starved; /* times that no buffer was left to offer */
	uint64_t tx_frames, tx_bytes;
	uint64_t tx_errors; /* given up with the card */
	uint64_t wakes;     /* interrupts */
};

struct net_filter {
	bool promiscuous;         /* everything */
	bool all_multicast;       /* and so for these; else: */
	unsigned nmulticast;      /* at most NET_MULTICAST_MAX */
	const uint8_t *multicast; /* NET_MAC_LEN bytes each */
};
#define NET_MULTICAST_MAX 64

/* What a driver does; the functions below say what each is to do. */
struct net_ops {
	int (*send)(struct net_dev *d, struct net_tx *t);
	void (*kick)(struct net_dev *d);
	struct net_tx *(*reap)(struct net_dev *d); /* a list by `next` */
	struct net_buf *(*take)(struct net_dev *d, unsigned max);
	bool (*arm)(struct net_dev *d, unsigned nframes, unsigned nsent);
	/* All that is on its way comes back soon, even if the card is stuck. */
	void (*give_up)(struct net_dev *d);
	/* NULL if `can` says so: */
	int (*filter)(struct net_dev *d, const struct net_filter *f);
	int (*set_mac)(struct net_dev *d, const uint8_t *mac);
	int (*receive_offloads)(struct net_dev *d, unsigned which);
};

struct net_dev {
	char name[8]; /* net_register's */
	uint8_t mac[NET_MAC_LEN];
	bool has_mac;       /* else net_open invents one */
	bool link_up;       /* may change at any time; false if broken */
	unsigned mtu;       /* of IP, without NET_HEADER_LEN */
	unsigned can;       /* NET_TX_CSUM, ... */
	unsigned npieces;   /* of a frame that is sent, at most */
	unsigned nlink;     /* so often did link_up change, */
	unsigned nannounce; /* and the host ask for gratuitous ARP */
	unsigned sending;   /* frames sent, `done` not called */
	struct net_stats stats;
	const struct net_ops *ops;
	struct net_pool *pool; /* what it receives into */
	struct net_dev *next;
	/* the owner's; `wake` is called from interrupts and threads */
	void (*wake)(struct net_dev *d);
	void *owner;
};

/* --- for owners --- */

/* The i-th card, from 0; NULL: there are no more.  The first call looks. */
struct net_dev *net_dev_at(unsigned i);

/* Takes possession of a card; what it received before is dropped.  `wake` is
 * called once for each net_arm, and when the link changes or the host asks for
 * an announcement.  -EBUSY: another has it. */
int net_open(struct net_dev *d, void (*wake)(struct net_dev *d), void *owner);
/* Waits until all is sent, or a few seconds.  Buffers taken are still to be
 * given back. */
void net_close(struct net_dev *d);

/* The card gets t at the next net_kick.  -ENOSPC: it is full, reap first, or
 * arm and sleep; -EINVAL: it cannot do this offload, or the fields contradict
 * each other; -EMSGSIZE: a frame, or its pieces, too long for it; -ENETDOWN:
 * there is no link; -EIO: it is broken. */
int net_send(struct net_dev *d, struct net_tx *t);
void net_kick(struct net_dev *d);
void net_reap(struct net_dev *d);

/* Up to max frames that came, oldest first, linked by next_frame; or NULL.
 * They are the caller's until net_free. */
struct net_buf *net_take(struct net_dev *d, unsigned max);
/* Gives a frame back, or a single piece of one whose `next` is NULL. */
void net_free(struct net_buf *b);

/* Asks for one call of `wake` when about nframes have come, or nsent more been
 * sent (all, if there are fewer); 0 of them is not a reason.  True: there is
 * something already, and `wake` may not be called. */
bool net_arm(struct net_dev *d, unsigned nframes, unsigned nsent);

/* Which frames the card lets through; where it cannot filter, all.  0,
 * -ENOTSUP, -EINVAL, -EIO. */
int net_filter(struct net_dev *d, const struct net_filter *f);
int net_set_mac(struct net_dev *d, const uint8_t *mac);
/* Of the NET_RX_ bits those that the owner can cope with, at any time.  Those
 * that the card has are on at first.  -ENOTSUP: it can't be told. */
int net_receive_offloads(struct net_dev *d, unsigned which);

/* --- for drivers --- */

/* d stays for good.  ops, pool, link_up, mtu, can and npieces are set. */
void net_register(struct net_dev *d);
/* Tells the owner, if there is one; from anywhere. */
void net_wake(struct net_dev *d);
/* `done` of each in the list that the driver's reap gave. */
void net_done(struct net_dev *d, struct net_tx *list);

/* Memory to receive into.  It comes from the heap as needed and is kept. */
struct net_pool {
	struct net_dev *dev; /* that is woken when it was hungry */
	uint32_t len;        /* bytes of a buffer */
	unsigned limit;      /* buffers there may be */
	unsigned count;      /* that there are */
	unsigned nfree;
	bool hungry; /* the driver found no buffer */
	struct net_buf *free;
	struct spinlock lock;
};
/* n buffers linked by `next`, data and len covering the whole of each; NULL if
 * there are not so many: then `dev` is woken when some have come back. */
struct net_buf *net_pool_take(struct net_pool *p, unsigned n);
void net_pool_give(struct net_buf *list); /* as net_free */

#endif
