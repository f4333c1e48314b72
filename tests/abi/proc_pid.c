/* /proc/PID while tasks come and go: order of the listing, zombies, files that outlive their task, reopening, OOM values. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

static char text[1 << 14];

/* Bytes of the file, or -errno of open or read. */
static ssize_t get(const char *path)
{
	int fd = open(path, O_RDONLY), err;
	ssize_t n, total = 0;

	text[0] = 0;
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + total, sizeof(text) - 1 - total)) > 0)
		total += n;
	err = errno;
	text[total] = 0;
	close(fd);
	return n < 0 ? -err : total;
}

static int put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		err = -errno;
	close(fd);
	return err;
}

static const char *of(pid_t p, const char *file)
{
	static char path[8][96];
	static int k;

	k = (k + 1) % 8;
	snprintf(path[k], sizeof(path[k]), "/proc/%d/%s", p, file);
	return path[k];
}

static char state_of(pid_t p)
{
	char c = '?';

	get(of(p, "stat"));
	sscanf(text, "%*d (%*[^)]) %c", &c);
	return c;
}

static void end(pid_t p)
{
	kill(p, SIGKILL);
	abi_wait(p);
}

TEST(listing_is_ordered)
{
	pid_t kid[20];
	struct dirent *e;
	int last = 0, seen = 0;
	DIR *d;

	for (int i = 0; i < 20; i++)
		kid[i] = abi_sleeper();
	d = opendir("/proc");
	REQUIRE(d);
	while ((e = readdir(d))) {
		int pid = atoi(e->d_name);

		if (pid <= 0)
			continue;
		CHECK(pid > last);
		CHECK_EQ(e->d_type, DT_DIR);
		last = pid;
		for (int i = 0; i < 20; i++)
			seen += kid[i] == pid;
	}
	closedir(d);
	CHECK_EQ(seen, 20);
	for (int i = 0; i < 20; i++)
		end(kid[i]);
}

TEST(a_zombie)
{
	char b[64];
	pid_t p = abi_sleeper();
	struct stat st;

	kill(p, SIGKILL);
	WAIT_UNTIL(state_of(p) == 'Z');
	CHECK_EQ(get(of(p, "cmdline")), 0);
	CHECK_EQ(get(of(p, "maps")), 0);
	CHECK(get(of(p, "status")) > 0);
	CHECK(strstr(text, "State:\tZ (zombie)\n") != NULL);
	CHECK(strstr(text, "VmSize:") == NULL);
	CHECK(strstr(text, "Threads:\t1\n") != NULL);
	CHECK_EQ(get(of(p, "statm")), 14);
	CHECK_STR(text, "0 0 0 0 0 0 0\n");
	CHECK_ERRNO(readlink(of(p, "exe"), b, sizeof(b)), ENOENT);
	CHECK_ERRNO(readlink(of(p, "cwd"), b, sizeof(b)), ENOENT);
	CHECK_ERRNO(readlink(of(p, "fd/0"), b, sizeof(b)), geteuid() ? EACCES : ENOENT);
	CHECK_OK(stat(of(p, ""), &st));
	CHECK_EQ(st.st_uid, geteuid());
	abi_wait(p);
	CHECK_ERRNO(stat(of(p, ""), &st), ENOENT);
}

TEST(files_outlive_their_task)
{
	pid_t p = abi_sleeper();
	int dir = CHECK_OK(open(of(p, ""), O_RDONLY | O_DIRECTORY));
	int status = CHECK_OK(open(of(p, "status"), O_RDONLY));
	int stat_fd = CHECK_OK(open(of(p, "stat"), O_RDONLY));
	struct stat st;
	char b[64];

	CHECK_EQ(read(stat_fd, b, 1), 1);
	end(p);
	CHECK_ERRNO(read(status, b, sizeof(b)), ESRCH);
	CHECK_ERRNO(pread(stat_fd, b, sizeof(b), 0), ESRCH);
	CHECK_ERRNO(openat(dir, "status", O_RDONLY), ESRCH);
	CHECK_OK(fstat(status, &st));
	CHECK_EQ(put(of(p, "comm"), "x"), -ENOENT);
	close(dir), close(status), close(stat_fd);
}

TEST(reopening_a_pipe)
{
	char path[64], b[8] = "", name[64] = "", want[64];
	struct stat a, c;
	int fds[2], w, r;

	REQUIRE(pipe(fds) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	CHECK_OK(stat(path, &a));
	CHECK_OK(fstat(fds[0], &c));
	CHECK(S_ISFIFO(a.st_mode));
	CHECK_EQ(a.st_ino, c.st_ino);
	snprintf(want, sizeof(want), "pipe:[%lu]", (long)c.st_ino);
	CHECK(readlink(path, name, sizeof(name) - 1) > 0);
	CHECK_STR(name, want);
	w = CHECK_OK(open(path, O_WRONLY)); /* the other end, through the reader's name */
	CHECK_EQ(write(w, "text", 4), 4);
	CHECK_EQ(read(fds[0], b, sizeof(b)), 4);
	CHECK_STR(b, "text");
	memset(name, 0, sizeof(name));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w);
	CHECK(readlink(path, name, sizeof(name) - 1) > 0);
	CHECK_STR(name, want);
	close(w), close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	r = CHECK_OK(open(path, O_RDONLY)); /* no writer is left, and it does not wait for one */
	CHECK_EQ(read(r, b, sizeof(b)), 0);
	close(r), close(fds[0]);
}

TEST(objects_without_a_path)
{
	int fd = eventfd(0, 0);
	char path[64], name[64] = "";
	struct stat st;

	REQUIRE(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, name, sizeof(name) - 1) > 0);
	CHECK_STR(name, "anon_inode:[eventfd]");
	CHECK_OK(stat(path, &st));
	CHECK_ERRNO(open(path, O_RDONLY), geteuid() ? EACCES : ENXIO);
	CHECK_OK(lstat(path, &st));
	CHECK_EQ(st.st_mode, S_IFLNK | 0700);
	close(fd);
	CHECK_ERRNO(lstat(path, &st), ENOENT);
}

TEST(namespaces)
{
	static const char *const kinds[] = { "mnt", "net", "pid", "user", "uts", "ipc", "cgroup" };
	char path[64], name[64], want[64];
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		memset(name, 0, sizeof(name));
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		CHECK(readlink(path, name, sizeof(name) - 1) > 0);
		CHECK_OK(stat(path, &st));
		snprintf(want, sizeof(want), "%s:[%lu]", kinds[i], (long)st.st_ino);
		CHECK_STR(name, want);
		CHECK_OK(close(CHECK_OK(open(path, O_RDONLY))));
	}
}

TEST_FORK(oom_values)
{
	CHECK_EQ(put("/proc/self/oom_score_adj", "500\n"), 0);
	CHECK(get("/proc/self/oom_score_adj") > 0);
	CHECK_STR(text, "500\n");
	CHECK_EQ(put("/proc/self/oom_score_adj", "1001"), -EINVAL);
	CHECK_EQ(put("/proc/self/oom_score_adj", "x"), -EINVAL);
	CHECK(get("/proc/self/oom_score") > 0);
	CHECK(atoi(text) >= 900);
	CHECK_EQ(put("/proc/self/oom_score_adj", "1000"), 0);
	CHECK(get("/proc/self/oom_adj") > 0);
	CHECK_STR(text, "15\n");
	CHECK_EQ(put("/proc/self/stat", "x"), geteuid() ? -EACCES : -EINVAL);
}

TEST_FORK(comm_of_others)
{
	pid_t p = abi_sleeper();

	CHECK_EQ(put(of(p, "comm"), "name"), -EINVAL);
	CHECK_EQ(put("/proc/self/comm", "longer than fifteen"), 0);
	CHECK(get("/proc/self/comm") > 0);
	CHECK_STR(text, "longer than fif\n");
	end(p);
}

TEST(io_counts)
{
	unsigned long before = 0, after = 0;
	char b[100];
	int fd = CHECK_OK(open("/dev/zero", O_RDONLY));

	if (get("/proc/self/io") < 0)
		SKIP("no /proc/PID/io: %s", abi_errname(errno));
	CHECK_EQ(sscanf(text, "rchar: %lu", &before), 1);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(read(fd, b, sizeof(b)), 100);
	get("/proc/self/io");
	CHECK_EQ(sscanf(text, "rchar: %lu", &after), 1);
	CHECK(after - before >= 1000);
	close(fd);
}

TEST(children)
{
	pid_t p = abi_sleeper();
	char path[64], want[32];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	if (get(path) < 0)
		SKIP("no children file");
	snprintf(want, sizeof(want), "%d ", p);
	CHECK(strstr(text, want) != NULL);
	end(p);
}

TEST(the_call_it_sleeps_in)
{
	pid_t p = abi_sleeper();
	ssize_t n;

	WAIT_UNTIL(state_of(p) == 'S');
	n = get(of(p, "syscall"));
	if (n < 0)
		SKIP("no /proc/PID/syscall: %s", abi_errname(-n));
	CHECK_EQ(atoi(text), SYS_pause);
	end(p);
}

static volatile int stop;

static void *opens_and_closes(void *arg)
{
	while (!stop)
		close(open("/dev/null", O_RDONLY));
	return arg;
}

/* Walks /proc while processes and descriptors come and go under it. */
TEST_FORK(churn)
{
	pthread_t t;
	pid_t maker = abi_fork();
	int entries = 0;

	if (maker == 0)
		for (;;) {
			pid_t p = fork();

			if (p == 0)
				_exit(0);
			waitpid(p, NULL, 0);
		}
	REQUIRE(pthread_create(&t, NULL, opens_and_closes, NULL) == 0);
	for (int round = 0; round < 40; round++) {
		DIR *d = opendir(round % 2 ? "/proc" : "/proc/self/fd");
		struct dirent *e;

		REQUIRE(d);
		while ((e = readdir(d))) {
			char path[300], b[256];

			if (e->d_name[0] < '0' || e->d_name[0] > '9')
				continue;
			entries++;
			if (round % 2) {
				snprintf(path, sizeof(path), "/proc/%s/status", e->d_name);
				get(path);
				snprintf(path, sizeof(path), "/proc/%s/maps", e->d_name);
				get(path);
			} else {
				snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
				if (readlink(path, b, sizeof(b)) < 0)
					CHECK_EQ(errno, ENOENT);
			}
		}
		closedir(d);
	}
	stop = 1;
	pthread_join(t, NULL);
	CHECK(entries > 100);
	end(maker);
}

/* Who logged in: set once by anybody, changed with CAP_AUDIT_CONTROL, inherited; a login counts as a session. */
TEST(login)
{
	IN_CHILD
	{
		REQUIRE(get("/proc/self/loginuid") > 0);
		if (strcmp(text, "4294967295"))
			SKIP("logged in already");
		CHECK_EQ(put("/proc/self/loginuid", "x"), -EINVAL);
		CHECK_EQ(put("/proc/self/loginuid", ""), -EINVAL);
		CHECK_EQ(put("/proc/self/loginuid", "4294967296"), -ERANGE);
		CHECK_EQ(put("/proc/self/loginuid", "99\n"), 0);
		get("/proc/self/loginuid");
		CHECK_STR(text, "99");
		get("/proc/self/sessionid");
		CHECK(strcmp(text, "4294967295"));
		IN_CHILD_AS(NOBODY)
		{
			get("/proc/self/loginuid");
			CHECK_STR(text, "99");
			CHECK_EQ(put("/proc/self/loginuid", "98"), geteuid() ? -EACCES : -EPERM);
		}
		if (geteuid() == 0) {
			CHECK_EQ(put(of(getppid(), "loginuid"), "99"), -EPERM);
			CHECK_EQ(put("/proc/self/loginuid", "4294967295"), 0);
			get("/proc/self/sessionid");
			CHECK_STR(text, "4294967295");
		}
	}
}

static unsigned long long page_entry(int fd, const void *p)
{
	unsigned long long e = 99;

	CHECK_EQ(pread(fd, &e, sizeof(e), (off_t)((unsigned long)p / 4096 * 8)), 8);
	return e;
}

/* The pages are far apart: those next to one that is touched may come with it. */
TEST(pagemap)
{
	const size_t far = 8 << 20;
	char *p = mmap(NULL, 3 * far, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	char b[16];

	REQUIRE(p != MAP_FAILED);
	p[far] = 1;
	munmap(p + 2 * far, far);
	CHECK_EQ(page_entry(fd, p + far) >> 61, 4); /* present, not a file's */
	CHECK_EQ(page_entry(fd, p) >> 61, 0);
	CHECK_EQ(page_entry(fd, p + 2 * far) >> 61, 0);
	CHECK_EQ(page_entry(fd, (void *)page_entry) >> 61, 5); /* a file's */
	CHECK_ERRNO(pread(fd, b, 8, 1), EINVAL);
	CHECK_ERRNO(pread(fd, b, 9, 0), EINVAL);
	CHECK_EQ(pread(fd, b, 0, 0), 0);
	CHECK_ERRNO(pread(fd, bad_ptr(), 8, 0), EFAULT);
	CHECK_EQ(pread(fd, b, 16, (off_t)1 << 40), 0);
	close(fd);
	munmap(p, 2 * far);
}
