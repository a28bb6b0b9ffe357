/* SPDX-License-Identifier: ISC */
/* The inline assembly of the kernel: one instruction a function.  [SDM] 2. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RFLAGS_IF (1UL << 9)

#define CR4_OSXSAVE  (1UL << 18)

#define MSR_APIC_BASE 0x1bU
#define MSR_FS_BASE   0xc0000100U

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid
cpu_id(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t
cpu_rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
cpu_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline uint64_t
cpu_rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void
cpu_outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void
cpu_outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void
cpu_outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint8_t
cpu_inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint16_t
cpu_inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t
cpu_inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

/* len bytes to one port: a single exit under KVM */
static inline void
cpu_outsb(uint16_t port, const void *p, size_t len)
{
	__asm__ volatile("rep outsb"
			 : "+S"(p), "+c"(len)
			 : "d"(port)
			 : "memory");
}

static inline uint64_t
cpu_flags(void)
{
	uint64_t f;

	__asm__ volatile("pushfq; popq %0" : "=r"(f) : : "memory");
	return f;
}

/* Interrupts off; the flags to give to cpu_irq_restore. */
static inline uint64_t
cpu_irq_save(void)
{
	uint64_t f = cpu_flags();

	__asm__ volatile("cli" : : : "memory");
	return f;
}

static inline void
cpu_irq_restore(uint64_t flags)
{
	if (flags & RFLAGS_IF)
		__asm__ volatile("sti" : : : "memory");
}

/* Sleeps until an interrupt; none is lost between the two instructions, for
 * sti takes effect after the next one ([SDM] 2, STI).  Off again after. */
static inline void
cpu_halt(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline void
cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline uint64_t
cpu_cr2(void)
{
	uint64_t v;

	__asm__ volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

static inline void
cpu_set_cr3(uint64_t v)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t
cpu_cr4(void)
{
	uint64_t v;

	__asm__ volatile("movq %%cr4, %0" : "=r"(v));
	return v;
}

static inline void
cpu_set_cr4(uint64_t v)
{
	__asm__ volatile("movq %0, %%cr4" : : "r"(v) : "memory");
}

static inline void
cpu_set_xcr0(uint64_t v)
{
	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline void
cpu_invlpg(uint64_t vaddr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(vaddr) : "memory");
}

static inline void
cpu_lidt(const void *ptr)
{
	__asm__ volatile("lidt (%0)" : : "r"(ptr) : "memory");
}

static inline void
cpu_lgdt(const void *ptr)
{
	__asm__ volatile("lgdt (%0)" : : "r"(ptr) : "memory");
}

static inline void
cpu_ltr(uint16_t selector)
{
	__asm__ volatile("ltr %0" : : "r"(selector));
}

/* False: the generator had nothing; try again. */
static inline bool
cpu_rdrand(uint64_t *v)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}

static inline bool
cpu_rdseed(uint64_t *v)
{
	bool ok;

	__asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}

#endif
