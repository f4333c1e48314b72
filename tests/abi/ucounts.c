/* What is counted for a user over all processes: RLIMIT_NPROC, RLIMIT_SIGPENDING, RLIMIT_MEMLOCK of SHM_LOCK. */
#include "abi.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/shm.h>

/* Users that nothing else on the machine is. */
enum { FORKER = 54321, SETTER, NAMESPACED, QUEUER, LOCKER };

static void limit(int resource, rlim_t n)
{
	struct rlimit r = { n, n };

	CHECK_OK(setrlimit(resource, &r));
}

/* A child that waits to be killed. */
static pid_t waiting_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(30);
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(processes)
{
	NEED_ROOT();
	IN_CHILD_AS(FORKER)
	{
		pid_t one, two;

		limit(RLIMIT_NPROC, 3);
		one = CHECK_OK(waiting_child());
		two = CHECK_OK(waiting_child());
		CHECK_ERRNO(waiting_child(), EAGAIN);
		CHECK_ERRNO(syscall(SYS_clone,
				    CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS |
					    CLONE_FILES,
				    0, 0, 0, 0),
			    EAGAIN);
		kill(two, SIGKILL);
		CHECK_OK(waitid(P_PID, (id_t)two, &(siginfo_t){ 0 }, WEXITED | WNOWAIT));
		CHECK_ERRNO(waiting_child(), EAGAIN); /* one that was not reaped counts */
		waitpid(two, NULL, 0);
		two = CHECK_OK(waiting_child());
		end_child(one);
		end_child(two);
	}
}

TEST(root_is_exempt)
{
	NEED_ROOT();
	IN_CHILD
	{
		pid_t pid;

		limit(RLIMIT_NPROC, 0);
		pid = CHECK_OK(waiting_child());
		end_child(pid);
	}
}

/* setuid(2) succeeds; execve(2) fails as long as the user has too many. */
TEST(setuid_then_exec)
{
	char *const none[] = { NULL };
	pid_t pid;

	NEED_ROOT();
	pid = fork();
	if (pid == 0) { /* the user's one process */
		alarm(30);
		CHECK_OK(setuid(SETTER));
		for (;;)
			pause();
	}
	for (int i = 0; i < 1000; i++) {
		char path[64];
		struct stat st;

		sprintf(path, "/proc/%d", pid);
		if (stat(path, &st) == 0 && st.st_uid == SETTER)
			break;
		usleep(1000);
	}
	IN_CHILD
	{
		limit(RLIMIT_NPROC, 0);
		CHECK_OK(setuid(SETTER));
		CHECK_EQ(getuid(), SETTER);
		CHECK_ERRNO(execve("/nonexistent", none, none), EAGAIN);
		CHECK_ERRNO(execve("/nonexistent", none, none), EAGAIN);
		CHECK_ERRNO(fork(), EAGAIN);
	}
	end_child(pid);
	IN_CHILD
	{
		limit(RLIMIT_NPROC, 1);
		CHECK_OK(setuid(SETTER));
		CHECK_ERRNO(execve("/nonexistent", none, none), ENOENT);
	}
}

/* A user namespace is no way around the limit of who made it. */
TEST(namespace)
{
	NEED_ROOT();
	IN_CHILD_AS(NAMESPACED)
	{
		pid_t pid;

		limit(RLIMIT_NPROC, 2);
		if (unshare(CLONE_NEWUSER) == 0) {
			pid = CHECK_OK(waiting_child());
			CHECK_ERRNO(waiting_child(), EAGAIN);
			end_child(pid);
			pid = CHECK_OK(waiting_child());
			end_child(pid);
		}
	}
}

static int queue(int n)
{
	union sigval v = { 0 };
	int done = 0;

	while (done < n && sigqueue(getpid(), SIGRTMIN, v) == 0)
		done++;
	return done;
}

TEST(pending_signals)
{
	NEED_ROOT();
	IN_CHILD_AS(QUEUER)
	{
		int ready[2], go[2], st;
		sigset_t set;
		pid_t pid;
		char c;

		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN);
		sigprocmask(SIG_BLOCK, &set, NULL);
		limit(RLIMIT_SIGPENDING, 4);
		CHECK_OK(pipe(ready));
		CHECK_OK(pipe(go));
		pid = fork();
		if (pid == 0) {
			close(go[1]);
			c = (char)queue(3);
			write(ready[1], &c, 1);
			_exit(read(go[0], &c, 1) != 0);
		}
		CHECK_EQ(read(ready[0], &c, 1), 1);
		CHECK_EQ(c, 3);
		CHECK_EQ(queue(3), 1); /* the fourth of the user */
		CHECK_EQ(errno, EAGAIN);
		close(go[1]);
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		CHECK_EQ(queue(9), 3); /* the child's went with it */
		CHECK_EQ(sigtimedwait(&set, NULL, &(struct timespec){ 0 }), SIGRTMIN);
		CHECK_EQ(queue(9), 1);
	}
}

TEST(locked_segments)
{
	NEED_ROOT();
	IN_CHILD_AS(LOCKER)
	{
		int id[3];

		limit(RLIMIT_MEMLOCK, 2 * PAGE);
		for (int i = 0; i < 3; i++)
			id[i] = CHECK_OK(shmget(IPC_PRIVATE, PAGE, 0600));
		CHECK_OK(shmctl(id[0], SHM_LOCK, NULL));
		CHECK_OK(shmctl(id[0], SHM_LOCK, NULL)); /* once is enough */
		CHECK_OK(shmctl(id[1], SHM_LOCK, NULL));
		CHECK_ERRNO(shmctl(id[2], SHM_LOCK, NULL), ENOMEM);
		CHECK_OK(shmctl(id[0], SHM_UNLOCK, NULL));
		CHECK_OK(shmctl(id[2], SHM_LOCK, NULL));
		CHECK_ERRNO(shmctl(id[0], SHM_LOCK, NULL), ENOMEM);
		CHECK_OK(shmctl(id[1], IPC_RMID, NULL));
		CHECK_OK(shmctl(id[0], SHM_LOCK, NULL));
		CHECK_OK(shmctl(id[0], IPC_RMID, NULL));
		CHECK_OK(shmctl(id[2], IPC_RMID, NULL));
	}
}
