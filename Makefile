# SPDX-License-Identifier: ISC
# Sprat.  Everything built goes below build/, where bin/ and lib/ look as they
# will when installed.  `make help` lists what to ask for.

B := build
L := $B/lib/sprat
PREFIX ?= /usr/local
APP ?= hello
ARGS ?=

# --- what there is to build ---
BOOT := boot/pvh.asm boot/pvh.c
KERNEL := $(sort $(wildcard kernel/*.c kernel/*.asm))
PV := $(sort $(wildcard pv/*/*.c))
# The rest of the C library: not sealed, compiled as applications are.
PUBLIC := $(addprefix libc-shim/,err.c stdio_more.c string.c syslog.c)
SHIM := libc-shim/string.c $(filter-out $(PUBLIC),\
	$(sort $(wildcard libc-shim/*.c libc-shim/*.asm)))
HOST := $(sort $(wildcard host/*.c))
APPS := $(sort $(notdir $(wildcard apps/*)))
GUEST := $(sort $(notdir $(basename $(wildcard tests/guest/*.c))))

# Debian packages: to build and run, and to test as well
DEPS := gcc libc6-dev binutils nasm xz-utils linux-libc-dev libxen-dev \
	newlib-source qemu-system-x86
TEST_DEPS := clang cpio e2fsprogs iproute2 iputils-ping libclang-rt-dev \
	libcmocka-dev mount python3 python3-pytest qemu-utils

# --- how ---
Q := $(if $(filter 1,$V),,@)
begin = @$(if $Q,printf '  %-6s %s\n' $1 $2;) mkdir -p $(@D)

# Asked for at first use: gcc may not be there before `deps`.
GCC_INCLUDE = $(eval GCC_INCLUDE := $$(shell \
	gcc -print-file-name=include))$(GCC_INCLUDE)
GUEST_CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -D__sprat__ \
	-U__linux__ -fno-pic -fno-pie -fno-stack-protector \
	-fcf-protection=none -fvisibility=hidden -ffunction-sections \
	-fdata-sections -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -fno-tree-loop-distribute-patterns \
	-nostdinc -I. -isystem libc-shim/include -isystem $(GCC_INCLUDE) \
	-isystem $L/newlib -isystem $B/abi
HOST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -I.
UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -I. \
	-fsanitize=address,undefined -fno-sanitize-recover=all

SPRAT := $B/bin/sprat
TOOLS := $(SPRAT) $B/bin/sprat-cc $L/kernel.o $L/libsprat.a $L/image.ld \
	$L/sprat.specs
SPRAT_CC := $B/bin/sprat-cc -O2 -g -Wall -Wextra -Werror
IMAGES := $(APPS:%=$B/apps/%.elf)
UNIT_TESTS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZERS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
GUEST_TESTS := $(GUEST:%=$B/tests/%.elf) $B/bench/floor.elf
KERNEL_OBJ := $(patsubst %,$B/obj/%.o,$(BOOT) $(KERNEL) $(PV) $(SHIM))

.PHONY: all run apps test check fuzz bench deps install clean distclean help
.DELETE_ON_ERROR:
.SECONDEXPANSION:

all: $(TOOLS) ## the sprat command, the kernel and the C library

run: $(TOOLS) $B/apps/$(APP).elf ## boot APP (hello) with ARGS in QEMU
	$Q$(SPRAT) run $(RUN_OPTIONS) $B/apps/$(APP).elf -- $(ARGS)

apps: $(IMAGES) ## every application in apps/

test: $(UNIT_TESTS) $(FUZZERS) $(GUEST_TESTS) $(IMAGES) ## all tests
	$Q/usr/bin/python3 tests/run.py $B

check: $(UNIT_TESTS) ## the host's unit tests alone: seconds
	$Q/usr/bin/python3 tests/run.py --unit $B

fuzz: $(FUZZERS) ## search for inputs that break a fuzzer, T=60 seconds each
	$Q/usr/bin/python3 tests/fuzz/fuzz.py $(or $T,60) $(FUZZERS)

deps: ## install missing Debian packages, those for tests too
	$Qhost/deps.sh $(DEPS) $(TEST_DEPS)

$B/.deps: host/deps.sh
	@mkdir -p $B
	$Qhost/deps.sh $(DEPS) && touch $@
$B/.deps-test: host/deps.sh | $B/.deps
	$Qhost/deps.sh $(TEST_DEPS) && touch $@

# --- the C library, and the folder gcc is pointed at ---
$L/libc.a: host/newlib.sh | $B/.deps
	$Qhost/newlib.sh $B && touch $@

# These folders and no more: nothing of the host's C library may be found.
$B/abi: | $B/.deps
	@mkdir -p $@
	$Qln -sfn /usr/include/xen /usr/include/linux \
		/usr/include/asm-generic $@
	$Qln -sfn /usr/include/x86_64-linux-gnu/asm $@/asm

$L/image.ld: boot/image.ld
	@mkdir -p $L
	$Qcp $< $@

# Its date tells when what objects are made of last changed (host/port.sh).
$L/sprat.specs: host/sprat.specs $L/libc.a \
		$(shell find libc-shim/include -type f) | $B/abi
	$(call begin,LIB,$L)
	@rm -rf $L/include
	$Qcp -R libc-shim/include $L/
	$Qfor l in dl pthread rt util; do ar rcs $L/lib$$l.a || exit; done
	$Qcp host/sprat.specs $@

# --- the kernel and the shim, sealed: only what is PUBLIC shows ---

$B/obj/%.c.o: %.c | $L/libc.a $B/abi
	$(call begin,CC,$<)
	$Qgcc $(GUEST_CFLAGS) -mgeneral-regs-only -mno-red-zone \
		-MMD -MP -c $< -o $@

$B/obj/%.asm.o: %.asm | $B/.deps
	$(call begin,NASM,$<)
	$Qnasm -f elf64 -g -MD $(@:.o=.d) -MP $< -o $@

$L/kernel.o: $(KERNEL_OBJ)
	$(call begin,SEAL,$@)
	$Qld -r --unique -z noexecstack -o $@.tmp $(KERNEL_OBJ)
	$Qobjcopy --localize-hidden $@.tmp $@
	@rm -f $@.tmp

$B/obj/public/%.c.o: %.c | $L/libc.a $B/abi
	$(call begin,CC,$<)
	$Qgcc $(GUEST_CFLAGS) -DSTRING_PUBLIC -MMD -MP -c $< -o $@

$L/libsprat.a: $(PUBLIC:%=$B/obj/public/%.o)
	$(call begin,AR,$@)
	@rm -f $@
	$Qar rcs $@ $^

# --- the host's side ---
$B/obj/host/%.c.o: host/%.c | $B/.deps
	$(call begin,HOSTCC,$<)
	$Qgcc $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(SPRAT): $(HOST:%=$B/obj/%.o)
	$(call begin,LINK,$@)
	$Qgcc -o $@ $^

$B/bin/sprat-cc: | $(SPRAT)
	$Qln -sfn sprat $@

# --- images: an application is a folder of C files, or one with a build.sh ---

$B/apps/%.elf: $$(wildcard apps/$$*/*) host/port.sh $(TOOLS)
	$(call begin,IMAGE,$@)
	@test -d apps/$* || \
		{ echo "no application '$*'; there are: $(APPS)" >&2; exit 1; }
	$Qif test -f apps/$*/build.sh; then host/port.sh $* $B; \
		else $(SPRAT_CC) -o $@ apps/$*/*.c; fi

$B/tests/%.elf: tests/guest/%.c $(wildcard tests/guest/*.h) $(TOOLS)
	$(call begin,IMAGE,$@)
	$Q$(SPRAT_CC) -o $@ $<

# A test names the files it tests, LINK: a.c b.c, or includes a kernel's.
linked = $1 $(shell sed -n 's,^/\* LINK: *\(.*\)\*/,\1,p' $1)
$(FUZZERS): TEST_CC = clang -fsanitize=fuzzer
$(UNIT_TESTS) $(FUZZERS): $B/%: %.c $$(call linked,$$*.c) \
		$(wildcard kernel/*.c pv/*/*.c */*.h */*/*.h) | $B/.deps-test
	$(call begin,TEST,$@)
	$Q$(or $(TEST_CC),gcc) $(UNIT_CFLAGS) -o $@ $(call linked,$<) -lcmocka

# --- measurements ---
$B/bench/floor.elf: bench/floor.asm | $B/.deps
	$(call begin,NASM,$@)
	$Qnasm -f elf64 $< -o $@.o
	$Qld -nostdlib -N -e start -Ttext=0x100000 -z noexecstack \
		--no-warn-rwx-segments $@.o -o $@

bench: $(TOOLS) $B/apps/hello.elf $B/bench/floor.elf ## what a boot, a disk request cost
	$Qbench/boot.py $B/apps/hello.elf $B/bench/floor.elf && bench/blk.py

# --- the rest ---
install: $(TOOLS) ## into PREFIX (/usr/local), below DESTDIR if set
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib \
		$(DESTDIR)$(PREFIX)/share/man/man1
	cp -R $L $(DESTDIR)$(PREFIX)/lib/
	install $(SPRAT) $(DESTDIR)$(PREFIX)/bin/
	ln -sfn sprat $(DESTDIR)$(PREFIX)/bin/sprat-cc
	install -m 644 docs/sprat.1 $(DESTDIR)$(PREFIX)/share/man/man1/

clean: ## remove what was built, but keep newlib and sources fetched
	rm -rf $B/obj $B/bin $B/apps $B/tests $L/kernel.o $L/libsprat.a

distclean: ## remove all of build/
	rm -rf $B

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' Makefile
	@echo 'Applications: $(APPS)'
	@echo "make run APP=lua ARGS='-e \"print(_VERSION)\"' RUN_OPTIONS='-m 64M'"

-include $(shell find $B/obj -name '*.d' 2>/dev/null)
