/* SPDX-License-Identifier: ISC */
/*
 * For test_virtio_transport.py: entropy from virtio-rng (the processor given
 * has none), and with argument `disk` at the same time the bytes of /dev/vda,
 * which hold their own number, so that two devices interrupt in turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "check.h"

#define ROUNDS 50
#define BLOCK  4096

static void
entropy(void)
{
	uint8_t a[300], b[300];
	int i;

	memset(a, 0, sizeof(a));
	for (i = 0; i < ROUNDS; i++) {
		CHECK(getrandom(b, sizeof(b), 0) == sizeof(b));
		CHECK(memcmp(a, b, sizeof(a)) != 0);
		memcpy(a, b, sizeof(a));
	}
}

static void
no_entropy(void)
{
	uint8_t b[16];

	CHECK(getrandom(b, sizeof(b), 0) == -1);
	CHECK(errno == ENOSYS);
}

static void *
read_disk(void *arg)
{
	uint32_t block[BLOCK / 4];
	int fd = open("/dev/vda", O_RDONLY);
	unsigned i, n;

	(void)arg;
	CHECK(fd >= 0);
	for (n = 0; n < ROUNDS; n++) {
		CHECK(pread(fd, block, BLOCK, (off_t)n * BLOCK) == BLOCK);
		for (i = 0; i < BLOCK / 4; i++)
			CHECK(block[i] == n * (BLOCK / 4) + i);
	}
	close(fd);
	return NULL;
}

static void
both(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, read_disk, NULL) == 0);
	entropy();
	CHECK(pthread_join(t, NULL) == 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "disk") == 0)
		CHECK_RUN(both);
	else if (argc > 1 && strcmp(argv[1], "none") == 0)
		CHECK_RUN(no_entropy);
	else
		CHECK_RUN(entropy);
	return check_failures != 0;
}
