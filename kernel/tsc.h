/* SPDX-License-Identifier: ISC */
/*
 * A monotonic clock from the time stamp counter of a machine that may not say
 * how fast it counts.  Where CPUID does not tell, the APIC timer, whose rate
 * is known, is the clock until enough of its time has passed to learn the
 * counter's; nobody waits for that.
 */
#ifndef KERNEL_TSC_H
#define KERNEL_TSC_H

#include <stdint.h>

void tsc_init(void);
uint64_t tsc_clock_ns(void); /* since tsc_init */
/* One interrupt at deadline_ns of that clock, by the APIC timer. */
void tsc_timer_arm(uint64_t deadline_ns);
/* The same timer for another clock: ns from now. */
void tsc_timer_start(uint64_t ns);

#endif
