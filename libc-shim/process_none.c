/* SPDX-License-Identifier: ISC */
/*
 * What one process alone cannot do: POSIX.1-2017 fork, exec, wait, system,
 * popen, posix_spawn, and daemon.  They fail with ENOSYS as on a system that
 * lacks them, the waits with ECHILD as for a process without children.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libc-shim/shim.h"

static int
no_such_call(void)
{
	errno = ENOSYS;
	return -1;
}

static pid_t
no_child(void)
{
	errno = ECHILD;
	return -1;
}

PUBLIC pid_t
fork(void)
{
	return no_such_call();
}

PUBLIC pid_t
vfork(void)
{
	return no_such_call();
}

PUBLIC int
daemon(int nochdir, int noclose)
{
	(void)nochdir;
	(void)noclose;
	return no_such_call();
}

PUBLIC int
execve(const char *path, char *const argv[], char *const envp[])
{
	(void)path;
	(void)argv;
	(void)envp;
	return no_such_call();
}

PUBLIC int
execv(const char *path, char *const argv[])
{
	(void)path;
	(void)argv;
	return no_such_call();
}

PUBLIC int
execvp(const char *file, char *const argv[])
{
	(void)file;
	(void)argv;
	return no_such_call();
}

PUBLIC int
execl(const char *path, const char *arg, ...)
{
	(void)path;
	(void)arg;
	return no_such_call();
}

PUBLIC int
execle(const char *path, const char *arg, ...)
{
	(void)path;
	(void)arg;
	return no_such_call();
}

PUBLIC int
execlp(const char *file, const char *arg, ...)
{
	(void)file;
	(void)arg;
	return no_such_call();
}

PUBLIC pid_t
wait(int *status)
{
	(void)status;
	return no_child();
}

PUBLIC pid_t
waitpid(pid_t pid, int *status, int options)
{
	(void)pid;
	(void)status;
	(void)options;
	return no_child();
}

PUBLIC int
waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	(void)type;
	(void)id;
	(void)info;
	(void)options;
	return no_child();
}

PUBLIC pid_t
wait3(int *status, int options, struct rusage *usage)
{
	(void)status;
	(void)options;
	(void)usage;
	return no_child();
}

PUBLIC pid_t
wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	(void)pid;
	(void)status;
	(void)options;
	(void)usage;
	return no_child();
}

/* system(NULL) asks whether there is a shell. */
PUBLIC int
system(const char *command)
{
	return command == NULL ? 0 : no_such_call();
}

PUBLIC FILE *
popen(const char *command, const char *mode)
{
	(void)command;
	(void)mode;
	no_such_call();
	return NULL;
}

PUBLIC int
pclose(FILE *f)
{
	(void)f;
	return no_child();
}

/* These return the error number. */

PUBLIC int
posix_spawn(pid_t *restrict pid, const char *restrict path,
    const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *restrict attr, char *const argv[],
    char *const envp[])
{
	(void)pid;
	(void)path;
	(void)actions;
	(void)attr;
	(void)argv;
	(void)envp;
	return ENOSYS;
}

PUBLIC int
posix_spawnp(pid_t *restrict pid, const char *restrict file,
    const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *restrict attr, char *const argv[],
    char *const envp[])
{
	(void)pid;
	(void)file;
	(void)actions;
	(void)attr;
	(void)argv;
	(void)envp;
	return ENOSYS;
}

PUBLIC int
posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
	(void)actions;
	return ENOSYS;
}

PUBLIC int
posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
	(void)actions;
	return ENOSYS;
}

PUBLIC int
posix_spawnattr_init(posix_spawnattr_t *attr)
{
	(void)attr;
	return ENOSYS;
}

PUBLIC int
posix_spawnattr_destroy(posix_spawnattr_t *attr)
{
	(void)attr;
	return ENOSYS;
}
