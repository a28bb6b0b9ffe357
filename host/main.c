/* SPDX-License-Identifier: ISC */
/*
 * The `sprat` command: one table of subcommands.  Called as `sprat-cc` it is
 * `sprat cc`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/sprat.h"
#include "host/util.h"

struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
	const char *summary;
};

static const struct command commands[] = {
    {"cc", cc_main, cc_help, "compile and link C into a bootable image"},
    {"run", run_main, run_help, "boot an image as if running the program"},
    {"info", info_main, info_help, "show what an image is made of"},
    {"pack", pack_main, pack_help, "make a root directory from a folder"},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *
find(const char *name)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* 0, or EXIT_FAILED if standard output did not take it. */
static int
finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	util_report("cannot write to standard output: %s", strerror(errno));
	return EXIT_FAILED;
}

static int
usage(void)
{
	size_t i;

	printf("usage: sprat COMMAND [arguments]\n\n"
	       "C programs as bootable guests.  Commands:\n\n");
	for (i = 0; i < NCOMMANDS; i++)
		printf("  %-6s %s\n", commands[i].name, commands[i].summary);
	printf("\n`sprat help COMMAND` tells more; so does sprat(1).  "
	       "`sprat --version` tells\nthe version.\n"
	       "Start with: sprat cc hello.c -o hello.elf && "
	       "sprat run hello.elf\n");
	return finish_output();
}

static int
unknown(const char *what, const char *name)
{
	util_report(
	    "unknown %s `%s`; `sprat --help` lists the commands", what, name);
	return EXIT_USAGE;
}

static int
help(const char *name)
{
	const struct command *c;

	if (name == NULL)
		return usage();
	c = find(name);
	if (c == NULL)
		return unknown("command", name);
	fputs(c->help, stdout);
	return finish_output();
}

static int
dispatch(int argc, char **argv)
{
	const struct command *c;
	const char *word = argv[1];

	if (word == NULL) {
		util_report("no command; `sprat --help` lists them");
		return EXIT_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return usage();
	if (strcmp(word, "--version") == 0) {
		puts("sprat " SPRAT_VERSION);
		return finish_output();
	}
	if (strcmp(word, "help") == 0)
		return help(argv[2]);
	c = find(word);
	if (c == NULL)
		return unknown(word[0] == '-' ? "option" : "command", word);
	util_command(c->name);
	return c->main(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	int err = util_open_standard();

	if (err < 0) {
		util_report("/dev/null: %s", strerror(-err));
		return EXIT_SPRAT;
	}
	if (argc > 0 && strcmp(util_basename(argv[0]), "sprat-cc") == 0) {
		util_command("cc");
		return cc_main(argc, argv);
	}
	return dispatch(argc, argv);
}
