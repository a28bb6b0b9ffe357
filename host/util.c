/* SPDX-License-Identifier: ISC */
/*
 * Messages, memory, time, finding programs: see util.h.
 */
#include "host/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/sprat.h"

static const char *command; /* named in messages; NULL: none yet */

void
util_command(const char *name)
{
	command = name;
}

void
util_report(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	flockfile(stderr);
	fprintf(stderr, command ? "sprat %s: " : "sprat: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void *
util_realloc(void *p, size_t bytes)
{
	void *q = realloc(p, bytes ? bytes : 1);

	if (q == NULL) {
		util_report("out of memory (%zu bytes wanted)", bytes);
		exit(EXIT_SPRAT);
	}
	return q;
}

char *
util_strdup(const char *s)
{
	size_t len = strlen(s) + 1;

	return memcpy(util_realloc(NULL, len), s, len);
}

uint64_t
util_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int
util_write(int fd, const void *p, size_t len)
{
	const char *s = p;
	ssize_t n;

	while (len > 0) {
		n = write(fd, s, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

int
util_open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

/* DIR/NAME if that is an executable file; dir need not be terminated. */
static char *
try_program(const char *dir, size_t dir_len, const char *name)
{
	char *path = util_realloc(NULL, dir_len + strlen(name) + 3);

	if (dir_len == 0) /* an empty part of PATH is the current folder */
		sprintf(path, "./%s", name);
	else
		sprintf(path, "%.*s/%s", (int)dir_len, dir, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *
util_find_program(const char *name)
{
	const char *dir = getenv("PATH");
	char *found;
	size_t len;

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0 ? util_strdup(name) : NULL;
	if (dir == NULL)
		dir = "/usr/local/bin:/usr/bin:/bin";
	for (;; dir += len + 1) {
		len = strcspn(dir, ":");
		found = try_program(dir, len, name);
		if (found != NULL || dir[len] == '\0')
			return found;
	}
}

const char *
util_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
