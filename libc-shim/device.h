/* SPDX-License-Identifier: ISC */
/*
 * Devices as files.  A driver fills a struct device_node and registers it; it
 * then appears in /dev.  Numbers are Linux's, because initrds hold such nodes.
 * Registering costs no more than linking the structure into a list.
 */
#ifndef LIBC_SHIM_DEVICE_H
#define LIBC_SHIM_DEVICE_H

#include <sys/stat.h>

#include "libc-shim/file.h"

#define DEVICE_NUMBER(major, minor) ((dev_t)((major) << 8 | (minor)))

struct device_node {
	const char *name; /* in /dev */
	mode_t mode;      /* S_IFCHR | 0666, S_IFBLK | 0600, ... */
	dev_t number;
	/* A new open file, one reference; or -errno. */
	int (*open)(const struct device_node *d, int flags, struct file **out);
	struct device_node *next; /* device.c's */
};

/* Before device_populate, or from there, if it is to have a name in /dev; at any
 * time if a file system of its own leads to it.  d stays for good. */
void device_register(struct device_node *d);
/* -ENXIO if no such device is here. */
int device_open(mode_t type, dev_t number, int flags, struct file **out);
/* Looks for devices, and makes a node for each in the directory `dev`. */
void device_populate(struct node *dev);

#endif
