/* SPDX-License-Identifier: ISC */
/*
 * Who hosts us: the signature in CPUID 0x40000000 ([KVM] cpuid.rst).  Bit 31 of
 * CPUID 1 ECX says that there is a hypervisor at all.
 */
#include <string.h>

#include <asm/kvm_para.h>

#include "kernel/cpu.h"
#include "kernel/platform.h"
#include "pv/hypercalls/bare.h"
#include "pv/hypercalls/kvm.h"

const struct platform *platform = &platform_bare;

void
platform_detect(const struct boot_info *bi)
{
	struct cpuid c;

	(void)bi;
	if (!(cpu_id(1, 0).ecx & (1U << 31)))
		return;
	c = cpu_id(KVM_CPUID_SIGNATURE, 0);
	if (memcmp(&c.ebx, KVM_SIGNATURE, 12) == 0)
		platform = &platform_kvm;
}
