/* SPDX-License-Identifier: ISC */
/* Mounting what the host offers, with the calls of Linux; and, as there, the
 * requests that disks know. */
#ifndef _SYS_MOUNT_H
#define _SYS_MOUNT_H

#include <linux/fs.h>
#include <sys/cdefs.h>

#define MS_RDONLY 1UL
/* Taken, and without effect: nothing here has users, devices or programs, and
 * times are the server's. */
#define MS_NOSUID      2UL
#define MS_NODEV       4UL
#define MS_NOEXEC      8UL
#define MS_NOATIME     1024UL
#define MS_NODIRATIME  2048UL
#define MS_RELATIME    (1UL << 21)
#define MS_SYNCHRONOUS 16UL /* refused: open files with O_SYNC */

__BEGIN_DECLS

/*
 * Mounts the folder that the host offers under the tag __source on a
 * directory.  __type is "9p" or "virtiofs"; __data is not looked at.  ENODEV:
 * no such type, or no device with this tag; EBUSY: it is mounted already,
 * or __target is "/"; EINVAL: other flags.
 */
int mount(const char *__source, const char *__target, const char *__type,
    unsigned long __flags, const void *__data);
/* EINVAL: nothing is mounted there; EBUSY: files in it are open. */
int umount(const char *__target);
int umount2(const char *__target, int __flags);

__END_DECLS

#endif
