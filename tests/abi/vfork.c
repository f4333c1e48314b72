/* vfork: the parent sleeps until exec or exit, memory is shared, descriptors are not. */
#include "abi.h"

HELPER(seven)
{
	return 7;
}

HELPER(slow)
{
	abi_sleep_ms(30);
	return 7;
}

TEST(parent_waits_for_exit)
{
	volatile int word = 0;
	pid_t p = vfork();
	int st;

	if (p == 0) {
		for (volatile int i = 0; i < 1000000; i++)
			;
		word = 5;
		_exit(3);
	}
	REQUIRE(p > 0);
	CHECK_EQ(word, 5); /* had to be over, and in our memory */
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WEXITSTATUS(st), 3);
}

TEST(parent_resumes_at_exec)
{
	char *argv[] = { abi_self, "@slow", NULL };
	volatile int word = 0;
	pid_t p = vfork();
	int st;

	if (p == 0) {
		word = 1;
		execve(abi_self, argv, environ);
		word = 2;
		_exit(1);
	}
	REQUIRE(p > 0);
	CHECK_EQ(word, 1);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WEXITSTATUS(st), 7);
}

TEST(failed_exec)
{
	volatile int err = 0;
	pid_t p = vfork();
	int st;

	if (p == 0) {
		execve("/nonexistent", (char *[]){ "x", NULL }, environ);
		err = errno;
		_exit(127);
	}
	REQUIRE(p > 0);
	CHECK_EQ(err, ENOENT);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WEXITSTATUS(st), 127);
}

TEST(killed_child_releases_parent)
{
	volatile pid_t *kid =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t killer = abi_fork(), p;
	int st;

	if (killer == 0) {
		WAIT_UNTIL(*kid != 0);
		kill(*kid, SIGKILL);
		abi_exit();
	}
	p = vfork();
	if (p == 0) {
		*kid = getpid();
		for (;;)
			pause();
	}
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK(WIFSIGNALED(st));
	abi_reap(killer);
	CHECK_OK(munmap((void *)kid, PAGE));
}

TEST(descriptors_are_separate)
{
	int fd = open("/dev/null", O_RDONLY), st;
	pid_t p = vfork();

	if (p == 0) {
		close(fd);
		_exit(0);
	}
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_OK(fcntl(fd, F_GETFD));
	CHECK_OK(close(fd));
}

TEST(loop)
{
	char *argv[] = { abi_self, "@seven", NULL };

	for (int i = 0; i < 100; i++) {
		pid_t p = vfork();
		int st;

		if (p == 0) {
			execve(abi_self, argv, environ);
			_exit(1);
		}
		REQUIRE(p > 0);
		CHECK_EQ(waitpid(p, &st, 0), p);
		if (!CHECK_EQ(WEXITSTATUS(st), 7))
			break;
	}
}

TEST(fatal_signal_ends_the_waiting_parent)
{
	volatile int *go =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = abi_fork();
	int st;

	if (parent == 0) {
		if (vfork() == 0) {
			go[1] = 1;
			for (int i = 0; i < 2000 && !go[0]; i++)
				abi_sleep_ms(5);
			go[2] = 1;
			_exit(0);
		}
		abi_exit();
	}
	WAIT_UNTIL(go[1]);
	kill(parent, SIGTERM);
	CHECK_EQ(waitpid(parent, &st, 0), parent);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
	CHECK_EQ(go[2], 0); /* its child goes on */
	go[0] = 1;
	WAIT_UNTIL(go[2]);
}
