/* SPDX-License-Identifier: ISC */
/* What the guest tests of files share, in the words of check.h. */
#ifndef TESTS_GUEST_CHECK_FILE_H
#define TESTS_GUEST_CHECK_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static inline void
put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(close(fd) == 0);
}

static inline void
check_text(const char *path, const char *text)
{
	char buf[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf));

	CHECK(n == (ssize_t)strlen(text) && memcmp(buf, text, n) == 0);
	CHECK(close(fd) == 0);
}

#endif
