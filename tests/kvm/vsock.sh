#!/bin/sh
# SPDX-License-Identifier: ISC
# Stream sockets between a guest and Linux's vhost-vsock, under a real KVM: see
# bed.sh.  BUILD/tests/vsock.elf is the guest, vsock_peer.c the other side.
#
#	[MACHINE=q35] [DEVICE=...] tests/kvm/vsock.sh BUILD [QEMU OPTIONS]
set -e
here=$(dirname "$0"); build=$1; shift
case ${MACHINE:-microvm} in
microvm) machine=microvm,acpi=off,pit=off,pic=off,rtc=on carrier=device ;;
*) machine=$MACHINE carrier=pci,disable-legacy=on ;;
esac
device=${DEVICE:-vhost-vsock-$carrier,guest-cid=3}
mkdir -p "$build/kvm"
gcc -static -O2 -Wall -Wextra -Werror -o "$build/kvm/peer" "$here/vsock_peer.c"
cat >"$build/kvm/vsock" <<EOF
timeout 120 ./peer 3 & peer=\$!
sleep 1
timeout 120 qemu -M $machine \$QEMU_KVM -m 64M -serial file:/tmp/out \
	-device $device $* -kernel vsock.elf -append "-- host"
echo "guest's QEMU: \$?"
cat /tmp/out
grep -q "^ok all" /tmp/out; guest=\$?
wait \$peer; peer=\$?
exit \$((guest + 2 * peer))
EOF
exec "$here/bed.sh" "$build" "$build/kvm/vsock" "$build/tests/vsock.elf" \
	"$build/kvm/peer"
