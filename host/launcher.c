/*
 * launcher.c - see launcher.h. After the seal one thread sleeps in poll on the control socket, the control and balloon
 * doorbells (ctl.c) and the Sentry's end; three move the standard streams (console.c); the platform has its own (vCPUs).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/console.h"
#include "host/crash.h"
#include "host/ctl.h"
#include "host/error.h"
#include "host/jail.h"
#include "host/launcher.h"
#include "host/memory.h"
#include "host/timing.h"

/* What the launcher's threads call after the seal; the platform adds its own. */
static const char *const launcher_syscalls[] = {
	"read",	     "readv",		"write",  "writev",	"poll",
	"ppoll",     "restart_syscall", "sendto", "recvfrom",	"futex",
	"fallocate", "madvise",		"exit",	  "exit_group", "clock_gettime",
	"munmap",    "rt_sigreturn",	NULL,
};

static void clear_doorbell(int fd)
{
	uint64_t n;

	if (read(fd, &n, 8) < 0)
		return; /* EAGAIN: someone rang and it was seen already */
}

/* 0: the Sentry ended; 1: the command line did, and nobody waits for us; -1. */
static int serve(struct ctl *c, int exit_fd, struct error *err)
{
	struct sandbox *sb = c->sb;
	struct pollfd p[] = {
		{ c->fd, POLLIN, 0 },
		{ sb->kick_fd[RING_Q_CTL_OUT], POLLIN, 0 },
		{ sb->kick_fd[RING_Q_BALLOON], POLLIN, 0 },
		{ exit_fd, POLLIN, 0 },
		{ sb->kick_fd[RING_Q_CTL_IN], POLLIN, 0 },
	};

	for (;;) {
		bool more = ctl_drain(c);

		more |= ctl_drain_balloon(c);
		if (!c->ended && ctl_broken(c))
			return error_set(err, EPROTO, "the Sentry broke the %s queue",
					 ctl_broken(c));
		p[0].events = c->holds ? 0 : POLLIN;
		/* The Sentry rings for the buffers it posts only while we wait for one. */
		if (c->holds && ring_dev_arm(&c->in) && ctl_from_cli(c) && !c->holds)
			continue;
		if (poll(p, 5, more ? 0 : -1) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		for (unsigned i = 1; i < 5; i++)
			if (i != 3 && p[i].revents)
				clear_doorbell(p[i].fd);
		if (p[3].revents) {
			/* What it said last; another vCPU may still be adding, so not for ever. */
			for (unsigned n = 0; n < 4 && ctl_drain(c); n++)
				;
			return 0;
		}
		if (((p[0].revents | p[4].revents) && !ctl_from_cli(c)) ||
		    (p[0].revents & POLLHUP && c->holds))
			return 1;
	}
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The command line's end of the socket among others, and the root: what is not ours goes before anything is made. */
static int close_others(const struct launcher_config *cfg, struct error *err)
{
	const struct sandbox *sb = cfg->sb;
	int keep[2 * RING_QUEUES + 10] = { 0, 1, 2, cfg->ctl_fd, sb->arena_fd };
	size_t n = 5;

	for (unsigned q = 0; q < RING_QUEUES; q++) {
		keep[n++] = sb->kick_fd[q];
		keep[n++] = sb->call_fd[q];
	}
	if (sb->net.wanted) {
		keep[n++] = sb->net.attach_fd[0];
		keep[n++] = sb->net.attach_fd[1];
		keep[n++] = sb->net.told_fd;
		if (sb->net.fd >= 0)
			keep[n++] = sb->net.fd;
		if (sb->net.pcap_fd >= 0)
			keep[n++] = sb->net.pcap_fd;
	}
	qsort(keep, n, sizeof(keep[0]), by_number);
	return jail_close_fds(keep, (int)n, err);
}

static int prepare(const struct launcher_config *cfg, struct error *err)
{
	struct sandbox *sb = cfg->sb;

	if (close_others(cfg, err) < 0)
		return -1;
	if (memory_create_ram(sb, sb->ram_size, err) < 0 ||
	    boottree_build(sb, cfg->spec, cfg->clock_start, err) < 0)
		return -1;
	timing_mark(sb, "RAM, device tree");
	if (sb->platform->create(sb, err) < 0)
		return error_wrap(err, "platform %s", sb->platform->name);
	return 0;
}

void launcher_main(const struct launcher_config *cfg)
{
	struct sandbox *sb = cfg->sb;
	struct ctl ctl;
	const char *const *lists[] = { launcher_syscalls, sb->platform->syscalls, NULL };
	struct error err = { 0 };
	int exit_fd = -1, how;

	prctl(PR_SET_NAME, "moat-launcher");
	timing_mark(sb, "launcher forked");
	if (prepare(cfg, &err) < 0)
		goto fail;
	timing_mark(sb, "platform created");
	ctl_init(&ctl, sb, cfg->ctl_fd);
	if (jail_enter(0, &err) < 0 || console_start(sb, &err) < 0 ||
	    net_start(sb, &err) < 0)
		goto fail;
	timing_mark(sb, "launcher sealed");
	if (sb->platform->run(sb, &exit_fd, &err) < 0)
		goto fail;
	if (jail_seccomp(lists, &err) < 0)
		goto fail;
	how = serve(&ctl, exit_fd, &err);
	if (how < 0)
		goto fail;
	if (how == 0 && !ctl.ended) {
		how = sb->platform->reap(sb, &err);
		if (how == 1 && crash_report(sb))
			ctl_fatal(cfg->ctl_fd, 125, "the Sentry crashed; the report is above");
		else
			ctl_fatal(cfg->ctl_fd, 125,
				  err.msg[0] ? err.msg : "the Sentry ended without a word");
	}
	_exit(0);
fail:
	ctl_fatal(cfg->ctl_fd, 125, err.msg);
	_exit(125);
}
