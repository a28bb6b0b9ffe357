#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds newlib, the C library, from Debian's newlib-source package:
#
#	host/newlib.sh BUILD-DIR
#
# Takes about a minute on two processors and leaves, in BUILD-DIR/lib/sprat,
# libc.a, libm.a and newlib/ (its headers).  Everything else it makes is in
# BUILD-DIR/newlib; the log is BUILD-DIR/newlib/log.
set -eu

die()
{
	echo "newlib: $*" >&2
	exit 1
}

unknown()
{
	die "this newlib's $1 is not the one host/newlib.sh can mend"
}

say()
{
	echo "newlib: $*"
}

# Runs a command into the log; on failure shows the log's end.
logged()
{
	"$@" >>"$work/log" 2>&1 && return
	tail -n 20 "$work/log" >&2
	die "'$1' failed; all of its output is in $work/log"
}

here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/lib/sprat"
build=$(cd "$1" && pwd)
work=$build/newlib
# Another make may be at it: wait for that, and take its result.
exec 9>"$build/newlib.lock"
flock 9
[ "$build/lib/sprat/libc.a" -nt "$0" ] && exit 0
rm -rf "$work"
mkdir -p "$work/build"
: >"$work/log"

archive=$(ls /usr/src/newlib/newlib-*.tar.xz 2>/dev/null | head -n 1)
[ -n "$archive" ] ||
    die "/usr/src/newlib/newlib-*.tar.xz is not there; install newlib-source"
tar -xJf "$archive" -C "$work" || die "cannot unpack $archive"
source=$(ls -d "$work"/newlib-*/ | head -n 1)

# Positional arguments ("%2$s"): newlib takes the address of its parameter
# `ap`, which on x86-64 is an array and so has decayed to a pointer.  Make
# `ap` a local copy.
for f in vfprintf vfwprintf vfscanf vfwscanf; do
	f=$source/newlib/libc/stdio/$f.c
	sed -i '/^\(_VFW*PRINTF_R\|__SVFW*SCANF_R\) (/,/^{/{
		s/va_list ap)/va_list ap_in)/
		s/^{/{ va_list ap; va_copy (ap, ap_in);/
	}' "$f"
	[ "$(grep -c 'va_copy (ap, ap_in)' "$f")" = 1 ] || unknown "$f"
done

# exit() flushes by the main thread's __cleanup alone: set it also when some
# other thread is the first to print.
f=$source/newlib/libc/stdio/findfp.c
sed -i 's/^  s->__cleanup = _cleanup_r;/  _GLOBAL_REENT->__cleanup =&/' "$f"
grep -q '_GLOBAL_REENT->__cleanup =' "$f" || unknown "$f"

# Long doubles: ldtoa.c calls sprintf for an exponent that its caller then cuts
# off, and so links a second printf (28 KB) into whatever prints a %f.
f=$source/newlib/libc/stdlib/ldtoa.c
sed -i 's/sprintf (string, /strcpy (string, /
	s/sprintf (ss, "E%d", expon)/strcpy (ss, "E")/' "$f"
[ "$(grep -c 'strcpy (ss, "E")' "$f")" = 1 ] || unknown "$f"

say "configuring (about 1 minute in all)"
cflags="-O2 -g0 -ffreestanding -fno-pic -fno-pie -mno-red-zone
-fno-omit-frame-pointer -fcf-protection=none -fno-stack-protector
-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections
-D__DYNAMIC_REENT__ -D_READ_WRITE_RETURN_TYPE=_ssize_t -DMORECORE_CLEARS=0
-D_STDIO_BSD_SEMANTICS -DHAVE_FCNTL
-nostdinc -isystem $(gcc -print-file-name=include)"
cd "$work/build"
unset MAKEFLAGS MFLAGS
logged "${source}configure" --target=x86_64-elf --prefix="$work/out" \
    --disable-multilib --disable-shared --disable-nls --disable-libgloss \
    --disable-newlib-supplied-syscalls \
    --enable-newlib-io-long-long --enable-newlib-io-long-double \
    --enable-newlib-io-c99-formats --enable-newlib-io-pos-args \
    --enable-newlib-retargetable-locking --enable-newlib-long-time_t \
    --enable-newlib-mb --enable-newlib-global-stdio-streams \
    CC_FOR_TARGET=gcc AS_FOR_TARGET=as LD_FOR_TARGET=ld AR_FOR_TARGET=ar \
    RANLIB_FOR_TARGET=ranlib NM_FOR_TARGET=nm OBJCOPY_FOR_TARGET=objcopy \
    OBJDUMP_FOR_TARGET=objdump STRIP_FOR_TARGET=strip \
    READELF_FOR_TARGET=readelf \
    CFLAGS_FOR_TARGET="$(echo $cflags)"
say "compiling"
logged make -j"$(nproc)" all-target-newlib
logged make install-target-newlib

# newlib has regular expressions and fnmatch for some systems only; they
# compile against our headers.
out=$work/out/x86_64-elf
posix=$source/newlib/libc/posix
for f in collate collcmp fnmatch regcomp regerror regexec regfree; do
	logged gcc $cflags -isystem "$here/libc-shim/include" \
	    -isystem "$out/include" -I"$posix" -D_GNU_SOURCE -U__linux__ -w \
	    -c "$posix/$f.c" -o "$work/build/$f.o"
	logged ar r "$out/lib/libc.a" "$work/build/$f.o"
done

# Our own memcpy and friends are faster: nobody shall find these.
logged ar d "$out/lib/libc.a" lib_a-memcpy.o lib_a-memset.o \
    lib_a-memmove.o lib_a-memcmp.o

# What newlib calls of ours has names of its own: libc-shim/shim.h, LIBC_NAME.
names=
for f in close fcntl fstat getpid gettimeofday isatty kill link lseek mkdir \
    open read sbrk stat times unlink write; do
	names="$names --redefine-sym $f=__libc_$f"
done
logged objcopy $names "$out/lib/libc.a"

lib=$build/lib/sprat
rm -rf "$lib/newlib"
cp -R "$out/include" "$lib/newlib"
cp "$source/COPYING.NEWLIB" "$lib/newlib/"
cp "$out/lib/libm.a" "$lib/"
rm -rf "$source" "$work/build"
cp "$out/lib/libc.a" "$lib/libc.a"
say "done"
