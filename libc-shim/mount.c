/* SPDX-License-Identifier: ISC */
/* Mounting by the command line and by mount(2); see mount.h. */
#include "libc-shim/mount.h"

#include <string.h>
#include <sys/mount.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

#define OPTION_MAX VFS_PATH_MAX
#define FLAGS_KNOWN                                                            \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |           \
	    MS_NODIRATIME | MS_RELATIME)

struct mount_type {
	const char *name;
	int (*mount)(const char *tag, bool readonly, struct node **root);
};

static const struct mount_type types[] = {
    {"9p", p9_mount},
    {"virtiofs", fuse_mount},
    {NULL, NULL},
};

static const struct mount_type *
type_find(const char *name)
{
	const struct mount_type *t = types;

	while (t->name != NULL && strcmp(t->name, name) != 0)
		t++;
	return t->name == NULL ? NULL : t;
}

/* --- the command line --- */

/* The parts of an option's value, cut apart in `text`. */
struct option {
	char text[OPTION_MAX];
	char *type, *tag, *path;
	bool readonly;
};

static int
option_split(const char *value, struct option *o)
{
	char *end;
	size_t len = strlen(value);

	if (len >= sizeof(o->text))
		return -EINVAL;
	o->type = memcpy(o->text, value, len + 1);
	o->tag = strchr(o->type, ':');
	if (o->tag == NULL)
		return -EINVAL;
	*o->tag++ = '\0';
	o->path = strchr(o->tag, ':');
	if (o->path == NULL || o->path == o->tag || o->path[1] != '/')
		return -EINVAL;
	*o->path++ = '\0';
	end = o->path + strlen(o->path) - 3;
	o->readonly = end > o->path && strcmp(end, ":ro") == 0;
	if (o->readonly || (end > o->path && strcmp(end, ":rw") == 0))
		*end = '\0';
	return 0;
}

/* The directory at the path, made if it is missing. */
static int
directory_make(struct node *root, const char *path, struct node **out)
{
	static const struct node_spec spec = {S_IFDIR | 0755, 0, NULL};
	struct walk w;
	int err = walk_path(root, path, WALK_FOLLOW, &w);

	if (err != 0)
		return err;
	*out = w.node;
	w.node = NULL;
	if (*out == NULL && w.dir->ops->create == NULL)
		err = -EROFS;
	else if (*out == NULL)
		err = w.dir->ops->create(w.dir, w.name, &spec, out);
	walk_end(&w);
	return err;
}

/* The same with all directories on the way. */
static int
directories_make(char *path, struct node **out)
{
	struct node *root = vfs_root();
	char *slash = path;
	int err = root == NULL ? -ENOMEM : 0;

	while (err == 0 && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		err = directory_make(root, path, out);
		*slash = '/';
		if (err == 0)
			node_put(*out);
	}
	if (err == 0)
		err = directory_make(root, path, out);
	node_put(root);
	return err;
}

/* Mounts at `on`; `say` tells what went wrong. */
static int
mount_at(
    const struct mount_type *t, const char *tag, bool readonly, struct node *on)
{
	struct node *root;
	int err = t->mount(tag, readonly, &root);

	if (err != 0)
		return err;
	err = vfs_mount(on, root);
	node_put(root);
	return err;
}

static void
complain(const char *value, int err)
{
	const char *why = NULL;

	if (err == -ENODEV)
		why = "no device has this tag; name it to the hypervisor";
	else if (err == -EBUSY)
		why = "it is mounted already, or the path is the root; use "
		      "each tag and path once";
	else if (err == -ENOTDIR)
		why = "the path leads to a file; choose another";
	else if (err == -EPROTO)
		why = "the server speaks no 9P2000.L; give another one";
	else if (err == -EIO)
		why = "the device failed, as a line above says";
	else if (err == -ENOMEM || err == -ENOSPC)
		why = "out of memory; give the guest more";
	if (why != NULL)
		log_line("sprat.mount=%s: %s; going on without it", value, why);
	else
		log_line("sprat.mount=%s: error %d; going on without it", value,
		    -err);
}

static void
mount_option(const char *value)
{
	const struct mount_type *t;
	struct node *on = NULL;
	struct option o;
	int err;

	if (option_split(value, &o) != 0) {
		log_line("sprat.mount=%s: write it as TYPE:TAG:/PATH or "
			 "TYPE:TAG:/PATH:ro; going on without it",
		    value);
		return;
	}
	t = type_find(o.type);
	if (t == NULL) {
		log_line("sprat.mount=%s: no such type of file system here; "
			 "going on without it",
		    value);
		return;
	}
	err = directories_make(o.path, &on);
	if (err == 0)
		err = mount_at(t, o.tag, o.readonly, on);
	node_put(on);
	if (err != 0)
		complain(value, err);
}

void
mount_options(void)
{
	const char *value;
	unsigned i;

	for (i = 0; (value = cmdline_option_nth("mount", i)) != NULL; i++)
		mount_option(value);
}

/* --- the calls --- */

static int
mount_path(const char *source, const char *target, const char *type,
    unsigned long flags)
{
	const struct mount_type *t;
	struct node *on;
	int err;

	if (source == NULL || type == NULL)
		return -EFAULT;
	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;
	err = vfs_node_at(AT_FDCWD, target, WALK_FOLLOW, &on);
	if (err != 0)
		return err;
	t = type_find(type);
	if (!S_ISDIR(on->type))
		err = -ENOTDIR;
	else if (t == NULL)
		err = -ENODEV;
	else
		err = mount_at(t, source, flags & MS_RDONLY, on);
	node_put(on);
	return err;
}

PUBLIC int
mount(const char *source, const char *target, const char *type,
    unsigned long flags, const void *data)
{
	(void)data;
	return (int)posix_result(mount_path(source, target, type, flags));
}

static int
unmount_path(const char *target)
{
	struct node *n;
	int err = vfs_node_at(AT_FDCWD, target, WALK_FOLLOW, &n);

	if (err != 0)
		return err;
	err = vfs_unmount(n);
	node_put(n);
	return err;
}

PUBLIC int
umount(const char *target)
{
	return (int)posix_result(unmount_path(target));
}

/* Flags would force it, or put it off: neither can be done. */
PUBLIC int
umount2(const char *target, int flags)
{
	return (int)posix_result(flags ? -EINVAL : unmount_path(target));
}
