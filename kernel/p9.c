/* SPDX-License-Identifier: ISC */
/* The list of channels; see p9.h. */
#include "kernel/p9.h"

#include <string.h>

#include "pv/virtio/virtio_drivers.h"

static struct spinlock lock = SPINLOCK("p9 channels");
static struct p9_channel *channels;

void
p9_channel_add(struct p9_channel *c)
{
	uint64_t flags = spin_lock(&lock);

	c->next = channels;
	channels = c;
	spin_unlock(&lock, flags);
}

int
p9_channel_take(const char *tag, struct p9_channel **out)
{
	struct p9_channel *c;
	uint64_t flags;
	int err;

	virtio_probe(&virtio_9p_driver);
	flags = spin_lock(&lock);
	for (c = channels; c != NULL && strcmp(c->tag, tag) != 0; c = c->next)
		;
	err = c == NULL ? -ENODEV : c->taken ? -EBUSY : 0;
	if (err == 0) {
		c->taken = true;
		*out = c;
	}
	spin_unlock(&lock, flags);
	return err;
}

void
p9_channel_give(struct p9_channel *c)
{
	__atomic_store_n(&c->taken, false, __ATOMIC_RELEASE);
}
