/* SPDX-License-Identifier: ISC */
/*
 * /dev/vport/NAME: a port of a virtio console device as a file, which one open
 * file at a time may use.  As with Linux's /dev/virtio-ports/NAME, a read gives
 * 0 while the host's side is closed, and a write waits until it is first
 * opened; once the host has gone, a write fails with EPIPE.
 *
 * The directory is a file system of its own that asks kernel/port.c at each
 * look, so a port appears in it as soon as the host plugs it.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "kernel/port.h"
#include "libc-shim/clock.h"
#include "libc-shim/device.h"
#include "libc-shim/poll.h"
#include "libc-shim/touch.h"
#include "libc-shim/vport.h"

#define VPORT_MAJOR 251 /* of the range for local use */
#define NODES_MAX   255 /* minor numbers; the last is the directory's */

/* What a name in the directory leads to: for good, as its port. */
struct vport_node {
	struct node node;
	struct device_node dev;
	struct port *port;
	struct pollq pollq;
	struct vport_node *next;
};

struct vport_open {
	struct file file;
	struct vport_node *of;
};

/* --- an open file --- */

static struct vport_node *
node_of(struct file *f)
{
	return ((struct vport_open *)f)->of;
}

static long
vport_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	(void)pos;
	touch(p, len, true);
	return port_read(node_of(f)->port, p, len, f->flags & O_NONBLOCK);
}

static long
vport_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	(void)pos;
	touch(p, len, false);
	return port_write(node_of(f)->port, p, len, f->flags & O_NONBLOCK);
}

static unsigned
vport_poll(struct file *f, struct pollq **q)
{
	struct vport_node *n = node_of(f);
	unsigned can = port_poll(n->port), r = 0;

	*q = &n->pollq;
	if (can & PORT_IN)
		r |= POLLIN | POLLRDNORM;
	if (can & PORT_OUT)
		r |= POLLOUT | POLLWRNORM;
	if (can & PORT_HUP)
		r |= POLLHUP;
	return r;
}

static void
vport_notify(struct port *p)
{
	poll_notify(&((struct vport_node *)p->user)->pollq);
}

/* As tcdrain. */
static int
vport_sync(struct file *f)
{
	port_drain(node_of(f)->port, NS_NEVER);
	return 0;
}

static int
vport_close(struct file *f)
{
	port_close(node_of(f)->port);
	heap_free(f, sizeof(struct vport_open));
	return 0;
}

static const struct file_ops vport_ops = {
    .read = vport_read,
    .write = vport_write,
    .poll = vport_poll,
    .sync = vport_sync,
    .close = vport_close,
};

static int
vport_open(const struct device_node *d, int flags, struct file **out)
{
	struct vport_node *n = CONTAINER_OF(d, struct vport_node, dev);
	struct vport_open *o = heap_alloc(sizeof(*o));
	int err;

	if (o == NULL)
		return -ENOMEM;
	err = port_open(n->port);
	if (err != 0) {
		heap_free(o, sizeof(*o));
		return err;
	}
	file_init(&o->file, &vport_ops, flags);
	o->of = n;
	n->port->user = n;
	n->port->notify = vport_notify;
	*out = &o->file;
	return 0;
}

/* --- the directory --- */

static struct vport_node *nodes;
static unsigned nnodes;
static struct sleeplock nodes_lock;
static const struct fs_ops vport_fs;
static uint64_t made_ns; /* all of it has one date */

static void
node_fill(struct vport_node *n, struct port *p)
{
	n->port = p;
	n->node.ops = &vport_fs;
	n->node.refs = 1;
	n->node.type = S_IFCHR;
	n->node.rdev = DEVICE_NUMBER(VPORT_MAJOR, nnodes);
	n->dev.name = p->name;
	n->dev.mode = S_IFCHR | 0666;
	n->dev.number = n->node.rdev;
	n->dev.open = vport_open;
	device_register(&n->dev);
}

/* The node of p, made if there is none; NULL: no memory, or no number. */
static struct vport_node *
node_for(struct port *p)
{
	struct vport_node *n;

	sleeplock_take(&nodes_lock);
	for (n = nodes; n != NULL && n->port != p;)
		n = n->next;
	if (n == NULL && nnodes < NODES_MAX &&
	    (n = heap_alloc(sizeof(*n))) != NULL) {
		node_fill(n, p);
		n->next = nodes;
		nodes = n;
		nnodes++;
	}
	sleeplock_give(&nodes_lock);
	return n;
}

static int
vport_lookup(struct node *dir, const char *name, struct node **out)
{
	struct vport_node *n;
	struct port *p;

	if (strcmp(name, "..") == 0) {
		*out = node_ref(dir);
		return 0;
	}
	port_probe();
	p = port_find(name);
	if (p == NULL)
		return -ENOENT;
	n = node_for(p);
	if (n == NULL)
		return -ENOMEM;
	*out = node_ref(&n->node);
	return 0;
}

static ino_t
ino_of(const struct node *n)
{
	return S_ISDIR(n->type) ? 1 : 2 + (n->rdev & 0xff);
}

/* The cookie is 2 more than how many ports, also absent ones, come before. */
static int
vport_readdir(struct node *dir, uint64_t *cookie, struct vfs_entry *e)
{
	struct vport_node *n;
	uint64_t at = 2;
	struct port *p;

	(void)dir;
	port_probe();
	for (p = port_first(); p != NULL; p = port_next(p), at++) {
		if (at < *cookie || !p->present)
			continue;
		n = node_for(p);
		if (n == NULL)
			return -ENOMEM;
		*cookie = at + 1;
		e->ino = ino_of(&n->node);
		e->type = S_IFCHR;
		memcpy(e->name, p->name, sizeof(p->name));
		return 1;
	}
	return 0;
}

static int
vport_getattr(struct node *n, struct stat *st)
{
	bool dir = S_ISDIR(n->type);

	memset(st, 0, sizeof(*st));
	st->st_dev = DEVICE_NUMBER(VPORT_MAJOR, 255);
	st->st_ino = ino_of(n);
	st->st_mode = n->type | (dir ? 0555 : 0666);
	st->st_nlink = dir ? 2 : 1;
	st->st_rdev = n->rdev;
	st->st_blksize = PAGE_SIZE;
	st->st_atim = st->st_mtim = st->st_ctim = clock_to_timespec(made_ns);
	return 0;
}

static void
vport_release(struct node *n)
{
	(void)n; /* each node holds a reference to itself */
}

static const struct fs_ops vport_fs = {
    .lookup = vport_lookup,
    .readdir = vport_readdir,
    .getattr = vport_getattr,
    .release = vport_release,
};

static struct node root = {
    .ops = &vport_fs,
    .refs = 1,
    .type = S_IFDIR,
};

void
vport_mount(struct node *dev)
{
	struct node_spec spec = {S_IFDIR | 0555, 0, NULL};
	struct node *on;

	if (dev->ops->create(dev, "vport", &spec, &on) != 0)
		return; /* the initrd has something of that name */
	made_ns = clock_realtime_ns();
	vfs_mount(on, &root);
	node_put(on);
}
