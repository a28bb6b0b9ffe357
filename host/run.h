/* SPDX-License-Identifier: ISC */
/*
 * What `sprat run` is told (run.c), the QEMU command line made from it
 * (qemu.c), and the run itself (session.c, pump.c).
 */
#ifndef HOST_RUN_H
#define HOST_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/elf.h"
#include "host/text.h"

enum run_machine { MACHINE_MICROVM, MACHINE_Q35, MACHINE_PC };
enum run_accel { ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG };

struct run_options {
	const char *image;
	char *const *args; /* the program's, without its name */
	uint64_t memory;   /* bytes */
	enum run_machine machine;
	enum run_accel accel;  /* never ACCEL_AUTO once qemu_pick_accel ran */
	const char *initrd;    /* folder or file, or NULL */
	int initrd_fd;         /* the packed folder, or -1 */
	struct words env;      /* NAME=VALUE */
	struct words disks;    /* files */
	struct words pmems;    /* files */
	struct words fs_dirs;  /* absolute, and where the guest sees each: */
	struct words fs_types; /* "9p" or "virtiofs" of each */
	struct words fs_paths; /* "/mnt" or "/mnt:ro" */
	struct words ports;    /* NAME=PATH of a socket */
	char *sockets;         /* virtiofsd.c's: their folder, ... */
	pid_t *servers;        /* ... and a process for each, or 0 */
	const char *net;       /* "user", "tap:NAME", or NULL */
	const char *qmp;       /* path of a socket, or NULL */
	unsigned vsock_cid;    /* 0: none */
	bool rng;
	bool balloon;
	bool gdb;
	bool dry_run;
	bool verbose;
	bool quiet;
	bool tty;            /* input and output are a terminal */
	uint64_t timeout_ns; /* 0: none */
	const char *qemu;    /* name or path */
	struct words qemu_args;
};

/* options.c: false after saying what is wrong.  `help` is set instead if
 * that was asked for. */
bool run_parse(struct run_options *o, int argc, char **argv, bool *help);

/* qemu.c */

/* Decides what ACCEL_AUTO means on this machine, and says so unless quiet. */
void qemu_pick_accel(struct run_options *o);
/* Bytes of RAM that `e` with an initrd of that size cannot do without. */
uint64_t qemu_memory_needed(const struct elf *e, uint64_t initrd_len);
/* Appends the command line; false after saying why there can be none. */
bool qemu_command(const struct run_options *o, struct words *argv);
/* Appends it as a shell would take it. */
void qemu_print(
    const struct run_options *o, const struct words *argv, struct text *out);

/* devices.c: the virtio devices, and what the guest must know of them. */
bool devices_add(const struct run_options *o, struct words *argv);
/* Bytes of guest addresses that they take besides RAM; multiples of 1 GiB. */
uint64_t devices_plugged(const struct run_options *o);
/* Is there a device that lives in another process? */
bool devices_share_memory(const struct run_options *o);
void devices_guest_words(const struct run_options *o, struct text *t);

/* session.c: starts QEMU, found at `path`, carries input and output until it
 * ends, and returns the exit status of `sprat run`. */
int session_run(const struct run_options *o, const struct elf *e,
    const char *path, const struct words *argv);

#endif
