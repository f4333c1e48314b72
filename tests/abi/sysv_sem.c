// System V semaphores: semget(2), semop(2), semtimedop(2), semctl(2), SEM_UNDO.
#include "abi.h"
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int set_of(int n)
{
	return CHECK_OK(semget(IPC_PRIVATE, n, 0600));
}

static int val(int id, int num)
{
	return CHECK_OK(semctl(id, num, GETVAL));
}

static int op(int id, int num, int n, int flags)
{
	struct sembuf s = { num, n, flags };

	return semop(id, &s, 1);
}

static void drop(int id)
{
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

static key_t some_key(void)
{
	return 0x6e000000 | (getpid() & 0xffff) << 4 | 1;
}

TEST(values)
{
	int id = set_of(3);
	unsigned short v[3] = { 1, 2, 3 }, w[3];

	CHECK_EQ(val(id, 0), 0);
	CHECK_OK(semctl(id, 1, SETVAL, (union arg){ .val = 5 }));
	CHECK_EQ(val(id, 1), 5);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_OK(semctl(id, 0, SETALL, (union arg){ .array = v }));
	CHECK_OK(semctl(id, 0, GETALL, (union arg){ .array = w }));
	CHECK(!memcmp(v, w, sizeof(v)));
	CHECK_OK(op(id, 2, 4, 0));
	CHECK_EQ(val(id, 2), 7);
	CHECK_OK(op(id, 2, -7, 0));
	CHECK_EQ(val(id, 2), 0);
	CHECK_OK(op(id, 2, 0, 0));
	drop(id);
}

/* All or nothing. */
TEST(several_at_once)
{
	int id = set_of(2);
	struct sembuf s[3] = { { 0, 2, 0 }, { 1, -1, IPC_NOWAIT }, { 0, 1, 0 } };

	CHECK_ERRNO(semop(id, s, 3), EAGAIN);
	CHECK_EQ(val(id, 0), 0);
	CHECK_OK(op(id, 1, 1, 0));
	CHECK_OK(semop(id, s, 3));
	CHECK_EQ(val(id, 0), 3);
	CHECK_EQ(val(id, 1), 0);
	drop(id);
}

TEST(keys)
{
	key_t key = some_key();
	int id;

	CHECK_ERRNO(semget(key, 2, 0600), ENOENT);
	id = CHECK_OK(semget(key, 2, IPC_CREAT | 0600));
	CHECK_EQ(semget(key, 0, 0), id);
	CHECK_EQ(semget(key, 2, IPC_CREAT | 0600), id);
	CHECK_ERRNO(semget(key, 3, 0600), EINVAL);
	CHECK_ERRNO(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	drop(id);
}

TEST(errors)
{
	static struct sembuf many[501];
	struct semid_ds ds;
	struct timespec bad = { 0, 1000000000 }, neg = { -1, 0 };
	int id = set_of(2);

	CHECK_ERRNO(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERRNO(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	CHECK_ERRNO(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	CHECK_ERRNO(op(id, 2, 1, 0), EFBIG);
	CHECK_ERRNO(op(-1, 0, 1, 0), EINVAL);
	CHECK_ERRNO(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	CHECK_ERRNO(semop(id, many, 0), EINVAL);
	CHECK_ERRNO(semop(id, many, 501), E2BIG);
	CHECK_ERRNO(syscall(SYS_semop, id, bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_semtimedop, id, many, 1, bad_ptr()), EFAULT);
	CHECK_ERRNO(semtimedop(id, many, 1, &bad), EINVAL);
	CHECK_ERRNO(semtimedop(id, many, 1, &neg), EINVAL);
	CHECK_ERRNO(semctl(id, 2, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(id, -1, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(id, 0, 99), EINVAL);
	CHECK_ERRNO(semctl(-1, 0, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(id, 0, SETVAL, (union arg){ .val = -1 }), ERANGE);
	CHECK_ERRNO(semctl(id, 0, SETVAL, (union arg){ .val = 32768 }), ERANGE);
	CHECK_ERRNO(semctl(id, 2, SETVAL, (union arg){ .val = 1 }), EINVAL);
	CHECK_OK(semctl(id, 0, SETVAL, (union arg){ .val = 32767 }));
	CHECK_ERRNO(op(id, 0, 1, 0), ERANGE);
	CHECK_ERRNO(semctl(id, 0, SETALL, (union arg){ .array = bad_ptr() }), EFAULT);
	CHECK_ERRNO(semctl(id, 0, GETALL, (union arg){ .array = bad_ptr() }), EFAULT);
	CHECK_ERRNO(semctl(id, 0, SETALL, (union arg){ .array = (unsigned short[]){ 1, 40000 } }),
		    ERANGE);
	CHECK_ERRNO(syscall(SYS_semctl, id, 0, IPC_STAT, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_semctl, id, 0, IPC_SET, bad_ptr()), EFAULT);
	CHECK_ERRNO(semctl(id + (1 << 15), 0, IPC_STAT, (union arg){ .buf = &ds }), EINVAL);
	drop(id);
	CHECK_ERRNO(semctl(id, 0, IPC_RMID), EINVAL);
	CHECK_ERRNO(op(id, 0, 1, 0), EINVAL);
}

TEST(stat_and_set)
{
	time_t now = time(NULL);
	struct semid_ds ds;
	int id = set_of(4);

	CHECK_OK(semctl(id, 0, IPC_STAT, (union arg){ .buf = &ds }));
	CHECK_EQ(ds.sem_nsems, 4);
	CHECK_EQ(ds.sem_otime, 0);
	CHECK(ds.sem_ctime >= now - 1);
	CHECK_EQ(ds.sem_perm.mode, 0600);
	CHECK_OK(op(id, 0, 1, 0));
	ds.sem_perm.mode = 0640;
	CHECK_OK(semctl(id, 0, IPC_SET, (union arg){ .buf = &ds }));
	CHECK_OK(semctl(id, 0, IPC_STAT, (union arg){ .buf = &ds }));
	CHECK(ds.sem_otime >= now - 1);
	CHECK_EQ(ds.sem_perm.mode, 0640);
	drop(id);
}

TEST(info)
{
	struct seminfo info;
	struct semid_ds ds;
	int id = set_of(2), max, found = 0;

	max = CHECK_OK(semctl(0, 0, IPC_INFO, (union arg){ .info = &info }));
	CHECK(info.semmsl > 0 && info.semvmx == 32767 && info.semopm > 0);
	CHECK_OK(semctl(0, 0, SEM_INFO, (union arg){ .info = &info }));
	CHECK(info.semusz >= 1);
	CHECK(info.semaem >= 2);
	for (int i = 0; i <= max; i++)
		found += semctl(i, 0, SEM_STAT, (union arg){ .buf = &ds }) == id;
	CHECK_EQ(found, 1);
	drop(id);
}

static void *waiter(void *arg)
{
	int *a = arg; /* id, num, op, result */

	a[3] = op(a[0], a[1], a[2], 0) ? errno : 0;
	return NULL;
}

TEST(wait_for_growth_and_zero)
{
	int id = set_of(2), a[4] = { id, 0, -2, -1 }, b[4] = { id, 1, 0, -1 };
	pthread_t ta, tb;

	CHECK_OK(op(id, 1, 1, 0));
	REQUIRE(!pthread_create(&ta, NULL, waiter, a));
	REQUIRE(!pthread_create(&tb, NULL, waiter, b));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1 && semctl(id, 1, GETZCNT) == 1);
	CHECK_EQ(semctl(id, 0, GETZCNT), 0);
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	CHECK_OK(op(id, 0, 1, 0));
	abi_sleep_ms(5);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	CHECK_OK(op(id, 0, 1, 0));
	CHECK_OK(op(id, 1, -1, 0));
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	CHECK_EQ(a[3], 0);
	CHECK_EQ(b[3], 0);
	CHECK_EQ(val(id, 0), 0);
	drop(id);
}

TEST(removed_while_waiting)
{
	int id = set_of(1), a[4] = { id, 0, -1, -1 };
	pthread_t t;

	REQUIRE(!pthread_create(&t, NULL, waiter, a));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	drop(id);
	pthread_join(t, NULL);
	CHECK_EQ(a[3], EIDRM);
}

TEST(timeout)
{
	struct timespec ts = { 0, 20000000 };
	struct sembuf s = { 0, -1, 0 };
	int64_t start = abi_now_ns();
	int id = set_of(1);

	CHECK_ERRNO(semtimedop(id, &s, 1, &ts), EAGAIN);
	CHECK(abi_now_ns() - start >= 20000000);
	ts = (struct timespec){ 0, 0 };
	CHECK_ERRNO(semtimedop(id, &s, 1, &ts), EAGAIN);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	drop(id);
}

static void on_signal(int sig ABI_UNUSED)
{
}

TEST_FORK(interrupted_even_with_restart)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval it = { .it_value = { 0, 20000 } };
	int id = set_of(1);

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(op(id, 0, -1, 0), EINTR);
	drop(id);
}

TEST(undo_at_exit)
{
	int id = set_of(2);

	CHECK_OK(op(id, 0, 5, 0));
	IN_CHILD
	{
		CHECK_OK(op(id, 0, -2, SEM_UNDO));
		CHECK_OK(op(id, 1, 3, SEM_UNDO));
		CHECK_OK(op(id, 1, 4, 0));
		CHECK_EQ(val(id, 0), 3);
	}
	CHECK_EQ(val(id, 0), 5);
	CHECK_EQ(val(id, 1), 4);
	IN_CHILD
	{ /* SETVAL clears what was to be undone */
		CHECK_OK(op(id, 0, -2, SEM_UNDO));
		CHECK_OK(semctl(id, 0, SETVAL, (union arg){ .val = 9 }));
	}
	CHECK_EQ(val(id, 0), 9);
	IN_CHILD
	{ /* never below zero */
		CHECK_OK(op(id, 0, 1, SEM_UNDO));
		CHECK_OK(op(id, 0, -10, 0));
	}
	CHECK_EQ(val(id, 0), 0);
	drop(id);
}

/* What is noted belongs to one IPC namespace: who enters another one undoes it there and then. */
TEST_FORK(undo_ends_with_the_namespace)
{
	int id = set_of(1), own, other, end[2];
	char path[64];
	pid_t child;

	NEED_CAP(CAP_SYS_ADMIN);
	CHECK_OK(pipe(end));
	CHECK_OK(op(id, 0, 5, 0));
	child = CHECK_OK(fork());
	if (!child) {
		char c = unshare(CLONE_NEWIPC) ? 'n' : 'y';

		_exit(write(end[1], &c, 1) != 1 || pause());
	}
	CHECK_EQ(read(end[0], path, 1), 1);
	CHECK_EQ(path[0], 'y');
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", child);
	other = CHECK_OK(open(path, O_RDONLY));
	CHECK_OK(op(id, 0, -2, SEM_UNDO));
	CHECK_EQ(val(id, 0), 3);
	own = CHECK_OK(open("/proc/self/ns/ipc", O_RDONLY));
	CHECK_OK(setns(other, CLONE_NEWIPC));
	CHECK_ERRNO(semctl(id, 0, GETVAL), EINVAL);
	CHECK_OK(setns(own, CLONE_NEWIPC));
	CHECK_EQ(val(id, 0), 5);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	drop(id);
}

static void *undo_thread(void *arg)
{
	return (void *)(long)op(*(int *)arg, 0, 3, SEM_UNDO);
}

TEST(undo_belongs_to_the_process)
{
	int id = set_of(1);

	IN_CHILD
	{
		pthread_t t;

		REQUIRE(!pthread_create(&t, NULL, undo_thread, &id));
		pthread_join(t, NULL);
		CHECK_EQ(val(id, 0), 3);
	}
	CHECK_EQ(val(id, 0), 0);
	drop(id);
}

HELPER(after_exec)
{
	return semctl(atoi(argv[0]), 0, GETVAL) != 1;
}

TEST(undo_survives_exec)
{
	int id = set_of(1);
	char num[16];
	pid_t pid;

	snprintf(num, sizeof(num), "%d", id);
	pid = abi_fork();
	if (!pid) {
		if (op(id, 0, 1, SEM_UNDO))
			_exit(2);
		execl(abi_self, abi_self, "@after_exec", num, NULL);
		_exit(3);
	}
	CHECK_EQ(abi_wait(pid), 0);
	CHECK_EQ(val(id, 0), 0);
	drop(id);
}

TEST(undo_wakes_others)
{
	int id = set_of(1), a[4] = { id, 0, -1, -1 };
	pthread_t t;

	CHECK_OK(op(id, 0, 1, 0));
	IN_CHILD
	{
		CHECK_OK(op(id, 0, -1, SEM_UNDO));
		WAIT_UNTIL(semctl(id, 0, GETVAL) == 0);
	}
	REQUIRE(!pthread_create(&t, NULL, waiter, a));
	pthread_join(t, NULL);
	CHECK_EQ(a[3], 0);
	drop(id);
}

TEST(undo_after_removal)
{
	IN_CHILD
	{
		int id = set_of(1);

		CHECK_OK(op(id, 0, 1, SEM_UNDO));
		drop(id);
		id = set_of(1);
		CHECK_OK(op(id, 0, 1, SEM_UNDO));
		drop(id);
	}
}

TEST(rights)
{
	int ro, none;

	NEED_ROOT();
	ro = CHECK_OK(semget(IPC_PRIVATE, 1, 0644));
	none = CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
	IN_CHILD_AS(NOBODY)
	{
		struct semid_ds ds;

		CHECK_EQ(val(ro, 0), 0);
		CHECK_OK(op(ro, 0, 0, 0));
		CHECK_ERRNO(op(ro, 0, 1, 0), EACCES);
		CHECK_ERRNO(semctl(ro, 0, SETVAL, (union arg){ .val = 1 }), EACCES);
		CHECK_ERRNO(semctl(ro, 0, SETALL, (union arg){ .array = (unsigned short[]){ 1 } }),
			    EACCES);
		CHECK_ERRNO(semctl(none, 0, GETVAL), EACCES);
		CHECK_ERRNO(semctl(none, 0, IPC_STAT, (union arg){ .buf = &ds }), EACCES);
		CHECK_ERRNO(semctl(none, 0, IPC_RMID), EPERM);
		CHECK_ERRNO(op(none, 0, 0, IPC_NOWAIT), EACCES);
	}
	drop(ro);
	drop(none);
}

/* A ring of processes passes a token. */
TEST(token_ring)
{
	enum { N = 4, ROUNDS = 200 };
	int id = set_of(N);
	pid_t pid[N];

	for (int i = 0; i < N; i++) {
		pid[i] = abi_fork();
		if (!pid[i]) {
			for (int r = 0; r < ROUNDS; r++) {
				CHECK_OK(op(id, i, -1, 0));
				CHECK_OK(op(id, (i + 1) % N, 1, 0));
			}
			abi_exit();
		}
	}
	CHECK_OK(op(id, 0, 1, 0));
	for (int i = 0; i < N; i++)
		abi_reap(pid[i]);
	CHECK_EQ(val(id, 0), 1);
	drop(id);
}
