/* SPDX-License-Identifier: ISC */
/* A queue and a fake device behind it: see virtq_rig.h. */
#include "tests/unit/virtq_rig.h"

#include <stdio.h>

#define BUF_LEN  16
#define BUFS_MAX 32769

struct rig rig;

static char memory[BUF_LEN];

/* One test in one way. */
struct run {
	char name[96];
	void (*fn)(void);
	unsigned way;
};

static void
rig_done(struct virtq *q)
{
	assert_ptr_equal(q, &rig.q);
	rig.ndone++;
}

static int
rig_attach(struct virtio_dev *vd)
{
	int err = virtio_negotiate(vd, 0, 0);

	if (err == 0)
		err = virtq_init(&rig.q, vd, 0, rig_done);
	if (err == 0)
		virtio_driver_ok(vd);
	return err;
}

static const struct virtio_driver rig_driver = {
    .name = "test",
    .attach = rig_attach,
};

void
rig_open(unsigned size, uint64_t more)
{
	if (rig.packed)
		more |= VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	if (rig.event_idx)
		more |= VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX);
	if (rig.indirect)
		more |= VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (rig.in_order)
		more |= VIRTIO_BIT(VIRTIO_F_IN_ORDER);
	fake_init(&rig.f, 1, more);
	rig.f.vd.driver = &rig_driver;
	rig.f.queue[0].size_max = size;
	rig.fq = &rig.f.queue[0];
	rig.ndone = 0;
	stub_lines = 0;
	assert_int_equal(rig_attach(&rig.f.vd), 0);
	assert_int_equal(rig.q.size, size);
}

static void
rig_end(void)
{
	virtq_free(&rig.q);
	fake_fini(&rig.f);
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
}

void
rig_close(void)
{
	assert_false(rig.f.vd.broken);
	assert_int_equal(rig.q.in_flight, 0);
	rig_expect_none();
	assert_int_equal(stub_lines, 0);
	rig_end();
}

void
rig_close_broken(void)
{
	uint32_t written;

	virtio_break(&rig.f.vd, "the end");
	while (virtq_take(&rig.q, &written) != NULL)
		continue;
	rig_work();
	assert_int_equal(rig.q.in_flight, 0);
	rig_end();
}

int
rig_add(unsigned nread, unsigned nwrite, void *token)
{
	static struct virtq_buf buf[BUFS_MAX];
	unsigned i;

	for (i = 0; i < nread + nwrite; i++)
		buf[i] = (struct virtq_buf){memory, BUF_LEN};
	return virtq_add(&rig.q, buf, nread, nwrite, token);
}

void
rig_send(unsigned nread, unsigned nwrite, void *token)
{
	assert_int_equal(rig_add(nread, nwrite, token), 0);
	virtq_kick(&rig.q);
}

struct fake_chain
rig_fetch(void)
{
	struct fake_chain c;
	int got = fake_fetch(rig.fq, &c);

	if (got < 0)
		fail_msg("the driver: %s", rig.fq->why);
	assert_int_equal(got, 1);
	return c;
}

void
rig_use(uint32_t written)
{
	struct fake_chain c = rig_fetch();

	fake_use(rig.fq, &c, written);
}

void
rig_expect(const void *token, uint32_t written)
{
	uint32_t n = 0xdddddddd;

	assert_true(virtq_pending(&rig.q));
	assert_ptr_equal(virtq_take(&rig.q, &n), token);
	assert_int_equal(n, written);
}

void
rig_expect_none(void)
{
	uint32_t n;

	assert_null(virtq_take(&rig.q, &n));
	assert_false(virtq_pending(&rig.q));
}

void *
rig_token(uintptr_t i)
{
	return (void *)(i + 1);
}

void
rig_work(void)
{
	while (stub_work())
		continue;
}

static void
run(void **state)
{
	const struct run *r = *state;

	memset(&rig, 0, sizeof(rig));
	rig.packed = r->way & 1;
	rig.event_idx = r->way & 2;
	rig.indirect = r->way & 4;
	rig.in_order = r->way & 8;
	r->fn();
}

void
rig_list(struct CMUnitTest *all, const struct rig_test *tests, unsigned ntests)
{
	static struct run runs[RIG_WAYS * 64];
	unsigned i;

	assert_true(ntests <= 64);
	for (i = 0; i < RIG_WAYS * ntests; i++) {
		struct run *r = &runs[i];

		r->way = i % RIG_WAYS;
		r->fn = tests[i / RIG_WAYS].fn;
		snprintf(r->name, sizeof(r->name), "%s: %s%s%s%s",
		    tests[i / RIG_WAYS].name, r->way & 1 ? "packed" : "split",
		    r->way & 2 ? ", event index" : "",
		    r->way & 4 ? ", indirect" : "",
		    r->way & 8 ? ", in order" : "");
		all[i].name = r->name;
		all[i].test_func = run;
		all[i].initial_state = r;
	}
}
