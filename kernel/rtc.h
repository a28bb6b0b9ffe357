/* SPDX-License-Identifier: ISC */
/* The battery-backed clock of a PC, MC146818. */
#ifndef KERNEL_RTC_H
#define KERNEL_RTC_H

#include <stdint.h>

uint64_t rtc_read_s(void); /* seconds since 1970 UTC; 0: there is none */

#endif
