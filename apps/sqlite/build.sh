# SPDX-License-Identifier: ISC
# SQLite 3's shell: `:memory:` or a file in the guest's own root.
source_package sqlite3
need tcl
if [ ! -e sqlite3.c ]; then
	./configure --disable-tcl
	make sqlite3.c shell.c
fi
options='-DSQLITE_OMIT_LOAD_EXTENSION'
[ -e sqlite3.o ] || sprat-cc -O2 $options -c sqlite3.c
[ -e shell.o ] || sprat-cc -O2 $options -c shell.c
sprat-cc -o "$out" shell.o sqlite3.o -lm
