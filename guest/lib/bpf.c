/*
 * bpf.c - classic BPF (lib/bpf.h): the check and the interpreter.
 */
#include <string.h>

#include "lib/bpf.h"
#include "lib/err.h"
#include "mm/slab.h"

#define BPF_CLASS(c) ((c)&7)
#define BPF_SIZE(c)  ((c)&0x18)
#define BPF_MODE(c)  ((c)&0xe0)
#define BPF_OP(c)    ((c)&0xf0)
#define BPF_X	     8u
#define BPF_MEMWORDS 16u

enum { BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_RET, BPF_MISC };
enum {
	BPF_IMM = 0,
	BPF_ABS = 0x20,
	BPF_IND = 0x40,
	BPF_MEM = 0x60,
	BPF_LEN = 0x80,
	BPF_MSH = 0xa0
};
enum { BPF_W = 0, BPF_H = 8, BPF_B = 0x10 };
enum {
	BPF_ADD = 0,
	BPF_SUB = 0x10,
	BPF_MUL = 0x20,
	BPF_DIV = 0x30,
	BPF_OR = 0x40,
	BPF_AND = 0x50,
	BPF_LSH = 0x60,
	BPF_RSH = 0x70,
	BPF_NEG = 0x80,
	BPF_MOD = 0x90,
	BPF_XOR = 0xa0
};
enum { BPF_JA = 0, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30, BPF_JSET = 0x40 };

/* ---- the check ---- */

static bool alu_known(const struct bpf_insn *i, bool packet)
{
	bool x = i->code & BPF_X;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR: return true;
	case BPF_DIV: return x || i->k;
	case BPF_MOD: return packet && (x || i->k);
	case BPF_LSH:
	case BPF_RSH: return x || i->k < 32;
	case BPF_NEG: return !x;
	default: return false;
	}
}

/* A load from what the program looks at. */
static bool load_known(const struct bpf_insn *i, u32 words)
{
	u16 c = i->code;

	if (words)
		return c == (BPF_LD | BPF_ABS) && i->k < words && !(i->k & 3);
	if (c == (BPF_LDX | BPF_B | BPF_MSH))
		return true;
	return BPF_CLASS(c) == BPF_LD && c < 0x100 && BPF_SIZE(c) <= BPF_B &&
	       (BPF_MODE(c) == BPF_ABS || BPF_MODE(c) == BPF_IND);
}

static bool insn_known(const struct bpf_insn *i, u32 words)
{
	u16 c = i->code;

	switch (BPF_CLASS(c)) {
	case BPF_LD:
		return load_known(i, words) || c == (BPF_LD | BPF_LEN) || c == (BPF_LD | BPF_IMM) ||
		       (c == (BPF_LD | BPF_MEM) && i->k < BPF_MEMWORDS);
	case BPF_LDX:
		return load_known(i, words) || c == (BPF_LDX | BPF_LEN) ||
		       c == (BPF_LDX | BPF_IMM) ||
		       (c == (BPF_LDX | BPF_MEM) && i->k < BPF_MEMWORDS);
	case BPF_ST:
	case BPF_STX: return c < 8 && i->k < BPF_MEMWORDS;
	case BPF_ALU: return c < 0x100 && alu_known(i, !words);
	case BPF_JMP: return c < 0x100 && BPF_OP(c) <= BPF_JSET && (BPF_OP(c) || !(c & BPF_X));
	case BPF_RET: return c == BPF_RET || c == (BPF_RET | 0x10); /* K, A */
	default: return c == BPF_MISC || c == (BPF_MISC | 0x80);    /* TAX, TXA */
	}
}

static bool jumps_inside(const struct bpf_insn *i, unsigned left)
{
	if (BPF_CLASS(i->code) != BPF_JMP)
		return true;
	if (BPF_OP(i->code) == BPF_JA)
		return i->k < left;
	return i->jt < left && i->jf < left;
}

static void flow_to(u16 *known, unsigned to, u16 words)
{
	known[to] &= words;
}

/* Which scratch words are written on every way to each instruction: none may be read before. */
static bool scratch_written(const struct bpf_insn *insn, unsigned len, u16 *known)
{
	u16 words = 0;

	memset(known, 0xff, len * sizeof(*known));
	for (unsigned n = 0; n < len; n++) {
		const struct bpf_insn *i = &insn[n];

		words &= known[n];
		switch (BPF_CLASS(i->code)) {
		case BPF_ST:
		case BPF_STX: words |= (u16)(1u << i->k); break;
		case BPF_LD:
		case BPF_LDX:
			if (BPF_MODE(i->code) == BPF_MEM && !(words >> i->k & 1))
				return false;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA) {
				flow_to(known, n + 1 + i->k, words);
			} else {
				flow_to(known, n + 1 + i->jt, words);
				flow_to(known, n + 1 + i->jf, words);
			}
			words = 0xffff; /* nothing falls through */
			break;
		case BPF_RET: words = 0xffff; break;
		default: break;
		}
	}
	return true;
}

int bpf_check(const struct bpf_insn *insn, unsigned len, u32 words)
{
	u16 *known;
	bool ok;

	for (unsigned n = 0; n < len; n++)
		if (!insn_known(&insn[n], words) || !jumps_inside(&insn[n], len - n - 1))
			return -EINVAL;
	if (!len || BPF_CLASS(insn[len - 1].code) != BPF_RET)
		return -EINVAL;
	known = kmalloc(len * sizeof(*known));
	if (!known)
		return -ENOMEM;
	ok = scratch_written(insn, len, known);
	kfree(known);
	return ok ? 0 : -EINVAL;
}

/* ---- running ---- */

static u32 alu(u16 code, u32 a, u32 b)
{
	switch (BPF_OP(code)) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return a / b;
	case BPF_MOD: return a % b;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return b < 32 ? a << b : 0;
	case BPF_RSH: return b < 32 ? a >> b : 0;
	default: return -a;
	}
}

static bool jump_taken(u16 code, u32 a, u32 b)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return a == b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	default: return a & b;
	}
}

/* size: BPF_W, BPF_H or BPF_B. */
static bool load(const struct bpf_input *in, u32 off, u32 size, u32 *v)
{
	u32 n = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
	u8 b[4];

	if (in->packet && off >= BPF_SPECIAL)
		return in->special && in->special(in, off, n, v);
	if (off >= in->known || n > in->known - off)
		return false;
	if (!in->packet) {
		memcpy(v, in->data + off, sizeof(*v));
		return true;
	}
	*v = 0;
	memcpy(b, in->data + off, n);
	for (u32 i = 0; i < n; i++)
		*v = *v << 8 | b[i];
	return true;
}

/* What LD and LDX put into their register. */
static bool operand(const struct bpf_insn *i, const struct bpf_input *in, u32 x, const u32 *mem,
		    u32 *v)
{
	switch (BPF_MODE(i->code)) {
	case BPF_ABS: return load(in, i->k, BPF_SIZE(i->code), v);
	case BPF_IND: return load(in, i->k + x, BPF_SIZE(i->code), v);
	case BPF_MSH: /* the length of an IPv4 header */
		if (!load(in, i->k, BPF_B, v))
			return false;
		*v = (*v & 0xf) * 4;
		return true;
	case BPF_MEM: *v = mem[i->k]; return true;
	case BPF_LEN: *v = in->len; return true;
	default: *v = i->k; return true;
	}
}

bool bpf_run(const struct bpf_insn *i, const struct bpf_input *in, u32 *ret)
{
	u32 a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 }, b;

	for (;; i++) {
		u16 c = i->code;

		switch (BPF_CLASS(c)) {
		case BPF_LD:
		case BPF_LDX:
			if (!operand(i, in, x, mem, &b))
				return false;
			*(BPF_CLASS(c) == BPF_LD ? &a : &x) = b;
			break;
		case BPF_ST: mem[i->k] = a; break;
		case BPF_STX: mem[i->k] = x; break;
		case BPF_ALU:
			b = c & BPF_X ? x : i->k;
			if ((BPF_OP(c) == BPF_DIV || BPF_OP(c) == BPF_MOD) && !b) {
				*ret = 0; /* X is 0: the program ends with 0 */
				return true;
			}
			a = alu(c, a, b);
			break;
		case BPF_JMP:
			if (BPF_OP(c) == BPF_JA)
				i += i->k;
			else
				i += jump_taken(c, a, c & BPF_X ? x : i->k) ? i->jt : i->jf;
			break;
		case BPF_RET: *ret = c & 0x10 ? a : i->k; return true;
		default:
			if (c & 0x80)
				a = x;
			else
				x = a;
			break;
		}
	}
}
