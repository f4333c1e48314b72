/*
 * ebpf.h - extended BPF (RFC 9669) as far as programs need it that look at a small struct and return a number: loads from
 * that struct, arithmetic and forward jumps.
 *
 * A checked program only jumps forward, reads no register before it is written, never lets go of a pointer and returns 0 or
 * 1: so running it needs no checks, takes at most as many steps as it has instructions, and ends. No locks. Differs from
 * Linux: no calls, maps, loops, stack or instructions of version 4, and where two ways meet, a register is what holds on both.
 */
#ifndef MOAT_LIB_EBPF_H
#define MOAT_LIB_EBPF_H

#include "lib/types.h"

#define EBPF_MAXINSNS 4096

struct ebpf_insn { /* struct bpf_insn */
	u8 code;
	u8 regs; /* destination in the low half, source in the high one */
	s16 off;
	s32 imm;
};
_Static_assert(sizeof(struct ebpf_insn) == 8, "struct bpf_insn");

struct ebpf_fault {
	const char *what; /* of the instruction */
	unsigned insn;
};

/*
 * The program's R1 is the address of a struct of `words` aligned words, of which it may also read halves and bytes of the
 * first. 0, -EINVAL, -EACCES: a read of what is not there; both with *why. -ENOMEM without.
 */
int ebpf_check(const struct ebpf_insn *insn, unsigned len, unsigned words, struct ebpf_fault *why);

/* Run a checked program on its struct: what is in R0. */
u32 ebpf_run(const struct ebpf_insn *insn, const u32 *words);

#endif
