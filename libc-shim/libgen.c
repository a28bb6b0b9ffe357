/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 basename and dirname: both may write to the path. */
#include <libgen.h>
#include <string.h>

#include "libc-shim/shim.h"

/* Cuts slashes off the end, but not the first character. */
static size_t
cut_slashes(char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	return len;
}

PUBLIC char *
basename(char *path)
{
	char *slash;

	if (path == NULL || path[0] == '\0')
		return (char *)".";
	if (cut_slashes(path, strlen(path)) == 1)
		return path;
	slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

PUBLIC char *
dirname(char *path)
{
	size_t len;

	if (path == NULL || path[0] == '\0')
		return (char *)".";
	len = cut_slashes(path, strlen(path));
	while (len > 0 && path[len - 1] != '/')
		len--;
	if (len == 0)
		return (char *)".";
	path[len] = '\0';
	cut_slashes(path, len);
	return path;
}
