/* SPDX-License-Identifier: ISC */
/*
 * Starting another program that never outlives us.
 */
#ifndef HOST_SPAWN_H
#define HOST_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "host/text.h"

/* Starts `path` with fds[0..2] as its standard descriptors (-1: ours), with
 * default signal handling, and with the kernel's promise to kill it when we
 * die.  The process id, or -errno, that of a failed exec included. */
pid_t spawn_start(const char *path, char *const argv[], const int fds[3]);

/* Runs a program to its end and appends what it writes to standard output.
 * Its errors go nowhere.  0, -errno, -ETIMEDOUT after `timeout_ns`, or -EIO
 * if it failed. */
int spawn_capture(const char *path, char *const argv[], uint64_t timeout_ns,
    struct text *out);

#endif
