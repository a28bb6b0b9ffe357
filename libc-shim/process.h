/* SPDX-License-Identifier: ISC */
/* The guest is one process; its parent, which it cannot reach, is 1. */
#ifndef LIBC_SHIM_PROCESS_H
#define LIBC_SHIM_PROCESS_H

#define PROCESS_PID    2
#define PROCESS_PARENT 1

#endif
