/* SPDX-License-Identifier: ISC */
/*
 * Who the program is, POSIX.1-2017 getpid, getuid and their kin: process 2,
 * child of 1, alone in its session and group, and root.
 */
#include <string.h>
#include <unistd.h>

#include "libc-shim/process.h"
#include "libc-shim/shim.h"

/* 0 names the caller. */
static int
check_pid(pid_t pid)
{
	return pid == 0 || pid == PROCESS_PID ? 0 : -ESRCH;
}

PUBLIC pid_t
getpid(void)
{
	return PROCESS_PID;
}
LIBC_NAME(getpid);

PUBLIC pid_t
getppid(void)
{
	return PROCESS_PARENT;
}

PUBLIC pid_t
getpgrp(void)
{
	return PROCESS_PID;
}

PUBLIC pid_t
getpgid(pid_t pid)
{
	return (pid_t)posix_result(check_pid(pid) ? -ESRCH : PROCESS_PID);
}

PUBLIC pid_t
getsid(pid_t pid)
{
	return (pid_t)posix_result(check_pid(pid) ? -ESRCH : PROCESS_PID);
}

PUBLIC int
setpgid(pid_t pid, pid_t group)
{
	if (check_pid(pid) != 0)
		return (int)posix_result(-ESRCH);
	return (int)posix_result(check_pid(group) ? -EPERM : 0);
}

PUBLIC int
setpgrp(void)
{
	return 0;
}

/* EPERM: we lead a process group already. */
PUBLIC pid_t
setsid(void)
{
	return (pid_t)posix_result(-EPERM);
}

PUBLIC uid_t
getuid(void)
{
	return 0;
}

PUBLIC uid_t
geteuid(void)
{
	return 0;
}

PUBLIC gid_t
getgid(void)
{
	return 0;
}

PUBLIC gid_t
getegid(void)
{
	return 0;
}

PUBLIC int
issetugid(void)
{
	return 0;
}

/* Only root exists: to become anybody else fails as it does for a user that
 * may not. */
static int
become(unsigned id)
{
	return (int)posix_result(id == 0 || id == (uid_t)-1 ? 0 : -EPERM);
}

PUBLIC int
setuid(uid_t id)
{
	return become(id);
}

PUBLIC int
seteuid(uid_t id)
{
	return become(id);
}

PUBLIC int
setgid(gid_t id)
{
	return become(id);
}

PUBLIC int
setegid(gid_t id)
{
	return become(id);
}

PUBLIC int
setreuid(uid_t real, uid_t effective)
{
	return become(real) < 0 ? -1 : become(effective);
}

PUBLIC int
setregid(gid_t real, gid_t effective)
{
	return become(real) < 0 ? -1 : become(effective);
}

PUBLIC int
getgroups(int n, gid_t *groups)
{
	if (n < 0)
		return (int)posix_result(-EINVAL);
	if (n > 0)
		groups[0] = 0;
	return 1;
}

PUBLIC int
setgroups(int n, const gid_t *groups)
{
	return n == 0 || (n == 1 && groups[0] == 0) ? 0
						    : (int)posix_result(-EPERM);
}

PUBLIC char *
getlogin(void)
{
	static char name[] = "root";

	return name;
}

/* Returns the error number. */
PUBLIC int
getlogin_r(char *name, size_t len)
{
	if (len < sizeof("root"))
		return ERANGE;
	memcpy(name, "root", sizeof("root"));
	return 0;
}

/* Nothing else competes for the processor. */
PUBLIC int
nice(int increment)
{
	(void)increment;
	return 0;
}
