# chan.mk - build/tests/chan_client: drives a running sandbox over its control socket (tests/apps/channel.sh).

CHAN_SRC := tests/host/chan_client.c $(filter-out host/main.c host/run.c host/images.S host/cmd_%.c oci/%, $(HOST_SRC))
CHAN_OBJ := $(patsubst %,$(BUILD)/host/%.o,$(CHAN_SRC)) $(BUILD)/host/host/images.S.o
$(BUILD)/tests/chan_client: $(CHAN_OBJ)
	@mkdir -p $(@D)
	$(CC) -static-pie -Wl,-z,noexecstack -o $@ $^ -lfdt -lseccomp -lcap

test-programs: $(BUILD)/tests/chan_client
-include $(BUILD)/host/tests/host/chan_client.c.d
