/* SPDX-License-Identifier: ISC */
/* The interrupt controllers: see apic.h.  x2APIC where the processor has it,
 * for a register there is an MSR and costs a hypervisor less. */
#include "kernel/apic.h"
#include "kernel/acpi.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/trap.h"

#define LAPIC_PADDR  0xfee00000UL
#define IOAPIC_PADDR 0xfec00000UL
#define MSI_PADDR    0xfee00000UL

/* [SDM] 3, table 10-1: offsets */
#define LAPIC_ID      0x020
#define LAPIC_EOI     0x0b0
#define LAPIC_SVR     0x0f0
#define LAPIC_IRR     0x200
#define LAPIC_LVT_TMR 0x320
#define LAPIC_INIT    0x380
#define LAPIC_CURRENT 0x390
#define LAPIC_DIVIDE  0x3e0

#define SVR_ENABLE   (1U << 8)
#define LVT_PERIODIC (1U << 17)
#define DIVIDE_BY_16 3U

#define APIC_BASE_ENABLE (1UL << 11)
#define APIC_BASE_X2APIC (1UL << 10)
#define MSR_X2APIC       0x800U

#define IOAPIC_SELECT 0x00 /* [IOAPIC] 3.1 */
#define IOAPIC_WINDOW 0x10
#define IOAPIC_VER    1
#define IOAPIC_REDIR  0x10
#define IOAPIC_PINS   24 /* of the first one, in every PC */
#define REDIR_LEVEL   (1U << 15)

static bool x2apic, ready;
static int rounds;
static struct spinlock apic_lock = SPINLOCK("apic");

static volatile uint32_t *
reg(uint64_t base, unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

static uint32_t
lapic_read(unsigned offset)
{
	if (x2apic)
		return cpu_rdmsr(MSR_X2APIC + (offset >> 4));
	return *reg(LAPIC_PADDR, offset);
}

static void
lapic_write(unsigned offset, uint32_t v)
{
	if (x2apic)
		cpu_wrmsr(MSR_X2APIC + (offset >> 4), v);
	else
		*reg(LAPIC_PADDR, offset) = v;
}

void
apic_init(void)
{
	uint64_t base;

	if (ready)
		return;
	ready = true;
	base = cpu_rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;
	x2apic = cpu_id(1, 0).ecx & (1U << 21);
	if (x2apic)
		base |= APIC_BASE_X2APIC;
	else if (mmu_map(LAPIC_PADDR, PAGE_SIZE, MMU_W | MMU_UNCACHED) < 0)
		panic("apic: no memory to map it");
	trap_gate_irq(VECTOR_TIMER);
	trap_gate_irq(VECTOR_SPURIOUS);
	cpu_wrmsr(MSR_APIC_BASE, base);
	lapic_write(LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_DIVIDE, DIVIDE_BY_16);
}

void
lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

static bool
timer_pending(void)
{
	return lapic_read(LAPIC_IRR + 0x10 * (VECTOR_TIMER / 32)) >>
		   (VECTOR_TIMER % 32) &
	       1;
}

uint64_t
lapic_timer_start(uint32_t count, bool periodic)
{
	uint64_t tsc;

	lapic_write(
	    LAPIC_LVT_TMR, VECTOR_TIMER | (periodic ? LVT_PERIODIC : 0));
	if (periodic) {
		/* an interrupt left from before is not a round of this count */
		lapic_write(LAPIC_INIT, 0);
		rounds = timer_pending() ? -1 : 0;
	}
	tsc = cpu_rdtsc();
	lapic_write(LAPIC_INIT, count);
	return tsc;
}

void
lapic_timer_stop(void)
{
	lapic_write(LAPIC_INIT, 0);
}

uint32_t
lapic_timer_left(void)
{
	return lapic_read(LAPIC_CURRENT);
}

void
lapic_timer_fired(void)
{
	rounds++;
}

unsigned
lapic_timer_rounds(void)
{
	return rounds + timer_pending();
}

void
lapic_msi(unsigned vector, uint64_t *paddr, uint32_t *data)
{
	uint32_t id = lapic_read(LAPIC_ID);

	*paddr = MSI_PADDR | (x2apic ? id & 0xff : id >> 24) << 12;
	*data = vector;
}

static uint32_t
ioapic_read(uint64_t base, unsigned index)
{
	*reg(base, IOAPIC_SELECT) = index;
	return *reg(base, IOAPIC_WINDOW);
}

static void
ioapic_write(uint64_t base, unsigned index, uint32_t v)
{
	*reg(base, IOAPIC_SELECT) = index;
	*reg(base, IOAPIC_WINDOW) = v;
}

/* Pin of the controller at base; false if it has not that many. */
static bool
route(uint64_t base, unsigned pin, uint32_t entry)
{
	uint32_t ver = ioapic_read(base, IOAPIC_VER);
	uint32_t id = lapic_read(LAPIC_ID);

	if (ver == UINT32_MAX || pin > (ver >> 16 & 0xff))
		return false;
	ioapic_write(base, IOAPIC_REDIR + 2 * pin + 1, x2apic ? id << 24 : id);
	ioapic_write(base, IOAPIC_REDIR + 2 * pin, entry);
	return true;
}

/* Lines beyond the first controller's are ACPI's to tell.  Active high, though
 * PCI's own are low: so the tables of hypervisors have it, which look at the
 * level alone. */
int
ioapic_route(unsigned gsi, unsigned vector, bool level)
{
	uint64_t base = IOAPIC_PADDR, flags;
	unsigned first = 0;
	bool done;

	if (gsi >= IOAPIC_PINS && !acpi_ioapic(gsi, &base, &first))
		return -ENODEV;
	if (mmu_map_device(base, PAGE_SIZE) < 0)
		return -ENOMEM;
	flags = spin_lock(&apic_lock);
	done = route(base, gsi - first, vector | (level ? REDIR_LEVEL : 0));
	spin_unlock(&apic_lock, flags);
	return done ? 0 : -ENODEV;
}
