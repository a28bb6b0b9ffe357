/* SPDX-License-Identifier: ISC */
/* What the public calls on sockets share. */
#ifndef LIBC_SHIM_SOCKET_CALL_H
#define LIBC_SHIM_SOCKET_CALL_H

#include "libc-shim/socket.h"

/* A reference (file_put of its file); -EBADF, -ENOTSOCK. */
int socket_get(int fd, struct socket **out);

#endif
