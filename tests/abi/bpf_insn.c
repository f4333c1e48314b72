/* What instructions of bpf(2) programs reckon: each case is a program that allows /dev/null if the result is right. */
#include "bpf_device.h"

#define BIG 0x123456789abcdef0ULL

static const struct {
	unsigned code;
	unsigned long long a, b, want;
} alu[] = {
	{ BPF_ALU64 | BPF_ADD, BIG, 0x11, BIG + 0x11 },
	{ BPF_ALU64 | BPF_SUB, 1, 2, ~0ULL },
	{ BPF_ALU64 | BPF_MUL, BIG, 3, BIG * 3 },
	{ BPF_ALU64 | BPF_DIV, BIG, 0x10000, BIG / 0x10000 },
	{ BPF_ALU64 | BPF_DIV, BIG, 0, 0 },
	{ BPF_ALU64 | BPF_MOD, BIG, 0x1001, BIG % 0x1001 },
	{ BPF_ALU64 | BPF_MOD, BIG, 0, BIG },
	{ BPF_ALU64 | BPF_OR, BIG, 0x0f, BIG | 0x0f },
	{ BPF_ALU64 | BPF_AND, BIG, 0xff0, BIG & 0xff0 },
	{ BPF_ALU64 | BPF_XOR, BIG, ~0ULL, ~BIG },
	{ BPF_ALU64 | BPF_LSH, BIG, 12, BIG << 12 },
	{ BPF_ALU64 | BPF_RSH, ~BIG, 12, ~BIG >> 12 },
	{ BPF_ALU64 | BPF_ARSH, ~BIG, 12, ~(BIG >> 12) },
	{ BPF_ALU64 | BPF_MOV, 5, BIG, BIG },
	{ BPF_ALU | BPF_ADD, ~0ULL, 1, 0 },
	{ BPF_ALU | BPF_SUB, BIG, BIG + 1, 0xffffffff },
	{ BPF_ALU | BPF_MUL, BIG, 3, 0xd0369cd0 },
	{ BPF_ALU | BPF_DIV, BIG, 0x100000010ULL, 0x9abcdef },
	{ BPF_ALU | BPF_DIV, BIG, 1ULL << 32, 0 },
	{ BPF_ALU | BPF_MOD, BIG, 1ULL << 32, 0x9abcdef0 },
	{ BPF_ALU | BPF_OR, BIG, 0xf, 0x9abcdeff },
	{ BPF_ALU | BPF_AND, BIG, ~0ULL, 0x9abcdef0 },
	{ BPF_ALU | BPF_XOR, BIG, ~0ULL, 0x6543210f },
	{ BPF_ALU | BPF_LSH, BIG, 4, 0xabcdef00 },
	{ BPF_ALU | BPF_RSH, BIG, 4, 0x9abcdef },
	{ BPF_ALU | BPF_ARSH, BIG, 4, 0xf9abcdef },
	{ BPF_ALU | BPF_MOV, 5, BIG, 0x9abcdef0 },
};

static const struct {
	unsigned code;
	unsigned long long a, b;
	int taken;
} jump[] = {
	{ BPF_JMP | BPF_JEQ, BIG, BIG, 1 },
	{ BPF_JMP | BPF_JEQ, 0, 1ULL << 32, 0 },
	{ BPF_JMP | BPF_JNE, 0, 1ULL << 32, 1 },
	{ BPF_JMP | BPF_JGT, ~0ULL, 1, 1 },
	{ BPF_JMP | BPF_JGT, 1, 1, 0 },
	{ BPF_JMP | BPF_JGE, 1, 1, 1 },
	{ BPF_JMP | BPF_JLT, 1, ~0ULL, 1 },
	{ BPF_JMP | BPF_JLE, 2, 1, 0 },
	{ BPF_JMP | BPF_JSGT, ~0ULL, 1, 0 },
	{ BPF_JMP | BPF_JSGE, 1, ~0ULL, 1 },
	{ BPF_JMP | BPF_JSLT, ~0ULL, 1, 1 },
	{ BPF_JMP | BPF_JSLE, 1, ~0ULL, 0 },
	{ BPF_JMP | BPF_JSET, 6, 9, 0 },
	{ BPF_JMP | BPF_JSET, 6, 12, 1 },
	{ BPF_JMP32 | BPF_JEQ, 0, 1ULL << 32, 1 },
	{ BPF_JMP32 | BPF_JSLT, 0xffffffff, 1, 1 },
	{ BPF_JMP32 | BPF_JGT, 0xffffffff, 1, 1 },
	{ BPF_JMP32 | BPF_JSET, 1ULL << 32, 1ULL << 32, 0 },
};

static int dir;

/* Does the program allow it? */
static int allows(int prog)
{
	int fd;

	CHECK_OK(prog);
	CHECK_OK(bpf_attach(dir, prog, 0, 0));
	close(prog);
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		close(fd);
	else
		CHECK_EQ(errno, EPERM);
	return fd >= 0;
}

static void begin(void)
{
	CHECK_OK(cg_mkdir("a"));
	dir = CHECK_OK(cg_dir("a"));
	CHECK_OK(cg_put("a", getpid()));
}

static void end(void)
{
	CHECK_OK(bpf_detach(dir, -1));
	close(dir);
	CHECK_OK(cg_put("../", getpid()));
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

TEST_FORK(arithmetic)
{
	NEED_BPF();
	CG_BEGIN();
	begin();
	for (size_t k = 0; k < sizeof(alu) / sizeof(alu[0]); k++) {
		int right = allows(LOAD_PROGRAM(
			IMM64(2, alu[k].a), IMM64(3, alu[k].b),
			INSN(alu[k].code | BPF_X, 2, 3, 0, 0), IMM64(4, alu[k].want), MOV(0, 0),
			INSN(BPF_JMP | BPF_JNE | BPF_X, 2, 4, 1, 0), MOV(0, 1), EXIT()));

		CHECK_EQ(right ? -1 : (int)k, -1); /* the number of the wrong case */
	}
	CHECK(allows(LOAD_PROGRAM(MOV(2, 0x1234), INSN(BPF_ALU | BPF_END | BPF_TO_BE, 2, 0, 0, 16),
				  MOV(0, 0), JUMP_NE(2, 0x3412, 1), MOV(0, 1), EXIT())));
	CHECK(allows(LOAD_PROGRAM(MOV(2, 5), INSN(BPF_ALU64 | BPF_NEG, 2, 0, 0, 0), MOV(0, 0),
				  JUMP_NE(2, -5, 1), MOV(0, 1), EXIT())));
	end();
}

TEST_FORK(jumps)
{
	NEED_BPF();
	CG_BEGIN();
	begin();
	for (size_t k = 0; k < sizeof(jump) / sizeof(jump[0]); k++) {
		int taken = allows(LOAD_PROGRAM(IMM64(2, jump[k].a), IMM64(3, jump[k].b), MOV(0, 1),
						INSN(jump[k].code | BPF_X, 2, 3, 1, 0), MOV(0, 0),
						EXIT()));

		CHECK_EQ(taken == jump[k].taken ? -1 : (int)k, -1);
	}
	end();
}
