/* SPDX-License-Identifier: ISC */
/*
 * What SCSI disks are told and what they say, apart from how it is carried:
 * commands and sense data of [SBC] (SCSI Block Commands - 3), [SPC] (SCSI
 * Primary Commands - 4), addresses of [SAM] (SCSI Architecture Model - 5).
 */
#ifndef PV_VIRTIO_SCSI_H
#define PV_VIRTIO_SCSI_H

#include "kernel/blk.h"
#include "kernel/work.h"

#define SCSI_CDB_LEN 16 /* the longest that we use */

struct scsi_disk {
	struct blk_dev dev;
	uint8_t lun[8]; /* as virtio-scsi addresses it */
	struct work resized;
	unsigned shift;   /* of its block size */
	bool same_unmaps; /* WRITE SAME can free blocks */
	void *zeros;      /* a block of them */
};

/* A BLK_COMMAND. */
struct scsi_request {
	struct blk_req req;
	uint8_t cdb[SCSI_CDB_LEN];
};

/* The parameter list of UNMAP with one range.  [SBC] 5.28; big endian. */
struct scsi_unmap {
	uint8_t bytes[24];
};

static inline struct scsi_disk *
scsi_disk_of(struct blk_dev *d)
{
	return (struct scsi_disk *)d; /* its first member */
}

/* Writes the command for the next `len` bytes of r, and what UNMAP needs. */
void scsi_command(
    struct blk_req *r, uint64_t len, uint8_t *cdb, struct scsi_unmap *unmap);
/* A status that is not GOOD, with its sense data: 0 or -errno; -EAGAIN. */
int scsi_error(
    struct scsi_disk *d, uint8_t status, const uint8_t *sense, uint32_t len);
/* Registers the disks of a target.  From a thread, with the channel live. */
void scsi_scan(struct blk_chan *c, unsigned target, uint32_t seg_max,
    uint64_t piece_bytes);

#endif
