# vdso.mk - the vDSO image, $(BUILD)/vdso.so, which guest/mm/vdso/image.S brings into the Sentry.

GUEST_SRC_kvm     := $(filter-out guest/mm/vdso/dso/%,$(GUEST_SRC_kvm))
GUEST_SRC_systrap := $(filter-out guest/mm/vdso/dso/%,$(GUEST_SRC_systrap))

# Runs in the application: no vector registers to save, no PLT, no TLS, nothing to relocate.
VDSO_CFLAGS := $(COMMON) -Iguest -ffreestanding -fPIC -fvisibility=default -fno-stack-protector -fno-common \
	-mgeneral-regs-only -fno-builtin -fcf-protection=none

$(BUILD)/vdso.so: guest/mm/vdso/dso/vdso.c guest/mm/vdso/dso/vdso.lds guest/platform/vdso.h
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(VDSO_CFLAGS) -c -o $(BUILD)/vdso.o $<
	$(call say,LD)
	$(Q)$(CC) -nostdlib -shared -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=sha1 -Wl,--eh-frame-hdr \
		-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-Bsymbolic -Wl,--no-undefined \
		-Wl,-T,guest/mm/vdso/dso/vdso.lds -o $@ $(BUILD)/vdso.o
	@objcopy -S $@

$(BUILD)/kvm/guest/mm/vdso/image.S.o $(BUILD)/systrap/guest/mm/vdso/image.S.o: $(BUILD)/vdso.so
$(BUILD)/kvm/guest/mm/vdso/image.S.o: GUEST_CFLAGS_kvm += -DVDSO_SO='"$(BUILD)/vdso.so"'
$(BUILD)/systrap/guest/mm/vdso/image.S.o: GUEST_CFLAGS_systrap += -DVDSO_SO='"$(BUILD)/vdso.so"'
