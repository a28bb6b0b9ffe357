/* SPDX-License-Identifier: ISC */
/*
 * Pipes: POSIX.1-2017 pipe; pipe2.  A ring of bytes between two open files;
 * what is written in one call of up to PIPE_BUF bytes stays together.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libc-shim/poll.h"
#include "libc-shim/io.h"
#include "libc-shim/signals.h"

#define RING_PAGES 16
#define RING_LEN   (RING_PAGES * PAGE_SIZE)

struct pipe_end {
	struct file file;
	struct pipe *pipe;
};

struct pipe {
	struct sleeplock lock; /* of all that follows */
	struct waitq readers, writers;
	struct pollq pollq;
	size_t head, len; /* of what is in the ring */
	char *ring;
	bool has_reader, has_writer;
};

static struct pipe *
pipe_of(struct file *f)
{
	return ((struct pipe_end *)f)->pipe;
}

/* Both sides' sleepers look again. */
static void
changed(struct pipe *p)
{
	sleeplock_wake(&p->lock, &p->readers, -1U);
	sleeplock_wake(&p->lock, &p->writers, -1U);
	poll_notify(&p->pollq);
}

/* Copies out of or into the ring from `at`, which wraps. */
static void
ring_copy(struct pipe *p, size_t at, char *out, const char *in, size_t len)
{
	size_t now;

	for (; len > 0; len -= now, at += now) {
		at %= RING_LEN;
		now = RING_LEN - at < len ? RING_LEN - at : len;
		if (out != NULL) {
			memcpy(out, p->ring + at, now);
			out += now;
		} else {
			memcpy(p->ring + at, in, now);
			in += now;
		}
	}
}

static long
read_locked(struct pipe *p, char *to, size_t len, bool wait)
{
	int err;

	while (p->len == 0) {
		if (!p->has_writer)
			return 0;
		if (!wait)
			return -EAGAIN;
		err = sleeplock_wait(&p->lock, &p->readers, NS_NEVER);
		if (err != 0)
			return err;
	}
	if (len > p->len)
		len = p->len;
	ring_copy(p, p->head, to, NULL, len);
	p->head = (p->head + len) % RING_LEN;
	p->len -= len;
	changed(p);
	return (long)len;
}

static long
pipe_read(struct file *f, void *to, size_t len, uint64_t *pos)
{
	struct pipe *p = pipe_of(f);
	long r;

	(void)pos;
	if (len == 0)
		return 0;
	sleeplock_take(&p->lock);
	r = read_locked(p, to, len, !(f->flags & O_NONBLOCK));
	sleeplock_give(&p->lock);
	return r;
}

/* Waits until `need` bytes fit. */
static int
room_wait(struct pipe *p, size_t need, bool wait)
{
	int err;

	for (;;) {
		if (!p->has_reader)
			return -EPIPE;
		if (RING_LEN - p->len >= need)
			return 0;
		if (!wait)
			return -EAGAIN;
		err = sleeplock_wait(&p->lock, &p->writers, NS_NEVER);
		if (err != 0)
			return err;
	}
}

static long
write_locked(struct pipe *p, const char *from, size_t len, bool wait)
{
	size_t need = len <= PIPE_BUF ? len : 1, done = 0, now;
	int err;

	while (done < len) {
		err = room_wait(p, need, wait);
		if (err != 0)
			return done > 0 ? (long)done : err;
		now = RING_LEN - p->len;
		if (now > len - done)
			now = len - done;
		ring_copy(p, p->head + p->len, NULL, from + done, now);
		p->len += now;
		done += now;
		changed(p);
	}
	return (long)done;
}

static long
pipe_write(struct file *f, const void *from, size_t len, uint64_t *pos)
{
	struct pipe *p = pipe_of(f);
	long r;

	(void)pos;
	sleeplock_take(&p->lock);
	r = write_locked(p, from, len, !(f->flags & O_NONBLOCK));
	sleeplock_give(&p->lock);
	if (r == -EPIPE)
		signal_send(thread_current(), SIGPIPE,
		    (struct thread_signal_note){NULL, SI_KERNEL});
	return r;
}

static unsigned
pipe_poll(struct file *f, struct pollq **q)
{
	struct pipe *p = pipe_of(f);
	bool reads = (f->flags & O_ACCMODE) == O_RDONLY;
	unsigned r = 0;

	*q = &p->pollq;
	sleeplock_take(&p->lock);
	if (reads && p->len > 0)
		r |= POLLIN | POLLRDNORM;
	if (reads && !p->has_writer)
		r |= POLLHUP;
	if (!reads && !p->has_reader)
		r |= POLLERR;
	else if (!reads && RING_LEN - p->len >= PIPE_BUF)
		r |= POLLOUT | POLLWRNORM;
	sleeplock_give(&p->lock);
	return r;
}

static int
pipe_fstat(struct file *f, struct stat *st)
{
	(void)f;
	st->st_mode = S_IFIFO | 0600;
	st->st_nlink = 1;
	st->st_blksize = PIPE_BUF;
	return 0;
}

static int
pipe_ioctl(struct file *f, unsigned long request, void *arg)
{
	if (request != FIONREAD)
		return -ENOTTY;
	*(int *)arg = (int)pipe_of(f)->len;
	return 0;
}

static void
pipe_free(struct pipe *p)
{
	page_free(p->ring, RING_PAGES);
	heap_free(p, sizeof(*p));
}

static int
pipe_close(struct file *f)
{
	struct pipe *p = pipe_of(f);
	bool last;

	sleeplock_take(&p->lock);
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		p->has_reader = false;
	else
		p->has_writer = false;
	last = !p->has_reader && !p->has_writer;
	changed(p);
	sleeplock_give(&p->lock);
	if (last)
		pipe_free(p);
	heap_free(f, sizeof(struct pipe_end));
	return 0;
}

static const struct file_ops reader_ops = {
    .read = pipe_read,
    .fstat = pipe_fstat,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
    .close = pipe_close,
};

static const struct file_ops writer_ops = {
    .write = pipe_write,
    .fstat = pipe_fstat,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
    .close = pipe_close,
};

static struct pipe *
pipe_make(void)
{
	struct pipe *p = heap_alloc(sizeof(*p));

	if (p == NULL)
		return NULL;
	p->ring = page_alloc(RING_PAGES);
	if (p->ring == NULL) {
		heap_free(p, sizeof(*p));
		return NULL;
	}
	return p;
}

/* An end of p; closing the last of the two frees it. */
static struct file *
end_make(struct pipe *p, int flags)
{
	struct pipe_end *e = heap_alloc(sizeof(*e));
	bool reads = (flags & O_ACCMODE) == O_RDONLY;

	if (e == NULL)
		return NULL;
	file_init(&e->file, reads ? &reader_ops : &writer_ops, flags);
	e->pipe = p;
	if (reads)
		p->has_reader = true;
	else
		p->has_writer = true;
	return &e->file;
}

static int
install_both(struct file *r, struct file *w, int *fd, bool cloexec)
{
	fd[0] = fd_install(r, 0, cloexec);
	if (fd[0] < 0) {
		file_put(r);
		file_put(w);
		return fd[0];
	}
	fd[1] = fd_install(w, 0, cloexec);
	if (fd[1] < 0) {
		fd_close(fd[0]);
		file_put(w);
		return fd[1];
	}
	return 0;
}

static int
pipe_open(int *fd, int flags)
{
	struct pipe *p;
	struct file *r, *w;
	int made[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	p = pipe_make();
	if (p == NULL)
		return -ENOMEM;
	r = end_make(p, O_RDONLY | (flags & O_NONBLOCK));
	if (r == NULL) {
		pipe_free(p);
		return -ENOMEM;
	}
	w = end_make(p, O_WRONLY | (flags & O_NONBLOCK));
	if (w == NULL) {
		file_put(r);
		return -ENOMEM;
	}
	err = install_both(r, w, made, flags & O_CLOEXEC);
	if (err == 0)
		memcpy(fd, made, sizeof(made));
	return err;
}

PUBLIC int
pipe(int fd[2])
{
	return (int)posix_result(pipe_open(fd, 0));
}

PUBLIC int
pipe2(int fd[2], int flags)
{
	return (int)posix_result(pipe_open(fd, flags));
}
