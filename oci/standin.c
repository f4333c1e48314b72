/*
 * standin.c - see standin.h. It opens nothing: one poll on the channel, the signals and the
 * connections that it takes for the sandbox.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/child.h"
#include "host/cmd.h"
#include "host/jail.h"
#include "oci/standin.h"

/* All that may come and has a meaning for a program; faults stay what they are. */
static void forwarded(sigset_t *set)
{
	sigfillset(set);
	sigdelset(set, SIGKILL);
	sigdelset(set, SIGSTOP);
	sigdelset(set, SIGSEGV);
	sigdelset(set, SIGBUS);
	sigdelset(set, SIGFPE);
	sigdelset(set, SIGILL);
	sigdelset(set, SIGTRAP);
	sigdelset(set, SIGABRT);
	sigdelset(set, SIGSYS);
}

int standin_signals(struct error *err)
{
	sigset_t set;
	int fd;

	prctl(PR_SET_NAME, "moat-standin");
	forwarded(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_errno(err, "signalfd") : fd;
}

static void tell(const struct standin *s, uint32_t type, uint64_t a, uint64_t b)
{
	struct chan_msg m = { .type = type, .a = a, .b = b };

	chan_send(s->chan, &m, NULL, 0, NULL);
}

static void send_winsize(const struct standin *s)
{
	struct winsize ws;

	if (s->tty && ioctl(0, TIOCGWINSZ, &ws) == 0)
		tell(s, CHAN_WINSIZE, ws.ws_row, ws.ws_col);
}

/*
 * The sandbox must be gone before we are: an engine that sees us end takes the root away. Orphans of the pid namespace, which
 * a tool of the host may have left in it, are for the kernel to end: they may run for long.
 */
static void __attribute__((noreturn)) end(const struct standin *s, int status)
{
	if (s->loopback)
		loopback_end(s->loopback);
	if (s->launcher)
		kill(s->launcher, SIGKILL);
	if (s->gofer)
		kill(s->gofer, SIGKILL);
	if (s->launcher)
		child_wait(s->launcher);
	if (s->gofer)
		child_wait(s->gofer);
	if (s->out_of_memory)
		oom_tell(&s->oom);
	_exit(status);
}

static void reap(struct standin *s)
{
	int status;
	pid_t pid;

	/* Orphans of the pid namespace, too: we are their init. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->launcher)
			s->launcher = 0;
		if (s->loopback)
			loopback_reaped(s->loopback, pid);
		/* Without its files a container is no use to anybody; the Sentry kills it when our connection closes. */
		if (pid == s->gofer) {
			s->gofer = 0;
			end(s, 128 + SIGKILL);
		}
	}
}

static void on_signal(struct standin *s)
{
	struct signalfd_siginfo si;

	while (read(s->sig_fd, &si, sizeof(si)) == sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGCHLD: reap(s); break;
		case SIGWINCH: send_winsize(s); break;
		case SIGPIPE: break;
		default:
			/* Not started: nothing inside could take it. What ends a program ends us. */
			if (!s->running)
				_exit(128 + (int)si.ssi_signo);
			tell(s, CHAN_SIGNAL, si.ssi_signo, CHAN_TO_PROCESS);
		}
	}
}

static void on_message(struct standin *s, const struct chan_msg *m)
{
	switch (m->type) {
	case CHAN_STARTED:
		s->running = true;
		send_winsize(s);
		break;
	case CHAN_EXIT: s->out_of_memory = m->b; end(s, child_status((int)(m->a & 0xffff)));
	default: break; /* answers to what was forwarded; lines of a log nobody asked for */
	}
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What the command that made us had open: state, roots, the engine's files. */
static void close_others(const struct standin *s)
{
	int keep[8 + OOM_FILES] = { 0, 1, 2, s->chan, s->sig_fd }, n = 5;

	for (size_t i = 0; i < OOM_FILES; i++)
		if (s->oom.fd[i] >= 0)
			keep[n++] = s->oom.fd[i];
	if (s->loopback) {
		keep[n++] = s->loopback->fd;
		keep[n++] = s->loopback->link;
		keep[n++] = s->loopback->file;
	}
	qsort(keep, (size_t)n, sizeof(*keep), by_number);
	jail_close_fds(keep, n, NULL);
}

/* All that there is to hear. */
static void hear(struct standin *s)
{
	struct chan_msg m;

	for (;;) {
		errno = 0; /* what is no message at all leaves it so */
		switch (chan_recv(s->chan, &m, NULL, NULL, MSG_DONTWAIT, NULL)) {
		case 1: on_message(s, &m); break;
		case 0: end(s, 128 + SIGKILL); /* the sandbox died */
		default:
			if (errno == EAGAIN)
				return;
			end(s, EXIT_MOAT);
		}
	}
}

void standin_serve(struct standin *s)
{
	struct pollfd p[] = { { s->chan, POLLIN, 0 }, { s->sig_fd, POLLIN, 0 }, { -1, POLLIN, 0 } };

	close_others(s);
	if (s->running) /* whoever made its terminal may have set the size before there was anybody to tell */
		send_winsize(s);
	for (;;) {
		if (s->loopback)
			p[2].fd = loopback_ready(s->loopback) ? s->loopback->fd : -1;
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			end(s, EXIT_MOAT);
		/* Before the signals: a program's end comes before that of its gofer. */
		if (p[0].revents)
			hear(s);
		if (p[1].revents)
			on_signal(s);
		if (p[2].revents)
			loopback_take(s->loopback);
	}
}
