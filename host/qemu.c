/* SPDX-License-Identifier: ISC */
/*
 * The QEMU command line for a set of options: see run.h.  Every machine
 * starts with the small firmware (qboot.rom), which hands over the PVH way,
 * and has no device that was not asked for.
 */
#define _GNU_SOURCE 1
#include "host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/quote.h"
#include "host/util.h"
#include "host/virtiofsd.h"

#define PAGE                4096ULL
#define RESERVED            (256ULL << 10) /* stacks, page tables, a first heap */
#define MEMORY_RESERVED_KIB (1ULL << 20)   /* up to this, QEMU checks first */

/* The firmware puts the kernel command line below 960 KiB, where a PC has its
 * VGA window below 768 KiB.  QEMU gets it as one argument, of which Linux
 * allows 128 KiB; the machine without the window adds words of its own. */
#define CMDLINE_MAX_PC      60000
#define CMDLINE_MAX_MICROVM 120000

#define GDB_ADDRESS "127.0.0.1:1234"

static bool
cpu_has_virtualization(void)
{
	char *line = NULL, *word, *save;
	bool found = false;
	size_t cap = 0;
	FILE *f;

	f = fopen("/proc/cpuinfo", "re");
	if (f == NULL)
		return false;
	while (getline(&line, &cap, f) > 0 && strncmp(line, "flags", 5) != 0)
		;
	for (word = strtok_r(line, " \t\n:", &save); word != NULL && !found;
	     word = strtok_r(NULL, " \t\n", &save))
		found = strcmp(word, "vmx") == 0 || strcmp(word, "svm") == 0;
	free(line);
	fclose(f);
	return found;
}

void
qemu_pick_accel(struct run_options *o)
{
	const char *why = NULL;
	int fd;

	if (o->accel != ACCEL_AUTO)
		return;
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		why = strerror(errno);
	else
		close(fd);
	if (why == NULL && !cpu_has_virtualization())
		why = "this CPU has neither vmx nor svm";
	o->accel = why ? ACCEL_TCG : ACCEL_KVM;
	if (why != NULL && !o->quiet)
		util_report("no KVM here (/dev/kvm: %s): using TCG, which is "
			    "slower; --accel tcg or -q silences this",
		    why);
}

uint64_t
qemu_memory_needed(const struct elf *e, uint64_t initrd_len)
{
	uint64_t end = (e->memory_end + PAGE - 1) & ~(PAGE - 1);

	return end + ((initrd_len + PAGE - 1) & ~(PAGE - 1)) + RESERVED;
}

/* A guest takes from the host what it touches, so a large one need not be
 * covered beforehand by memory and swap. */
static void
add_memory(const struct run_options *o, struct words *argv)
{
	uint64_t kib = (o->memory + 1023) / 1024;
	bool shared = devices_share_memory(o);

	words_add(argv, "-m");
	if (o->pmems.n > 0)
		words_addf(argv, "%" PRIu64 "k,maxmem=%" PRIu64 "k", kib,
		    kib + devices_plugged(o) / 1024);
	else
		words_addf(argv, "%" PRIu64 "k", kib);
	if (kib <= MEMORY_RESERVED_KIB && !shared)
		return;
	words_add(argv, "-object");
	words_addf(argv,
	    "memory-backend-%s,id=ram,size=%" PRIu64 "k,reserve=off",
	    shared ? "memfd,share=on" : "ram", kib);
	words_add(argv, "-machine");
	words_add(argv, "memory-backend=ram");
}

static void
add_machine(const struct run_options *o, struct words *argv)
{
	static const char *const machines[] = {
	    [MACHINE_MICROVM] = "microvm,acpi=off,pit=off,pic=off,rtc=on",
	    [MACHINE_Q35] = "q35,smm=off,vmport=off,smbus=off,sata=off",
	    [MACHINE_PC] = "pc,smm=off,vmport=off,smbus=off",
	};
	bool kvm = o->accel == ACCEL_KVM;

	words_add(argv, "-M");
	words_add(argv, machines[o->machine]);
	words_add(argv, "-bios");
	words_add(argv, "qboot.rom");
	words_add(argv, "-accel");
	words_add(argv, kvm ? "kvm" : "tcg,tb-size=64");
	words_add(argv, "-cpu");
	words_add(argv, kvm ? "host,migratable=off" : "max");
	add_memory(o, argv);
	words_add(argv, "-nodefaults");
	words_add(argv, "-no-user-config");
	words_add(argv, "-no-reboot");
	words_add(argv, "-display");
	words_add(argv, "none");
	words_add(argv, "-chardev");
	words_add(argv, "stdio,id=con,signal=off");
	words_add(argv, "-serial");
	words_add(argv, "chardev:con");
	if (o->machine == MACHINE_MICROVM) {
		words_add(argv, "-global");
		words_add(argv, "virtio-mmio.force-legacy=false");
	}
}

/* The program's name: the image's without folder and ".elf". */
static void
add_name(const struct run_options *o, struct text *t)
{
	char *name = util_strdup(util_basename(o->image));
	size_t len = strlen(name);

	if (len > 4 && strcmp(name + len - 4, ".elf") == 0)
		name[len - 4] = '\0';
	text_adds(t, " sprat.name=");
	quote_guest(t, name);
	free(name);
}

/* That there is a terminal, and its size if known. */
static void
add_tty(struct text *t)
{
	struct winsize ws;

	text_adds(t, " sprat.tty");
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 &&
	    ws.ws_row > 0)
		text_addf(t, "=%ux%u", ws.ws_col, ws.ws_row);
}

/* What kernel/cmdline.c will read. */
static void
add_guest_words(const struct run_options *o, struct text *t)
{
	size_t i;

	text_adds(t, "sprat.console=mux");
	if (o->tty)
		add_tty(t);
	add_name(o, t);
	devices_guest_words(o, t);
	for (i = 0; i < o->env.n; i++) {
		text_addc(t, ' ');
		quote_guest(t, o->env.v[i]);
	}
	if (o->args[0] != NULL)
		text_adds(t, " --");
	for (i = 0; o->args[i] != NULL; i++) {
		text_addc(t, ' ');
		quote_guest(t, o->args[i]);
	}
}

static bool
add_cmdline(const struct run_options *o, struct words *argv)
{
	size_t max = o->machine == MACHINE_MICROVM ? CMDLINE_MAX_MICROVM
						   : CMDLINE_MAX_PC;
	struct text t = {0};
	bool fits;

	add_guest_words(o, &t);
	fits = t.len <= max;
	if (fits) {
		words_add(argv, "-append");
		words_add(argv, t.p);
	} else {
		util_report("arguments and environment take %zu bytes, above "
			    "the limit of %zu of this machine; pass them in "
			    "a file by --initrd",
		    t.len, max);
	}
	text_free(&t);
	return fits;
}

static void
add_gdb(struct words *argv)
{
	words_add(argv, "-S");
	words_add(argv, "-gdb");
	words_add(argv, "tcp:" GDB_ADDRESS);
}

bool
qemu_command(const struct run_options *o, struct words *argv)
{
	size_t i;

	words_add(argv, o->qemu);
	add_machine(o, argv);
	words_add(argv, "-kernel");
	words_add(argv, o->image);
	if (o->initrd_fd >= 0) {
		words_add(argv, "-initrd");
		words_addf(argv, "/proc/self/fd/%d", o->initrd_fd);
	} else if (o->initrd != NULL) {
		words_add(argv, "-initrd");
		words_add(argv, o->initrd);
	}
	if (!devices_add(o, argv))
		return false;
	if (o->gdb)
		add_gdb(argv);
	for (i = 0; i < o->qemu_args.n; i++)
		words_add(argv, o->qemu_args.v[i]);
	return add_cmdline(o, argv);
}

void
qemu_print(
    const struct run_options *o, const struct words *argv, struct text *out)
{
	size_t i;

	if (o->initrd_fd >= 0) { /* QEMU gets what `sprat pack` writes */
		text_adds(out, "sprat pack ");
		quote_shell(out, o->initrd);
		text_adds(out, " >initrd.cpio &&\n");
	}
	virtiofsd_print(o, out);
	for (i = 0; i < argv->n; i++) {
		if (i > 0)
			text_addc(out, ' ');
		quote_shell(out, argv->v[i]);
	}
	if (o->initrd_fd >= 0)
		text_addf(out, " %d<initrd.cpio", o->initrd_fd);
	text_addc(out, '\n');
}
