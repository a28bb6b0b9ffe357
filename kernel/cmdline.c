/* SPDX-License-Identifier: ISC */
/*
 * The command line: options for the kernel, environment and arguments for the
 * application.
 *
 *	sprat.NAME[=VALUE]    an option, cmdline_option("NAME")
 *	virtio_mmio.device=.. a device the monitor describes, cmdline_devices
 *	NAME=VALUE            environment
 *	WORD                  an argument
 *	--                    from here on every word is an argument
 *
 * Words are separated by blanks; double quotes keep blanks, a backslash keeps
 * the next character.  Monitors append device words at the very end, so these
 * are theirs behind `--` too, unless they begin with a quote.
 */
#include <string.h>

#include "kernel/kernel.h"

#define OPTION "sprat."
#define DEVICE "virtio_mmio.device="

int cmdline_argc;
char **cmdline_argv;
char **cmdline_envp;

char **cmdline_devices;
static char **options; /* each list ends with NULL */
static char *empty[1];

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* What follows `with` in s; NULL if s does not begin so. */
static const char *
begins(const char *s, const char *with)
{
	for (; *with != '\0'; s++, with++)
		if (*s != *with)
			return NULL;
	return s;
}

/* Cuts the next word out of *line, in place; NULL at the end. */
static char *
word_next(char **line, bool *quoted)
{
	char *in = *line, *out, *word;
	bool open = false;

	while (blank(*in))
		in++;
	if (*in == '\0')
		return NULL;
	*quoted = *in == '"' || *in == '\\';
	for (word = out = in; *in != '\0' && (open || !blank(*in)); in++) {
		if (*in == '"') {
			open = !open;
			continue;
		}
		if (*in == '\\' && in[1] != '\0')
			in++;
		*out++ = *in;
	}
	*line = *in == '\0' ? in : in + 1;
	*out = '\0';
	return word;
}

static unsigned
words_count(const char *line)
{
	unsigned n = 0;

	for (; *line != '\0'; line++)
		n += !blank(*line) && (line[1] == '\0' || blank(line[1]));
	return n;
}

/* An upper bound of words for each list: four lists in one block. */
static char **
lists_alloc(unsigned nwords)
{
	return heap_alloc(4 * (nwords + 2) * sizeof(char *));
}

static void
words_sort(char *line)
{
	char **opt = options, **dev = cmdline_devices, **env = cmdline_envp;
	char *word;
	bool quoted, all = false;

	while ((word = word_next(&line, &quoted)) != NULL) {
		if (!quoted && begins(word, DEVICE))
			*dev++ = word + strlen(DEVICE);
		else if (all)
			cmdline_argv[cmdline_argc++] = word;
		else if (!quoted && strcmp(word, "--") == 0)
			all = true;
		else if (!quoted && begins(word, OPTION))
			*opt++ = word + strlen(OPTION);
		else if (strchr(word, '=') != NULL)
			*env++ = word;
		else
			cmdline_argv[cmdline_argc++] = word;
	}
}

void
cmdline_init(char *line)
{
	unsigned n = words_count(line);
	char **lists = lists_alloc(n);
	const char *name;

	cmdline_envp = options = cmdline_devices = empty;
	if (lists == NULL)
		return;
	options = lists;
	cmdline_devices = lists + (n + 2);
	cmdline_envp = lists + 2 * (n + 2);
	cmdline_argv = lists + 3 * (n + 2);
	cmdline_argc = 1;
	words_sort(line);
	name = cmdline_option("name");
	cmdline_argv[0] = name != NULL ? (char *)name : "app";
}

const char *
cmdline_option_nth(const char *name, unsigned n)
{
	const char *rest;
	char **p;

	for (p = options; p != NULL && *p != NULL; p++) {
		rest = begins(*p, name);
		if (rest == NULL || (*rest != '=' && *rest != '\0') || n-- > 0)
			continue;
		return *rest == '=' ? rest + 1 : rest;
	}
	return NULL;
}

const char *
cmdline_option(const char *name)
{
	return cmdline_option_nth(name, 0);
}
