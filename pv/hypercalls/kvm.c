/* SPDX-License-Identifier: ISC */
/*
 * KVM: its clock, and the rest as on a bare machine.  [KVM] cpuid.rst and
 * msr.rst of the Linux kernel's Documentation/virt/kvm/x86.
 */
#include <asm/kvm_para.h>

#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/tsc.h"
#include "pv/hypercalls/bare.h"
#include "pv/hypercalls/kvm.h"
#include "pv/hypercalls/pvclock.h"

#define MSR_ENABLE 1

/* One that crosses no page, as the host maps it by page. */
static struct vcpu_time_info time_info __attribute__((aligned(64)));
static struct pvclock_wall wall __attribute__((aligned(16)));
static bool have_clock;
static uint64_t start_ns;

static void
kvm_time_init(void)
{
	uint32_t features = cpu_id(KVM_CPUID_FEATURES, 0).eax;

	have_clock = features & (1U << KVM_FEATURE_CLOCKSOURCE2);
	if (!have_clock) {
		tsc_init();
		return;
	}
	apic_init(); /* for its timer */
	cpu_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (uint64_t)&time_info | MSR_ENABLE);
	cpu_wrmsr(MSR_KVM_WALL_CLOCK_NEW, (uint64_t)&wall);
	start_ns = pvclock_ns(&time_info);
}

static uint64_t
kvm_clock_ns(void)
{
	return have_clock ? pvclock_ns(&time_info) - start_ns : tsc_clock_ns();
}

static uint64_t
kvm_clock_wall_ns(void)
{
	if (!have_clock)
		return platform_bare.clock_wall_ns();
	return pvclock_wall_ns(&wall) + pvclock_ns(&time_info);
}

static void
kvm_timer_arm(uint64_t deadline_ns)
{
	uint64_t now;

	if (!have_clock) {
		tsc_timer_arm(deadline_ns);
		return;
	}
	now = kvm_clock_ns();
	tsc_timer_start(deadline_ns > now ? deadline_ns - now : 0);
}

const struct platform platform_kvm = {
	.name = "kvm",
	.console = bare_console,
	.time_init = kvm_time_init,
	.clock_ns = kvm_clock_ns,
	.clock_wall_ns = kvm_clock_wall_ns,
	.timer_arm = kvm_timer_arm,
	.idle = bare_idle,
	.poweroff = bare_poweroff,
};
