/* SPDX-License-Identifier: ISC */
/*
 * The local and the I/O interrupt controller.  [SDM] 3, 10; [IOAPIC] Intel
 * 82093AA data sheet, May 1996.
 */
#ifndef KERNEL_APIC_H
#define KERNEL_APIC_H

#include <stdbool.h>
#include <stdint.h>

void apic_init(void); /* at first use; again does nothing */
void lapic_eoi(void);

/* One tick of the timer under the hypervisors that do not say: their bus runs
 * at 1 GHz, and we divide by 16. */
#define LAPIC_TICK_NS   16
#define LAPIC_COUNT_MAX UINT32_MAX

/* Counts down from `count`, not 0, and interrupts at 0; if periodic, again and
 * again.  The time stamp counter when it began. */
uint64_t lapic_timer_start(uint32_t count, bool periodic);
void lapic_timer_stop(void);
uint32_t lapic_timer_left(void);
void lapic_timer_fired(void); /* from its interrupt */
/* Full rounds of the running count, one that waits to interrupt included. */
unsigned lapic_timer_rounds(void);

/* Interrupt line gsi to vector.  -ENODEV: there is no such line. */
int ioapic_route(unsigned gsi, unsigned vector, bool level);

/* The memory write by which a device interrupts ([SDM] 3, 11.11). */
void lapic_msi(unsigned vector, uint64_t *paddr, uint32_t *data);

#endif
