// Calls that libc makes through others or not at all, each with success: getdents(2), renameat(2), tkill(2), io_pgetevents(2) ...
#include "abi.h"

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <sys/xattr.h>

struct old_dirent {
	unsigned long ino, off;
	unsigned short len;
	char name[];
};

TEST(old_directory_entries)
{
	char b[4096];
	bool found = false;
	long n;
	int fd;

	abi_tmpdir();
	close(abi_file("seen", "", 0644));
	fd = open(".", O_RDONLY);
	n = CHECK_OK(syscall(SYS_getdents, fd, b, sizeof(b)));
	for (long at = 0; at < n;) {
		struct old_dirent *d = (void *)(b + at);

		if (!strcmp(d->name, "seen"))
			found = d->ino && b[at + d->len - 1] == DT_REG;
		at += d->len;
	}
	CHECK(found);
	CHECK_EQ(syscall(SYS_getdents, fd, b, sizeof(b)), 0);
	close(fd);
	unlink("seen");
}

TEST(names_at)
{
	struct stat st;
	int d;

	abi_tmpdir();
	d = open(".", O_RDONLY);
	CHECK_OK(syscall(SYS_mknodat, d, "node", S_IFIFO | 0600, 0));
	CHECK_OK(syscall(SYS_renameat, d, "node", d, "pipe"));
	CHECK_OK(syscall(SYS_symlinkat, "pipe", d, "to"));
	CHECK_OK(fstatat(d, "to", &st, 0));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_OK(unlinkat(d, "to", 0));
	CHECK_OK(unlinkat(d, "pipe", 0));
	close(d);
}

TEST(attributes_of_names)
{
	char b[64];
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	if (setxattr("f", "user.a", "x", 1, 0) && errno == EOPNOTSUPP)
		SKIP("no user attributes here");
	CHECK_OK(syscall(SYS_lsetxattr, "f", "user.b", "yz", 2, 0));
	CHECK_EQ(syscall(SYS_lgetxattr, "f", "user.b", b, sizeof(b)), 2);
	CHECK(!memcmp(b, "yz", 2));
	CHECK_EQ(syscall(SYS_llistxattr, "f", b, sizeof(b)), 14);
	CHECK_EQ(syscall(SYS_flistxattr, fd, b, sizeof(b)), 14);
	CHECK_OK(syscall(SYS_lremovexattr, "f", "user.b"));
	CHECK_EQ(syscall(SYS_flistxattr, fd, b, sizeof(b)), 7);
	close(fd);
}

static volatile int got;

static void on_signal(int sig)
{
	got = sig;
}

TEST(signals)
{
	sigset_t set;

	got = 0;
	signal(SIGUSR2, on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_OK(syscall(SYS_tkill, gettid(), SIGUSR2));
	CHECK_EQ(got, 0);
	sigemptyset(&set);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &set, 8), EINTR); /* its success */
	CHECK_EQ(got, SIGUSR2);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR2, SIG_DFL);
}

TEST(aio_with_a_mask)
{
	struct {
		const sigset_t *set;
		size_t size;
	} mask = { NULL, 8 };
	struct timespec ts = { 5, 0 };
	struct iocb cb, *list = &cb;
	struct io_event ev;
	aio_context_t ctx = 0;
	sigset_t set;
	char b = 1;

	sigfillset(&set);
	mask.set = &set;
	memset(&cb, 0, sizeof(cb));
	cb.aio_lio_opcode = IOCB_CMD_PREAD;
	cb.aio_fildes = open("/dev/zero", O_RDONLY);
	cb.aio_buf = (uintptr_t)&b;
	cb.aio_nbytes = 1;
	CHECK_OK(syscall(SYS_io_setup, 1, &ctx));
	CHECK_EQ(syscall(SYS_io_submit, ctx, 1, &list), 1);
	CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 1, 1, &ev, &ts, &mask), 1);
	CHECK_EQ(ev.res, 1);
	CHECK_EQ(b, 0);
	mask.size = 4;
	CHECK_ERRNO(syscall(SYS_io_pgetevents, ctx, 1, 1, &ev, &ts, &mask), EINVAL);
	ts.tv_sec = 0;
	CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 1, 1, &ev, &ts, NULL), 0);
	CHECK_OK(syscall(SYS_io_destroy, ctx));
	close(cb.aio_fildes);
}

TEST(protection_keys)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int key = syscall(SYS_pkey_alloc, 0, 0);

	CHECK_OK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1)); /* as mprotect */
	if (key < 0)
		SKIP("no keys on this processor");
	CHECK_OK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ | PROT_WRITE, key));
	p[0] = 1;
	CHECK_OK(syscall(SYS_pkey_free, key));
	munmap(p, PAGE);
}

TEST(cache_of_a_file)
{
	uint64_t range[2] = { 0, 0 }, stat[5];
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "text", 0644);
	if (syscall(451, fd, range, stat, 0) && errno == ENOSYS)
		SKIP("no cachestat");
	CHECK_OK(syscall(451, fd, range, stat, 0));
	CHECK(stat[0] <= 1);
	close(fd);
}
