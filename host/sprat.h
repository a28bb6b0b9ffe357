/* SPDX-License-Identifier: ISC */
/*
 * The `sprat` command: its subcommands and their exit statuses.  docs/sprat.1
 * is the user's side of this.
 */
#ifndef HOST_SPRAT_H
#define HOST_SPRAT_H

#define SPRAT_VERSION "0.1.0"

/* Exit statuses of our own.  `sprat run` must not confuse them with those of
 * the program it runs, so it uses the ones env(1) and timeout(1) chose. */
#define EXIT_FAILED  1
#define EXIT_USAGE   2   /* every command but run */
#define EXIT_TIMEOUT 124 /* run: --timeout came */
#define EXIT_SPRAT   125 /* run: we failed, not the program */
#define EXIT_SIGNAL  128 /* plus the signal's number */

/* One function a subcommand; argv[0] is its name.  They return the exit
 * status. */
int cc_main(int argc, char **argv);
int info_main(int argc, char **argv);
int pack_main(int argc, char **argv);
int run_main(int argc, char **argv);

extern const char cc_help[], info_help[], pack_help[], run_help[];

#endif
