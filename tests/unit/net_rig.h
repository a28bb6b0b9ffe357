/* SPDX-License-Identifier: ISC */
/*
 * A network card for tests: fake_virtio.h's device with the queues of [VIRTIO]
 * 5.1, the real driver on it, and the owner of the card.
 */
#ifndef TESTS_UNIT_NET_RIG_H
#define TESTS_UNIT_NET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pv/virtio/virtio_net.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define RIG_SIZE 64 /* of the queues */
#define BIT      VIRTIO_BIT
#define HEADER   sizeof(struct virtio_net_hdr_v1)

extern struct fake_virtio *f;
extern struct net_dev *d; /* NULL: it could not be attached */
extern struct virtio_net_config config;
extern unsigned nwakes, ndone, nfailed; /* since rig_set_up */
extern char commands[256]; /* to the device: "class.command.data " each */
extern uint8_t answer;     /* to commands */
extern bool mute;          /* no answer */
extern const struct virtio_net_hdr_v1 plain;

/* For each test: a new device, not plugged yet; and its end. */
int rig_set_up(void **state);
int rig_tear_down(void **state);
#define RIG_TEST(t)                                                            \
	cmocka_unit_test_setup_teardown(t, rig_set_up, rig_tear_down)
int rig_run(const struct CMUnitTest *tests, size_t n);

/* With these features more and `config`; opens the card. */
void rig_plug(uint64_t more);
unsigned rig_buffers(void); /* offered or held */
/* The device fills the next chain: header if any, then len bytes of c. */
void rig_arrive(const struct virtio_net_hdr_v1 *h, char c, size_t len);
/* The next frame consists of them; it is freed. */
void rig_expect(char c, uint32_t len);
void rig_still_works(void);
void rig_is_broken(const char *why); /* and says so */
void rig_wake(struct net_dev *dev);
struct net_tx rig_tx(void); /* RIG_LETTERS in 3 pieces */
#define RIG_LETTERS "abcdefghijklmnopqrstuvwxyz"
void rig_send(struct net_tx *t); /* such a one */

#endif
