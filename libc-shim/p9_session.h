/* SPDX-License-Identifier: ISC */
/*
 * A session with a 9P2000.L server over a channel (kernel/p9.h): requests and
 * their replies, tags, fids.  Threads may use it at the same time.
 *
 * The server is not trusted.  The fixed part of a reply is copied before it is
 * looked at; sizes, type and tag must be right.  A reply that cannot be ends
 * the session: the channel is broken off, and all that is asked later is -EIO.
 * So does a server that does not answer for P9_ANSWER_NS, unless it was asked
 * to move data.
 */
#ifndef LIBC_SHIM_P9_SESSION_H
#define LIBC_SHIM_P9_SESSION_H

#include "kernel/p9.h"
#include "libc-shim/p9_msg.h"
#include "libc-shim/sleeplock.h"

#define P9_ANSWER_NS (30 * NS_PER_S)
#define P9_MSIZE     (512U * 1024 + P9_IO_ROOM)
#define P9_MSIZE_MIN 8192U /* what we are asked to live with */

struct p9_session {
	struct p9_channel *channel;
	unsigned restarts; /* of the channel, when the session began */
	uint32_t msize;
	bool broken;
	struct sleeplock lock; /* of what follows */
	uint64_t tags;         /* in use */
	struct waitq tag_room;
	uint32_t fid_next;  /* never used so far */
	uint32_t *fid_free; /* used before */
	uint32_t nfree, fid_room;
};

/* A request and its reply.  The caller's, until p9_finish. */
struct p9_call {
	struct p9_msg out; /* the request */
	struct p9_msg in;  /* the reply, behind its header; our copy */
	uint8_t *shared;   /* where the server writes as much */
	void *data;        /* behind `out`, or behind `shared` */
	uint32_t data_len;
	bool data_in; /* the server writes it */
	bool patient; /* there is no deadline */
	uint8_t type;
	uint32_t size; /* of the whole reply */
	struct p9_request rq;
};

/* One with room for any fixed fields and two names. */
struct p9_small {
	struct p9_call c;
	uint8_t out[560], in[176], shared[176];
};

/* One for Tread, Twrite and others whose reply is no longer than P9_REPLY. */
struct p9_io {
	struct p9_call c;
	uint8_t out[P9_IO_ROOM], in[P9_REPLY], shared[P9_REPLY];
};

/* Takes the channel and agrees on version and msize.  -EPROTO: no server of
 * 9P2000.L; errors of p9_channel_take. */
int p9_session_begin(struct p9_session *s, const char *tag);
void p9_session_end(struct p9_session *s);
/* Ends all: the server sent what cannot be.  Returns -EIO. */
int p9_session_fail(struct p9_session *s, const char *why);

/* Prepares a request, whose fields are then put into c.out. */
void p9_small_init(struct p9_small *m, enum p9_type type);
void p9_io_init(struct p9_io *m, enum p9_type type);

/* Sends it.  -EAGAIN, if not `wait`: finish one of yours first. */
int p9_start(struct p9_session *s, struct p9_call *c, bool wait);
/* Waits for the reply to one that was started: 0, the server's error as
 * -errno, or -EIO. */
int p9_finish(struct p9_session *s, struct p9_call *c);
int p9_call(struct p9_session *s, struct p9_call *c); /* both */
/* After all was taken from c->in: ends the session if there was too little. */
int p9_checked(struct p9_session *s, const struct p9_call *c);

/* A number that no file of the session has.  -ENFILE */
int p9_fid_take(struct p9_session *s, uint32_t *fid);
void p9_fid_give(struct p9_session *s, uint32_t fid);
/* Tells the server to forget n of them, and gives them back; P9_NOFID among
 * them is passed over. */
#define P9_CLUNK_MAX 4
void p9_clunk(struct p9_session *s, const uint32_t *fid, unsigned n);

#endif
