/* SPDX-License-Identifier: ISC */
/*
 * Copies a tree as `cp -a` does: files, directories, symbolic and hard links,
 * modes and times.
 *
 *	tree FROM TO
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (4 << 20)

/* A file with several names, under the one it was copied to. */
struct linked {
	struct linked *next;
	ino_t ino;
	char name[];
};

static struct linked *linked;
static unsigned files, failures;
static char *chunk;

static void
fail(const char *path)
{
	printf("not ok %s: %s\n", path, strerror(errno));
	failures++;
}

static int
copy_data(const char *from, const char *to, mode_t mode)
{
	int in = open(from, O_RDONLY), out;
	ssize_t n, done = 0;

	if (in < 0)
		return -1;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL, mode & 0777);
	if (out < 0) {
		close(in);
		return -1;
	}
	while ((n = read(in, chunk, CHUNK)) > 0) {
		done = write(out, chunk, n);
		if (done != n)
			break;
	}
	close(in);
	if (close(out) != 0 || n < 0 || done < 0)
		return -1;
	return 0;
}

static int
copy_regular(const char *from, const char *to, const struct stat *st)
{
	struct linked *l = linked;

	if (st->st_nlink > 1) {
		while (l != NULL && l->ino != st->st_ino)
			l = l->next;
		if (l != NULL)
			return link(l->name, to);
		l = malloc(sizeof(*l) + strlen(to) + 1);
		if (l == NULL)
			return -1;
		l->ino = st->st_ino;
		strcpy(l->name, to);
		l->next = linked;
		linked = l;
	}
	return copy_data(from, to, st->st_mode);
}

static int
copy_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	return symlink(target, to);
}

static void copy(const char *from, const char *to);

static void
copy_entries(const char *from, const char *to)
{
	char *a = malloc(PATH_MAX), *b = malloc(PATH_MAX);
	DIR *d = opendir(from);
	struct dirent *e;

	if (d == NULL || a == NULL || b == NULL) {
		fail(from);
		exit(1);
	}
	while ((errno = 0, e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(a, PATH_MAX, "%s/%s", from, e->d_name);
		snprintf(b, PATH_MAX, "%s/%s", to, e->d_name);
		copy(a, b);
	}
	if (errno != 0)
		fail(from);
	closedir(d);
	free(a);
	free(b);
}

static void
copy(const char *from, const char *to)
{
	struct timespec times[2];
	struct stat st;
	int err;

	files++;
	if (lstat(from, &st) != 0) {
		fail(from);
		return;
	}
	if (S_ISLNK(st.st_mode)) {
		if (copy_link(from, to) != 0)
			fail(to);
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		err = mkdir(to, 0755);
		if (err == 0)
			copy_entries(from, to);
	} else {
		err = copy_regular(from, to, &st);
	}
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (err != 0 || chmod(to, st.st_mode & 07777) != 0 ||
	    utimensat(AT_FDCWD, to, times, 0) != 0)
		fail(to);
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	chunk = malloc(CHUNK);
	copy(argv[1], argv[2]);
	printf("%s %u files\n", failures ? "not ok" : "ok", files);
	return failures != 0;
}
