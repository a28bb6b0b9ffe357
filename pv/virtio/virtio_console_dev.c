/* SPDX-License-Identifier: ISC */
/*
 * A port as the guest's console.  Until the first thread attaches the device,
 * what is written is kept; a kernel that dies before that writes by the
 * device's emergency register, which needs no set-up ([VIRTIO] 5.3.4).
 *
 * `sprat.console=virtio:NAME` takes the port of that name instead of the one
 * that the host means for a console: QEMU drops what a console writes while
 * nobody reads, but makes other ports wait.
 */
#include <string.h>

#include "kernel/console.h"
#include "kernel/cpu.h"
#include "pv/virtio/virtio_console.h"
#include "pv/virtio/virtio_drivers.h"

#define EARLY_MAX 256
#define STUCK_NS  (10 * NS_PER_S)

static struct port *port; /* NULL: not started */
static uint8_t early[EARLY_MAX];
static size_t early_len;
static bool dying;
static struct virtio_dev *emergency; /* has the register; only when dying */

static size_t
early_put(const uint8_t *p, size_t len)
{
	size_t n = EARLY_MAX - early_len;

	if (n > len)
		n = len;
	memcpy(early + early_len, p, n);
	early_len += n;
	return len;
}

static size_t
emergency_put(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; emergency != NULL && i < len; i++)
		virtio_config_set(emergency,
		    offsetof(struct virtio_console_config, emerg_wr), 4, p[i]);
	return len;
}

/* While dying: what cannot be written, because the device is broken or the
 * host does not take it, is lost. */
static size_t
last_put(const uint8_t *p, size_t len)
{
	uint64_t deadline_ns = clock_ns() + STUCK_NS;
	long n;

	while ((n = port->ops->put(port, p, len)) == 0) {
		if (clock_ns() >= deadline_ns)
			n = -EIO;
		if (n < 0)
			break;
		cpu_pause();
	}
	return n < 0 ? emergency_put(p, len) : (size_t)n;
}

static size_t
console_put(const uint8_t *p, size_t len)
{
	uint64_t flags;
	long n = 0;

	if (port == NULL)
		return dying ? emergency_put(p, len) : early_put(p, len);
	if (dying)
		return last_put(p, len);
	flags = spin_lock(&port->lock);
	n = port->ops->put(port, p, len);
	spin_unlock(&port->lock, flags);
	return n < 0 ? len : (size_t)n; /* broken: dropped */
}

/* Broken for good: no restart is under way. */
static bool
lost(void)
{
	const struct vcon *c = ((struct vport *)port)->con;

	return c->lost || (c->vd->broken && !c->vd->needs_reset);
}

static long
console_get(uint8_t *p, size_t len)
{
	uint64_t flags;
	long n;

	if (port == NULL)
		return 0;
	flags = spin_lock(&port->lock);
	n = port->ops->get(port, p, len);
	if (n < 0 && !lost())
		n = 0;
	spin_unlock(&port->lock, flags);
	return n;
}

static bool
console_want(bool (*can)(struct port *p, bool tell))
{
	uint64_t flags = spin_lock(&port->lock);
	bool now = can(port, true);

	spin_unlock(&port->lock, flags);
	return now;
}

/* While the device restarts nothing comes; when it works, its port's event
 * tells who waits. */
static bool
console_want_get(void)
{
	struct vport *v = (struct vport *)port;

	if (port == NULL)
		return false;
	if (!v->up || v->con->vd->broken)
		return lost();
	return console_want(port->ops->can_get);
}

static bool
console_want_put(void)
{
	return port == NULL || console_want(port->ops->can_put);
}

static void
console_port_event(struct port *p)
{
	(void)p;
	console_event();
}

static void
console_port_resized(struct port *p)
{
	console_resized(p->cols, p->rows);
}

/* The name behind "virtio:", or NULL. */
static const char *
wanted_name(char *buf, size_t len)
{
	const char *s = cmdline_option("console");
	size_t n;

	s = s != NULL ? strstr(s, "virtio:") : NULL;
	if (s == NULL)
		return NULL;
	s += strlen("virtio:");
	n = strcspn(s, ",");
	if (n >= len)
		n = len - 1;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return buf;
}

static bool
console_start_port(void)
{
	char buf[PORT_NAME_MAX];
	const char *name = wanted_name(buf, sizeof(buf));
	struct port *p;

	port_probe();
	p = name != NULL ? port_find(name) : port_console();
	if (p == NULL || port_open(p) != 0)
		return false;
	p->notify = console_port_event;
	p->resized = console_port_resized;
	port = p;
	if (p->cols != 0)
		console_resized(p->cols, p->rows);
	console_put(early, early_len); /* the first: there is room */
	return true;
}

/* The panic may have come amid work on this port's queues: then they are not to
 * be relied on. */
static void
console_seize_port(void)
{
	struct virtio_dev *vd;

	dying = true;
	vd = port == NULL ? virtio_first(VIRTIO_ID_CONSOLE)
			  : ((struct vport *)port)->con->vd;
	if (vd != NULL &&
	    (vd->ops->features(vd) & VIRTIO_BIT(VIRTIO_CONSOLE_F_EMERG_WRITE)))
		emergency = vd;
	if (port == NULL)
		emergency_put(early, early_len);
	else if (port->lock.held)
		port = NULL;
}

static void
console_flush(void)
{
	if (port != NULL)
		port_drain(port, dying ? clock_ns() + STUCK_NS : NS_NEVER);
}

const struct console_dev virtio_console_dev = {
    .name = "virtio",
    .put = console_put,
    .get = console_get,
    .want_get = console_want_get,
    .want_put = console_want_put,
    .start = console_start_port,
    .seize = console_seize_port,
    .flush = console_flush,
};
