/* SPDX-License-Identifier: ISC */
/*
 * The console protocol between a guest and `sprat run`.
 *
 * One byte stream each way is all that every hypervisor gives, so standard
 * output, standard error and the exit status share it.  The guest speaks it
 * only when the command line holds `sprat.console=mux`; without that word the
 * console carries plain text, and byte MUX_PLAIN_EOF typed at it ends the
 * input as on a terminal.
 *
 * MUX_ESC introduces an order; every other byte is data.  Both sides include
 * this file and nothing else defines the protocol.
 */
#ifndef KERNEL_MUX_H
#define KERNEL_MUX_H

#define MUX_ESC 0x10 /* ASCII DLE; a data byte 0x10 is sent twice */

/* guest to host */
#define MUX_START   'S' /* the guest runs; earlier bytes were firmware's */
#define MUX_OUT     '1' /* what follows is standard output (at start) */
#define MUX_ERR     '2' /* what follows is standard error */
#define MUX_ADDRESS 'a' /* 16 hex digits: a code address, to be named */
#define MUX_EXIT    'x' /* 2 hex digits: exit status; nothing follows */

/* host to guest */
#define MUX_EOF 'e' /* standard input has ended */

#define MUX_PLAIN_EOF 0x04 /* ASCII EOT, as a terminal's Ctrl-D */

#endif
