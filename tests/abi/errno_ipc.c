// Errnos of System V objects, POSIX queues, futexes and AIO: rights, limits, objects that go while somebody waits.
#include "interrupted.h"

#include <linux/aio_abi.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

struct message {
	long type;
	char text[8192];
};

static struct message msg = { 1, "" };

TEST(rights)
{
	struct sembuf op = { 0, 1, 0 };
	struct timespec ts = { 0, 0 };
	struct shmid_ds ds;
	int shm, sem, q, key = getpid();

	NEED_ROOT();
	shm = CHECK_OK(shmget(key, PAGE, IPC_CREAT | 0600));
	sem = CHECK_OK(semget(key, 1, IPC_CREAT | 0600));
	q = CHECK_OK(msgget(key, IPC_CREAT | 0600));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_shmget, key, 0, 0600), EACCES);
		CHECK_ERRNO(syscall(SYS_shmat, shm, 0, 0), EACCES);
		CHECK_ERRNO(syscall(SYS_shmctl, shm, IPC_STAT, &ds), EACCES);
		CHECK_ERRNO(syscall(SYS_shmctl, shm, IPC_RMID, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_shmctl, shm, SHM_LOCK, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_semget, key, 0, 0600), EACCES);
		CHECK_ERRNO(syscall(SYS_semop, sem, &op, 1), EACCES);
		CHECK_ERRNO(syscall(SYS_semtimedop, sem, &op, 1, &ts), EACCES);
		CHECK_ERRNO(syscall(SYS_semctl, sem, 0, GETVAL), EACCES);
		CHECK_ERRNO(syscall(SYS_semctl, sem, 0, IPC_RMID), EPERM);
		CHECK_ERRNO(syscall(SYS_msgget, key, 0600), EACCES);
		CHECK_ERRNO(syscall(SYS_msgsnd, q, &msg, 1, 0), EACCES);
		CHECK_ERRNO(syscall(SYS_msgrcv, q, &msg, 1, 0, IPC_NOWAIT), EACCES);
		CHECK_ERRNO(syscall(SYS_msgctl, q, IPC_STAT, &ds), EACCES);
		CHECK_ERRNO(syscall(SYS_msgctl, q, IPC_RMID, 0), EPERM);
	}
	CHECK_OK(shmctl(shm, IPC_RMID, 0));
	CHECK_OK(semctl(sem, 0, IPC_RMID));
	CHECK_OK(msgctl(q, IPC_RMID, 0));
}

TEST(semaphore_limits)
{
	struct sembuf op = { 7, 1, 0 }, ops[2] = { { 0, 32000, 0 }, { 0, 32000, 0 } };
	struct timespec ts = { 0, 1 }, bad = { 0, -1 };
	int sem = CHECK_OK(semget(IPC_PRIVATE, 1, 0600));

	CHECK_ERRNO(syscall(SYS_semop, sem, &op, 1), EFBIG);
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, &op, 1, &ts), EFBIG);
	CHECK_ERRNO(syscall(SYS_semop, sem, ops, 2), ERANGE);
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, ops, 2, &ts), ERANGE);
	CHECK_ERRNO(syscall(SYS_semop, sem, ops, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, ops, 0, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, ops, 1, &bad), EINVAL);
	CHECK_ERRNO(syscall(SYS_semop, sem, ops, 100000), E2BIG);
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, ops, 100000, &ts), E2BIG);
	CHECK_ERRNO(syscall(SYS_semop, sem, bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, bad_ptr(), 1, &ts), EFAULT);
	ops[0].sem_op = -1;
	CHECK_ERRNO(syscall(SYS_semtimedop, sem, ops, 1, &ts), EAGAIN);
	ops[0].sem_flg = IPC_NOWAIT;
	CHECK_ERRNO(syscall(SYS_semop, sem, ops, 1), EAGAIN);
	CHECK_ERRNO(syscall(SYS_semctl, sem, 0, SETVAL, 40000), ERANGE);
	CHECK_ERRNO(syscall(SYS_semctl, sem, 9, SETVAL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_semctl, sem, 0, IPC_STAT, bad_ptr()), EFAULT);
	CHECK_OK(semctl(sem, 0, IPC_RMID));
	CHECK_ERRNO(syscall(SYS_semop, sem, ops, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_semctl, sem, 0, GETVAL), EINVAL);
}

/* A child sleeps in the system call `nr`; the object is removed meanwhile. */
#define REMOVED(remove, nr, ...)                                      \
	do {                                                          \
		pid_t p_ = abi_fork();                                \
		if (!p_) {                                            \
			CHECK_ERRNO(syscall(nr, __VA_ARGS__), EIDRM); \
			abi_exit();                                   \
		}                                                     \
		WAIT_UNTIL(abi_sleeps_in(p_, nr));                    \
		CHECK_OK(remove);                                     \
		abi_reap(p_);                                         \
	} while (0)

TEST(removed_meanwhile)
{
	struct sembuf down = { 0, -1, 0 };
	struct timespec ten = { 10, 0 };
	int id;

	id = CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
	REMOVED(semctl(id, 0, IPC_RMID), SYS_semop, id, &down, 1);
	id = CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
	REMOVED(semctl(id, 0, IPC_RMID), SYS_semtimedop, id, &down, 1, &ten);
	id = CHECK_OK(msgget(IPC_PRIVATE, 0600));
	REMOVED(msgctl(id, IPC_RMID, 0), SYS_msgrcv, id, &msg, 1, 0, 0);
	id = CHECK_OK(msgget(IPC_PRIVATE, 0600));
	while (!msgsnd(id, &msg, sizeof(msg.text), IPC_NOWAIT))
		;
	REMOVED(msgctl(id, IPC_RMID, 0), SYS_msgsnd, id, &msg, sizeof(msg.text), 0);
}

TEST_FORK(ended_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct sembuf down = { 0, -1, 0 };
	struct timespec ten = { 10, 0 }, later = { 4000000000, 0 };
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	int sem = CHECK_OK(semget(IPC_PRIVATE, 1, 0600)), q = CHECK_OK(msgget(IPC_PRIVATE, 0600)),
	    word = 0;
	struct io_event ev;
	aio_context_t ctx = 0;
	char name[32], c;
	mqd_t mq;

	sigaction(SIGALRM, &sa, NULL);
	INTERRUPTED(syscall(SYS_semop, sem, &down, 1));
	INTERRUPTED(syscall(SYS_semtimedop, sem, &down, 1, &ten));
	INTERRUPTED(syscall(SYS_msgrcv, q, &msg, 1, 0, 0));
	while (!msgsnd(q, &msg, sizeof(msg.text), IPC_NOWAIT))
		;
	CHECK_ERRNO(syscall(SYS_msgsnd, q, &msg, sizeof(msg.text), IPC_NOWAIT), EAGAIN);
	INTERRUPTED(syscall(SYS_msgsnd, q, &msg, sizeof(msg.text), 0));
	CHECK_ERRNO(syscall(SYS_msgrcv, q, &msg, 1, 0, IPC_NOWAIT), E2BIG);
	CHECK_ERRNO(syscall(SYS_msgrcv, q, &msg, 1, 77, IPC_NOWAIT), ENOMSG);
	semctl(sem, 0, IPC_RMID);
	msgctl(q, IPC_RMID, 0);
	snprintf(name, sizeof(name), "/errno-%d", getpid());
	mq = CHECK_OK(mq_open(name, O_RDWR | O_CREAT, 0600, &attr));
	mq_unlink(name);
	INTERRUPTED(syscall(SYS_mq_timedreceive, mq, &c, 1, NULL, &later));
	CHECK_OK(mq_send(mq, "x", 1, 0));
	INTERRUPTED(syscall(SYS_mq_timedsend, mq, "x", 1, 0, &later));
	INTERRUPTED(syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0));
	CHECK_OK(syscall(SYS_io_setup, 1, &ctx));
	INTERRUPTED(syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL));
	CHECK_ERRNO(syscall(SYS_io_getevents, ctx, 2, 1, &ev, NULL), EINVAL);
	{
		char b;
		struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD,
				   .aio_fildes = open("/dev/zero", O_RDONLY),
				   .aio_buf = (uintptr_t)&b,
				   .aio_nbytes = 1 },
			    *list = &cb;

		CHECK_EQ(syscall(SYS_io_submit, ctx, 1, &list), 1);
		CHECK_ERRNO(syscall(SYS_io_getevents, ctx, 1, 1, bad_ptr(), NULL), EFAULT);
	}
	CHECK_ERRNO(syscall(SYS_io_cancel, ctx, bad_ptr(), &ev), EFAULT);
	CHECK_OK(syscall(SYS_io_destroy, ctx));
	CHECK_ERRNO(syscall(SYS_io_destroy, ctx), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_setup, 1, bad_ptr()), EFAULT);
}
