/* SPDX-License-Identifier: ISC */
/*
 * Channels to servers of files that speak 9P: a transport (virtio, Xen's 9pfs)
 * adds one for each device, a client finds it by the tag that the host gave
 * it.  A channel carries requests to the server and replies back, many under
 * way at a time, and knows nothing of what they say.
 */
#ifndef KERNEL_P9_H
#define KERNEL_P9_H

#include "kernel/kernel.h"

#define P9_TAGS     64 /* requests under way in a channel, at most */
#define P9_BUFS     4
#define P9_TAG_NAME 256 /* bytes of a channel's tag, with its NUL */

/* Memory of ours, any address, not 0 bytes. */
struct p9_buf {
	void *p;
	uint32_t len;
};

/* The caller's, until p9_channel_ops.finish has returned. */
struct p9_request {
	struct p9_buf buf[P9_BUFS]; /* nout of the request, nin for the reply */
	uint8_t nout, nin;
	uint16_t tag;         /* as in the message: below P9_TAGS */
	uint64_t deadline_ns; /* the server is given up then */
	uint64_t transport[4];
};

struct p9_channel;

struct p9_channel_ops {
	/* Sends a request; sleeps while there is no room for it. */
	int (*start)(struct p9_channel *c, struct p9_request *r);
	/* Sleeps until the reply to one that was started is there: 0 and its
	 * bytes; -EIO: the channel broke.  The buffers are ours again. */
	int (*finish)(
	    struct p9_channel *c, struct p9_request *r, uint32_t *len);
	/* The server talks nonsense: nothing more is sent to it. */
	void (*fail)(struct p9_channel *c, const char *why);
};

struct p9_channel {
	const struct p9_channel_ops *ops;
	char tag[P9_TAG_NAME];
	unsigned restarts; /* sessions from before the last one are over */
	bool taken;        /* client: a session uses it */
	struct p9_channel *next;
};

/* For transports, from a thread: c stays for good. */
void p9_channel_add(struct p9_channel *c);
/* The channel with this tag, taken for the caller; the first call looks what
 * devices there are.  -ENODEV; -EBUSY: somebody has it. */
int p9_channel_take(const char *tag, struct p9_channel **out);
void p9_channel_give(struct p9_channel *c);

#endif
