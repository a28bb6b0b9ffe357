/* SPDX-License-Identifier: ISC */
/*
 * The servers of `sprat run --virtiofs`: a virtiofsd for each folder, which
 * QEMU reaches by a Unix socket.
 */
#ifndef HOST_VIRTIOFSD_H
#define HOST_VIRTIOFSD_H

#include <stdbool.h>

#include "host/run.h"

/* Does the i-th shared folder need one? */
bool virtiofsd_serves(const struct run_options *o, size_t i);
/* Appends the path of its socket. */
void virtiofsd_socket(const struct run_options *o, size_t i, struct text *t);
/* Starts all that are needed; false after saying why it can't. */
bool virtiofsd_start(struct run_options *o);
/* Ends them, and removes what was made for them; shows what they said if the
 * run failed. */
void virtiofsd_stop(struct run_options *o, bool failed);
/* Appends the commands as a shell would take them. */
void virtiofsd_print(const struct run_options *o, struct text *out);

#endif
