/* SPDX-License-Identifier: ISC */
/*
 * The console driver against a device that is this test: what QEMU does not do
 * (resizing, lies about ports, restarts), and the console made of a port.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtio_console.c pv/virtio/virtio_console_port.c */
/* LINK: pv/virtio/virtio_console_dev.c kernel/port.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/port.h"
#include "pv/virtio/virtio_console.h"
#include "pv/virtio/virtio_drivers.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define CONTROL_IN  2
#define CONTROL_OUT 3
#define EV(name)    VIRTIO_CONSOLE_##name

/* --- what of the kernel's console the driver calls --- */

static unsigned cols, rows, nevents;
static const char *option;

void
console_event(void)
{
	nevents++;
}

void
console_resized(unsigned c, unsigned r)
{
	cols = c;
	rows = r;
}

const char *
cmdline_option(const char *name)
{
	(void)name;
	return option;
}

/* --- the devices --- */

static struct fake_virtio many, single, none, huge, curt;
static struct virtio_transport recording; /* of `many` */
static char emergency[300];
static size_t nemergency;
static bool silent;
static unsigned opened; /* bit N: the guest opened port N of `many` */

static void
record(struct virtio_dev *vd, unsigned off, unsigned width, uint32_t v)
{
	fake_transport.config_set(vd, off, width, v);
	assert_int_equal(off, 8);
	assert_int_equal(width, 4);
	assert_true(nemergency < sizeof(emergency));
	emergency[nemergency++] = (char)v;
}

static void
plug(struct fake_virtio *f, uint64_t features, uint32_t nports)
{
	struct virtio_console_config c = {
	    .cols = 80, .rows = 25, .max_nr_ports = nports};
	unsigned i;

	fake_plug(f, VIRTIO_ID_CONSOLE, features);
	memcpy(f->config, &c, sizeof(c));
	for (i = 0; i < FAKE_QUEUES; i++)
		f->queue[i].size_max = 32;
}

static void
say_bytes(struct fake_virtio *f, const void *p, size_t len)
{
	assert_true(
	    fake_answer(&f->queue[CONTROL_IN], p, len, NULL) == (long)len);
}

static void
say(struct fake_virtio *f, uint32_t id, uint16_t event, uint16_t value,
    const void *more, size_t len)
{
	struct virtio_console_control h = {id, event, value};
	uint8_t m[200];

	memcpy(m, &h, sizeof(h));
	memcpy(m + sizeof(h), more, len);
	say_bytes(f, m, sizeof(h) + len);
}

static void
ready(struct fake_virtio *f, uint32_t id)
{
	char name[] = "port-0";

	name[5] = (char)('0' + id);
	say(f, id, EV(PORT_NAME), 1, name, id == 1 ? 7 : 6);
	if (id == 0)
		say(f, id, EV(CONSOLE_PORT), 1, "", 0);
	say(f, id, EV(PORT_OPEN), 1, "", 0);
}

/* The device answers one message of the guest's, as QEMU does. */
static bool
control(struct fake_virtio *f)
{
	struct virtio_console_control m;
	struct fake_chain c;
	unsigned i;

	if (silent || f->queue[CONTROL_OUT].q == NULL ||
	    fake_fetch(&f->queue[CONTROL_OUT], &c) != 1)
		return false;
	assert_int_equal(fake_read(&c, &m, sizeof(m)), sizeof(m));
	if (m.event == EV(DEVICE_READY))
		for (i = 0; i < 3; i++)
			say(f, i, EV(PORT_ADD), 1, "", 0);
	else if (m.event == EV(PORT_READY))
		ready(f, m.id);
	else if (m.event == EV(PORT_OPEN))
		opened = (opened & ~(1U << m.id)) | (unsigned)m.value << m.id;
	fake_use(&f->queue[CONTROL_OUT], &c, 0);
	fake_interrupt(&f->queue[CONTROL_OUT]);
	return true;
}

static bool
devices(void)
{
	return control(&many) || control(&huge) || control(&curt);
}

static void
work(void)
{
	while (stub_work())
		continue;
}

static struct port *
port(const char *name)
{
	struct port *p = port_find(name);

	if (p == NULL)
		fail_msg("no port %s", name);
	return p;
}

/* --- tests; their order matters --- */

/* Nothing has been attached: the kernel dies, and writes all the same. */
static void
test_emergency(void **state)
{
	(void)state;
	plug(&many,
	    VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT) |
		VIRTIO_BIT(VIRTIO_CONSOLE_F_EMERG_WRITE),
	    3);
	plug(&single, VIRTIO_BIT(VIRTIO_CONSOLE_F_SIZE), 0);
	plug(&none, VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT), 0);
	plug(&huge, VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT), UINT32_MAX);
	plug(&curt, VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT), 3);
	recording = fake_transport;
	recording.config_set = record;
	many.vd.ops = &recording;
	stub_idle = devices;
	assert_int_equal(
	    virtio_console_dev.put((const uint8_t *)"early,", 6), 6);
	assert_int_equal(nemergency, 0);
	virtio_console_dev.seize();
	assert_int_equal(virtio_console_dev.put((const uint8_t *)"late", 4), 4);
	assert_memory_equal(emergency, "early,late", 10);
	assert_int_equal(many.status, 0);
}

static void
test_ports(void **state)
{
	struct port *p;
	unsigned n = 0;

	(void)state;
	port_probe();
	for (p = port_first(); p != NULL; p = port_next(p))
		n++;
	/* 3 of the first device, 1, none of the one with 0, and as many as the
	 * fourth has queues for, whose names are taken already */
	assert_int_equal(n, 3 + 1 + 0 + 3 + 3);
	assert_true(none.vd.broken);
	assert_int_equal(port("port-1")->id, 1);
	assert_true(port("port-0")->console && port("port-0")->host_open);
	assert_ptr_equal(port_console(), port("port-0"));
	assert_int_equal(port("vport1p0")->unit, 1);
	assert_int_equal(port("vport2p2")->id, 2);
}

static void
test_resize(void **state)
{
	uint16_t size[2] = {132, 50};

	(void)state;
	assert_int_equal(port("vport1p0")->cols, 80); /* the configuration */
	single.config[0] = 90;
	virtio_interrupt_config(&single.vd);
	work();
	assert_int_equal(port("vport1p0")->cols, 90);
	assert_int_equal(port("vport1p0")->rows, 25);
	assert_int_equal(port("port-0")->cols, 0); /* not of this one */
	say(&many, 0, EV(RESIZE), 0, size, 3);
	work();
	assert_int_equal(port("port-0")->cols, 0); /* too short */
	say(&many, 0, EV(RESIZE), 0, size, 4);
	work();
	assert_int_equal(port("port-0")->cols, 132);
	assert_int_equal(port("port-0")->rows, 50);
	size[1] = 0;
	say(&many, 0, EV(RESIZE), 0, size, 4); /* unknown: as it was */
	work();
	assert_int_equal(port("port-0")->rows, 50);
}

static void
test_data(void **state)
{
	struct fake_queue *rx = &many.queue[4], *tx = &many.queue[5];
	struct port *p = port("port-1");
	struct fake_chain c;
	char buf[5000];

	(void)state;
	assert_int_equal(port_open(p), 0);
	assert_int_equal(port_open(p), -EBUSY);
	assert_int_equal(opened, 1U << 1);
	assert_int_equal(port_read(p, buf, 10, true), -EAGAIN);
	assert_int_equal(fake_answer(rx, "hello", 5, NULL), 5);
	assert_int_equal(fake_answer(rx, "", 0, NULL), 0);
	assert_int_equal(fake_answer(rx, "world", 5, NULL), 5);
	assert_int_equal(port_read(p, buf, 3, true), 3);
	assert_int_equal(port_read(p, buf + 3, 20, true), 2);
	assert_int_equal(port_read(p, buf + 5, 20, true), 5);
	assert_memory_equal(buf, "helloworld", 10);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(port_write(p, buf, 5000, true), 5000);
	assert_int_equal(port_write(p, buf, 5000, true), 5000);
	assert_int_equal(port_write(p, buf, 1, true), -EAGAIN);
	assert_int_equal(port_poll(p), 0);
	assert_int_equal(fake_fetch(tx, &c), 1);
	assert_int_equal(c.buf[0].len, 4096);
	fake_use(tx, &c, 0);
	assert_int_equal(port_poll(p), PORT_OUT);
	say(&many, 1, EV(PORT_OPEN), 0, "", 0);
	work();
	assert_int_equal(port_poll(p), PORT_IN | PORT_HUP);
	assert_int_equal(port_read(p, buf, 1, false), 0);
	assert_int_equal(port_write(p, buf, 1, false), -EPIPE);
	port_close(p);
	assert_int_equal(opened, 0);
}

static void
test_strange_messages(void **state)
{
	char name[120];
	unsigned i;

	(void)state;
	memset(name, 'n', sizeof(name));
	for (i = 0; i < 20; i++)
		say(&many, 1, (uint16_t)(i + 8), 1, "", 0);
	say(&many, 3, EV(PORT_ADD), 1, "", 0); /* it has but 3 */
	say(&many, UINT32_MAX, EV(PORT_OPEN), 1, "", 0);
	work();
	assert_int_equal(port("port-1")->host_open, 0);
	say(&many, 1, EV(PORT_NAME), 1, name, 112); /* too long */
	work();
	assert_int_equal(port("vport0p1")->id, 1);
	for (i = 0; i < 4; i++) {
		static const char *const bad[] = {"..", "a/b", "a b", "port-2"};

		say(&many, 1, EV(PORT_NAME), 1, bad[i], strlen(bad[i]));
		work();
		assert_int_equal(port("vport0p1")->id, 1);
	}
	say(&many, 1, EV(PORT_NAME), 1, "new.name", 8);
	work();
	assert_int_equal(port("new.name")->id, 1);
	assert_false(many.vd.broken);
}

static void
test_removed(void **state)
{
	struct port *p = port("port-2");
	char c;

	(void)state;
	assert_int_equal(port_open(p), 0);
	say(&many, 2, EV(PORT_REMOVE), 1, "", 0);
	work();
	assert_null(port_find("port-2"));
	assert_int_equal(port_read(p, &c, 1, false), 0);
	assert_int_equal(port_write(p, &c, 1, false), -EPIPE);
	port_close(p);
	assert_int_equal(port_open(p), -ENXIO);
	say(&many, 2, EV(PORT_ADD), 1, "", 0);
	work();
	assert_ptr_equal(port("port-2"), p);
	assert_int_equal(port_open(p), 0);
	port_close(p);
}

/* A port is open across a restart that the device asks for. */
static void
test_restart(void **state)
{
	struct port *p = port("port-2");
	char buf[8];

	(void)state;
	assert_int_equal(port_open(p), 0);
	assert_int_equal(port_write(p, "lost", 4, false), 4);
	many.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&many.vd);
	assert_int_equal(port_write(p, "x", 1, false), -EIO);
	assert_int_equal(port_read(p, buf, 1, false), -EIO);
	opened = 0;
	work();
	assert_false(many.vd.broken);
	assert_int_equal(opened, 1U << 2);
	assert_int_equal(fake_answer(&many.queue[6], "again", 5, NULL), 5);
	assert_int_equal(port_read(p, buf, 8, false), 5);
	port_close(p);
}

static void
test_short_message(void **state)
{
	(void)state;
	say_bytes(&curt, "1234567", 7);
	work();
	assert_true(curt.vd.broken);
	assert_string_equal(stub_log,
	    "virtio-console fake 3: broken: a control message of 7 "
	    "bytes");
}

static void
test_console(void **state)
{
	struct fake_queue *rx = &many.queue[0], *tx = &many.queue[1];
	struct fake_chain c;
	uint8_t buf[8];

	(void)state;
	option = "mux,virtio:nothing";
	assert_false(virtio_console_dev.start());
	option = "mux,virtio";
	assert_true(virtio_console_dev.start());
	assert_int_equal(cols, 132);
	assert_int_equal(rows, 50);
	assert_int_equal(virtio_console_dev.get(buf, 8), 0);
	assert_false(virtio_console_dev.want_get());
	nevents = 0;
	assert_int_equal(fake_answer(rx, "in", 2, NULL), 2);
	assert_int_equal(nevents, 1);
	assert_int_equal(virtio_console_dev.get(buf, 8), 2);
	while (fake_fetch(tx, &c) == 1) /* what was written early */
		fake_use(tx, &c, 0);
	assert_true(virtio_console_dev.want_put());
	nemergency = 0;
	many.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&many.vd);
	assert_int_equal(virtio_console_dev.get(buf, 8), 0);
	assert_false(virtio_console_dev.want_get()); /* it restarts */
	work();
	assert_false(many.vd.broken);
	assert_int_equal(fake_answer(&many.queue[0], "in", 2, NULL), 2);
	assert_int_equal(virtio_console_dev.get(buf, 8), 2);
	virtio_break(&many.vd, "it breaks");
	work();
	assert_true(virtio_console_dev.want_get());
	assert_int_equal(virtio_console_dev.get(buf, 8), -EIO);
	assert_int_equal(virtio_console_dev.put((const uint8_t *)"last", 4), 4);
	assert_memory_equal(emergency, "last", nemergency);
	many.vd.needs_reset = many.refuses_features = true; /* in vain */
	assert_false(virtio_console_dev.want_get());
	nevents = 0;
	assert_int_not_equal(virtio_console_driver.attach(&many.vd), 0);
	assert_int_not_equal(nevents, 0);
	assert_true(virtio_console_dev.want_get());
	assert_int_equal(virtio_console_dev.get(buf, 8), -EIO);
}

/* One that never answers is given up, and its port with it. */
static void
test_silent(void **state)
{
	(void)state;
	silent = true;
	assert_int_equal(port_open(port("vport2p2")), -EIO);
	assert_true(huge.vd.broken);
	silent = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_emergency),
	    cmocka_unit_test(test_ports),
	    cmocka_unit_test(test_resize),
	    cmocka_unit_test(test_data),
	    cmocka_unit_test(test_strange_messages),
	    cmocka_unit_test(test_removed),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_short_message),
	    cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
