/*
 * filter.c - the seccomp filters, as raw BPF: of helpers, of application threads, and of the Sentry itself.
 *
 * Helpers: the calls of stub.S and pmap.c, from stub.S's text alone. They share the Sentry's descriptors, so arguments count:
 * none can read or overwrite what stderr is, or have a table of its own that keeps open what the Sentry has closed. A
 * thread inherits its helper's filter and adds its own: FUTEX_WAIT and FUTEX_WAKE on its own state word; everything else
 * is trapped, which is how system calls of the application reach the Sentry. TRAP rather than KILL for all, because the thread's
 * traps must pass both filters.
 */
#include "platform/systrap/systrap.h"

#include <linux/audit.h>

#include "abi/ring.h"
#include "host/systrap_fds.h"

#define LD_W 0x20 /* BPF_LD | BPF_W | BPF_ABS */
#define JEQ  0x15
#define JGE  0x35
#define JSET 0x45
#define RET  0x06

#define DATA_NR	    0
#define DATA_ARCH   4
#define DATA_IP	    8
#define DATA_ARG(n) (16 + 8 * (n))

#define FD_STDERR	    2 /* a terminal, or a file of whoever started us */
#define CLOSE_RANGE_UNSHARE 2

#define RET_ALLOW 0x7fff0000
#define RET_TRAP  0x00030000
#define RET_KILL  0x80000000

struct builder {
	struct bpf_insn *insn;
	unsigned n;
};

static void emit(struct builder *b, u16 code, u32 k, u8 jt, u8 jf)
{
	b->insn[b->n++] = (struct bpf_insn){ code, jt, jf, k };
}

/* Continue if the loaded word equals k, else go to the return that follows these two. */
static void require(struct builder *b, u32 k)
{
	emit(b, JEQ, k, 1, 0);
	emit(b, RET, RET_TRAP, 0, 0);
}

static void require_text(struct builder *b)
{
	emit(b, LD_W, DATA_ARCH, 0, 0);
	require(b, AUDIT_ARCH_X86_64);
	emit(b, LD_W, DATA_IP + 4, 0, 0);
	require(b, STUB_TEXT >> 32);
	emit(b, LD_W, DATA_IP, 0, 0);
	emit(b, JGE, STUB_TEXT & 0xffffffff, 1, 0);
	emit(b, RET, RET_TRAP, 0, 0);
	emit(b, JGE, (STUB_TEXT & 0xffffffff) + STUB_TEXT_SIZE, 0, 1);
	emit(b, RET, RET_TRAP, 0, 0);
}

unsigned filter_thread(struct bpf_insn *out, u64 state_addr)
{
	struct builder b = { out, 0 };
	unsigned other;

	require_text(&b);
	emit(&b, LD_W, DATA_NR, 0, 0);
	/* At each system call of the application, so first. */
	other = b.n;
	emit(&b, JEQ, HC_futex, 0, 0);
	emit(&b, LD_W, DATA_ARG(0), 0, 0);
	require(&b, (u32)state_addr);
	emit(&b, LD_W, DATA_ARG(0) + 4, 0, 0);
	require(&b, state_addr >> 32);
	emit(&b, LD_W, DATA_ARG(1), 0, 0);
	emit(&b, JEQ, STUB_FUTEX_WAIT, 2, 0);
	emit(&b, JEQ, STUB_FUTEX_WAKE, 1, 0);
	emit(&b, RET, RET_TRAP, 0, 0);
	emit(&b, RET, RET_ALLOW, 0, 0);
	out[other].jf = (u8)(b.n - other - 1);
	/* sigaltstack() of what the command page says, to no other place: the last step of a new thread. */
	require(&b, HC_sigaltstack);
	emit(&b, LD_W, DATA_ARG(0), 0, 0);
	require(&b, (u32)(STUB_CMD + CMDS_STACK));
	emit(&b, LD_W, DATA_ARG(0) + 4, 0, 0);
	require(&b, (STUB_CMD + CMDS_STACK) >> 32);
	emit(&b, LD_W, DATA_ARG(1), 0, 0);
	require(&b, 0);
	emit(&b, RET, RET_ALLOW, 0, 0);
	return b.n;
}

struct fprog {
	u16 len;
	struct bpf_insn *insns;
};

static void install(struct builder *b, unsigned flags)
{
	struct fprog prog = { b->n, b->insn };

	if (hc5(HC_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0) < 0 ||
	    hc3(HC_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, flags, &prog) < 0)
		die("cannot install a seccomp filter");
}

static void allow_list(struct builder *b, const u16 *nrs, unsigned n, u32 otherwise)
{
	unsigned i;

	emit(b, LD_W, DATA_NR, 0, 0);
	for (i = 0; i < n; i++)
		emit(b, JEQ, nrs[i], n - i, 0);
	emit(b, RET, otherwise, 0, 0);
	emit(b, RET, RET_ALLOW, 0, 0);
}

/* Allow nr when argument arg (its low word; the high one is not the kernel's business for these) lies in [lo, hi]. */
static void allow_between(struct builder *b, u32 nr, unsigned arg, u32 lo, u32 hi)
{
	emit(b, LD_W, DATA_NR, 0, 0);
	emit(b, JEQ, nr, 0, 4);
	emit(b, LD_W, DATA_ARG(arg), 0, 0);
	emit(b, JGE, lo, 0, 2);
	emit(b, JGE, hi + 1, 1, 0);
	emit(b, RET, RET_ALLOW, 0, 0);
}

/* Allow nr unless argument arg passes a test: JSET k, it has a bit of k; JEQ k, it is k. */
static void allow_unless(struct builder *b, u32 nr, unsigned arg, u16 test, u32 k)
{
	emit(b, LD_W, DATA_NR, 0, 0);
	emit(b, JEQ, nr, 0, 3);
	emit(b, LD_W, DATA_ARG(arg), 0, 0);
	emit(b, test, k, 1, 0);
	emit(b, RET, RET_ALLOW, 0, 0);
}

/* Allow a task to leave the shared descriptors behind, all of them. */
static void allow_close_all(struct builder *b)
{
	emit(b, LD_W, DATA_NR, 0, 0);
	emit(b, JEQ, HC_close_range, 0, 7);
	emit(b, LD_W, DATA_ARG(0), 0, 0);
	emit(b, JEQ, 0, 0, 5);
	emit(b, LD_W, DATA_ARG(1), 0, 0);
	emit(b, JEQ, ~0U, 0, 3);
	emit(b, LD_W, DATA_ARG(2), 0, 0);
	emit(b, JEQ, CLOSE_RANGE_UNSHARE, 0, 1);
	emit(b, RET, RET_ALLOW, 0, 0);
}

void filter_helper_install(void)
{
	static const u16 plain[] = { HC_munmap,	 HC_mprotect,	 HC_madvise,
				     HC_seccomp, HC_sigaltstack, HC_exit };
	struct bpf_insn insns[96];
	struct builder b = { insns, 0 };

	require_text(&b);
	emit(&b, LD_W, DATA_NR, 0, 0);
	emit(&b, JEQ, HC_futex, 0, 1); /* the most frequent first */
	emit(&b, RET, RET_ALLOW, 0, 0);
	allow_unless(&b, HC_mmap, 4, JEQ, FD_STDERR);
	allow_between(&b, HC_pwrite64, 0, SYSTRAP_FD_CTL, SYSTRAP_FD_CTL);
	allow_between(&b, HC_lseek, 0, SYSTRAP_FD_CTL, SYSTRAP_FD_CTL);
	allow_between(&b, HC_clone, 0, THREAD_FLAGS, THREAD_FLAGS);
	allow_between(&b, HC_clone, 0, PROCESS_FLAGS, PROCESS_FLAGS);
	allow_close_all(&b);
	allow_list(&b, plain, ARRAY_SIZE(plain), RET_TRAP);
	BUG_ON(b.n > ARRAY_SIZE(insns));
	install(&b, 0);
}

/*
 * Allow mmap of private anonymous memory that is not executable, and of a descriptor's file to be read: those of DAX
 * windows were opened for no more, stderr is not for it, and the others it has mapped already.
 */
static void allow_mapping(struct builder *b)
{
	emit(b, LD_W, DATA_NR, 0, 0);
	emit(b, JEQ, HC_mmap, 0, 11);
	emit(b, LD_W, DATA_ARG(2), 0, 0);
	emit(b, JEQ, HC_PROT_READ, 0, 5);
	emit(b, LD_W, DATA_ARG(3), 0, 0);
	emit(b, JEQ, HC_MAP_SHARED | HC_MAP_FIXED, 0, 2);
	emit(b, LD_W, DATA_ARG(4), 0, 0);
	emit(b, JEQ, FD_STDERR, 5, 4);
	emit(b, LD_W, DATA_ARG(2), 0, 0);
	emit(b, JSET, HC_PROT_EXEC, 3, 0);
	emit(b, LD_W, DATA_ARG(3), 0, 0);
	emit(b, JEQ, HC_MAP_PRIVATE | HC_MAP_ANON, 0, 1);
	emit(b, RET, RET_ALLOW, 0, 0);
}

/*
 * The Sentry's own seal, for all its threads: 25 entries, and death for anything else. It opens nothing, makes no task
 * (helpers do), maps files to read them only and nothing executable; signals go to its own pid namespace, which holds stubs
 * alone.
 */
void filter_sentry_install(void)
{
	static const u16 plain[] = {
		HC_futex,	    HC_rt_sigreturn, HC_sched_yield,	   HC_close,
		HC_epoll_pwait2,    HC_munmap,	     HC_sched_setaffinity, HC_exit_group,
		HC_restart_syscall, HC_wait4
	};
	struct bpf_insn insns[144];
	struct builder b = { insns, 0 };

	emit(&b, LD_W, DATA_ARCH, 0, 0);
	emit(&b, JEQ, AUDIT_ARCH_X86_64, 1, 0);
	emit(&b, RET, RET_KILL, 0, 0);
	emit(&b, LD_W, DATA_NR, 0, 0);
	emit(&b, JEQ, HC_futex, 0, 1); /* the most frequent first */
	emit(&b, RET, RET_ALLOW, 0, 0);
	allow_between(&b, HC_write, 0, SYSTRAP_FD_KICK, SYSTRAP_FD_KICK + RING_QUEUES - 1);
	allow_between(&b, HC_write, 0, SYSTRAP_FD_WAKE, SYSTRAP_FD_WAKE);
	allow_between(&b, HC_read, 0, SYSTRAP_FD_WAKE, SYSTRAP_FD_WAKE);
	allow_between(&b, HC_write, 0, 2, 2);
	allow_between(&b, HC_read, 0, SYSTRAP_FD_CALL, SYSTRAP_FD_CALL + RING_QUEUES - 1);
	allow_between(&b, HC_read, 0, SYSTRAP_FD_START, SYSTRAP_FD_START);
	allow_between(&b, HC_recvmsg, 0, SYSTRAP_FD_DAX, SYSTRAP_FD_DAX);
	allow_between(&b, HC_lseek, 0, SYSTRAP_FD_CTL, SYSTRAP_FD_CTL);
	allow_between(&b, HC_fallocate, 0, SYSTRAP_FD_RAM, SYSTRAP_FD_CTL);
	allow_mapping(&b);
	allow_unless(&b, HC_mprotect, 2, JSET, HC_PROT_EXEC);
	/* CPU-time clocks of processes: the negative ones. */
	allow_between(&b, HC_clock_gettime, 0, 0x80000000, 0xfffffffe);
	allow_between(&b, HC_tgkill, 2, HC_SIGUSR1, HC_SIGUSR1);
	allow_between(&b, HC_kill, 1, 0, 0);
	allow_between(&b, HC_kill, 1, HC_SIGKILL, HC_SIGKILL);
	allow_list(&b, plain, ARRAY_SIZE(plain), RET_KILL);
	BUG_ON(b.n > ARRAY_SIZE(insns));
	install(&b, 1 /* SECCOMP_FILTER_FLAG_TSYNC */);
}
