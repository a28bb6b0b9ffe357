/* SPDX-License-Identifier: ISC */
/*
 * Limits, POSIX.1-2017 <limits.h>, in the place of newlib's.  What is not
 * named here (OPEN_MAX, CHILD_MAX) has no fixed limit: ask sysconf.
 */
#ifndef _SYS_SYSLIMITS_H_
#define _SYS_SYSLIMITS_H_

#define ARG_MAX	    65536
#define LINK_MAX    32767
#define MAX_CANON   255
#define MAX_INPUT   255
#define NAME_MAX    255
#define NGROUPS_MAX 16
#define PATH_MAX    4096
#define PIPE_BUF    4096
#define IOV_MAX	    1024
#define SYMLINK_MAX 4095
#define SYMLOOP_MAX 40
#define TTY_NAME_MAX 32

#define BC_BASE_MAX	 99
#define BC_DIM_MAX	 2048
#define BC_SCALE_MAX	 99
#define BC_STRING_MAX	 1000
#define COLL_WEIGHTS_MAX 0
#define EXPR_NEST_MAX	 32
#define LINE_MAX	 2048
#define RE_DUP_MAX	 255

#endif
