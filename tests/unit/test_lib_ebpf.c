// sources: guest/lib/ebpf.c
/*
 * test_lib_ebpf.c - the check of lib/ebpf.c against its interpreter: random programs, most of them almost right. What the
 * check lets through ends with 0 or 1 after no more steps than it has instructions, and reads its struct alone (ASan looks).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ebpf.h"
#include "mm/slab.h"

#define ROUNDS 400000
#define LEN    12
#define WORDS  3

void *kzalloc(size_t size)
{
	return calloc(1, size);
}

void kfree(void *p)
{
	free(p);
}

static unsigned seed = 1;

static unsigned rnd(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static struct ebpf_insn any_insn(void)
{
	static const u8 likely[] = { 0xb7, 0xbf, 0xb4, 0x61, 0x69, 0x71, 0x55, 0x15,
				     0x1d, 0x05, 0x95, 0x07, 0x0f, 0x57, 0x77, 0x37,
				     0x3f, 0xc7, 0x87, 0xd4, 0xdc, 0x56 };
	struct ebpf_insn i = { 0 };

	i.code = rnd(8) ? likely[rnd(sizeof(likely))] : (u8)rnd(256);
	i.regs = (u8)(rnd(4) | (i.code & 8 || (i.code & 7) == 1 ? rnd(3) << 4 : 0));
	if ((i.code & 7) >= 5 && (i.code & 7) <= 6)
		i.off = (s16)rnd(5);
	else if ((i.code & 7) == 1)
		i.off = (s16)(rnd(7) * 2);
	if (!(i.code & 8))
		i.imm = (s32)rnd(3) * 8;
	if (i.code == 0x95 || i.code == 0x05)
		i.regs = 0;
	if (i.code == 0x05 || (i.code & 7) == 1)
		i.imm = 0;
	if (!rnd(200))
		((u8 *)&i)[rnd(8)] = (u8)rnd(256);
	return i;
}

int main(void)
{
	unsigned good = 0, allowed = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned len = 2 + rnd(LEN - 1);
		struct ebpf_insn *p = malloc(len * sizeof(*p)); /* exact, for ASan */
		u32 *words = malloc(WORDS * sizeof(*words));
		struct ebpf_fault why;

		for (unsigned n = 0; n < len; n++)
			p[n] = any_insn();
		p[len - 2] = (struct ebpf_insn){ .code = 0xb7, .imm = (s32)rnd(2) };
		p[len - 1] = (struct ebpf_insn){ .code = 0x95 };
		for (unsigned n = 0; n < WORDS; n++)
			words[n] = rnd(4);
		if (ebpf_check(p, len, WORDS, &why)) {
			if (why.insn >= len || !why.what) {
				fprintf(stderr, "round %u: a fault nowhere\n", round);
				return 1;
			}
		} else {
			u32 r = ebpf_run(p, words);

			good++;
			allowed += r;
			if (r > 1) {
				fprintf(stderr, "round %u: it returned %u\n", round, r);
				return 1;
			}
		}
		free(words);
		free(p);
	}
	if (good < 1000 || !allowed || allowed == good) {
		fprintf(stderr, "%u good programs, %u allow: too few of a kind\n", good, allowed);
		return 1;
	}
	return 0;
}
