/* SPDX-License-Identifier: ISC */
/*
 * One run of a guest from the start of QEMU to the exit status: see run.h.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/pump.h"
#include "host/spawn.h"
#include "host/sprat.h"
#include "host/util.h"

#define INPUT_PIPE 4096 /* the less we read ahead, the better for others */

/* Signals that end us arrive as bytes; those our parent ignores stay so. */
static int
open_signals(void)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct sigaction sa;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		if (sigaction(ending[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(&set, ending[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Starts QEMU on three pipes.  0 or -errno. */
static int
start(struct pump *p, const char *path, const struct words *argv)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, err[2] = {-1, -1};
	int fds[3];

	p->sigfd = open_signals();
	if (p->sigfd < 0 || pipe2(to, O_CLOEXEC) < 0 ||
	    pipe2(from, O_CLOEXEC) < 0 ||
	    (!p->o->verbose && pipe2(err, O_CLOEXEC) < 0))
		return -errno;
	fcntl(to[1], F_SETPIPE_SZ, INPUT_PIPE);
	fcntl(to[1], F_SETFL, O_NONBLOCK);
	fcntl(from[0], F_SETFL, O_NONBLOCK);
	fds[0] = to[0];
	fds[1] = from[1];
	fds[2] = err[1];
	p->pid = spawn_start(path, argv->v, fds);
	close(to[0]);
	close(from[1]);
	if (err[1] >= 0) {
		fcntl(err[0], F_SETFL, O_NONBLOCK);
		close(err[1]);
	}
	p->to = to[1];
	p->from = from[0];
	p->err = err[0];
	return p->pid < 0 ? p->pid : 0;
}

/* `t` on standard error, each line after `prefix`. */
static void
show_lines(const char *prefix, const struct text *t)
{
	const char *s = t->p, *end = s + t->len;
	size_t len;

	while (s < end) {
		len = strcspn(s, "\n");
		if (len > 0)
			fprintf(stderr, "%s%.*s\n", prefix, (int)len, s);
		s += len + 1;
	}
}

static void
say_how_it_ended(const struct pump *p)
{
	int ws = p->wait_status;

	if (WIFSIGNALED(ws))
		util_report("QEMU was killed by signal %d (%s)", WTERMSIG(ws),
		    strsignal(WTERMSIG(ws)));
	else if (WEXITSTATUS(ws) != 0)
		util_report("QEMU failed with status %d%s", WEXITSTATUS(ws),
		    p->errors.len > 0 ? ", saying what is above"
				      : "; -v shows more");
	else if (p->mux.started)
		util_report("the guest stopped without an exit status (reset "
			    "or triple fault?); --gdb may show why");
	else
		util_report("the guest stopped before it could say anything; "
			    "is %s damaged, or -m too small?",
		    p->o->image);
}

/* The exit status of `sprat run`; says what went wrong, if something did. */
static int
judge(const struct pump *p)
{
	bool own_end = p->cause < 0 && p->status < 0;

	if (own_end || (p->cause == EXIT_TIMEOUT && !p->mux.started)) {
		show_lines("guest: ", &p->noise);
		show_lines("qemu: ", &p->errors);
	}
	if (own_end)
		say_how_it_ended(p);
	if (p->cause >= 0)
		return p->cause;
	return p->status >= 0 ? p->status : EXIT_SPRAT;
}

static void
fini(struct pump *p)
{
	name_fini(&p->namer);
	text_free(&p->name);
	text_free(&p->noise);
	text_free(&p->errors);
	free(p);
}

static struct pump *
init(const struct run_options *o, const struct elf *e)
{
	struct pump *p = util_realloc(NULL, sizeof(*p));

	*p = (struct pump){
	    .o = o,
	    .to = -1,
	    .from = -1,
	    .err = -1,
	    .status = -1,
	    .cause = -1,
	    .start_ns = util_now_ns(),
	    .deadline_ns = UINT64_MAX,
	    .grace_ns = UINT64_MAX,
	    .namer = {.elf = e, .path = o->image},
	    .stdin_is_tty = isatty(STDIN_FILENO),
	};
	if (o->timeout_ns > 0)
		p->deadline_ns = p->start_ns + o->timeout_ns;
	return p;
}

int
session_run(const struct run_options *o, const struct elf *e, const char *path,
    const struct words *argv)
{
	struct pump *p = init(o, e);
	int err, status;

	err = start(p, path, argv);
	if (err == 0) {
		p->pidfd = pidfd_open(p->pid, 0);
		if (p->pidfd < 0) {
			err = -errno;
			kill(p->pid, SIGKILL);
		}
	}
	if (err < 0) {
		util_report("cannot start %s: %s", path, strerror(-err));
		fini(p);
		return EXIT_SPRAT;
	}
	pump_loop(p);
	if (o->verbose)
		util_report("QEMU ended after %.1f ms",
		    (double)(util_now_ns() - p->start_ns) / 1e6);
	status = judge(p);
	fini(p);
	return status;
}
