/* SPDX-License-Identifier: ISC */
/*
 * A 9P2000.L server in memory behind a channel, for unit tests and fuzzers: a
 * handful of files, correct answers, and a hook that spoils them.  It watches
 * the client: fids and tags that are not what the protocol allows abort.
 */
#ifndef TESTS_UNIT_FAKE_9P_H
#define TESTS_UNIT_FAKE_9P_H

#include "kernel/p9.h"
#include "libc-shim/p9_msg.h"

#define FAKE_9P_TAG   "tag"
#define FAKE_9P_FILES 300
#define FAKE_9P_FIDS  400
#define FAKE_9P_DATA  (3U << 20) /* most bytes of a file */

struct fake_9p_file {
	uint64_t path; /* 0: free */
	unsigned parent;
	uint32_t mode; /* with Linux's type */
	uint32_t nlink;
	char name[256];
	char target[128];
	uint8_t *data;
	uint32_t size;
};

struct fake_9p {
	struct p9_channel channel;
	struct fake_9p_file file[FAKE_9P_FILES]; /* 0 is the root */
	struct {
		bool used, open;
		unsigned file;
	} fid[FAKE_9P_FIDS];
	uint64_t last_path;
	uint64_t tags; /* under way */
	unsigned nfids, nrequests, under_way, most_under_way, nfailed;
	unsigned ntype[128];  /* requests of each type */
	uint64_t deadline_ns; /* of the last request */
	uint32_t msize;       /* what it says; 0: what was asked for */
	uint32_t iounit;      /* what it says */
	uint32_t short_read;  /* gives no more than so much; 0: all */
	uint32_t error;       /* answers with it, but for clunk; 0: no */
	/* May change a reply of *len bytes in a buffer that has room for more
	 * than the client's. */
	void (*lie)(uint8_t type, uint8_t *reply, uint32_t *len);
};
extern struct fake_9p fake_9p;
extern const struct p9_channel_ops fake_9p_ops; /* fake_9p_channel.c */

/* Forgets all; then there are a directory "d", a file "d/x" with "text", a file
 * "f" of 100 bytes, and a link "l" to "d/x". */
void fake_9p_reset(void);
void fake_9p_fill(uint32_t size);                      /* makes "f" so large */
unsigned fake_9p_find(unsigned dir, const char *name); /* 0: none */
uint8_t fake_9p_byte(uint32_t off);                    /* of "f" */

/* fake_9p.c for fake_9p_channel.c: Linux's error number, or 0 and the fields of
 * the reply. */
uint32_t fake_9p_answer(uint8_t type, struct p9_msg *in, struct p9_msg *out);

#endif
