/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 mkstemp, mkdtemp and their relatives.  newlib's cannot make
 * directories; all of its file's names are here, so that it stays out.
 */
#include <fcntl.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

#define XS    6
#define TRIES 100

static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static void
fill(char *at)
{
	static unsigned count;
	uint64_t v;
	unsigned i;

	if (random_fill(&v, sizeof(v)) != 0)
		v = clock_ns() * 6364136223846793005ULL;
	v += __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	for (i = 0; i < XS; i++, v /= sizeof(letters) - 1)
		at[i] = letters[v % (sizeof(letters) - 1)];
}

static int
try_file(const char *path, int flags)
{
	return vfs_open_at(
	    AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
}

static int
try_dir(const char *path, int flags)
{
	static const struct node_spec spec = {S_IFDIR | 0700, 0, NULL};
	struct node *made;
	struct walk w;
	int err = vfs_walk_at(AT_FDCWD, path, 0, &w);

	(void)flags;
	if (err != 0)
		return err;
	if (w.node != NULL)
		err = -EEXIST;
	else if (w.dir->ops->create == NULL)
		err = -EROFS;
	else
		err = w.dir->ops->create(w.dir, w.name, &spec, &made);
	walk_end(&w);
	if (err == 0)
		node_put(made);
	return err;
}

/* Only looks: 0 if the name is free. */
static int
try_name(const char *path, int flags)
{
	struct node *n;
	int err = vfs_node_at(AT_FDCWD, path, 0, &n);

	(void)flags;
	if (err == 0)
		node_put(n);
	return err == 0 ? -EEXIST : err == -ENOENT ? 0 : err;
}

/* What `try` gives for the first name that is free; -EINVAL. */
static int
make(char *template, int suffix, int flags, int (*try)(const char *, int))
{
	size_t len = strlen(template);
	unsigned tries = TRIES;
	char *xs;
	int r;

	if (suffix < 0 || len < XS + (size_t)suffix)
		return -EINVAL;
	xs = template + len - (size_t)suffix - XS;
	if (memcmp(xs, "XXXXXX", XS) != 0)
		return -EINVAL;
	do {
		fill(xs);
		r = try(template, flags);
	} while (r == -EEXIST && --tries > 0);
	if (r < 0)
		memset(xs, 'X', XS);
	return r;
}

PUBLIC int
mkstemp(char *template)
{
	return (int)posix_result(make(template, 0, 0, try_file));
}

PUBLIC int
mkostemp(char *template, int flags)
{
	return (int)posix_result(
	    make(template, 0, flags & ~O_ACCMODE, try_file));
}

PUBLIC int
mkstemps(char *template, int suffix)
{
	return (int)posix_result(make(template, suffix, 0, try_file));
}

PUBLIC int
mkostemps(char *template, int suffix, int flags)
{
	return (int)posix_result(
	    make(template, suffix, flags & ~O_ACCMODE, try_file));
}

PUBLIC char *
mkdtemp(char *template)
{
	int err = make(template, 0, 0, try_dir);

	return posix_result(err) < 0 ? NULL : template;
}

/* An empty string on failure. */
PUBLIC char *
mktemp(char *template)
{
	if (posix_result(make(template, 0, 0, try_name)) < 0)
		template[0] = '\0';
	return template;
}
