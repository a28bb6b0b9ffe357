/* SPDX-License-Identifier: ISC */
/* newlib's configuration, with read and write that return ssize_t, as its
 * library was compiled. */
#ifndef SPRAT_SYS_CONFIG_H
#define SPRAT_SYS_CONFIG_H

#ifndef _READ_WRITE_RETURN_TYPE
#define _READ_WRITE_RETURN_TYPE _ssize_t
#endif

#include_next <sys/config.h>

#endif
