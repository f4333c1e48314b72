/* seccomp user notification: calls that another process answers (seccomp_unotify(2)). */
#include "abi.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int listener(int nr)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_LEN(f), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
}

/* The tests' children inherit the filter; this process, which set it, is the supervisor: it never makes the call. */
static pid_t caller(long arg, long want_ret, int want_errno)
{
	pid_t pid = abi_fork();

	if (pid == 0) {
		errno = 0;
		CHECK_EQ(syscall(SYS_getpgid, arg), want_ret);
		CHECK_EQ(errno, want_errno);
		abi_exit();
	}
	return pid;
}

static int receive(int fd, struct seccomp_notif *n)
{
	memset(n, 0, sizeof(*n));
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, n);
}

TEST_FORK(answers)
{
	int fd = listener(SYS_getpgid);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	struct seccomp_notif_resp r = { 0 };
	struct seccomp_notif n;
	pid_t pid;

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(poll(&p, 1, 0), 0);
	pid = caller(42, 77, 0);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_OK(receive(fd, &n));
	CHECK_EQ(n.pid, pid);
	CHECK_EQ(n.data.nr, SYS_getpgid);
	CHECK_EQ(n.data.args[0], 42);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	r.id = n.id;
	r.val = 77;
	CHECK_OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	abi_reap_at(__FILE__, __LINE__, pid);
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), ENOENT);
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), ENOENT);

	pid = caller(42, -1, EXDEV);
	CHECK_OK(receive(fd, &n));
	r = (struct seccomp_notif_resp){ .id = n.id, .error = -EXDEV };
	CHECK_OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	abi_reap_at(__FILE__, __LINE__, pid);
}

TEST_FORK(continues)
{
	int fd = listener(SYS_getpgid);
	struct seccomp_notif_resp r = { 0 };
	struct seccomp_notif n;
	pid_t pid;

	REQUIRE(fd >= 0);
	pid = caller(-5, -1, ESRCH);
	CHECK_OK(receive(fd, &n));
	r.id = n.id;
	r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	r.val = 1;
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), EINVAL);
	r.val = 0;
	r.flags = 4;
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), EINVAL);
	r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	CHECK_OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	abi_reap_at(__FILE__, __LINE__, pid);
}

TEST_FORK(adds_descriptors)
{
	int fd = listener(SYS_getpgid), pipes[2], st;
	struct seccomp_notif_resp r = { 0 };
	struct seccomp_notif_addfd a = { 0 };
	struct seccomp_notif n;
	char c = 0;
	pid_t pid;

	REQUIRE(fd >= 0);
	pid = abi_fork();
	if (pid == 0) {
		int got = syscall(SYS_getpgid, 1);

		_exit(write(got, "x", 1) == 1 ? got : 99);
	}
	CHECK_OK(pipe(pipes)); /* the child has neither end */
	CHECK_OK(receive(fd, &n));
	a.id = n.id;
	a.srcfd = pipes[1];
	a.newfd = 50;
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EINVAL);
	a.flags = SECCOMP_ADDFD_FLAG_SETFD;
	a.srcfd = 1000;
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EBADF);
	a.srcfd = pipes[1];
	a.id = n.id + 1;
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), ENOENT);
	a.id = n.id;
	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), 50);
	r.id = n.id;
	r.val = 50;
	CHECK_OK(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r));
	CHECK_EQ(read(pipes[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	st = abi_wait(pid);
	CHECK_EQ(WEXITSTATUS(st), 50);
}

TEST_FORK(errors)
{
	int fd = listener(SYS_getpgid);
	struct seccomp_notif n = { .pid = 1 };

	REQUIRE(fd >= 0);
	CHECK_ERRNO(listener(SYS_getsid), EBUSY);
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), EINVAL);
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, 0x1234), EINVAL);
	/* Without a supervisor the calls fail. */
	CHECK_OK(close(fd));
	CHECK_ERRNO(syscall(SYS_getpgid, 0), ENOSYS);
}

static void on_usr1(int s)
{
	(void)s;
}

TEST_FORK(interrupted)
{
	int fd = listener(SYS_getpgid);
	struct seccomp_notif n;
	pid_t pid;

	REQUIRE(fd >= 0);
	pid = abi_fork();
	if (pid == 0) {
		struct sigaction sa = { .sa_handler = on_usr1 };

		sigaction(SIGUSR1, &sa, NULL);
		CHECK_ERRNO(syscall(SYS_getpgid, 7), EINTR);
		abi_exit();
	}
	CHECK_OK(receive(fd, &n));
	CHECK_OK(kill(pid, SIGUSR1));
	abi_reap_at(__FILE__, __LINE__, pid);
	CHECK_ERRNO(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), ENOENT);
}
