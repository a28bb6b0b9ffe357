/* SPDX-License-Identifier: ISC */
/*
 * The time stamp counter as a clock: see tsc.h.
 *
 * While its rate is unknown the APIC timer runs without a gap, in periodic
 * mode, so that it still counts after it has fired; time is the sum of its
 * runs.  It fires at the deadline it was armed for, or when SETTLE_NS have
 * passed: then the ratio of both counters since the start is exact to a few
 * parts in a million, the counter takes over, and the timer is free.
 */
#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/tsc.h"

#define SETTLE_NS     100000000ULL
#define PERIOD_MIN_NS 50000ULL /* a shorter one would drown us, and QEMU */

/* ns = base_ns + (tsc - base_tsc) * mult / 2^32 */
static uint64_t base_tsc, base_ns, mult;
static bool settled;

static struct { /* of the APIC timer, while not settled */
	uint64_t ns; /* time at its start */
	uint32_t count;
	uint64_t deadline_ns; /* NS_NEVER: only to settle */
} run;

/* CPUID 0x15 ([SDM] 2) or the leaf that hypervisors agree on: kHz in
 * 0x40000010 (https://lwn.net/Articles/301888). */
static uint64_t
tsc_hz(void)
{
	struct cpuid c;

	if (cpu_id(0, 0).eax >= 0x15) {
		c = cpu_id(0x15, 0);
		if (c.eax != 0 && c.ebx != 0 && c.ecx != 0)
			return (uint64_t)c.ecx * c.ebx / c.eax;
	}
	if (!(cpu_id(1, 0).ecx & (1U << 31)))
		return 0;
	c = cpu_id(0x40000000, 0);
	if (c.eax < 0x40000010 || c.eax > 0x400000ff)
		return 0;
	return cpu_id(0x40000010, 0).eax * 1000ULL;
}

static uint32_t
ticks(uint64_t ns)
{
	uint64_t n = ns / LAPIC_TICK_NS + 1;

	return n > LAPIC_COUNT_MAX ? LAPIC_COUNT_MAX : n;
}

static void
run_start(uint64_t now_ns, uint64_t deadline_ns)
{
	uint64_t end = deadline_ns < SETTLE_NS ? deadline_ns : SETTLE_NS;

	if (end < now_ns + PERIOD_MIN_NS)
		end = now_ns + PERIOD_MIN_NS;
	run.ns = now_ns;
	run.count = ticks(end - now_ns);
	run.deadline_ns = deadline_ns;
	lapic_timer_start(run.count, true);
}

/* The count may start anew while we look. */
static uint64_t
run_elapsed_ns(void)
{
	uint32_t first, left;
	uint64_t rounds;

	do {
		first = lapic_timer_left();
		rounds = lapic_timer_rounds();
		left = lapic_timer_left();
	} while (left > first);
	return (rounds * run.count + (run.count - left)) * LAPIC_TICK_NS;
}

void
tsc_timer_start(uint64_t ns)
{
	lapic_timer_start(ticks(ns), false);
}

/* ns for each count, times 2^32; both halved until the product fits. */
static uint64_t
ratio(uint64_t ns, uint64_t count)
{
	while (ns >> 32 != 0) {
		ns >>= 1;
		count >>= 1;
	}
	return (ns << 32) / count;
}

static void
settle(uint64_t tsc, uint64_t ns)
{
	mult = ratio(ns, tsc - base_tsc);
	base_tsc = tsc;
	base_ns = ns;
	settled = true;
	if (run.deadline_ns == NS_NEVER)
		lapic_timer_stop();
	else
		tsc_timer_arm(run.deadline_ns);
}

static uint64_t
learn_ns(void)
{
	uint64_t tsc = cpu_rdtsc(), ns = run.ns + run_elapsed_ns();

	if (ns >= SETTLE_NS)
		settle(tsc, ns);
	return ns;
}

uint64_t
tsc_clock_ns(void)
{
	static uint64_t last;
	uint64_t flags, ns;

	if (settled)
		return base_ns +
		    (uint64_t)((unsigned __int128)(cpu_rdtsc() - base_tsc) *
			    mult >> 32);
	flags = cpu_irq_save();
	ns = learn_ns();
	if (ns < last)
		ns = last;
	last = ns;
	cpu_irq_restore(flags);
	return ns;
}


void
tsc_timer_arm(uint64_t deadline_ns)
{
	uint64_t flags = cpu_irq_save(), now = tsc_clock_ns();

	if (settled)
		tsc_timer_start(deadline_ns > now ? deadline_ns - now : 0);
	else
		run_start(now, deadline_ns);
	cpu_irq_restore(flags);
}

void
tsc_init(void)
{
	uint64_t hz = tsc_hz();

	apic_init();
	base_tsc = cpu_rdtsc();
	if (hz != 0) {
		mult = ratio(NS_PER_S, hz);
		settled = true;
		return;
	}
	run_start(0, NS_NEVER);
}
