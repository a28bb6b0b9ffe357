/* SPDX-License-Identifier: ISC */
/* Stream sockets between a guest and its host: AF_VSOCK, as on Linux
 * (vsock(7)). The host is VMADDR_CID_HOST. */
#ifndef _LINUX_VM_SOCKETS_H
#define _LINUX_VM_SOCKETS_H

#include <sys/socket.h>

#define VMADDR_CID_ANY        0xffffffffU
#define VMADDR_PORT_ANY       0xffffffffU
#define VMADDR_CID_HYPERVISOR 0U
#define VMADDR_CID_LOCAL      1U
#define VMADDR_CID_HOST       2U

/* Socket options of level AF_VSOCK.  Sizes are unsigned long long bytes and
 * count for connections made afterwards. */
#define SO_VM_SOCKETS_BUFFER_SIZE     0
#define SO_VM_SOCKETS_BUFFER_MIN_SIZE 1
#define SO_VM_SOCKETS_BUFFER_MAX_SIZE 2
#define SO_VM_SOCKETS_CONNECT_TIMEOUT 6 /* struct timeval */

/* ioctl on a socket, unsigned *: our own context ID */
#define IOCTL_VM_SOCKETS_GET_LOCAL_CID 0x7b9

struct sockaddr_vm {
	sa_family_t svm_family;
	unsigned short svm_reserved1;
	unsigned svm_port;
	unsigned svm_cid;
	unsigned char svm_flags;
	unsigned char svm_zero[3];
};

#endif
