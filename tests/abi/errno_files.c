// Errnos of calls that take or make descriptors: none, no room, the wrong kind, waits that a signal ends, attributes.
#include "interrupted.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define BAD_FD(call)                      \
	do {                              \
		int fd = 999;             \
		CHECK_ERRNO(call, EBADF); \
		fd = -1;                  \
		CHECK_ERRNO(call, EBADF); \
	} while (0)

static char buf[4096];
static struct iovec vec = { buf, 1 };

TEST(no_descriptor)
{
	struct itimerspec its = { { 0, 0 }, { 0, 0 } };
	struct timespec ts = { 0, 0 };
	uint64_t set = 0;
	loff_t off = 0;

	BAD_FD(syscall(SYS_read, fd, buf, 1));
	BAD_FD(syscall(SYS_write, fd, buf, 1));
	BAD_FD(syscall(SYS_pread64, fd, buf, 1, 0));
	BAD_FD(syscall(SYS_pwrite64, fd, buf, 1, 0));
	BAD_FD(syscall(SYS_readv, fd, &vec, 1));
	BAD_FD(syscall(SYS_writev, fd, &vec, 1));
	BAD_FD(syscall(SYS_preadv, fd, &vec, 1, 0, 0));
	BAD_FD(syscall(SYS_pwritev, fd, &vec, 1, 0, 0));
	BAD_FD(syscall(SYS_preadv2, fd, &vec, 1, 0, 0, 0));
	BAD_FD(syscall(SYS_pwritev2, fd, &vec, 1, 0, 0, 0));
	BAD_FD(syscall(SYS_lseek, fd, 0, 0));
	BAD_FD(syscall(SYS_close, fd));
	BAD_FD(syscall(SYS_fstat, fd, buf));
	BAD_FD(syscall(SYS_fstatfs, fd, buf));
	BAD_FD(syscall(SYS_dup, fd));
	BAD_FD(syscall(SYS_dup2, fd, 50));
	BAD_FD(syscall(SYS_dup3, fd, 50, 0));
	BAD_FD(syscall(SYS_fcntl, fd, F_GETFD));
	BAD_FD(syscall(SYS_ioctl, fd, 0, 0));
	BAD_FD(syscall(SYS_flock, fd, 1));
	BAD_FD(syscall(SYS_fsync, fd));
	BAD_FD(syscall(SYS_fdatasync, fd));
	BAD_FD(syscall(SYS_syncfs, fd));
	BAD_FD(syscall(SYS_sync_file_range, fd, 0, 0, 0));
	BAD_FD(syscall(SYS_ftruncate, fd, 0));
	BAD_FD(syscall(SYS_fallocate, fd, 0, 0, 1));
	BAD_FD(syscall(SYS_fadvise64, fd, 0, 0, 0));
	BAD_FD(syscall(SYS_readahead, fd, 0, 0));
	BAD_FD(syscall(SYS_getdents, fd, buf, 100));
	BAD_FD(syscall(SYS_getdents64, fd, buf, 100));
	BAD_FD(syscall(SYS_fchdir, fd));
	BAD_FD(syscall(SYS_fchmod, fd, 0));
	BAD_FD(syscall(SYS_fchown, fd, 0, 0));
	BAD_FD(syscall(SYS_sendfile, fd, 0, &off, 1));
	BAD_FD(syscall(SYS_splice, fd, NULL, 1, NULL, 1, 0));
	BAD_FD(syscall(SYS_tee, fd, 1, 1, 0));
	BAD_FD(syscall(SYS_vmsplice, fd, &vec, 1, 0));
	BAD_FD(syscall(SYS_copy_file_range, fd, NULL, 1, NULL, 1, 0));
	BAD_FD(syscall(SYS_epoll_wait, fd, buf, 1, 0));
	BAD_FD(syscall(SYS_epoll_pwait, fd, buf, 1, 0, NULL, 8));
	BAD_FD(syscall(SYS_epoll_pwait2, fd, buf, 1, &ts, NULL, 8));
	BAD_FD(syscall(SYS_epoll_ctl, fd, 1, 1, buf));
	BAD_FD(syscall(SYS_timerfd_settime, fd, 0, &its, NULL));
	BAD_FD(syscall(SYS_timerfd_gettime, fd, &its));
	CHECK_ERRNO(syscall(SYS_signalfd, 999, &set, 8), EBADF);
	CHECK_ERRNO(syscall(SYS_signalfd4, 999, &set, 8, 0), EBADF);
	BAD_FD(syscall(SYS_inotify_add_watch, fd, "/", IN_OPEN));
	BAD_FD(syscall(SYS_inotify_rm_watch, fd, 1));
	BAD_FD(syscall(SYS_fsetxattr, fd, "user.x", "", 0, 0));
	BAD_FD(syscall(SYS_fgetxattr, fd, "user.x", buf, 10));
	BAD_FD(syscall(SYS_flistxattr, fd, buf, 10));
	BAD_FD(syscall(SYS_fremovexattr, fd, "user.x"));
	BAD_FD(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	BAD_FD(syscall(SYS_pidfd_getfd, fd, 0, 0));
	{
		uint64_t in = 1ULL << 40;
		struct {
			const uint64_t *set;
			size_t size;
		} no_mask = { NULL, 8 };
		uint64_t many[16] = { in };

		CHECK_ERRNO(syscall(SYS_select, 41, many, NULL, NULL, &ts), EBADF);
		CHECK_ERRNO(syscall(SYS_pselect6, 41, many, NULL, NULL, &ts, &no_mask), EBADF);
	}
}

TEST_FORK(no_room_for_a_descriptor)
{
	struct rlimit none = { 0, 0 };
	int pair[2], ep = epoll_create1(0), fd = dup(0),
		     pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	uint64_t set = 0;

	CHECK(ep >= 0 && fd >= 0 && pidfd >= 0);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_ERRNO(syscall(SYS_open, "/", O_RDONLY), EMFILE);
	CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY), EMFILE);
	CHECK_ERRNO(syscall(SYS_creat, "/none/x", 0600), EMFILE);
	CHECK_ERRNO(syscall(SYS_dup, fd), EMFILE);
	CHECK_ERRNO(syscall(SYS_dup2, fd, 50), EBADF);
	CHECK_ERRNO(syscall(SYS_dup3, fd, 50, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_fcntl, fd, F_DUPFD, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe, pair), EMFILE);
	CHECK_ERRNO(syscall(SYS_pipe2, pair, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
	CHECK_ERRNO(syscall(SYS_epoll_create, 1), EMFILE);
	CHECK_ERRNO(syscall(SYS_epoll_create1, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_eventfd, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_eventfd2, 0, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_signalfd, -1, &set, 8), EMFILE);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 8, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_inotify_init), EMFILE);
	CHECK_ERRNO(syscall(SYS_inotify_init1, 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_memfd_create, "x", 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_pidfd_open, getpid(), 0), EMFILE);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, pidfd, fd, 0), EMFILE);
}

TEST(wrong_kind)
{
	int fds[2], file, dir, sock;
	off_t off = -1;

	abi_tmpdir();
	CHECK_OK(pipe(fds));
	file = abi_file("f", "text", 0644);
	dir = open(".", O_RDONLY);
	sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERRNO(syscall(SYS_pipe, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_readv, file, &vec, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, file, &vec, 1025), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, dir, &vec, 1), EISDIR);
	CHECK_ERRNO(syscall(SYS_preadv2, file, &vec, 1, 0, 0, 0x8000), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_pwritev2, file, &vec, 1, 0, 0, 0x8000), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_lseek, file, 0, 99), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents, file, buf, 100), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents, dir, buf, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents, dir, bad_ptr(), 100), EFAULT);
	CHECK_ERRNO(syscall(SYS_getdents64, file, buf, 100), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents64, dir, buf, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, dir, bad_ptr(), 100), EFAULT);
	CHECK_OK(mkdir("gone", 0755));
	close(dir);
	dir = open("gone", O_RDONLY);
	rmdir("gone");
	CHECK_ERRNO(syscall(SYS_getdents, dir, buf, 100), ENOENT);
	CHECK_ERRNO(syscall(SYS_getdents64, dir, buf, 100), ENOENT);
	CHECK_ERRNO(syscall(SYS_fsync, sock), EINVAL);
	CHECK_ERRNO(syscall(SYS_fdatasync, sock), EINVAL);
	CHECK_ERRNO(syscall(SYS_sync_file_range, fds[0], 0, 0, 0), ESPIPE);
	CHECK_ERRNO(syscall(SYS_sync_file_range, file, -1L, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_fallocate, fds[1], 0, 0, 1), ESPIPE);
	CHECK_ERRNO(syscall(SYS_fallocate, dir, 0, 0, 1), EBADF);
	CHECK_ERRNO(syscall(SYS_fallocate, open("/dev/null", O_WRONLY), 0, 0, 1), ENODEV);
	CHECK_ERRNO(syscall(SYS_sendfile, file, file, &off, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_copy_file_range, file, NULL, dir, NULL, 1, 0), EISDIR);
	CHECK_ERRNO(syscall(SYS_copy_file_range, file, NULL, fds[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_pwait, file, buf, 1, 0, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_pwait2, file, buf, 1, NULL, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_timerfd_settime, file, 0, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_timerfd_gettime, file, buf), EINVAL);
	CHECK_ERRNO(syscall(SYS_connect, sock, "\1", 2), EINVAL);
	CHECK_ERRNO(syscall(SYS_write, sock, buf, 1), ENOTCONN);
	close(fds[0]);
	close(fds[1]);
	close(file);
	close(dir);
	close(sock);
}

TEST(limits_of_files)
{
	struct rlimit small = { 4096, RLIM_INFINITY };
	int fd, ro;

	abi_tmpdir();
	fd = abi_file("big", "", 0644);
	ro = open("big", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_truncate, "big", -1L), EINVAL);
	CHECK_ERRNO(syscall(SYS_ftruncate, ro, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_lseek, fd, -1L, SEEK_SET), EINVAL);
	CHECK_ERRNO(syscall(SYS_copy_file_range, ro, NULL, ro, NULL, 1, 0), EBADF);
	IN_CHILD
	{
		signal(SIGXFSZ, SIG_IGN);
		CHECK_OK(setrlimit(RLIMIT_FSIZE, &small));
		CHECK_ERRNO(syscall(SYS_truncate, "big", 8192), EFBIG);
		CHECK_ERRNO(syscall(SYS_ftruncate, fd, 8192), EFBIG);
		CHECK_ERRNO(syscall(SYS_pwrite64, fd, "x", 1, 4096), EFBIG);
		CHECK_ERRNO(syscall(SYS_fallocate, fd, 0, 0, 8192), EFBIG);
		CHECK_OK(lseek(fd, 4096, SEEK_SET));
		CHECK_ERRNO(syscall(SYS_write, fd, "x", 1), EFBIG);
		CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
		lseek(fd, 4096, SEEK_SET);
		CHECK_ERRNO(syscall(SYS_copy_file_range, abi_file("src", "x", 0644), NULL, fd, NULL,
				    1, 0),
			    EFBIG);
	}
	close(fd);
	close(ro);
}

/* Each of the three ways to name the file: what a wrong prefix, a missing name and a small buffer give. */
#define XATTR_ERRNOS(set, get, list, remove)     \
	do {                                     \
		const char *n = "wrong.x";       \
		size_t size = 10;                \
		int flags = 0;                   \
		CHECK_ERRNO(set, EOPNOTSUPP);    \
		CHECK_ERRNO(get, EOPNOTSUPP);    \
		CHECK_ERRNO(remove, EOPNOTSUPP); \
		n = "user.none";                 \
		CHECK_ERRNO(get, ENODATA);       \
		CHECK_ERRNO(remove, ENODATA);    \
		flags = XATTR_REPLACE;           \
		CHECK_ERRNO(set, ENODATA);       \
		n = "user.there";                \
		flags = XATTR_CREATE;            \
		CHECK_ERRNO(set, EEXIST);        \
		size = 1;                        \
		CHECK_ERRNO(get, ERANGE);        \
		CHECK_ERRNO(list, ERANGE);       \
		n = "";                          \
		flags = 0;                       \
		CHECK_ERRNO(set, ERANGE);        \
		CHECK_ERRNO(get, ERANGE);        \
		CHECK_ERRNO(remove, ERANGE);     \
	} while (0)

TEST(attributes)
{
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	if (setxattr("f", "user.there", "value", 5, 0) && errno == EOPNOTSUPP)
		SKIP("no user attributes here");
	XATTR_ERRNOS(syscall(SYS_setxattr, "f", n, "v", 1, flags),
		     syscall(SYS_getxattr, "f", n, buf, size),
		     syscall(SYS_listxattr, "f", buf, size), syscall(SYS_removexattr, "f", n));
	XATTR_ERRNOS(syscall(SYS_lsetxattr, "f", n, "v", 1, flags),
		     syscall(SYS_lgetxattr, "f", n, buf, size),
		     syscall(SYS_llistxattr, "f", buf, size), syscall(SYS_lremovexattr, "f", n));
	XATTR_ERRNOS(syscall(SYS_fsetxattr, fd, n, "v", 1, flags),
		     syscall(SYS_fgetxattr, fd, n, buf, size),
		     syscall(SYS_flistxattr, fd, buf, size), syscall(SYS_fremovexattr, fd, n));
	close(fd);
}

TEST_FORK(ended_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct timespec ten = { 10, 0 };
	struct epoll_event ev;
	int ep = epoll_create1(0), fds[2], locked;
	struct pollfd p;
	fd_set set;

	sigaction(SIGALRM, &sa, NULL);
	CHECK_OK(pipe(fds));
	INTERRUPTED(syscall(SYS_read, fds[0], buf, 1));
	INTERRUPTED(syscall(SYS_readv, fds[0], &vec, 1));
	INTERRUPTED(syscall(SYS_epoll_wait, ep, &ev, 1, -1));
	INTERRUPTED(syscall(SYS_epoll_pwait, ep, &ev, 1, -1, NULL, 8));
	INTERRUPTED(syscall(SYS_epoll_pwait2, ep, &ev, 1, &ten, NULL, 8));
	p = (struct pollfd){ fds[0], POLLIN, 0 };
	INTERRUPTED(syscall(SYS_poll, &p, 1, -1));
	INTERRUPTED(syscall(SYS_ppoll, &p, 1, NULL, NULL, 8));
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	INTERRUPTED(syscall(SYS_select, fds[0] + 1, &set, NULL, NULL, NULL));
	FD_SET(fds[0], &set);
	INTERRUPTED(syscall(SYS_pselect6, fds[0] + 1, &set, NULL, NULL, NULL, NULL));
	abi_tmpdir();
	CHECK_OK(mkfifo("fifo", 0600));
	INTERRUPTED(syscall(SYS_open, "fifo", O_RDONLY));
	INTERRUPTED(syscall(SYS_openat, AT_FDCWD, "fifo", O_RDONLY));
	INTERRUPTED(syscall(SYS_creat, "fifo", 0600));
	CHECK_ERRNO(syscall(SYS_open, "fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, "fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	locked = abi_file("lock", "", 0644);
	CHECK_OK(flock(locked, LOCK_EX));
	INTERRUPTED(syscall(SYS_flock, open("lock", O_RDONLY), LOCK_EX));
	while (write(fds[1], buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		if (poll(&(struct pollfd){ fds[1], POLLOUT, 0 }, 1, 0) == 0)
			break;
	INTERRUPTED(syscall(SYS_write, fds[1], buf, sizeof(buf)));
	INTERRUPTED(syscall(SYS_writev, fds[1], &vec, 1));
	INTERRUPTED(syscall(SYS_vmsplice, fds[1], &vec, 1, 0));
}

TEST(copying)
{
	off_t off = 10, zero = 0;
	int fd, shm, fds[2];

	abi_tmpdir();
	fd = abi_file("from", "text", 0644);
	CHECK_OK(pipe2(fds, O_NONBLOCK));
	while (write(fds[1], buf, sizeof(buf)) > 0)
		;
	CHECK_ERRNO(syscall(SYS_sendfile, fds[1], fd, &zero, 4), EAGAIN);
	CHECK_ERRNO(syscall(SYS_splice, fd, &zero, fds[1], NULL, 4, 0), EAGAIN);
	CHECK_ERRNO(syscall(SYS_copy_file_range, fd, &off, abi_file("to", "", 0644), NULL, -1L, 0),
		    EOVERFLOW);
	CHECK_ERRNO(syscall(SYS_copy_file_range, fd, NULL, fd, NULL, 1, 1), EINVAL);
	shm = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
	if (shm >= 0)
		CHECK_ERRNO(syscall(SYS_copy_file_range, fd, &zero, shm, NULL, 1, 0), EXDEV);
	if (!geteuid())
		IN_CHILD_AS(NOBODY)
	CHECK_ERRNO(syscall(SYS_fsetxattr, fd, "trusted.x", "", 0, 0), EPERM);
	close(shm);
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

TEST(events_to_nowhere)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	struct timespec ts = { 0, 0 };
	int ep = epoll_create1(0), fds[2];

	CHECK_OK(pipe(fds));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[1], &ev));
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_epoll_pwait, ep, bad_ptr(), 1, 0, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_epoll_pwait2, ep, bad_ptr(), 1, &ts, NULL, 8), EFAULT);
	close(ep);
	close(fds[0]);
	close(fds[1]);
}
