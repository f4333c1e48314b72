/*
 * Harness of the ABI tests: each program here is a static Linux program that passes on Linux itself
 * first, so that Linux is the oracle, and then in the sandbox on each platform.
 *
 * TEST(name) { } runs in the program's own process; TEST_FORK(name) { } in a child that may ruin its
 * state. Checks print file:line with expected and got, and go on. Exit status: 0 pass, 1 fail,
 * 77 when every test was skipped. `program NAME` runs one test; `program @NAME ...` runs a HELPER.
 *
 * Kept on purpose to write(2) and exit_group(2) for a program with plain TESTs that pass: a kernel
 * without fork, signals or timers can already run those.
 */
#ifndef ABI_H
#define ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ABI_UNUSED    __attribute__((unused))
#define ARRAY_LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define ABI_EXIT_SKIP 77
#define PAGE	      4096UL
#define NOBODY	      65534

enum { ABI_FORK = 1 };

struct abi_test {
	const char *name;
	void (*fn)(void);
	int flags;
	struct abi_test *next;
};

struct abi_helper {
	const char *name;
	int (*fn)(int argc, char **argv);
	struct abi_helper *next;
};

static struct abi_test *abi_tests, **abi_tests_tail = &abi_tests;
static struct abi_helper *abi_helpers;
static const char *abi_current = "?";
static volatile int abi_fails; /* failed checks of the running test */
static volatile int abi_skips; /* it asked to be skipped */
static volatile int abi_pid;   /* process that runs the tests */
static volatile int abi_kid;   /* child of a TEST_FORK, for the alarm's handler */
static unsigned int abi_timeout = 60;
static char abi_self[PATH_MAX]; /* absolute path of this program, for execve */
static char abi_tmp[PATH_MAX];	/* private directory, made by abi_tmpdir() */
static int abi_tmp_made;

#define ABI_REG(id, fl)                                                  \
	static void test_##id(void);                                     \
	__attribute__((constructor)) static void abi_reg_##id(void)      \
	{                                                                \
		static struct abi_test t = { #id, test_##id, fl, NULL }; \
		*abi_tests_tail = &t;                                    \
		abi_tests_tail = &t.next;                                \
	}                                                                \
	static void test_##id(void)
#define TEST(id)      ABI_REG(id, 0)
#define TEST_FORK(id) ABI_REG(id, ABI_FORK)
#define HELPER(id)                                                       \
	static int helper_##id(int argc, char **argv);                   \
	__attribute__((constructor)) static void abi_hreg_##id(void)     \
	{                                                                \
		static struct abi_helper h = { #id, helper_##id, NULL }; \
		h.next = abi_helpers;                                    \
		abi_helpers = &h;                                        \
	}                                                                \
	static int helper_##id(int argc ABI_UNUSED, char **argv ABI_UNUSED)

/* One write per line, so that lines of several processes do not mix. */
ABI_UNUSED __attribute__((format(printf, 1, 2))) static void abi_say(const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 1)
		n = sizeof(buf) - 1;
	if (write(1, buf, n) != n)
		_exit(1);
}

static const char *abi_errname(long e)
{
	static const struct {
		short num;
		const char *name;
	} names[] = {
#define E(x) { x, #x }
		E(EPERM),	 E(ENOENT),	E(ESRCH),     E(EINTR),	     E(EIO),
		E(ENXIO),	 E(E2BIG),	E(ENOEXEC),   E(EBADF),	     E(ECHILD),
		E(EAGAIN),	 E(ENOMEM),	E(EACCES),    E(EFAULT),     E(ENOTBLK),
		E(EBUSY),	 E(EEXIST),	E(EXDEV),     E(ENODEV),     E(ENOTDIR),
		E(EISDIR),	 E(EINVAL),	E(ENFILE),    E(EMFILE),     E(ENOTTY),
		E(ETXTBSY),	 E(EFBIG),	E(ENOSPC),    E(ESPIPE),     E(EROFS),
		E(EMLINK),	 E(EPIPE),	E(EDOM),      E(ERANGE),     E(EDEADLK),
		E(ENAMETOOLONG), E(ENOLCK),	E(ENOSYS),    E(ENOTEMPTY),  E(ELOOP),
		E(ENODATA),	 E(ETIME),	E(EOVERFLOW), E(EBADFD),     E(ENOTSOCK),
		E(EOPNOTSUPP),	 E(EADDRINUSE), E(ETIMEDOUT), E(EALREADY),   E(EINPROGRESS),
		E(ESTALE),	 E(EDQUOT),	E(ECANCELED), E(EOWNERDEAD), E(ENOTRECOVERABLE),
		E(ELIBBAD),
#undef E
	};

	if (!e)
		return "success";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].num == e)
			return names[i].name;
	return "unknown errno";
}

#define ABI_FAIL(fmt, ...)                                    \
	(__atomic_add_fetch(&abi_fails, 1, __ATOMIC_RELAXED), \
	 abi_say("%s:%d: %s: " fmt "\n", __FILE__, __LINE__, abi_current, ##__VA_ARGS__))

ABI_UNUSED static int abi_check_eq(const char *file, int line, const char *a, const char *b,
				   long got, long want)
{
	if (got == want)
		return 1;
	__atomic_add_fetch(&abi_fails, 1, __ATOMIC_RELAXED);
	abi_say("%s:%d: %s: %s: expected %s = %ld (%#lx), got %ld (%#lx)\n", file, line,
		abi_current, a, b, want, want, got, got);
	return 0;
}

ABI_UNUSED static int abi_check_errno(const char *file, int line, const char *call, long ret,
				      int err, int want)
{
	if (ret == -1 && err == want)
		return 1;
	__atomic_add_fetch(&abi_fails, 1, __ATOMIC_RELAXED);
	if (ret == -1)
		abi_say("%s:%d: %s: %s: expected %s, got %s (%d)\n", file, line, abi_current, call,
			abi_errname(want), abi_errname(err), err);
	else
		abi_say("%s:%d: %s: %s: expected %s, got success (%ld)\n", file, line, abi_current,
			call, abi_errname(want), ret);
	return 0;
}

ABI_UNUSED static long abi_check_ok(const char *file, int line, const char *call, long ret, int err)
{
	if (ret == -1) {
		__atomic_add_fetch(&abi_fails, 1, __ATOMIC_RELAXED);
		abi_say("%s:%d: %s: %s: expected success, got %s (%d)\n", file, line, abi_current,
			call, abi_errname(err), err);
	}
	return ret;
}

/* Every CHECK yields whether it held. CHECK_OK yields the call's value. */
#define CHECK(cond)	    ({ (cond) ? 1 : (ABI_FAIL("%s: is false", #cond), 0); })
#define CHECK_EQ(got, want) abi_check_eq(__FILE__, __LINE__, #got, #want, (long)(got), (long)(want))
#define CHECK_STR(got, want)                                                                 \
	({                                                                                   \
		strcmp(got, want) == 0                                                       \
			? 1                                                                  \
			: (ABI_FAIL("%s: expected \"%s\", got \"%s\"", #got, want, got), 0); \
	})
#define CHECK_ERRNO(call, want)                                                \
	({                                                                     \
		errno = 0;                                                     \
		long ret_ = (long)(call);                                      \
		abi_check_errno(__FILE__, __LINE__, #call, ret_, errno, want); \
	})
#define CHECK_OK(call)                                                \
	({                                                            \
		errno = 0;                                            \
		long ret_ = (long)(call);                             \
		abi_check_ok(__FILE__, __LINE__, #call, ret_, errno); \
	})
/* The rest of the test makes no sense without it: leave the test function. */
#define REQUIRE(cond)                                                                \
	do {                                                                         \
		errno = 0;                                                           \
		if (!(cond)) {                                                       \
			int e_ = errno;                                              \
			ABI_FAIL("%s: is false (errno %s)", #cond, abi_errname(e_)); \
			return;                                                      \
		}                                                                    \
	} while (0)
#define SKIP(...)                                  \
	do {                                       \
		abi_say("SKIP %s: ", abi_current); \
		abi_say(__VA_ARGS__);              \
		abi_say("\n");                     \
		abi_skips = 1;                     \
		return;                            \
	} while (0)

ABI_UNUSED static int abi_status(void)
{
	return abi_fails ? 1 : abi_skips ? ABI_EXIT_SKIP : 0;
}

/* An unmapped, non-null user address that the compiler cannot see through. */
ABI_UNUSED static void *bad_ptr(void)
{
	static void *volatile p = (void *)0x40;
	return p;
}

ABI_UNUSED static int abi_sandboxed(void)
{
	const char *s = getenv("MOAT_SANDBOX");
	return s && *s && *s != '0';
}

/* Effective capability, by number; /proc is not needed. */
ABI_UNUSED static int abi_cap(int cap)
{
	struct {
		uint32_t version;
		int pid;
	} hdr = { 0x20080522, 0 };
	struct {
		uint32_t eff, perm, inh;
	} d[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (syscall(SYS_capget, &hdr, d))
		return 0;
	return d[cap / 32].eff >> (cap % 32) & 1;
}

#define NEED_ROOT()                         \
	do {                                \
		if (geteuid() != 0)         \
			SKIP("needs root"); \
	} while (0)
#define NEED_CAP(cap)                           \
	do {                                    \
		if (!abi_cap(cap))              \
			SKIP("needs %s", #cap); \
	} while (0)

/* fork; the child dies with its parent and starts with a clean count. */
ABI_UNUSED static pid_t abi_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		abi_fails = abi_skips = 0;
	} else if (pid < 0) {
		ABI_FAIL("fork: %s", abi_errname(errno));
	}
	return pid;
}

ABI_UNUSED static void abi_remove_tree(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;
	DIR *d;

	if (fd >= 0 && (d = fdopendir(fd))) {
		while ((e = readdir(d)))
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
				if (unlinkat(fd, e->d_name, 0))
					abi_remove_tree(fd, e->d_name);
		closedir(d);
	}
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* Whatever a test did to its ids, the process that runs the tests removes the directory. */
static void abi_cleanup(void)
{
	if (abi_tmp[0] && abi_pid == getpid()) {
		if (chdir("/"))
			abi_say("cannot leave %s\n", abi_tmp);
		abi_remove_tree(AT_FDCWD, abi_tmp);
		abi_tmp_made = 0;
	}
}

ABI_UNUSED static __attribute__((noreturn)) void abi_exit(void)
{
	_exit(abi_status());
}

/* Raw wait status of a child, -1 if it cannot be had. Retries on EINTR. */
ABI_UNUSED static int abi_wait(pid_t pid)
{
	int st = -1;
	pid_t r;

	do {
		r = waitpid(pid, &st, 0);
	} while (r < 0 && errno == EINTR);
	return r == pid ? st : -1;
}

/* The child must have ended through abi_exit(); its verdict becomes ours. */
ABI_UNUSED static void abi_reap_at(const char *file, int line, pid_t pid)
{
	int st;

	if (pid < 0)
		return;
	st = abi_wait(pid);
	if (st != -1 && WIFEXITED(st) && WEXITSTATUS(st) == ABI_EXIT_SKIP) {
		abi_skips = 1;
	} else if (st != 0) {
		__atomic_add_fetch(&abi_fails, 1, __ATOMIC_RELAXED);
		abi_say("%s:%d: %s: child %s %d\n", file, line, abi_current,
			st == -1	  ? "cannot be waited for"
			: WIFSIGNALED(st) ? "was killed by signal"
					  : "failed with status",
			st == -1	  ? errno
			: WIFSIGNALED(st) ? WTERMSIG(st)
					  : WEXITSTATUS(st));
	}
}
#define abi_reap(pid) abi_reap_at(__FILE__, __LINE__, pid)

ABI_UNUSED static int abi_child_begin(const char *file, int line, int uid)
{
	pid_t pid = abi_fork();

	if (pid) {
		abi_reap_at(file, line, pid);
		return 0;
	}
	if (uid >= 0 && geteuid() == 0) {
		gid_t none = uid;

		if (syscall(SYS_setgroups, 1, &none) || syscall(SYS_setresgid, uid, uid, uid) ||
		    syscall(SYS_setresuid, uid, uid, uid))
			ABI_FAIL("cannot become uid %d: %s", uid, abi_errname(errno));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	return 1;
}

/* IN_CHILD { ... } runs the block in a child; IN_CHILD_AS(uid) drops all privilege first. */
#define IN_CHILD	 IN_CHILD_AS(-1)
#define IN_CHILD_AS(uid) for (int c_ = abi_child_begin(__FILE__, __LINE__, uid); c_; abi_exit())

/* CHILD_DIES(sig) { ... }: the block, in a child, must end it with that signal. */
ABI_UNUSED static int abi_child_dies(const char *file, int line, int sig)
{
	pid_t pid = abi_fork();
	int st;

	if (pid == 0)
		return 1;
	st = pid < 0 ? -1 : abi_wait(pid);
	if (st == -1 || !WIFSIGNALED(st) || WTERMSIG(st) != sig) {
		__atomic_add_fetch(&abi_fails, 1, __ATOMIC_RELAXED);
		abi_say("%s:%d: %s: child should die of signal %d, wait status is %#x\n", file,
			line, abi_current, sig, st);
	}
	return 0;
}
#define CHILD_DIES(sig) for (int c_ = abi_child_dies(__FILE__, __LINE__, sig); c_; abi_exit())

/* A child that does nothing until it is killed. */
ABI_UNUSED static pid_t abi_sleeper(void)
{
	pid_t p = abi_fork();

	if (p == 0)
		for (;;)
			pause();
	return p;
}

ABI_UNUSED static void abi_sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

ABI_UNUSED static int64_t abi_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Waits up to ten seconds for a condition that another thread or process brings about. */
#define WAIT_UNTIL(cond)                                                 \
	({                                                               \
		int64_t end_ = abi_now_ns() + 10000000000LL;             \
		int ok_;                                                 \
		while (!(ok_ = !!(cond)) && abi_now_ns() < end_)         \
			abi_sleep_ms(1);                                 \
		ok_ ? 1 : (ABI_FAIL("waited in vain for %s", #cond), 0); \
	})

/* Does this thread, of ours or of a child, sleep in that system call? */
ABI_UNUSED static int abi_sleeps_in(pid_t tid, long nr)
{
	char path[40], line[200] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = 0;
	close(fd);
	return line[0] >= '0' && line[0] <= '9' && strtol(line, NULL, 10) == nr;
}

/* Makes the private directory (mode 0755) at first use, and it the working directory at each. */
ABI_UNUSED static void abi_tmpdir(void)
{
	if (!abi_tmp_made) {
		if (mkdir(abi_tmp, 0755) || chmod(abi_tmp, 0755)) {
			abi_say("cannot make %s: %s\n", abi_tmp, abi_errname(errno));
			_exit(1);
		}
		abi_tmp_made = 1;
	}
	if (chdir(abi_tmp)) {
		abi_say("cannot enter %s: %s\n", abi_tmp, abi_errname(errno));
		_exit(1);
	}
}

/* A fresh file with this content below the working directory. */
ABI_UNUSED static int abi_file(const char *name, const char *content, mode_t mode)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);
	size_t n = strlen(content);

	if (fd < 0 || write(fd, content, n) != (ssize_t)n || fchmod(fd, mode))
		ABI_FAIL("cannot make file %s: %s", name, abi_errname(errno));
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* The start of a file, or the name of the error; the text stays until the next call. */
ABI_UNUSED static char *abi_content(const char *path)
{
	static char b[64];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof(b) - 1);

	b[n > 0 ? n : 0] = 0;
	if (fd < 0)
		strcpy(b, abi_errname(errno));
	else
		close(fd);
	return b;
}

static void abi_on_alarm(int sig ABI_UNUSED)
{
	abi_say("%s: HUNG after %u s\n", abi_current, abi_timeout);
	if (abi_kid > 0) {
		kill(abi_kid, SIGKILL);
		return;
	}
	abi_cleanup();
	_exit(1);
}

/* Without signals or timers a hang is left to the runner: errors here are no test's business. */
static void abi_arm(unsigned int seconds)
{
	struct sigaction sa = { .sa_handler = abi_on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	alarm(seconds);
}

static void abi_run(const struct abi_test *t)
{
	abi_current = t->name;
	abi_fails = abi_skips = abi_kid = 0;
	abi_arm(abi_timeout);
	if (t->flags & ABI_FORK) {
		abi_kid = abi_fork();
		if (abi_kid == 0) {
			signal(SIGALRM, SIG_DFL);
			t->fn();
			abi_exit();
		}
		abi_reap(abi_kid);
		abi_kid = 0;
		if (!abi_tmp_made)
			abi_cleanup();
	} else {
		t->fn();
		if (getpid() != abi_pid) /* a child left its block by SKIP or REQUIRE */
			abi_exit();
	}
	alarm(0);
}

int main(int argc, char **argv)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t none;
	const char *base = getenv("TMPDIR");
	int passed = 0, failed = 0, skipped = 0;

	if (!argc || !argv[0][0])
		return 7; /* started without arguments: execve.c asks for it */
	if (argv[0][0] == '/' || !getcwd(abi_self, sizeof(abi_self)))
		abi_self[0] = 0;
	if (abi_self[0])
		strncat(abi_self, "/", sizeof(abi_self) - strlen(abi_self) - 1);
	strncat(abi_self, argv[0], sizeof(abi_self) - strlen(abi_self) - 1);
	if (argc > 1 && argv[1][0] == '@') {
		for (struct abi_helper *h = abi_helpers; h; h = h->next)
			if (!strcmp(h->name, argv[1] + 1))
				return h->fn(argc - 2, argv + 2);
		return 1;
	}
	abi_pid = getpid();
	/* whoever started us may ignore or block signals, as a shell does for its background jobs */
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(abi_tmp, sizeof(abi_tmp), "%s/abi-%d-%lx", base && *base ? base : "/tmp", abi_pid,
		 (unsigned long)__builtin_ia32_rdtsc());
	if (getenv("ABI_TIMEOUT"))
		abi_timeout = strtoul(getenv("ABI_TIMEOUT"), NULL, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	for (struct abi_test *t = abi_tests; t; t = t->next) {
		if (argc > 1 && strcmp(argv[1], t->name))
			continue;
		abi_run(t);
		if (abi_fails) {
			abi_say("FAIL %s\n", t->name);
			failed++;
		} else if (abi_skips) {
			skipped++;
		} else {
			passed++;
		}
	}
	if (abi_tmp_made)
		abi_cleanup();
	if (!passed && !failed && !skipped)
		abi_say("no test of that name\n");
	abi_say("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed || (!passed && !skipped) ? 1 : passed ? 0 : ABI_EXIT_SKIP;
}

#endif
