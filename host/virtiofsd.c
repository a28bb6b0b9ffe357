/* SPDX-License-Identifier: ISC */
/*
 * Servers of shared folders: see virtiofsd.h.  The sockets lie in a folder of
 * their own; each listens before its server starts, which gets it as a
 * descriptor, so nobody waits for a server to be ready.
 */
#define _GNU_SOURCE 1
#include "host/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/quote.h"
#include "host/spawn.h"
#include "host/util.h"

/* Where Debian's qemu-system-common has it. */
#define DEBIANS  "/usr/lib/qemu/virtiofsd"
#define TEMPLATE "/tmp/sprat-XXXXXX"

bool
virtiofsd_serves(const struct run_options *o, size_t i)
{
	return strcmp(o->fs_types.v[i], "virtiofs") == 0;
}

void
virtiofsd_socket(const struct run_options *o, size_t i, struct text *t)
{
	text_addf(t, "%s/fs%zu", o->sockets != NULL ? o->sockets : TEMPLATE, i);
}

/* What it says is of interest only if all fails. */
static int
open_log(const struct run_options *o, int flags)
{
	struct text path = {0};
	int fd;

	text_addf(&path, "%s/log", o->sockets);
	fd = open(path.p, flags | O_APPEND | O_CLOEXEC, 0600);
	text_free(&path);
	return fd;
}

static void
show_log(const struct run_options *o)
{
	int fd = open_log(o, O_RDONLY);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char *line = NULL;
	size_t cap = 0;

	while (f != NULL && getline(&line, &cap, f) > 0)
		fprintf(stderr, "virtiofsd: %s", line);
	free(line);
	if (f != NULL)
		fclose(f);
}

/* Its options but for the socket. */
static void
arguments(const struct run_options *o, size_t i, struct words *argv)
{
	struct text t = {0};

	text_adds(&t, "source=");
	quote_fuse(&t, o->fs_dirs.v[i]);
	words_add(argv, "virtiofsd");
	words_add(argv, "-o");
	words_give(argv, text_take(&t));
	words_add(argv, "-o");
	words_add(argv, "sandbox=chroot,log_level=err");
}

/* A listening socket that a child inherits, or -errno. */
static int
listen_at(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, err = 0;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		err = errno;
	if (err != 0)
		close(fd);
	return err != 0 ? -err : fd;
}

static int
start_one(struct run_options *o, const char *program, size_t i)
{
	int fds[3] = {-1, -1, -1};
	struct words argv = {0};
	struct text path = {0};
	int fd;
	pid_t pid;

	virtiofsd_socket(o, i, &path);
	fd = listen_at(path.p);
	text_free(&path);
	if (fd < 0)
		return fd;
	arguments(o, i, &argv);
	words_addf(&argv, "--fd=%d", fd);
	fds[2] = open_log(o, O_WRONLY | O_CREAT);
	pid = spawn_start(program, argv.v, fds);
	words_free(&argv);
	close(fds[2]);
	close(fd);
	o->servers[i] = pid > 0 ? pid : 0;
	return pid < 0 ? (int)pid : 0;
}

static bool
start_all(struct run_options *o, const char *program)
{
	char folder[] = TEMPLATE;
	int err = 0;
	size_t i;

	o->servers = util_realloc(NULL, o->fs_dirs.n * sizeof(*o->servers));
	memset(o->servers, 0, o->fs_dirs.n * sizeof(*o->servers));
	if (mkdtemp(folder) == NULL)
		err = -errno;
	else
		o->sockets = util_strdup(folder);
	for (i = 0; i < o->fs_dirs.n && err == 0; i++)
		if (virtiofsd_serves(o, i))
			err = start_one(o, program, i);
	if (err != 0)
		util_report("cannot start %s: %s", program, strerror(-err));
	return err == 0;
}

/* For free(), or NULL. */
static char *
find_program(void)
{
	char *program = util_find_program("virtiofsd");

	if (program == NULL && access(DEBIANS, X_OK) == 0)
		program = util_strdup(DEBIANS);
	return program;
}

bool
virtiofsd_start(struct run_options *o)
{
	char *program;
	bool ok;

	if (!devices_share_memory(o) || o->dry_run)
		return true;
	program = find_program();
	if (program == NULL) {
		util_report("--virtiofs: virtiofsd not found; apt install "
			    "qemu-system-common");
		return false;
	}
	ok = start_all(o, program);
	free(program);
	return ok;
}

void
virtiofsd_stop(struct run_options *o, bool failed)
{
	struct text path = {0};
	size_t i;

	if (o->servers == NULL)
		return;
	for (i = 0; i < o->fs_dirs.n; i++) {
		if (o->servers[i] == 0)
			continue;
		kill(o->servers[i], SIGKILL);
		waitpid(o->servers[i], NULL, 0);
		virtiofsd_socket(o, i, &path);
		unlink(path.p);
		text_free(&path);
	}
	if (o->sockets != NULL) {
		if (failed)
			show_log(o);
		text_addf(&path, "%s/log", o->sockets);
		unlink(path.p);
		text_free(&path);
		rmdir(o->sockets);
	}
	free(o->sockets);
	free(o->servers);
}

void
virtiofsd_print(const struct run_options *o, struct text *out)
{
	struct words argv = {0};
	struct text path = {0};
	char *program;
	size_t i, k;

	if (!devices_share_memory(o))
		return;
	program = find_program();
	virtiofsd_socket(o, 0, &path);
	text_addf(out, "mkdir -p %.*s\n", (int)(strrchr(path.p, '/') - path.p),
	    path.p);
	text_free(&path);
	for (i = 0; i < o->fs_dirs.n; i++) {
		if (!virtiofsd_serves(o, i))
			continue;
		virtiofsd_socket(o, i, &path);
		arguments(o, i, &argv);
		words_addf(&argv, "--socket-path=%s", path.p);
		text_addf(out, "%s ", program != NULL ? program : argv.v[0]);
		for (k = 1; k < argv.n; k++) {
			quote_shell(out, argv.v[k]);
			text_addc(out, ' ');
		}
		text_addf(
		    out, "&\nuntil [ -S %s ]; do sleep 0.1; done\n", path.p);
		words_free(&argv);
		text_free(&path);
	}
	free(program);
}
