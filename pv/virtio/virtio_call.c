/* SPDX-License-Identifier: ISC */
/* Requests that a thread waits for: see virtio.h. */
#include <string.h>

#include "kernel/cpu.h"
#include "pv/virtio/virtio.h"

static struct virtio_calls *
calls_of(struct virtq *q)
{
	return CONTAINER_OF(q, struct virtio_calls, q);
}

/* Under the lock: every answer that is there, to who waits for it. */
static void
take_all(struct virtio_calls *c)
{
	struct virtio_request *r;
	uint32_t written;

	do {
		while ((r = virtq_take(&c->q, &written)) != NULL) {
			r->written = written;
			r->err = c->q.vd->broken ? -EIO : 0;
			r->done = true;
			waitq_wake(&r->waiter, 1);
			waitq_wake(&c->room, 1);
		}
	} while (c->q.in_flight > 0 && virtq_arm(&c->q, 1));
	if (c->q.vd->broken) /* more may wait than there were in flight */
		waitq_wake(&c->room, -1U);
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

/* Gives the lock; an interruption noted under it comes now. */
static void
leave(struct virtio_calls *c, uint64_t flags, bool interrupted)
{
	spin_unlock(&c->lock, flags);
	if (interrupted)
		thread_interrupt(thread_current());
}

int
virtio_call_start(struct virtio_calls *c, struct virtio_request *r,
    const struct virtq_buf *buf, unsigned nread, unsigned nwrite,
    uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&c->lock);
	bool interrupted = false;
	int err;

	memset(r, 0, sizeof(*r));
	while ((err = virtq_add(&c->q, buf, nread, nwrite, r)) == -ENOSPC) {
		err = sleep_on(c, &c->room, deadline_ns, &interrupted);
		if (err != 0)
			break;
	}
	if (err == 0) {
		virtq_kick(&c->q);
		if (virtq_arm(&c->q, 1))
			take_all(c);
	}
	leave(c, flags, interrupted);
	return err;
}

/* The request is in the device's hands, and so is its memory: we leave only
 * when it has come back. */
int
virtio_call_finish(struct virtio_calls *c, struct virtio_request *r,
    uint64_t deadline_ns, uint32_t *written)
{
	uint64_t flags = spin_lock(&c->lock);
	bool interrupted = false;

	while (!r->done) {
		if (sleep_on(c, &r->waiter, deadline_ns, &interrupted) == 0)
			continue;
		virtio_break(c->q.vd, "queue %u: no answer", c->q.index);
		take_all(c);
	}
	*written = r->written;
	leave(c, flags, interrupted);
	return r->err;
}

int
virtio_call(struct virtio_calls *c, const struct virtq_buf *buf, unsigned nread,
    unsigned nwrite, uint64_t deadline_ns, uint32_t *written)
{
	struct virtio_request r;
	int err = virtio_call_start(c, &r, buf, nread, nwrite, deadline_ns);

	*written = 0;
	return err != 0 ? err : virtio_call_finish(c, &r, deadline_ns, written);
}

int
virtio_call_spin(struct virtio_calls *c, const struct virtq_buf *buf,
    unsigned nread, unsigned nwrite, uint64_t deadline_ns, uint32_t *written)
{
	struct virtio_request r = {.done = false};
	uint64_t flags = spin_lock(&c->lock);
	int err = virtq_add(&c->q, buf, nread, nwrite, &r);

	if (err == 0) {
		virtq_kick(&c->q);
		take_all(c);
		while (!r.done) {
			if (clock_ns() >= deadline_ns)
				virtio_break(
				    c->q.vd, "queue %u: no answer", c->q.index);
			cpu_pause();
			take_all(c);
		}
		err = r.err;
	}
	*written = r.written;
	spin_unlock(&c->lock, flags);
	return err;
}
