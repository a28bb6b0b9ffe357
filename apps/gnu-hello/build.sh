# SPDX-License-Identifier: ISC
# GNU hello, as its own configure script makes it.
source_package hello
[ -e Makefile ] || ./configure --host=x86_64-elf CC=sprat-cc
rm -f hello
make
cp hello "$out"
