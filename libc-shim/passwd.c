/* SPDX-License-Identifier: ISC */
/*
 * Users and groups: POSIX.1-2017 <pwd.h> and <grp.h> with one entry each,
 * root, whose home is / and who has no shell.
 */
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "libc-shim/shim.h"

static char name[] = "root", none[] = "", star[] = "*", home[] = "/",
	    shell[] = "/bin/false";
static char *members[] = {name, NULL};
static struct passwd user = {name, star, 0, 0, none, name, home, shell};
static struct group group = {name, star, 0, members};
static bool user_read, group_read; /* by getpwent, getgrent */

PUBLIC struct passwd *
getpwuid(uid_t uid)
{
	return uid == 0 ? &user : NULL;
}

PUBLIC struct passwd *
getpwnam(const char *who)
{
	return strcmp(who, name) == 0 ? &user : NULL;
}

/* The strings are constants, so the buffer is not needed. */
PUBLIC int
getpwuid_r(
    uid_t uid, struct passwd *pw, char *buf, size_t len, struct passwd **result)
{
	(void)buf;
	(void)len;
	*pw = user;
	*result = uid == 0 ? pw : NULL;
	return 0;
}

PUBLIC int
getpwnam_r(const char *who, struct passwd *pw, char *buf, size_t len,
    struct passwd **result)
{
	return getpwuid_r(strcmp(who, name) == 0 ? 0 : 1, pw, buf, len, result);
}

PUBLIC struct passwd *
getpwent(void)
{
	if (user_read)
		return NULL;
	user_read = true;
	return &user;
}

PUBLIC void
setpwent(void)
{
	user_read = false;
}

PUBLIC void
endpwent(void)
{
	user_read = false;
}

PUBLIC struct group *
getgrgid(gid_t gid)
{
	return gid == 0 ? &group : NULL;
}

PUBLIC struct group *
getgrnam(const char *which)
{
	return strcmp(which, name) == 0 ? &group : NULL;
}

PUBLIC int
getgrgid_r(
    gid_t gid, struct group *gr, char *buf, size_t len, struct group **result)
{
	(void)buf;
	(void)len;
	*gr = group;
	*result = gid == 0 ? gr : NULL;
	return 0;
}

PUBLIC int
getgrnam_r(const char *which, struct group *gr, char *buf, size_t len,
    struct group **result)
{
	return getgrgid_r(
	    strcmp(which, name) == 0 ? 0 : 1, gr, buf, len, result);
}

PUBLIC struct group *
getgrent(void)
{
	if (group_read)
		return NULL;
	group_read = true;
	return &group;
}

PUBLIC void
setgrent(void)
{
	group_read = false;
}

PUBLIC void
endgrent(void)
{
	group_read = false;
}

PUBLIC int
initgroups(const char *who, gid_t gid)
{
	(void)who;
	return (int)posix_result(gid == 0 ? 0 : -EPERM);
}
