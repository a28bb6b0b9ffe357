/* SPDX-License-Identifier: ISC */
/*
 * Many threads in the same directories, files and descriptor table: no name,
 * byte or descriptor is lost, and nothing is left at the end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define THREADS 8
#define ROUNDS  400

static int bad[THREADS]; /* by thread; no lock needed */

static void
together(void *(*fn)(void *))
{
	pthread_t t[THREADS];
	intptr_t i;

	for (i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, fn, (void *)i) == 0);
	for (i = 0; i < THREADS; i++) {
		CHECK(pthread_join(t[i], NULL) == 0);
		CHECK(bad[i] == 0);
		bad[i] = 0;
	}
}

/* Names of its own in a directory that all use. */
static void *
own_names(void *arg)
{
	intptr_t me = (intptr_t)arg;
	char name[64], other[64], buf[64];
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "/shared/%d-%d", (int)me, i);
		snprintf(other, sizeof(other), "/shared/r%d-%d", (int)me, i);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		bad[me] += fd < 0 || write(fd, name, 64) != 64;
		bad[me] += rename(name, other) != 0;
		bad[me] +=
		    pread(fd, buf, 64, 0) != 64 || memcmp(name, buf, 64) != 0;
		bad[me] += close(fd) != 0 || access(name, F_OK) == 0;
		bad[me] += unlink(other) != 0;
	}
	return NULL;
}

/* The same few names: exactly one of all creators wins each time. */
static unsigned made, removed;

static void *
same_names(void *arg)
{
	intptr_t me = (intptr_t)arg;
	char name[32];
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "/shared/%d", i % 3);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd >= 0) {
			__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
			close(fd);
		} else {
			bad[me] += errno != EEXIST;
		}
		if (i % 7 == 0)
			sched_yield();
		if (unlink(name) == 0)
			__atomic_add_fetch(&removed, 1, __ATOMIC_RELAXED);
		else
			bad[me] += errno != ENOENT;
	}
	return NULL;
}

/* Appends to one file: every record arrives whole. */
static void *
appender(void *arg)
{
	intptr_t me = (intptr_t)arg;
	char record[100];
	int fd = open("/shared/log", O_WRONLY | O_APPEND), i;

	memset(record, 'a' + (int)me, sizeof(record));
	for (i = 0; i < ROUNDS; i++)
		bad[me] += write(fd, record, 100) != 100;
	bad[me] += close(fd) != 0;
	return NULL;
}

static void *
descriptor_user(void *arg)
{
	intptr_t me = (intptr_t)arg;
	int i, p[2], fd;
	char c;

	for (i = 0; i < ROUNDS; i++) {
		bad[me] += pipe(p) != 0 || write(p[1], &me, 1) != 1;
		fd = dup(p[0]);
		bad[me] += close(p[0]) != 0 || read(fd, &c, 1) != 1;
		bad[me] += c != (char)me;
		bad[me] += close(fd) != 0 || close(p[1]) != 0;
	}
	return NULL;
}

static int
entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
names(void)
{
	together(own_names);
	CHECK(entries("/shared") == 2);
	together(same_names);
	CHECK(made == removed && made > 0 && entries("/shared") == 2);
}

static void
appending(void)
{
	static char all[THREADS * ROUNDS * 100];
	int fd = open("/shared/log", O_RDWR | O_CREAT, 0600);
	size_t i, torn = 0;

	together(appender);
	CHECK(read(fd, all, sizeof(all)) == (ssize_t)sizeof(all));
	for (i = 1; i < sizeof(all); i++)
		torn += i % 100 != 0 && all[i] != all[i - 1];
	CHECK(torn == 0 && close(fd) == 0 && unlink("/shared/log") == 0);
}

static void
descriptors(void)
{
	int fd;

	together(descriptor_user);
	fd = open("/", O_RDONLY);
	CHECK(fd == 3 && close(fd) == 0);
}

int
main(void)
{
	CHECK(mkdir("/shared", 0755) == 0);
	CHECK_RUN(names);
	CHECK_RUN(appending);
	CHECK_RUN(descriptors);
	return check_failures != 0 || rmdir("/shared") != 0;
}
