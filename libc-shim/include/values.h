/* SPDX-License-Identifier: ISC */
/* The old names of limits. */
#ifndef _VALUES_H
#define _VALUES_H

#include <float.h>
#include <limits.h>

#define MAXINT	  INT_MAX
#define MININT	  INT_MIN
#define MAXSHORT  SHRT_MAX
#define MINSHORT  SHRT_MIN
#define MAXLONG	  LONG_MAX
#define MINLONG	  LONG_MIN
#define MAXDOUBLE DBL_MAX
#define MINDOUBLE DBL_MIN
#define MAXFLOAT  FLT_MAX
#define MINFLOAT  FLT_MIN

#endif
