/* SPDX-License-Identifier: ISC */
/*
 * `sprat run`: boots an image and behaves like running the program.  Checks
 * come first, QEMU last, so that what can be said clearly is said by us.
 */
#define _GNU_SOURCE 1
#include "host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cpio.h"
#include "host/quote.h"
#include "host/sprat.h"
#include "host/util.h"
#include "host/virtiofsd.h"

#define INITRD_FD 9 /* QEMU inherits the packed folder as this, or above */

const char run_help[] =
    "usage: sprat run [options] IMAGE [[--] arguments]\n"
    "\n"
    "Boots IMAGE in QEMU and behaves like running the program: input, output,\n"
    "arguments and exit status are the program's.  Arguments that begin with\n"
    "'-' need the `--` before them.\n"
    "\n"
    "  -m, --memory MEM      guest memory, such as 64M or 2G (default 128M)\n"
    "  -e, --env NAME=VALUE  an environment variable of the program\n"
    "      --machine TYPE    microvm (default), q35 or pc\n"
    "      --accel HOW       auto (default), kvm or tcg\n"
    "      --initrd PATH     the program's root directory: a folder, or a\n"
    "                        cpio archive\n"
    "      --disk FILE       a disk, raw or *.qcow2: /dev/vda, ...;\n"
    "                        repeatable\n"
    "      --fs DIR:/PATH[:ro]  a folder of this host, mounted at PATH;\n"
    "                        repeatable\n"
    "      --virtiofs DIR:/PATH[:ro]  the same, served by virtiofsd\n"
    "      --pmem FILE       persistent memory, /dev/pmem0, ... (q35, pc)\n"
    "      --net NET         a network card: user (behind NAT), tap:NAME or\n"
    "                        none (default)\n"
    "      --port NAME=SOCKET  /dev/vport/NAME, a stream to a Unix socket\n"
    "      --vsock CID       stream sockets to this host (AF_VSOCK)\n"
    "      --rng             entropy from this host\n"
    "      --balloon         memory that the program freed returns to this\n"
    "                        host\n"
    "      --qmp SOCKET      QEMU's monitor (QMP) on a Unix socket\n"
    "      --timeout S       end the guest after S seconds, with status 124\n"
    "      --gdb             wait for a debugger before the first instruction\n"
    "      --dry-run         print the QEMU command instead of running it\n"
    "      --qemu PATH       the QEMU to use (default: SPRAT_QEMU, or\n"
    "                        qemu-system-x86_64)\n"
    "      --qemu-arg ARG    one more argument for QEMU; repeatable\n"
    "  -q, --quiet           do not say that KVM is missing\n"
    "  -v, --verbose         show the command, firmware output and times\n"
    "  -h, --help            show this\n"
    "\n"
    "Status: the program's; 128+N if signal N ended it; 124 after --timeout;\n"
    "125 if sprat or QEMU failed.\n";

/* The folder as an archive in memory that QEMU can open.  -1 after saying
 * what is wrong. */
static int
pack_folder(const char *dir)
{
	int fd, high;

	fd = memfd_create("sprat-initrd", MFD_CLOEXEC);
	if (fd < 0) {
		util_report(
		    "cannot make a temporary file: %s", strerror(errno));
		return -1;
	}
	if (!cpio_pack(dir, fd)) {
		close(fd);
		return -1;
	}
	high = fcntl(fd, F_DUPFD, INITRD_FD); /* kept across exec */
	if (high < 0)
		util_report("cannot pass on the initrd: %s", strerror(errno));
	close(fd);
	return high;
}

/* Sets o->initrd_fd if it is a folder; *len is the size of the archive. */
static bool
prepare_initrd(struct run_options *o, uint64_t *len)
{
	struct stat st;

	*len = 0;
	if (o->initrd == NULL)
		return true;
	if (stat(o->initrd, &st) < 0) {
		util_report("--initrd %s: %s", o->initrd, strerror(errno));
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		o->initrd_fd = pack_folder(o->initrd);
		if (o->initrd_fd < 0 || fstat(o->initrd_fd, &st) < 0)
			return false;
	} else if (!cpio_check(o->initrd)) {
		return false;
	}
	*len = (uint64_t)st.st_size;
	return true;
}

static bool
check_memory(
    const struct run_options *o, const struct elf *e, uint64_t initrd_len)
{
	uint64_t need = qemu_memory_needed(e, initrd_len);

	if (o->memory >= need)
		return true;
	util_report("%s needs at least %" PRIu64 " KiB of memory%s, and -m "
		    "gives %" PRIu64 "; run it with -m %" PRIu64 "M or more",
	    o->image, (need + 1023) >> 10,
	    initrd_len > 0 ? " with this initrd" : "", o->memory >> 10,
	    (need + (1 << 20) - 1) >> 20);
	return false;
}

static void
show_gdb(const struct run_options *o)
{
	struct text t = {0};

	quote_shell(&t, o->image);
	fprintf(stderr,
	    "waiting for a debugger; in another terminal:\n"
	    "  gdb %s -ex 'target remote :1234'\n",
	    t.p);
	text_free(&t);
}

static int
start_qemu(
    const struct run_options *o, const struct elf *e, const struct words *argv)
{
	char *path = util_find_program(o->qemu);
	int status;

	if (path == NULL) {
		if (strchr(o->qemu, '/') != NULL)
			util_report("%s: %s; name a QEMU for x86-64 by --qemu "
				    "or SPRAT_QEMU",
			    o->qemu, strerror(errno));
		else
			util_report("%s not found; apt install "
				    "qemu-system-x86",
			    o->qemu);
		return EXIT_SPRAT;
	}
	if (o->gdb)
		show_gdb(o);
	status = session_run(o, e, path, argv);
	free(path);
	return status;
}

/* The options are good and the image is one. */
static int
run_image(struct run_options *o, const struct elf *e)
{
	struct words argv = {0};
	struct text line = {0};
	int status = EXIT_SPRAT;
	uint64_t initrd_len;

	if (!prepare_initrd(o, &initrd_len) || !check_memory(o, e, initrd_len))
		return EXIT_SPRAT;
	qemu_pick_accel(o);
	if (!virtiofsd_start(o) || !qemu_command(o, &argv))
		goto out;
	qemu_print(o, &argv, &line);
	if (o->dry_run) {
		fputs(line.p, stdout);
		status = fflush(stdout) == 0 ? 0 : EXIT_SPRAT;
		goto out;
	}
	if (o->verbose)
		fputs(line.p, stderr);
	status = start_qemu(o, e, &argv);
out:
	virtiofsd_stop(o, status == EXIT_SPRAT);
	text_free(&line);
	words_free(&argv);
	if (o->initrd_fd >= 0)
		close(o->initrd_fd);
	return status;
}

int
run_main(int argc, char **argv)
{
	int status = EXIT_SPRAT;
	struct run_options o;
	struct elf e;
	bool help;

	if (!run_parse(&o, argc, argv, &help))
		goto out;
	if (help) {
		fputs(run_help, stdout);
		status = fflush(stdout) == 0 ? 0 : EXIT_SPRAT;
		goto out;
	}
	if (!elf_open(&e, o.image))
		goto out;
	status = run_image(&o, &e);
	elf_close(&e);
out:
	words_free(&o.disks);
	words_free(&o.pmems);
	words_free(&o.fs_dirs);
	words_free(&o.fs_types);
	words_free(&o.fs_paths);
	words_free(&o.ports);
	words_free(&o.env);
	words_free(&o.qemu_args);
	return status;
}
