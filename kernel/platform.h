/* SPDX-License-Identifier: ISC */
/*
 * What the kernel asks of whoever hosts us.  pv/hypercalls/detect.c chooses
 * one table at boot; nobody else knows which.
 */
#ifndef KERNEL_PLATFORM_H
#define KERNEL_PLATFORM_H

#include <stdint.h>

struct boot_info;
struct console_dev;

struct platform {
	const char *name; /* "kvm", "bare" */
	/* The console, found and ready for output; NULL: there is none. */
	const struct console_dev *(*console)(void);
	/* Called once, at the first use of time or interrupts. */
	void (*time_init)(void);
	uint64_t (*clock_ns)(void);      /* monotonic, from time_init */
	uint64_t (*clock_wall_ns)(void); /* now, since 1970 UTC; 0: unknown */
	/* One interrupt at or soon after deadline_ns, then none. */
	void (*timer_arm)(uint64_t deadline_ns);
	void (*idle)(void); /* interrupts off; returns so after one came */
	void (*poweroff)(void) __attribute__((noreturn));
};

extern const struct platform *platform;

/* pv/hypercalls/detect.c: sets `platform`. */
void platform_detect(const struct boot_info *bi);

#endif
