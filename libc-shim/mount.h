/* SPDX-License-Identifier: ISC */
/*
 * What is mounted, and where: as the command line says at the first use of
 * paths (mount_options), and as the application says (mount, umount).
 */
#ifndef LIBC_SHIM_MOUNT_H
#define LIBC_SHIM_MOUNT_H

#include <stdbool.h>

struct node;

/*
 * The file systems.  Each finds the device that has the tag and gives the root
 * directory of what is there, a reference.  -ENODEV: there is no such device;
 * -EBUSY: it is mounted already.  The type's line stands in mount.c.
 */
int p9_mount(const char *tag, bool readonly, struct node **root);
int fuse_mount(const char *tag, bool readonly, struct node **root);

/*
 * Mounts what options sprat.mount=TYPE:TAG:/PATH[:ro] say, and makes the
 * directories on the way.  One that fails gives one line on standard error.
 */
void mount_options(void);

#endif
