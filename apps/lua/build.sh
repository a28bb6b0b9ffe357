# SPDX-License-Identifier: ISC
# Lua 5.4's interpreter.
source_package lua5.4
rm -f src/lua
make -j"$(nproc)" -C src CC='sprat-cc -std=gnu99' posix
cp src/lua "$out"
