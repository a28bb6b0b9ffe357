/* SPDX-License-Identifier: ISC */
/*
 * Directories whose names a server lets us believe for a while (entry_valid in
 * <linux/fuse.h>): most requests of a walk would be for these.  Each has one
 * place, which the next one takes; there it counts as a reference.
 */
#include "libc-shim/fuse.h"

#include <string.h>

#define VALID_MAX_S 3600U

/* fs->lock held in the helpers. */
static struct fuse_dir *
place_of(struct fuse_node *dir, const char *name)
{
	return &dir->fs->dirs[vfs_hash(dir->id, name) % FUSE_DIRS];
}

static bool
is_it(const struct fuse_dir *k, struct fuse_node *dir, const char *name)
{
	return k->node != NULL && k->node->parent == dir &&
	       strcmp(k->name, name) == 0;
}

/* Ends with the lock given. */
static void
place_clear(struct fuse_fs *fs, struct fuse_dir *k)
{
	struct fuse_node *old = k->node;

	k->node = NULL;
	sleeplock_give(&fs->lock);
	if (old != NULL)
		node_put(&old->node);
}

struct fuse_node *
fuse_dirs_find(struct fuse_node *dir, const char *name)
{
	struct fuse_node *found = NULL;
	struct fuse_fs *fs = dir->fs;
	struct fuse_dir *k;

	sleeplock_take(&fs->lock);
	k = place_of(dir, name);
	if (is_it(k, dir, name) && clock_ns() < k->until_ns) {
		found = k->node;
		node_ref(&found->node);
	}
	sleeplock_give(&fs->lock);
	return found;
}

static uint64_t
valid_ns(const struct fuse_entry_out *e)
{
	if (e->entry_valid > VALID_MAX_S)
		return VALID_MAX_S * NS_PER_S;
	return e->entry_valid * NS_PER_S + e->entry_valid_nsec % NS_PER_S;
}

void
fuse_dirs_note(struct fuse_node *dir, const char *name, struct fuse_node *n,
    const struct fuse_entry_out *e, unsigned era)
{
	uint64_t valid = valid_ns(e);
	struct fuse_fs *fs = dir->fs;
	struct fuse_node *old;
	struct fuse_dir *k;

	if (!S_ISDIR(n->node.type) || valid == 0 ||
	    strlen(name) >= sizeof(k->name))
		return;
	sleeplock_take(&fs->lock);
	if (era != fs->era) { /* it may have gone since it was looked up */
		sleeplock_give(&fs->lock);
		return;
	}
	k = place_of(dir, name);
	old = k->node;
	k->node = n;
	node_ref(&n->node);
	k->until_ns = clock_ns() + valid;
	strcpy(k->name, name);
	sleeplock_give(&fs->lock);
	if (old != NULL)
		node_put(&old->node);
}

void
fuse_dirs_drop(struct fuse_node *dir, const char *name)
{
	struct fuse_fs *fs = dir->fs;
	struct fuse_dir *k;

	sleeplock_take(&fs->lock);
	fs->era++;
	k = place_of(dir, name);
	if (is_it(k, dir, name))
		place_clear(fs, k);
	else
		sleeplock_give(&fs->lock);
}

void
fuse_quiet(struct node *root)
{
	struct fuse_fs *fs = fuse_node_of(root)->fs;
	unsigned i;

	for (i = 0; i < FUSE_DIRS; i++) {
		sleeplock_take(&fs->lock);
		fs->era++;
		place_clear(fs, &fs->dirs[i]);
	}
}
