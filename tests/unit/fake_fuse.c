/* SPDX-License-Identifier: ISC */
/* See fake_fuse.h. */
#include "tests/unit/fake_fuse.h"

#include <string.h>

#define REQUEST_MAX (512U << 10)

long (*fake_serve)(const struct fuse_in_header *in, const void *body,
    size_t len, void *out, size_t max);
void (*fake_lie)(
    const struct fuse_in_header *in, struct fake_reply *r, size_t max);
struct virtio_fs fake_fs;
bool fake_full;
unsigned fake_sent, fake_in_flight, fake_in_flight_max;

static struct virtio_dev device;

void
fake_fuse_init(void)
{
	memset(&fake_fs, 0, sizeof(fake_fs));
	memset(&device, 0, sizeof(device));
	fake_fs.vd = &device;
	fake_full = false;
	fake_sent = fake_in_flight = fake_in_flight_max = 0;
	fake_lie = NULL;
}

const char *
cmdline_option(const char *name)
{
	return strcmp(name, "fs_timeout") == 0 ? "5" : NULL;
}

int
virtio_fs_take(const char *tag, struct virtio_fs **out)
{
	if (strcmp(tag, "tag") != 0)
		return -ENODEV;
	if (fake_fs.taken)
		return -EBUSY;
	fake_fs.taken = true;
	*out = &fake_fs;
	return 0;
}

void
virtio_fs_give(struct virtio_fs *fs)
{
	ASSERT(fs == &fake_fs && fs->taken);
	fs->taken = false;
}

void
virtio_break(struct virtio_dev *vd, const char *fmt, ...)
{
	(void)fmt;
	ASSERT(vd == &device);
	device.broken = true;
}

static size_t
gather(const struct virtq_buf *buf, unsigned n, uint8_t *to)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		ASSERT(buf[i].len > 0 && len + buf[i].len <= REQUEST_MAX);
		memcpy(to + len, buf[i].p, buf[i].len);
		len += buf[i].len;
	}
	return len;
}

/* `len` bytes that begin with the header's, as far as there is room. */
static void
scatter(const struct virtq_buf *buf, unsigned n, const struct fake_reply *r)
{
	const uint8_t *from = (const uint8_t *)r;
	size_t left = r->written, now;
	unsigned i;

	for (i = 0; i < n && left > 0; i++) {
		now = left < buf[i].len ? left : buf[i].len;
		memcpy(buf[i].p, from, now);
		from += now;
		left -= now;
	}
}

static uint32_t
serve(const struct fuse_in_header *in, const uint8_t *body, size_t len,
    const struct virtq_buf *buf, unsigned n)
{
	static struct fake_reply r;
	size_t max = 0;
	unsigned i;
	long got;

	for (i = 0; i < n; i++)
		max += buf[i].len;
	got = fake_serve(in, body, len, r.body, n == 0 ? 0 : max - sizeof(r.h));
	if (n == 0)
		return 0;
	r.h.unique = in->unique;
	r.h.error = got < 0 ? (int32_t)got : 0;
	r.h.len = (uint32_t)(sizeof(r.h) + (got < 0 ? 0 : (size_t)got));
	r.written = r.h.len;
	ASSERT(r.written <= max);
	if (fake_lie != NULL)
		fake_lie(in, &r, max);
	ASSERT(r.written <= max); /* virtq.c would refuse more */
	scatter(buf, n, &r);
	return r.written;
}

int
virtio_call_start(struct virtio_calls *c, struct virtio_request *r,
    const struct virtq_buf *buf, unsigned nread, unsigned nwrite,
    uint64_t deadline_ns)
{
	static union {
		struct fuse_in_header in;
		uint8_t bytes[REQUEST_MAX];
	} msg;
	size_t len;

	ASSERT(c == (nwrite == 0 ? &fake_fs.forget : &fake_fs.requests));
	ASSERT(deadline_ns > 0);
	memset(r, 0, sizeof(*r));
	if (device.broken || fake_full)
		return device.broken ? -EIO : -ETIMEDOUT;
	len = gather(buf, nread, msg.bytes);
	ASSERT(len == msg.in.len && msg.in.unique != 0);
	r->written = serve(&msg.in, msg.bytes + sizeof(msg.in),
	    len - sizeof(msg.in), buf + nread, nwrite);
	fake_sent++;
	if (++fake_in_flight > fake_in_flight_max)
		fake_in_flight_max = fake_in_flight;
	return 0;
}

int
virtio_call_finish(struct virtio_calls *c, struct virtio_request *r,
    uint64_t deadline_ns, uint32_t *written)
{
	(void)c, (void)deadline_ns;
	ASSERT(!r->done && fake_in_flight > 0);
	r->done = true;
	fake_in_flight--;
	*written = device.broken ? 0 : r->written;
	return device.broken ? -EIO : 0;
}
