/* SPDX-License-Identifier: ISC */
/*
 * Reading the shared time page: copy it while its version is even and stays
 * the same, then scale the time stamp counter.  xen/xen.h describes the
 * fields.
 */
#include "kernel/barrier.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "pv/hypercalls/pvclock.h"

_Static_assert(sizeof(struct vcpu_time_info) == 32, "xen/xen.h");
_Static_assert(offsetof(struct vcpu_time_info, tsc_shift) == 28, "xen/xen.h");
_Static_assert(sizeof(struct pvclock_wall) == 12, "[KVM] msr.rst");

static uint64_t
scale(uint64_t tsc, int8_t shift, uint32_t mul)
{
	if (shift >= 0)
		tsc <<= shift & 63;
	else
		tsc >>= -shift & 63;
	return (unsigned __int128)tsc * mul >> 32;
}

uint64_t
pvclock_ns(const struct vcpu_time_info *t)
{
	static uint64_t last;
	uint64_t base, start, ns, seen;
	uint32_t version, mul;
	int8_t shift;

	do {
		version = load_acquire(&t->version);
		start = load_acquire(&t->tsc_timestamp);
		base = load_acquire(&t->system_time);
		mul = load_acquire(&t->tsc_to_system_mul);
		shift = load_acquire(&t->tsc_shift);
		ns = base + scale(cpu_rdtsc() - start, shift, mul);
	} while ((version & 1) || version != load_acquire(&t->version));

	/* a host that corrects its clock may set it back a little */
	seen = __atomic_load_n(&last, __ATOMIC_RELAXED);
	while (ns > seen)
		if (__atomic_compare_exchange_n(&last, &seen, ns, true,
			__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return ns;
	return seen;
}

uint64_t
pvclock_wall_ns(const struct pvclock_wall *w)
{
	uint32_t version, sec, nsec;

	do {
		version = load_acquire(&w->version);
		sec = load_acquire(&w->sec);
		nsec = load_acquire(&w->nsec);
	} while ((version & 1) || version != load_acquire(&w->version));
	return sec * NS_PER_S + nsec;
}
