/* SPDX-License-Identifier: ISC */
/*
 * The platform of QEMU's TCG and of any hypervisor we do not know by name:
 * time stamp counter, local APIC, 16550, RTC.
 */
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/rtc.h"
#include "kernel/tsc.h"
#include "kernel/uart.h"
#include "pv/hypercalls/bare.h"

/* QEMU's fw_cfg: select item 0, read "QEMU" (docs/specs/fw_cfg.txt). */
#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA   0x511

/* Where QEMU's pc and q35 put PM1a control with their own firmware; S5 is
 * type 0 and bit 13 enters it ([ACPI] 4.8.3.2.1). */
#define QEMU_PM1A_CNT 0x604
#define SLP_EN	      (1U << 13)

/* The sleep control register of its microvm: type 5, enable ([ACPI] 4.8.3.7).
 * Without ACPI nothing is there, and nothing happens. */
#define MICROVM_SLEEP_PADDR 0xfea00200UL
#define SLEEP_S5	    (5U << 2 | 1U << 5)

const struct console_dev *
bare_console(void)
{
	return uart_console();
}

/* The RTC is read once: from there on it is the monotonic clock's time. */
static uint64_t
bare_clock_wall_ns(void)
{
	static uint64_t offset_ns;
	static bool read;
	uint64_t s, flags = cpu_irq_save(); /* one thread reads it */

	if (!read) {
		read = true;
		s = rtc_read_s();
		if (s != 0)
			offset_ns = s * NS_PER_S - tsc_clock_ns();
	}
	cpu_irq_restore(flags);
	return offset_ns == 0 ? 0 : offset_ns + tsc_clock_ns();
}

void
bare_idle(void)
{
	cpu_halt();
}

static bool
on_qemu(void)
{
	const char *want = "QEMU";

	cpu_outw(FW_CFG_SELECT, 0);
	while (*want != '\0')
		if (cpu_inb(FW_CFG_DATA) != (uint8_t)*want++)
			return false;
	return true;
}

/* Soft off where we know how, a reset by triple fault elsewhere: monitors
 * that are told not to reboot (QEMU -no-reboot, Firecracker) end there. */
void
bare_poweroff(void)
{
	static const uint8_t no_idt[10];
	static bool tried; /* and a fault brought us here again */

	if (!tried && on_qemu()) {
		tried = true;
		cpu_outw(QEMU_PM1A_CNT, SLP_EN);
		if (mmu_map(MICROVM_SLEEP_PADDR, 1, MMU_W | MMU_UNCACHED) == 0)
			*(volatile uint8_t *)MICROVM_SLEEP_PADDR = SLEEP_S5;
	}
	cpu_lidt(no_idt);
	__asm__ volatile("int3");
	for (;;)
		cpu_halt();
}

const struct platform platform_bare = {
	.name = "bare",
	.console = bare_console,
	.time_init = tsc_init,
	.clock_ns = tsc_clock_ns,
	.clock_wall_ns = bare_clock_wall_ns,
	.timer_arm = tsc_timer_arm,
	.idle = bare_idle,
	.poweroff = bare_poweroff,
};
