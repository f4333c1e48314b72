# lwip.mk - $(BUILD)/<platform>/lwip.a: lwIP's core, IPv4, IPv6 and Ethernet files with our options (guest/net/lwip) and our
# patches (guest/net/patches), compiled with the Sentry's own flags.

LWIP := third_party/lwip
# Not among them: udp.c and raw.c, whose place net/inet takes; timeouts.c, netif loops, DHCP, DNS.
LWIP_SRC := $(addprefix core/,def inet_chksum init ip mem memp netif pbuf stats tcp tcp_in tcp_out) \
	$(addprefix core/ipv4/,etharp icmp igmp ip4 ip4_addr ip4_frag) \
	$(addprefix core/ipv6/,ethip6 icmp6 inet6 ip6 ip6_addr ip6_frag mld6 nd6) netif/ethernet
LWIP_PATCHES := $(sort $(wildcard guest/net/patches/*.patch))
LWIP_INC := -isystem $(BUILD)/lwip/include -isystem guest/net/lwip

third_party/.stamp-lwip:
	scripts/thirdparty.sh lwip

$(BUILD)/lwip/.stamp: third_party/.stamp-lwip $(LWIP_PATCHES) mk/lwip.mk
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cp -r $(LWIP)/src/core $(LWIP)/src/netif $(LWIP)/src/include $(@D)/
	@for p in $(LWIP_PATCHES); do patch -s --binary -p1 -d $(@D) <$$p || exit 1; done
	@touch $@
$(patsubst %,$(BUILD)/lwip/%.c,$(LWIP_SRC)): $(BUILD)/lwip/.stamp ;

LWIP_WRAP := -Wl,--wrap=pbuf_alloc,--wrap=tcp_netif_ip_addr_changed,--wrap=nd6_get_destination_mtu
SENTRY_LDFLAGS_kvm += $(LWIP_WRAP)
SENTRY_LDFLAGS_systrap += $(LWIP_WRAP)
GUEST_CFLAGS_kvm += $(LWIP_INC)
GUEST_CFLAGS_systrap += $(LWIP_INC)

define lwip_archive
LWIP_OBJ_$(1) := $$(patsubst %,$(BUILD)/$(1)/lwip/%.o,$$(LWIP_SRC))
$$(filter $(BUILD)/$(1)/guest/net/%,$$(patsubst %,$(BUILD)/$(1)/%.o,$$(GUEST_SRC_$(1)))): | $(BUILD)/lwip/.stamp
$(BUILD)/$(1)/lwip/%.o: $(BUILD)/lwip/%.c guest/net/lwip/lwipopts.h guest/net/lwip/lwip_hooks.h | $(BUILD)/musl-include/.stamp
	@mkdir -p $$(@D)
	@$$(CC) $$(GUEST_CFLAGS_$(1)) -w -c -o $$@ $$<
$(BUILD)/$(1)/lwip.a: $$(LWIP_OBJ_$(1))
	@rm -f $$@
	@$$(AR) rcD $$@ $$^
-include $$(LWIP_OBJ_$(1):.o=.d)
endef
$(eval $(call lwip_archive,kvm))
$(eval $(call lwip_archive,systrap))
