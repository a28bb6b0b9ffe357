/* SPDX-License-Identifier: ISC */
/* What a console driver gives console.c, and what the dying kernel asks. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* None of these blocks but start and flush. */
struct console_dev {
	const char *name;
	size_t (*put)(const uint8_t *p, size_t len); /* bytes taken */
	/* Bytes given, perhaps none; -EIO: there will never be any. */
	long (*get)(uint8_t *p, size_t len);
	/* Calls console_event once when bytes can be got, or put; true: they
	 * can already, and nothing is called. */
	bool (*want_get)(void);
	bool (*want_put)(void);

	/* One that needs threads has all of these, others none. */
	bool (*start)(void); /* from the first thread; false: no console */
	void (*seize)(void); /* no interrupts, no threads from now on */
	void (*flush)(void); /* waits until the host has all that was put */
};

/* pv/virtio/virtio_console_dev.c; NULL if it was left out of the image */
extern const struct console_dev virtio_console_dev
    __attribute__((weak, visibility("default")));

void console_event(void); /* from a driver's interrupt */
/* From a thread: the terminal's size, which may have changed. */
void console_resized(unsigned cols, unsigned rows);
/* Called by that; or NULL. */
extern void (*console_resize_hook)(void);
void console_address(uintptr_t addr); /* on standard error */
void console_seize(void);             /* no more waiting: we are dying */
void console_exit(int status);        /* last words, if the host listens */

#endif
