/* SPDX-License-Identifier: ISC */
/*
 * The pmem device: memory of the host's that outlives us, mostly a file.
 * [VIRTIO] 5.19.  It is read and written as memory; what was written is on
 * stable storage after a flush request.
 */
#include "pv/virtio/virtio_pmem.h"

#include <linux/virtio_pmem.h>

#include "pv/virtio/virtio_drivers.h"

#define FLUSH_NS (60 * NS_PER_S)

_Static_assert(sizeof(struct virtio_pmem_config) == 16, "[VIRTIO] 5.19.4");
_Static_assert(
    offsetof(struct virtio_pmem_config, size) == 8, "[VIRTIO] 5.19.4");
_Static_assert(sizeof(struct virtio_pmem_req) == 4, "[VIRTIO] 5.19.6");
_Static_assert(sizeof(struct virtio_pmem_resp) == 4, "[VIRTIO] 5.19.6");

static struct virtio_pmem *devices, **devices_end = &devices;
static unsigned ndevices;

/* Where the device says its memory is: checked, mapped, and listed.  After a
 * restart it must be where it was. */
static int
pmem_place(struct virtio_pmem *p, struct virtio_dev *vd)
{
	uint64_t base = VIRTIO_CONFIG(vd, struct virtio_pmem_config, start);
	uint64_t len = VIRTIO_CONFIG(vd, struct virtio_pmem_config, size);
	int err;

	if (p->base != NULL)
		return (uint64_t)p->base == base && p->len == len ? 0 : -EINVAL;
	if (len == 0 || (base | len) % PAGE_SIZE != 0 ||
	    !page_vacant(base, len))
		return -EINVAL;
	err = mmu_map(base, len, MMU_W);
	if (err != 0)
		return err;
	p->base = (char *)base;
	p->len = len;
	p->index = ndevices++;
	*devices_end = p;
	devices_end = &p->next;
	return 0;
}

static int
pmem_attach(struct virtio_dev *vd)
{
	struct virtio_pmem *p = vd->driver_data;
	int err;

	if (p == NULL)
		p = vd->driver_data = heap_alloc(sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	err = virtio_negotiate(vd, 0, 0);
	if (err == 0)
		err = virtio_calls_init(&p->requests, vd, 0);
	if (err == 0)
		err = pmem_place(p, vd);
	if (err == 0)
		virtio_driver_ok(vd);
	return err;
}

struct virtio_pmem *
virtio_pmem_next(const struct virtio_pmem *last)
{
	if (last != NULL)
		return last->next;
	virtio_probe(&virtio_pmem_driver);
	return devices;
}

/* [VIRTIO] 5.19.6: 0 is success, anything else is not. */
int
virtio_pmem_flush(struct virtio_pmem *p)
{
	struct virtio_pmem_req req = {VIRTIO_PMEM_REQ_TYPE_FLUSH};
	struct virtio_pmem_resp resp = {~0U};
	const struct virtq_buf buf[] = {
	    {&req, sizeof(req)}, {&resp, sizeof(resp)}};
	uint32_t n;
	int err =
	    virtio_call(&p->requests, buf, 1, 1, clock_ns() + FLUSH_NS, &n);

	if (err != 0)
		return err;
	return n == sizeof(resp) && resp.ret == 0 ? 0 : -EIO;
}

const struct virtio_driver virtio_pmem_driver = {
    .name = "virtio-pmem",
    .id = VIRTIO_ID_PMEM,
    .attach = pmem_attach,
};
