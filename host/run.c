/*
 * run.c - see run.h. This process stays outside of the jails: it forwards signals, owns the terminal's mode, and waits.
 * Its children die with it (PR_SET_PDEATHSIG), and every one of theirs with their pid namespace.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/child.h"
#include "host/cmd.h"
#include "host/error.h"
#include "host/images.h"
#include "host/net/etc.h"
#include "host/printable.h"
#include "host/run.h"
#include "host/start.h"
#include "host/timing.h"
#include "host/tty.h"

#define STOP_MS 2000 /* within which the Sentry says that it stopped the programs */

static const int forwarded[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				 SIGUSR1, SIGUSR2, SIGCONT, SIGALRM };

struct watch {
	int ctl_fd, sig_fd;
	pid_t gofer, launcher, net_helper;
	bool done, tty;
	bool net;	     /* is open */
	bool ready;	     /* the program runs */
	bool stopping;	     /* once the programs have stopped, by Ctrl-Z */
	unsigned unanswered; /* signals */
	int status;
	int launcher_status; /* as wait(2) gives it, once launcher is 0 */
};

static void tell(struct watch *w, uint32_t type, uint64_t a, uint64_t b)
{
	struct chan_msg m = { .type = type, .a = a, .b = b };
	struct error err;

	if (chan_send(w->ctl_fd, &m, NULL, 0, &err) == 0 && type == CHAN_SIGNAL)
		w->unanswered++;
}

/* One line of ours, also where a raw terminal needs its carriage return. */
static void complain(const struct watch *w, const char *what, int wait_status)
{
	char how[64] = "ended unexpectedly";

	if (WIFSIGNALED(wait_status))
		snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(wait_status));
	fprintf(stderr, "moat: %s %s%s\n", what, how, w->tty ? "\r" : "");
}

/* The sandbox goes on without it: what is in its caches still works. */
static void on_gofer_end(struct watch *w, int wait_status)
{
	w->gofer = 0;
	if (!w->ready && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EXIT_MOAT) {
		w->done = true; /* it could not start, and said why */
		return;
	}
	complain(w, "the gofer (the sandbox's files answer EIO from now on)", wait_status);
	tell(w, CHAN_GOFER_GONE, 0, 0);
}

/* Ctrl-Z, once no program reads the terminal any more: this process stops, until the user's shell lets it go on. */
static void stop(struct watch *w)
{
	struct error err = { 0 };

	w->stopping = false;
	tty_restore();
	raise(SIGSTOP);
	if (w->tty)
		tty_raw(&err);
	tell(w, CHAN_SIGNAL, SIGCONT, CHAN_TO_FOREGROUND);
}

static void on_answer(struct watch *w)
{
	if (w->unanswered)
		w->unanswered--;
	if (w->stopping && !w->unanswered)
		stop(w);
}

static void on_signal(struct watch *w)
{
	struct signalfd_siginfo si;
	struct winsize ws;
	int st;
	pid_t pid;

	if (read(w->sig_fd, &si, sizeof(si)) != sizeof(si))
		return;
	switch (si.ssi_signo) {
	case SIGCHLD:
		while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
			if (pid == w->gofer) {
				on_gofer_end(w, st);
			} else if (pid == w->launcher) {
				w->launcher = 0;
				w->launcher_status = st;
			}
		}
		break;
	case SIGWINCH:
		if (w->tty && ioctl(0, TIOCGWINSZ, &ws) == 0)
			tell(w, CHAN_WINSIZE, ws.ws_row, ws.ws_col);
		break;
	case SIGTSTP:
		tell(w, CHAN_SIGNAL, SIGSTOP, CHAN_TO_FOREGROUND);
		w->stopping = true;
		break;
	default: /* a terminal's own signals are for a group of processes, kill(1)'s for one */
		tell(w, CHAN_SIGNAL, si.ssi_signo,
		     si.ssi_code == SI_KERNEL ? CHAN_TO_FOREGROUND : CHAN_TO_PROCESS);
	}
}

static void on_message(struct watch *w, struct chan_msg *m)
{
	/* Cleaned by a launcher that is sound; the guest may have taken it. */
	if (m->type == CHAN_FAILED || m->type == CHAN_NOTE || m->type == CHAN_LOG)
		printable(m->data, m->len, m->type != CHAN_FAILED);
	switch (m->type) {
	case CHAN_STARTED: w->ready = true; break;
	case CHAN_DONE: on_answer(w); break;
	case CHAN_EXIT:
		w->status = child_status((int)(m->a & 0xffff));
		w->done = true;
		break;
	case CHAN_FAILED:
		if (!m->b) { /* a signal that came too late */
			on_answer(w);
			break;
		}
		w->status = (int)(m->b & 255);
		w->done = true;
		tty_restore();
		fprintf(stderr, "moat: %.*s\n", (int)m->len, m->data);
		break;
	case CHAN_NOTE:
	case CHAN_LOG: fprintf(stderr, "%.*s%s", (int)m->len, m->data, w->tty ? "\r" : ""); break;
	default: break;
	}
}

/* The socket ended without a last message: killed, or its seccomp filter did it. */
static void on_launcher_end(struct watch *w)
{
	int st = w->launcher_status;

	if (w->launcher && waitpid(w->launcher, &st, 0) == w->launcher)
		w->launcher = 0;
	tty_restore();
	complain(w, "the launcher", st);
	w->status = WIFSIGNALED(st) ? child_status(st) : EXIT_MOAT;
	w->done = true;
}

static int watch(struct watch *w)
{
	struct pollfd p[] = {
		{ w->ctl_fd, POLLIN, 0 },
		{ w->sig_fd, POLLIN, 0 },
		{ w->tty && isatty(0) ? 0 : -1, 0, 0 }, /* POLLHUP only */
	};

	while (!w->done) {
		struct chan_msg m;
		struct error err;
		int got = poll(p, 3, w->stopping ? STOP_MS : -1);

		if (got < 0 && errno != EINTR)
			break;
		if (got == 0)
			stop(w); /* the Sentry is too busy to say so */
		if (p[2].revents) {
			p[2].fd = -1;
			tell(w, CHAN_SIGNAL, SIGHUP, CHAN_TO_FOREGROUND);
		}
		if (p[1].revents)
			on_signal(w);
		if (!p[0].revents)
			continue;
		got = chan_recv(w->ctl_fd, &m, NULL, NULL, MSG_DONTWAIT, &err);
		if (got > 0)
			on_message(w, &m);
		else if (got == 0 || err.err != EAGAIN)
			on_launcher_end(w);
	}
	return w->status;
}

static void end_child(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		child_wait(pid);
	}
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(*forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* With a network there are files that describe it. */
static int finish_mounts(struct run_config *cfg, const struct net *net, struct error *err)
{
	const struct net_etc etc = { .config = &net->config,
				     .netns = net_option_netns(&cfg->net),
				     .hostname = cfg->spec.hostname,
				     .root_fd = cfg->root_fd,
				     .root_rw = cfg->spec.root_rw };

	if (net->threads && net_etc_mount(&etc, cfg->table, err) < 0)
		return -1;
	cfg->spec.mounts = cfg->table->mounts;
	cfg->spec.nmounts = cfg->table->nmounts;
	return 0;
}

/* Its process, or -1. */
static pid_t start_gofer(const struct run_config *cfg, const struct sandbox *sb, struct error *err)
{
	struct gofer_start gs = {
		.root_fd = cfg->root_fd,
		.rw = cfg->spec.root_rw,
		.hidden = cfg->hidden,
		.exports = cfg->table->exports,
		.nexports = cfg->table->nexports,
		.arena_fd = sb->arena_fd,
		.arena_size = sb->arena_size,
		.queue = { RING_Q_9P, sb->kick_fd[RING_Q_9P], sb->call_fd[RING_Q_9P] },
		.dax_fd = sb->dax_fd[1],
	};

	return gofer_start(&gs, err);
}

int sandbox_run(struct run_config *cfg)
{
	struct sandbox sb = {
		.platform = cfg->platform,
		.cpus = cfg->cpus,
		.debug = cfg->debug,
		.hints = cfg->hints,
		.dax = cfg->dax,
		.ram_size = cfg->ram_size,
	};
	struct launcher_config lc = {
		.sb = &sb,
		.spec = &cfg->spec,
		.clock_start = &cfg->clock_start,
		.listen_fd = cfg->listen_fd,
		.stdio = { 0, 1, 2 },
	};
	struct watch w = { .status = EXIT_MOAT, .tty = cfg->spec.tty, .sig_fd = -1 };
	struct error err = { 0 };
	int ctl[2] = { -1, -1 };

	memcpy(sb.trace, cfg->trace, sizeof(sb.trace));
	timing_mark(&sb, "command line");
	signal(SIGPIPE, SIG_IGN); /* a child may die while it is being set up */
	images_find(&sb);
	w.sig_fd = block_signals();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ctl) < 0 || w.sig_fd < 0) {
		error_errno(&err, "socketpair");
		goto fail;
	}
	w.ctl_fd = ctl[0];
	/* Before the namespaces of an unprivileged caller: passt makes its own. */
	if (net_option_open(&cfg->net, &sb.net, &w.net_helper, &err) < 0)
		goto fail;
	w.net = true;
	if (finish_mounts(cfg, &sb.net, &err) < 0)
		goto fail;
	if (sandbox_prepare(&sb, &err) < 0)
		goto fail;
	timing_mark(&sb, "arena, eventfds");
	w.gofer = start_gofer(cfg, &sb, &err);
	if (w.gofer < 0)
		goto fail;
	timing_mark(&sb, "gofer forked");
	lc.ctl_fd = ctl[1];
	w.launcher = launcher_start(&lc, &err);
	if (w.launcher < 0)
		goto fail;
	close(ctl[1]);
	if (cfg->spec.tty && tty_raw(&err) < 0)
		goto fail;
	w.status = watch(&w);
	timing_mark(&sb, "exit status seen");
	goto out;
fail:
	fprintf(stderr, "moat: %s\n", err.msg);
out:
	end_child(w.launcher);
	end_child(w.gofer);
	end_child(w.net_helper);
	if (w.net)
		net_option_close(&cfg->net, &sb.net);
	timing_mark(&sb, "processes gone");
	tty_restore();
	return w.status;
}
