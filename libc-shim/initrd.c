/* SPDX-License-Identifier: ISC */
/*
 * The initrd's entries as nodes.  Directories that an entry needs and the
 * archive does not have are made.  Hard links share a device and inode number
 * within one archive, and the last of them carries the data.
 */
#include "libc-shim/initrd.h"

#include <string.h>

#include "libc-shim/cpio.h"
#include "libc-shim/ramfs.h"

#define LINK_BUCKETS 256

/* A file with several names, as long as its archive is read. */
struct hardlink {
	struct hardlink *next;
	uint32_t dev_major, dev_minor, ino;
	struct node *node; /* a reference */
};

struct unpack {
	struct node *root;
	struct cpio cpio;
	unsigned archive; /* that `link` is about */
	struct hardlink **link;
};

static void
links_end(struct unpack *u)
{
	struct hardlink *h, *next;
	unsigned i;

	if (u->link == NULL)
		return;
	for (i = 0; i < LINK_BUCKETS; i++) {
		for (h = u->link[i]; h != NULL; h = next) {
			next = h->next;
			node_put(h->node);
			heap_free(h, sizeof(*h));
		}
	}
	heap_free(u->link, LINK_BUCKETS * sizeof(struct hardlink *));
	u->link = NULL;
}

/* The bucket of e's file, and in *found the file if it is known. */
static struct hardlink **
link_find(struct unpack *u, const struct cpio_entry *e, struct node **found)
{
	struct hardlink **bucket, *h;

	*found = NULL;
	if (u->archive != u->cpio.ntrailer) {
		links_end(u);
		u->archive = u->cpio.ntrailer;
	}
	if (u->link == NULL)
		u->link = heap_alloc(LINK_BUCKETS * sizeof(struct hardlink *));
	if (u->link == NULL)
		return NULL;
	bucket = &u->link[e->ino % LINK_BUCKETS];
	for (h = *bucket; h != NULL; h = h->next)
		if (h->ino == e->ino && h->dev_major == e->dev_major &&
		    h->dev_minor == e->dev_minor)
			*found = h->node;
	return bucket;
}

static int
link_remember(
    struct hardlink **bucket, const struct cpio_entry *e, struct node *n)
{
	struct hardlink *h = heap_alloc(sizeof(*h));

	if (h == NULL)
		return -ENOMEM;
	h->ino = e->ino;
	h->dev_major = e->dev_major;
	h->dev_minor = e->dev_minor;
	h->node = node_ref(n);
	h->next = *bucket;
	*bucket = h;
	return 0;
}

static void
attributes_set(struct node *n, const struct cpio_entry *e)
{
	struct node_attr a;

	memset(&a, 0, sizeof(a));
	a.set = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME;
	a.mode = e->mode & 07777;
	a.uid = (uid_t)e->uid;
	a.gid = (gid_t)e->gid;
	a.atime.tv_sec = a.mtime.tv_sec = (time_t)e->mtime;
	n->ops->setattr(n, &a);
}

/* Makes room at w for an entry of another kind than the one there. */
static int
make_room(struct walk *w)
{
	bool isdir;
	int err;

	if (w->node == NULL)
		return 0;
	isdir = S_ISDIR(w->node->type);
	err = w->dir->ops->unlink(w->dir, w->name, isdir);
	if (err == 0) {
		node_put(w->node);
		w->node = NULL;
	}
	return err;
}

/* A regular file with further names. */
static int
linked_file(struct unpack *u, struct walk *w, const struct cpio_entry *e,
    const struct node_spec *spec)
{
	struct node *n;
	struct hardlink **bucket = link_find(u, e, &n);
	int err;

	if (bucket == NULL)
		return -ENOMEM;
	if (n != NULL) {
		err = w->dir->ops->link(w->dir, w->name, n);
		w->node = err == 0 ? node_ref(n) : NULL;
		return err;
	}
	err = w->dir->ops->create(w->dir, w->name, spec, &w->node);
	return err != 0 ? err : link_remember(bucket, e, w->node);
}

static int
entry_make(struct unpack *u, struct walk *w, const struct cpio_entry *e)
{
	struct node_spec spec = {(mode_t)e->mode, 0, NULL};
	char target[VFS_PATH_MAX];
	int err;

	if (S_ISDIR(spec.mode) && w->node != NULL && S_ISDIR(w->node->type))
		return 0;
	err = make_room(w);
	if (err != 0)
		return err;
	if (S_ISREG(spec.mode) && e->nlink > 1)
		return linked_file(u, w, e, &spec);
	if (S_ISCHR(spec.mode) || S_ISBLK(spec.mode))
		spec.rdev = (dev_t)(e->rdev_major << 8 | e->rdev_minor);
	if (S_ISLNK(spec.mode)) {
		memcpy(target, e->data, e->len);
		target[e->len] = '\0';
		spec.target = target;
	}
	return w->dir->ops->create(w->dir, w->name, &spec, &w->node);
}

/* Walks to an entry's name; makes missing directories on the way. */
static int
walk_making(struct unpack *u, const char *name, struct walk *w)
{
	static const struct node_spec dir = {S_IFDIR | 0755, 0, NULL};
	char part[VFS_PATH_MAX];
	const char *end = name;
	struct node *made;
	int err = walk_path(u->root, name, 0, w);

	while (err == -ENOENT && (end = strchr(end, '/')) != NULL) {
		memcpy(part, name, (size_t)(end - name));
		part[end - name] = '\0';
		end++;
		if (part[0] == '\0' ||
		    walk_path(u->root, part, WALK_FOLLOW, w) != 0)
			continue;
		if (w->node == NULL &&
		    w->dir->ops->create(w->dir, w->name, &dir, &made) == 0)
			node_put(made);
		walk_end(w);
	}
	return err == -ENOENT ? walk_path(u->root, name, 0, w) : err;
}

static bool
name_is_safe(const char *name)
{
	const char *p = name;

	while ((p = strstr(p, "..")) != NULL) {
		if ((p == name || p[-1] == '/') &&
		    (p[2] == '\0' || p[2] == '/'))
			return false;
		p += 2;
	}
	return true;
}

static const char *
entry_error(const struct cpio_entry *e)
{
	if (!name_is_safe(e->name))
		return "a name leads out of the root";
	if (S_ISLNK(e->mode) && (e->len == 0 || e->len >= VFS_PATH_MAX ||
				    memchr(e->data, '\0', e->len) != NULL))
		return "a symbolic link has no sane target";
	if (!S_ISREG(e->mode) && !S_ISDIR(e->mode) && !S_ISLNK(e->mode) &&
	    !S_ISCHR(e->mode) && !S_ISBLK(e->mode) && !S_ISFIFO(e->mode) &&
	    !S_ISSOCK(e->mode))
		return "an entry is of no known type";
	return NULL;
}

static int
entry_unpack(struct unpack *u, const struct cpio_entry *e)
{
	struct walk w;
	int err = walk_making(u, e->name, &w);

	if (err != 0)
		return err;
	if (strcmp(w.name, ".") != 0)
		err = entry_make(u, &w, e);
	else if (!S_ISDIR(e->mode))
		err = -EISDIR;
	if (err == 0 && S_ISREG(e->mode) && (e->nlink < 2 || e->len > 0))
		ramfs_set_data(w.node, e->data, e->len);
	if (err == 0)
		attributes_set(w.node, e);
	walk_end(&w);
	return err;
}

unsigned long
initrd_unpack(struct node *root, const void *base, size_t len)
{
	struct unpack u;
	struct cpio_entry e;
	unsigned long n = 0;
	size_t at = 0;
	int err;

	memset(&u, 0, sizeof(u));
	u.root = root;
	cpio_init(&u.cpio, base, len);
	while ((err = cpio_next(&u.cpio, &e)) > 0) {
		u.cpio.error = entry_error(&e);
		err = u.cpio.error != NULL ? -EINVAL : entry_unpack(&u, &e);
		if (err != 0)
			break;
		n++;
		at = u.cpio.at;
	}
	links_end(&u);
	if (err == -EINVAL && u.cpio.error != NULL)
		log_line("initrd: broken at byte %lu of %lu: %s; only the %lu "
			 "entries before that are there",
		    (unsigned long)at, (unsigned long)len, u.cpio.error, n);
	else if (err < 0)
		log_line("initrd: cannot make \"%s\" (error %d); only the %lu "
			 "entries before it are there",
		    e.name, -err, n);
	return n;
}
