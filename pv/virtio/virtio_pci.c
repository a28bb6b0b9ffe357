/* SPDX-License-Identifier: ISC */
/* Virtio over PCI.  [VIRTIO] 4.1. */
#include "pv/virtio/virtio.h"

void
virtio_pci_scan(void)
{
}
