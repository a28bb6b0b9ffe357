#!/bin/sh
# SPDX-License-Identifier: ISC
# Every virtio device under a real KVM (see bed.sh), where notifications go by
# ioeventfd and interrupts by irqfd: tests/guest/virtio_all.c on each machine,
# split and packed, and what it did compared with what it should have done.
#
#	tests/kvm/virtio.sh BUILD
set -e
here=$(dirname "$0"); build=$1
mkdir -p "$build/kvm"
cat >"$build/kvm/virtio" <<'END'
failed=0
try() { # machine, carrier, ring, more for the card
	rm -rf d fs out port; mkdir fs
	dd if=/dev/zero of=d bs=1M count=1 2>/dev/null
	dd if=/dev/urandom of=fs/in bs=1000 count=300 2>/dev/null
	timeout 60 qemu -M $1 $QEMU_KVM -m 64M -serial file:out \
		-global virtio-device.$3 \
		-drive if=none,id=d,format=raw,file=d \
		-device virtio-blk-$2,drive=d \
		-fsdev local,id=f,security_model=none,path=fs \
		-device virtio-9p-$2,fsdev=f,mount_tag=fs0 \
		-netdev user,id=n -device virtio-net-$2,netdev=n$4 \
		-device virtio-rng-$2 -device virtio-balloon-$2 \
		-device virtio-serial-$2 -chardev file,id=c,path=port \
		-device virtserialport,chardev=c,name=out \
		-kernel virtio_all.elf -append sprat.mount=9p:fs0:/mnt
	if [ $? = 0 ] && ! grep -q "^not ok" out && grep -q "^ok port" out &&
		cmp fs/in fs/out && dd if=d bs=1 skip=1234 count=70000 \
		2>/dev/null | cmp - port; then
		echo "ok $1 $3"
	else
		echo "not ok $1 $3"; cat out; failed=1
	fi
}
for ring in packed=off packed=on; do
	try microvm,acpi=off,pit=off,pic=off,rtc=on device $ring
	try q35,smm=off,sata=off,smbus=off pci,disable-legacy=on $ring ,romfile=
	try pc,smm=off pci,disable-legacy=on $ring ,romfile=
done
exit $failed
END
exec "$here/bed.sh" "$build" "$build/kvm/virtio" "$build/tests/virtio_all.elf"
