/* SPDX-License-Identifier: ISC */
/*
 * The options of `sprat run`: see run.h.
 */
#define _GNU_SOURCE 1
#include "host/run.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/util.h"

#define MEMORY_DEFAULT (128ULL << 20)
#define TIMEOUT_MAX_S  1e9
#define PORT_NAME_MAX  64 /* with its NUL */

enum { /* options without a letter */
	OPT_MACHINE = 256,
	OPT_ACCEL,
	OPT_BALLOON,
	OPT_DISK,
	OPT_FS,
	OPT_INITRD,
	OPT_NET,
	OPT_PMEM,
	OPT_PORT,
	OPT_QMP,
	OPT_RNG,
	OPT_VIRTIOFS,
	OPT_VSOCK,
	OPT_TIMEOUT,
	OPT_GDB,
	OPT_DRY_RUN,
	OPT_QEMU,
	OPT_QEMU_ARG,
};

static const struct option long_options[] = {
    {"accel", required_argument, NULL, OPT_ACCEL},
    {"balloon", no_argument, NULL, OPT_BALLOON},
    {"disk", required_argument, NULL, OPT_DISK},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"env", required_argument, NULL, 'e'},
    {"fs", required_argument, NULL, OPT_FS},
    {"gdb", no_argument, NULL, OPT_GDB},
    {"help", no_argument, NULL, 'h'},
    {"initrd", required_argument, NULL, OPT_INITRD},
    {"machine", required_argument, NULL, OPT_MACHINE},
    {"memory", required_argument, NULL, 'm'},
    {"net", required_argument, NULL, OPT_NET},
    {"pmem", required_argument, NULL, OPT_PMEM},
    {"port", required_argument, NULL, OPT_PORT},
    {"qemu", required_argument, NULL, OPT_QEMU},
    {"qemu-arg", required_argument, NULL, OPT_QEMU_ARG},
    {"qmp", required_argument, NULL, OPT_QMP},
    {"quiet", no_argument, NULL, 'q'},
    {"rng", no_argument, NULL, OPT_RNG},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"verbose", no_argument, NULL, 'v'},
    {"virtiofs", required_argument, NULL, OPT_VIRTIOFS},
    {"vsock", required_argument, NULL, OPT_VSOCK},
    {NULL, 0, NULL, 0},
};

/* The place of `s` in a NULL-terminated list; -1 after saying what is wrong. */
static int
choose(const char *option, const char *s, const char *const *list)
{
	struct text t = {0};
	int i;

	for (i = 0; list[i] != NULL; i++) {
		if (strcmp(s, list[i]) == 0)
			return i;
	}
	for (i = 0; list[i] != NULL; i++)
		text_addf(&t, "%s%s", i > 0 ? ", " : "", list[i]);
	util_report("%s %s: unknown; choose one of %s", option, s, t.p);
	text_free(&t);
	return -1;
}

static bool
set_machine(struct run_options *o, const char *s)
{
	static const char *const list[] = {"microvm", "q35", "pc", NULL};
	int i = choose("--machine", s, list);

	if (i >= 0)
		o->machine = (enum run_machine)i;
	return i >= 0;
}

static bool
set_accel(struct run_options *o, const char *s)
{
	static const char *const list[] = {"auto", "kvm", "tcg", NULL};
	int i = choose("--accel", s, list);

	if (i >= 0)
		o->accel = (enum run_accel)i;
	return i >= 0;
}

static bool
set_net(struct run_options *o, const char *s)
{
	if (strcmp(s, "none") == 0) {
		o->net = NULL;
	} else if (strcmp(s, "user") == 0 ||
		   (strncmp(s, "tap:", 4) == 0 && s[4] != '\0')) {
		o->net = s;
	} else {
		util_report("--net %s: unknown; choose one of none, user, "
			    "tap:NAME",
		    s);
		return false;
	}
	return true;
}

/* Bits to shift for a suffix; -1 if it is none. */
static int
suffix_shift(const char *s)
{
	static const char letters[] = "KMGT";
	const char *at;

	if (s[0] == '\0')
		return 20;
	at = strchr(letters, toupper((unsigned char)s[0]));
	if (at == NULL || s[1] != '\0')
		return -1;
	return 10 * (int)(at - letters + 1);
}

static bool
set_memory(struct run_options *o, const char *s)
{
	unsigned long long n;
	char *end;
	int shift;

	errno = 0;
	n = strtoull(s, &end, 10);
	shift = suffix_shift(end);
	if (!isdigit((unsigned char)s[0]) || errno != 0 || n == 0 ||
	    shift < 0 || n > UINT64_MAX >> shift) {
		util_report("-m %s: not an amount of memory; write it as 64M "
			    "(suffixes K, M, G, T; M if none)",
		    s);
		return false;
	}
	o->memory = (uint64_t)n << shift;
	return true;
}

static bool
set_timeout(struct run_options *o, const char *s)
{
	char *end;
	double d;

	d = strtod(s, &end);
	if (end == s || *end != '\0' || !isfinite(d) || d <= 0 ||
	    d > TIMEOUT_MAX_S) {
		util_report("--timeout %s: not a number of seconds above 0, "
			    "such as 2.5",
		    s);
		return false;
	}
	o->timeout_ns = (uint64_t)(d * (double)NS_PER_S);
	if (o->timeout_ns == 0)
		o->timeout_ns = 1;
	return true;
}

static bool
add_env(struct run_options *o, const char *s)
{
	const char *eq = strchr(s, '=');

	if (eq == NULL || eq == s) {
		util_report("-e %s: write it as NAME=VALUE", s);
		return false;
	}
	if (strncmp(s, "sprat.", 6) == 0 ||
	    strncmp(s, "virtio_mmio.", 12) == 0) {
		util_report("-e %s: names that begin with `%.*s` belong to "
			    "the kernel; choose another",
		    s, (int)(strchr(s, '.') + 1 - s), s);
		return false;
	}
	words_add(&o->env, s);
	return true;
}

static bool
add_file(struct words *list, const char *option, const char *s)
{
	if (access(s, R_OK) < 0) {
		util_report("%s %s: %s", option, s, strerror(errno));
		return false;
	}
	words_add(list, s);
	return true;
}

/* DIR:/PATH[:ro].  The last colon before a slash divides, for DIR may hold
 * others. */
static bool
add_fs(
    struct run_options *o, const char *option, const char *type, const char *s)
{
	const char *at = NULL, *p;
	char *dir, *real;
	struct stat st;
	int err;

	for (p = s; (p = strstr(p, ":/")) != NULL; p++)
		at = p;
	if (at == NULL || at == s) {
		util_report("%s %s: write it as FOLDER:/PATH, or "
			    "FOLDER:/PATH:ro",
		    option, s);
		return false;
	}
	p = at + 1 + strspn(at + 1, "/");
	if (*p == '\0' || strcmp(p, ":ro") == 0) {
		util_report("%s %s: a folder cannot take the place of the "
			    "root; choose a path below it, or use --initrd",
		    option, s);
		return false;
	}
	dir = strndup(s, (size_t)(at - s));
	real = realpath(dir, NULL); /* for virtiofsd, which goes elsewhere */
	if (real == NULL || stat(real, &st) < 0)
		err = errno;
	else
		err = S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	if (err != 0) {
		util_report("%s %s: %s", option, dir, strerror(err));
	} else {
		words_add(&o->fs_dirs, real);
		words_add(&o->fs_types, type);
		words_add(&o->fs_paths, at + 1);
	}
	free(dir);
	free(real);
	return err == 0;
}

/* QEMU puts a socket in the place of whatever has its name. */
static bool
check_socket(const char *option, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISSOCK(st.st_mode))
		return true;
	util_report("%s: %s is there already, and no socket; choose another "
		    "name",
	    option, path);
	return false;
}

/* What the guest takes for a name in /dev/vport; kernel/port.c. */
static bool
port_name_ok(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && s[i] > ' ' && s[i] < 0x7f && s[i] != '/')
		i++;
	return i == len && len > 0 && len < PORT_NAME_MAX &&
	       s[strspn(s, ".")] != '=';
}

static bool
add_port(struct run_options *o, const char *s)
{
	const char *eq = strchr(s, '=');

	if (eq == NULL || eq[1] == '\0' || !port_name_ok(s, (size_t)(eq - s))) {
		util_report("--port %s: write it as NAME=SOCKET, without "
			    "slashes and blanks in NAME",
		    s);
		return false;
	}
	words_add(&o->ports, s);
	return check_socket("--port", eq + 1);
}

static bool
set_vsock(struct run_options *o, const char *s)
{
	unsigned long cid;
	char *end;

	cid = strtoul(s, &end, 10);
	if (!isdigit((unsigned char)s[0]) || *end != '\0' || cid < 3 ||
	    cid >= UINT32_MAX) {
		util_report("--vsock %s: not an address of a guest; choose a "
			    "number from 3 on",
		    s);
		return false;
	}
	o->vsock_cid = (unsigned)cid;
	return true;
}

/* getopt met something it does not know, or an option without its value. */
static bool
complain(int c, char **argv)
{
	const char *word = argv[optind - 1];
	char letter[3] = {'-', (char)optopt, '\0'};

	if (optopt > 0 && optopt < 256 && strncmp(word, "--", 2) != 0)
		word = letter; /* one of several in a word, as in -qx */
	if (c == ':')
		util_report(
		    "option %s needs a value; see `sprat help run`", word);
	else if (optopt > 0 && strncmp(word, "--", 2) == 0)
		util_report("option %.*s takes no value; see `sprat help run`",
		    (int)strcspn(word, "="), word);
	else
		util_report("unknown option %s; see `sprat help run`", word);
	return false;
}

static bool
take_option(struct run_options *o, int c, bool *help)
{
	switch (c) {
	case 'e':
		return add_env(o, optarg);
	case 'm':
		return set_memory(o, optarg);
	case OPT_MACHINE:
		return set_machine(o, optarg);
	case OPT_ACCEL:
		return set_accel(o, optarg);
	case OPT_NET:
		return set_net(o, optarg);
	case OPT_TIMEOUT:
		return set_timeout(o, optarg);
	case OPT_DISK:
		return add_file(&o->disks, "--disk", optarg);
	case OPT_PMEM:
		return add_file(&o->pmems, "--pmem", optarg);
	case OPT_FS:
		return add_fs(o, "--fs", "9p", optarg);
	case OPT_VIRTIOFS:
		return add_fs(o, "--virtiofs", "virtiofs", optarg);
	case OPT_PORT:
		return add_port(o, optarg);
	case OPT_VSOCK:
		return set_vsock(o, optarg);
	case OPT_BALLOON:
		o->balloon = true;
		break;
	case OPT_RNG:
		o->rng = true;
		break;
	case OPT_QMP:
		o->qmp = optarg;
		return check_socket("--qmp", optarg);
	case OPT_INITRD:
		o->initrd = optarg;
		break;
	case OPT_QEMU:
		o->qemu = optarg;
		break;
	case OPT_QEMU_ARG:
		words_add(&o->qemu_args, optarg);
		break;
	case OPT_GDB:
		o->gdb = true;
		break;
	case OPT_DRY_RUN:
		o->dry_run = true;
		break;
	case 'h':
		*help = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	}
	return true;
}

/* IMAGE, and the program's arguments.  A word that begins with '-' right
 * after IMAGE may be meant for us or for the program: we do not guess. */
static bool
take_operands(struct run_options *o, char **argv)
{
	if (argv[0] == NULL) {
		util_report("no image named; build one with `sprat cc`, then "
			    "`sprat run IMAGE`");
		return false;
	}
	o->image = *argv++;
	if (argv[0] != NULL && strcmp(argv[0], "--") == 0) {
		argv++;
	} else if (argv[0] != NULL && argv[0][0] == '-') {
		util_report("%s after the image: put options of sprat before "
			    "%s, arguments of the program after `--`",
		    argv[0], o->image);
		return false;
	}
	o->args = argv;
	return true;
}

bool
run_parse(struct run_options *o, int argc, char **argv, bool *help)
{
	const char *qemu = getenv("SPRAT_QEMU");
	int c;

	*o = (struct run_options){
	    .memory = MEMORY_DEFAULT,
	    .initrd_fd = -1,
	    .qemu = qemu && qemu[0] ? qemu : "qemu-system-x86_64",
	};
	*help = false;
	optind = 0;
	/* '+': what follows IMAGE is not ours; ':': we say what is wrong. */
	while ((c = getopt_long(argc, argv, "+:e:hm:qv", long_options, NULL)) >=
	       0) {
		if (c == '?' || c == ':')
			return complain(c, argv);
		if (!take_option(o, c, help))
			return false;
	}
	if (*help)
		return true;
	o->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	return take_operands(o, argv + optind);
}
