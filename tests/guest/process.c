/* SPDX-License-Identifier: ISC */
/*
 * One process, root, without children: what a guest answers to the calls that
 * ask about processes, users, the system and its limits.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "check.h"

static void
identity(void)
{
	CHECK(getpid() > 1 && getppid() == 1);
	CHECK(getpgrp() == getpid() && getpgid(0) == getpid());
	CHECK(getsid(getpid()) == getpid());
	CHECK(getsid(999) == -1 && errno == ESRCH);
	CHECK(getuid() == 0 && geteuid() == 0);
	CHECK(getgid() == 0 && getegid() == 0);
	CHECK(setuid(0) == 0 && setgid(0) == 0);
	CHECK(setuid(1000) == -1 && errno == EPERM);
	CHECK(strcmp(getlogin(), "root") == 0);
}

static void
users(void)
{
	struct passwd pw, *found = NULL;
	char buf[64];

	CHECK(getpwuid(0) != NULL && getpwuid(1) == NULL);
	CHECK(strcmp(getpwuid(0)->pw_name, "root") == 0);
	CHECK(getpwnam("root") != NULL && getpwnam("alice") == NULL);
	CHECK(strcmp(getgrgid(0)->gr_name, "root") == 0);
	CHECK(getpwnam_r("root", &pw, buf, sizeof(buf), &found) == 0);
	CHECK(found == &pw && strcmp(pw.pw_dir, "/") == 0);
}

static void
no_children(void)
{
	char *const argv[] = {"true", NULL}, *const envp[] = {NULL};
	int status;
	pid_t pid;

	CHECK(fork() == -1 && errno == ENOSYS);
	CHECK(execve("/bin/true", argv, envp) == -1 && errno == ENOSYS);
	CHECK(execl("/bin/true", "true", (char *)NULL) == -1);
	CHECK(wait(&status) == -1 && errno == ECHILD);
	CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
	CHECK(system(NULL) == 0);
	CHECK(system("true") == -1 && errno == ENOSYS);
	CHECK(popen("true", "r") == NULL && errno == ENOSYS);
	CHECK(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) == ENOSYS);
	CHECK(daemon(0, 0) == -1 && errno == ENOSYS);
	CHECK(setsid() == -1 && errno == EPERM);
	CHECK(WIFEXITED(0x0700) && WEXITSTATUS(0x0700) == 7);
	CHECK(WIFSIGNALED(11) && WTERMSIG(11) == 11);
}

static void
the_system(void)
{
	struct utsname u;
	char name[65];

	CHECK(uname(&u) == 0);
	CHECK(strcmp(u.sysname, "Sprat") == 0);
	CHECK(strcmp(u.machine, "x86_64") == 0);
	CHECK(gethostname(name, sizeof(name)) == 0);
	CHECK(strcmp(name, u.nodename) == 0);
	CHECK(gethostname(name, 1) == -1 && errno == ENAMETOOLONG);
	CHECK(setenv("HOSTNAME", "herring", 1) == 0);
	CHECK(gethostname(name, sizeof(name)) == 0);
	CHECK(strcmp(name, "herring") == 0);
	CHECK(getpagesize() == 4096 && sysconf(_SC_PAGESIZE) == 4096);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) == 1);
	CHECK(sysconf(_SC_PHYS_PAGES) > 100);
	CHECK(sysconf(_SC_AVPHYS_PAGES) < sysconf(_SC_PHYS_PAGES));
	CHECK(sysconf(_SC_THREADS) > 0);
	errno = 0;
	CHECK(sysconf(_SC_TRACE) == -1 && errno == 0);
	CHECK(sysconf(-5) == -1 && errno == EINVAL);
	CHECK(pathconf("/", _PC_NAME_MAX) == 255);
	CHECK(sched_yield() == 0 && sched_getscheduler(0) == SCHED_OTHER);
}

static void
limits(void)
{
	struct rlimit l;

	CHECK(getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur >= 1024);
	l.rlim_cur = 100;
	CHECK(setrlimit(RLIMIT_NOFILE, &l) == 0);
	l.rlim_cur = 0;
	CHECK(getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur == 100);
	l.rlim_max = RLIM_INFINITY;
	CHECK(setrlimit(RLIMIT_NOFILE, &l) == -1 && errno == EPERM);
	CHECK(getrlimit(RLIMIT_STACK, &l) == 0 && l.rlim_cur >= 16384);
	CHECK(getrlimit(99, &l) == -1 && errno == EINVAL);
}

static void
randomness(void)
{
	unsigned char a[32], b[32];

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	if (getrandom(a, sizeof(a), 0) == -1) {
		CHECK(errno == ENOSYS);
		printf("# the machine offers no entropy\n");
		return;
	}
	CHECK(getrandom(b, sizeof(b), 0) == sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK(getentropy(a, 16) == 0);
	CHECK(getentropy(a, 257) == -1 && errno == EIO);
	CHECK(getrandom(a, 1, 0x100) == -1 && errno == EINVAL);
	CHECK(arc4random() != arc4random() || arc4random() != arc4random());
	CHECK(arc4random_uniform(10) < 10);
}

static void
logging(void)
{
	openlog("test", LOG_PID, LOG_USER);
	errno = ENOENT;
	syslog(LOG_INFO, "%d%% of %s: %m", 50, "files");
	CHECK(setlogmask(LOG_UPTO(LOG_ERR)) == LOG_UPTO(LOG_DEBUG));
	syslog(LOG_INFO, "not to be seen");
	closelog();
}

int
main(void)
{
	CHECK_RUN(identity);
	CHECK_RUN(users);
	CHECK_RUN(no_children);
	CHECK_RUN(the_system);
	CHECK_RUN(limits);
	CHECK_RUN(randomness);
	CHECK_RUN(logging);
	return check_failures != 0;
}
