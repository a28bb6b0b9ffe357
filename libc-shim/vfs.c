/* SPDX-License-Identifier: ISC */
/* Nodes, the root and mounts; see vfs.h. */
#include "libc-shim/vfs.h"

static struct node *root;
static bool root_ready;
static struct thread *root_filler; /* may use the root before it is ready */
static struct sleeplock root_lock;
static struct sleeplock mount_lock; /* of each node's mounted and covers */

struct node *
node_ref(struct node *n)
{
	__atomic_add_fetch(&n->refs, 1, __ATOMIC_RELAXED);
	return n;
}

void
node_put(struct node *n)
{
	if (n != NULL && __atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) == 0)
		n->ops->release(n);
}

static void
root_prepare(void)
{
	sleeplock_take(&root_lock);
	if (root == NULL)
		root = root_make();
	if (root != NULL && !root_ready) {
		root_filler = thread_current();
		root_fill(root);
		root_filler = NULL;
		__atomic_store_n(&root_ready, true, __ATOMIC_RELEASE);
	}
	sleeplock_give(&root_lock);
}

struct node *
vfs_root(void)
{
	if (!__atomic_load_n(&root_ready, __ATOMIC_ACQUIRE) &&
	    root_filler != thread_current())
		root_prepare();
	return root == NULL ? NULL : node_ref(root);
}

int
vfs_mount(struct node *on, struct node *what)
{
	int err = 0;

	if (!S_ISDIR(on->type) || !S_ISDIR(what->type))
		return -ENOTDIR;
	sleeplock_take(&mount_lock);
	/* Paths begin at the root itself, not at what is mounted on it. */
	if (on == root || on->mounted != NULL || what->covers != NULL) {
		err = -EBUSY;
	} else {
		what->covers = node_ref(on);
		on->mounted = node_ref(what);
	}
	sleeplock_give(&mount_lock);
	return err;
}

int
vfs_unmount(struct node *what)
{
	struct node *under;
	int err = 0;

	if (what->ops->quiet != NULL)
		what->ops->quiet(what);
	sleeplock_take(&mount_lock);
	under = what->covers;
	if (under == NULL)
		err = -EINVAL;
	else if (what->refs > 2 ||
		 what->mounted != NULL) /* ours, the mount's */
		err = -EBUSY;
	else
		under->mounted = what->covers = NULL;
	sleeplock_give(&mount_lock);
	if (err != 0)
		return err;
	node_put(under);
	node_put(what);
	return 0;
}

/* What *p leads to.  Looking costs nothing where there is no mount. */
static struct node *
across(struct node **p)
{
	struct node *n;

	if (__atomic_load_n(p, __ATOMIC_RELAXED) == NULL)
		return NULL;
	sleeplock_take(&mount_lock);
	n = *p == NULL ? NULL : node_ref(*p);
	sleeplock_give(&mount_lock);
	return n;
}

struct node *
vfs_mounted(struct node *n)
{
	return across(&n->mounted);
}

struct node *
vfs_covered(struct node *n)
{
	return across(&n->covers);
}
