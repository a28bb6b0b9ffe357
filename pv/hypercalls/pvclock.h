/* SPDX-License-Identifier: ISC */
/*
 * The time page that KVM and Xen share with a guest.  The layout is Xen's
 * struct vcpu_time_info; KVM's is the same ([KVM] msr.rst,
 * MSR_KVM_SYSTEM_TIME_NEW).
 */
#ifndef PV_HYPERCALLS_PVCLOCK_H
#define PV_HYPERCALLS_PVCLOCK_H

#include <stdint.h>

#include <xen/xen.h>

/* Nanoseconds of the host's clock now, from a page the host keeps current. */
uint64_t pvclock_ns(const struct vcpu_time_info *t);

/* Seconds and nanoseconds of the wall clock when that clock was 0. */
struct pvclock_wall {
	uint32_t version; /* host: odd while it writes */
	uint32_t sec;
	uint32_t nsec;
};
uint64_t pvclock_wall_ns(const struct pvclock_wall *w);

#endif
