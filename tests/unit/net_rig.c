/* SPDX-License-Identifier: ISC */
/* A network card for tests: see net_rig.h. */
#include "tests/unit/net_rig.h"

#include <stdio.h>
#include <time.h>

#include "pv/virtio/virtio_drivers.h"

#define DEVICES 24 /* one for each test */

static struct fake_virtio devices[DEVICES];
static struct virtio_driver drivers[DEVICES];
static unsigned ncards;

struct fake_virtio *f;
struct net_dev *d;
struct virtio_net_config config;
unsigned nwakes, ndone, nfailed;
char commands[256];
uint8_t answer;
bool mute;
const struct virtio_net_hdr_v1 plain = {.num_buffers = 1};

void
thread_sleep(uint64_t deadline_ns)
{
	struct timespec ts = {0, 10000000};

	(void)deadline_ns;
	nanosleep(&ts, NULL);
}

/* --- the device's part --- */

static struct fake_queue *
ctrl(void)
{
	return &f->queue[2 * (config.max_virtqueue_pairs > 1
				     ? config.max_virtqueue_pairs
				     : 1)];
}

/* While the driver waits: commands are answered. */
static bool
device_turn(void)
{
	struct fake_chain c;
	uint8_t head[64] = {0};
	size_t len = strlen(commands);

	if (mute || fake_fetch(ctrl(), &c) != 1)
		return false;
	fake_read(&c, head, sizeof(head));
	snprintf(commands + len, sizeof(commands) - len, "%u.%u.%u ", head[0],
	    head[1], head[2]);
	fake_write(&c, &answer, 1);
	fake_use(ctrl(), &c, 1);
	fake_interrupt(ctrl());
	return true;
}

void
rig_wake(struct net_dev *dev)
{
	assert_ptr_equal(dev, d);
	nwakes++;
}

int
rig_set_up(void **state)
{
	static unsigned next;
	unsigned i;

	(void)state;
	assert_true(next < DEVICES);
	f = &devices[next];
	drivers[next] = virtio_net_driver;
	drivers[next].id = f->vd.id;
	next++;
	for (i = 0; i < FAKE_QUEUES; i++)
		f->queue[i].size_max = RIG_SIZE;
	config = (struct virtio_net_config){
	    .mac = {2, 0, 0, 0, 0, 7}, .status = 1, .mtu = 1500};
	f->offered |= BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
		      BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_CTRL_VQ) |
		      BIT(VIRTIO_NET_F_MTU);
	nwakes = ndone = nfailed = 0;
	stub_lines = 0;
	stub_idle = device_turn;
	commands[0] = '\0';
	answer = VIRTIO_NET_OK;
	mute = false;
	d = NULL;
	return 0;
}

void
rig_plug(uint64_t more)
{
	struct net_dev *last;

	f->offered |= more;
	memcpy(f->config, &config, sizeof(config));
	virtio_probe(&drivers[f - devices]);
	while ((last = net_dev_at(ncards)) != NULL) {
		d = last;
		ncards++;
	}
	if (d != NULL)
		assert_int_equal(net_open(d, rig_wake, NULL), 0);
}

unsigned
rig_buffers(void)
{
	return d->pool->count - d->pool->nfree;
}

int
rig_tear_down(void **state)
{
	struct net_buf *b;

	(void)state;
	if (d == NULL)
		return 0;
	virtio_break(&f->vd, "the end");
	while (stub_work())
		continue;
	b = net_take(d, 1000);
	assert_null(b);
	net_close(d);
	assert_int_equal(rig_buffers(), 0);
	assert_int_equal(d->sending, 0);
	return 0;
}

void
rig_arrive(const struct virtio_net_hdr_v1 *h, char c, size_t len)
{
	static char bytes[70000];
	size_t head = h != NULL ? HEADER : 0;
	struct fake_chain chain;

	assert_int_equal(fake_fetch(&f->queue[0], &chain), 1);
	assert_true(chain.writable >= head + len);
	if (h != NULL)
		memcpy(bytes, h, HEADER);
	memset(bytes + head, c, len);
	assert_int_equal(fake_write(&chain, bytes, head + len), head + len);
	fake_use(&f->queue[0], &chain, (uint32_t)(head + len));
}

void
rig_expect(char c, uint32_t len)
{
	struct net_buf *b = net_take(d, 1), *p;
	uint32_t i, sum = 0;

	assert_non_null(b);
	assert_null(b->next_frame);
	for (p = b; p != NULL; p = p->next) {
		for (i = 0; i < p->len; i++)
			assert_int_equal(p->data[i], c);
		sum += p->len;
	}
	assert_int_equal(b->total, len);
	assert_int_equal(sum, len);
	net_free(b);
}

void
rig_still_works(void)
{
	rig_arrive(&plain, 'w', 100);
	rig_expect('w', 100);
	assert_null(net_take(d, 1));
	assert_false(f->vd.broken);
}

void
rig_is_broken(const char *why)
{
	assert_null(net_take(d, 10));
	assert_true(f->vd.broken);
	while (stub_work())
		continue;
	assert_non_null(strstr(stub_log, why));
}

static void
done(struct net_tx *t)
{
	if (t->err == 0)
		ndone++;
	else
		nfailed += t->err == -EIO;
}

static char letters[] = RIG_LETTERS;
static const struct net_piece pieces[] = {
    {letters, 3}, {letters + 3, 20}, {letters + 23, 3}};

struct net_tx
rig_tx(void)
{
	return (struct net_tx){.piece = pieces, .npieces = 3, .done = done};
}

void
rig_send(struct net_tx *t)
{
	*t = rig_tx();
	assert_int_equal(net_send(d, t), 0);
}

int
rig_run(const struct CMUnitTest *tests, size_t n)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		fake_plug(&devices[i], 1000 + i, 0);
	return _cmocka_run_group_tests("net", tests, n, NULL, NULL);
}
