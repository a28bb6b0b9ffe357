/* SPDX-License-Identifier: ISC */
/* newlib's, which forgets what it needs itself. */
#include <sys/types.h>
#include_next <regex.h>
