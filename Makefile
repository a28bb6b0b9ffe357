# SPDX-License-Identifier: ISC
# Sprat.  Everything built goes below build/; build/bin and build/lib are laid
# out as they would be installed.  `make help` lists the targets.

B := build
L := $B/lib/sprat
PREFIX ?= /usr/local
APP ?= hello
ARGS ?=

# --- what there is to build ---

BOOT := boot/pvh.asm boot/pvh.c
KERNEL := kernel/apic.c kernel/cmdline.c kernel/console.c kernel/heap.c \
	kernel/irq.c kernel/log.c kernel/main.c kernel/mmu.c kernel/page.c \
	kernel/panic.c kernel/random.c kernel/rtc.c kernel/thread.c \
	kernel/time.c kernel/trap.asm kernel/trap.c kernel/tsc.c kernel/uart.c
PV := pv/hypercalls/bare.c pv/hypercalls/detect.c pv/hypercalls/kvm.c \
	pv/hypercalls/pvclock.c
SHIM := $(sort $(wildcard libc-shim/*.c libc-shim/*.asm))
HOST := $(sort $(wildcard host/*.c))

APPS := $(patsubst apps/%/app.mk,%,$(wildcard apps/*/app.mk))
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
GUEST := $(patsubst tests/guest/%.c,%,$(wildcard tests/guest/*.c))

# --- how ---

ifeq ($V,1)
Q :=
else
Q := @
say = @printf '  %-7s %s\n' $1 $2
endif

GCC_INCLUDE := $(shell gcc -print-file-name=include 2>/dev/null)
GUEST_INCLUDE := -nostdinc -I. -isystem libc-shim/include \
	-isystem $(GCC_INCLUDE) -isystem $L/newlib -isystem $L/abi
GUEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -U__linux__ \
	-D__sprat__ -mgeneral-regs-only -mno-red-zone -fno-pic \
	-fno-stack-protector -fcf-protection=none -fvisibility=hidden \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections -fno-builtin-printf \
	-fno-tree-loop-distribute-patterns $(GUEST_INCLUDE)
HOST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -I.
UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -I. \
	-fsanitize=address,undefined -fno-sanitize-recover=all

obj = $(patsubst %,$B/obj/%.o,$1)
KERNEL_OBJ := $(call obj,$(BOOT) $(KERNEL) $(PV) $(SHIM))
SPRAT := $B/bin/sprat
TOOLS := $(SPRAT) $B/bin/sprat-cc $L/kernel.o $L/libsprat.a $L/.libs

all: $(TOOLS) ## the sprat command, the kernel and the C library

$B/obj/%.c.o: %.c | $L/libc.a $L/abi
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$Qgcc $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$B/obj/%.asm.o: %.asm
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$Qnasm -f elf64 -g -MD $(@:.o=.d) -MP $< -o $@

$B/obj/host/%.c.o: host/%.c
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$Qgcc $(HOST_CFLAGS) -MMD -MP -c $< -o $@

# The kernel and the C library shim, sealed: only what is PUBLIC shows.
$L/kernel.o: $(KERNEL_OBJ)
	$(call say,SEAL,$@)
	@mkdir -p $(@D)
	$Qld -r --unique -z noexecstack -o $@.tmp $(KERNEL_OBJ)
	$Qobjcopy --localize-hidden $@.tmp $@
	@rm -f $@.tmp

# Faster ones than newlib's, for applications; the kernel has its own copies.
$B/obj/app/string.c.o: libc-shim/string.c | $L/libc.a
	@mkdir -p $(@D)
	$Qgcc $(GUEST_CFLAGS) -DSTRING_PUBLIC -MMD -MP -c $< -o $@

$L/libsprat.a: $B/obj/app/string.c.o
	$(call say,AR,$@)
	@rm -f $@
	$Qar rcs $@ $<

$L/abi:
	@mkdir -p $@
	$Qln -sfn /usr/include/xen $@/xen
	$Qln -sfn /usr/include/linux $@/linux
	$Qln -sfn /usr/include/asm-generic $@/asm-generic
	$Qln -sfn /usr/include/x86_64-linux-gnu/asm $@/asm

$L/.libs: $L/libc.a boot/image.ld host/sprat.specs \
		$(wildcard libc-shim/include/*.h libc-shim/include/*/*.h)
	@mkdir -p $L/include
	$Qcp -a libc-shim/include/. $L/include/
	$Qcp boot/image.ld host/sprat.specs $L/
	$Qfor l in pthread rt dl; do ar rcs $L/lib$$l.a; done
	@touch $@

$L/libc.a: host/newlib.sh
	$Qhost/newlib.sh $B
	@touch $@

$(SPRAT): $(call obj,$(HOST))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Qgcc -o $@ $^

$B/bin/sprat-cc: | $(SPRAT)
	$Qln -sf sprat $@

# --- applications ---

-include apps/*/app.mk

run: $(SPRAT) $B/apps/$(APP).elf ## boot APP (hello) with ARGS in QEMU
	$Q$(SPRAT) run $B/apps/$(APP).elf -- $(ARGS)

clean: ## remove what was built, but not newlib
	rm -rf $B/obj $B/bin $B/lib $B/apps $B/tests

distclean: ## remove everything
	rm -rf $B

.PHONY: all run clean distclean
-include $(shell find $B/obj -name '*.d' 2>/dev/null)
