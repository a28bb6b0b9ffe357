/* SPDX-License-Identifier: ISC */
/*
 * What a PCI device says of its virtio structures: true, and false in every way
 * that there is a check for; then random bytes.
 */
/* LINK: kernel/pci_assign.c tests/unit/fake_pci.c tests/unit/kernel_stub.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/pci.c" /* whole, as in test_pci.c */
#include "pv/virtio/virtio_pci.c"
#include "tests/unit/fake_pci.h"
#include "tests/unit/kernel_stub.h"

#define MODERN_RNG 0x10441af4
#define TRANS_RNG  0x10051af4
#define HOST       0x12378086
#define BAR_LEN    0x4000

static struct pci_vdev *last;
static unsigned dev, nlines;
static uint8_t *mem; /* behind BAR 4 */

void
virtio_found(struct virtio_dev *vd)
{
	assert_null(last);
	last = pci_of(vd);
}

void
virtio_interrupt_queues(struct virtio_dev *vd)
{
	(void)vd;
}

void
virtio_interrupt_config(struct virtio_dev *vd)
{
	(void)vd;
}

int
irq_alloc(irq_handler *fn, void *arg)
{
	(void)fn, (void)arg;
	return 40;
}

int
irq_gsi_share(unsigned gsi, irq_handler *fn, void *arg)
{
	(void)gsi, (void)fn, (void)arg;
	nlines++;
	return 0;
}

static void
cap(unsigned at, unsigned next, unsigned len, unsigned type, unsigned bar,
    uint32_t off, uint32_t length)
{
	fake_put(dev, at, 4, 9 | next << 8 | len << 16 | type << 24);
	fake_put(dev, at + 4, 4, bar);
	fake_put(dev, at + 8, 4, off);
	fake_put(dev, at + 12, 4, length);
}

static void
forget(void)
{
	struct pci_dev *d;

	if (last != NULL)
		heap_free(last, sizeof(*last));
	last = NULL;
	while ((d = all) != NULL) {
		all = d->next;
		heap_free(d, sizeof(*d));
	}
	all_end = &all;
	nfunctions = last_bus = 0;
	scanned = false;
	memset(seen, 0, sizeof(seen));
}

/* A device as QEMU makes them. */
static int
fresh(void **state)
{
	(void)state;
	forget();
	if (mem == NULL)
		mem = aligned_alloc(BAR_LEN, BAR_LEN);
	memset(mem, 0, BAR_LEN);
	stub_lines = 0;
	fake_nfn = 0;
	fake_add(-1, 0, HOST, false);
	dev = fake_add(-1, 3, MODERN_RNG, false);
	fake_bar(dev, 4, BAR_LEN, PCI_BASE_ADDRESS_MEM_TYPE_64);
	fake_put(dev, PCI_BASE_ADDRESS_4, 4, (uint32_t)(uint64_t)mem | 4);
	fake_put(dev, PCI_BASE_ADDRESS_5, 4, (uint32_t)((uint64_t)mem >> 32));
	fake_put(dev, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(dev, PCI_CAPABILITY_LIST, 1, 0x40);
	cap(0x40, 0x50, 16, VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 0x1000);
	cap(0x50, 0x60, 16, VIRTIO_PCI_CAP_ISR_CFG, 4, 0x1000, 0x1000);
	cap(0x60, 0x70, 16, VIRTIO_PCI_CAP_DEVICE_CFG, 4, 0x2000, 10);
	cap(0x70, 0x84, 20, VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x3000, 0x1000);
	fake_put(dev, 0x80, 4, 4);
	cap(0x84, 0x98, 20, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0);
	cap(0x98, 0, 24, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, 4, 0x3f00, 0x100);
	fake_put(dev, 0x9d, 1, 7); /* id */
	return 0;
}

static int
done(void **state)
{
	(void)state;
	forget();
	assert_int_equal(stub_heap_blocks, 0);
	return 0;
}

static void
scan_now(void)
{
	forget();
	virtio_pci_scan();
}

static void
test_true(void **state)
{
	struct virtq q = {.index = 3};
	uint64_t paddr, len;

	(void)state;
	scan_now();
	assert_int_equal(last->vd.id, VIRTIO_ID_RNG);
	assert_string_equal(last->vd.name, "pci 00:03.0");
	assert_ptr_equal(last->common.p, mem);
	assert_ptr_equal(last->isr.p, mem + 0x1000);
	assert_ptr_equal(last->config.p, mem + 0x2000);
	assert_int_equal(last->notify_step, 4);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), 6);
	memset(mem + 0x2000, 0x55, 16);
	assert_int_equal(vpci_config_get(&last->vd, 8, 2), 0x5555);
	assert_int_equal(vpci_config_get(&last->vd, 8, 4), 0);
	assert_int_equal(vpci_config_get(&last->vd, UINT32_MAX - 3, 4), 0);
	vpci_config_set(&last->vd, 12, 4, 0);
	assert_int_equal(mem[0x200c], 0x55);
	mem[VIRTIO_PCI_COMMON_NUMQ] = 4;
	mem[VIRTIO_PCI_COMMON_Q_SIZE + 1] = 1;
	assert_int_equal(vpci_queue_size(&last->vd, 3), 256);
	assert_int_equal(vpci_queue_size(&last->vd, 4), 0);
	assert_int_equal(vpci_queue_size(&last->vd, UINT32_MAX), 0);
	mem[VIRTIO_PCI_COMMON_Q_NOFF] = 3;
	assert_int_equal(find_notify(last, &q), 0);
	assert_int_equal(q.notify_paddr, (uint64_t)mem + 0x300c);
	assert_int_equal(q.notify_value, 3);
	assert_true(vpci_shm(&last->vd, 7, &paddr, &len));
	assert_int_equal(paddr, (uint64_t)mem + 0x3f00);
	assert_int_equal(len, 0x100);
	assert_false(vpci_shm(&last->vd, 6, &paddr, &len));
}

static void
test_transitional(void **state)
{
	(void)state;
	fake_put(dev, PCI_VENDOR_ID, 4, TRANS_RNG);
	fake_put(dev, PCI_SUBSYSTEM_ID, 2, VIRTIO_ID_RNG);
	scan_now();
	assert_int_equal(last->vd.id, VIRTIO_ID_RNG);
	fake_put(dev, PCI_CAPABILITY_LIST, 1, 0);
	scan_now();
	assert_null(last);
	assert_non_null(strstr(stub_log, "legacy"));
	assert_int_equal(stub_lines, 1);
	fake_put(dev, PCI_DEVICE_ID, 2, 0x1110); /* no virtio device */
	scan_now();
	assert_null(last);
	assert_int_equal(stub_lines, 1);
}

/* One field of the common or the notify capability wrong: not used. */
static void
test_false(void **state)
{
	static const struct {
		unsigned off, width;
		uint32_t v;
	} bad[] = {
	    {0x42, 1, 15},     /* shorter than a capability */
	    {0x42, 1, 0xc1},   /* beyond the configuration space */
	    {0x44, 1, 6},      /* reserved BAR */
	    {0x44, 1, 0},      /* absent BAR */
	    {0x44, 1, 5},      /* the upper half of one */
	    {0x48, 4, 2},      /* not aligned */
	    {0x48, 4, 0x3004}, /* ends behind the BAR */
	    {0x48, 4, 0x4000}, /* begins there */
	    {0x48, 4, ~3U},    /* overflows */
	    {0x4c, 4, 55},     /* too short for its fields */
	    {0x4c, 4, 0x4001}, /* longer than the BAR */
	    {0x4c, 4, ~0U},    /* overflows */
	    {0x72, 1, 16},     /* no multiplier */
	    {0x78, 4, 0x3001}, /* not aligned */
	    {0x78, 4, 0x3002}, /* ends behind the BAR */
	    {0x7c, 4, 1},      /* too short */
	};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fresh(state);
		fake_put(dev, bad[i].off, bad[i].width, bad[i].v);
		scan_now();
		assert_null(last);
		assert_int_equal(stub_lines, 1);
	}
}

/* [VIRTIO] 4.1.4.1: another of the type may be good. */
static void
test_second(void **state)
{
	(void)state;
	cap(0x84, 0xa0, 16, VIRTIO_PCI_CAP_COMMON_CFG, 4, 0x100, 56);
	cap(0xa0, 0, 20, VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x200, 16);
	fake_put(dev, 0xb0, 4, 8);
	scan_now();
	assert_ptr_equal(last->common.p, mem);
	assert_int_equal(last->notify_step, 4);
	fake_put(dev, 0x44, 1, 2);
	fake_put(dev, 0x74, 1, 2);
	scan_now();
	assert_ptr_equal(last->common.p, mem + 0x100);
	assert_ptr_equal(last->notify.p, mem + 0x200);
	assert_int_equal(last->notify_step, 8);
	memset(mem, 0xff, 0x1000); /* 56 bytes cannot tell what to notify */
	assert_false(
	    vpci_features(&last->vd) & VIRTIO_BIT(VIRTIO_F_NOTIF_CONFIG_DATA));
}

static void
test_notify(void **state)
{
	struct virtq q = {.index = 0};

	(void)state;
	scan_now();
	memset(mem + VIRTIO_PCI_COMMON_Q_NOFF, 0xff, 2);
	assert_int_equal(find_notify(last, &q), -EINVAL);
	last->notify_step = UINT32_MAX;
	assert_int_equal(find_notify(last, &q), -EINVAL);
	mem[VIRTIO_PCI_COMMON_Q_NOFF + 1] = 3;
	last->notify_step = 4; /* the last two bytes, or four */
	assert_int_equal(find_notify(last, &q), 0);
	assert_int_equal(q.notify_paddr, (uint64_t)mem + 0x3ffc);
	last->notify_step = 2;
	last->vd.features = VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA) |
			    VIRTIO_BIT(VIRTIO_F_NOTIF_CONFIG_DATA);
	assert_int_equal(find_notify(last, &q), -EINVAL); /* not aligned */
	mem[VIRTIO_PCI_COMMON_Q_NOFF] = 0;
	mem[VIRTIO_PCI_COMMON_Q_NDATA] = 0x77;
	assert_int_equal(find_notify(last, &q), 0);
	assert_int_equal(q.notify_value, 0x77);
	vpci_notify(&(struct virtq){.vd = &last->vd,
			.notify_paddr = (uint64_t)mem + 0x3000},
	    0x12345678);
	assert_memory_equal(mem + 0x3000, "\x78\x56\x34\x12", 4);
}

static void
test_shm_lies(void **state)
{
	static const uint32_t bad[][2] = {{0xa0, 0x3f01}, {0xa0, 0x4001},
	    {0xa4, 0x101}, {0xa4, 0}, {0xa8, 1}, {0xac, 1}, {0x9c, 0x0703},
	    {0x9c, 0x0706}, {0xa8, ~0U}, {0xac, ~0U}};
	uint64_t paddr, len;
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fresh(state);
		scan_now();
		assert_true(vpci_shm(&last->vd, 7, &paddr, &len));
		fake_put(dev, bad[i][0], 4, bad[i][1]);
		assert_false(vpci_shm(&last->vd, 7, &paddr, &len));
	}
}

static void
test_line(void **state)
{
	(void)state;
	scan_now();
	assert_int_equal(vpci_irq_setup(&last->vd), -ENODEV); /* no pin */
	all->device = 0x29c0;
	fake_put(dev, PCI_INTERRUPT_PIN, 1, 1);
	nlines = 0;
	assert_int_equal(vpci_irq_setup(&last->vd), 0);
	assert_int_equal(vpci_irq_setup(&last->vd), 0);
	assert_int_equal(nlines, 1);
}

static void
test_random(void **state)
{
	struct virtq q = {.index = 1};
	uint64_t paddr, len;
	unsigned i, n;

	srand(1);
	for (i = 0; i < 5000; i++) {
		fresh(state);
		for (n = 0; n < 1 + i % 6; n++)
			fake_fn[dev].cfg[0x40 + (unsigned)rand() % 0x80] =
			    (uint8_t)(rand() % (i % 2 ? 8 : 256));
		for (n = 0; n < 64; n++)
			mem[n] = (uint8_t)rand();
		scan_now();
		if (last == NULL)
			continue;
		vpci_queue_size(&last->vd, 1);
		vpci_config_get(&last->vd, 8, 4);
		if (find_notify(last, &q) == 0)
			vpci_notify(&(struct virtq){.vd = &last->vd,
					.notify_paddr = q.notify_paddr},
			    0);
		if (vpci_shm(&last->vd, 7, &paddr, &len))
			memset((void *)paddr, 0, len);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_true),
	    TEST(test_transitional),
	    TEST(test_false),
	    TEST(test_second),
	    TEST(test_notify),
	    TEST(test_shm_lies),
	    TEST(test_line),
	    TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
