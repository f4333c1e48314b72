# fuzz.mk - build/tests/fuzz_calls: random system calls, made inside a sandbox (tests/apps/fuzz_calls.sh).

FUZZ_CALLS := $(wildcard tests/fuzz/fuzz_calls*.c)
$(BUILD)/tests/fuzz_calls: $(FUZZ_CALLS) tests/fuzz/fuzz_calls.h guest/sys/syscalls.def
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)musl-gcc -std=gnu11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -static -I. -idirafter /usr/include \
		-idirafter /usr/include/x86_64-linux-gnu -o $@ $(FUZZ_CALLS) -lpthread

test-programs: $(BUILD)/tests/fuzz_calls
