/* SPDX-License-Identifier: ISC */
#include <sys/features.h>
