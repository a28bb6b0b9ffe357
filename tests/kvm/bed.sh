#!/bin/sh
# SPDX-License-Identifier: ISC
# A real KVM for tests where there is none: Debian's Linux with its modules runs
# in an outer QEMU that emulates SVM.  Needs no privileges and no /dev/kvm.
#
#	tests/kvm/bed.sh BUILD SCRIPT [FILE...]
#
# SCRIPT is run there by busybox's sh, in /t, which holds the FILEs; `qemu` is
# the inner QEMU, and its standard options are in $QEMU_KVM.  The exit status is
# the script's; 77: the kernel, which is downloaded as a package to BUILD/kvm
# once, could not be; 124: no end.
set -e
build=$(realpath "$1"); script=$(realpath "$2"); shift 2
MODULES="irqbypass kvm kvm-amd vsock vmw_vsock_virtio_transport_common
	vhost_iotlb vhost vhost_vsock"
w=$build/kvm; mkdir -p "$w/debs"
rm -rf "$w/i"; mkdir -p "$w/i/t"
cp "$script" "$w/i/t/script"
for f; do cp -L "$f" "$w/i/t/"; done
cd "$w"

if [ ! -e root/.done ]; then
	kernel=$(apt-cache depends linux-image-cloud-amd64 |
		awk '/Depends/{print $2; exit}')
	(cd debs && apt-get download -q "$kernel" busybox-static) || exit 77
	for d in debs/*.deb; do dpkg -x "$d" root; done
	touch root/.done
fi
v=$(ls root/lib/modules)

# --- its root: busybox, modules, and QEMU with what it needs ---
mkdir -p i/bin i/dev i/proc i/sys i/tmp i/m i/usr/share/qemu
cp root/bin/busybox i/bin/
for m in $MODULES; do
	find "root/lib/modules/$v" -name "$m.ko" -exec cp {} i/m/ \;
done
qemu=$(command -v qemu-system-x86_64)
for f in $(ldd "$qemu" | grep -o '/[^ ]*'); do
	mkdir -p "i$(dirname "$f")"; cp -L "$f" "i$f"
done
cp -L "$qemu" i/bin/qemu
cp -L /usr/share/qemu/qboot.rom /usr/share/qemu/*.bin i/usr/share/qemu/
cat >i/init <<EOF
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
mount -t tmpfs t /tmp
for m in $(echo $MODULES); do
	insmod /m/\$m.ko || echo "no \$m"
done
export QEMU_KVM="-bios /usr/share/qemu/qboot.rom -L /usr/share/qemu
	-accel kvm -cpu host,-xsave -nodefaults -no-user-config -no-reboot
	-display none -global virtio-mmio.force-legacy=false"
cd /t
sh script
echo "@@exit \$?"
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
