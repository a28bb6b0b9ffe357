/* SPDX-License-Identifier: ISC */
/* Requests that a thread waits for: see virtio.h. */
#include "pv/virtio/virtio.h"

struct call {
	struct waitq waiter;
	uint32_t written;
	bool done;
};

static struct virtio_calls *
calls_of(struct virtq *q)
{
	return (
	    struct virtio_calls *)(void *)((char *)q -
					   offsetof(struct virtio_calls, q));
}

/* Under the lock: every answer that is there, to who waits for it. */
static void
take_all(struct virtio_calls *c)
{
	struct call *call;
	uint32_t written;

	do {
		while ((call = virtq_take(&c->q, &written)) != NULL) {
			call->written = written;
			call->done = true;
			waitq_wake(&call->waiter, 1);
			waitq_wake(&c->room, 1);
		}
	} while (c->q.in_flight > 0 && virtq_arm(&c->q, 1));
}

static void
calls_done(struct virtq *q)
{
	struct virtio_calls *c = calls_of(q);
	uint64_t flags = spin_lock(&c->lock);

	take_all(c);
	spin_unlock(&c->lock, flags);
}

int
virtio_calls_init(struct virtio_calls *c, struct virtio_dev *vd, unsigned index)
{
	c->lock.name = "virtio_calls";
	return virtq_init(&c->q, vd, index, calls_done);
}

/* Sleeps under the lock; notes an interruption for later. */
static int
sleep_on(struct virtio_calls *c, struct waitq *q, uint64_t deadline_ns,
    bool *interrupted)
{
	int err = waitq_sleep(q, &c->lock, deadline_ns);

	if (err == -EINTR) {
		*interrupted = true;
		err = 0;
	}
	return err;
}

static int
send(struct virtio_calls *c, const struct virtq_buf *buf, unsigned nread,
    unsigned nwrite, uint64_t deadline_ns, struct call *call, bool *interrupted)
{
	int err;

	while ((err = virtq_add(&c->q, buf, nread, nwrite, call)) == -ENOSPC) {
		err = sleep_on(c, &c->room, deadline_ns, interrupted);
		if (err != 0)
			return err;
	}
	return err;
}

/* The call is in the device's hands, and so is our stack: we leave only when
 * it has come back. */
static int
receive(struct virtio_calls *c, uint64_t deadline_ns, struct call *call,
    bool *interrupted)
{
	while (!call->done) {
		if (sleep_on(c, &call->waiter, deadline_ns, interrupted) == 0)
			continue;
		virtio_break(c->q.vd, "queue %u: no answer", c->q.index);
		take_all(c);
	}
	return c->q.vd->broken ? -EIO : 0;
}

int
virtio_call(struct virtio_calls *c, const struct virtq_buf *buf, unsigned nread,
    unsigned nwrite, uint64_t deadline_ns, uint32_t *written)
{
	struct call call = {{NULL, NULL}, 0, false};
	uint64_t flags = spin_lock(&c->lock);
	bool interrupted = false;
	int err;

	err = send(c, buf, nread, nwrite, deadline_ns, &call, &interrupted);
	if (err == 0) {
		virtq_kick(&c->q);
		if (virtq_arm(&c->q, 1))
			take_all(c);
		err = receive(c, deadline_ns, &call, &interrupted);
	}
	*written = call.written;
	spin_unlock(&c->lock, flags);
	if (interrupted)
		thread_interrupt(thread_current());
	return err;
}
