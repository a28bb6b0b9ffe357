/* SPDX-License-Identifier: ISC */
/* The root of a guest: a memory file system with the initrd's files, /dev
 * and /tmp, and what the command line mounts. */
#include "libc-shim/device.h"
#include "libc-shim/initrd.h"
#include "libc-shim/mount.h"
#include "libc-shim/ramfs.h"

struct node *
root_make(void)
{
	return ramfs_make();
}

/* The directory `name` of the root, made if it is not there; or NULL. */
static struct node *
dir_make(struct node *root, const char *name, mode_t mode)
{
	struct node_spec spec = {S_IFDIR | mode, 0, NULL};
	struct node *n = NULL;

	if (root->ops->create(root, name, &spec, &n) != 0 &&
	    walk_node(root, name, WALK_FOLLOW, &n) != 0)
		return NULL;
	return n;
}

void
root_fill(struct node *root)
{
	struct node *dev;

	if (initrd_len > 0)
		initrd_unpack(root, initrd_base, initrd_len);
	node_put(dir_make(root, "tmp", S_ISVTX | 0777));
	dev = dir_make(root, "dev", 0755);
	if (dev != NULL && S_ISDIR(dev->type))
		device_populate(dev);
	node_put(dev);
	mount_options();
}
