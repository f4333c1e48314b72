# kvm.mk - the probe guest's code, and the KVM platform's test image with its launcher (tests/guest).

# The launcher moves the image to a random address.
SENTRY_LDFLAGS_kvm := -Wl,--emit-relocs

$(BUILD)/host/host/kvm/probe_guest.S.o: host/kvm/probe_guest.S host/kvm/probe.h
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(HOST_CFLAGS) -c -o $@ $<

KVMTEST_SRC := $(wildcard guest/platform/kvm/*.[cS] guest/platform/x86/*.[cS] tests/guest/*.S) guest/platform/clock.c \
	guest/lib/printf.c guest/lib/spinlock.c guest/mm/frame.c guest/mm/account.c guest/mm/charge.c $(filter-out %_launch.c,$(wildcard tests/guest/*.c))
KVMTEST_OBJ := $(patsubst %,$(BUILD)/kvm/%.o,$(KVMTEST_SRC))
KVMTEST_HOST_OBJ := $(patsubst %,$(BUILD)/host/%.o,$(wildcard host/kvm/*.[cS]) host/error.c host/crash.c host/windows.c loader/elf.c tests/guest/kvm_launch.c)

$(BUILD)/tests/guest/kvm_image.elf: $(KVMTEST_OBJ) $(BUILD)/kvm/musl.a guest/platform/kvm/sentry.lds
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		$(SENTRY_LDFLAGS_kvm) -Wl,-T,guest/platform/kvm/sentry.lds -o $@ $(KVMTEST_OBJ) $(BUILD)/kvm/musl.a
$(BUILD)/tests/guest/kvm_launch: $(KVMTEST_HOST_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -static-pie -o $@ $(KVMTEST_HOST_OBJ)
-include $(KVMTEST_OBJ:.o=.d) $(KVMTEST_HOST_OBJ:.o=.d)
