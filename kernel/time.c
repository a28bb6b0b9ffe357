/* SPDX-License-Identifier: ISC */
/*
 * The clocks, as the platform tells them.  Nothing is set up before somebody
 * asks what time it is.
 */
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/platform.h"
#include "kernel/thread.h"

static bool started;

bool
clock_started(void)
{
	return started;
}

uint64_t
clock_ns(void)
{
	uint64_t flags;

	if (!started) {
		flags = cpu_irq_save(); /* a handler may ask, too */
		if (!started) {
			started = true;
			platform->time_init();
		}
		cpu_irq_restore(flags);
	}
	return platform->clock_ns();
}

uint64_t
clock_wall_ns(void)
{
	clock_ns();
	return platform->clock_wall_ns();
}

uint64_t
clock_cpu_ns(const struct thread *t)
{
	return t != NULL ? thread_run_ns(t) : clock_ns() - thread_idle_ns();
}
