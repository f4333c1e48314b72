/* Job control on a terminal: controlling tty, foreground group, keyboard signals, TTIN/TTOU, HUP. */
#include "abi.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master = -1, slave = -1;
static char name[32];

/* In a child: becomes session leader and takes the slave as its controlling terminal. */
static int new_terminal(void)
{
	int n = -1, zero = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCGPTN, &n) || ioctl(master, TIOCSPTLCK, &zero) ||
	    setsid() < 0)
		return 0;
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	slave = open(name, O_RDWR | O_NOCTTY);
	return slave >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0;
}

/* A child in a group of its own that waits for whatever comes. */
static pid_t job(int foreground)
{
	pid_t p = abi_fork();

	if (p == 0) {
		close(master); /* or it would never hang up */
		signal(SIGHUP, SIG_DFL);
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(p, p);
	if (foreground)
		CHECK_OK(tcsetpgrp(slave, p));
	return p;
}

static int ended_by(pid_t p)
{
	int st = abi_wait(p);

	return WIFSIGNALED(st) ? WTERMSIG(st) : -WEXITSTATUS(st);
}

static int stopped_by(pid_t p)
{
	int st = 0;

	return waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st) ? WSTOPSIG(st) : -1;
}

static void key(const char *k)
{
	CHECK_EQ(write(master, k, 1), 1);
}

TEST_FORK(controlling_terminal)
{
	int fd, sid = 0;

	REQUIRE(new_terminal());
	fd = CHECK_OK(open("/dev/tty", O_RDWR));
	CHECK_EQ(tcgetpgrp(fd), getpgrp());
	CHECK_OK(ioctl(fd, TIOCGSID, &sid));
	CHECK_EQ(sid, getsid(0));
	CHECK_EQ(tcgetsid(slave), getsid(0));
	close(fd);
	CHECK_OK(ioctl(slave, TIOCSCTTY, 0)); /* again: no harm */
	IN_CHILD
	{
		fd = CHECK_OK(open("/dev/tty", O_RDWR)); /* inherited */
		close(fd);
		CHECK_OK(setsid());
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		CHECK_ERRNO(ioctl(slave, TIOCSCTTY, 0), EPERM); /* another session has it */
		CHECK_ERRNO(tcgetpgrp(slave), ENOTTY);
		CHECK_ERRNO(tcsetpgrp(slave, getpgrp()), ENOTTY);
	}
	signal(SIGHUP, SIG_IGN);
	CHECK_OK(ioctl(slave, TIOCNOTTY, 0));
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
}

TEST_FORK(acquired_by_open)
{
	int n = -1, zero = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK_OK(ioctl(master, TIOCGPTN, &n));
	CHECK_OK(ioctl(master, TIOCSPTLCK, &zero));
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	CHECK_OK(setsid());
	slave = CHECK_OK(open(name, O_RDWR | O_NOCTTY));
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	close(slave);
	slave = CHECK_OK(open(name, O_RDWR)); /* a session leader without a terminal takes it */
	CHECK_OK(close(CHECK_OK(open("/dev/tty", O_RDWR))));
}

TEST_FORK(keyboard_signals)
{
	pid_t p;

	REQUIRE(new_terminal());
	signal(SIGTTOU, SIG_IGN);
	p = job(1);
	key("\003");
	CHECK_EQ(ended_by(p), SIGINT);
	p = job(1);
	key("\034");
	CHECK_EQ(ended_by(p), SIGQUIT);
	p = job(1);
	key("\032");
	CHECK_EQ(stopped_by(p), SIGTSTP);
	CHECK_OK(kill(-p, SIGCONT));
	key("\003");
	CHECK_EQ(ended_by(p), SIGINT);
}

TEST_FORK(only_the_foreground_gets_them)
{
	pid_t fg, bg;
	int st;

	REQUIRE(new_terminal());
	signal(SIGTTOU, SIG_IGN);
	bg = job(0);
	fg = job(1);
	key("\003");
	CHECK_EQ(ended_by(fg), SIGINT);
	CHECK_EQ(waitpid(bg, &st, WNOHANG), 0);
	kill(bg, SIGKILL);
	abi_wait(bg);
}

TEST_FORK(isig_off)
{
	struct termios t;
	char c = 0;

	REQUIRE(new_terminal());
	tcgetattr(slave, &t);
	t.c_lflag &= ~(ISIG | ICANON);
	CHECK_OK(tcsetattr(slave, TCSANOW, &t));
	key("\003");
	CHECK_EQ(read(slave, &c, 1), 1);
	CHECK_EQ(c, 3);
}

TEST_FORK(tcsetpgrp_rules)
{
	pid_t p;

	REQUIRE(new_terminal());
	CHECK_ERRNO(tcsetpgrp(slave, -1), EINVAL);
	CHECK_ERRNO(tcsetpgrp(slave, 0x3ffffffe), ESRCH);
	p = abi_fork();
	if (p == 0) {
		setsid();
		for (;;)
			pause();
	}
	WAIT_UNTIL(getpgid(p) == p);
	CHECK_ERRNO(tcsetpgrp(slave, p), EPERM); /* a group of another session */
	kill(p, SIGKILL);
	abi_wait(p);
	p = job(1);
	CHECK_EQ(tcgetpgrp(slave), p);
	kill(p, SIGKILL);
	abi_wait(p);
}

TEST_FORK(background_read_stops)
{
	pid_t p;
	char c;

	REQUIRE(new_terminal());
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		_exit(read(slave, &c, 1) == 1 && c == 'y' ? 0 : 1);
	}
	setpgid(p, p);
	CHECK_EQ(stopped_by(p), SIGTTIN);
	signal(SIGTTOU, SIG_IGN);
	CHECK_OK(tcsetpgrp(slave, p));
	CHECK_OK(kill(-p, SIGCONT));
	CHECK_EQ(write(master, "y\n", 2), 2);
	CHECK_EQ(ended_by(p), 0);
	/* with the signal blocked or ignored the read fails instead */
	CHECK_OK(tcsetpgrp(slave, getpgrp()));
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_IGN);
		CHECK_ERRNO(read(slave, &c, 1), EIO);
		abi_exit();
	}
	abi_reap(p);
}

TEST_FORK(background_write)
{
	struct termios t;
	pid_t p;

	REQUIRE(new_terminal());
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		CHECK_EQ(write(slave, "x", 1), 1); /* fine while TOSTOP is off */
		abi_exit();
	}
	abi_reap(p);
	tcgetattr(slave, &t);
	t.c_lflag |= TOSTOP;
	CHECK_OK(tcsetattr(slave, TCSANOW, &t));
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		_exit(write(slave, "x", 1) != 1);
	}
	setpgid(p, p);
	CHECK_EQ(stopped_by(p), SIGTTOU);
	signal(SIGTTOU, SIG_IGN);
	CHECK_OK(tcsetpgrp(slave, p));
	kill(-p, SIGCONT);
	CHECK_EQ(ended_by(p), 0);
	/* changing attributes counts as writing whatever TOSTOP says */
	CHECK_OK(tcsetpgrp(slave, getpgrp()));
	signal(SIGTTOU, SIG_DFL);
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		_exit(tcsetattr(slave, TCSANOW, &t) != 0);
	}
	setpgid(p, p);
	CHECK_EQ(stopped_by(p), SIGTTOU);
	kill(p, SIGKILL);
	abi_wait(p);
}

TEST_FORK(orphaned_background_gets_eio)
{
	int fds[2], st = -1;
	pid_t p;
	char c;

	/* session leader -> middle (dies) -> orphan in the middle's group */
	REQUIRE(new_terminal());
	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		if (fork() == 0) {
			int e;

			prctl(PR_SET_PDEATHSIG, 0);
			WAIT_UNTIL(getppid() != getpgrp());
			errno = 0;
			e = read(slave, &c, 1) == -1 ? errno : 0;
			_exit(write(fds[1], &e, sizeof(e)) != sizeof(e));
		}
		_exit(0);
	}
	abi_wait(p);
	CHECK_EQ(read(fds[0], &st, sizeof(st)), (long)sizeof(st));
	CHECK_EQ(st, EIO);
}

TEST_FORK(hangup_on_master_close)
{
	int fds[2];
	pid_t leader, p = 0;
	char c;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	REQUIRE(pipe(fds) == 0);
	leader = abi_fork();
	if (leader == 0) {
		if (!new_terminal())
			_exit(1);
		p = fork();
		if (p == 0) { /* the foreground job */
			close(master);
			setpgid(0, 0);
			for (;;)
				pause();
		}
		WAIT_UNTIL(getpgid(p) == p); /* it has closed its copy of the master */
		signal(SIGTTOU, SIG_IGN);
		CHECK_OK(tcsetpgrp(slave, p));
		signal(SIGHUP, SIG_IGN);
		close(master); /* SIGHUP goes to the session leader alone ... */
		CHECK_EQ(read(slave, &c, 1), 0);
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		abi_sleep_ms(2);
		CHECK_OK(kill(p, 0));
		CHECK_EQ(waitpid(p, NULL, WNOHANG), 0);
		CHECK_EQ(write(fds[1], &p, sizeof(p)), (long)sizeof(p));
		abi_exit(); /* ... and to its foreground group when it leaves */
	}
	abi_reap(leader);
	CHECK_EQ(read(fds[0], &p, sizeof(p)), (long)sizeof(p));
	CHECK_EQ(ended_by(p), SIGHUP);
	/* a leader that does not ignore it dies of it */
	CHILD_DIES(SIGHUP)
	{
		signal(SIGHUP, SIG_DFL);
		if (!new_terminal())
			_exit(1);
		close(master);
		for (;;)
			pause();
	}
}

TEST_FORK(leader_exit_hangs_up)
{
	int fds[2], m;
	pid_t leader;
	char c = 0;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	REQUIRE(pipe(fds) == 0);
	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	leader = abi_fork();
	if (leader == 0) {
		int n = -1, zero = 0;
		sigset_t set;

		ioctl(m, TIOCGPTN, &n);
		ioctl(m, TIOCSPTLCK, &zero);
		setsid();
		snprintf(name, sizeof(name), "/dev/pts/%d", n);
		slave = open(name, O_RDWR);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		if (fork() == 0) { /* in the foreground group */
			struct timespec ts = { 5, 0 };

			c = sigtimedwait(&set, NULL, &ts) == SIGHUP ? 'y' : 'n';
			WAIT_UNTIL(open("/dev/tty", O_RDWR) == -1); /* the session lost it */
			_exit(write(fds[1], &c, 1) != 1);
		}
		abi_sleep_ms(2);
		_exit(0);
	}
	abi_wait(leader);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
	CHECK(waitpid(-1, NULL, 0) > 0);
}

static volatile sig_atomic_t winch;

static void on_winch(int sig ABI_UNUSED)
{
	winch++;
}

TEST_FORK(window_change)
{
	struct winsize w = { 30, 90, 0, 0 };

	REQUIRE(new_terminal());
	signal(SIGWINCH, on_winch);
	CHECK_OK(ioctl(master, TIOCSWINSZ, &w));
	WAIT_UNTIL(winch == 1);
	CHECK_OK(ioctl(master, TIOCSWINSZ, &w)); /* no change, no signal */
	CHECK_EQ(winch, 1);
	w.ws_row = 31;
	CHECK_OK(ioctl(slave, TIOCSWINSZ, &w));
	WAIT_UNTIL(winch == 2);
}
