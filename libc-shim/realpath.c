/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 realpath. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

/* The path of what w leads to, at *start in buf of VFS_PATH_MAX bytes. */
static int
path_of(const struct walk *w, char *buf, char **start)
{
	size_t len = strlen(w->name) + 1;
	char *name = buf + VFS_PATH_MAX - len;
	int err;

	if (w->node == NULL)
		return -ENOENT;
	if (S_ISDIR(w->node->type))
		return walk_name_of(w->node, buf, VFS_PATH_MAX, start);
	err = walk_name_of(w->dir, buf, VFS_PATH_MAX - len, start);
	if (err != 0)
		return err;
	name[-1] = '/';
	memcpy(name, w->name, len);
	if (*start == name - 2) /* the root's own slash will do */
		(*start)++;
	return 0;
}

/* To out of PATH_MAX bytes, or memory from malloc if that is NULL. */
static int
resolve(const char *path, char **out)
{
	char *text = heap_alloc(VFS_PATH_MAX), *start;
	struct walk w;
	int err;

	if (text == NULL)
		return -ENOMEM;
	err = vfs_walk_at(AT_FDCWD, path, WALK_FOLLOW, &w);
	if (err == 0) {
		err = path_of(&w, text, &start);
		walk_end(&w);
	}
	if (err == 0 && *out == NULL)
		*out = malloc(strlen(start) + 1);
	if (err == 0 && *out == NULL)
		err = -ENOMEM;
	if (err == 0)
		strcpy(*out, start);
	heap_free(text, VFS_PATH_MAX);
	return err == -ERANGE ? -ENAMETOOLONG : err;
}

PUBLIC char *
realpath(const char *path, char *out)
{
	int err = path == NULL ? -EINVAL : resolve(path, &out);

	return posix_result(err) < 0 ? NULL : out;
}
