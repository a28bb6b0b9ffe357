/* SPDX-License-Identifier: ISC */
/*
 * The list of devices and those that are pure software: null, zero, full,
 * random, and the names of the three standard descriptors.
 */
#include "libc-shim/device.h"

#include <string.h>

#include "libc-shim/blk_file.h"
#include "libc-shim/console_file.h"
#include "libc-shim/pmem_file.h"
#include "libc-shim/vfs.h"
#include "libc-shim/vport.h"

static long
null_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	(void)f, (void)p, (void)len, (void)pos;
	return 0;
}

static long
null_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	(void)f, (void)p, (void)pos;
	return (long)len;
}

static long
zero_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	(void)f, (void)pos;
	memset(p, 0, len);
	return (long)len;
}

static long
full_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	(void)f, (void)p, (void)pos;
	return len == 0 ? 0 : -ENOSPC;
}

static long
random_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	int err = random_fill(p, len);

	(void)f, (void)pos;
	return err < 0 ? err : (long)len;
}

/* They have a position, which stays 0: lseek succeeds as elsewhere. */
static int64_t
no_size(struct file *f)
{
	(void)f;
	return 0;
}

static int
soft_close(struct file *f)
{
	heap_free(f, sizeof(*f));
	return 0;
}

static const struct file_ops null_ops = {
    .read = null_read,
    .write = null_write,
    .size = no_size,
    .close = soft_close,
};
static const struct file_ops zero_ops = {
    .read = zero_read,
    .write = null_write,
    .size = no_size,
    .close = soft_close,
};
static const struct file_ops full_ops = {
    .read = zero_read,
    .write = full_write,
    .size = no_size,
    .close = soft_close,
};
static const struct file_ops random_ops = {
    .read = random_read,
    .write = null_write,
    .size = no_size,
    .close = soft_close,
};

static int
soft_open(const struct file_ops *ops, int flags, struct file **out)
{
	struct file *f = heap_alloc(sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	file_init(f, ops, flags);
	*out = f;
	return 0;
}

static int
null_open(const struct device_node *d, int flags, struct file **out)
{
	(void)d;
	return soft_open(&null_ops, flags, out);
}

static int
zero_open(const struct device_node *d, int flags, struct file **out)
{
	(void)d;
	return soft_open(&zero_ops, flags, out);
}

static int
full_open(const struct device_node *d, int flags, struct file **out)
{
	(void)d;
	return soft_open(&full_ops, flags, out);
}

static int
random_open(const struct device_node *d, int flags, struct file **out)
{
	(void)d;
	return soft_open(&random_ops, flags, out);
}

/* As dup of 0, 1 or 2, which is the minor number. */
static int
standard_open(const struct device_node *d, int flags, struct file **out)
{
	(void)flags;
	*out = file_get((int)(d->number & 0xff));
	return *out == NULL ? -ENXIO : 0;
}

#define STANDARD_MAJOR 250 /* of the range for local use */

static struct device_node builtin[] = {
    {"null", S_IFCHR | 0666, DEVICE_NUMBER(1, 3), null_open, NULL},
    {"zero", S_IFCHR | 0666, DEVICE_NUMBER(1, 5), zero_open, NULL},
    {"full", S_IFCHR | 0666, DEVICE_NUMBER(1, 7), full_open, NULL},
    {"random", S_IFCHR | 0666, DEVICE_NUMBER(1, 8), random_open, NULL},
    {"urandom", S_IFCHR | 0666, DEVICE_NUMBER(1, 9), random_open, NULL},
    {"tty", S_IFCHR | 0666, DEVICE_NUMBER(5, 0), console_tty_open, NULL},
    {"console", S_IFCHR | 0600, DEVICE_NUMBER(5, 1), console_open, NULL},
    {"stdin", S_IFCHR | 0666, DEVICE_NUMBER(STANDARD_MAJOR, 0), standard_open,
	NULL},
    {"stdout", S_IFCHR | 0666, DEVICE_NUMBER(STANDARD_MAJOR, 1), standard_open,
	NULL},
    {"stderr", S_IFCHR | 0666, DEVICE_NUMBER(STANDARD_MAJOR, 2), standard_open,
	NULL},
};

#define NBUILTIN (sizeof(builtin) / sizeof(builtin[0]))

static struct device_node *registered;

void
device_register(struct device_node *d)
{
	d->next = __atomic_load_n(&registered, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&registered, &d->next, d, false,
	    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static bool
device_is(const struct device_node *d, mode_t type, dev_t number)
{
	return (d->mode & S_IFMT) == type && d->number == number;
}

int
device_open(mode_t type, dev_t number, int flags, struct file **out)
{
	struct device_node *d;

	for (d = registered; d != NULL; d = d->next)
		if (device_is(d, type, number))
			return d->open(d, flags, out);
	for (d = builtin; d < builtin + NBUILTIN; d++)
		if (device_is(d, type, number))
			return d->open(d, flags, out);
	return -ENXIO;
}

static void
node_make(struct node *dev, const struct device_node *d)
{
	struct node_spec spec = {d->mode, d->number, NULL};
	struct node *n;

	/* If the initrd has something of the name, it stays. */
	if (dev->ops->create(dev, d->name, &spec, &n) == 0)
		node_put(n);
}

void
device_populate(struct node *dev)
{
	struct device_node *d;

	blk_file_probe();
	pmem_file_probe();
	for (d = builtin; d < builtin + NBUILTIN; d++)
		node_make(dev, d);
	for (d = registered; d != NULL; d = d->next)
		node_make(dev, d);
	vport_mount(dev);
}
