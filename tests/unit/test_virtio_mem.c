/* SPDX-License-Identifier: ISC */
/*
 * Memory and pmem devices that say what cannot be, or answer what was not
 * asked: they are refused or broken off, and nothing of ours is lost.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtio_pmem.c */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include <linux/virtio_pmem.h>

#include "pv/virtio/virtio_mem.c" /* whole: its thread's steps are called */
#include "pv/virtio/virtio_pmem.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define MIB  (1UL << 20)
#define BASE (4UL << 30)

static struct fake_virtio fake;
static bool (*blocks_busy)(uintptr_t base);
static uint64_t there; /* bits: blocks of 2 MiB */
static const void *answer;
static size_t answer_len;

/* --- the kernel --- */

int
page_region_new(uintptr_t base, size_t len)
{
	(void)base, (void)len;
	return 0;
}

bool
page_vacant(uintptr_t base, size_t len)
{
	return base >= BASE && base < 1UL << 46 && len < 1UL << 40;
}

int
page_plug(uintptr_t base, size_t npages)
{
	for (; npages > 0; npages -= 512, base += 2 * MIB) {
		assert_int_equal(there >> (base - BASE) / (2 * MIB) & 1, 0);
		there |= 1UL << (base - BASE) / (2 * MIB);
	}
	return 0;
}

int
page_unplug(uintptr_t base, size_t npages)
{
	assert_int_equal(npages, 512);
	assert_int_equal(there >> (base - BASE) / (2 * MIB) & 1, 1);
	if (blocks_busy != NULL && blocks_busy(base))
		return -EBUSY;
	there &= ~(1UL << (base - BASE) / (2 * MIB));
	return 0;
}

int
mmu_map(uint64_t paddr, uint64_t len, unsigned prot)
{
	(void)paddr, (void)len, (void)prot;
	return 0;
}

struct thread *
thread_create(void *(*fn)(void *), void *arg, size_t stack_len)
{
	(void)fn, (void)arg, (void)stack_len;
	return thread_current();
}

int
thread_detach(struct thread *t)
{
	(void)t;
	return 0;
}

void
virtio_start(const struct virtio_driver *drv)
{
	(void)drv;
}

/* --- the device --- */

static bool
device_answers(void)
{
	return answer != NULL &&
	       fake_answer(&fake.queue[0], answer, answer_len, NULL) >= 0;
}

static void
device_says(uint16_t type)
{
	static struct virtio_mem_resp resp;

	resp.type = type;
	answer = &resp;
	answer_len = sizeof(resp);
}

static struct virtio_mem_config *
config(void)
{
	return (struct virtio_mem_config *)(void *)fake.config;
}

static int
attach_mem(void)
{
	fake.queue[0].size_max = 8;
	fake.vd.driver = &virtio_mem_driver;
	stub_idle = device_answers;
	there = 0;
	blocks_busy = NULL;
	return virtio_mem_driver.attach(&fake.vd);
}

static void
good_mem(void)
{
	fake_init(&fake, VIRTIO_ID_MEM,
	    VIRTIO_BIT(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE));
	config()->block_size = 2 * MIB;
	config()->addr = BASE;
	config()->region_size = config()->usable_region_size = 64 * MIB;
}

static void
fini(void)
{
	virtio_break(&fake.vd, "the end");
	while (stub_work())
		continue;
	virtio_negotiate(&fake.vd, 0, 0); /* frees the rings */
	fake_fini(&fake);
	if (fake.vd.driver == &virtio_mem_driver)
		heap_free(((struct vmem *)fake.vd.driver_data)->plugged, 0);
	if (fake.vd.driver == &virtio_mem_driver ||
	    ((struct virtio_pmem *)fake.vd.driver_data)->base == NULL)
		heap_free(fake.vd.driver_data, 0);
	answer = NULL;
}

static void
test_insane_regions(void **state)
{
	static const struct {
		uint64_t block, addr, len;
	} bad[] = {
	    {0, BASE, 64 * MIB},
	    {1, BASE, 64 * MIB},
	    {2048, BASE, 64 * MIB},
	    {3 * MIB, BASE, 63 * MIB},
	    {2 * MIB, BASE + MIB, 64 * MIB},
	    {2 * MIB, BASE, 63 * MIB},
	    {2 * MIB, BASE, 0},
	    {2 * MIB, MIB, 64 * MIB},
	    {2 * MIB, UINT64_MAX - 2 * MIB + 1, 2 * MIB},
	    {1UL << 63, BASE, 1UL << 63},
	    {2 * MIB, BASE, 1UL << 62},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good_mem();
		config()->block_size = bad[i].block;
		config()->addr = bad[i].addr;
		config()->region_size = bad[i].len;
		assert_int_equal(attach_mem(), -EINVAL);
		fini();
	}
}

static void
test_plug_and_unplug(void **state)
{
	struct vmem *m;

	(void)state;
	good_mem();
	assert_int_equal(attach_mem(), 0);
	m = fake.vd.driver_data;
	assert_int_equal(adjust(m), NS_NEVER);
	device_says(VIRTIO_MEM_RESP_ACK);
	config()->requested_size = 10 * MIB;
	assert_int_equal(adjust(m), 0);
	assert_int_equal(there, 0x1f);
	assert_int_equal(adjust(m), NS_NEVER);
	config()->requested_size = 4 * MIB;
	while (adjust(m) == 0)
		continue;
	assert_int_equal(there, 0x3);
	/* more than there is, or than may be used */
	config()->requested_size = UINT64_MAX;
	config()->usable_region_size = 20 * MIB;
	while (adjust(m) == 0)
		continue;
	assert_int_equal(there, 0x3ff);
	config()->usable_region_size = UINT64_MAX;
	while (adjust(m) == 0)
		continue;
	assert_int_equal(there, 0xffffffff);
	assert_false(fake.vd.broken);
	fini();
}

static bool
upper_busy(uintptr_t base)
{
	return base >= BASE + 4 * MIB;
}

static void
test_refusals(void **state)
{
	struct vmem *m;

	(void)state;
	good_mem();
	assert_int_equal(attach_mem(), 0);
	m = fake.vd.driver_data;
	config()->requested_size = 8 * MIB;
	device_says(VIRTIO_MEM_RESP_NACK);
	assert_true(adjust(m) > 0 && there == 0); /* later */
	device_says(VIRTIO_MEM_RESP_BUSY);
	assert_true(adjust(m) > 0 && there == 0);
	device_says(VIRTIO_MEM_RESP_ACK);
	assert_int_equal(adjust(m), 0);
	assert_int_equal(there, 0xf);
	config()->requested_size = 0;
	device_says(VIRTIO_MEM_RESP_NACK);
	assert_true(adjust(m) > 0);
	assert_int_equal(there, 0xf); /* ours again */
	blocks_busy = upper_busy;
	device_says(VIRTIO_MEM_RESP_ACK);
	while (adjust(m) == 0)
		continue;
	assert_int_equal(there, 0xc); /* those in use stay */
	device_says(77);
	blocks_busy = NULL;
	assert_int_equal(adjust(m) > 0, 1);
	assert_true(fake.vd.broken);
	assert_int_equal(there, 0xc);
	assert_int_equal(adjust(m), NS_NEVER);
	fini();
}

/* Somebody before us had memory; a device that does not answer at all. */
static void
test_beginnings(void **state)
{
	(void)state;
	good_mem();
	config()->plugged_size = 4 * MIB;
	device_says(VIRTIO_MEM_RESP_ACK);
	assert_int_equal(attach_mem(), 0);
	fini();
	good_mem();
	config()->plugged_size = 4 * MIB;
	assert_int_equal(attach_mem(), -EIO);
	fini();
}

static int
attach_pmem(uint64_t base, uint64_t len)
{
	struct virtio_pmem_config *c =
	    (struct virtio_pmem_config *)(void *)fake.config;

	fake_init(&fake, VIRTIO_ID_PMEM, 0);
	c->start = base;
	c->size = len;
	fake.queue[0].size_max = 8;
	fake.vd.driver = &virtio_pmem_driver;
	stub_idle = device_answers;
	return virtio_pmem_driver.attach(&fake.vd);
}

static void
test_pmem(void **state)
{
	static const uint32_t good = 0, bad = 1;
	struct virtio_pmem *p;

	(void)state;
	assert_int_equal(attach_pmem(BASE, 0), -EINVAL);
	fini();
	assert_int_equal(attach_pmem(BASE + 1, 2 * MIB), -EINVAL);
	fini();
	assert_int_equal(attach_pmem(BASE, 2 * MIB + 5), -EINVAL);
	fini();
	assert_int_equal(attach_pmem(MIB, 2 * MIB), -EINVAL);
	fini();
	assert_int_equal(attach_pmem(BASE, UINT64_MAX - 4095), -EINVAL);
	fini();
	assert_int_equal(attach_pmem(BASE, 2 * MIB), 0);
	p = fake.vd.driver_data;
	assert_ptr_equal(p->base, BASE);
	answer = &good;
	answer_len = sizeof(good);
	assert_int_equal(virtio_pmem_flush(p), 0);
	answer_len = 2; /* half an answer */
	assert_int_equal(virtio_pmem_flush(p), -EIO);
	answer = &bad;
	answer_len = sizeof(bad);
	assert_int_equal(virtio_pmem_flush(p), -EIO);
	assert_false(fake.vd.broken);
	answer = NULL;
	assert_int_equal(virtio_pmem_flush(p), -EIO);
	assert_true(fake.vd.broken);
	assert_int_equal(virtio_pmem_flush(p), -EIO);
	fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_insane_regions),
	    cmocka_unit_test(test_plug_and_unplug),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_beginnings),
	    cmocka_unit_test(test_pmem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
