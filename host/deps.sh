#!/bin/sh
# SPDX-License-Identifier: ISC
# Sees to it that tools and headers are there:
#
#	host/deps.sh DEBIAN-PACKAGE...
#
# Each package is known by one file or command of it, so one that came some
# other way counts too.  What is missing is named and installed by apt-get;
# where there is no apt-get, it is named and this fails.
set -eu

# Is there what the package is needed for?
present()
{
	case $1 in
	binutils) command -v ld ;;
	libc6-dev) test -f /usr/include/stdio.h ;;
	libcmocka-dev) test -f /usr/include/cmocka.h ;;
	libxen-dev) test -f /usr/include/xen/xen.h ;;
	linux-libc-dev) test -f /usr/include/linux/virtio_ring.h ;;
	newlib-source) ls /usr/src/newlib/newlib-*.tar.xz ;;
	dpkg-dev) command -v dpkg-source ;;
	python3-pytest) /usr/bin/python3 -c 'import pytest' ;;
	qemu-system-x86) command -v qemu-system-x86_64 ;;
	tcl) command -v tclsh ;;
	xz-utils) command -v xz ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

missing=
for p; do
	present "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: missing (by the names of Debian's packages):$missing" >&2
	echo "deps: there is no apt-get here; install them, then make again" >&2
	exit 1
fi

root=
if [ "$(id -u)" != 0 ]; then
	root=sudo
	if ! command -v sudo >/dev/null; then
		echo "deps: there is no sudo; as root: apt install$missing" >&2
		exit 1
	fi
fi
echo "deps: installing these Debian packages:$missing"
install()
{
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	    -o DPkg::Lock::Timeout=120 --no-install-recommends $missing >/dev/null
}
update()
{
	$root apt-get update -qq
}
# Lists may be absent, as in container images, or out of date.
if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
	update
	install && exit 0
elif install 2>/dev/null; then
	exit 0
else
	update && install && exit 0
fi
echo "deps: apt-get could not install$missing; its message is above" >&2
exit 1
