/* SPDX-License-Identifier: ISC */
/*
 * Reads a disk again and again while tests/integration/test_needs_reset.py
 * makes the device ask for a reset: a request may fail, then all goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "check.h"

static char block[4096];

/* Tries for ten seconds at most. */
static bool
read_until(int fd, bool works)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if ((pread(fd, block, sizeof(block), 0) > 0) == works)
			return works || errno == EIO;
		check_sleep_ms(10);
	}
	return false;
}

static void
needs_reset(void)
{
	int fd = open("/dev/vda", O_RDONLY);

	CHECK(fd >= 0 && read_until(fd, true));
	puts("reading");
	fflush(stdout);
	CHECK(read_until(fd, false));
	CHECK(read_until(fd, true));
	CHECK(block[0] == 'x' && block[sizeof(block) - 1] == 'x');
}

int
main(void)
{
	CHECK_RUN(needs_reset);
	return check_failures != 0;
}
