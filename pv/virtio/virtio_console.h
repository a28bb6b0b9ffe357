/* SPDX-License-Identifier: ISC */
/* What the two halves of the console driver share. */
#ifndef PV_VIRTIO_VIRTIO_CONSOLE_H
#define PV_VIRTIO_VIRTIO_CONSOLE_H

#include <linux/virtio_console.h>

#include "kernel/once.h"
#include "kernel/port.h"
#include "pv/virtio/virtio.h"

#define VCON_PORTS_MAX 64   /* that we use, of one device */
#define VPORT_NBUF     4    /* buffers each way */
#define VPORT_BUF_LEN  4096 /* bytes of each */

struct vcon;

struct vport {
	struct port port;
	struct vcon *con;
	bool listed; /* port_add was called */
	bool open;   /* by us */
	/* Under port.lock: */
	bool up; /* the queues may be used */
	struct virtq rx, tx;
	uint8_t *mem;               /* VPORT_NBUF for rx, then as many for tx */
	uint8_t *got;               /* the received buffer now read, or NULL */
	uint32_t got_len, got_at;   /* bytes in it, and read so far */
	uint8_t *spare[VPORT_NBUF]; /* buffers that tx does not have */
	unsigned nspare;
};

struct vcon_message { /* [VIRTIO] 5.3.6.2 */
	struct virtio_console_control head;
	uint8_t more[120];
};

struct vcon {
	struct virtio_dev *vd;
	bool multiport, up;
	bool lost;    /* it could not be restarted */
	bool resized; /* atomic: the configuration changed */
	unsigned nports;
	struct vport *port; /* nports of them */
	struct once busy;   /* held by who handles messages */
	struct work work;
	struct virtio_calls control_out;
	struct spinlock lock; /* of control_in */
	struct virtq control_in;
	struct vcon_message *message;
};

/* A message to the host; 0 or -EIO.  From threads. */
int vcon_tell(struct vcon *c, unsigned id, uint16_t event, uint16_t value);

void vport_init(struct vport *v, struct vcon *c, unsigned unit, unsigned id);
int vport_queues(struct vport *v, unsigned index); /* index and index + 1 */
/* Before the device is reset, and when it runs: what users have open goes on
 * with empty queues. */
void vport_down(struct vport *v);
void vport_up(struct vport *v);

#endif
