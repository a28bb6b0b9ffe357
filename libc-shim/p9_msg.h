/* SPDX-License-Identifier: ISC */
/*
 * 9P2000.L messages: the types, and putting fields together and taking them
 * apart.  [9P] is Plan 9's manual, section 5; [9P2000.L] the diod project's
 * protocol.md.  A message too long, or too short for what is taken from it,
 * has `bad` set and gives zeros: one test at the end is enough.
 */
#ifndef LIBC_SHIM_P9_MSG_H
#define LIBC_SHIM_P9_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests; each reply is one more. */
enum p9_type {
	P9_RLERROR = 7,
	P9_TSTATFS = 8,
	P9_TLOPEN = 12,
	P9_TLCREATE = 14,
	P9_TSYMLINK = 16,
	P9_TMKNOD = 18,
	P9_TREADLINK = 22,
	P9_TGETATTR = 24,
	P9_TSETATTR = 26,
	P9_TREADDIR = 40,
	P9_TFSYNC = 50,
	P9_TLINK = 70,
	P9_TMKDIR = 72,
	P9_TRENAMEAT = 74,
	P9_TUNLINKAT = 76,
	P9_TVERSION = 100,
	P9_TATTACH = 104,
	P9_TWALK = 110,
	P9_TREAD = 116,
	P9_TWRITE = 118,
	P9_TCLUNK = 120,
};

#define P9_NOTAG 0xffffU
#define P9_NOFID UINT32_MAX

#define P9_QTDIR     0x80U
#define P9_QTSYMLINK 0x02U

#define P9_HEADER  7U  /* size[4] type[1] tag[2] */
#define P9_REPLY   11U /* what precedes data; and all of an Rlerror */
#define P9_IO_ROOM 24U /* [9P]: of msize, what is no data in Tread, Twrite */

struct p9_qid {
	uint8_t type;
	uint64_t path; /* what the file is known by */
};

struct p9_msg {
	uint8_t *p;
	uint32_t len; /* room, or what there is */
	uint32_t at;
	bool bad;
};

void p9_put(struct p9_msg *m, uint64_t v, unsigned bytes);
void p9_put_string(struct p9_msg *m, const char *s);
uint64_t p9_get(struct p9_msg *m, unsigned bytes);
struct p9_qid p9_get_qid(struct p9_msg *m);
/* Copies a string that must fit in `room` bytes with its NUL, and hold none. */
void p9_get_string(struct p9_msg *m, char *out, size_t room);
void p9_skip(struct p9_msg *m, uint32_t bytes);

#endif
