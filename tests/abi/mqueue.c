// POSIX message queues: mq_open(2) and its kin, /dev/mqueue, notification, limits.
#include "abi.h"
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>

static char name[64];

static mqd_t fresh(int flags, long maxmsg, long msgsize)
{
	struct mq_attr a = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };

	snprintf(name, sizeof(name), "/abi-%d-%lx", getpid(), (long)(abi_now_ns() & 0xffffff));
	return CHECK_OK(mq_open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0600, &a));
}

static void done(mqd_t q)
{
	CHECK_OK(mq_close(q));
	CHECK_OK(mq_unlink(name));
}

TEST(send_and_receive)
{
	mqd_t q = fresh(0, 4, 32);
	char buf[32];
	unsigned prio;

	REQUIRE(q >= 0);
	CHECK_OK(mq_send(q, "low", 4, 1));
	CHECK_OK(mq_send(q, "high", 5, 9));
	CHECK_OK(mq_send(q, "low2", 5, 1));
	CHECK_OK(mq_send(q, "", 0, 32767));
	CHECK_EQ(mq_receive(q, buf, 32, &prio), 0);
	CHECK_EQ(prio, 32767);
	CHECK_EQ(mq_receive(q, buf, 32, &prio), 5);
	CHECK_STR(buf, "high");
	CHECK_EQ(prio, 9);
	CHECK_EQ(mq_receive(q, buf, 32, NULL), 4);
	CHECK_STR(buf, "low");
	CHECK_EQ(mq_receive(q, buf, 32, NULL), 5);
	CHECK_STR(buf, "low2");
	done(q);
}

TEST(attributes)
{
	mqd_t q = fresh(O_NONBLOCK, 3, 16);
	struct mq_attr a, b = { .mq_flags = 0, .mq_maxmsg = 99 };
	struct stat st;
	char buf[16];

	CHECK_OK(mq_getattr(q, &a));
	CHECK_EQ(a.mq_flags, O_NONBLOCK);
	CHECK_EQ(a.mq_maxmsg, 3);
	CHECK_EQ(a.mq_msgsize, 16);
	CHECK_EQ(a.mq_curmsgs, 0);
	CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(mq_receive(q, buf, 16, NULL), EAGAIN);
	for (int i = 0; i < 3; i++)
		CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK_ERRNO(mq_send(q, "x", 1, 0), EAGAIN);
	CHECK_OK(mq_setattr(q, &b, &a));
	CHECK_EQ(a.mq_curmsgs, 3);
	CHECK_OK(mq_getattr(q, &a));
	CHECK_EQ(a.mq_flags, 0);
	CHECK_EQ(a.mq_maxmsg, 3);
	b.mq_flags = 1;
	CHECK_ERRNO(mq_setattr(q, &b, NULL), EINVAL);
	CHECK_OK(fstat(q, &st));
	CHECK_EQ(st.st_size, 80);
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	done(q);
}

TEST(open_errors)
{
	mqd_t q = fresh(0, 1, 1);
	struct mq_attr bad[] = { { .mq_maxmsg = 0, .mq_msgsize = 1 },
				 { .mq_maxmsg = 1, .mq_msgsize = 0 },
				 { .mq_maxmsg = -1, .mq_msgsize = 1 },
				 { .mq_maxmsg = 65537, .mq_msgsize = 1 },
				 { .mq_maxmsg = 1, .mq_msgsize = 16777217 } };
	char lng[300];

	CHECK_ERRNO(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	CHECK_ERRNO(mq_open("/abi-not-there", O_RDWR), ENOENT);
	CHECK_ERRNO(mq_unlink("/abi-not-there"), ENOENT);
	CHECK_ERRNO(syscall(SYS_mq_open, "a/b", O_RDWR, 0, NULL), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_open, "..", O_RDWR, 0, NULL), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_open, "", O_RDWR, 0, NULL), ENOENT);
	CHECK_ERRNO(syscall(SYS_mq_open, bad_ptr(), O_RDWR, 0, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_open, "x", O_RDWR | O_CREAT, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_open, name + 1, O_ACCMODE, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_mq_unlink, "a/b"), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_unlink, bad_ptr()), EFAULT);
	memset(lng, 'n', sizeof(lng));
	lng[0] = '/';
	lng[257] = 0;
	CHECK_ERRNO(mq_open(lng, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	CHECK_ERRNO(mq_unlink(lng), ENAMETOOLONG);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERRNO(mq_open("/abi-bad", O_RDWR | O_CREAT, 0600, &bad[i]), EINVAL);
	done(q);
}

TEST(io_errors)
{
	mqd_t q = fresh(0, 2, 8), r;
	struct timespec bad = { 0, -1 }, past = { 1, 0 };
	int null = open("/dev/null", O_RDWR);
	struct mq_attr a;
	char buf[8];

	CHECK_ERRNO(mq_send(q, "123456789", 9, 0), EMSGSIZE);
	CHECK_ERRNO(mq_receive(q, buf, 7, NULL), EMSGSIZE);
	CHECK_ERRNO(mq_send(q, "", 0, 32768), EINVAL);
	CHECK_ERRNO(mq_send(-1, "", 0, 0), EBADF);
	CHECK_ERRNO(mq_send(null, "", 0, 0), EBADF);
	CHECK_ERRNO(mq_receive(null, buf, 8, NULL), EBADF);
	CHECK_ERRNO(mq_getattr(null, &a), EBADF);
	CHECK_ERRNO(mq_notify(null, NULL), EBADF);
	CHECK_ERRNO(syscall(SYS_mq_timedsend, q, bad_ptr(), 4, 0, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_timedsend, q, buf, 4, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, q, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, q, NULL, bad_ptr()), EFAULT);
	CHECK_ERRNO(mq_timedreceive(q, buf, 8, NULL, &bad), EINVAL);
	CHECK_ERRNO(mq_timedreceive(q, buf, 8, NULL, &past), ETIMEDOUT);
	CHECK_OK(mq_send(q, "1", 1, 0));
	CHECK_OK(mq_send(q, "2", 1, 0));
	CHECK_ERRNO(mq_timedsend(q, "3", 1, 0, &past), ETIMEDOUT);
	r = CHECK_OK(mq_open(name, O_RDONLY));
	CHECK_ERRNO(mq_send(r, "", 0, 0), EBADF);
	CHECK_OK(mq_close(r));
	r = CHECK_OK(mq_open(name, O_WRONLY));
	CHECK_ERRNO(mq_receive(r, buf, 8, NULL), EBADF);
	CHECK_OK(mq_close(r));
	close(null);
	done(q);
}

static void *receiver(void *arg)
{
	static char buf[16];

	return (void *)mq_receive(*(mqd_t *)arg, buf, 16, NULL);
}

static void *sender(void *arg)
{
	return (void *)(long)mq_send(*(mqd_t *)arg, "late", 4, 0);
}

TEST(blocking)
{
	mqd_t q = fresh(0, 1, 16);
	pthread_t t;
	void *ret;
	char buf[16];

	REQUIRE(!pthread_create(&t, NULL, receiver, &q));
	abi_sleep_ms(10);
	CHECK_OK(mq_send(q, "abc", 3, 0));
	pthread_join(t, &ret);
	CHECK_EQ(ret, 3);
	CHECK_OK(mq_send(q, "abc", 3, 0));
	REQUIRE(!pthread_create(&t, NULL, sender, &q));
	abi_sleep_ms(10);
	CHECK_EQ(mq_receive(q, buf, 16, NULL), 3);
	pthread_join(t, &ret);
	CHECK_EQ(ret, 0);
	CHECK_EQ(mq_receive(q, buf, 16, NULL), 4);
	done(q);
}

TEST(timeout)
{
	mqd_t q = fresh(0, 1, 16);
	struct timespec ts;
	int64_t start = abi_now_ns();
	char buf[16];

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	CHECK_ERRNO(mq_timedreceive(q, buf, 16, NULL, &ts), ETIMEDOUT);
	CHECK(abi_now_ns() - start >= 19000000);
	done(q);
}

static void on_alarm(int sig ABI_UNUSED)
{
}

TEST_FORK(interrupted)
{
	mqd_t q = fresh(0, 1, 16);
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { 0, 20000 } };
	char buf[16];

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(mq_receive(q, buf, 16, NULL), EINTR);
	done(q);
}

TEST(polling)
{
	mqd_t q = fresh(0, 1, 16);
	struct pollfd p = { q, POLLIN | POLLOUT, 0 };
	char buf[16];

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(mq_receive(q, buf, 16, NULL), 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	done(q);
}

static siginfo_t got;

static void on_notify(int sig ABI_UNUSED, siginfo_t *info, void *ctx ABI_UNUSED)
{
	got = *info;
}

TEST_FORK(notify_by_signal)
{
	mqd_t q = fresh(0, 4, 16);
	struct sigaction sa = { .sa_sigaction = on_notify, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 77 };
	char buf[128];
	int fd;

	sigaction(SIGUSR1, &sa, NULL);
	CHECK_OK(mq_notify(q, &ev));
	CHECK_ERRNO(mq_notify(q, &ev), EBUSY);
	CHECK_OK(mq_send(q, "12345", 5, 0));
	CHECK_EQ(got.si_signo, SIGUSR1);
	CHECK_EQ(got.si_code, SI_MESGQ);
	CHECK_EQ(got.si_pid, getpid());
	CHECK_EQ(got.si_uid, getuid());
	CHECK_EQ(got.si_value.sival_int, 77);
	got.si_signo = 0;
	/* Once only, and only for a queue that was empty. */
	CHECK_OK(mq_notify(q, &ev));
	CHECK_OK(mq_send(q, "6", 1, 0));
	CHECK_EQ(got.si_signo, 0);
	fd = dup(q);
	CHECK_OK(lseek(fd, 0, SEEK_SET));
	buf[CHECK_OK(read(fd, buf, sizeof(buf) - 1))] = 0;
	CHECK(strstr(buf, "QSIZE:6 ") == buf);
	CHECK(strstr(buf, "SIGNO:10 ") != NULL);
	close(fd); /* any close by this process takes the registration back */
	CHECK_OK(mq_notify(q, &ev));
	CHECK_OK(mq_notify(q, NULL));
	CHECK_OK(mq_notify(q, &ev));
	done(q);
}

static int called_with;

static void on_message(union sigval v)
{
	__atomic_store_n(&called_with, v.sival_int, __ATOMIC_SEQ_CST);
}

TEST_FORK(notify_by_thread)
{
	mqd_t q = fresh(0, 4, 16);
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD,
			       .sigev_notify_function = on_message,
			       .sigev_value.sival_int = 12 };
	char buf[16];

	if (mq_notify(q, &ev)) {
		CHECK_EQ(errno, ENOSYS); /* libc has no netlink socket */
		SKIP("no netlink");
	}
	CHECK_OK(mq_send(q, "x", 1, 0));
	WAIT_UNTIL(__atomic_load_n(&called_with, __ATOMIC_SEQ_CST) == 12);
	CHECK_EQ(mq_receive(q, buf, 16, NULL), 1);
	ev.sigev_value.sival_int = 13;
	CHECK_OK(mq_notify(q, &ev));
	CHECK_OK(mq_notify(q, NULL));
	CHECK_OK(mq_send(q, "y", 1, 0));
	abi_sleep_ms(20);
	CHECK_EQ(__atomic_load_n(&called_with, __ATOMIC_SEQ_CST), 12);
	done(q);
}

TEST(notify_errors)
{
	mqd_t q = fresh(0, 4, 16);
	struct sigevent ev = { .sigev_notify = 17 };

	CHECK_ERRNO(mq_notify(q, &ev), EINVAL);
	ev = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	CHECK_ERRNO(mq_notify(q, &ev), EINVAL);
	CHECK_ERRNO(syscall(SYS_mq_notify, q, bad_ptr()), EFAULT);
	ev = (struct sigevent){ .sigev_notify = SIGEV_THREAD, .sigev_signo = q };
	ev.sigev_value.sival_ptr = bad_ptr();
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &ev), EFAULT);
	ev.sigev_value.sival_ptr = name;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &ev), ENOTSOCK);
	ev.sigev_signo = -1;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &ev), EBADF);
	CHECK_OK(mq_notify(q, NULL));
	done(q);
}

TEST(rights)
{
	mqd_t q;

	NEED_ROOT();
	q = fresh(0, 4, 16);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(mq_open(name, O_RDONLY), EACCES);
		CHECK_ERRNO(syscall(SYS_mq_unlink, name + 1), EPERM);
	}
	CHECK_OK(fchmod(q, 0644));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(mq_open(name, O_RDONLY));
		CHECK_ERRNO(mq_open(name, O_WRONLY), EACCES);
	}
	done(q);
}

TEST(unlinked_lives_on)
{
	mqd_t q = fresh(0, 4, 16), r;
	char buf[16];

	CHECK_OK(mq_unlink(name));
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
	r = CHECK_OK(mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL));
	CHECK_ERRNO(mq_receive(r, buf, 9000, NULL), EAGAIN);
	CHECK_EQ(mq_receive(q, buf, 16, NULL), 1);
	CHECK_OK(mq_close(q));
	done(r);
}

TEST(limit_of_user)
{
	struct rlimit old, lim;
	mqd_t q;

	getrlimit(RLIMIT_MSGQUEUE, &old);
	IN_CHILD
	{
		lim = (struct rlimit){ 1000, old.rlim_max };
		CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &lim));
		CHECK_ERRNO(mq_open("/abi-limit", O_RDWR | O_CREAT, 0600, NULL), EMFILE);
		CHECK_ERRNO(mq_open("/abi-limit", O_RDWR), ENOENT);
	}
	q = fresh(0, 4, 16);
	done(q);
}

TEST(file_system)
{
	char path[128], buf[128];
	mqd_t q;
	int fd;

	if (access("/dev/mqueue", X_OK))
		SKIP("mqueue is not mounted");
	q = fresh(0, 4, 16);
	snprintf(path, sizeof(path), "/dev/mqueue%s", name);
	if (access(path, F_OK) && !abi_sandboxed()) {
		done(q);
		SKIP("/dev/mqueue is of another namespace");
	}
	CHECK_OK(mq_send(q, "xyz", 3, 0));
	fd = CHECK_OK(open(path, O_RDONLY));
	buf[CHECK_OK(read(fd, buf, sizeof(buf) - 1))] = 0;
	CHECK_STR(buf, "QSIZE:3          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	close(fd);
	CHECK_OK(unlink(path));
	CHECK_ERRNO(mq_unlink(name), ENOENT);
	CHECK_OK(mq_close(q));
	fd = CHECK_OK(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	q = CHECK_OK(mq_open(name, O_RDWR));
	CHECK_ERRNO(mkdir("/dev/mqueue/dir", 0700), EPERM);
	close(fd);
	done(q);
}

TEST(parameters)
{
	static const char *const names[] = { "queues_max", "msg_max", "msgsize_max", "msg_default",
					     "msgsize_default" };
	char path[64], buf[32];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", names[i]);
		fd = CHECK_OK(open(path, O_RDONLY));
		memset(buf, 0, sizeof(buf));
		CHECK_OK(read(fd, buf, sizeof(buf) - 1));
		CHECK(atoi(buf) > 0);
		close(fd);
	}
}
