/* SPDX-License-Identifier: ISC */
/*
 * Standard output, error and input over one byte stream, in the protocol of
 * mux.h when the command line asks for it, plain otherwise.  Writers take
 * turns; a reader or a writer that must wait sleeps until the driver's
 * interrupt.
 */
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/mux.h"
#include "kernel/platform.h"

#define CHUNK 256

static const struct console_dev *dev;
static bool mux, seized;
static int stream = 1; /* the one the host now takes our bytes for */

static struct spinlock lock = SPINLOCK("console");
static struct waitq writers; /* for their turn */
static struct waitq events;  /* for the device */
static bool writing;
static void (*notify)(void); /* whom to tell of the next event */

static struct {       /* the reader's half of the protocol */
	bool escaped; /* MUX_ESC was the last byte */
	bool ended;   /* MUX_EOF came: for good */
	bool held;    /* `byte` was looked at, not yet read */
	uint8_t byte;
} in;

void
console_event(void)
{
	uint64_t flags = spin_lock(&lock);
	void (*fn)(void) = notify;

	notify = NULL;
	waitq_wake(&events, -1U);
	spin_unlock(&lock, flags);
	if (fn != NULL)
		fn();
}

void
console_notify(void (*fn)(void))
{
	uint64_t flags = spin_lock(&lock);
	bool now;

	notify = fn;
	now = dev != NULL && dev->want_get();
	spin_unlock(&lock, flags);
	if (now)
		console_event();
}

/* Output can't fail half-way, so an interruption that comes meanwhile is kept
 * for a sleep that can. */
static void
interruption_keep(bool interrupted)
{
	if (interrupted)
		thread_interrupt(thread_current());
}

static void
put_all(const uint8_t *p, size_t len)
{
	bool interrupted = false;
	uint64_t flags;
	size_t n;

	while (len > 0) {
		n = dev->put(p, len);
		p += n;
		len -= n;
		if (n > 0)
			continue;
		if (seized || thread_current() == NULL) {
			cpu_pause();
			continue;
		}
		flags = spin_lock(&lock);
		if (!dev->want_put())
			interrupted |=
			    waitq_sleep(&events, &lock, NS_NEVER) == -EINTR;
		spin_unlock(&lock, flags);
	}
	interruption_keep(interrupted);
}

static void
turn_take(void)
{
	bool interrupted = false;
	uint64_t flags;

	if (seized || thread_current() == NULL)
		return;
	flags = spin_lock(&lock);
	while (writing)
		interrupted |= waitq_sleep(&writers, &lock, NS_NEVER) == -EINTR;
	writing = true;
	spin_unlock(&lock, flags);
	interruption_keep(interrupted);
}

static void
turn_give(void)
{
	uint64_t flags;

	if (seized)
		return;
	flags = spin_lock(&lock);
	writing = false;
	waitq_wake(&writers, 1);
	spin_unlock(&lock, flags);
}

static void
put_encoded(const uint8_t *p, size_t len)
{
	uint8_t out[CHUNK];
	size_t n = 0;

	for (; len > 0; len--) {
		if (*p == MUX_ESC)
			out[n++] = MUX_ESC;
		out[n++] = *p++;
		if (n >= CHUNK - 1) {
			put_all(out, n);
			n = 0;
		}
	}
	put_all(out, n);
}

static void
put_order(uint8_t order)
{
	uint8_t out[2] = {MUX_ESC, order};

	put_all(out, 2);
}

static void
stream_set(int to)
{
	if (!mux || to == stream)
		return;
	put_order(to == 2 ? MUX_ERR : MUX_OUT);
	stream = to;
}

void
console_write(int to, const void *p, size_t len)
{
	if (dev == NULL)
		return;
	turn_take();
	stream_set(to);
	if (mux)
		put_encoded(p, len);
	else
		put_all(p, len);
	turn_give();
}

static void
put_hex(uint64_t v, unsigned digits)
{
	uint8_t c;

	while (digits-- > 0) {
		c = "0123456789abcdef"[v >> (4 * digits) & 15];
		put_all(&c, 1);
	}
}

void
console_address(uintptr_t addr)
{
	if (dev == NULL)
		return;
	turn_take();
	stream_set(2);
	if (mux)
		put_order(MUX_ADDRESS);
	put_hex(addr, 16);
	turn_give();
}

void
console_seize(void)
{
	seized = true;
	if (dev == NULL) /* dying before console_init, or without a console */
		dev = platform->console();
	if (dev == NULL)
		dev = &virtio_console_dev;
	if (dev != NULL && dev->seize != NULL)
		dev->seize();
}

void
console_exit(int status)
{
	if (dev == NULL || (!mux && dev->flush == NULL))
		return;
	turn_take();
	if (mux) {
		put_order(MUX_EXIT); /* and no other thread's turn comes */
		put_hex(status, 2);
	}
	if (dev->flush != NULL)
		dev->flush();
}

/* Takes what the device has and decodes it: bytes stored, 0 if none came. */
static size_t
get_decoded(uint8_t *p, size_t len)
{
	size_t n = 0;
	uint8_t c;
	long r = 0;

	while (n < len && !in.ended && (r = dev->get(&c, 1)) == 1) {
		if (!mux && c == MUX_PLAIN_EOF) {
			in.ended = true;
		} else if (!mux) {
			p[n++] = c == '\r' ? '\n' : c;
		} else if (!in.escaped && c == MUX_ESC) {
			in.escaped = true;
		} else {
			if (in.escaped && c == MUX_EOF)
				in.ended = true;
			else
				p[n++] = c;
			in.escaped = false;
		}
	}
	if (r < 0)
		in.ended = true;
	return n;
}

/* Under the lock: a byte is held, or the input has ended. */
static bool
look(void)
{
	if (!in.held && get_decoded(&in.byte, 1) == 1)
		in.held = true;
	return in.held || in.ended;
}

bool
console_readable(void)
{
	uint64_t flags = spin_lock(&lock);
	bool r = dev == NULL || look();

	spin_unlock(&lock, flags);
	return r;
}

/* Under the lock, which is dropped meanwhile. */
static int
look_wait(void)
{
	int err = 0;

	while (!look() && err == 0) {
		if (!dev->want_get())
			err = waitq_sleep(&events, &lock, NS_NEVER);
	}
	return err;
}

long
console_read(void *p, size_t len, bool nonblock)
{
	uint64_t flags;
	long n = 0;

	if (dev == NULL || len == 0)
		return 0;
	flags = spin_lock(&lock);
	if (!look())
		n = nonblock ? -EAGAIN : look_wait();
	if (n == 0 && in.held) {
		*(uint8_t *)p = in.byte;
		in.held = false;
		n = 1 + get_decoded((uint8_t *)p + 1, len - 1);
	} else if (n == 0 && !mux) {
		in.ended = false; /* as a terminal: one end of file a key */
	}
	spin_unlock(&lock, flags);
	return n;
}

/* Is `word` one of the words between commas? */
static bool
has_word(const char *list, const char *word)
{
	const char *w;

	for (; list != NULL && *list != '\0'; list += *list == ',') {
		for (w = word; *w != '\0' && *list == *w; w++)
			list++;
		if (*w == '\0' &&
		    (*list == '\0' || *list == ',' || *list == ':'))
			return true;
		while (*list != '\0' && *list != ',')
			list++;
	}
	return false;
}

/* `sprat.console=mux`, `virtio`, `mux,virtio`; nothing is probed for a virtio
 * console while there is a better one. */
void
console_init(void)
{
	const char *mode = cmdline_option("console");

	dev = has_word(mode, "virtio") ? NULL : platform->console();
	if (dev == NULL)
		dev = &virtio_console_dev;
	mux = has_word(mode, "mux");
	if (dev != NULL && mux)
		put_order(MUX_START);
}

void
console_start(void)
{
	if (dev == NULL || dev->start == NULL || dev->start())
		return;
	dev = platform->console();
	if (dev == NULL)
		return;
	if (mux)
		put_order(MUX_START);
	log_line("there is no such virtio console; this is the serial port");
}

/* --- the terminal's size --- */

static unsigned columns, lines; /* 0: the device does not tell */

void (*console_resize_hook)(void);

bool
console_size(unsigned *cols, unsigned *rows)
{
	*cols = columns;
	*rows = lines;
	return columns != 0;
}

void
console_resized(unsigned cols, unsigned rows)
{
	if (cols == columns && rows == lines)
		return;
	lines = rows;
	columns = cols;
	if (console_resize_hook != NULL)
		console_resize_hook();
}
