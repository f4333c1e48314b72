/*
 * terminal.c - a user at a terminal, for terminal.sh: runs a command on a pty of its own, types and watches as the
 * script on its standard input says, and copies all output to stdout.
 *
 * usage: terminal CMD [ARG...] < SCRIPT
 *
 *   send TEXT   type it (\n, \e, \003 and their like)
 *   wait TEXT   until TEXT has come since the last wait's match
 *   size R C    change the window's size
 *   run SHELL   run a command of this machine's shell; $PID is the pid of CMD
 *   hangup      take the terminal away
 *
 * Then it waits for the end of CMD. Exit status: CMD's (128 + N after a signal); 98 when TEXT or the end did not come
 * within TERMINAL_TIMEOUT seconds (20); 99 when the terminal's mode is not what it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int master, slave;
static pid_t child;
static int child_status = -1;
static char seen[1 << 20]; /* output since the last match */
static size_t nseen;
static double limit = 20;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *text)
{
	fflush(stdout);
	fprintf(stderr, "terminal: %s%s; since the last match came:\n%.*s\n", what, text,
		(int)nseen, seen);
	if (child_status < 0)
		kill(child, SIGKILL);
	exit(98);
}

/* Take what the command wrote, for at most ms; true if there was something. */
static int listen_for(int ms)
{
	struct pollfd p = { master, POLLIN, 0 };
	char buf[4096];
	ssize_t n;

	if (child_status < 0 && waitpid(child, &child_status, WNOHANG) != child)
		child_status = -1;
	if (master < 0)
		return usleep((useconds_t)ms * 1000), 0;
	if (poll(&p, 1, ms) <= 0)
		return 0;
	n = read(master, buf, sizeof(buf));
	if (n <= 0)
		return 0;
	fwrite(buf, 1, (size_t)n, stdout);
	if (nseen + (size_t)n > sizeof(seen))
		nseen = 0;
	memcpy(seen + nseen, buf, (size_t)n);
	nseen += (size_t)n;
	return 1;
}

static void wait_for(const char *text)
{
	double end = now() + limit;
	size_t len = strlen(text);
	char *at;

	while (!(at = memmem(seen, nseen, text, len))) {
		int more = listen_for(50);

		if (now() > end || (!more && child_status >= 0 && !listen_for(0) &&
				    !memmem(seen, nseen, text, len)))
			fail("there is no ", text);
	}
	nseen -= (size_t)(at + len - seen);
	memmove(seen, at + len, nseen);
}

static void type(const char *s)
{
	for (; *s; s++) {
		char c = *s;

		if (c == '\\') {
			switch (*++s) {
			case 'n': c = '\n'; break;
			case 'r': c = '\r'; break;
			case 'e': c = 27; break;
			case '0': c = (char)strtol(s, (char **)&s, 8), s--; break;
			default: c = *s;
			}
		}
		while (write(master, &c, 1) < 0 && errno == EAGAIN)
			listen_for(10);
	}
}

static void start(char **argv)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    (slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		perror("terminal: pty");
		exit(97);
	}
	ioctl(slave, TIOCSWINSZ, &(struct winsize){ 24, 80, 0, 0 });
	child = fork();
	if (child == 0) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(slave, 2);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
}

static void step(char *line)
{
	struct winsize w = { 0 };
	char *arg = strchr(line, ' ');

	if (arg)
		*arg++ = 0;
	if (strcmp(line, "send") == 0 && arg) {
		type(arg);
	} else if (strcmp(line, "wait") == 0 && arg) {
		wait_for(arg);
	} else if (strcmp(line, "size") == 0 && arg &&
		   sscanf(arg, "%hu %hu", &w.ws_row, &w.ws_col) == 2) {
		ioctl(master, TIOCSWINSZ, &w);
	} else if (strcmp(line, "run") == 0 && arg) {
		if (system(arg))
			fail("failed: ", arg);
	} else if (strcmp(line, "hangup") == 0) {
		close(slave);
		close(master);
		slave = master = -1;
	} else {
		fail("what is ", line);
	}
}

int main(int argc, char **argv)
{
	struct termios before, after;
	char line[1024], pid[16];
	double end;

	if (argc < 2)
		return 97;
	if (getenv("TERMINAL_TIMEOUT"))
		limit = atof(getenv("TERMINAL_TIMEOUT"));
	signal(SIGHUP, SIG_IGN);
	start(argv + 1);
	tcgetattr(slave, &before);
	snprintf(pid, sizeof(pid), "%d", (int)child);
	setenv("PID", pid, 1);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0])
			step(line);
	}
	for (end = now() + limit; child_status < 0;) {
		listen_for(50);
		if (now() > end)
			fail("it does not end", "");
	}
	while (listen_for(0))
		;
	fflush(stdout);
	if (slave >= 0 &&
	    (tcgetattr(slave, &after) < 0 || memcmp(&before, &after, sizeof(after)) != 0)) {
		fprintf(stderr, "terminal: its mode was not restored\n");
		return 99;
	}
	return WIFSIGNALED(child_status) ? 128 + WTERMSIG(child_status) : WEXITSTATUS(child_status);
}
