/* Pipes and FIFOs: capacity, atomicity, end of file, SIGPIPE, non-blocking, packet mode, FIONREAD. */
#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>

static char big[1 << 20];

static void make(int fds[2], int flags)
{
	fds[0] = fds[1] = -1;
	CHECK_OK(pipe2(fds, flags));
}

static void drop(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

TEST(basics)
{
	int fds[2], n = -1;
	struct stat st;
	char b[16] = "";

	make(fds, 0);
	CHECK_EQ(write(fds[1], "hello", 5), 5);
	CHECK_EQ(write(fds[1], "world", 5), 5);
	CHECK_OK(ioctl(fds[0], FIONREAD, &n));
	CHECK_EQ(n, 10);
	CHECK_EQ(read(fds[0], b, 7), 7);
	CHECK_STR(b, "hellowo");
	CHECK_EQ(read(fds[0], b, 16), 3);
	CHECK_OK(fstat(fds[0], &st));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(fcntl(fds[0], F_GETFL), O_RDONLY);
	CHECK_EQ(fcntl(fds[1], F_GETFL), O_WRONLY);
	CHECK_ERRNO(read(fds[1], b, 1), EBADF);
	CHECK_ERRNO(write(fds[0], b, 1), EBADF);
	CHECK_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
	close(fds[1]);
	CHECK_EQ(read(fds[0], b, 1), 0); /* no writer: end of file, again and again */
	CHECK_EQ(read(fds[0], b, 1), 0);
	close(fds[0]);
}

TEST(creation_flags)
{
	int fds[2];

	make(fds, O_CLOEXEC | O_NONBLOCK);
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fds[1], F_GETFL), O_WRONLY | O_NONBLOCK);
	drop(fds);
	CHECK_ERRNO(pipe2(fds, O_APPEND), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe2, bad_ptr(), 0), EFAULT);
	int a = open("/dev/null", O_RDONLY); /* nothing leaked by the failures */
	CHECK_EQ(a, fds[0] < fds[1] ? fds[0] : fds[1]);
	close(a);
}

TEST(broken)
{
	int fds[2];

	make(fds, 0);
	close(fds[0]);
	CHILD_DIES(SIGPIPE)
	{
		if (write(fds[1], "x", 1) == -1)
			_exit(1);
	}
	IN_CHILD
	{
		signal(SIGPIPE, SIG_IGN);
		CHECK_ERRNO(write(fds[1], "x", 1), EPIPE);
		CHECK_EQ(write(fds[1], "", 0), 0);
	}
	struct pollfd p = { fds[1], POLLOUT, 0 };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents & POLLERR, POLLERR);
	close(fds[1]);
}

TEST(capacity)
{
	int fds[2];
	ssize_t n, total = 0;

	make(fds, O_NONBLOCK);
	CHECK_ERRNO(read(fds[0], big, 1), EAGAIN);
	while ((n = write(fds[1], big, 4096)) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, 65536);
	CHECK_EQ(fcntl(fds[1], F_GETPIPE_SZ), 65536);
	CHECK_ERRNO(write(fds[1], big, 1), EAGAIN);
	CHECK_EQ(read(fds[0], big, 4095), 4095);
	CHECK_ERRNO(write(fds[1], big, 4096), EAGAIN); /* at most PIPE_BUF: all or nothing */
	CHECK_EQ(read(fds[0], big, 1), 1);
	CHECK_EQ(write(fds[1], big, 8192), 4096); /* more than that: what fits */
	drop(fds);
}

TEST(resize)
{
	int fds[2], null = open("/dev/null", O_RDONLY);

	make(fds, O_NONBLOCK);
	CHECK_EQ(fcntl(fds[0], F_SETPIPE_SZ, 1), 4096);
	CHECK_EQ(write(fds[1], big, 65536), 4096);
	CHECK_EQ(fcntl(fds[0], F_SETPIPE_SZ, 70000), 131072);
	CHECK_EQ(write(fds[1], big, 200000), 131072 - 4096);
	CHECK_ERRNO(fcntl(fds[0], F_SETPIPE_SZ, 4096), EBUSY);
	CHECK_ERRNO(fcntl(fds[0], F_SETPIPE_SZ, -1), EINVAL);
	if (!abi_cap(24))
		CHECK_ERRNO(fcntl(fds[0], F_SETPIPE_SZ, 64 << 20), EPERM);
	CHECK_ERRNO(fcntl(null, F_GETPIPE_SZ), EBADF);
	drop(fds);
	close(null);
}

TEST(blocking_transfer)
{
	int fds[2];
	size_t total = 0;
	ssize_t n;
	pid_t p;

	make(fds, 0);
	p = abi_fork();
	if (p == 0) {
		close(fds[0]);
		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = i % 251;
		CHECK_EQ(write(fds[1], big, sizeof(big)),
			 sizeof(big)); /* blocks until all is gone */
		abi_exit();
	}
	close(fds[1]);
	static char b[10007];
	while ((n = read(fds[0], b, sizeof(b))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (b[i] != (char)((total + i) % 251)) {
				ABI_FAIL("byte %zu is wrong", total + i);
				break;
			}
		total += n;
	}
	CHECK_EQ(total, sizeof(big));
	abi_reap(p);
	close(fds[0]);
}

TEST(writes_are_atomic)
{
	enum { WRITERS = 4, LINES = 300, LEN = 64 };
	int fds[2], counts[WRITERS] = { 0 };
	pid_t kid[WRITERS];
	char line[LEN];

	make(fds, 0);
	for (int w = 0; w < WRITERS; w++) {
		kid[w] = abi_fork();
		if (kid[w] == 0) {
			memset(line, 'a' + w, LEN);
			for (int i = 0; i < LINES; i++)
				if (write(fds[1], line, LEN) != LEN)
					_exit(1);
			_exit(0);
		}
	}
	close(fds[1]);
	FILE *f = fdopen(fds[0], "r");
	while (fread(line, LEN, 1, f) == 1) {
		for (int i = 1; i < LEN; i++)
			if (line[i] != line[0]) {
				ABI_FAIL("a line is mixed");
				break;
			}
		counts[(line[0] - 'a') & 3]++;
	}
	for (int w = 0; w < WRITERS; w++) {
		CHECK_EQ(counts[w], LINES);
		abi_reap(kid[w]);
	}
	fclose(f);
}

TEST(ping_pong)
{
	int a[2], b[2];
	char c;
	pid_t p;

	make(a, 0);
	make(b, 0);
	p = abi_fork();
	if (p == 0) {
		close(a[1]);
		while (read(a[0], &c, 1) == 1)
			if (write(b[1], &c, 1) != 1)
				_exit(1);
		abi_exit();
	}
	for (int i = 0; i < 2000; i++) {
		c = i;
		if (!CHECK_EQ(write(a[1], &c, 1), 1) || !CHECK_EQ(read(b[0], &c, 1), 1) ||
		    !CHECK_EQ(c, (char)i))
			break;
	}
	close(a[1]);
	abi_reap(p);
	close(a[0]);
	drop(b);
}

TEST(packet_mode)
{
	int fds[2];
	char b[16] = "";

	make(fds, O_DIRECT | O_NONBLOCK);
	CHECK_EQ(write(fds[1], "one", 3), 3);
	CHECK_EQ(write(fds[1], "three", 5), 5);
	CHECK_EQ(read(fds[0], b, 16), 3); /* one packet at a time */
	CHECK_EQ(read(fds[0], b, 2), 2);
	CHECK_ERRNO(read(fds[0], b, 16), EAGAIN); /* the rest of a packet is gone */
	CHECK_EQ(write(fds[1], big, 10000), 10000);
	CHECK_EQ(read(fds[0], big, 20000), 4096); /* split in packets of a page */
	drop(fds);
}

TEST(poll_states)
{
	int fds[2];
	struct pollfd p[2];

	make(fds, O_NONBLOCK);
	p[0] = (struct pollfd){ fds[0], POLLIN, 0 };
	p[1] = (struct pollfd){ fds[1], POLLOUT, 0 };
	CHECK_EQ(poll(p, 2, 0), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(write(fds[1], big, 65536), 65536);
	CHECK_EQ(poll(p, 2, 0), 1);
	CHECK_EQ(p[0].revents, POLLIN);
	CHECK_EQ(p[1].revents, 0);
	CHECK_EQ(read(fds[0], big, 65536), 65536);
	close(fds[1]);
	CHECK_EQ(poll(p, 1, 0), 1);
	CHECK_EQ(p[0].revents, POLLHUP);
	close(fds[0]);
}

TEST(partial_fault)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds[2];

	REQUIRE(p != MAP_FAILED);
	CHECK_OK(munmap(p + PAGE, PAGE));
	make(fds, O_NONBLOCK);
	CHECK_ERRNO(write(fds[1], p + PAGE, 10), EFAULT);
	CHECK_ERRNO(read(fds[0], big, 1), EAGAIN);
	CHECK_EQ(write(fds[1], "0123456789", 10), 10);
	CHECK_ERRNO(read(fds[0], p + PAGE, 5), EFAULT);
	CHECK_EQ(read(fds[0], big, 100), 10); /* nothing was lost */
	drop(fds);
	CHECK_OK(munmap(p, PAGE));
}

TEST(fifo)
{
	char b[8] = "";
	int r, w;
	pid_t p;

	abi_tmpdir();
	umask(0);
	CHECK_OK(mkfifo("f", 0622));
	umask(022);
	CHECK_ERRNO(mkfifo("f", 0600), EEXIST);
	p = abi_fork();
	if (p == 0) {
		w = open("f", O_WRONLY); /* waits for the reader */
		CHECK_EQ(write(w, "abc", 3), 3);
		abi_exit();
	}
	r = CHECK_OK(open("f", O_RDONLY)); /* and this one for the writer */
	CHECK_EQ(read(r, b, 8), 3);
	CHECK_EQ(read(r, b, 8), 0);
	abi_reap(p);
	w = CHECK_OK(open("f", O_WRONLY | O_NONBLOCK)); /* a reader is there */
	CHECK_EQ(write(w, "x", 1), 1);
	CHECK_EQ(read(r, b, 8), 1);
	close(r), close(w);
	r = CHECK_OK(open("f", O_RDWR)); /* Linux: never blocks */
	CHECK_EQ(write(r, "y", 1), 1);
	CHECK_EQ(read(r, b, 1), 1);
	close(r);
	CHECK_OK(unlink("f"));
}

TEST(reopened_through_proc)
{
	char path[40], b[4] = "";
	int fds[2], w;

	make(fds, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	w = CHECK_OK(open(path, O_WRONLY));
	CHECK_EQ(write(w, "q", 1), 1);
	CHECK_EQ(read(fds[0], b, 1), 1);
	CHECK_EQ(readlink(path, big, 100) > 6 && !strncmp(big, "pipe:[", 6), 1);
	close(w);
	drop(fds);
}

TEST(async_owner)
{
	int fds[2];
	sigset_t set;
	siginfo_t si;

	make(fds, 0);
	IN_CHILD
	{
		struct timespec ts = { 5, 0 };

		sigemptyset(&set);
		sigaddset(&set, SIGIO);
		sigprocmask(SIG_BLOCK, &set, NULL);
		CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
		CHECK_EQ(fcntl(fds[0], F_GETOWN), getpid());
		CHECK_OK(fcntl(fds[0], F_SETFL, O_ASYNC));
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(sigtimedwait(&set, &si, &ts), SIGIO);
	}
	drop(fds);
}

/* A read that faults leaves everything where it is, wherever in the pipe it begins. */
TEST(reader_that_faults)
{
	static char back[16 * PAGE];
	int fds[2];

	make(fds, O_NONBLOCK);
	for (size_t i = 0; i < sizeof(back); i++)
		big[i] = (char)(i / PAGE + i);
	CHECK_EQ(write(fds[1], big, sizeof(back)), (ssize_t)sizeof(back));
	CHECK_ERRNO(read(fds[0], bad_ptr(), 100), EFAULT);
	CHECK_EQ(read(fds[0], back, sizeof(back)), (ssize_t)sizeof(back));
	CHECK(!memcmp(back, big, sizeof(back)));
	/* At a page's start, with the page before it full again. */
	CHECK_EQ(write(fds[1], big, sizeof(back)), (ssize_t)sizeof(back));
	CHECK_EQ(read(fds[0], back, PAGE), (ssize_t)PAGE);
	CHECK_EQ(write(fds[1], big, PAGE), (ssize_t)PAGE);
	CHECK_ERRNO(read(fds[0], bad_ptr(), 100), EFAULT);
	CHECK_EQ(read(fds[0], back, sizeof(back)), (ssize_t)sizeof(back));
	CHECK(!memcmp(back, big + PAGE, sizeof(back) - PAGE));
	CHECK(!memcmp(back + sizeof(back) - PAGE, big, PAGE));
	drop(fds);
}

/* Who writes makes packets; the reader's flag is nothing to them. */
TEST(packets_of_one_end)
{
	int fds[2];
	char b[16];

	make(fds, O_NONBLOCK);
	CHECK_OK(fcntl(fds[0], F_SETFL, O_NONBLOCK | O_DIRECT));
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(read(fds[0], b, sizeof(b)), 3);
	CHECK_OK(fcntl(fds[0], F_SETFL, O_NONBLOCK));
	CHECK_OK(fcntl(fds[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	CHECK_EQ(write(fds[1], "ab", 2), 2);
	CHECK_EQ(write(fds[1], "cde", 3), 3);
	CHECK_EQ(read(fds[0], b, sizeof(b)), 2);
	CHECK_EQ(read(fds[0], b, sizeof(b)), 3);
	drop(fds);
}
