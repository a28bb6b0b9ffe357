/* SPDX-License-Identifier: ISC */
/*
 * From a path to a node, POSIX.1-2017 4.13, and from a directory back to its
 * path.  A symbolic link is followed by putting its target before what is
 * left of the path.
 */
#include <string.h>

#include "libc-shim/vfs.h"

void
walk_end(struct walk *w)
{
	node_put(w->dir);
	node_put(w->node);
	if (w->text != NULL)
		heap_free(w->text, w->text_len);
}

static void
dir_set(struct walk *w, struct node *dir)
{
	node_put(w->dir);
	w->dir = dir;
}

static void
skip_slashes(struct walk *w)
{
	while (*w->rest == '/')
		w->rest++;
}

/* Copies the next component to w->name; true if it is the last. */
static int
take_name(struct walk *w, bool *last)
{
	size_t len = strcspn(w->rest, "/");

	*last = false;
	if (len > VFS_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(w->name, w->rest, len);
	w->name[len] = '\0';
	w->rest += len;
	w->slash = *w->rest == '/';
	skip_slashes(w);
	*last = *w->rest == '\0';
	return 0;
}

/* To the root of what is mounted there, if anything is. */
static struct node *
cross_mounts(struct node *n)
{
	struct node *on;

	while ((on = vfs_mounted(n)) != NULL) {
		node_put(n);
		n = on;
	}
	return n;
}

int
walk_parent(struct node *dir, struct node **out)
{
	struct node *root = vfs_root(), *n = node_ref(dir), *under;
	int err = 0;

	while (n != root && (under = vfs_covered(n)) != NULL) {
		node_put(n);
		n = under;
	}
	if (n == root) {
		*out = n;
		node_put(root);
		return 0;
	}
	err = n->ops->lookup(n, "..", out);
	if (err == 0)
		*out = cross_mounts(*out);
	node_put(n);
	node_put(root);
	return err;
}

static int
look_up(struct walk *w)
{
	int err;

	if (!S_ISDIR(w->dir->type))
		return -ENOTDIR;
	if (strcmp(w->name, "..") == 0)
		return walk_parent(w->dir, &w->node);
	if (strcmp(w->name, ".") == 0 || w->name[0] == '\0') {
		w->node = node_ref(w->dir);
		return 0;
	}
	err = w->dir->ops->lookup(w->dir, w->name, &w->node);
	if (err == 0)
		w->node = cross_mounts(w->node);
	return err;
}

/* Puts the target of link w->node, and a slash if one followed, before the
 * rest of the path. */
static int
splice(struct walk *w)
{
	size_t rest_len = strlen(w->rest), len;
	char *text = heap_alloc(VFS_PATH_MAX);
	long n;

	if (text == NULL)
		return -ENOMEM;
	n = w->node->ops->readlink(w->node, text, VFS_PATH_MAX - 1);
	len = n < 0 ? 0 : (size_t)n;
	if (n >= 0 && len + rest_len + 2 > VFS_PATH_MAX)
		n = -ENAMETOOLONG;
	if (n <= 0) {
		heap_free(text, VFS_PATH_MAX);
		return n == 0 ? -ENOENT : (int)n;
	}
	if (w->slash)
		text[len++] = '/';
	memcpy(text + len, w->rest, rest_len + 1);
	if (w->text != NULL)
		heap_free(w->text, w->text_len);
	w->text = text;
	w->text_len = VFS_PATH_MAX;
	w->rest = text;
	return 0;
}

static int
follow(struct walk *w)
{
	struct node *root;
	int err;

	if (++w->links > VFS_LINKS_MAX)
		return -ELOOP;
	err = splice(w);
	node_put(w->node);
	w->node = NULL;
	if (err != 0 || *w->rest != '/')
		return err;
	root = vfs_root();
	if (root == NULL)
		return -ENOMEM;
	dir_set(w, root);
	skip_slashes(w);
	return 0;
}

/* One component: 0 at the end of the path, 1 if there is more. */
static int
step(struct walk *w, unsigned how)
{
	bool last;
	int err = take_name(w, &last);

	if (err == 0)
		err = look_up(w);
	if (err == -ENOENT && last && strcmp(w->name, "..") != 0)
		return 0;
	if (err != 0)
		return err;
	if (S_ISLNK(w->node->type) &&
	    (!last || w->slash || (how & WALK_FOLLOW))) {
		err = follow(w);
		return err != 0 ? err : 1;
	}
	if (!last) {
		dir_set(w, w->node);
		w->node = NULL;
		return 1;
	}
	return w->slash && !S_ISDIR(w->node->type) ? -ENOTDIR : 0;
}

int
walk_path(struct node *at, const char *path, unsigned how, struct walk *w)
{
	int r;

	memset(w, 0, sizeof(*w));
	if (path[0] == '\0')
		return -ENOENT;
	if (strnlen(path, VFS_PATH_MAX) == VFS_PATH_MAX)
		return -ENAMETOOLONG;
	w->dir = path[0] == '/' ? vfs_root() : node_ref(at);
	if (w->dir == NULL)
		return -ENOMEM;
	w->rest = path;
	skip_slashes(w);
	do {
		r = step(w, how);
	} while (r > 0);
	if (r < 0) {
		walk_end(w);
		return r;
	}
	if (w->name[0] == '\0')
		strcpy(w->name, ".");
	return 0;
}

int
walk_node(struct node *at, const char *path, unsigned how, struct node **out)
{
	struct walk w;
	int err = walk_path(at, path, how, &w);

	if (err != 0)
		return err;
	*out = w.node;
	w.node = NULL;
	walk_end(&w);
	return *out == NULL ? -ENOENT : 0;
}

static int
ino_of(struct node *n, uint64_t *ino)
{
	struct stat st;
	int err = n->ops->getattr(n, &st);

	*ino = st.st_ino;
	return err;
}

/* What directory `dir` calls the node numbered ino. */
static int
name_in(struct node *dir, uint64_t ino, struct vfs_entry *e)
{
	uint64_t cookie = 2;
	int r;

	while ((r = dir->ops->readdir(dir, &cookie, e)) > 0)
		if (e->ino == ino)
			return 0;
	return r < 0 ? r : -ENOENT;
}

/* Puts "/name" of *n before *start and goes to its parent. */
static int
prepend(struct node **n, const char *buf, char **start)
{
	struct node *parent = NULL, *under;
	struct vfs_entry e;
	uint64_t ino = 0;
	size_t len;
	int err;

	while ((under = vfs_covered(*n)) != NULL) {
		node_put(*n);
		*n = under;
	}
	err = (*n)->ops->lookup(*n, "..", &parent);
	if (err == 0)
		err = ino_of(*n, &ino);
	if (err == 0)
		err = name_in(parent, ino, &e);
	len = err == 0 ? strlen(e.name) + 1 : 0;
	if (err == 0 && (size_t)(*start - buf) < len)
		err = -ERANGE;
	if (err == 0) {
		*start -= len;
		**start = '/';
		memcpy(*start + 1, e.name, len - 1);
	}
	if (parent != NULL) {
		node_put(*n);
		*n = cross_mounts(parent);
	}
	return err;
}

int
walk_name_of(struct node *dir, char *buf, size_t len, char **start)
{
	struct node *root = vfs_root(), *n = node_ref(dir);
	int err = 0;

	*start = buf + len - 1;
	**start = '\0';
	while (n != root && err == 0)
		err = prepend(&n, buf, start);
	if (err == 0 && **start == '\0') {
		if (len < 2)
			err = -ERANGE;
		else
			*--*start = '/';
	}
	node_put(n);
	node_put(root);
	return err;
}
