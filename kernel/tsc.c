/* SPDX-License-Identifier: ISC */
/*
 * The time stamp counter as a clock: see tsc.h.
 *
 * While its rate is unknown the APIC timer runs without a gap, in periodic
 * mode, so that it still counts after it has fired; time is the sum of its
 * runs.  It fires at the deadline it was armed for, or when SETTLE_NS have
 * passed: then the ratio of both counters is exact to a few parts in a
 * million, the counter takes over, and the timer is free.
 *
 * The time between two runs is the counter's already, by the ratio so far, and
 * does not enter the ratio: where each access to the APIC leaves the guest it
 * would add up to percents.
 */
#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/tsc.h"

#define SETTLE_NS     100000000ULL
/* KVM allows no shorter period (its min_timer_period_us); it would drown us,
 * and QEMU, anyway. */
#define PERIOD_MIN_NS 200000ULL
#define TRUSTED_NS    1000000ULL /* a ratio from this much finds lost rounds */

/* ns = base_ns + (tsc - base_tsc) * mult / 2^32; mult is the ratio so far
 * while not settled. */
static uint64_t base_tsc, base_ns, mult;
static bool settled;

static uint64_t known_ns, known_tsc; /* of all runs before this one */
static uint64_t last_ns; /* that anybody was told */

static struct { /* of the APIC timer, while not settled */
	uint64_t ns, tsc; /* at its start */
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

static uint64_t
scale(uint64_t tsc)
{
	return (unsigned __int128)tsc * mult >> 32;
}

/* now_ns was the time when the counter said tsc. */
static void
run_start(uint64_t now_ns, uint64_t tsc, uint64_t deadline_ns)
{
	uint64_t end = deadline_ns < SETTLE_NS ? deadline_ns : SETTLE_NS;

	if (end < now_ns + PERIOD_MIN_NS)
		end = now_ns + PERIOD_MIN_NS;
	run.count = ticks(end - now_ns);
	run.deadline_ns = deadline_ns;
	run.tsc = lapic_timer_start(run.count, true);
	run.ns = now_ns + scale(run.tsc - tsc);
}

/* Also the counter at that moment.  The count may start anew while we look.
 * Rounds are lost where nobody took the first one's interrupt in time. */
static uint64_t
run_elapsed_ns(uint64_t *tsc)
{
	uint64_t rounds, ns, length = (uint64_t)run.count * LAPIC_TICK_NS;
	uint64_t expected;
	uint32_t first, left;

	do {
		first = lapic_timer_left();
		rounds = lapic_timer_rounds();
		*tsc = cpu_rdtsc();
		left = lapic_timer_left();
	} while (left > first);
	if (left > run.count) /* a host with a longer period than we asked */
		left = run.count;
	ns = rounds * length + (uint64_t)(run.count - left) * LAPIC_TICK_NS;
	expected = scale(*tsc - run.tsc) + length / 2;
	if (known_ns >= TRUSTED_NS && expected > ns)
		ns += (expected - ns) / length * length;
	return ns;
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
	return (ns << 32) / (count != 0 ? count : 1);
}

static void
settle(uint64_t ns, uint64_t tsc)
{
	base_tsc = tsc;
	base_ns = ns > last_ns ? ns : last_ns;
	settled = true;
	if (run.deadline_ns == NS_NEVER)
		lapic_timer_stop();
	else
		tsc_timer_arm(run.deadline_ns);
}

/* Ends this run and starts another, or settles. */
static void
run_next(uint64_t elapsed_ns, uint64_t tsc, uint64_t deadline_ns)
{
	uint64_t ns = run.ns + elapsed_ns;

	known_ns += elapsed_ns;
	known_tsc += tsc - run.tsc;
	mult = ratio(known_ns, known_tsc);
	run.deadline_ns = deadline_ns;
	if (ns >= SETTLE_NS)
		settle(ns, tsc);
	else
		run_start(ns, tsc, deadline_ns);
}

/* What fired is not left to fire again: few rounds are easy to count. */
static uint64_t
learn_ns(void)
{
	uint64_t tsc, elapsed = run_elapsed_ns(&tsc), ns = run.ns + elapsed;

	if (ns >= SETTLE_NS)
		run_next(elapsed, tsc, run.deadline_ns);
	else if (ns >= run.deadline_ns && lapic_timer_rounds() > 0)
		run_next(elapsed, tsc, NS_NEVER);
	return ns;
}

uint64_t
tsc_clock_ns(void)
{
	uint64_t flags, ns;

	if (settled)
		return base_ns + scale(cpu_rdtsc() - base_tsc);
	flags = cpu_irq_save();
	ns = learn_ns();
	if (ns < last_ns)
		ns = last_ns;
	last_ns = ns;
	cpu_irq_restore(flags);
	return ns;
}

void
tsc_timer_arm(uint64_t deadline_ns)
{
	uint64_t flags = cpu_irq_save(), elapsed, now, tsc;

	if (settled) {
		now = tsc_clock_ns();
		tsc_timer_start(deadline_ns > now ? deadline_ns - now : 0);
	} else {
		elapsed = run_elapsed_ns(&tsc);
		run_next(elapsed, tsc, deadline_ns);
	}
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
	run_start(0, base_tsc, NS_NEVER);
}
