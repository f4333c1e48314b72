# moat: the launcher, the gofer and the two Sentry images, in one static binary.
#
#   make            build/moat                 make test      every unit and ABI test, one short case per program
#   make deps       install what is needed     make test-full GROUP=...   the rest
#   make demo       a tour                     make bench     tables against runc, crun, runsc and native
#   make lint       format, analyzer, layers   make install DESTDIR= PREFIX=/usr/local
#
# Sources are found by wildcard: adding a file edits no build file. DEBUG=1 builds with assertions and a check of the lock order.

BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= gcc
VERSION := 0.1

WARN := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror
COMMON := -std=gnu11 -O2 -g $(WARN) -MMD -MP -I. -fno-strict-aliasing
ifdef DEBUG
COMMON += -DMOAT_DEBUG=1
endif

# `make V=1` shows whole commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-5s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))

all: $(BUILD)/moat

# ---- the Sentry, once per platform ----

GUEST_COMMON := $(COMMON) -DMOAT_VERSION='"$(VERSION)"' -iquote guest -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(BUILD)/musl-include -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-common -ffunction-sections -fdata-sections -Wno-unused-parameter
GUEST_CFLAGS_kvm     := $(GUEST_COMMON) -DMOAT_KVM=1 -mcmodel=kernel -fno-pic -fno-pie
GUEST_CFLAGS_systrap := $(GUEST_COMMON) -DMOAT_SYSTRAP=1 -fno-pic -fno-pie

GUEST_SRC_ALL := $(sort $(shell find guest loader -name '*.c' -o -name '*.S' 2>/dev/null))
HOST_SRC := $(sort $(shell find host oci loader -name '*.c' -o -name '*.S'))
GUEST_SRC_kvm     := $(filter-out guest/platform/systrap/% loader/host_%,$(GUEST_SRC_ALL))
GUEST_SRC_systrap := $(filter-out guest/platform/kvm/% loader/host_% guest/platform/systrap/stub/%,$(GUEST_SRC_ALL))

include $(wildcard mk/*.mk)

define sentry
GUEST_OBJ_$(1) := $$(patsubst %,$(BUILD)/$(1)/%.o,$$(GUEST_SRC_$(1)))
$(BUILD)/$(1)/%.c.o: %.c | $(BUILD)/musl-include/.stamp
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CC) $$(GUEST_CFLAGS_$(1)) -c -o $$@ $$<
$(BUILD)/$(1)/%.S.o: %.S | $(BUILD)/musl-include/.stamp
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CC) $$(GUEST_CFLAGS_$(1)) -D__ASSEMBLY__ -c -o $$@ $$<
# With debug information for gdb; what the binary carries keeps the symbols for crash reports alone.
$(BUILD)/sentry-$(1).elf: $(BUILD)/sentry-$(1).debug.elf
	$$(call say,STRIP)
	$$(Q)objcopy --strip-debug $$< $$@
$(BUILD)/sentry-$(1).debug.elf: $$(GUEST_OBJ_$(1)) $(BUILD)/$(1)/lwip.a $(BUILD)/$(1)/musl.a guest/platform/$(1)/sentry.lds
	$$(call say,LD)
	$$(Q)$$(CC) -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
		-Wl,-z,noexecstack $$(SENTRY_LDFLAGS_$(1)) -Wl,-T,guest/platform/$(1)/sentry.lds -o $$@ $$(GUEST_OBJ_$(1)) \
		$(BUILD)/$(1)/lwip.a $(BUILD)/$(1)/musl.a $$(shell $$(CC) -print-file-name=libfdt.a)
-include $$(GUEST_OBJ_$(1):.o=.d)
endef
$(eval $(call sentry,kvm))
$(eval $(call sentry,systrap))

# ---- the host binary ----

HOST_OBJ := $(patsubst %,$(BUILD)/host/%.o,$(HOST_SRC))
HOST_CFLAGS := $(COMMON) -D_GNU_SOURCE -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fcf-protection=full \
	-DMOAT_VERSION='"$(VERSION)"' -DMOAT_HOST=1
HOST_LIBS := -lfdt -lseccomp -lcap -ljansson

$(BUILD)/host/%.c.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(HOST_CFLAGS) -c -o $@ $<
# host/images.S brings the Sentry images in by .incbin.
$(BUILD)/host/host/images.S.o: host/images.S $(BUILD)/sentry-kvm.elf $(BUILD)/sentry-systrap.elf
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(HOST_CFLAGS) -DSENTRY_KVM='"$(BUILD)/sentry-kvm.elf"' -DSENTRY_SYSTRAP='"$(BUILD)/sentry-systrap.elf"' -c -o $@ $<
$(BUILD)/moat: $(HOST_OBJ)
	$(call say,LD)
	$(Q)$(CC) -static-pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -o $@ $(HOST_OBJ) $(HOST_LIBS)
-include $(HOST_OBJ:.o=.d)

# ---- the rest ----

deps:
	scripts/deps.sh
test: all test-programs
	tests/run
test-full: all test-programs
	tests/run --full $(GROUP)
lint: all
	scripts/lint.sh
demo: all
	scripts/demo.sh
bench: all
	bench/run
install: all
	install -D -m 0755 $(BUILD)/moat $(DESTDIR)$(PREFIX)/bin/moat
clean:
	rm -rf $(BUILD)

# What tests/run needs beside build/moat and what it builds itself; rules in mk/.
test-programs:

.PHONY: all deps test-programs test test-full lint demo bench install clean
.DELETE_ON_ERROR:
