#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds one application that has a build.sh of its own:
#
#	host/port.sh APP BUILD-DIR
#
# apps/APP/build.sh is run in BUILD-DIR/src/APP and must leave the image in
# $out.  It finds sprat-cc on the PATH, $root (of this repository), and
#
#	need PACKAGE...		tools that the port needs to build
#	source_package NAME	a Debian source package: unpacks it in the
#				current folder the first time
#
# Its folder is kept, so that a change of the kernel relinks and no more; it
# is emptied when the compiler's headers or options have changed.
set -eu

app=$1
root=$(pwd)
mkdir -p "$2/src" "$2/apps"
B=$(cd "$2" && pwd)
out=$B/apps/$app.elf
dir=$B/src/$app
log=$dir.log
PATH=$B/bin:$PATH
unset MAKEFLAGS MFLAGS MAKELEVEL

need()
{
	"$root/host/deps.sh" "$@" >&3 2>&3
}

source_package()
{
	need dpkg-dev
	[ -e "$dir/.unpacked" ] && return
	"$root/host/debsrc.sh" "$1" "$B/src/debian/$1" >&3 2>&3
	echo "$app: building $1 (log: $log)" >&3
	cp -a "$B/src/debian/$1/." "$dir"
	touch "$dir/.unpacked"
}

if [ "$dir/.unpacked" -ot "$B/lib/sprat/sprat.specs" ] ||
    [ "$dir/.unpacked" -ot "$root/apps/$app/build.sh" ]; then
	rm -rf "$dir"
fi
mkdir -p "$dir"
cd "$dir"
export root out
rm -f "$out"
finish()
{
	[ -e "$out" ] && return
	tail -n 20 "$log" >&2
	echo "$app: the build failed; all of its output is in $log" >&2
}
trap finish EXIT
exec 3>&1
. "$root/apps/$app/build.sh" >"$log" 2>&1
