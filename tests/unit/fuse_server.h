/* SPDX-License-Identifier: ISC */
/*
 * An honest server of FUSE for tests, which can be told to serve what is odd;
 * it counts what it has to.  Each test begins with the root mounted, and ends
 * with a look at what the client has left behind: nothing.
 */
#ifndef TESTS_UNIT_FUSE_SERVER_H
#define TESTS_UNIT_FUSE_SERVER_H

#include "libc-shim/fuse.h"
#include "tests/unit/fake_fuse.h"

#define SERVER_IDS  200
#define SERVER_FILE (3UL << 20)

extern struct node *server_root;
extern long server_lookups[SERVER_IDS]; /* of each ID, not yet forgotten */
extern unsigned server_count[64];       /* requests of each kind */
extern int server_handles;
extern unsigned server_forgotten; /* most at once */

extern struct fuse_init_out server_init;
extern uint8_t server_data[SERVER_FILE]; /* of each file */
extern size_t server_data_len;
extern long server_fail_at;       /* reading or writing there fails; -1 */
extern uint8_t server_list[4096]; /* what each directory holds */
extern size_t server_list_len;
extern struct fuse_entry_out server_entry; /* what the name "odd" is */
extern struct fuse_attr server_odd;        /* what ID 9 has, if it has a mode */

extern uint64_t server_valid; /* seconds that names may be believed */

int server_begin(void **state);
int server_end(void **state);

/* Nodes of the root: "fNNN" is file NNN, "dNNN" a directory from 100 on, "none"
 * is told to be none; it and "f66" are not removed, with EIO. */
struct node *server_look_up(const char *name);
int server_look_up_error(const char *name);
int server_make(const char *name, mode_t mode, struct node **out);
struct node *server_file_of(size_t len); /* with contents */
void server_list_add(const char *name, size_t len, uint64_t off);

#define SERVER_TEST(f)                                                         \
	cmocka_unit_test_setup_teardown(f, server_begin, server_end)

#endif
