/* /proc/PID: status, stat, maps, fd, cmdline, exe, environ, comm, cwd, root, limits, mounts, task. */
#include "slurp.h"
#include <pthread.h>
#include <sys/sysmacros.h>

static char *proc(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", file);
	return slurp(path);
}

/* Value of a "Key:<tab>value" line, "" if there is none. */
static const char *field(char *all, const char *key)
{
	static char v[256];
	char *p = all;
	size_t n = strlen(key);

	v[0] = 0;
	while (p && strncmp(p, key, n))
		if ((p = strchr(p, '\n')))
			p++;
	if (p)
		snprintf(v, sizeof(v), "%.*s", (int)strcspn(p + n, "\n"), p + n);
	return v;
}

static long number(char *all, const char *key)
{
	return strtol(field(all, key), NULL, 0);
}

TEST(self_link)
{
	char b[32] = "", want[32];

	CHECK(readlink("/proc/self", b, 31) > 0);
	CHECK_EQ(atoi(b), getpid());
	IN_CHILD
	{
		CHECK(readlink("/proc/self", b, 31) > 0);
		CHECK_EQ(atoi(b), getpid());
	}
	memset(b, 0, sizeof(b));
	CHECK(readlink("/proc/thread-self", b, 31) > 0);
	snprintf(want, sizeof(want), "%d/task/%d", getpid(), getpid());
	CHECK_STR(b, want);
}

TEST(status)
{
	char *s = proc("status");

	CHECK_EQ(number(s, "Pid:"), getpid());
	CHECK_EQ(number(s, "Tgid:"), getpid());
	CHECK_EQ(number(s, "PPid:"), getppid());
	CHECK_EQ(number(s, "Uid:"), getuid());
	CHECK_EQ(number(s, "Gid:"), getgid());
	CHECK_EQ(number(s, "Threads:"), 1);
	CHECK_EQ(field(s, "State:")[1], 'R');
	CHECK_EQ(number(s, "TracerPid:"), 0);
	CHECK(number(s, "VmSize:") > 0);
	CHECK(number(s, "VmRSS:") > 0);
	CHECK(number(s, "FDSize:") >= 3);
	CHECK(!strcmp(field(s, "Name:") + 1, "proc_self"));
	CHECK(strlen(field(s, "SigBlk:")) == 17);
	CHECK(strlen(field(s, "CapEff:")) == 17);
	CHECK(strlen(field(s, "NoNewPrivs:")) > 0);
	CHECK(strlen(field(s, "Umask:")) == 5);
}

TEST_FORK(status_of_signals)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	signal(SIGUSR2, SIG_IGN);
	char *s = proc("status");
	CHECK_EQ(strtoul(field(s, "SigBlk:"), NULL, 16), 1UL << (SIGUSR1 - 1));
	CHECK_EQ(strtoul(field(s, "SigIgn:"), NULL, 16) >> (SIGUSR2 - 1) & 1, 1);
	CHECK_EQ(strtoul(field(s, "SigPnd:"), NULL, 16), 1UL << (SIGUSR1 - 1));
	CHECK_EQ(strtoul(field(s, "ShdPnd:"), NULL, 16), 1UL << (SIGUSR1 - 1));
	signal(SIGTERM, abi_on_alarm);
	CHECK_EQ(strtoul(field(proc("status"), "SigCgt:"), NULL, 16) >> (SIGTERM - 1) & 1, 1);
}

TEST(stat)
{
	int pid, ppid, pgrp, sid;
	char comm[32], state;

	CHECK_EQ(sscanf(proc("stat"), "%d (%31[^)]) %c %d %d %d", &pid, comm, &state, &ppid, &pgrp,
			&sid),
		 6);
	CHECK_EQ(pid, getpid());
	CHECK_STR(comm, "proc_self");
	CHECK_EQ(state, 'R');
	CHECK_EQ(ppid, getppid());
	CHECK_EQ(pgrp, getpgrp());
	CHECK_EQ(sid, getsid(0));
	int fields = 1;
	for (char *p = strrchr(text, ')'); *p; p++)
		fields += *p == ' ';
	CHECK_EQ(fields, 51); /* 52 with the name's */
	long size, resident;
	CHECK_EQ(sscanf(proc("statm"), "%ld %ld", &size, &resident), 2);
	CHECK(size > 0 && resident > 0 && resident <= size);
}

TEST(state_letters)
{
	char path[64], c = 0;
	pid_t p = abi_fork();

	if (p == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/stat", p);
#define STATE() (sscanf(slurp(path), "%*d (%*[^)]) %c", &c), c)
	WAIT_UNTIL(STATE() == 'S');
	kill(p, SIGSTOP);
	WAIT_UNTIL(STATE() == 'T');
	kill(p, SIGKILL);
	WAIT_UNTIL(STATE() == 'Z');
	abi_wait(p);
	CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
}

TEST(command_line_and_environment)
{
	char *s = proc("cmdline");

	CHECK(strstr(s, "proc_self") != NULL);
	setenv("UNSEEN", "x", 1); /* environ shows what execve passed */
	s = slurp("/proc/self/environ");
	CHECK(memmem(s, sizeof(text), "PATH=", 5) != NULL || getenv("PATH") == NULL);
	CHECK(memmem(s, sizeof(text), "UNSEEN=", 7) == NULL);
}

HELPER(show_cmdline)
{
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text));

	return n > 0 && write(1, text, n) == n ? 0 : 1;
}

TEST(command_line_of_arguments)
{
	int fds[2];
	char b[128] = "";
	ssize_t n, total = 0;
	pid_t p;

	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		dup2(fds[1], 1);
		execve(abi_self, (char *[]){ "zero", "@show_cmdline", "a b", "", "c", NULL },
		       environ);
		_exit(1);
	}
	close(fds[1]);
	while ((n = read(fds[0], b + total, sizeof(b) - total)) > 0)
		total += n;
	CHECK_EQ(total, 26);
	CHECK(!memcmp(b, "zero\0@show_cmdline\0a b\0\0c\0", 26));
	CHECK_EQ(abi_wait(p), 0);
	close(fds[0]);
}

TEST(links)
{
	char b[PATH_MAX] = "", cwd[PATH_MAX];
	struct stat a, c;

	CHECK(readlink("/proc/self/exe", b, sizeof(b) - 1) > 0);
	CHECK_STR(strrchr(b, '/'), "/proc_self");
	CHECK_OK(stat("/proc/self/exe", &a));
	CHECK_OK(stat(abi_self, &c));
	CHECK_EQ(a.st_ino, c.st_ino);
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	memset(b, 0, sizeof(b));
	CHECK(readlink("/proc/self/cwd", b, sizeof(b) - 1) > 0);
	CHECK_STR(b, cwd);
	memset(b, 0, sizeof(b));
	CHECK_EQ(readlink("/proc/self/root", b, sizeof(b) - 1), 1);
	CHECK_STR(b, "/");
	CHECK_OK(stat("/proc/self/root/proc/self/status", &a)); /* they can be walked */
}

TEST(descriptors)
{
	char path[64], b[PATH_MAX] = "", want[PATH_MAX + 16];
	struct dirent *e;
	int fd, fds[2], seen = 0;
	DIR *d;

	abi_tmpdir();
	fd = abi_file("file", "text", 0644);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, b, sizeof(b) - 1) > 0);
	snprintf(want, sizeof(want), "%s/file", abi_tmp);
	CHECK_STR(b, want);
	CHECK_OK(unlink("file"));
	memset(b, 0, sizeof(b));
	CHECK(readlink(path, b, sizeof(b) - 1) > 0);
	strcat(want, " (deleted)");
	CHECK_STR(b, want);
	int again = CHECK_OK(open(path, O_RDONLY)); /* even so it opens anew */
	CHECK_EQ(read(again, b, 4), 4);
	close(again);
	REQUIRE(pipe(fds) == 0);
	d = opendir("/proc/self/fd");
	REQUIRE(d);
	while ((e = readdir(d)))
		seen += atoi(e->d_name) == fd || atoi(e->d_name) == fds[0] ||
			atoi(e->d_name) == fds[1];
	closedir(d);
	CHECK_EQ(seen, 3);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	char *s = slurp(path);
	CHECK_EQ(number(s, "pos:"), 0);
	CHECK_EQ(strtol(field(s, "flags:"), NULL, 8) & O_ACCMODE, O_RDWR);
	close(fd), close(fds[0]), close(fds[1]);
	CHECK_ERRNO(readlink(path, b, 10), ENOENT);
}

TEST(maps)
{
	char want[64], *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *s;
	int fd;

	REQUIRE(p != MAP_FAILED);
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC));
	s = proc("maps");
	snprintf(want, sizeof(want), "%lx-%lx r-xp 00000000 00:00 0", (long)p + PAGE,
		 (long)p + 2 * PAGE);
	CHECK(strstr(s, want) != NULL);
	CHECK(strstr(s, "[stack]") != NULL);
	CHECK(strstr(s, "[vdso]") != NULL);
	CHECK(strstr(s, "/proc_self") != NULL);
	unsigned long last = 0, from, to;
	for (char *l = s; *l; l = strchr(l, '\n') + 1) {
		char perms[8];

		if (sscanf(l, "%lx-%lx %7s", &from, &to, perms) != 3 || from >= to || from < last ||
		    strlen(perms) != 4) {
			ABI_FAIL("line \"%.60s\"", l);
			break;
		}
		last = to;
		if (!strchr(l, '\n'))
			break;
	}
	CHECK_OK(munmap(p, 3 * PAGE));
	CHECK(strstr(proc("maps"), want) == NULL);
	abi_tmpdir();
	fd = abi_file("mapped", "x", 0644);
	CHECK_OK(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	snprintf(want, sizeof(want), "%lx-%lx r--s 00001000", (long)p, (long)p + PAGE);
	s = strstr(proc("maps"), want);
	CHECK(s && strstr(s, "/mapped\n"));
	CHECK_OK(munmap(p, PAGE));
	close(fd);
}

TEST_FORK(comm)
{
	int fd;

	CHECK_STR(proc("comm"), "proc_self\n");
	CHECK_OK(prctl(PR_SET_NAME, "other"));
	CHECK_STR(proc("comm"), "other\n");
	fd = open("/proc/self/comm", O_WRONLY);
	CHECK_EQ(write(fd, "third", 5), 5);
	close(fd);
	CHECK_STR(proc("comm"), "third\n");
}

TEST(limits)
{
	struct rlimit r;
	char *s = proc("limits"), want[32];

	CHECK_OK(getrlimit(RLIMIT_NOFILE, &r));
	s = strstr(s, "Max open files");
	REQUIRE(s);
	snprintf(want, sizeof(want), "%lu", r.rlim_cur);
	CHECK(strstr(s, want) != NULL);
	CHECK(strstr(proc("limits"), "Max address space") != NULL);
}

static void *sleeps(void *arg)
{
	CHECK_OK(prctl(PR_SET_NAME, "worker"));
	*(volatile int *)arg = syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

TEST_FORK(threads)
{
	volatile int tid = 0;
	char path[64];
	pthread_t t;
	struct dirent *e;
	int n = 0;

	REQUIRE(pthread_create(&t, NULL, sleeps, (void *)&tid) == 0);
	WAIT_UNTIL(tid);
	DIR *d = opendir("/proc/self/task");
	REQUIRE(d);
	while ((e = readdir(d)))
		n += atoi(e->d_name) > 0;
	closedir(d);
	CHECK_EQ(n, 2);
	CHECK_EQ(number(proc("status"), "Threads:"), 2);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	CHECK_STR(slurp(path), "worker\n");
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	char *s = slurp(path);
	CHECK_EQ(number(s, "Pid:"), tid);
	CHECK_EQ(number(s, "Tgid:"), getpid());
	snprintf(path, sizeof(path), "/proc/%d/status", tid); /* hidden but there */
	CHECK_EQ(number(slurp(path), "Pid:"), tid);
}

TEST(of_others)
{
	char path[64], b[64];
	pid_t p = abi_fork();

	if (p == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/status", p);
	CHECK_EQ(number(slurp(path), "PPid:"), getpid());
	snprintf(path, sizeof(path), "/proc/%d/exe", p);
	CHECK(readlink(path, b, sizeof(b)) > 0);
	if (geteuid() == 0)
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(readlink(path, b, sizeof(b)), EACCES);
			snprintf(path, sizeof(path), "/proc/%d/environ", p);
			CHECK_ERRNO(open(path, O_RDONLY), EACCES);
			snprintf(path, sizeof(path), "/proc/%d/stat", p);
			CHECK_OK(close(CHECK_OK(open(path, O_RDONLY))));
		}
	kill(p, SIGKILL);
	abi_wait(p);
	snprintf(path, sizeof(path), "/proc/%d", p);
	CHECK_ERRNO(access(path, F_OK), ENOENT);
	CHECK_ERRNO(access("/proc/999999999", F_OK), ENOENT);
	CHECK_ERRNO(access("/proc/01", F_OK), ENOENT);
}

TEST(memory_file)
{
	static volatile int word = 0x1234;
	int v = 0, fd = open("/proc/self/mem", O_RDWR);

	if (fd < 0)
		SKIP("no /proc/self/mem: %s", abi_errname(errno));
	CHECK_EQ(pread(fd, &v, 4, (off_t)(uintptr_t)&word), 4);
	CHECK_EQ(v, 0x1234);
	v = 0x4321;
	CHECK_EQ(pwrite(fd, &v, 4, (off_t)(uintptr_t)&word), 4);
	CHECK_EQ(word, 0x4321);
	CHECK_ERRNO(pread(fd, &v, 4, 0x40), EIO);
	close(fd);
}
