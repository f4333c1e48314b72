/*
 * bpf.c - classic BPF (lib/bpf.h) as seccomp(2) takes it: programs that look at struct seccomp_data, and what is
 * constant about one.
 */
#include <linux/audit.h>

#include "lib/err.h"
#include "task/seccomp/seccomp.h"

int seccomp_bpf_check(const struct bpf_insn *insn, unsigned len)
{
	return bpf_check(insn, len, sizeof(struct seccomp_data));
}

u32 seccomp_bpf_run(const struct bpf_insn *insn, const struct seccomp_data *d)
{
	struct bpf_input in = { .data = (const u8 *)d, .len = sizeof(*d), .known = sizeof(*d) };
	u32 ret = 0;

	bpf_run(insn, &in, &ret);
	return ret;
}

bool seccomp_bpf_allows(const struct bpf_insn *insn, u32 nr)
{
	struct seccomp_data d = { .nr = (s32)nr, .arch = AUDIT_ARCH_X86_64 };
	struct bpf_input in = { .data = (const u8 *)&d,
				.len = sizeof(d),
				.known = offsetof(struct seccomp_data, ip) };
	u32 ret;

	return bpf_run(insn, &in, &ret) && (ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
}
