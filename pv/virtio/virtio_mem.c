/* SPDX-License-Identifier: ISC */
/*
 * The memory device: blocks of memory that are plugged and unplugged while we
 * run, until as much is there as the host requests.  [VIRTIO] 5.15.  A thread
 * sends the requests; plugged blocks join the page allocator, and only blocks
 * that are free can go.  LIMIT: of a very large device only the lower part is
 * used, for each page of it takes a byte from the start on.
 */
#include <linux/virtio_mem.h>

#include "kernel/kernel.h"
#include "pv/virtio/virtio.h"
#include "pv/virtio/virtio_drivers.h"

#define STACK_LEN  (16UL << 10)
#define ANSWER_NS  (60 * NS_PER_S) /* the host may clear what it plugs */
#define RETRY_NS   (2 * NS_PER_S)
#define BLOCKS_MAX (1UL << 20)
#define PLUG_MAX   64U /* blocks in one request */
#define SHARE_MAX  256 /* times the RAM at boot: bookkeeping of a sixteenth */

_Static_assert(sizeof(struct virtio_mem_config) == 56, "[VIRTIO] 5.15.4");
_Static_assert(offsetof(struct virtio_mem_config, requested_size) == 48,
    "[VIRTIO] 5.15.4");
_Static_assert(sizeof(struct virtio_mem_req) == 24, "[VIRTIO] 5.15.6");
_Static_assert(sizeof(struct virtio_mem_resp) == 10, "[VIRTIO] 5.15.6");

struct vmem {
	struct virtio_dev *vd;
	struct virtio_calls requests;
	uint64_t base, block; /* bytes */
	size_t nblocks, nplugged;
	uint8_t *plugged; /* a bit for each block */
	struct spinlock lock;
	struct waitq thread;
	bool woken;
};

static bool
is_plugged(const struct vmem *m, size_t i)
{
	return m->plugged[i / 8] >> i % 8 & 1;
}

static void
set_plugged(struct vmem *m, size_t i, size_t n, bool on)
{
	for (; n > 0; n--, i++) {
		m->plugged[i / 8] &= (uint8_t) ~(1U << i % 8);
		m->plugged[i / 8] |= (uint8_t)(on << i % 8);
		m->nplugged += on ? 1 : -1UL;
	}
}

static size_t
block_pages(const struct vmem *m)
{
	return m->block / PAGE_SIZE;
}

/* --- requests --- */

/* n blocks from i on; 0, -EBUSY (later, perhaps), or -EIO. */
static int
request(struct vmem *m, uint16_t type, size_t i, size_t n)
{
	struct virtio_mem_req req = {.type = type};
	struct virtio_mem_resp resp = {.type = VIRTIO_MEM_RESP_ERROR};
	const struct virtq_buf buf[] = {
	    {&req, sizeof(req)}, {&resp, sizeof(resp)}};
	uint32_t written;
	int err;

	req.u.plug.addr = m->base + i * m->block; /* all alike */
	req.u.plug.nb_blocks = (uint16_t)n;
	err = virtio_call(
	    &m->requests, buf, 1, 1, clock_ns() + ANSWER_NS, &written);
	if (err != 0)
		return err;
	if (written < sizeof(resp.type) || resp.type > VIRTIO_MEM_RESP_ERROR) {
		virtio_break(m->vd, "answer %u of %u bytes to request %u",
		    resp.type, written, type);
		return -EIO;
	}
	if (resp.type == VIRTIO_MEM_RESP_ACK)
		return 0;
	return resp.type == VIRTIO_MEM_RESP_ERROR ? -EIO : -EBUSY;
}

/* Plugs the first blocks that are missing, at most n. */
static int
plug(struct vmem *m, size_t n, size_t usable)
{
	size_t i = 0, len;
	int err;

	while (i < usable && is_plugged(m, i))
		i++;
	for (len = 0; len < n && i + len < usable && !is_plugged(m, i + len);)
		len++;
	if (len == 0)
		return -EBUSY;
	err = request(m, VIRTIO_MEM_REQ_PLUG, i, len);
	if (err != 0)
		return err;
	set_plugged(m, i, len, true);
	err = page_plug(m->base + i * m->block, len * block_pages(m));
	if (err == 0)
		return 0;
	if (request(m, VIRTIO_MEM_REQ_UNPLUG, i, len) == 0)
		set_plugged(m, i, len, false);
	return err;
}

/* Unplugs the highest block that is free. */
static int
unplug(struct vmem *m)
{
	uint64_t at;
	size_t i;
	int err;

	for (i = m->nblocks; i-- > 0;) {
		at = m->base + i * m->block;
		if (!is_plugged(m, i) || page_unplug(at, block_pages(m)) != 0)
			continue;
		err = request(m, VIRTIO_MEM_REQ_UNPLUG, i, 1);
		if (err == 0)
			set_plugged(m, i, 1, false);
		else
			page_plug(at, block_pages(m));
		return err;
	}
	return -EBUSY; /* all are in use */
}

/* --- the thread --- */

/* A step towards what is requested; when to make the next one. */
static uint64_t
adjust(struct vmem *m)
{
	uint64_t want =
	    VIRTIO_CONFIG(m->vd, struct virtio_mem_config, requested_size);
	uint64_t usable =
	    VIRTIO_CONFIG(m->vd, struct virtio_mem_config, usable_region_size);
	int err;

	want /= m->block;
	usable /= m->block;
	if (usable > m->nblocks)
		usable = m->nblocks;
	if (want > usable)
		want = usable;
	if (want == m->nplugged || m->vd->broken)
		return NS_NEVER;
	if (want > m->nplugged) {
		want -= m->nplugged;
		err = plug(m, want < PLUG_MAX ? want : PLUG_MAX, usable);
	} else {
		err = unplug(m);
	}
	return err == 0 ? 0 : clock_ns() + RETRY_NS;
}

static void *
vmem_loop(void *arg)
{
	struct vmem *m = arg;
	uint64_t flags, next;

	for (;;) {
		next = adjust(m);
		flags = spin_lock(&m->lock);
		while (!m->woken && next != 0)
			if (waitq_sleep(&m->thread, &m->lock, next) ==
			    -ETIMEDOUT)
				break;
		m->woken = false;
		spin_unlock(&m->lock, flags);
	}
	return NULL;
}

static void
vmem_config_changed(struct virtio_dev *vd)
{
	struct vmem *m = vd->driver_data;
	uint64_t flags = spin_lock(&m->lock);

	m->woken = true;
	waitq_wake(&m->thread, 1);
	spin_unlock(&m->lock, flags);
}

/* --- setting up --- */

/* What the device says it is, if that can be. */
static int
vmem_place(struct vmem *m)
{
	struct virtio_dev *vd = m->vd;
	uint64_t block =
	    VIRTIO_CONFIG(vd, struct virtio_mem_config, block_size);
	uint64_t base = VIRTIO_CONFIG(vd, struct virtio_mem_config, addr);
	uint64_t len = VIRTIO_CONFIG(vd, struct virtio_mem_config, region_size);

	if (m->plugged != NULL) /* after a restart it is what it was */
		return base == m->base && block == m->block ? 0 : -EINVAL;
	if (block < PAGE_SIZE || (block & (block - 1)) != 0 || len < block ||
	    (base | len) % block != 0 || !page_vacant(base, len))
		return -EINVAL;
	if (len > page_total() * SHARE_MAX)
		len = ALIGN_DOWN(page_total() * SHARE_MAX, block);
	m->base = base;
	m->block = block;
	m->nblocks = len / block;
	if (m->nblocks > BLOCKS_MAX)
		m->nblocks = BLOCKS_MAX;
	if (m->nblocks == 0)
		return -EINVAL;
	m->plugged = heap_alloc((m->nblocks + 7) / 8);
	if (m->plugged == NULL)
		return -ENOMEM;
	return page_region_new(base, m->nblocks * block);
}

/* [VIRTIO] 5.15.5: blocks that somebody before us plugged are of no use. */
static int
vmem_begin(struct vmem *m)
{
	struct thread *t;
	int err;

	if (VIRTIO_CONFIG(m->vd, struct virtio_mem_config, plugged_size) != 0) {
		err = request(m, VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0);
		if (err != 0)
			return err;
	}
	t = thread_create(vmem_loop, m, STACK_LEN);
	if (t == NULL)
		return -ENOMEM;
	thread_detach(t);
	return 0;
}

static int
vmem_attach(struct virtio_dev *vd)
{
	struct vmem *m = vd->driver_data;
	bool again = m != NULL;
	int err;

	if (!again)
		m = vd->driver_data = heap_alloc(sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	m->vd = vd;
	m->lock.name = "virtio-mem";
	err = virtio_negotiate(
	    vd, VIRTIO_BIT(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE), 0);
	if (err == 0)
		err = virtio_calls_init(&m->requests, vd, 0);
	if (err == 0)
		err = vmem_place(m);
	if (err != 0)
		return err;
	virtio_driver_ok(vd);
	if (!again)
		return vmem_begin(m);
	vmem_config_changed(vd);
	return 0;
}

const struct virtio_driver virtio_mem_driver = {
    .name = "virtio-mem",
    .id = VIRTIO_ID_MEM,
    .attach = vmem_attach,
    .config_changed = vmem_config_changed,
    .start = virtio_start,
};
