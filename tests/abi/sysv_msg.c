// System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#include "abi.h"
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>

struct msg {
	long type;
	char text[64];
};

static int queue(void)
{
	return CHECK_OK(msgget(IPC_PRIVATE, 0600));
}

static void drop(int id)
{
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
}

static int put(int id, long type, const char *text)
{
	struct msg m = { .type = type };

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text) + 1, IPC_NOWAIT);
}

static const char *take(int id, long type, int flags)
{
	static struct msg m;

	memset(&m, 0, sizeof(m));
	return msgrcv(id, &m, sizeof(m.text), type, flags | IPC_NOWAIT) < 0 ? abi_errname(errno)
									    : m.text;
}

static struct msqid_ds stat_of(int id)
{
	struct msqid_ds ds = { 0 };

	CHECK_OK(msgctl(id, IPC_STAT, &ds));
	return ds;
}

TEST(types)
{
	int id = queue();

	CHECK_OK(put(id, 3, "c1"));
	CHECK_OK(put(id, 1, "a1"));
	CHECK_OK(put(id, 2, "b1"));
	CHECK_OK(put(id, 1, "a2"));
	CHECK_OK(put(id, 3, "c2"));
	CHECK_EQ(stat_of(id).msg_qnum, 5);
	CHECK_STR(take(id, 2, 0), "b1");
	CHECK_STR(take(id, -2, 0), "a1");
	CHECK_STR(take(id, 3, MSG_EXCEPT), "a2");
	CHECK_STR(take(id, 0, 0), "c1");
	CHECK_STR(take(id, -3, 0), "c2");
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	CHECK_EQ(stat_of(id).__msg_cbytes, 0);
	drop(id);
}

TEST(sizes)
{
	static struct {
		long type;
		char text[9000];
	} big = { .type = 1 };
	int id = queue();
	struct msg m;

	CHECK_ERRNO(msgsnd(id, &big, 8193, 0), EINVAL);
	memset(big.text, 'x', sizeof(big.text));
	CHECK_OK(msgsnd(id, &big, 8192, 0));
	CHECK_EQ(stat_of(id).__msg_cbytes, 8192);
	CHECK_ERRNO(msgrcv(id, &m, sizeof(m.text), 0, 0), E2BIG);
	CHECK_EQ(msgrcv(id, &m, sizeof(m.text), 0, MSG_NOERROR), 64);
	CHECK_EQ(stat_of(id).msg_qnum, 0);
	CHECK_OK(msgsnd(id, &big, 0, 0));
	CHECK_EQ(msgrcv(id, &m, 0, 0, 0), 0);
	CHECK_EQ(m.type, 1);
	drop(id);
}

TEST(keys)
{
	key_t key = 0x6f000000 | (getpid() & 0xffff) << 4;
	int id;

	CHECK_ERRNO(msgget(key, 0600), ENOENT);
	id = CHECK_OK(msgget(key, IPC_CREAT | 0600));
	CHECK_EQ(msgget(key, 0), id);
	CHECK_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	drop(id);
	CHECK_ERRNO(msgget(key, 0), ENOENT);
}

TEST(errors)
{
	struct msg m = { .type = 0 };
	int id = queue();
	struct msqid_ds ds;

	CHECK_ERRNO(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = -1;
	CHECK_ERRNO(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = 1;
	CHECK_ERRNO(msgsnd(-1, &m, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgsnd, id, &m, -1L, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgsnd, id, bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(msgrcv(id, &m, 1, 0, IPC_NOWAIT), ENOMSG);
	CHECK_ERRNO(msgrcv(-1, &m, 1, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgrcv, id, &m, -1L, 0L, 0), EINVAL);
	CHECK_ERRNO(msgrcv(id, &m, 1, 0, MSG_COPY), EINVAL);
	CHECK_ERRNO(msgrcv(id, &m, 1, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	CHECK_OK(msgsnd(id, &m, 1, 0));
	CHECK_ERRNO(syscall(SYS_msgrcv, id, bad_ptr(), 1, 0L, 0), EFAULT);
	CHECK_ERRNO(msgctl(id, 99, &ds), EINVAL);
	CHECK_ERRNO(msgctl(-1, IPC_STAT, &ds), EINVAL);
	CHECK_ERRNO(syscall(SYS_msgctl, id, IPC_STAT, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_msgctl, id, IPC_SET, bad_ptr()), EFAULT);
	CHECK_ERRNO(msgctl(id + (1 << 15), IPC_STAT, &ds), EINVAL);
	drop(id);
	CHECK_ERRNO(msgsnd(id, &m, 1, 0), EINVAL);
	CHECK_ERRNO(msgrcv(id, &m, 1, 0, 0), EINVAL);
	CHECK_ERRNO(msgctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(full_queue)
{
	int id = queue(), n = 0;
	struct msqid_ds ds = stat_of(id);
	struct msg m = { .type = 1 };

	CHECK_EQ(ds.msg_qbytes, 16384);
	ds.msg_qbytes = 128;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	while (!msgsnd(id, &m, 64, IPC_NOWAIT))
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 2);
	drop(id);
	id = queue();
	ds = stat_of(id);
	ds.msg_qbytes = 3;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	for (n = 0; !msgsnd(id, &m, 0, IPC_NOWAIT); n++)
		;
	CHECK_EQ(n, 3);
	drop(id);
}

TEST(stat_fields)
{
	time_t now = time(NULL);
	int id = queue();
	struct msqid_ds ds = stat_of(id);

	CHECK_EQ(ds.msg_perm.mode, 0600);
	CHECK(ds.msg_ctime >= now - 1);
	CHECK_EQ(ds.msg_stime, 0);
	CHECK_EQ(ds.msg_lspid, 0);
	CHECK_OK(put(id, 1, "x"));
	ds = stat_of(id);
	CHECK(ds.msg_stime >= now - 1);
	CHECK_EQ(ds.msg_lspid, getpid());
	CHECK_EQ(ds.msg_qnum, 1);
	CHECK_EQ(ds.__msg_cbytes, 2);
	CHECK_STR(take(id, 0, 0), "x");
	ds = stat_of(id);
	CHECK(ds.msg_rtime >= now - 1);
	CHECK_EQ(ds.msg_lrpid, getpid());
	drop(id);
}

static void *receiver(void *arg)
{
	long *a = arg; /* id, type, result, thread */
	struct msg m;

	__atomic_store_n(&a[3], syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	a[2] = msgrcv(a[0], &m, sizeof(m.text), a[1], 0) < 0 ? -errno : m.type;
	return NULL;
}

TEST(blocking)
{
	int id = queue();
	long a[4] = { id, 5, 0, 0 }, b[4] = { id, 6, 0, 0 };
	pthread_t ta, tb;

	REQUIRE(!pthread_create(&ta, NULL, receiver, a));
	REQUIRE(!pthread_create(&tb, NULL, receiver, b));
	WAIT_UNTIL(__atomic_load_n(&a[3], __ATOMIC_SEQ_CST) && abi_sleeps_in(a[3], SYS_msgrcv));
	WAIT_UNTIL(__atomic_load_n(&b[3], __ATOMIC_SEQ_CST) && abi_sleeps_in(b[3], SYS_msgrcv));
	CHECK_OK(put(id, 5, "five"));
	pthread_join(ta, NULL);
	CHECK_EQ(a[2], 5);
	drop(id);
	pthread_join(tb, NULL);
	CHECK_EQ(b[2], -EIDRM);
}

static void *sender(void *arg)
{
	long *a = arg;
	struct msg m = { .type = 2 };

	a[2] = msgsnd(a[0], &m, 64, 0) ? -errno : 0;
	return NULL;
}

TEST(sender_waits_for_room)
{
	int id = queue();
	struct msqid_ds ds = stat_of(id);
	struct msg m = { .type = 1 };
	long a[3] = { id, 0, 1 };
	pthread_t t;

	ds.msg_qbytes = 64;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	CHECK_OK(msgsnd(id, &m, 64, 0));
	REQUIRE(!pthread_create(&t, NULL, sender, a));
	abi_sleep_ms(10);
	CHECK_EQ(a[2], 1);
	CHECK_EQ(msgrcv(id, &m, 64, 1, 0), 64);
	pthread_join(t, NULL);
	CHECK_EQ(a[2], 0);
	CHECK_EQ(msgrcv(id, &m, 64, 2, 0), 64);
	drop(id);
}

static void on_signal(int sig ABI_UNUSED)
{
}

TEST_FORK(interrupted)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval it = { .it_value = { 0, 20000 } };
	int id = queue();
	struct msg m;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(msgrcv(id, &m, 1, 0, 0), EINTR);
	drop(id);
}

TEST(copy)
{
	int id = queue();
	struct msg m;

	CHECK_OK(put(id, 1, "one"));
	CHECK_OK(put(id, 2, "two"));
	if (msgrcv(id, &m, sizeof(m.text), 1, MSG_COPY | IPC_NOWAIT) < 0 && errno == ENOSYS) {
		drop(id);
		SKIP("no MSG_COPY");
	}
	CHECK_EQ(m.type, 2);
	CHECK_STR(m.text, "two");
	CHECK_ERRNO(msgrcv(id, &m, sizeof(m.text), 2, MSG_COPY | IPC_NOWAIT), ENOMSG);
	CHECK_EQ(stat_of(id).msg_qnum, 2);
	drop(id);
}

TEST(info)
{
	struct msginfo info;
	struct msqid_ds ds;
	int id = queue(), max, found = 0;

	CHECK_OK(put(id, 1, "x"));
	max = CHECK_OK(msgctl(0, IPC_INFO, (void *)&info));
	CHECK_EQ(info.msgmax, 8192);
	CHECK_EQ(info.msgmnb, 16384);
	CHECK_OK(msgctl(0, MSG_INFO, (void *)&info));
	CHECK(info.msgpool >= 1);
	CHECK(info.msgmap >= 1);
	for (int i = 0; i <= max; i++)
		found += msgctl(i, MSG_STAT, &ds) == id;
	CHECK_EQ(found, 1);
	drop(id);
}

TEST(rights)
{
	int id;

	NEED_ROOT();
	id = CHECK_OK(msgget(IPC_PRIVATE, 0644));
	CHECK_OK(put(id, 1, "x"));
	IN_CHILD_AS(NOBODY)
	{
		struct msqid_ds ds = stat_of(id);

		CHECK_ERRNO(put(id, 1, "y"), EACCES);
		CHECK_STR(take(id, 0, 0), "x");
		CHECK_ERRNO(msgctl(id, IPC_SET, &ds), EPERM);
		CHECK_ERRNO(msgctl(id, IPC_RMID, NULL), EPERM);
	}
	drop(id);
	id = queue();
	IN_CHILD_AS(NOBODY)
	{
		struct msqid_ds ds;
		struct msg m;

		CHECK_ERRNO(msgctl(id, IPC_STAT, &ds), EACCES);
		CHECK_ERRNO(msgrcv(id, &m, 1, 0, IPC_NOWAIT), EACCES);
	}
	drop(id);
	IN_CHILD_AS(NOBODY)
	{
		struct msqid_ds ds;

		id = queue();
		ds = stat_of(id);
		ds.msg_qbytes = 16385;
		CHECK_ERRNO(msgctl(id, IPC_SET, &ds), EPERM);
		drop(id);
	}
}

TEST(proc_file)
{
	int id = queue(), found = 0, key, msqid;
	FILE *f = fopen("/proc/sysvipc/msg", "r");
	char line[300];

	REQUIRE(f);
	REQUIRE(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f)) {
		CHECK_EQ(sscanf(line, "%d %d", &key, &msqid), 2);
		found += msqid == id;
	}
	CHECK_EQ(found, 1);
	fclose(f);
	drop(id);
}
