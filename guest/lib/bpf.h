/*
 * bpf.h - classic BPF: programs that look at a packet (socket filters) or at a struct of words (seccomp) and return a number.
 *
 * A checked program only jumps forward, ends in RET and reads no scratch word that it has not written: so running it needs
 * no further checks but those of its loads, and ends. No locks.
 */
#ifndef MOAT_LIB_BPF_H
#define MOAT_LIB_BPF_H

#include "lib/types.h"

#define BPF_MAXINSNS 4096

struct bpf_insn { /* struct sock_filter */
	u16 code;
	u8 jt, jf;
	u32 k;
};
_Static_assert(sizeof(struct bpf_insn) == 8, "struct sock_filter");

/*
 * 0, -EINVAL, -ENOMEM. words: the program looks at that many bytes of aligned words in the host's order; 0: at a packet, in
 * the network's order.
 */
int bpf_check(const struct bpf_insn *insn, unsigned len, u32 words);

struct bpf_input {
	const u8 *data;
	u32 len;     /* what the program is told */
	u32 known;   /* bytes of it that it may look at */
	bool packet; /* as in the check */
	/* A load of a packet from SKF_AD_OFF (or another negative offset) on; NULL, or false: there is nothing. */
	bool (*special)(const struct bpf_input *in, u32 offset, u32 size, u32 *v);
};
#define BPF_SPECIAL 0xffe00000u /* SKF_LL_OFF, the least of these offsets */

/* Run a checked program. False: it looked at what is not there; a packet is dropped then. */
bool bpf_run(const struct bpf_insn *insn, const struct bpf_input *in, u32 *ret);

#endif
