/* SPDX-License-Identifier: ISC */
/* What a console driver gives console.c, and what the dying kernel asks. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* None of these blocks. */
struct console_dev {
	const char *name;
	size_t (*put)(const uint8_t *p, size_t len); /* bytes taken */
	size_t (*get)(uint8_t *p, size_t len);       /* bytes given */
	/* Calls console_event once when bytes can be got, or put. */
	void (*want_get)(void);
	void (*want_put)(void);
};

void console_event(void);             /* from a driver's interrupt */
void console_address(uintptr_t addr); /* on standard error */
void console_seize(void);             /* no more waiting: we are dying */
void console_exit(int status);        /* last words, if the host listens */

#endif
