/* SPDX-License-Identifier: ISC */
/*
 * What the system is and how large: POSIX.1-2017 uname, gethostname, sysconf,
 * pathconf, confstr; getpagesize.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "libc-shim/shim.h"

#define RELEASE   "0.1"
#define PATH_LEN  4096
#define NAME_LEN  255
#define FILES_MAX 65536

static const char *
host_name(void)
{
	const char *name = getenv("HOSTNAME");

	return name != NULL && *name != '\0' ? name : "sprat";
}

/* Cut to what dst holds, NUL included. */
static void
copy_name(char *dst, size_t len, const char *src)
{
	size_t n = strlen(src);

	if (n >= len)
		n = len - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

PUBLIC int
uname(struct utsname *u)
{
	copy_name(u->sysname, sizeof(u->sysname), "Sprat");
	copy_name(u->nodename, sizeof(u->nodename), host_name());
	copy_name(u->release, sizeof(u->release), RELEASE);
	copy_name(u->version, sizeof(u->version), RELEASE);
	copy_name(u->machine, sizeof(u->machine), "x86_64");
	return 0;
}

PUBLIC int
gethostname(char *name, size_t len)
{
	const char *host = host_name();

	if (len <= strlen(host))
		return (int)posix_result(-ENAMETOOLONG);
	copy_name(name, len, host);
	return 0;
}

PUBLIC long
gethostid(void)
{
	return 0x7f0100;
}

PUBLIC int
getpagesize(void)
{
	return PAGE_SIZE;
}

/* Limits; -1: none. */
static long
conf_limit(int name)
{
	switch (name) {
	case _SC_PAGESIZE:
		return PAGE_SIZE;
	case _SC_PHYS_PAGES:
		return (long)(page_total() / PAGE_SIZE);
	case _SC_AVPHYS_PAGES:
		return (long)(page_unused() / PAGE_SIZE);
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN:
		return 1;
	case _SC_CLK_TCK:
		return CLOCKS_PER_SEC;
	case _SC_OPEN_MAX:
		return FILES_MAX;
	case _SC_ARG_MAX:
		return 131072;
	case _SC_CHILD_MAX:
	case _SC_NGROUPS_MAX:
	case _SC_AIO_MAX:
		return 0;
	case _SC_IOV_MAX:
		return 1024;
	case _SC_LINE_MAX:
		return 2048;
	case _SC_HOST_NAME_MAX:
		return 64;
	case _SC_LOGIN_NAME_MAX:
	case _SC_TTY_NAME_MAX:
		return 32;
	case _SC_SYMLOOP_MAX:
		return 40;
	case _SC_GETPW_R_SIZE_MAX:
	case _SC_GETGR_R_SIZE_MAX:
		return 64;
	case _SC_THREAD_KEYS_MAX:
		return 1048576;
	case _SC_THREAD_DESTRUCTOR_ITERATIONS:
		return 4;
	case _SC_THREAD_STACK_MIN:
		return 16384;
	case _SC_SEM_VALUE_MAX:
		return INT_MAX;
	case _SC_LEVEL1_DCACHE_LINESIZE:
	case _SC_LEVEL1_ICACHE_LINESIZE:
		return 64;
	default:
		return -1;
	}
}

/* Options of POSIX: their version where offered. */
static bool
conf_offered(int name)
{
	switch (name) {
	case _SC_VERSION:
	case _SC_THREADS:
	case _SC_THREAD_SAFE_FUNCTIONS:
	case _SC_THREAD_ATTR_STACKSIZE:
	case _SC_THREAD_PROCESS_SHARED:
	case _SC_THREAD_CPUTIME:
	case _SC_TIMERS:
	case _SC_TIMEOUTS:
	case _SC_MONOTONIC_CLOCK:
	case _SC_CLOCK_SELECTION:
	case _SC_CPUTIME:
	case _SC_SEMAPHORES:
	case _SC_BARRIERS:
	case _SC_SPIN_LOCKS:
	case _SC_READER_WRITER_LOCKS:
	case _SC_REALTIME_SIGNALS:
	case _SC_FSYNC:
		return true;
	default:
		return false;
	}
}

/* -1 without an error means: no such limit, or no such option. */
PUBLIC long
sysconf(int name)
{
	if (name < 0 || name > _SC_POSIX_26_VERSION)
		return posix_result(-EINVAL);
	return conf_offered(name) ? _POSIX_VERSION : conf_limit(name);
}

PUBLIC long
pathconf(const char *path, int name)
{
	(void)path;
	switch (name) {
	case _PC_PATH_MAX:
		return PATH_LEN;
	case _PC_NAME_MAX:
		return NAME_LEN;
	case _PC_PIPE_BUF:
		return PAGE_SIZE;
	case _PC_LINK_MAX:
		return INT_MAX;
	case _PC_MAX_CANON:
	case _PC_MAX_INPUT:
		return NAME_LEN;
	case _PC_FILESIZEBITS:
		return 64;
	case _PC_NO_TRUNC:
	case _PC_CHOWN_RESTRICTED:
	case _PC_2_SYMLINKS:
		return 1;
	case _PC_VDISABLE:
		return 0;
	default:
		return name < 0 || name > _PC_TIMESTAMP_RESOLUTION
			   ? posix_result(-EINVAL)
			   : -1;
	}
}

PUBLIC long
fpathconf(int fd, int name)
{
	(void)fd;
	return pathconf("", name);
}

/* There are no utilities to find: every string is empty. */
PUBLIC size_t
confstr(int name, char *buf, size_t len)
{
	(void)name;
	if (len > 0)
		buf[0] = '\0';
	return 1;
}
