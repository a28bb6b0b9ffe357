/* SPDX-License-Identifier: ISC */
/*
 * icmp: answers ARP and pings, and pings, on raw frames of <sprat/net.h>.
 *
 *	icmp [-a ADDRESS] [-i CARD] [-t SECONDS] [-n PINGS]
 *	icmp [-a ADDRESS] [-i CARD] [-c COUNT] [-s BYTES] [-w MS] TARGET
 *
 * Without TARGET it serves so long, or so many, without either for ever.  The
 * answers are the frames that came, turned round: nothing is copied.  A ping is
 *one frame, so BYTES are at most the MTU less 28; fragments of IP are neither
 *made nor put together.  [RFC 826, 791, 792]
 */
#include <errno.h>
#include <sprat/net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH      64
#define ETHER_LEN  14
#define IP_AT      ETHER_LEN
#define ICMP_AT    (IP_AT + 20)
#define DATA_AT    (ICMP_AT + 8)
#define ARP_LEN    (ETHER_LEN + 28)
#define PING_MAX   65507
#define ECHO       8
#define ECHO_REPLY 0

static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

static struct sprat_net *card;
static uint8_t my_mac[6], my_ip[4] = {10, 0, 2, 15};
static uint8_t peer_mac[6], peer_ip[4];
static bool peer_known;
static uint8_t ping_frame[DATA_AT + PING_MAX];
static size_t ping_len = 56; /* of the data */
static unsigned ping_seq, nanswered, npings;

/* A frame on its way out that came in. */
struct reply {
	struct sprat_net_tx tx;
	struct sprat_net_buf *frame;
	struct sprat_net_piece piece[];
};

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* [RFC 1071] */
static unsigned
checksum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len % 2 != 0)
		sum += (unsigned)p[len - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned)~sum & 0xffff;
}

static void
swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t c;

	while (len-- > 0) {
		c = *a;
		*a++ = *b;
		*b++ = c;
	}
}

/* --- answering --- */

static void
reply_done(struct sprat_net_tx *t)
{
	struct reply *r = (struct reply *)t; /* its first member */

	sprat_net_free(r->frame);
	free(r);
}

/* Sends the frame back as it is now; frees it in any case. */
static void
turn_round(struct sprat_net_buf *frame)
{
	struct sprat_net_buf *b;
	struct reply *r;
	unsigned n = 0;

	for (b = frame; b != NULL; b = b->next)
		n++;
	r = calloc(1, sizeof(*r) + n * sizeof(r->piece[0]));
	if (r == NULL) {
		sprat_net_free(frame);
		return;
	}
	for (b = frame, n = 0; b != NULL; b = b->next)
		if (b->len > 0)
			r->piece[n++] =
			    (struct sprat_net_piece){b->data, b->len};
	r->frame = frame;
	r->tx.piece = r->piece;
	r->tx.npieces = n;
	r->tx.done = reply_done;
	if (sprat_net_send(card, &r->tx) != 0)
		reply_done(&r->tx); /* too many: the host asks again */
}

static void
arp(struct sprat_net_buf *f)
{
	uint8_t *p = f->data + ETHER_LEN;

	if (f->len < ARP_LEN || memcmp(p, "\0\1\10\0\6\4\0", 7) != 0) {
		sprat_net_free(f);
		return;
	}
	if (p[7] == 2 && memcmp(p + 14, peer_ip, 4) == 0) {
		memcpy(peer_mac, p + 8, sizeof(peer_mac));
		peer_known = true;
	}
	if (p[7] != 1 || memcmp(p + 24, my_ip, 4) != 0) {
		sprat_net_free(f);
		return;
	}
	p[7] = 2;
	memcpy(f->data, f->data + 6, 6);
	memcpy(f->data + 6, my_mac, 6);
	memcpy(p + 18, p + 8, 10);
	memcpy(p + 8, my_mac, 6);
	memcpy(p + 14, my_ip, 4);
	turn_round(f);
}

/* The data of our own ping came back unchanged? */
static void
pinged(const struct sprat_net_buf *f)
{
	const uint8_t *expect = ping_frame + ICMP_AT + 4;
	const struct sprat_net_buf *b;
	size_t skip = ICMP_AT + 4, left = ping_len + 4, n;

	for (b = f; b != NULL && left > 0; b = b->next, skip = 0) {
		n = b->len - skip < left ? b->len - skip : left;
		if (memcmp(b->data + skip, expect, n) != 0)
			return;
		expect += n;
		left -= n;
	}
	if (left == 0)
		nanswered++;
}

static void
ip(struct sprat_net_buf *f)
{
	uint8_t *p = f->data;

	if (f->len < DATA_AT || p[IP_AT] != 0x45 || p[IP_AT + 9] != 1 ||
	    (get16(p + IP_AT + 6) & 0x3fff) != 0 || /* a fragment */
	    memcmp(p + IP_AT + 16, my_ip, 4) != 0) {
		sprat_net_free(f);
		return;
	}
	if (p[ICMP_AT] == ECHO_REPLY)
		pinged(f);
	if (p[ICMP_AT] != ECHO) {
		sprat_net_free(f);
		return;
	}
	swap(p, p + 6, 6);
	swap(p + IP_AT + 12, p + IP_AT + 16, 4);
	p[ICMP_AT] = ECHO_REPLY; /* takes 0x0800 from what is summed: */
	put16(p + ICMP_AT + 2, (get16(p + ICMP_AT + 2) + 0x0800) % 0xffff);
	npings++;
	turn_round(f);
}

/* Everything that came, and one notification for all answers. */
static bool
serve(void)
{
	struct sprat_net_buf *f, *next;
	bool any = false;

	sprat_net_reap(card);
	while ((f = sprat_net_take(card, BATCH)) != NULL) {
		for (any = true; f != NULL; f = next) {
			next = f->next_frame;
			switch (f->len < ETHER_LEN ? 0 : get16(f->data + 12)) {
			case 0x0806:
				arp(f);
				break;
			case 0x0800:
				ip(f);
				break;
			default:
				sprat_net_free(f);
			}
		}
		sprat_net_kick(card);
		sprat_net_reap(card);
	}
	return any;
}

/* --- asking --- */

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Serves until *done has reached n or ms have gone by (0: never). */
static void
serve_until(const unsigned *done, unsigned n, long ms)
{
	long until = now_ms() + ms, left = -1;

	for (;;) {
		serve();
		if (*done >= n)
			break;
		if (ms > 0 && (left = until - now_ms()) <= 0)
			break;
		sprat_net_wait(card, 0, (int)left);
	}
}

static bool
resolve(long ms)
{
	uint8_t f[ARP_LEN];
	long until = now_ms() + ms;

	memcpy(f, broadcast, 6);
	memcpy(f + 6, my_mac, 6);
	memcpy(f + 12, "\10\6\0\1\10\0\6\4\0\1", 10);
	memcpy(f + 22, my_mac, 6);
	memcpy(f + 28, my_ip, 4);
	memset(f + 32, 0, 6);
	memcpy(f + 38, peer_ip, 4);
	if (sprat_net_write(card, f, sizeof(f)) != 0) {
		perror("icmp: ARP");
		return false;
	}
	while (!peer_known && now_ms() < until) {
		sprat_net_wait(card, 0, 50);
		serve();
	}
	return peer_known;
}

static void
ping_make(void)
{
	uint8_t *p = ping_frame;
	size_t i;

	memcpy(p, peer_mac, 6);
	memcpy(p + 6, my_mac, 6);
	put16(p + 12, 0x0800);
	p[IP_AT] = 0x45;
	put16(p + IP_AT + 2, (unsigned)(28 + ping_len));
	put16(p + IP_AT + 6, 0x4000); /* do not fragment */
	p[IP_AT + 8] = 64;
	p[IP_AT + 9] = 1;
	memcpy(p + IP_AT + 12, my_ip, 4);
	memcpy(p + IP_AT + 16, peer_ip, 4);
	put16(p + IP_AT + 10, 0);
	put16(p + IP_AT + 10, checksum(p + IP_AT, 20));
	p[ICMP_AT] = ECHO;
	for (i = 0; i < ping_len; i++)
		p[DATA_AT + i] = (uint8_t)i;
}

static int
ping(unsigned count, long ms)
{
	uint8_t *p = ping_frame;

	if (!resolve(ms)) {
		fprintf(stderr, "icmp: no answer to ARP\n");
		return 1;
	}
	ping_make();
	for (ping_seq = 1; ping_seq <= count; ping_seq++) {
		put16(p + ICMP_AT + 4, 0x5350);
		put16(p + ICMP_AT + 6, ping_seq);
		put16(p + ICMP_AT + 2, 0);
		put16(p + ICMP_AT + 2, checksum(p + ICMP_AT, 8 + ping_len));
		if (sprat_net_write(card, p, DATA_AT + ping_len) != 0) {
			perror("icmp");
			return 1;
		}
		serve_until(&nanswered, ping_seq, ms);
	}
	printf("%u sent, %u answered\n", count, nanswered);
	return nanswered == count ? 0 : 1;
}

/* --- the command line --- */

static bool
address(const char *s, uint8_t out[4])
{
	unsigned v[4], i;
	char end;

	if (sscanf(s, "%u.%u.%u.%u%c", &v[0], &v[1], &v[2], &v[3], &end) != 4)
		return false;
	for (i = 0; i < 4; i++) {
		if (v[i] > 255)
			return false;
		out[i] = (uint8_t)v[i];
	}
	return true;
}

static int
usage(void)
{
	fprintf(stderr, "usage: icmp [-a ADDRESS] [-i CARD] [-t SECONDS] "
			"[-n PINGS]\n       icmp [-a ADDRESS] [-i CARD] "
			"[-c COUNT] [-s BYTES] [-w MS] TARGET\n");
	return 2;
}

static bool
card_open(unsigned i)
{
	struct sprat_net_status st;

	card = sprat_net_open(i);
	if (card == NULL) {
		fprintf(stderr, "icmp: card %u: %s\n", i, strerror(errno));
		return false;
	}
	sprat_net_status(card, &st);
	memcpy(my_mac, st.mac, sizeof(my_mac));
	printf("%s %02x:%02x:%02x:%02x:%02x:%02x mtu %u link %s can %x\n",
	    st.name, my_mac[0], my_mac[1], my_mac[2], my_mac[3], my_mac[4],
	    my_mac[5], st.mtu, st.link_up ? "up" : "down", st.can);
	fflush(stdout);
	return true;
}

static void
card_close(void)
{
	struct sprat_net_status st;

	sprat_net_status(card, &st);
	printf("answered %u, frames in %llu out %llu bad %llu, wakes %llu\n",
	    npings, (unsigned long long)st.rx_frames,
	    (unsigned long long)st.tx_frames, (unsigned long long)st.rx_bad,
	    (unsigned long long)st.wakes);
	sprat_net_close(card);
}

int
main(int argc, char **argv)
{
	unsigned count = 4, index = 0, pings = -1U;
	long seconds = 0, ms = 1000;
	int c, status = 0;

	while ((c = getopt(argc, argv, "a:i:t:n:c:s:w:")) != -1) {
		if (c == 'a' && address(optarg, my_ip))
			continue;
		if (c == 'i')
			index = (unsigned)atoi(optarg);
		else if (c == 't')
			seconds = atol(optarg);
		else if (c == 'n')
			pings = (unsigned)atoi(optarg);
		else if (c == 'c')
			count = (unsigned)atoi(optarg);
		else if (c == 's' && atol(optarg) <= PING_MAX)
			ping_len = (size_t)atol(optarg);
		else if (c == 'w' && atol(optarg) > 0)
			ms = atol(optarg);
		else
			return usage();
	}
	if (argc > optind + 1 ||
	    (argc > optind && !address(argv[optind], peer_ip)))
		return usage();
	if (!card_open(index))
		return 1;
	if (argc > optind)
		status = ping(count, ms);
	else
		serve_until(&npings, pings, seconds * 1000);
	card_close();
	return status;
}
