# SPDX-License-Identifier: ISC
# zlib's own test: compresses and expands in memory and in a file.
source_package zlib
[ -e configure.log ] || CC=sprat-cc CFLAGS=-O2 ./configure --static
rm -f example
make example
cp example "$out"
