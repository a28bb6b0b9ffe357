/* SPDX-License-Identifier: ISC */
/*
 * The virtio devices of `sprat run`: QEMU's options for each, and the words by
 * which the guest learns where to mount what.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/quote.h"
#include "host/run.h"
#include "host/util.h"
#include "host/virtiofsd.h"

#define MICROVM_SLOTS 8 /* virtio-mmio transports it has */
#define PAGE          4096
#define GIB           (1ULL << 30)
#define VHOST_VSOCK   "/dev/vhost-vsock"

/* "virtio-blk", say, as the machine carries it. */
static void
add_device(const struct run_options *o, struct words *argv, const char *kind,
    const char *options)
{
	bool pci = o->machine != MACHINE_MICROVM;
	bool was_legacy = strncmp(kind, "vhost-user-", 11) != 0;

	words_add(argv, "-device");
	words_addf(argv, "%s-%s%s%s", kind, pci ? "pci" : "device",
	    pci && was_legacy ? ",disable-legacy=on" : "", options);
}

static bool
holds_qcow2(const char *path)
{
	char magic[4] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool yes = false;

	if (fd >= 0) {
		yes = read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		      memcmp(magic, "QFI\xfb", sizeof(magic)) == 0;
		close(fd);
	}
	return yes;
}

/* By the name, or NULL after saying what is wrong.  The contents do not decide:
 * a guest that makes its raw disk look like qcow2, which may name any file of
 * this host to be read below it, shall not see that file the next time. */
static const char *
disk_format(const char *path)
{
	size_t len = strlen(path);
	bool named = len > 6 && strcmp(path + len - 6, ".qcow2") == 0;

	if (named == holds_qcow2(path))
		return named ? "qcow2" : "raw";
	if (named)
		util_report(
		    "--disk %s: not in the qcow2 format; rename it", path);
	else
		util_report("--disk %s: in the qcow2 format; if not a guest "
			    "made it so, let its name end in .qcow2",
		    path);
	return NULL;
}

static bool
add_disks(const struct run_options *o, struct words *argv)
{
	struct text t = {0};
	const char *format;
	char options[32];
	size_t i;

	for (i = 0; i < o->disks.n; i++) {
		format = disk_format(o->disks.v[i]);
		if (format == NULL)
			return false;
		text_addf(&t,
		    "if=none,id=disk%zu,format=%s%s,discard=unmap,"
		    "file=",
		    i, format,
		    access(o->disks.v[i], W_OK) < 0 ? ",readonly=on" : "");
		quote_comma(&t, o->disks.v[i]);
		words_add(argv, "-drive");
		words_give(argv, text_take(&t));
		snprintf(options, sizeof(options), ",drive=disk%zu", i);
		add_device(o, argv, "virtio-blk", options);
	}
	return true;
}

static bool
read_only(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ":ro") == 0;
}

/* By 9P, which QEMU speaks itself. */
static void
add_folder(const struct run_options *o, size_t i, struct words *argv)
{
	struct text t = {0};
	char options[64];

	text_addf(&t,
	    "local,id=fs%zu,security_model=none,multidevs=remap%s,path=", i,
	    read_only(o->fs_paths.v[i]) ? ",readonly=on" : "");
	quote_comma(&t, o->fs_dirs.v[i]);
	words_add(argv, "-fsdev");
	words_give(argv, text_take(&t));
	snprintf(
	    options, sizeof(options), ",fsdev=fs%zu,mount_tag=fs%zu", i, i);
	add_device(o, argv, "virtio-9p", options);
}

static void
add_served(const struct run_options *o, size_t i, struct words *argv)
{
	struct text t = {0}, path = {0};
	char options[64];

	virtiofsd_socket(o, i, &path);
	text_addf(&t, "socket,id=fs%zu,path=", i);
	quote_comma(&t, path.p);
	words_add(argv, "-chardev");
	words_give(argv, text_take(&t));
	text_free(&path);
	snprintf(options, sizeof(options), ",chardev=fs%zu,tag=fs%zu", i, i);
	add_device(o, argv, "vhost-user-fs", options);
}

static void
add_folders(const struct run_options *o, struct words *argv)
{
	size_t i;

	for (i = 0; i < o->fs_dirs.n; i++)
		if (virtiofsd_serves(o, i))
			add_served(o, i, argv);
		else
			add_folder(o, i, argv);
}

bool
devices_share_memory(const struct run_options *o)
{
	size_t i;

	for (i = 0; i < o->fs_dirs.n; i++)
		if (virtiofsd_serves(o, i))
			return true;
	return false;
}

static void
add_net(const struct run_options *o, struct words *argv)
{
	struct text t = {0};

	words_add(argv, "-netdev");
	if (strcmp(o->net, "user") == 0) {
		words_add(argv, "user,id=net0");
	} else {
		text_adds(&t, "tap,id=net0,script=no,downscript=no,ifname=");
		quote_comma(&t, o->net + strlen("tap:"));
		words_give(argv, text_take(&t));
	}
	add_device(o, argv, "virtio-net",
	    o->machine == MACHINE_MICROVM ? ",netdev=net0"
					  : ",netdev=net0,romfile=");
}

static void
add_ports(const struct run_options *o, struct words *argv)
{
	struct text t = {0};
	char *name;
	size_t i, len;

	add_device(o, argv, "virtio-serial", "");
	for (i = 0; i < o->ports.n; i++) {
		name = util_strdup(o->ports.v[i]);
		len = strcspn(name, "=");
		name[len] = '\0';
		text_addf(&t, "socket,id=port%zu,server=on,wait=off,path=", i);
		quote_comma(&t, name + len + 1);
		words_add(argv, "-chardev");
		words_give(argv, text_take(&t));
		text_addf(&t, "virtserialport,chardev=port%zu,name=", i);
		quote_comma(&t, name);
		free(name);
		words_add(argv, "-device");
		words_give(argv, text_take(&t));
	}
}

static uint64_t
file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

uint64_t
devices_plugged(const struct run_options *o)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < o->pmems.n; i++) /* each aligned as QEMU likes */
		sum += (file_bytes(o->pmems.v[i]) | (GIB - 1)) + 1;
	return sum;
}

/* QEMU maps whole pages of a file, and makes one in what is a folder. */
static bool
check_pmem(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
	    st.st_size % PAGE != 0) {
		util_report("--pmem %s: not a file of whole pages of %d "
			    "bytes; make one by `truncate -s 16M FILE`",
		    path, PAGE);
		return false;
	}
	return true;
}

static bool
add_pmems(const struct run_options *o, struct words *argv)
{
	struct text t = {0};
	size_t i;

	if (o->machine == MACHINE_MICROVM) {
		util_report("--pmem: a microvm has no persistent memory; add "
			    "--machine q35");
		return false;
	}
	for (i = 0; i < o->pmems.n; i++) {
		if (!check_pmem(o->pmems.v[i]))
			return false;
		text_addf(&t,
		    "memory-backend-file,id=pmem%zu,share=on,size=%" PRIu64
		    ",mem-path=",
		    i, file_bytes(o->pmems.v[i]));
		quote_comma(&t, o->pmems.v[i]);
		words_add(argv, "-object");
		words_give(argv, text_take(&t));
		words_add(argv, "-device");
		words_addf(argv, "virtio-pmem-pci,memdev=pmem%zu", i);
	}
	return true;
}

static bool
add_vsock(const struct run_options *o, struct words *argv)
{
	char options[32];

	if (!o->dry_run && access(VHOST_VSOCK, R_OK | W_OK) < 0) {
		util_report("--vsock: %s: %s; load the host's module by "
			    "`modprobe vhost_vsock`",
		    VHOST_VSOCK, strerror(errno));
		return false;
	}
	snprintf(options, sizeof(options), ",guest-cid=%u", o->vsock_cid);
	add_device(o, argv, "vhost-vsock", options);
	return true;
}

/* QEMU would say that it found no bus. */
static bool
check_slots(const struct run_options *o)
{
	size_t n = o->disks.n + o->fs_dirs.n + o->rng + o->balloon +
		   (o->net != NULL) + (o->ports.n > 0) + (o->vsock_cid != 0);

	if (o->machine != MACHINE_MICROVM || n <= MICROVM_SLOTS)
		return true;
	util_report("a microvm has room for %d devices, and these are %zu; "
		    "add --machine q35",
	    MICROVM_SLOTS, n);
	return false;
}

bool
devices_add(const struct run_options *o, struct words *argv)
{
	struct text t = {0};

	if (!check_slots(o) || !add_disks(o, argv))
		return false;
	add_folders(o, argv);
	if (o->net != NULL)
		add_net(o, argv);
	if (o->ports.n > 0)
		add_ports(o, argv);
	if (o->rng)
		add_device(o, argv, "virtio-rng", "");
	if (o->balloon)
		add_device(o, argv, "virtio-balloon",
		    ",free-page-reporting=on,deflate-on-oom=on");
	if (o->qmp != NULL) {
		text_adds(&t, "unix:");
		quote_comma(&t, o->qmp);
		text_adds(&t, ",server=on,wait=off");
		words_add(argv, "-qmp");
		words_give(argv, text_take(&t));
	}
	if (o->pmems.n > 0 && !add_pmems(o, argv))
		return false;
	return o->vsock_cid == 0 || add_vsock(o, argv);
}

void
devices_guest_words(const struct run_options *o, struct text *t)
{
	struct text value = {0};
	size_t i;

	for (i = 0; i < o->fs_paths.n; i++) {
		text_addf(&value, "%s:fs%zu:%s", o->fs_types.v[i], i,
		    o->fs_paths.v[i]);
		text_adds(t, " sprat.mount=");
		quote_guest(t, value.p);
		text_free(&value);
	}
}
