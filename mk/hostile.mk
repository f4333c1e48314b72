# hostile.mk - build/tests/moat-hostile: the launcher and the gofer as they are, around an image that misuses every ring
# (tests/guest/hostile) in the Sentry's place. moat-hostile-asan is the same host side under ASan and UBSan.

HOSTILE_HOST := $(patsubst %,$(BUILD)/host/%.o,$(filter-out host/images.S,$(HOST_SRC)))

define hostile
HOSTILE_OBJ_$(1) := $(BUILD)/$(1)/tests/guest/hostile/hostile.c.o $(BUILD)/$(1)/tests/guest/hostile/$(1).c.o
$(BUILD)/tests/guest/hostile-$(1).elf: $$(HOSTILE_OBJ_$(1)) $(BUILD)/$(1)/musl.a guest/platform/$(1)/sentry.lds
	@mkdir -p $$(@D)
	$$(call say,LD)
	$$(Q)$$(CC) -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		$$(SENTRY_LDFLAGS_$(1)) -Wl,-T,guest/platform/$(1)/sentry.lds -o $$@ $$(HOSTILE_OBJ_$(1)) $(BUILD)/$(1)/musl.a
-include $$(HOSTILE_OBJ_$(1):.o=.d)
endef
$(eval $(call hostile,kvm))
$(eval $(call hostile,systrap))

$(BUILD)/tests/guest/hostile-images.o: host/images.S $(BUILD)/tests/guest/hostile-kvm.elf $(BUILD)/tests/guest/hostile-systrap.elf
	$(call say,CC)
	$(Q)$(CC) -DSENTRY_KVM='"$(BUILD)/tests/guest/hostile-kvm.elf"' -DSENTRY_SYSTRAP='"$(BUILD)/tests/guest/hostile-systrap.elf"' \
		-c -o $@ $<
$(BUILD)/tests/moat-hostile: $(HOSTILE_HOST) $(BUILD)/tests/guest/hostile-images.o
	$(call say,LD)
	$(Q)$(CC) -static-pie -Wl,-z,noexecstack -o $@ $^ $(HOST_LIBS)

HOSTILE_SAN := $(patsubst $(BUILD)/host/%,$(BUILD)/host-asan/%,$(HOSTILE_HOST))
$(BUILD)/host-asan/%.o: %
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2 -O2,$(HOST_CFLAGS)) -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -c -o $@ $<
$(BUILD)/tests/moat-hostile-asan: $(HOSTILE_SAN) $(BUILD)/tests/guest/hostile-images.o
	$(call say,LD)
	$(Q)$(CC) -pie -fsanitize=address,undefined -o $@ $^ $(HOST_LIBS)

test-programs: $(BUILD)/tests/moat-hostile
