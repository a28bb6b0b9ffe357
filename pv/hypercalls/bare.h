/* SPDX-License-Identifier: ISC */
/* A machine with no hypervisor we know, and what others take from it. */
#ifndef PV_HYPERCALLS_BARE_H
#define PV_HYPERCALLS_BARE_H

#include <stdint.h>

#include "kernel/platform.h"

extern const struct platform platform_bare;

const struct console_dev *bare_console(void);
void bare_idle(void);
void bare_poweroff(void) __attribute__((noreturn));

#endif
