/* SPDX-License-Identifier: ISC */
/*
 * Ports: streams of bytes to and from the host that have a name, as a virtio
 * console device has many.  A driver fills a struct port and adds it; then it
 * can be opened once at a time, by the console or as a file.  Ports are never
 * freed: one that the host takes away stays in the list, not `present`.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include "kernel/kernel.h"

#define PORT_NAME_MAX 64 /* with its NUL */

struct port;

/* All but open are called under the port's lock, and never sleep. */
struct port_ops {
	/* Bytes moved, perhaps none; -EIO: the device is broken. */
	long (*put)(struct port *p, const void *from, size_t len);
	long (*get)(struct port *p, void *to, size_t len);
	/* True: the above would do something.  False: not now, and if `tell`
	 * is set, port_event will be called when that changes. */
	bool (*can_put)(struct port *p, bool tell);
	bool (*can_get)(struct port *p, bool tell);
	/* The host has taken all that was put.  False: as above. */
	bool (*drained)(struct port *p, bool tell);
	/* From a thread: the first or last user came or went. */
	int (*open)(struct port *p, bool open);
};

struct port {
	/* Set by the driver, before port_add or under the lock. */
	const struct port_ops *ops;
	struct spinlock lock;
	unsigned unit, id;        /* device, and port in it */
	char name[PORT_NAME_MAX]; /* unlike all others; port_set_name */
	bool present;             /* the host has not taken it away */
	bool host_open;           /* somebody is there at the host's side */
	bool console;             /* the host means it for a console */
	uint16_t cols, rows;      /* of the terminal there; 0: unknown */

	/* Set by who opened it; called from an interrupt or a thread, without
	 * the lock: look again. */
	void (*notify)(struct port *p);
	void (*resized)(struct port *p); /* from a thread; or NULL */
	void *user;                      /* whatever notify wants */

	/* port.c's */
	struct port *next;
	struct waitq events;
	bool opened, was_connected;
};

/* --- for users --- */

/* Finds the devices if that has not been done. */
void port_probe(void);
/* Every port ever seen, in the order they came. */
struct port *port_first(void);
struct port *port_next(struct port *p);
struct port *port_find(const char *name); /* that is present, or NULL */
struct port *port_console(void);          /* the first meant for it, or NULL */

/* -EBUSY: somebody has it; -ENXIO: it is gone; -ENOMEM, -EIO. */
int port_open(struct port *p);
/* Waits up to 5 s until the host has taken what was written. */
void port_close(struct port *p);

/*
 * Bytes, at least one.  0: the host's side is closed and all is read.  -EAGAIN
 * if nonblock; -EINTR; -EIO.
 */
long port_read(struct port *p, void *to, size_t len, bool nonblock);
/*
 * Bytes; fewer than len only if nonblock or interrupted.  Waits for the host to
 * open its side, but once that was open and is closed, -EPIPE.
 */
long port_write(struct port *p, const void *from, size_t len, bool nonblock);

#define PORT_IN  1U
#define PORT_OUT 2U
#define PORT_HUP 4U /* the host's side is not open */
/* What can be done; `notify` will tell of more. */
unsigned port_poll(struct port *p);
/* Waits, spinning if threads can't sleep any more, until the host has taken
 * all; no longer than deadline_ns. */
void port_drain(struct port *p, uint64_t deadline_ns);

/* --- for drivers --- */

/* A name no other port has: `name` if it will do for a file's, else one made
 * of unit and id.  From threads. */
void port_set_name(struct port *p, const char *name);
void port_add(struct port *p); /* from a thread; named, for good */
/* From a thread: the terminal at the other end has this size. */
void port_resize(struct port *p, uint16_t cols, uint16_t rows);
void port_event(struct port *p); /* without the lock; also from interrupts */

#endif
