#!/bin/sh
# SPDX-License-Identifier: ISC
# Fetches a Debian source package and unpacks it without Debian's patches:
#
#	host/debsrc.sh PACKAGE DIR
#
# leaves the upstream source in DIR.  A private apt configuration, made of the
# machine's own sources with deb turned into deb-src, leaves the system alone
# and needs no root.  Downloads stay in the folder beside DIR named .apt.
# apt checks signatures and sums as it always does.
set -eu

package=$1 dir=$2
die()
{
	echo "debsrc: $package: $*" >&2
	exit 1
}

mkdir -p "$(dirname "$dir")"
top=$(cd "$(dirname "$dir")" && pwd)
dir=$top/$(basename "$dir")
apt=$top/.apt
mkdir -p "$apt/sources" "$apt/lists/partial" \
    "$apt/cache/archives/partial" "$apt/files"

# One at a time: two applications may want one package.
exec 9>"$apt/lock"
flock 9
[ -e "$dir/.debsrc" ] && exit 0

# Of the machine's sources those of its own release; others, as vendors have
# them, seldom carry source packages.
release=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ -n "$release" ] || die "/etc/os-release names no Debian release"
suites="[[:space:]]$release\\(-updates\\|-security\\)\\{0,1\\}\\([[:space:]]\\|\$\\)"

write_sources()
{
	rm -f "$apt"/sources/*
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
	    grep "^deb[[:space:]].*$suites" |
	    sed 's/^deb/deb-src/' >"$apt/sources/machine.list" || :
	for f in /etc/apt/sources.list.d/*.sources; do
		if grep -q "^Suites:.*$suites" "$f" 2>/dev/null; then
			sed 's/^Types:.*/Types: deb-src/' "$f" \
			    >"$apt/sources/$(basename "$f")"
		fi
	done
}

apt_get()
{
	apt-get -qq -o Dir::Etc::SourceList=/dev/null \
	    -o Dir::Etc::SourceParts="$apt/sources" \
	    -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
	    -o APT::Sandbox::User="$(id -un)" "$@" >>"$apt/log" 2>&1
}

unpack()
{
	rm -rf "$dir"
	dpkg-source --no-copy --skip-patches -x "$1" "$dir" >>"$apt/log" 2>&1 ||
	    die "dpkg-source failed; see $apt/log"
	touch "$dir/.debsrc"
}

: >"$apt/log"
if ! ls "$apt/files/${package}_"*.dsc >/dev/null 2>&1; then
	echo "debsrc: fetching the source package $package"
	if ! ls "$apt"/lists/*_Sources* >/dev/null 2>&1; then
		write_sources
		apt_get update || die "apt-get update failed; see $apt/log"
	fi
	(cd "$apt/files" && apt_get source --download-only "$package") ||
	    die "apt-get source failed; see $apt/log"
fi
unpack "$(ls "$apt/files/${package}_"*.dsc | tail -n 1)"
