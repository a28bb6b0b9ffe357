/* SPDX-License-Identifier: ISC */
/* /dev/vport: the host's ports by name. */
#ifndef LIBC_SHIM_VPORT_H
#define LIBC_SHIM_VPORT_H

#include "libc-shim/vfs.h"

/* Makes the directory in `dev`.  Devices are looked for when somebody looks
 * into it. */
void vport_mount(struct node *dev);

#endif
