/* SPDX-License-Identifier: ISC */
/* The console as a file; see console_file.h. */
#include "libc-shim/console_file.h"

#include <poll.h>

#include "libc-shim/poll.h"
#include "libc-shim/touch.h"

bool
console_is_tty(void)
{
	unsigned cols, rows;

	return cmdline_option("tty") != NULL || console_size(&cols, &rows);
}

static long
console_file_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	(void)pos;
	touch(p, len, true);
	return len == 0 ? 0 : console_read(p, len, f->flags & O_NONBLOCK);
}

static long
console_file_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	(void)pos;
	touch(p, len, false);
	console_write(f == &console_files[2] ? 2 : 1, p, len);
	return (long)len;
}

/* Without a terminal the host gives us what is like a pipe. */
static int
console_fstat(struct file *f, struct stat *st)
{
	(void)f;
	st->st_mode = console_is_tty() ? S_IFCHR | 0620 : S_IFIFO | 0600;
	st->st_rdev = console_is_tty() ? DEVICE_NUMBER(5, 0) : 0;
	st->st_nlink = 1;
	st->st_blksize = 1024;
	return 0;
}

static void
input_came(void)
{
	poll_notify(&console_pollq);
}

static unsigned
console_poll(struct file *f, struct pollq **q)
{
	unsigned r = POLLOUT | POLLWRNORM;

	(void)f;
	*q = &console_pollq;
	if (console_readable())
		return r | POLLIN | POLLRDNORM;
	console_notify(input_came);
	return r;
}

static int
console_close(struct file *f)
{
	if (f < console_files || f >= console_files + 3)
		heap_free(f, sizeof(*f));
	return 0;
}

struct pollq console_pollq;

static const struct file_ops console_ops = {
    .read = console_file_read,
    .write = console_file_write,
    .fstat = console_fstat,
    .poll = console_poll,
    .close = console_close,
};

struct file console_files[3] = {
    {.ops = &console_ops, .refs = 1, .flags = O_RDWR},
    {.ops = &console_ops, .refs = 1, .flags = O_RDWR},
    {.ops = &console_ops, .refs = 1, .flags = O_RDWR},
};

bool
file_is_console(const struct file *f)
{
	return f->ops == &console_ops;
}

int
console_open(const struct device_node *d, int flags, struct file **out)
{
	struct file *f = heap_alloc(sizeof(*f));

	(void)d;
	if (f == NULL)
		return -ENOMEM;
	file_init(f, &console_ops, flags);
	*out = f;
	return 0;
}

int
console_tty_open(const struct device_node *d, int flags, struct file **out)
{
	return console_is_tty() ? console_open(d, flags, out) : -ENXIO;
}
