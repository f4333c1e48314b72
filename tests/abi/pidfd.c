// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), waitid(2) with P_PIDFD, poll; process_mrelease(2).
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define PIDFD_THREAD O_EXCL

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static pid_t sleeper(void)
{
	pid_t pid = abi_fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	abi_wait(pid);
}

TEST(open_and_poll)
{
	pid_t pid = sleeper();
	int fd = CHECK_OK(pidfd_open(pid, 0));
	struct pollfd p = { fd, POLLIN, 0 };

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_OK(send_signal(fd, 0, NULL, 0));
	CHECK_OK(send_signal(fd, SIGKILL, NULL, 0));
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents & POLLIN, POLLIN);
	CHECK_EQ(p.revents & POLLHUP, 0);
	abi_wait(pid);
	CHECK_ERRNO(send_signal(fd, SIGTERM, NULL, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 0, 0), ESRCH);
	close(fd);
}

TEST(open_errors)
{
	CHECK_ERRNO(pidfd_open(0, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(-1, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(getpid(), 1), EINVAL);
	CHECK_ERRNO(pidfd_open(4000000, 0), ESRCH);
}

static int tid_of_thread;
static int thread_go;

static void *thread_main(void *arg ABI_UNUSED)
{
	__atomic_store_n(&tid_of_thread, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&thread_go, __ATOMIC_SEQ_CST))
		abi_sleep_ms(1);
	return NULL;
}

TEST(threads)
{
	struct pollfd p = { .events = POLLIN };
	pthread_t t;
	int fd;

	REQUIRE(!pthread_create(&t, NULL, thread_main, NULL));
	WAIT_UNTIL(__atomic_load_n(&tid_of_thread, __ATOMIC_SEQ_CST));
	CHECK(pidfd_open(tid_of_thread, 0) == -1 && (errno == EINVAL || errno == ENOENT));
	fd = pidfd_open(tid_of_thread, PIDFD_THREAD);
	if (fd >= 0) {
		CHECK_OK(send_signal(fd, 0, NULL, 0));
		p.fd = fd;
		CHECK_EQ(poll(&p, 1, 0), 0);
	} else {
		CHECK_EQ(errno, EINVAL); /* before Linux 6.9 */
	}
	__atomic_store_n(&thread_go, 1, __ATOMIC_SEQ_CST);
	pthread_join(t, NULL);
	if (fd >= 0) {
		CHECK_EQ(poll(&p, 1, 5000), 1);
		CHECK(p.revents & POLLIN);
		CHECK_ERRNO(send_signal(fd, 0, NULL, 0), ESRCH);
		close(fd);
	}
}

TEST(signal_errors)
{
	int fd = CHECK_OK(pidfd_open(getpid(), 0)), null = open("/dev/null", O_RDONLY);
	pid_t pid = sleeper();
	int other = CHECK_OK(pidfd_open(pid, 0));
	siginfo_t si = { .si_signo = SIGUSR1, .si_code = SI_USER };

	CHECK_ERRNO(send_signal(null, 0, NULL, 0), EBADF);
	CHECK_ERRNO(send_signal(-1, 0, NULL, 0), EBADF);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 8), EINVAL);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 3), EINVAL);
	CHECK_ERRNO(send_signal(fd, 65, NULL, 0), EINVAL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(send_signal(fd, SIGUSR2, &si, 0), EINVAL);
	CHECK_ERRNO(send_signal(other, SIGUSR1, &si, 0), EPERM);
	close(fd);
	close(other);
	close(null);
	kill_and_reap(pid);
}

/* The directory of a process serves as its pidfd for signals, and for nothing else. */
TEST(signal_by_proc_dir)
{
	pid_t pid = sleeper();
	char path[32];
	int dir, task, st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = CHECK_OK(open(path, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, pid);
	task = CHECK_OK(open(path, O_RDONLY | O_DIRECTORY));
	CHECK_OK(send_signal(dir, 0, NULL, 0));
	CHECK_ERRNO(send_signal(task, 0, NULL, 0), EBADF);
	CHECK_OK(send_signal(dir, SIGKILL, NULL, 0));
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
	CHECK_ERRNO(send_signal(dir, 0, NULL, 0), ESRCH);
	close(dir);
	close(task);
}

static volatile int value;

static void on_signal(int sig ABI_UNUSED, siginfo_t *info, void *ctx ABI_UNUSED)
{
	value = info->si_value.sival_int;
}

TEST_FORK(signal_with_info)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	siginfo_t si = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	int fd = CHECK_OK(pidfd_open(getpid(), 0));

	si.si_value.sival_int = 4711;
	sigaction(SIGUSR1, &sa, NULL);
	CHECK_OK(send_signal(fd, SIGUSR1, &si, 0));
	CHECK_EQ(value, 4711);
	close(fd);
}

TEST(signal_scopes)
{
	pid_t pid = sleeper();
	int fd = CHECK_OK(pidfd_open(pid, 0)), st;

	if (send_signal(fd, 0, NULL, 2) && errno == EINVAL) {
		kill_and_reap(pid);
		close(fd);
		SKIP("before Linux 6.9");
	}
	CHECK_OK(send_signal(fd, 0, NULL, 1));
	CHECK_ERRNO(send_signal(fd, 0, NULL, 4), ESRCH);
	CHECK_OK(setpgid(pid, pid));
	CHECK_OK(send_signal(fd, SIGTERM, NULL, 4));
	st = abi_wait(pid);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
	close(fd);
}

TEST(wait_by_pidfd)
{
	pid_t pid = sleeper();
	int fd = CHECK_OK(pidfd_open(pid, O_NONBLOCK)), null = open("/dev/null", O_RDONLY);
	siginfo_t si;

	CHECK_ERRNO(waitid(P_PIDFD, fd, &si, WEXITED), EAGAIN);
	si.si_pid = 1;
	CHECK_OK(waitid(P_PIDFD, fd, &si, WEXITED | WNOHANG));
	CHECK_EQ(si.si_pid, 0);
	fcntl(fd, F_SETFL, 0);
	kill(pid, SIGKILL);
	CHECK_OK(waitid(P_PIDFD, fd, &si, WEXITED));
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_code, CLD_KILLED);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &si, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_PIDFD, null, &si, WEXITED), EBADF);
	CHECK_ERRNO(waitid(P_PIDFD, -1, &si, WEXITED), EINVAL);
	close(fd);
	close(null);
}

TEST(getfd)
{
	int ev = eventfd(5, 0), go[2];
	uint64_t v = 0;
	pid_t pid;
	int fd, got;

	REQUIRE(!pipe(go));
	pid = sleeper();
	close(go[0]);
	fd = CHECK_OK(pidfd_open(pid, 0));
	got = CHECK_OK(syscall(SYS_pidfd_getfd, fd, ev, 0));
	CHECK(got != ev);
	CHECK_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(got, &v, 8), 8);
	CHECK_EQ(v, 5);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 9999, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, ev, 0, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, ev, 1), EINVAL);
	close(got);
	if (geteuid() == 0)
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, ev, 0), EPERM);
			CHECK_ERRNO(send_signal(fd, 0, NULL, 0), EPERM);
		}
	kill_and_reap(pid);
	close(fd);
	close(ev);
	close(go[1]);
}

TEST(mrelease)
{
	pid_t pid = sleeper();
	int fd = CHECK_OK(pidfd_open(pid, 0));

	CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_mrelease, -1, 0), EBADF);
	kill(pid, SIGKILL);
	if (syscall(SYS_process_mrelease, fd, 0)) /* it may be gone already */
		CHECK_EQ(errno, ESRCH);
	abi_wait(pid);
	CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), ESRCH);
	close(fd);
}
