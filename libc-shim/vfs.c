/* SPDX-License-Identifier: ISC */
/* Nodes, the root and mounts; see vfs.h. */
#include "libc-shim/vfs.h"

static struct node *root;
static bool root_ready;
static struct thread *root_filler; /* may use the root before it is ready */
static struct sleeplock root_lock;

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
	if (!S_ISDIR(on->type) || !S_ISDIR(what->type))
		return -ENOTDIR;
	sleeplock_take(&root_lock);
	if (on->mounted != NULL || what->covers != NULL) {
		sleeplock_give(&root_lock);
		return -EBUSY;
	}
	what->covers = node_ref(on);
	on->mounted = node_ref(what);
	sleeplock_give(&root_lock);
	return 0;
}
