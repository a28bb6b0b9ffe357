/* SPDX-License-Identifier: ISC */
/*
 * From a filled struct boot_info to the application, as a plain list of calls,
 * and the way out.
 */
#include "boot/boot_info.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/platform.h"
#include "kernel/trap.h"
#include "pv/virtio/virtio_drivers.h"

const void *initrd_base;
size_t initrd_len;
uint64_t acpi_rsdp_paddr;

static void
initrd_init(const struct boot_range *r)
{
	if (r->len == 0)
		return;
	if (mmu_map(r->base, r->len, MMU_R) < 0)
		panic("cannot map the initrd: %lu bytes at 0x%lx", r->len,
		    r->base);
	initrd_base = (const void *)r->base;
	initrd_len = r->len;
}

static struct exit_call *exit_calls;

/* Drivers that serve the host.  One that was left out of the image is NULL, and
 * then the virtio core is reached only by what the application uses. */
static void
drivers_start(void)
{
	static const struct virtio_driver *const driver[] = {
	    &virtio_balloon_driver,
	    &virtio_mem_driver,
	};
	unsigned i;

	for (i = 0; i < sizeof(driver) / sizeof(driver[0]); i++)
		if (driver[i] != NULL)
			driver[i]->start(driver[i]);
}

static void
main_thread(void)
{
	console_start();
	drivers_start();
	libc_start(cmdline_argc, cmdline_argv, cmdline_envp);
}

void
kernel_main(struct boot_info *bi)
{
	trap_init();
	platform_detect(bi);
	page_init(bi);
	cmdline_init(bi->cmdline);
	console_init();
	page_check();
	initrd_init(&bi->initrd);
	acpi_rsdp_paddr = bi->rsdp_paddr;
	thread_init(main_thread);
	panic("thread_init returned");
}

void
kernel_at_exit(struct exit_call *c)
{
	c->next = exit_calls;
	exit_calls = c;
}

void
kernel_exit(int status)
{
	struct exit_call *c;

	for (c = exit_calls; c != NULL; c = c->next)
		c->fn();
	console_exit(status & 0xff);
	cpu_irq_save();
	platform->poweroff();
}
