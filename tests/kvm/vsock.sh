#!/bin/sh
# SPDX-License-Identifier: ISC
# Stream sockets between a guest and a real host: Debian's Linux, with its KVM
# and vhost-vsock modules, runs in an outer QEMU that emulates SVM; in it runs
# an inner QEMU with our guest.  Needs no privileges and no /dev/kvm.
#
#	[MACHINE=q35] [DEVICE=...] tests/kvm/vsock.sh BUILD [QEMU OPTIONS]
#
# BUILD/tests/vsock.elf is the guest; options are the inner QEMU's.  The kernel
# is downloaded as a package to BUILD/kvm and unpacked there.  Takes about 15 s.
set -e
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1"); shift
case ${MACHINE:-microvm} in
microvm) machine=microvm,acpi=off,pit=off,pic=off,rtc=on carrier=device ;;
*) machine=$MACHINE carrier=pci,disable-legacy=on ;;
esac
device=${DEVICE:-vhost-vsock-$carrier,guest-cid=3}
w=$build/kvm; mkdir -p "$w/debs"; cd "$w"

# --- Linux, once ---
if [ ! -e root/.done ]; then
	kernel=$(apt-cache depends linux-image-cloud-amd64 |
		awk '/Depends/{print $2; exit}')
	(cd debs && apt-get download -q "$kernel" busybox-static)
	for d in debs/*.deb; do dpkg -x "$d" root; done
	touch root/.done
fi
v=$(ls root/lib/modules)

# --- its root: busybox, modules, QEMU with what it needs, and the test ---
rm -rf i; mkdir -p i/bin i/dev i/proc i/sys i/tmp i/m i/t
cp root/bin/busybox i/bin/
for m in irqbypass kvm kvm-amd vsock vmw_vsock_virtio_transport_common \
	vhost_iotlb vhost vhost_vsock; do
	find "root/lib/modules/$v" -name "$m.ko" -exec cp {} i/m/ \;
done
qemu=$(command -v qemu-system-x86_64)
for f in $(ldd "$qemu" | grep -o '/[^ ]*'); do
	mkdir -p "i$(dirname "$f")"; cp -L "$f" "i$f"
done
cp -L "$qemu" i/bin/qemu
mkdir -p i/usr/share/qemu
cp -L /usr/share/qemu/qboot.rom /usr/share/qemu/*.bin i/usr/share/qemu/
cp "$build/tests/vsock.elf" i/t/
gcc -static -O2 -Wall -Wextra -Werror -o i/t/peer "$here/vsock_peer.c"
cat >i/init <<EOF
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
mount -t tmpfs t /tmp
for m in irqbypass kvm kvm-amd vsock vmw_vsock_virtio_transport_common \
	vhost_iotlb vhost vhost_vsock; do
	insmod /m/\$m.ko || echo "no \$m"
done
timeout 120 /t/peer 3 & peer=\$!
sleep 1
timeout 120 qemu -M $machine \
	-bios /usr/share/qemu/qboot.rom -L /usr/share/qemu \
	-accel kvm -cpu host,-xsave -m 64M -nodefaults \
	-no-user-config -no-reboot -display none -serial file:/tmp/out \
	-global virtio-mmio.force-legacy=false -device $device $* \
	-kernel /t/vsock.elf -append "-- host"
echo "guest's QEMU: \$?"
cat /tmp/out
grep -q "^ok all" /tmp/out; guest=\$?
wait \$peer; peer=\$?
echo "@@exit \$((guest + 2 * peer))"
poweroff -f
EOF
chmod +x i/init
(cd i && find . | cpio -o -H newc -R 0:0 2>/dev/null) >initrd.cpio

# --- the outer machine; it hung once in seven boots: a limit ---
timeout "${T:-200}" "$qemu" -accel tcg,thread=multi -cpu max -smp 2 -m 1024 \
	-nodefaults -no-user-config -no-reboot -display none -serial stdio \
	-kernel "root/boot/vmlinuz-$v" -initrd initrd.cpio \
	-append "console=ttyS0 quiet panic=-1 mitigations=off" </dev/null |
	tr -d '\r' | tee log
exit "$(awk '/^@@exit/{print $2; f=1} END{if (!f) print 124}' log)"
