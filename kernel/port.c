/* SPDX-License-Identifier: ISC */
/* Ports to the host: see port.h. */
#include "kernel/port.h"

#include <string.h>

#include "kernel/cpu.h"
#include "kernel/once.h"
#include "kernel/panic.h"
#include "pv/virtio/virtio_drivers.h"

#define CLOSE_NS (5 * NS_PER_S)

static struct port *ports; /* only ever grows */
static struct once changing = ONCE("port list");
static struct exit_call at_exit;

void
port_probe(void)
{
	virtio_probe(&virtio_console_driver);
}

/* --- the list --- */

struct port *
port_first(void)
{
	return __atomic_load_n(&ports, __ATOMIC_ACQUIRE);
}

struct port *
port_next(struct port *p)
{
	return __atomic_load_n(&p->next, __ATOMIC_ACQUIRE);
}

static struct port *
find(const char *name, bool absent_too)
{
	struct port *p = port_first();

	while (p != NULL &&
	       ((!p->present && !absent_too) || strcmp(p->name, name) != 0))
		p = port_next(p);
	return p;
}

struct port *
port_find(const char *name)
{
	return find(name, false);
}

struct port *
port_console(void)
{
	struct port *p = port_first();

	while (p != NULL && !(p->present && p->console))
		p = port_next(p);
	return p;
}

static bool
name_ok(const char *name)
{
	const char *s = name;

	if (name[0] == '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	while (*s > ' ' && *s < 0x7f && *s != '/')
		s++;
	return *s == '\0' && (size_t)(s - name) < PORT_NAME_MAX;
}

void
port_set_name(struct port *p, const char *name)
{
	struct port *other;

	once_enter(&changing);
	other = name_ok(name) ? find(name, true) : NULL;
	if (other == p)
		;
	else if (name_ok(name) && other == NULL)
		memcpy(p->name, name, strlen(name) + 1);
	else
		log_text(
		    p->name, sizeof(p->name), "vport%up%u", p->unit, p->id);
	once_leave(&changing, false);
}

/* The machine is about to go off: what was written shall arrive. */
static void
drain_all(void)
{
	struct port *p;

	for (p = port_first(); p != NULL; p = port_next(p))
		if (p->opened && p->host_open)
			port_drain(p, clock_ns() + CLOSE_NS);
}

void
port_add(struct port *p)
{
	struct port **end = &ports;

	once_enter(&changing);
	if (ports == NULL) {
		at_exit.fn = drain_all;
		kernel_at_exit(&at_exit);
	}
	while (*end != NULL)
		end = &(*end)->next;
	__atomic_store_n(end, p, __ATOMIC_RELEASE);
	once_leave(&changing, false);
}

/* --- use --- */

void
port_event(struct port *p)
{
	uint64_t flags = spin_lock(&p->lock);
	void (*notify)(struct port * p) = p->notify;

	if (p->host_open)
		p->was_connected = true;
	waitq_wake(&p->events, -1U);
	spin_unlock(&p->lock, flags);
	if (notify != NULL)
		notify(p);
}

void
port_resize(struct port *p, uint16_t cols, uint16_t rows)
{
	if (cols == 0 || rows == 0) /* the host does not know it */
		return;
	p->cols = cols;
	p->rows = rows;
	if (p->resized != NULL)
		p->resized(p);
}

int
port_open(struct port *p)
{
	uint64_t flags = spin_lock(&p->lock);
	int err = !p->present ? -ENXIO : p->opened ? -EBUSY : 0;

	if (err == 0) {
		p->opened = true;
		p->was_connected = p->host_open;
	}
	spin_unlock(&p->lock, flags);
	if (err != 0)
		return err;
	err = p->ops->open(p, true);
	if (err != 0)
		p->opened = false;
	return err;
}

void
port_close(struct port *p)
{
	uint64_t flags;

	port_drain(p, clock_ns() + CLOSE_NS);
	p->ops->open(p, false);
	flags = spin_lock(&p->lock);
	p->notify = p->resized = NULL;
	p->opened = false;
	spin_unlock(&p->lock, flags);
}

long
port_read(struct port *p, void *to, size_t len, bool nonblock)
{
	uint64_t flags = spin_lock(&p->lock);
	size_t done = 0;
	long n;

	while (done < len) {
		n = p->ops->get(p, (uint8_t *)to + done, len - done);
		if (n > 0) {
			done += (size_t)n;
			spin_unlock(&p->lock, flags); /* interrupts */
			flags = spin_lock(&p->lock);
			continue;
		}
		if (n == 0 && done == 0 && p->host_open && nonblock)
			n = -EAGAIN;
		if (n < 0 || done > 0 || !p->host_open)
			break;
		if (!p->ops->can_get(p, true))
			n = waitq_sleep(&p->events, &p->lock, NS_NEVER);
		if (n < 0)
			break;
	}
	spin_unlock(&p->lock, flags);
	return done > 0 || len == 0 ? (long)done : n;
}

/* Nothing could be put: sleeps until that may have changed. */
static long
put_wait(struct port *p, bool nonblock)
{
	if (!p->present || (!p->host_open && p->was_connected))
		return -EPIPE;
	if (nonblock)
		return -EAGAIN;
	if (p->host_open && p->ops->can_put(p, true))
		return 0;
	return waitq_sleep(&p->events, &p->lock, NS_NEVER);
}

long
port_write(struct port *p, const void *from, size_t len, bool nonblock)
{
	uint64_t flags = spin_lock(&p->lock);
	size_t done = 0;
	long n = 0;

	while (done < len) {
		n = !p->host_open ? 0
				  : p->ops->put(p, (const uint8_t *)from + done,
					len - done);
		if (n > 0) {
			done += (size_t)n;
			spin_unlock(&p->lock, flags); /* interrupts */
			flags = spin_lock(&p->lock);
			continue;
		}
		if (n == 0)
			n = put_wait(p, nonblock);
		if (n < 0)
			break;
	}
	spin_unlock(&p->lock, flags);
	return done > 0 ? (long)done : n;
}

unsigned
port_poll(struct port *p)
{
	uint64_t flags = spin_lock(&p->lock);
	unsigned r = 0;

	if (!p->host_open)
		r |= PORT_HUP;
	if (!p->host_open || p->ops->can_get(p, true))
		r |= PORT_IN;
	if (p->host_open && p->ops->can_put(p, true))
		r |= PORT_OUT;
	spin_unlock(&p->lock, flags);
	return r;
}

void
port_drain(struct port *p, uint64_t deadline_ns)
{
	bool spin = panic_busy() || thread_current() == NULL,
	     interrupted = false;
	uint64_t flags = spin_lock(&p->lock);
	int err = 0;

	while (
	    err != -ETIMEDOUT && p->host_open && !p->ops->drained(p, !spin)) {
		if (!spin)
			err = waitq_sleep(&p->events, &p->lock, deadline_ns);
		else if (clock_ns() >= deadline_ns)
			err = -ETIMEDOUT;
		else
			cpu_pause();
		interrupted |= err == -EINTR;
	}
	spin_unlock(&p->lock, flags);
	if (interrupted)
		thread_interrupt(thread_current());
}
