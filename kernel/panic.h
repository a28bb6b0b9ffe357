/* SPDX-License-Identifier: ISC */
/* The steps of dying, shared by panic.c and trap.c. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

void panic_begin(void); /* interrupts off, the console is ours alone */
bool panic_busy(void);
void panic_again(void) __attribute__((noreturn)); /* a fault while dying */
void panic_registers(const struct trap_frame *f);

#endif
