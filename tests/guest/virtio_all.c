/* SPDX-License-Identifier: ISC */
/*
 * One operation or more on each virtio device, for tests that try every kind of
 * ring on every machine: tests/integration/test_virtio_table.py gives a disk, a
 * folder at /mnt, a port named "out", entropy, a balloon and a network.
 */
#include <fcntl.h>
#include <sprat/net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "check.h"

#define AT  1234 /* no multiple of a sector */
#define LEN 70000

static unsigned char out[LEN], in[LEN];

static void
pattern(unsigned char *p, size_t len)
{
	unsigned x = 1;

	for (; len > 0; len--) {
		x = x * 1103515245 + 12345;
		*p++ = (unsigned char)(x >> 16);
	}
}

/* More at once than fits in one request, at an odd place, then all of it. */
static void
disk(void)
{
	int fd = open("/dev/vda", O_RDWR);

	pattern(out, LEN);
	CHECK(fd >= 0);
	CHECK(pwrite(fd, out, LEN, AT) == LEN);
	CHECK(fsync(fd) == 0);
	CHECK(pread(fd, in, LEN, AT) == LEN);
	CHECK(memcmp(in, out, LEN) == 0);
	CHECK(close(fd) == 0);
}

static void
entropy(void)
{
	unsigned char a[300] = {0}, b[300] = {0};

	CHECK(getrandom(a, 300, 0) == 300 && getrandom(b, 300, 0) == 300);
	CHECK(memcmp(a, b, 300) != 0);
}

static void
folder(void)
{
	int from = open("/mnt/in", O_RDONLY);
	int to = open("/mnt/out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n, sum = 0;

	CHECK(from >= 0 && to >= 0);
	while ((n = read(from, in, LEN)) > 0 && write(to, in, n) == n)
		sum += n;
	CHECK(n == 0 && sum > LEN);
	CHECK(close(from) == 0 && close(to) == 0);
}

static void
port(void)
{
	int fd = open("/dev/vport/out", O_WRONLY);
	size_t n = 0;
	ssize_t k = 0;

	CHECK(fd >= 0);
	for (; n < LEN && k >= 0; n += (size_t)k)
		k = write(fd, out + n, LEN - n);
	CHECK(n == LEN);
	CHECK(close(fd) == 0);
}

static const unsigned char arp[42] =
    "\377\377\377\377\377\377\0\0\0\0\0\0\10\6" /* to all: ARP: */
    "\0\1\10\0\6\4\0\1\0\0\0\0\0\0\12\0\2\17"   /* 10.0.2.15 asks */
    "\0\0\0\0\0\0\12\0\2\2";                    /* who is 10.0.2.2 */

/* The gateway of QEMU's user network answers, each time anew. */
static void
network(void)
{
	struct sprat_net *n = sprat_net_open(0);
	struct sprat_net_status st;
	struct sprat_net_buf *b;
	unsigned answers = 0;

	CHECK(n != NULL);
	if (n == NULL)
		return;
	sprat_net_status(n, &st);
	memcpy(out, arp, sizeof(arp));
	memcpy(out + 6, st.mac, 6);
	memcpy(out + 22, st.mac, 6);
	CHECK(sprat_net_write(n, out, sizeof(arp)) == 0);
	while (answers < 600 && sprat_net_wait(n, 0, 10000) == 0) {
		while ((b = sprat_net_take(n, 1)) != NULL) {
			if (b->len >= sizeof(arp) && b->data[21] == 2 &&
			    memcmp(b->data + 28, arp + 38, 4) == 0 &&
			    answers++ < 600)
				CHECK(
				    sprat_net_write(n, out, sizeof(arp)) == 0);
			sprat_net_free(b);
		}
	}
	CHECK(answers >= 600); /* more than fit in the queues */
	sprat_net_close(n);
}

int
main(void)
{
	CHECK_RUN(disk);
	CHECK_RUN(entropy);
	CHECK_RUN(folder);
	CHECK_RUN(port);
	CHECK_RUN(network);
	return check_failures != 0;
}
