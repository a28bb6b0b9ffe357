/* SPDX-License-Identifier: ISC */
/* The console as a file: descriptors 0, 1 and 2, /dev/console, /dev/tty. */
#ifndef LIBC_SHIM_CONSOLE_FILE_H
#define LIBC_SHIM_CONSOLE_FILE_H

#include "libc-shim/device.h"

/* The user sits at a terminal: the option sprat.tty says so, or the device
 * knows the size of one. */
bool console_is_tty(void);
bool file_is_console(const struct file *f);

extern struct pollq console_pollq; /* told when input comes */

int console_open(const struct device_node *d, int flags, struct file **out);
/* -ENXIO unless console_is_tty. */
int console_tty_open(const struct device_node *d, int flags, struct file **out);

#endif
