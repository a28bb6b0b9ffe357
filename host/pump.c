/* SPDX-License-Identifier: ISC */
/*
 * Carries the guest's input, output and exit status: see run.h.
 *
 * One poll loop; nothing in it blocks.  There is no queue: the next bytes are
 * read from QEMU only when all earlier ones were written, and from our
 * standard input only when QEMU took all earlier ones.  A slow reader thus
 * slows the guest, and order between standard output and error is kept.
 */
#define _GNU_SOURCE 1
#include "host/pump.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/mux.h"
#include "host/name.h"
#include "host/sprat.h"
#include "host/util.h"
#include "kernel/mux.h"

#define GRACE_NS    (2 * NS_PER_S) /* for QEMU to end after the guest */
#define TTY_LOOK_NS (NS_PER_S / 2) /* are we in the foreground again? */
#define ERRORS_MAX  65536          /* of what QEMU says we keep so much */
#define NOISE_MAX   4096           /* of what firmware says, the last */

enum slot { /* of the poll array */
	SLOT_SIGNAL,
	SLOT_CHILD,
	SLOT_FROM,
	SLOT_ERRORS,
	SLOT_TO,
	SLOT_STDIN,
	SLOT_SINK,
	SLOTS
};

/* Ends QEMU; `status` becomes ours, unless another reason came first. */
static void
stop(struct pump *p, int status)
{
	if (p->cause < 0)
		p->cause = status;
	if (!p->ended)
		kill(p->pid, SIGKILL);
	if (p->grace_ns == UINT64_MAX)
		p->grace_ns = util_now_ns() + GRACE_NS;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
keep_noise(struct pump *p, const uint8_t *s, size_t len)
{
	size_t drop;

	text_add(&p->noise, s, len);
	if (p->noise.len <= NOISE_MAX)
		return;
	drop = p->noise.len - NOISE_MAX;
	memmove(p->noise.p, p->noise.p + drop, NOISE_MAX + 1);
	p->noise.len = NOISE_MAX;
}

static void
set_pending(struct pump *p, int fd, const void *s, size_t len)
{
	p->sink = fd;
	p->pending = s;
	p->pending_len = len;
}

static void
handle_event(struct pump *p, const struct mux_event *ev)
{
	switch (ev->kind) {
	case MUX_GOT_FIRMWARE:
		if (p->o->verbose)
			set_pending(p, STDERR_FILENO, ev->data, ev->len);
		else
			keep_noise(p, ev->data, ev->len);
		break;
	case MUX_GOT_START:
		if (p->o->verbose)
			util_report("the guest runs after %.1f ms",
			    (double)(util_now_ns() - p->start_ns) / 1e6);
		break;
	case MUX_GOT_DATA:
		set_pending(p, ev->stream, ev->data, ev->len);
		break;
	case MUX_GOT_ADDRESS:
		text_free(&p->name);
		name_address(&p->namer, ev->value, &p->name);
		set_pending(p, ev->stream, p->name.p, p->name.len);
		break;
	case MUX_GOT_EXIT:
		p->status = (int)ev->value;
		p->grace_ns = util_now_ns() + GRACE_NS;
		close_fd(&p->to);
		break;
	case MUX_GOT_NOTHING:
		break;
	}
}

static void
parse(struct pump *p)
{
	struct mux_event ev;

	if (p->discard)
		p->rest_len = 0;
	while (p->pending_len == 0 && p->rest_len > 0) {
		mux_next(&p->mux, &p->rest, &p->rest_len, &ev);
		handle_event(p, &ev);
	}
}

static void
read_from(struct pump *p)
{
	ssize_t n = read(p->from, p->out_buf, sizeof(p->out_buf));

	if (n > 0) {
		p->rest = p->out_buf;
		p->rest_len = (size_t)n;
	} else if (n == 0 || p->ended || (errno != EAGAIN && errno != EINTR)) {
		close_fd(&p->from);
	}
}

/* True if there may be more at once. */
static bool
read_errors(struct pump *p)
{
	char buf[1024];
	ssize_t n = read(p->err, buf, sizeof(buf));

	if (n > 0 && p->errors.len < ERRORS_MAX)
		text_add(&p->errors, buf, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&p->err);
	return n > 0;
}

/* poll said there is room for PIPE_BUF bytes at least; more might block. */
static void
write_sink(struct pump *p)
{
	size_t len = p->pending_len < PIPE_BUF ? p->pending_len : PIPE_BUF;
	ssize_t n = write(p->sink, p->pending, len);

	if (n >= 0) {
		p->pending += n;
		p->pending_len -= (size_t)n;
		return;
	}
	if (errno == EINTR || errno == EAGAIN)
		return;
	if (errno != EPIPE)
		util_report(
		    "cannot write the program's output: %s", strerror(errno));
	p->pending_len = 0;
	p->discard = true;
	stop(p, errno == EPIPE ? EXIT_SIGNAL + SIGPIPE : EXIT_SPRAT);
}

static void
read_stdin(struct pump *p)
{
	uint8_t buf[sizeof(p->in_buf) / 2];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	p->in_at = 0;
	if (n > 0) {
		p->in_len = mux_escape(p->in_buf, buf, (size_t)n);
		return;
	}
	p->stdin_ended = true;
	p->in_buf[0] = MUX_ESC;
	p->in_buf[1] = MUX_EOF;
	p->in_len = 2;
}

static void
write_to(struct pump *p)
{
	ssize_t n = write(p->to, p->in_buf + p->in_at, p->in_len - p->in_at);

	if (n >= 0)
		p->in_at += (size_t)n;
	else if (errno != EINTR && errno != EAGAIN)
		close_fd(&p->to);
}

static void
take_signal(struct pump *p)
{
	struct signalfd_siginfo si;

	if (read(p->sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	p->discard = true;
	stop(p, EXIT_SIGNAL + (int)si.ssi_signo);
}

static void
take_child(struct pump *p)
{
	if (waitpid(p->pid, &p->wait_status, WNOHANG) == p->pid) {
		p->ended = true;
		close_fd(&p->pidfd);
	}
}

static bool
stdin_is_ours(const struct pump *p)
{
	return !p->stdin_is_tty || tcgetpgrp(STDIN_FILENO) == getpgrp() ||
	       tcgetpgrp(STDIN_FILENO) < 0;
}

/* What we wait for; a negative descriptor is not waited for. */
static void
fill_slots(const struct pump *p, struct pollfd *pf, bool may_read)
{
	bool busy = p->pending_len > 0;
	bool idle_in = p->in_at == p->in_len;

	pf[SLOT_SIGNAL] = (struct pollfd){p->sigfd, POLLIN, 0};
	pf[SLOT_CHILD] = (struct pollfd){p->pidfd, POLLIN, 0};
	pf[SLOT_FROM] = (struct pollfd){busy ? -1 : p->from, POLLIN, 0};
	pf[SLOT_ERRORS] = (struct pollfd){p->err, POLLIN, 0};
	pf[SLOT_TO] = (struct pollfd){idle_in ? -1 : p->to, POLLOUT, 0};
	pf[SLOT_STDIN] =
	    (struct pollfd){may_read && idle_in ? STDIN_FILENO : -1, POLLIN, 0};
	pf[SLOT_SINK] = (struct pollfd){busy ? p->sink : -1, POLLOUT, 0};
}

static int
poll_timeout(const struct pump *p, bool look_again)
{
	uint64_t until = p->deadline_ns, now = util_now_ns();

	if (p->ended && p->pending_len == 0) /* only draining is left */
		return 0;
	if (p->grace_ns < until)
		until = p->grace_ns;
	if (look_again && now + TTY_LOOK_NS < until)
		until = now + TTY_LOOK_NS;
	if (until == UINT64_MAX)
		return -1;
	if (until <= now)
		return 0;
	until = (until - now + 999999) / 1000000;
	return until < INT_MAX ? (int)until : INT_MAX;
}

/* Waits for something to do, and does it.  QEMU's end is looked at last: what
 * it wrote before is then in the pipe already. */
static void
turn(struct pump *p)
{
	bool wants = p->mux.started && !p->stdin_ended && p->to >= 0;
	bool may_read = wants && stdin_is_ours(p);
	struct pollfd pf[SLOTS];

	fill_slots(p, pf, may_read);
	if (poll(pf, SLOTS, poll_timeout(p, wants && !may_read)) < 0)
		return;
	if (pf[SLOT_SIGNAL].revents)
		take_signal(p);
	if (pf[SLOT_SINK].revents && p->pending_len > 0)
		write_sink(p);
	if (pf[SLOT_TO].revents)
		write_to(p);
	if (pf[SLOT_STDIN].revents)
		read_stdin(p);
	if (pf[SLOT_ERRORS].revents)
		read_errors(p);
	if (pf[SLOT_FROM].revents || (p->ended && pf[SLOT_FROM].fd >= 0))
		read_from(p);
	if (pf[SLOT_CHILD].revents)
		take_child(p);
}

static void
check_deadlines(struct pump *p)
{
	uint64_t now = util_now_ns();

	if (now >= p->deadline_ns) {
		util_report("time is up: ended after %.9g s",
		    (double)p->o->timeout_ns / (double)NS_PER_S);
		p->deadline_ns = UINT64_MAX;
		stop(p, EXIT_TIMEOUT);
	}
	if (now < p->grace_ns)
		return;
	p->discard = true; /* it had its time to end and to drain */
	if (!p->ended)
		kill(p->pid, SIGKILL);
	p->grace_ns = now + GRACE_NS;
}

void
pump_loop(struct pump *p)
{
	for (;;) {
		parse(p);
		if (p->ended &&
		    (p->discard || (p->from < 0 && p->pending_len == 0)))
			break;
		turn(p);
		check_deadlines(p);
	}
	while (p->err >= 0 && read_errors(p))
		;
	close_fd(&p->err);
	close_fd(&p->from);
	close_fd(&p->to);
	close_fd(&p->sigfd);
}
