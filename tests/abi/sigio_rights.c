/* The signals of a file go to whom the one who chose the owner might send them, and to nobody else. */
#include "abi.h"
#include <sys/socket.h>

static pid_t sleeper(void)
{
	pid_t pid = fork();

	while (!pid)
		pause();
	return pid;
}

/* Make `to` the owner of a socket's SIGIO, which is to be SIGKILL, as nobody, and have one come. */
static int aim(int to, int as_nobody)
{
	int v[2];

	if (as_nobody && (setgid(65534) || setuid(65534)))
		return 1;
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
	CHECK_OK(fcntl(v[0], F_SETOWN, to));
	CHECK_EQ(fcntl(v[0], F_GETOWN), to);
	CHECK_OK(fcntl(v[0], F_SETSIG, SIGKILL));
	CHECK_OK(fcntl(v[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	CHECK_EQ(write(v[1], "x", 1), 1);
	usleep(300000);
	return abi_fails;
}

static int shot(int to, int as_nobody)
{
	int st = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(aim(to, as_nobody));
	waitpid(pid, &st, 0);
	return st;
}

static void both(int group)
{
	pid_t victim;
	int st = 0;

	if (getuid())
		SKIP("needs root");
	victim = sleeper();
	if (group)
		CHECK_OK(setpgid(victim, victim));
	CHECK_EQ(shot(group ? -victim : victim, 1), 0);
	CHECK_EQ(waitpid(victim, &st, WNOHANG), 0);
	CHECK_EQ(shot(group ? -victim : victim, 0), 0);
	CHECK_EQ(waitpid(victim, &st, 0), victim);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
}

TEST(a_process_of_somebody_else_is_safe)
{
	both(0);
}

TEST(so_is_a_group)
{
	both(1);
}
