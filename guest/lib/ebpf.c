/*
 * ebpf.c - extended BPF (lib/ebpf.h): the check and the interpreter.
 */
#include <string.h>

#include "lib/ebpf.h"
#include "lib/err.h"
#include "mm/slab.h"

#define REGS 11 /* R10, the frame's address, is never there: there is no stack */

#define CLASS(c) ((c)&7)
#define SIZE(c)	 ((c)&0x18)
#define MODE(c)	 ((c)&0xe0)
#define OP(c)	 ((c)&0xf0)
#define SRC_REG	 8u
#define DST(i)	 ((i)->regs & 15)
#define SRC(i)	 ((i)->regs >> 4)

enum { LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 };
enum { SIZE_W = 0, SIZE_H = 8, SIZE_B = 0x10, SIZE_DW = 0x18 };
enum { MODE_MEM = 0x60 };
enum {
	ADD = 0,
	SUB = 0x10,
	MUL = 0x20,
	DIV = 0x30,
	OR = 0x40,
	AND = 0x50,
	LSH = 0x60,
	RSH = 0x70,
	NEG = 0x80,
	MOD = 0x90,
	XOR = 0xa0,
	MOV = 0xb0,
	ARSH = 0xc0,
	END = 0xd0
};
enum {
	JA = 0,
	JEQ = 0x10,
	JGT = 0x20,
	JGE = 0x30,
	JSET = 0x40,
	JNE = 0x50,
	JSGT = 0x60,
	JSGE = 0x70,
	CALL = 0x80,
	EXIT = 0x90,
	JLT = 0xa0,
	JLE = 0xb0,
	JSLT = 0xc0,
	JSLE = 0xd0
};
#define LD_IMM64 (LD | SIZE_DW) /* two instructions */

/* ---- the check ---- */

enum kind { UNSET, NUMBER, CONTEXT };

/* What is known before an instruction; `seen`: some way leads to it. */
struct state {
	bool seen;
	u8 kind[REGS];
	bool truth; /* R0 is 0 or 1 */
};

struct check {
	const struct ebpf_insn *insn;
	unsigned len, words;
	struct state *at; /* of each instruction */
	struct ebpf_fault *why;
};

static int fault(struct check *c, unsigned n, const char *what, int err)
{
	*c->why = (struct ebpf_fault){ what, n };
	return err;
}

static void meet(struct state *to, const struct state *from)
{
	if (!to->seen) {
		*to = *from;
		return;
	}
	for (int r = 0; r < REGS; r++)
		if (to->kind[r] != from->kind[r])
			to->kind[r] = UNSET;
	to->truth &= from->truth;
}

/* The instruction n may go on at `to`. */
static int flow(struct check *c, unsigned n, s64 to, const struct state *s)
{
	if (to >= c->len)
		return fault(c, n, "leaves the program", -EINVAL);
	if (to <= n)
		return fault(c, n, "jumps back", -EINVAL);
	meet(&c->at[to], s);
	return 0;
}

static int must_be_number(struct check *c, unsigned n, const struct state *s, unsigned reg)
{
	if (s->kind[reg] == UNSET)
		return fault(c, n, "reads a register that is not set", -EACCES);
	return s->kind[reg] == NUMBER ? 0 : fault(c, n, "reckons with a pointer", -EACCES);
}

static int check_alu(struct check *c, unsigned n, struct state *s)
{
	const struct ebpf_insn *i = &c->insn[n];
	unsigned op = OP(i->code), dst = DST(i), width = CLASS(i->code) == ALU64 ? 64 : 32;
	bool reg = i->code & SRC_REG;
	int err = 0;

	if (op > END || i->off)
		return fault(c, n, "is not known", -EINVAL);
	if (op == NEG || op == END) {
		if (SRC(i) || (op == NEG && (reg || i->imm)) ||
		    (op == END && (width == 64 || (i->imm != 16 && i->imm != 32 && i->imm != 64))))
			return fault(c, n, "has wrong fields", -EINVAL);
		err = must_be_number(c, n, s, dst);
	} else if (reg ? i->imm : SRC(i)) {
		return fault(c, n, "has wrong fields", -EINVAL);
	} else if (op == MOV && reg && width == 64 && s->kind[SRC(i)] == CONTEXT) {
		s->kind[dst] = CONTEXT;
		if (!dst)
			s->truth = false;
		return 0;
	} else {
		if (reg)
			err = must_be_number(c, n, s, SRC(i));
		else if ((op == DIV || op == MOD) && !i->imm)
			return fault(c, n, "divides by zero", -EINVAL);
		else if ((op == LSH || op == RSH || op == ARSH) && (u32)i->imm >= width)
			return fault(c, n, "shifts too far", -EINVAL);
		if (!err && op != MOV)
			err = must_be_number(c, n, s, dst);
	}
	if (err)
		return err;
	s->kind[dst] = NUMBER;
	if (!dst)
		s->truth = op == MOV && !reg && (i->imm == 0 || i->imm == 1);
	return 0;
}

static int check_load(struct check *c, unsigned n, struct state *s)
{
	static const u8 size_of[4] = { 4, 2, 1, 8 };
	const struct ebpf_insn *i = &c->insn[n];
	unsigned size = size_of[SIZE(i->code) >> 3];

	if (MODE(i->code) != MODE_MEM || i->imm)
		return fault(c, n, "is not known", -EINVAL);
	if (s->kind[SRC(i)] != CONTEXT)
		return fault(c, n, "reads where nothing is", -EACCES);
	if (i->off < 0 || i->off % size || (unsigned)i->off + size > 4 * c->words ||
	    (size != 4 && (size > 4 || i->off >= 4)))
		return fault(c, n, "reads outside its struct", -EACCES);
	s->kind[DST(i)] = NUMBER;
	if (!DST(i))
		s->truth = false;
	return 0;
}

static int check_jump(struct check *c, unsigned n, struct state *s)
{
	const struct ebpf_insn *i = &c->insn[n];
	unsigned op = OP(i->code);
	bool reg = i->code & SRC_REG, wide = CLASS(i->code) == JMP;
	int err;

	if (op == CALL)
		return fault(c, n, "calls a function", -EINVAL);
	if (op == EXIT || op == JA) {
		if (!wide || reg || i->regs || i->imm || (op == EXIT && i->off))
			return fault(c, n, "has wrong fields", -EINVAL);
		if (op == JA)
			return flow(c, n, (s64)n + 1 + i->off, s);
		err = must_be_number(c, n, s, 0);
		return err || s->truth ? err : fault(c, n, "returns other than 0 or 1", -EINVAL);
	}
	if (op > JSLE || (reg ? i->imm : SRC(i)))
		return fault(c, n, "is not known", -EINVAL);
	err = must_be_number(c, n, s, DST(i));
	if (!err && reg)
		err = must_be_number(c, n, s, SRC(i));
	if (!err)
		err = flow(c, n, (s64)n + 1 + i->off, s);
	return err ?: flow(c, n, (s64)n + 1, s);
}

/* Returns how many instructions it was, or -errno. */
static int check_one(struct check *c, unsigned n)
{
	const struct ebpf_insn *i = &c->insn[n];
	struct state s = c->at[n];
	int err, took = 1;

	if (!s.seen)
		return fault(c, n, "is never reached", -EINVAL);
	if (DST(i) >= REGS - 1 || SRC(i) >= REGS - 1)
		return fault(c, n, "uses a stack", -EINVAL);
	switch (CLASS(i->code)) {
	case ALU:
	case ALU64: err = check_alu(c, n, &s); break;
	case LDX: err = check_load(c, n, &s); break;
	case JMP:
	case JMP32: err = check_jump(c, n, &s); return err ?: took;
	case LD:
		if (i->code != LD_IMM64 || n + 1 == c->len || SRC(i) || i->off || i[1].code ||
		    i[1].regs || i[1].off || c->at[n + 1].seen)
			return fault(c, n, "is not known", -EINVAL);
		s.kind[DST(i)] = NUMBER;
		if (!DST(i))
			s.truth = false;
		took = 2;
		err = 0;
		break;
	default: return fault(c, n, "writes to memory", -EACCES);
	}
	return err ?: flow(c, n, (s64)n + took, &s) ?: took;
}

int ebpf_check(const struct ebpf_insn *insn, unsigned len, unsigned words, struct ebpf_fault *why)
{
	struct check c = { insn, len, words, .why = why };
	int r = 0;

	*why = (struct ebpf_fault){ "is one too many", len };
	if (!len || len > EBPF_MAXINSNS)
		return -EINVAL;
	c.at = kzalloc(len * sizeof(*c.at));
	if (!c.at)
		return -ENOMEM;
	c.at[0].seen = true;
	c.at[0].kind[1] = CONTEXT;
	for (unsigned n = 0; n < len && r >= 0; n += (unsigned)r)
		r = check_one(&c, n);
	kfree(c.at);
	return MIN(r, 0);
}

/* ---- running ---- */

static u64 swapped(u64 v, bool big, s32 bits)
{
	switch (bits) {
	case 16: return big ? __builtin_bswap16((u16)v) : (u16)v;
	case 32: return big ? __builtin_bswap32((u32)v) : (u32)v;
	default: return big ? __builtin_bswap64(v) : v;
	}
}

static u64 alu64(unsigned op, u64 a, u64 b)
{
	switch (op) {
	case ADD: return a + b;
	case SUB: return a - b;
	case MUL: return a * b;
	case DIV: return b ? a / b : 0;
	case OR: return a | b;
	case AND: return a & b;
	case LSH: return a << (b & 63);
	case RSH: return a >> (b & 63);
	case NEG: return -a;
	case MOD: return b ? a % b : a;
	case XOR: return a ^ b;
	case ARSH: return (u64)((s64)a >> (b & 63));
	default: return b; /* MOV */
	}
}

static u64 alu(const struct ebpf_insn *i, u64 a, u64 b)
{
	unsigned op = OP(i->code);

	if (op == END)
		return swapped(a, i->code & SRC_REG, i->imm);
	if (CLASS(i->code) == ALU64)
		return alu64(op, a, b);
	if (op == LSH || op == RSH || op == ARSH)
		b &= 31;
	if (op == ARSH)
		return (u32)((s32)a >> b);
	return (u32)alu64(op, (u32)a, (u32)b);
}

static bool taken(const struct ebpf_insn *i, u64 a, u64 b)
{
	s64 x = (s64)a, y = (s64)b;

	if (CLASS(i->code) == JMP32) {
		x = (s32)a;
		y = (s32)b;
		a = (u32)a;
		b = (u32)b;
	}
	switch (OP(i->code)) {
	case JEQ: return a == b;
	case JGT: return a > b;
	case JGE: return a >= b;
	case JSET: return a & b;
	case JNE: return a != b;
	case JSGT: return x > y;
	case JSGE: return x >= y;
	case JLT: return a < b;
	case JLE: return a <= b;
	case JSLT: return x < y;
	case JSLE: return x <= y;
	default: return true; /* JA */
	}
}

static u64 load(const struct ebpf_insn *i, const u32 *words)
{
	u32 v = words[i->off / 4] >> i->off % 4 * 8;

	return SIZE(i->code) == SIZE_W ? v : SIZE(i->code) == SIZE_H ? (u16)v : (u8)v;
}

u32 ebpf_run(const struct ebpf_insn *i, const u32 *words)
{
	u64 r[REGS] = { 0 };

	for (;; i++) {
		u64 b = i->code & SRC_REG ? r[SRC(i)] : (u64)(s64)i->imm;

		switch (CLASS(i->code)) {
		case ALU:
		case ALU64: r[DST(i)] = alu(i, r[DST(i)], b); break;
		case LDX: r[DST(i)] = load(i, words); break;
		case LD:
			r[DST(i)] = (u32)i->imm | (u64)(u32)i[1].imm << 32;
			i++;
			break;
		default:
			if (OP(i->code) == EXIT)
				return (u32)r[0];
			if (taken(i, r[DST(i)], b))
				i += i->off;
		}
	}
}
