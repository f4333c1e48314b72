/* seccomp: strict mode, filters and their actions, inheritance, TSYNC, errors, what /proc shows. */
#include "abi.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(k)	    BPF_STMT(BPF_RET | BPF_K, (k))
/* If the loaded word is v, answer k. */
#define ON(v, k) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), 0, 1), RET(k)

static int set_filter(struct sock_filter *f, unsigned short n, unsigned flags)
{
	struct sock_fprog p = { n, f };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

/* One call gets one answer, all others are allowed. */
static int answer(int nr, unsigned ret, unsigned flags)
{
	struct sock_filter f[] = { LOAD(nr), ON(nr, ret), RET(SECCOMP_RET_ALLOW) };

	return set_filter(f, ARRAY_LEN(f), flags);
}

static void no_new_privs(void)
{
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static int status_field(const char *name)
{
	static char buf[4096];
	int fd = open("/proc/thread-self/status", O_RDONLY), n = read(fd, buf, sizeof(buf) - 1);
	char *p;

	close(fd);
	buf[n > 0 ? n : 0] = 0;
	p = strstr(buf, name);
	return p ? atoi(p + strlen(name)) : -1;
}

TEST(available)
{
	unsigned a = SECCOMP_RET_ERRNO;
	unsigned short sizes[3] = { 0 };

	CHECK_OK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &a));
	a = SECCOMP_RET_USER_NOTIF;
	CHECK_OK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &a));
	a = 0x12340000;
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &a), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &a), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, bad_ptr()), EFAULT);
	CHECK_OK(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes));
	CHECK_EQ(sizes[0], 80);
	CHECK_EQ(sizes[1], 24);
	CHECK_EQ(sizes[2], 64);
	CHECK_ERRNO(syscall(SYS_seccomp, 77, 0, NULL), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	CHECK_ERRNO(prctl(PR_SET_SECCOMP, 5, 0), EINVAL);
}

TEST_FORK(bad_programs)
{
	struct sock_filter ok[] = { RET(SECCOMP_RET_ALLOW) };
	struct sock_filter no_ret[] = { LOAD(nr) };
	struct sock_filter jump[] = { BPF_STMT(BPF_JMP | BPF_JA, 5), RET(SECCOMP_RET_ALLOW) };
	struct sock_filter unaligned[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0) };
	struct sock_filter outside[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0) };
	struct sock_filter half[] = { BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(0) };
	struct sock_filter unwritten[] = { BPF_STMT(BPF_LD | BPF_MEM, 3), RET(0) };
	struct sock_filter div0[] = { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0) };
	struct sock_filter mod[] = { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(0) };
	struct sock_fprog p = { 0, ok };

	no_new_privs();
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p), EINVAL);
	p.len = 5000;
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, bad_ptr()), EFAULT);
	p.len = 1;
	p.filter = bad_ptr();
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p), EFAULT);
	CHECK_ERRNO(set_filter(ok, 1, 0x1000), EINVAL);
	CHECK_ERRNO(set_filter(ok, 1, 0x1 | 0x8), EINVAL);
	CHECK_ERRNO(set_filter(no_ret, 1, 0), EINVAL);
	CHECK_ERRNO(set_filter(jump, 2, 0), EINVAL);
	CHECK_ERRNO(set_filter(unaligned, 2, 0), EINVAL);
	CHECK_ERRNO(set_filter(outside, 2, 0), EINVAL);
	CHECK_ERRNO(set_filter(half, 2, 0), EINVAL);
	CHECK_ERRNO(set_filter(unwritten, 2, 0), EINVAL);
	CHECK_ERRNO(set_filter(div0, 2, 0), EINVAL);
	CHECK_ERRNO(set_filter(mod, 2, 0), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

TEST_FORK(rights)
{
	struct sock_filter ok[] = { RET(SECCOMP_RET_ALLOW) };

	if (geteuid() == 0)
		CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(set_filter(ok, 1, 0), EACCES);
	no_new_privs();
	CHECK_OK(set_filter(ok, 1, 0));
}

TEST(proc_files)
{
	char buf[128] = "";
	int fd = open("/proc/sys/kernel/seccomp/actions_avail", O_RDONLY);

	REQUIRE(fd >= 0);
	CHECK(read(fd, buf, sizeof(buf) - 1) > 0);
	CHECK_STR(buf, "kill_process kill_thread trap errno user_notif trace log allow\n");
	close(fd);
	fd = open("/proc/sys/kernel/seccomp/actions_logged", O_RDONLY);
	memset(buf, 0, sizeof(buf));
	CHECK(read(fd, buf, sizeof(buf) - 1) > 0);
	CHECK(strstr(buf, "kill_process") && !strstr(buf, "allow"));
	close(fd);
}

TEST_FORK(errno_and_status)
{
	no_new_privs();
	CHECK_EQ(status_field("\nSeccomp:"), 0);
	CHECK_OK(answer(SYS_getpgid, SECCOMP_RET_ERRNO | 77, 0));
	errno = 0;
	CHECK_EQ(syscall(SYS_getpgid, 0), -1);
	CHECK_EQ(errno, 77);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 2);
	CHECK_EQ(status_field("\nSeccomp:"), 2);
	CHECK_OK(answer(SYS_getsid, SECCOMP_RET_ERRNO | 5000, 0));
	errno = 0;
	CHECK_EQ(syscall(SYS_getsid, 0), -1);
	CHECK_EQ(errno, 4095);
	CHECK_EQ(syscall(SYS_getpgid, 0), -1);
	/* The strictest answer counts, whoever gave it first. */
	CHECK_OK(answer(SYS_getsid, SECCOMP_RET_LOG, 0));
	CHECK_EQ(syscall(SYS_getsid, 0), -1);
	CHECK_EQ(syscall(SYS_getppid), getppid());
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0), EINVAL);
}

TEST_FORK(arithmetic)
{
	/* errno = ((arg0 ^ 5) * 3 + len - 64) >> 1, by way of scratch memory and X */
	struct sock_filter f[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 1, 0),
		RET(SECCOMP_RET_ALLOW),
		LOAD(args[0]),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 5),
		BPF_STMT(BPF_ST, 7),
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 3),
		BPF_STMT(BPF_LD | BPF_MEM, 7),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 64),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	no_new_privs();
	CHECK_OK(set_filter(f, ARRAY_LEN(f), 0));
	errno = 0;
	CHECK_EQ(syscall(SYS_getpgid, 30), -1);
	CHECK_EQ(errno, (30 ^ 5) * 3 / 2);
	CHECK_EQ(syscall(SYS_getpgid, 5), 0); /* errno 0 */
}

TEST_FORK(arguments_and_address)
{
	struct sock_filter f[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RET(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup, 0, 5),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 3),
		LOAD(instruction_pointer),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		RET(SECCOMP_RET_ERRNO | EDOM),
		RET(SECCOMP_RET_ALLOW),
	};
	int fd;

	no_new_privs();
	CHECK_OK(set_filter(f, ARRAY_LEN(f), 0));
	CHECK_ERRNO(syscall(SYS_dup, 101), EDOM);
	fd = CHECK_OK(syscall(SYS_dup, 1));
	CHECK_OK(close(fd));
}

static volatile int sys_calls;
static siginfo_t sys_info;
static long sys_rax;

static void on_sigsys(int signo, siginfo_t *si, void *uc)
{
	ucontext_t *c = uc;

	(void)signo;
	sys_calls++;
	sys_info = *si;
	sys_rax = c->uc_mcontext.gregs[REG_RAX];
	c->uc_mcontext.gregs[REG_RAX] = 1234;
}

TEST_FORK(trap)
{
	struct sigaction sa = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	no_new_privs();
	CHECK_OK(sigaction(SIGSYS, &sa, NULL));
	CHECK_OK(answer(SYS_getpgid, SECCOMP_RET_TRAP | 99, 0));
	CHECK_EQ(syscall(SYS_getpgid, 0), 1234);
	CHECK_EQ(sys_calls, 1);
	CHECK_EQ(sys_rax, SYS_getpgid);
	CHECK_EQ(sys_info.si_signo, SIGSYS);
	CHECK_EQ(sys_info.si_code, 1);
	CHECK_EQ(sys_info.si_errno, 99);
	CHECK_EQ(sys_info.si_syscall, SYS_getpgid);
	CHECK_EQ(sys_info.si_arch, AUDIT_ARCH_X86_64);
	CHECK(sys_info.si_call_addr);
}

static int died_of(unsigned action, int blocked)
{
	struct rlimit no_core = { 0, 0 };
	pid_t pid = abi_fork();
	sigset_t s;

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		sigfillset(&s);
		if (blocked)
			sigprocmask(SIG_SETMASK, &s, NULL);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		answer(SYS_getpgid, action, 0);
		syscall(SYS_getpgid, 0);
		_exit(3);
	}
	return abi_wait(pid);
}

TEST(kill)
{
	CHECK_EQ(WTERMSIG(died_of(SECCOMP_RET_KILL_PROCESS, 0)), SIGSYS);
	CHECK_EQ(WTERMSIG(died_of(SECCOMP_RET_KILL_THREAD, 0)), SIGSYS);
	CHECK_EQ(WTERMSIG(died_of(SECCOMP_RET_TRAP, 0)), SIGSYS);
	CHECK_EQ(WTERMSIG(died_of(SECCOMP_RET_TRAP, 1)), SIGSYS);
	CHECK_EQ(WTERMSIG(died_of(0x11110000, 0)), SIGSYS); /* an unknown action */
	CHECK_EQ(WEXITSTATUS(died_of(SECCOMP_RET_LOG, 0)), 3);
}

static volatile pid_t victim_tid;

static void *victim(void *arg)
{
	victim_tid = (pid_t)syscall(SYS_gettid);
	answer(SYS_getpgid, SECCOMP_RET_KILL_THREAD, 0);
	*(volatile int *)arg = 1;
	syscall(SYS_getpgid, 0);
	*(volatile int *)arg = 2;
	return NULL;
}

TEST_FORK(kill_thread)
{
	volatile int step = 0;
	pthread_t th;
	int i;

	no_new_privs();
	CHECK_EQ(pthread_create(&th, NULL, victim, (void *)&step), 0);
	for (i = 0; i < 2000; i++) {
		if (victim_tid && syscall(SYS_tgkill, getpid(), victim_tid, 0) < 0)
			break;
		usleep(1000);
	}
	CHECK_EQ(step, 1);
	CHECK(syscall(SYS_getpgid, 0) >= 0);
}

TEST(strict)
{
	pid_t pid = abi_fork();

	if (pid == 0) {
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL) != -1 || errno != EINVAL)
			_exit(4);
		prctl(PR_SET_SECCOMP, 1);
		syscall(SYS_exit, write(-1, "", 0) == -1 ? 5 : 6);
	}
	CHECK_EQ(WEXITSTATUS(abi_wait(pid)), 5);
	pid = abi_fork();
	if (pid == 0) {
		syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
		syscall(SYS_getpid);
		syscall(SYS_exit, 6);
	}
	CHECK_EQ(WTERMSIG(abi_wait(pid)), SIGKILL);
}

HELPER(inherited)
{
	errno = 0;
	return syscall(SYS_getpgid, 0) == -1 && errno == 55 && prctl(PR_GET_SECCOMP) == 2 ? 0 : 1;
}

TEST_FORK(inherited)
{
	char *argv[] = { abi_self, "@inherited", NULL };
	pid_t pid;

	no_new_privs();
	CHECK_OK(answer(SYS_getpgid, SECCOMP_RET_ERRNO | 55, 0));
	pid = abi_fork();
	if (pid == 0) {
		execv(abi_self, argv);
		_exit(9);
	}
	CHECK_EQ(abi_wait(pid), 0);
}

static volatile int go;
static volatile int seen_errno, seen_mode;

static void *synced(void *arg)
{
	(void)arg;
	while (!go)
		usleep(100);
	errno = 0;
	syscall(SYS_getpgid, 0);
	seen_errno = errno;
	seen_mode = prctl(PR_GET_SECCOMP);
	return NULL;
}

TEST_FORK(tsync)
{
	pthread_t th;

	no_new_privs();
	CHECK_EQ(pthread_create(&th, NULL, synced, NULL), 0);
	CHECK_EQ(answer(SYS_getpgid, SECCOMP_RET_ERRNO | 66, SECCOMP_FILTER_FLAG_TSYNC), 0);
	go = 1;
	pthread_join(th, NULL);
	CHECK_EQ(seen_errno, 66);
	CHECK_EQ(seen_mode, 2);
}

static volatile pid_t own_tid;

static void *own_filter(void *arg)
{
	(void)arg;
	answer(SYS_getsid, SECCOMP_RET_ERRNO | 1, 0);
	own_tid = syscall(SYS_gettid);
	while (!go)
		usleep(100);
	return NULL;
}

TEST_FORK(tsync_refused)
{
	pthread_t th;

	no_new_privs();
	CHECK_EQ(pthread_create(&th, NULL, own_filter, NULL), 0);
	while (!own_tid)
		usleep(100);
	CHECK_EQ(answer(SYS_getpgid, SECCOMP_RET_ERRNO | 66, SECCOMP_FILTER_FLAG_TSYNC), own_tid);
	CHECK_ERRNO(answer(SYS_getpgid, SECCOMP_RET_ERRNO | 66,
			   SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
		    ESRCH);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	go = 1;
	pthread_join(th, NULL);
}
