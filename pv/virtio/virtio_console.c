/* SPDX-License-Identifier: ISC */
/*
 * The console device: its control queue, by which the host tells of ports and
 * we open them.  virtio_console_port.c moves their bytes.  [VIRTIO] 5.3.
 */
#include "pv/virtio/virtio_console.h"

#include <string.h>

#include "pv/virtio/virtio_drivers.h"

#define ANSWER_NS     (5 * NS_PER_S)
#define CONTROL_SIZE  64  /* of the control queues */
#define PORT_SIZE     16  /* of the others, of which there may be many */
#define MESSAGES_TURN 256 /* at once, then other work has its turn */

_Static_assert(sizeof(struct virtio_console_control) == 8, "[VIRTIO] 5.3.6.2");
_Static_assert(
    offsetof(struct virtio_console_config, emerg_wr) == 8, "[VIRTIO] 5.3.4");

struct resize { /* [VIRTIO] 5.3.6.2.1; the headers lack it */
	uint16_t cols, rows;
};

/* --- control messages --- */

int
vcon_tell(struct vcon *c, unsigned id, uint16_t event, uint16_t value)
{
	struct virtio_console_control m = {id, event, value};
	struct virtq_buf buf = {&m, sizeof(m)};
	uint32_t written;

	if (!c->multiport)
		return 0;
	return virtio_call(
	    &c->control_out, &buf, 1, 0, clock_ns() + ANSWER_NS, &written);
}

static void
host_open_set(struct vport *v, bool open)
{
	uint64_t flags = spin_lock(&v->port.lock);

	v->port.host_open = open;
	spin_unlock(&v->port.lock, flags);
	port_event(&v->port);
}

static void
port_came(struct vcon *c, struct vport *v)
{
	v->port.present = true;
	if (!v->listed) {
		port_set_name(&v->port, "");
		port_add(&v->port);
		v->listed = true;
	}
	vcon_tell(c, v->port.id, VIRTIO_CONSOLE_PORT_READY, 1);
	if (v->open) /* since before it went */
		vcon_tell(c, v->port.id, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* [VIRTIO] 5.3.6.2: the name follows, without a NUL or with one. */
static void
name_came(struct vport *v, const struct vcon_message *m, uint32_t len)
{
	char name[sizeof(m->more) + 1];

	memcpy(name, m->more, len);
	name[len] = '\0';
	port_set_name(&v->port, name);
	port_event(&v->port);
}

static void
message(struct vcon *c, const struct vcon_message *m, uint32_t len)
{
	const struct resize *size = (const void *)m->more;
	struct vport *v;

	if (len < sizeof(m->head)) {
		virtio_break(c->vd, "a control message of %u bytes", len);
		return;
	}
	len -= sizeof(m->head);
	if (m->head.id >= c->nports) /* of more than we use */
		return;
	v = &c->port[m->head.id];
	if (m->head.event == VIRTIO_CONSOLE_PORT_ADD) {
		port_came(c, v);
		return;
	}
	if (!v->listed)
		return;
	switch (m->head.event) {
	case VIRTIO_CONSOLE_PORT_REMOVE:
		v->port.present = false;
		host_open_set(v, false);
		break;
	case VIRTIO_CONSOLE_CONSOLE_PORT:
		v->port.console = m->head.value != 0;
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		host_open_set(v, m->head.value != 0);
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		name_came(v, m, len);
		break;
	case VIRTIO_CONSOLE_RESIZE:
		if (len >= sizeof(*size))
			port_resize(&v->port, size->cols, size->rows);
		break;
	}
}

/* Copies the next message and gives its buffer back to the device. */
static bool
message_take(struct vcon *c, struct vcon_message *m, uint32_t *len)
{
	uint64_t flags = spin_lock(&c->lock);
	struct vcon_message *p = virtq_take(&c->control_in, len);
	struct virtq_buf buf = {p, sizeof(*p)};
	bool broken = c->vd->broken;

	if (p != NULL && !broken) {
		memcpy(m, p, *len);
		virtq_add(&c->control_in, &buf, 0, 1, p);
		virtq_kick(&c->control_in);
	}
	spin_unlock(&c->lock, flags);
	return p != NULL && !broken;
}

static bool
messages_arm(struct vcon *c)
{
	uint64_t flags = spin_lock(&c->lock);
	bool more = !c->vd->broken && virtq_arm(&c->control_in, 1);

	spin_unlock(&c->lock, flags);
	return more;
}

/* Threads take turns at this by `busy`. */
static void
messages(struct vcon *c)
{
	unsigned turn = MESSAGES_TURN;
	struct vcon_message m;
	uint32_t len;

	do {
		while (turn > 0 && message_take(c, &m, &len)) {
			message(c, &m, len);
			turn--;
		}
		if (turn == 0) {
			work_add(&c->work);
			return;
		}
	} while (messages_arm(c));
}

/* [VIRTIO] 5.3.5: without ports, the size is in the configuration. */
static void
size_read(struct vcon *c)
{
	if (virtio_has(c->vd, VIRTIO_CONSOLE_F_SIZE) && c->port[0].listed)
		port_resize(&c->port[0].port,
		    (uint16_t)VIRTIO_CONFIG(
			c->vd, struct virtio_console_config, cols),
		    (uint16_t)VIRTIO_CONFIG(
			c->vd, struct virtio_console_config, rows));
}

static void
work(struct work *w)
{
	struct vcon *c = CONTAINER_OF(w, struct vcon, work);

	if (!c->up) /* it is being attached, which will look itself */
		return;
	once_enter(&c->busy);
	if (c->up && __atomic_exchange_n(&c->resized, false, __ATOMIC_RELAXED))
		size_read(c);
	if (c->up && c->multiport)
		messages(c);
	once_leave(&c->busy, false);
}

static void
control_done(struct virtq *q)
{
	work_add(&((struct vcon *)q->vd->driver_data)->work);
}

static void
config_changed(struct virtio_dev *vd)
{
	struct vcon *c = vd->driver_data;

	__atomic_store_n(&c->resized, true, __ATOMIC_RELAXED);
	work_add(&c->work);
}

/* --- attaching --- */

static unsigned
ports_offered(struct virtio_dev *vd)
{
	uint64_t n = 1;

	if (virtio_has(vd, VIRTIO_CONSOLE_F_MULTIPORT))
		n = VIRTIO_CONFIG(
		    vd, struct virtio_console_config, max_nr_ports);
	return n < VCON_PORTS_MAX ? (unsigned)n : VCON_PORTS_MAX;
}

static struct vcon *
vcon_make(struct virtio_dev *vd, unsigned nports)
{
	static unsigned units;
	struct vcon *c = heap_alloc(sizeof(*c));
	unsigned i;

	if (c != NULL)
		c->port = heap_alloc(nports * sizeof(*c->port));
	if (c == NULL || c->port == NULL) {
		heap_free(c, sizeof(*c));
		return NULL;
	}
	c->vd = vd;
	c->lock.name = "virtio-console";
	c->busy.lock.name = "virtio-console messages";
	c->work.fn = work;
	c->nports = nports;
	for (i = 0; i < nports; i++)
		vport_init(&c->port[i], c, units, i);
	units++;
	return c;
}

/* [VIRTIO] 5.3.2: port 0 has queues 0 and 1, the control queues are 2 and 3,
 * port N has 2N + 2 and 2N + 3. */
static int
queues_init(struct vcon *c)
{
	struct virtio_dev *vd = c->vd;
	int err = 0;
	unsigned i;

	vd->queue_size_max = CONTROL_SIZE;
	if (c->multiport)
		err = virtq_init(&c->control_in, vd, 2, control_done);
	if (c->multiport && err == 0)
		err = virtio_calls_init(&c->control_out, vd, 3);
	vd->queue_size_max = PORT_SIZE;
	for (i = 0; i < c->nports && err == 0; i++)
		err = vport_queues(&c->port[i], i == 0 ? 0 : 2 * i + 2);
	if (err == -ENODEV && i > 1) {
		c->nports = i - 1; /* the device has queues for no more */
		err = 0;
	}
	return err;
}

static int
messages_make(struct vcon *c)
{
	c->message = heap_alloc(CONTROL_SIZE * sizeof(struct vcon_message));
	return c->message == NULL ? -ENOMEM : 0;
}

static void
messages_fill(struct vcon *c)
{
	struct virtq_buf buf = {NULL, sizeof(struct vcon_message)};
	uint64_t flags = spin_lock(&c->lock);
	unsigned i;

	for (i = 0; i < c->control_in.size; i++) {
		buf.p = &c->message[i];
		virtq_add(&c->control_in, &buf, 0, 1, buf.p);
	}
	virtq_kick(&c->control_in);
	spin_unlock(&c->lock, flags);
}

/* Those that were there before a restart: the host tells of them again, if it
 * has ports to tell of. */
static void
ports_begin(struct vcon *c)
{
	unsigned i;

	for (i = 0; i < c->nports; i++)
		vport_up(&c->port[i]);
	if (c->multiport)
		return;
	port_came(c, &c->port[0]);
	c->port[0].port.console = true;
	host_open_set(&c->port[0], true);
	size_read(c);
}

/* Returns when what the host has to say at once is known: it answers each
 * message of ours behind those that the message led to. */
static int
vcon_start(struct vcon *c)
{
	int err = queues_init(c);

	if (err == 0 && c->multiport && c->message == NULL)
		err = messages_make(c);
	if (err != 0)
		return err;
	virtio_driver_ok(c->vd);
	ports_begin(c);
	if (c->multiport) {
		messages_fill(c);
		err = vcon_tell(c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	}
	if (err != 0)
		return err;
	c->up = true;
	if (c->multiport)
		messages(c);
	return 0;
}

static int
set_up(struct virtio_dev *vd)
{
	struct vcon *c = vd->driver_data;
	unsigned i, nports;
	int err;

	for (i = 0; c != NULL && i < c->nports; i++)
		vport_down(&c->port[i]);
	if (c != NULL)
		c->up = false;
	err = virtio_negotiate(vd,
	    VIRTIO_BIT(VIRTIO_CONSOLE_F_SIZE) |
		VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT),
	    0);
	if (err != 0)
		return err;
	nports = ports_offered(vd);
	if (nports == 0)
		return -EINVAL;
	if (c == NULL)
		c = vcon_make(vd, nports);
	if (c == NULL)
		return -ENOMEM;
	if (nports < c->nports)
		c->nports = nports;
	c->multiport = virtio_has(vd, VIRTIO_CONSOLE_F_MULTIPORT);
	vd->driver_data = c;
	once_enter(&c->busy);
	err = vcon_start(c);
	once_leave(&c->busy, false);
	return err;
}

/* Who waits for input hears that a restart failed. */
static int
vcon_attach(struct virtio_dev *vd)
{
	struct vcon *c = vd->driver_data;
	int err = set_up(vd);
	unsigned i;

	if (err == 0 || c == NULL)
		return err;
	c->lost = true;
	for (i = 0; i < c->nports; i++)
		port_event(&c->port[i].port);
	return err;
}

const struct virtio_driver virtio_console_driver = {
    .name = "virtio-console",
    .id = VIRTIO_ID_CONSOLE,
    .attach = vcon_attach,
    .config_changed = config_changed,
};
