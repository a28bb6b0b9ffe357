/* SPDX-License-Identifier: ISC */
/*
 * The state of the loop that carries a guest's input and output: pump.c runs
 * the loop, session.c starts QEMU before it and judges the outcome after it.
 */
#ifndef HOST_PUMP_H
#define HOST_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/mux.h"
#include "host/name.h"
#include "host/run.h"

struct pump {
	const struct run_options *o;
	pid_t pid;       /* QEMU */
	int pidfd;       /* -1 once it was reaped */
	int sigfd;       /* signals that end us */
	int to;          /* QEMU's standard input, or -1 */
	int from;        /* its output; -1 once drained */
	int err;         /* its standard error; -1 if it shares ours */
	int wait_status; /* of waitpid, once ended */
	bool ended;
	bool discard; /* do not drain what QEMU left */
	bool stdin_is_tty;
	bool stdin_ended;
	int status; /* the program's; -1: not known */
	int cause;  /* the status we decided on; -1: none */
	uint64_t start_ns;
	uint64_t deadline_ns; /* --timeout; UINT64_MAX: none */
	uint64_t grace_ns;    /* QEMU must be gone by then */
	struct mux mux;
	struct namer namer;
	struct text name;    /* the address being written */
	struct text noise;   /* from before the guest ran */
	struct text errors;  /* what QEMU complained about */
	const uint8_t *rest; /* read from QEMU, not parsed yet */
	size_t rest_len;
	const uint8_t *pending; /* parsed, not written yet */
	size_t pending_len;
	int sink; /* where `pending` goes */
	size_t in_at, in_len;
	uint8_t in_buf[4096]; /* escaped input on its way to QEMU */
	uint8_t out_buf[65536];
};

/* Carries everything until QEMU ended. */
void pump_loop(struct pump *p);

#endif
