/* SPDX-License-Identifier: ISC */
/*
 * Starting another program that never outlives us: see spawn.h.
 */
#define _GNU_SOURCE 1
#include "host/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/util.h"

/* The child's side of spawn_start; reports a failed exec through `fail`. */
static void
child(const char *path, char *const argv[], const int fds[3], pid_t parent,
    int fail)
{
	sigset_t none;
	int i, err;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before the promise was made */
		_exit(EXIT_FAILURE);
	for (i = 0; i < 3; i++) {
		if (fds[i] >= 0 && dup2(fds[i], i) < 0)
			goto fail;
	}
	execv(path, argv);
fail:
	err = errno;
	util_write(fail, &err, sizeof(err));
	_exit(EXIT_FAILURE);
}

pid_t
spawn_start(const char *path, char *const argv[], const int fds[3])
{
	pid_t parent = getpid(), pid;
	int fail[2], err = 0;
	ssize_t n;

	if (pipe2(fail, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(path, argv, fds, parent, fail[1]);
	if (pid < 0)
		err = errno;
	close(fail[1]);
	do
		n = read(fail[0], &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(fail[0]);
	if (err != 0 && pid > 0)
		waitpid(pid, NULL, 0);
	return err != 0 ? -err : pid;
}
