/* SPDX-License-Identifier: ISC */
/* An old name of <sys/wait.h>. */
#include <sys/wait.h>
