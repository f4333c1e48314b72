/* execve: arguments, environment, scripts, what is kept and what is reset, and its errors. */
#include "abi_fault.h"
#include <pthread.h>
#include <sys/auxv.h>

/* Exit status of path run with these arguments in a child; -errno if execve itself failed. */
static int run(const char *path, char *const argv[], char *const envp[])
{
	pid_t pid = abi_fork();
	int st;

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(100 + errno); /* no helper below exits with 100 or more */
	}
	st = abi_wait(pid);
	if (!WIFEXITED(st))
		return -1000 - WTERMSIG(st);
	return WEXITSTATUS(st) >= 100 ? -(WEXITSTATUS(st) - 100) : WEXITSTATUS(st);
}

static int run_helper(char *name, char *a, char *b)
{
	return run(abi_self, (char *[]){ abi_self, name, a, b, NULL }, environ);
}

HELPER(args)
{
	return argc == 3 && !strcmp(argv[0], "one") && !argv[1][0] && !strcmp(argv[2], "a b") &&
			       !argv[3] && getenv("K") && !strcmp(getenv("K"), "V=W") &&
			       !getenv("PATH")
		       ? 7
		       : 1;
}

TEST(arguments_and_environment)
{
	char *argv[] = { "anything", "@args", "one", "", "a b", NULL };
	char *envp[] = { "K=V=W", "EMPTY=", NULL };

	CHECK_EQ(run(abi_self, argv, envp), 7);
}

HELPER(count)
{
	size_t n = 0;

	for (int i = 0; i < argc; i++)
		n += strlen(argv[i]);
	return argc == 5000 && n == 5000 * 20 ? 7 : 1;
}

TEST(many_arguments)
{
	static char *argv[5003], big[128 * 1024 + 1];
	char *envp[] = { NULL };

	argv[0] = "x";
	argv[1] = "@count";
	for (int i = 2; i < 5002; i++)
		argv[i] = "twenty characters...";
	CHECK_EQ(run(abi_self, argv, envp), 7);
	memset(big, 'a', sizeof(big) - 1); /* one string: at most 128 KiB with its NUL */
	argv[2] = big;
	argv[3] = NULL;
	CHECK_EQ(run(abi_self, argv, envp), -E2BIG);
	big[128 * 1024 - 1] = 0;
	CHECK_EQ(run(abi_self, argv, envp), 1);
	for (int i = 2; i < 102; i++)
		argv[i] = big; /* 12 MiB: more than a quarter of the stack limit */
	argv[102] = NULL;
	CHECK_EQ(run(abi_self, argv, envp), -E2BIG);
}

TEST(errors)
{
	char *argv[] = { "x", NULL }, *envp[] = { NULL };
	char name[300];

	abi_tmpdir();
	memset(name, 'n', sizeof(name));
	name[256] = 0;
	close(abi_file("noexec", "\177ELF", 0644));
	close(abi_file("empty", "", 0755));
	close(abi_file("text", "echo hi\n", 0755));
	CHECK_ERRNO(execve("missing", argv, envp), ENOENT);
	CHECK_ERRNO(execve("", argv, envp), ENOENT);
	CHECK_ERRNO(execve("noexec/x", argv, envp), ENOTDIR);
	CHECK_ERRNO(execve(name, argv, envp), ENAMETOOLONG);
	CHECK_ERRNO(execve("noexec", argv, envp), EACCES);
	CHECK_ERRNO(execve(".", argv, envp), EACCES);
	CHECK_ERRNO(execve("/dev/null", argv, envp), EACCES);
	CHECK_ERRNO(execve("empty", argv, envp), ENOEXEC);
	CHECK_ERRNO(execve("text", argv, envp), ENOEXEC);
	CHECK_ERRNO(syscall(SYS_execve, bad_ptr(), argv, envp), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, abi_self, bad_ptr(), envp), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, abi_self, argv, bad_ptr()), EFAULT);
	argv[0] = bad_ptr();
	CHECK_ERRNO(syscall(SYS_execve, abi_self, argv, envp), EFAULT);
	CHECK_OK(symlink("loop", "loop"));
	argv[0] = "x";
	CHECK_ERRNO(execve("loop", argv, envp), ELOOP);
}

static void copy_self(const char *to, mode_t mode)
{
	char b[65536];
	int in = open(abi_self, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, b, sizeof(b))) > 0)
		if (write(out, b, n) != n)
			ABI_FAIL("cannot copy: %s", abi_errname(errno));
	if (fchmod(out, mode))
		ABI_FAIL("chmod: %s", abi_errname(errno));
	close(in), close(out);
}

HELPER(seven)
{
	return 7;
}

TEST(null_argv)
{
	/* since Linux 5.18 no argv at all becomes { "", NULL }, to which the harness answers 7 */
	pid_t pid = abi_fork();

	if (pid == 0) {
		syscall(SYS_execve, abi_self, NULL, NULL);
		_exit(9);
	}
	CHECK_EQ(WEXITSTATUS(abi_wait(pid)), 7);
}

TEST(permissions)
{
	abi_tmpdir();
	copy_self("x", 0711);
	CHECK_EQ(run("./x", (char *[]){ "x", "@seven", NULL }, environ), 7);
	IN_CHILD_AS(NOBODY) /* execute permission is enough */
	{
		CHECK_EQ(run("./x", (char *[]){ "x", "@seven", NULL }, environ), 7);
	}
	CHECK_OK(chmod("x", 0600));
	CHECK_EQ(run("./x", (char *[]){ "x", "@seven", NULL }, environ), -EACCES);
	CHECK_OK(unlink("x"));
}

HELPER(wait)
{
	return pause(); /* until it is killed */
}

/* What runs can be read, renamed and removed, and not changed by any way. */
TEST(running_text)
{
	char exe[64], link[256] = "";
	struct stat st;
	pid_t pid;

	abi_tmpdir();
	copy_self("running", 0755);
	pid = abi_fork();
	if (!pid) {
		execve("./running", (char *[]){ "x", "@wait", NULL }, environ);
		_exit(1);
	}
	snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
	WAIT_UNTIL(readlink(exe, link, sizeof(link) - 1) > 0 && strstr(link, "running"));
	CHECK_ERRNO(open("running", O_WRONLY | O_CLOEXEC), ETXTBSY);
	CHECK_ERRNO(open("running", O_RDWR | O_TRUNC | O_CLOEXEC), ETXTBSY);
	CHECK_ERRNO(open("running", O_RDONLY | O_TRUNC | O_CLOEXEC), ETXTBSY);
	CHECK_ERRNO(open(exe, O_RDONLY | O_TRUNC | O_CLOEXEC), ETXTBSY);
	CHECK_ERRNO(truncate("running", 0), ETXTBSY);
	CHECK_OK(stat("running", &st));
	CHECK(st.st_size > 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	WAIT_UNTIL(truncate("running", 0) == 0);
	CHECK_OK(unlink("running"));
}

TEST(text_busy)
{
	int fd;

	abi_tmpdir();
	copy_self("busy", 0755);
	fd = open("busy", O_WRONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	CHECK_EQ(run("./busy", (char *[]){ "x", "@seven", NULL }, environ), -ETXTBSY);
	CHECK_OK(close(fd));
	CHECK_EQ(run("./busy", (char *[]){ "x", "@seven", NULL }, environ), 7);
	CHECK_OK(unlink("busy"));
}

/* Calls as libc makes them, often enough for a sandbox that rewrites such sites. */
HELPER(many_calls)
{
	for (int i = 0; i < 3000; i++) {
		long r;

		asm volatile("mov %1, %%eax; syscall"
			     : "=a"(r)
			     : "i"(SYS_getppid)
			     : "rcx", "r11", "memory");
		if (r < 0)
			return 1;
	}
	return 7;
}

/* Who maps a program to translate its text instead of running it (valgrind) has to find there what the file has. */
TEST(text_of_others_is_the_files)
{
	char *argv[] = { "x", "@many_calls", NULL }, *text, *map;
	struct stat st;
	int fd;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(run(abi_self, argv, environ), 7);
	fd = open(abi_self, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && fstat(fd, &st) == 0);
	text = malloc(st.st_size);
	REQUIRE(text && pread(fd, text, st.st_size, 0) == st.st_size);
	map = mmap(NULL, st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	REQUIRE(map != MAP_FAILED);
	CHECK_EQ(memcmp(map, text, st.st_size), 0);
	munmap(map, st.st_size);
	free(text);
	close(fd);
}

HELPER(wait_for_stdin)
{
	char c;

	return read(0, &c, 1) == 0 ? 7 : 1;
}

TEST(running_text_is_busy)
{
	int fds[2];
	pid_t pid;

	abi_tmpdir();
	copy_self("running", 0755);
	REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
	pid = abi_fork();
	if (pid == 0) {
		dup2(fds[0], 0);
		execve("./running", (char *[]){ "x", "@wait_for_stdin", NULL }, environ);
		_exit(1);
	}
	close(fds[0]);
	WAIT_UNTIL(({
		int fd = open("running", O_WRONLY);
		int e = errno;
		if (fd >= 0)
			close(fd);
		fd < 0 && e == ETXTBSY;
	}));
	CHECK_ERRNO(truncate("running", 0), ETXTBSY);
	CHECK_OK(unlink("running")); /* but it can be unlinked */
	close(fds[1]);
	CHECK_EQ(WEXITSTATUS(abi_wait(pid)), 7);
}

static void script(const char *name, const char *text)
{
	close(abi_file(name, text, 0755));
}

HELPER(script_args)
{
	/* interpreter optional-argument script-path original-arguments */
	return argc == 3 && !strcmp(argv[0], "./s1") && !strcmp(argv[1], "p") &&
			       !strcmp(argv[2], "q")
		       ? 7
		       : 1;
}

TEST(scripts)
{
	char text[PATH_MAX + 64];

	abi_tmpdir();
	snprintf(text, sizeof(text), "#!%s @script_args\nignored\n", abi_self);
	if (strlen(text) > 250)
		SKIP("path of the build folder is too long for a #! line");
	script("s1", text);
	CHECK_EQ(run("./s1", (char *[]){ "whatever", "p", "q", NULL }, environ), 7);
	snprintf(text, sizeof(text), "#! \t %s   @script_args  \t \nx\n", abi_self);
	script("s1", text);
	CHECK_EQ(run("./s1", (char *[]){ "whatever", "p", "q", NULL }, environ), 7);
	snprintf(text, sizeof(text), "#!%s @seven", abi_self); /* no newline */
	script("s1", text);
	CHECK_EQ(run("./s1", (char *[]){ "x", NULL }, environ), 7);
	script("s2", "#!/nonexistent/interpreter\n");
	CHECK_EQ(run("./s2", (char *[]){ "x", NULL }, environ), -ENOENT);
	script("s2", "#!\n");
	CHECK_EQ(run("./s2", (char *[]){ "x", NULL }, environ), -ENOEXEC);
	script("s2", "#!   \n");
	CHECK_EQ(run("./s2", (char *[]){ "x", NULL }, environ), -ENOEXEC);
	script("s2", "#!.\n");
	CHECK_EQ(run("./s2", (char *[]){ "x", NULL }, environ), -EACCES);
}

TEST(nested_scripts)
{
	char text[PATH_MAX + 64], name[8];

	abi_tmpdir();
	snprintf(text, sizeof(text), "#!%s @seven\n", abi_self);
	if (strlen(text) > 250)
		SKIP("path of the build folder is too long for a #! line");
	script("n0", text);
	for (int i = 1; i <= 6; i++) {
		snprintf(text, sizeof(text), "#!./n%d\n", i - 1);
		snprintf(name, sizeof(name), "n%d", i);
		script(name, text);
	}
	CHECK_EQ(run("./n0", (char *[]){ "x", NULL }, environ), 7);
	CHECK_EQ(run("./n4", (char *[]){ "x", NULL }, environ), 7);
	CHECK_EQ(run("./n5", (char *[]){ "x", NULL }, environ), -ELOOP);
	CHECK_EQ(run("./n6", (char *[]){ "x", NULL }, environ), -ELOOP);
}

HELPER(state)
{
	struct sigaction sa;
	sigset_t set;
	stack_t ss;
	int ok = 1;

	ok &= fcntl(atoi(argv[0]), F_GETFD) == 0;
	ok &= fcntl(atoi(argv[1]), F_GETFD) == -1;
	ok &= sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL && !sa.sa_flags;
	ok &= sigaction(SIGUSR2, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
	ok &= sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, SIGTERM) == 1;
	ok &= sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 1;
	ok &= sigaltstack(NULL, &ss) == 0 && ss.ss_flags == SS_DISABLE;
	ok &= umask(0) == 027;
	ok &= getpid() == atoi(argv[2]);
	return ok ? 7 : 1;
}

TEST_FORK(state_across_exec)
{
	int keep = open("/dev/null", O_RDONLY), drop = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char a[16], b[16], c[16];
	pid_t pid = abi_fork();

	if (pid == 0) {
		stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };
		struct sigaction sa = { .sa_handler = abi_on_alarm, .sa_flags = SA_RESTART };
		sigset_t set;

		snprintf(a, sizeof(a), "%d", keep);
		snprintf(b, sizeof(b), "%d", drop);
		snprintf(c, sizeof(c), "%d", getpid());
		sigaction(SIGUSR1, &sa, NULL);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTERM);
		sigaltstack(&ss, NULL);
		umask(027);
		execve(abi_self, (char *[]){ abi_self, "@state", a, b, c, NULL }, environ);
		_exit(1);
	}
	CHECK_EQ(WEXITSTATUS(abi_wait(pid)), 7);
}

static void *exec_from_thread(void *arg)
{
	execve(abi_self, (char *[]){ abi_self, "@single", arg, NULL }, environ);
	_exit(1);
}

static void *sleep_thread(void *arg)
{
	pause();
	return arg;
}

HELPER(single)
{
	/* the other threads are gone and we bear the leader's id */
	return getpid() == atoi(argv[0]) && syscall(SYS_gettid) == getpid() &&
			       syscall(SYS_tgkill, getpid(), atoi(argv[0]) + 1, 0) == -1
		       ? 7
		       : 1;
}

TEST_FORK(exec_from_second_thread)
{
	pid_t pid = abi_fork();
	int st;

	if (pid == 0) {
		char me[16];
		pthread_t t;

		snprintf(me, sizeof(me), "%d", getpid());
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, sleep_thread, NULL);
		pthread_create(&t, NULL, exec_from_thread, me);
		pause();
		_exit(2);
	}
	st = abi_wait(pid);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 7);
}

HELPER(auxv)
{
	return getauxval(AT_PAGESZ) == PAGE && getauxval(AT_CLKTCK) == 100 &&
			       getauxval(AT_PHENT) == 56 && getauxval(AT_UID) == getuid() &&
			       getauxval(AT_EUID) == geteuid() && !getauxval(AT_SECURE) &&
			       getauxval(AT_HWCAP) && getauxval(AT_RANDOM) &&
			       !strcmp((char *)getauxval(AT_EXECFN), abi_self) &&
			       !strcmp((char *)getauxval(AT_PLATFORM), "x86_64") &&
			       getauxval(AT_SYSINFO_EHDR)
		       ? 7
		       : 1;
}

TEST(auxiliary_vector)
{
	CHECK_EQ(run_helper("@auxv", NULL, NULL), 7);
}

TEST(failed_exec_leaves_all_as_it_was)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	p[0] = 9;
	CHECK_ERRNO(syscall(SYS_execve, "/nonexistent", NULL, environ), ENOENT);
	CHECK_EQ(p[0], 9);
	CHECK_OK(fcntl(fd, F_GETFD));
	close(fd);
	CHECK_OK(munmap(p, PAGE));
}

TEST(exec_in_a_loop)
{
	for (int i = 0; i < 50; i++)
		if (!CHECK_EQ(run_helper("@seven", NULL, NULL), 7))
			break;
}
