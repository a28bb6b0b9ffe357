# SPDX-License-Identifier: ISC
# zlib's small gzip: compresses standard input, or files named.
source_package zlib
[ -e configure.log ] || CC=sprat-cc CFLAGS=-O2 ./configure --static
rm -f minigzip
make minigzip
cp minigzip "$out"
