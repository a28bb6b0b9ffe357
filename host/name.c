/* SPDX-License-Identifier: ISC */
/*
 * Code addresses in words: see name.h.  Names come from the image's own
 * symbols; lines from addr2line (binutils), which knows DWARF so that we need
 * not.  It is started once, as it may take long to read a big program, and
 * answers one line for each address written to it.
 */
#define _GNU_SOURCE 1
#include "host/name.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/spawn.h"
#include "host/util.h"

#define ANSWER_NS  (5 * NS_PER_S)
#define ANSWER_MAX 512

static void
stop(struct namer *n)
{
	if (n->pid <= 0)
		return;
	close(n->to);
	close(n->from);
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
	n->pid = 0;
}

static bool
spawn_addr2line(struct namer *n, const char *path, int null)
{
	char *const argv[] = {"addr2line", "-se", (char *)n->path, NULL};
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return false;
	if (pipe2(from, O_CLOEXEC) < 0) {
		close(to[0]);
		close(to[1]);
		return false;
	}
	n->to = to[1];
	n->from = from[0];
	n->pid = spawn_start(path, argv, (const int[]){to[0], from[1], null});
	close(to[0]);
	close(from[1]);
	if (n->pid > 0)
		return true;
	close(to[1]);
	close(from[0]);
	return false;
}

/* At the first address: addr2line if it is there and has lines to find. */
static void
start(struct namer *n)
{
	char *path;
	int null;

	n->looked = true;
	if (!elf_has_section(n->elf, ".debug_line"))
		return;
	path = util_find_program("addr2line");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (path != NULL && null >= 0)
		spawn_addr2line(n, path, null);
	if (null >= 0)
		close(null);
	free(path);
}

/* Reads an answer up to its newline; false if none comes. */
static bool
read_answer(const struct namer *n, char *buf)
{
	uint64_t deadline = util_now_ns() + ANSWER_NS;
	struct pollfd pf = {.fd = n->from, .events = POLLIN};
	size_t len = 0;
	ssize_t got;

	while (len < ANSWER_MAX - 1 && util_now_ns() < deadline) {
		if (poll(&pf, 1, 100) <= 0)
			continue;
		got = read(n->from, buf + len, ANSWER_MAX - 1 - len);
		if (got <= 0)
			return false;
		len += (size_t)got;
		if (buf[len - 1] == '\n') {
			buf[len - 1] = '\0';
			return true;
		}
	}
	return false;
}

/* Appends " (file:line)" if addr2line knows it. */
static void
add_line(struct namer *n, uint64_t addr, struct text *out)
{
	char answer[ANSWER_MAX], question[24];
	int len;

	if (!n->looked)
		start(n);
	if (n->pid <= 0)
		return;
	len = snprintf(question, sizeof(question), "0x%" PRIx64 "\n", addr);
	if (util_write(n->to, question, (size_t)len) < 0 ||
	    !read_answer(n, answer)) {
		stop(n);
		return;
	}
	if (strchr(answer, '?') == NULL) /* it may add "(discriminator 2)" */
		text_addf(out, " (%.*s)", (int)strcspn(answer, " "), answer);
}

void
name_address(struct namer *n, uint64_t addr, struct text *out)
{
	struct elf_symbol s;

	text_addf(out, "0x%" PRIx64, addr);
	if (!elf_symbol_at(n->elf, addr, &s))
		return;
	text_addf(out, " %s+0x%" PRIx64, s.name, addr - s.value);
	add_line(n, addr, out);
}

void
name_fini(struct namer *n)
{
	stop(n);
}
