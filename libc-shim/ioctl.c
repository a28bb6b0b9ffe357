/* SPDX-License-Identifier: ISC */
/* ioctl: what all files know, the terminal's size, and the file's own. */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "libc-shim/console_file.h"
#include "libc-shim/shim.h"

static int
nonblock_set(struct file *f, const int *on)
{
	if (*on)
		f->flags |= O_NONBLOCK;
	else
		f->flags &= ~O_NONBLOCK;
	return 0;
}

/* A decimal number at *s, which moves past it. */
static unsigned short
number(const char **s)
{
	unsigned v = 0;

	while (**s >= '0' && **s <= '9' && v < 6553)
		v = 10 * v + (unsigned)(*(*s)++ - '0');
	return (unsigned short)v;
}

/* The device's word, or `sprat.tty=COLUMNSxROWS`, else what terminals are by
 * default. */
static int
window_size(struct winsize *ws)
{
	const char *s = cmdline_option("tty");
	unsigned cols, rows;

	*ws = (struct winsize){24, 80, 0, 0};
	if (console_size(&cols, &rows)) {
		ws->ws_col = (unsigned short)cols;
		ws->ws_row = (unsigned short)rows;
	} else if (s != NULL && *s >= '1' && *s <= '9') {
		ws->ws_col = number(&s);
		if (*s == 'x') {
			s++;
			ws->ws_row = number(&s);
		}
	}
	return 0;
}

/* Of a file with a position: what lies behind it. */
static int
bytes_left(struct file *f, int *out)
{
	int64_t left = f->ops->size(f) - (int64_t)f->pos;

	*out = left < 0 ? 0 : left > 0x7fffffff ? 0x7fffffff : (int)left;
	return 0;
}

static int
request_do(int fd, struct file *f, unsigned long request, void *arg)
{
	switch (request) {
	case FIONBIO:
		return nonblock_set(f, arg);
	case FIOCLEX:
	case FIONCLEX:
		return fd_set_cloexec(fd, request == FIOCLEX);
	case TIOCGWINSZ:
		if (file_is_console(f) && console_is_tty())
			return window_size(arg);
		break;
	case FIONREAD:
		if (f->ops->size != NULL)
			return bytes_left(f, arg);
		break;
	}
	return f->ops->ioctl == NULL ? -ENOTTY : f->ops->ioctl(f, request, arg);
}

PUBLIC int
ioctl(int fd, unsigned long request, ...)
{
	struct file *f = file_get(fd);
	va_list ap;
	void *arg;
	int r;

	if (f == NULL)
		return (int)posix_result(-EBADF);
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	r = request_do(fd, f, request, arg);
	file_put(f);
	return (int)posix_result(r);
}
