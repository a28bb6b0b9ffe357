/* SPDX-License-Identifier: ISC */
/*
 * Raw frames in a guest, one kind of test for each word:
 *
 *	api             errors of each call
 *	echo N          sends N test frames back as they came, without copying
 *	show N [WHICH]  one line for each of N frames; WHICH: receive offloads
 *	tcp             sends one large TCP frame for the card to cut
 *	udp             sends a datagram with a partial checksum
 *	writers         sends from several threads, while one waits to receive
 *	link            tells of link changes and announcements
 *	filter          sets an address and a filter, shows what comes through
 *
 * The other side is tests/integration/test_net.py.  A test frame is of type
 * 0x88b5 (local experiments) and holds a number, then bytes that count up.
 */
#include <errno.h>
#include <pthread.h>
#include <sprat/net.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#define HEADER    14
#define TYPE_TEST 0x88b5
#define SLOTS     64
#define PATIENCE  20000 /* ms */

static const uint8_t peer[6] = {2, 0, 0, 0, 0, 0x99};
static struct sprat_net *card;
static struct sprat_net_status st;

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void
card_open(void)
{
	card = sprat_net_open(0);
	if (card == NULL) {
		printf("not ok open: %s\n", strerror(errno));
		exit(1);
	}
	sprat_net_status(card, &st);
	printf("%s %02x:%02x:%02x:%02x:%02x:%02x mtu %u link %d can %x\n",
	    st.name, st.mac[0], st.mac[1], st.mac[2], st.mac[3], st.mac[4],
	    st.mac[5], st.mtu, st.link_up, st.can);
	fflush(stdout);
}

/* The next frame of a type (0: any), alone; NULL: none for long. */
static struct sprat_net_buf *
receive(unsigned type)
{
	struct sprat_net_buf *f;

	for (;;) {
		while ((f = sprat_net_take(card, 1)) != NULL) {
			CHECK(f->next_frame == NULL && f->len >= HEADER);
			if (type == 0 || get16(f->data + 12) == type)
				return f;
			sprat_net_free(f);
		}
		if (sprat_net_wait(card, 0, PATIENCE) != 0 &&
		    errno == ETIMEDOUT)
			return NULL;
	}
}

/* --- api --- */

static unsigned ndone;

static void
count_done(struct sprat_net_tx *t)
{
	ndone += t->err == 0;
}

static int
try_send(struct sprat_net_tx *t)
{
	return sprat_net_send(card, t) == 0 ? 0 : errno;
}

static void
api(void)
{
	static uint8_t data[SPRAT_NET_FRAME_MAX + 100];
	struct sprat_net_piece piece[SPRAT_NET_PIECES_MAX + 1] = {{data, 64}};
	struct sprat_net_tx t = {.piece = piece, .npieces = 1};

	CHECK(sprat_net_open(0) == NULL && errno == EBUSY);
	CHECK(sprat_net_open(99) == NULL && errno == ENODEV);
	CHECK(st.mtu >= 68 && st.npieces > 0 && st.sending == 0);
	CHECK(try_send(&t) == EINVAL); /* no done */
	t.done = count_done;
	piece[0].len = 13;
	CHECK(try_send(&t) == EINVAL);
	piece[0].len = sizeof(data);
	CHECK(try_send(&t) == EMSGSIZE);
	piece[0].len = 64;
	t.npieces = SPRAT_NET_PIECES_MAX + 1;
	CHECK(try_send(&t) == EMSGSIZE);
	t.npieces = 2; /* the second is empty */
	CHECK(try_send(&t) == EINVAL);
	t.npieces = 1;
	t.offload.csum = SPRAT_NET_CSUM_PARTIAL;
	t.offload.csum_start = 50;
	t.offload.csum_offset = 13;
	CHECK(try_send(&t) == EINVAL);
	t.offload.csum = SPRAT_NET_CSUM_VALID;
	CHECK(try_send(&t) == EINVAL);
	t.offload = (struct sprat_net_offload){.gso = SPRAT_NET_GSO_TCP4};
	CHECK(try_send(&t) == EINVAL); /* and no partial checksum */
	t.offload = (struct sprat_net_offload){.gso = 200, .gso_size = 1};
	CHECK(try_send(&t) == EINVAL);
	CHECK(sprat_net_write(card, data, sizeof(data)) == -1);
	CHECK(errno == EMSGSIZE);
	CHECK(sprat_net_set_mac(card, (const uint8_t *)"\1\2\3\4\5\6") == -1);
	CHECK(sprat_net_filter(card, false, false, data, 65) == -1);
	CHECK(sprat_net_wait(card, 0, 30) == 0 || errno == ETIMEDOUT);
	sprat_net_status(card, &st);
	CHECK(st.sending == 0 && ndone == 0);
}

/* What is on its way when the card is closed is sent. */
static void
close_and_open(void)
{
	static uint8_t data[SLOTS][100];
	static struct sprat_net_piece piece[SLOTS];
	static struct sprat_net_tx t[SLOTS];
	int i;

	for (i = 0; i < SLOTS; i++) {
		memcpy(data[i], peer, 6);
		put16(data[i] + 12, TYPE_TEST);
		piece[i] = (struct sprat_net_piece){data[i], 100};
		t[i].piece = &piece[i];
		t[i].npieces = 1;
		t[i].done = count_done;
		CHECK(sprat_net_send(card, &t[i]) == 0);
	}
	sprat_net_close(card);
	CHECK(ndone == SLOTS);
	card = sprat_net_open(0);
	CHECK(card != NULL);
}

/* --- echo --- */

struct slot {
	struct sprat_net_tx tx;
	struct sprat_net_piece piece[SPRAT_NET_PIECES_MAX];
	struct sprat_net_buf *frame;
	struct slot *next;
};

static struct slot *slots;

static void
slot_done(struct sprat_net_tx *t)
{
	struct slot *s = (struct slot *)t;

	CHECK(t->err == 0);
	sprat_net_free(s->frame);
	s->next = slots;
	slots = s;
}

static void
slots_make(void)
{
	struct slot *s;
	int i;

	for (i = 0; i < SLOTS; i++) {
		s = calloc(1, sizeof(*s));
		s->tx.done = slot_done;
		s->tx.piece = s->piece;
		s->next = slots;
		slots = s;
	}
}

/* The bytes count up from the number's lowest, across all pieces. */
static bool
content_ok(const struct sprat_net_buf *f)
{
	uint8_t expect = f->data[HEADER + 3];
	const struct sprat_net_buf *b;
	uint32_t i, sum = 0;

	for (b = f; b != NULL; b = b->next) {
		for (i = b == f ? HEADER + 4 : 0; i < b->len; i++)
			if (b->data[i] != expect++)
				return false;
		sum += b->len;
	}
	return sum == f->total;
}

static void
send_back(struct sprat_net_buf *f)
{
	struct sprat_net_buf *b;
	struct slot *s;

	while (slots == NULL) {
		sprat_net_kick(card);
		sprat_net_wait(card, 1, PATIENCE);
	}
	s = slots;
	slots = s->next;
	memcpy(f->data, f->data + 6, 6);
	memcpy(f->data + 6, st.mac, 6);
	s->frame = f;
	s->tx.npieces = 0;
	for (b = f; b != NULL; b = b->next)
		s->piece[s->tx.npieces++] =
		    (struct sprat_net_piece){b->data, b->len};
	while (sprat_net_send(card, &s->tx) != 0) {
		CHECK(errno == ENOSPC);
		sprat_net_kick(card);
		sprat_net_wait(card, SLOTS / 2, PATIENCE);
	}
}

/* One batch; how many of it were test frames. */
static unsigned
echo_batch(unsigned n)
{
	struct sprat_net_buf *f = sprat_net_take(card, SLOTS), *next;
	unsigned got = 0;

	for (; f != NULL; f = next) {
		next = f->next_frame;
		if (get16(f->data + 12) != TYPE_TEST) {
			sprat_net_free(f);
			continue;
		}
		CHECK(get32(f->data + HEADER) == n + got);
		CHECK(content_ok(f));
		send_back(f);
		got++;
	}
	sprat_net_kick(card);
	sprat_net_reap(card);
	return got;
}

static void
echo(unsigned total)
{
	unsigned n = 0, got, buffers = st.rx_buffers;

	slots_make();
	while (n < total) {
		got = echo_batch(n);
		n += got;
		if (got == 0 && sprat_net_wait(card, 0, PATIENCE) != 0)
			break;
	}
	CHECK(n == total);
	do {
		sprat_net_wait(card, SLOTS, 20);
		sprat_net_status(card, &st);
	} while (st.sending > 0);
	CHECK(st.rx_buffers <= buffers);
	CHECK(st.rx_starved == 0 && st.tx_errors == 0 && st.rx_bad == 0);
	printf("echo %u wakes %llu\n", n, (unsigned long long)st.wakes);
}

/* --- one at a time --- */

static void
show(const struct sprat_net_buf *f)
{
	const struct sprat_net_offload *o = &f->offload;
	const struct sprat_net_buf *b;
	unsigned pieces = 0, sum = 0, len = 0;
	uint32_t i;

	for (b = f; b != NULL; b = b->next, pieces++) {
		len += b->len;
		for (i = 0; i < b->len; i++)
			sum = sum * 31 + b->data[i];
	}
	CHECK(len == f->total);
	printf("frame to %02x:%02x type %04x len %u pieces %u hash %u csum %u "
	       "at %u+%u gso %u size %u\n",
	    f->data[0], f->data[5], get16(f->data + 12), f->total, pieces, sum,
	    o->csum, o->csum_start, o->csum_offset, o->gso, o->gso_size);
	fflush(stdout);
}

static void
show_frames(unsigned n)
{
	struct sprat_net_buf *f;

	while (n-- > 0) {
		f = receive(0);
		if (f == NULL) {
			CHECK(f != NULL);
			break;
		}
		show(f);
		sprat_net_free(f);
	}
}

static void
receive_offloads(const char *which)
{
	int r = sprat_net_receive_offloads(
	    card, (unsigned)strtoul(which, NULL, 16));

	printf("offloads %s\n", r == 0 ? "set" : strerror(errno));
	fflush(stdout);
}

/* Ethernet, IPv4 and the first bytes of what it carries, with the sum of the
 * pseudo header where its checksum belongs. */
static void
headers(uint8_t *p, unsigned protocol, unsigned len, uint8_t *sum_at)
{
	static const uint8_t ips[8] = {10, 9, 0, 2, 10, 9, 0, 9};
	unsigned sum = 0, i;

	memcpy(p, peer, 6);
	memcpy(p + 6, st.mac, 6);
	put16(p + 12, 0x0800);
	p[14] = 0x45;
	put16(p + 16, 20 + len);
	p[22] = 64;
	p[23] = (uint8_t)protocol;
	memcpy(p + 26, ips, 8);
	for (i = 14; i < 34; i += 2)
		sum += get16(p + i);
	put16(p + 24, ~((sum & 0xffff) + (sum >> 16)));
	sum = protocol + len;
	for (i = 26; i < 34; i += 2)
		sum += get16(p + i);
	put16(sum_at, (sum & 0xffff) + (sum >> 16));
}

static void
send_and_wait(struct sprat_net_tx *t)
{
	ndone = 0;
	t->done = count_done;
	CHECK(sprat_net_send(card, t) == 0);
	sprat_net_kick(card);
	while (ndone == 0 && sprat_net_wait(card, 1, PATIENCE) == 0)
		continue;
	CHECK(ndone == 1);
}

#define TCP_DATA 60000
#define MSS      1400

static void
tcp(void)
{
	static uint8_t data[TCP_DATA];
	uint8_t h[54] = {0};
	struct sprat_net_piece piece[] = {
	    {h, 54}, {data, 20001}, {data + 20001, TCP_DATA - 20001}};
	struct sprat_net_tx t = {
	    .piece = piece,
	    .npieces = 3,
	    .offload = {.csum = SPRAT_NET_CSUM_PARTIAL,
		.csum_start = 34,
		.csum_offset = 16,
		.gso = SPRAT_NET_GSO_TCP4,
		.gso_size = MSS,
		.header_len = 54},
	};
	unsigned i;

	for (i = 0; i < TCP_DATA; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	put16(h + 34, 1000);
	put16(h + 36, 2000);
	h[46] = 0x50;
	h[47] = 0x18; /* PSH, ACK */
	put16(h + 48, 0xffff);
	headers(h, 6, 20 + TCP_DATA, h + 50);
	send_and_wait(&t);
}

static void
udp(void)
{
	uint8_t p[142] = {0};
	struct sprat_net_piece piece = {p, sizeof(p)};
	struct sprat_net_tx t = {
	    .piece = &piece,
	    .npieces = 1,
	    .offload = {.csum = SPRAT_NET_CSUM_PARTIAL,
		.csum_start = 34,
		.csum_offset = 6},
	};

	memset(p + 42, 'u', 100);
	put16(p + 34, 1000);
	put16(p + 36, 2000);
	put16(p + 38, 108);
	headers(p, 17, 108, p + 40);
	send_and_wait(&t);
}

/* --- several threads --- */

#define WRITERS 4
#define WRITES  250

static void *
write_frames(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg, i;
	uint8_t p[64];

	memcpy(p, peer, 6);
	memcpy(p + 6, st.mac, 6);
	put16(p + 12, TYPE_TEST);
	for (i = first; i < first + WRITES; i++) {
		memset(p + HEADER, 0, sizeof(p) - HEADER);
		put16(p + HEADER, i);
		CHECK(sprat_net_write(card, p, sizeof(p)) == 0);
	}
	return arg;
}

static void
writers(void)
{
	pthread_t t[WRITERS];
	struct sprat_net_buf *f;
	uintptr_t i;

	for (i = 0; i < WRITERS; i++)
		CHECK(pthread_create(&t[i], NULL, write_frames,
			  (void *)(i * WRITES)) == 0);
	f = receive(TYPE_TEST);
	CHECK(f != NULL);
	if (f != NULL)
		sprat_net_free(f);
	for (i = 0; i < WRITERS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	sprat_net_status(card, &st);
	CHECK(st.sending == 0 && st.tx_frames >= WRITERS * WRITES);
}

/* --- the control queue and the host's events --- */

static void
wait_change(const unsigned *what, unsigned old)
{
	sprat_net_status(card, &st);
	while (*what == old) {
		if (sprat_net_wait(card, 0, PATIENCE) != 0)
			break;
		sprat_net_status(card, &st);
	}
	CHECK(*what == old + 1);
}

static void
link_changes(void)
{
	uint8_t p[60] = {0};
	unsigned changes = st.nlink, announcements = st.nannounce;

	CHECK(st.link_up);
	wait_change(&st.nlink, changes);
	CHECK(!st.link_up);
	CHECK(sprat_net_write(card, p, sizeof(p)) == -1 && errno == ENETDOWN);
	printf("link is down\n");
	fflush(stdout);
	wait_change(&st.nlink, changes + 1);
	CHECK(st.link_up);
	CHECK(sprat_net_write(card, p, sizeof(p)) == 0);
	printf("link is up\n");
	fflush(stdout);
	wait_change(&st.nannounce, announcements);
}

static void
filter(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x42},
			     group[6] = {1, 0, 0x5e, 0, 0, 7};

	CHECK(sprat_net_set_mac(card, mac) == 0);
	sprat_net_status(card, &st);
	CHECK(memcmp(st.mac, mac, 6) == 0);
	CHECK(sprat_net_filter(card, false, false, group, 1) == 0);
	printf("filter is set\n");
	fflush(stdout);
	show_frames(3);
	CHECK(sprat_net_filter(card, false, true, NULL, 0) == 0);
	printf("all multicast\n");
	fflush(stdout);
	show_frames(1);
	CHECK(sprat_net_filter(card, true, false, NULL, 0) == 0);
	printf("promiscuous\n");
	fflush(stdout);
	show_frames(1);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "api";
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 1;

	card_open();
	if (argc > 3)
		receive_offloads(argv[3]);
	if (strcmp(what, "api") == 0) {
		CHECK_RUN(api);
		CHECK_RUN(close_and_open);
	} else if (strcmp(what, "echo") == 0) {
		echo(n);
	} else if (strcmp(what, "show") == 0) {
		show_frames(n);
	} else if (strcmp(what, "tcp") == 0) {
		CHECK_RUN(tcp);
	} else if (strcmp(what, "udp") == 0) {
		CHECK_RUN(udp);
	} else if (strcmp(what, "writers") == 0) {
		CHECK_RUN(writers);
	} else if (strcmp(what, "link") == 0) {
		CHECK_RUN(link_changes);
	} else if (strcmp(what, "filter") == 0) {
		CHECK_RUN(filter);
	}
	sprat_net_close(card);
	if (check_why != NULL)
		printf("not ok %s: line %d: %s\n", what, check_line, check_why);
	else
		printf("ok %s\n", what);
	return check_why != NULL;
}
