/* SPDX-License-Identifier: ISC */
/* The types of <sys/ucontext.h>; getcontext and its kin are not offered. */
#ifndef _UCONTEXT_H
#define _UCONTEXT_H

#include <sys/ucontext.h>

#endif
