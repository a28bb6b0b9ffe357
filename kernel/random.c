/* SPDX-License-Identifier: ISC */
/* Entropy from the processor: RDSEED, or RDRAND with the ten tries that
 * [SDM] 1, 7.3.17 recommends. */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "pv/virtio/virtio_drivers.h"

#define TRIES 10

static bool
draw(bool seed, uint64_t *v)
{
	unsigned tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (seed ? cpu_rdseed(v) : cpu_rdrand(v))
			return true;
		cpu_pause();
	}
	return false;
}

int
random_fill(void *p, size_t len)
{
	bool have_seed =
	    cpu_id(0, 0).eax >= 7 && (cpu_id(7, 0).ebx & (1U << 18));
	bool have_rand = cpu_id(1, 0).ecx & (1U << 30);
	uint8_t *out = p;
	uint64_t v;
	size_t n;

	for (; len > 0; out += n, len -= n) {
		if (!(have_seed && draw(true, &v)) &&
		    !(have_rand && draw(false, &v)))
			return virtio_rng_fill(out, len);
		n = len < sizeof(v) ? len : sizeof(v);
		memcpy(out, &v, n);
	}
	return 0;
}
