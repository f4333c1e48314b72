# thirdparty.mk - what the Sentry takes from musl: an archive per platform, $(BUILD)/<platform>/musl.a, compiled with the
# Sentry's own flags, and the headers, $(BUILD)/musl-include (musl's, libfdt's and the kernel's uapi ones).
# The archive holds pure functions only: no allocation, locale tables, stdio or system call. Unused members cost nothing.

MUSL := third_party/musl

MUSL_SRC := $(addprefix string/,bcmp bcopy bzero explicit_bzero memccpy memchr memcmp memmem mempcpy memrchr \
		stpcpy stpncpy strcasecmp strcasestr strcat strchr strchrnul strcmp strcpy strcspn strlcat strlcpy strlen \
		strncasecmp strncat strncmp strncpy strnlen strpbrk strrchr strsep strspn strstr strtok_r) \
	$(addprefix stdlib/,abs atoi atol atoll bsearch labs llabs qsort qsort_nr) \
	$(addprefix ctype/,isalnum isalpha isascii isblank iscntrl isdigit isgraph islower isprint ispunct isspace \
		isupper isxdigit tolower toupper) \
	misc/ffs misc/ffsl misc/ffsll
# rep movsq and rep stosq; no vector registers.
MUSL_ASM := string/x86_64/memcpy string/x86_64/memmove string/x86_64/memset

THIRDPARTY := third_party/.stamp-musl

# Only on a clone where nobody ran `make deps`.
$(THIRDPARTY):
	scripts/thirdparty.sh musl

$(BUILD)/musl-include/.stamp: $(THIRDPARTY) mk/thirdparty.mk
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cp -r $(MUSL)/include/. $(@D)/
	@mkdir -p $(@D)/bits
	@cp $(MUSL)/arch/generic/bits/*.h $(@D)/bits/
	@cp $(MUSL)/arch/x86_64/bits/*.h $(@D)/bits/
	@sed -f $(MUSL)/tools/mkalltypes.sed $(MUSL)/arch/x86_64/bits/alltypes.h.in $(MUSL)/include/alltypes.h.in \
		>$(@D)/bits/alltypes.h
	@cp $(MUSL)/arch/x86_64/bits/syscall.h.in $(@D)/bits/syscall.h
	@sed -n 's/__NR_/SYS_/p' $(MUSL)/arch/x86_64/bits/syscall.h.in >>$(@D)/bits/syscall.h
	@for h in libfdt.h libfdt_env.h fdt.h linux asm-generic x86_64-linux-gnu/asm; do \
		ln -s /usr/include/$$h $(@D)/ || exit 1; done
	@touch $@

MUSL_INC := -I$(MUSL)/arch/x86_64 -I$(MUSL)/arch/generic -I$(MUSL)/src/include -I$(MUSL)/src/internal
# Without the flag the compiler may turn the loop inside strlen into a call of strlen.
MUSL_CFLAGS := -w -std=gnu99 -D_XOPEN_SOURCE=700 -fno-tree-loop-distribute-patterns

define musl_archive
MUSL_OBJ_$(1) := $$(patsubst %,$(BUILD)/$(1)/musl/%.o,$$(MUSL_SRC) $$(MUSL_ASM))
$(BUILD)/$(1)/musl/%.o: $(MUSL)/src/%.c $(BUILD)/musl-include/.stamp
	@mkdir -p $$(@D)
	@$$(CC) $$(MUSL_INC) $$(GUEST_CFLAGS_$(1)) $$(MUSL_CFLAGS) -c -o $$@ $$<
$(BUILD)/$(1)/musl/%.o: $(MUSL)/src/%.s $(BUILD)/musl-include/.stamp
	@mkdir -p $$(@D)
	@$$(CC) -c -o $$@ $$<
$(BUILD)/$(1)/musl.a: $$(MUSL_OBJ_$(1))
	@rm -f $$@
	@$$(AR) rcD $$@ $$^
-include $$(MUSL_OBJ_$(1):.o=.d)
endef
$(eval $(call musl_archive,kvm))
$(eval $(call musl_archive,systrap))

# Sources exist only after the fetch; without this make would not know that they come from it.
$(patsubst %,$(MUSL)/src/%.c,$(MUSL_SRC)) $(patsubst %,$(MUSL)/src/%.s,$(MUSL_ASM)): | $(THIRDPARTY) ;
