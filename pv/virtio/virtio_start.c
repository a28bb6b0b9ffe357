/* SPDX-License-Identifier: ISC */
/* The start of drivers that no application calls: see virtio.h. */
#include "kernel/pci.h"
#include "pv/virtio/virtio.h"

/* The first one looks for all of them. */
void
virtio_start(const struct virtio_driver *drv)
{
	static bool looked, found;

	if (!looked)
		found = cmdline_devices[0] != NULL ||
			pci_peek(PCI_VENDOR_VIRTIO);
	looked = true;
	if (found)
		virtio_probe(drv);
}
