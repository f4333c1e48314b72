/*
 * launcher.c - see launcher.h. After the seal one thread sleeps in poll on the control socket, the control and balloon
 * doorbells and the Sentry's end; three move the standard streams (console.c); the platform has its own (vCPUs).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/console.h"
#include "host/crash.h"
#include "host/error.h"
#include "host/jail.h"
#include "host/launcher.h"
#include "host/memory.h"
#include "host/ring_dev.h"
#include "host/timing.h"

/* What the launcher's threads call after the seal; the platform adds its own. */
static const char *const launcher_syscalls[] = {
	"read",	     "readv",		"write",  "writev",	"poll",
	"ppoll",     "restart_syscall", "sendto", "recvfrom",	"futex",
	"fallocate", "madvise",		"exit",	  "exit_group", "clock_gettime",
	"munmap",    "rt_sigreturn",	NULL,
};

struct launcher {
	struct sandbox *sb;
	int ctl_fd;
	struct ring_dev in, out, balloon;
	bool ended;	     /* CTL_EXIT or CTL_FATAL was passed on */
	struct ctl_msg held; /* of the command line, for a Sentry that has no buffer posted yet */
	bool holds;
};

static void send_msg(int fd, const struct ctl_msg *m)
{
	while (send(fd, m, sizeof(*m), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void fatal(int ctl_fd, int status, const char *line)
{
	struct ctl_msg m = { .type = CTL_FATAL, .a = (uint64_t)status };

	m.len = (uint32_t)strnlen(line, sizeof(m.data) - 1);
	memcpy(m.data, line, m.len);
	send_msg(ctl_fd, &m);
}

/* Give a message to the Sentry; false if it has no buffer posted for it. */
static bool to_sentry(struct launcher *l, const struct ctl_msg *m)
{
	struct ring_chain c;

	if (ring_dev_pop(&l->in, &c) != 1)
		return false;
	if (c.nin && c.iov[c.nout].iov_len >= sizeof(*m))
		memcpy(c.iov[c.nout].iov_base, m, sizeof(*m));
	ring_dev_push(&l->in, c.head, c.nin ? sizeof(*m) : 0);
	if (ring_dev_publish(&l->in))
		queue_notify(l->sb, RING_Q_CTL_IN);
	return true;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The pair (tsc, monotonic); the Sentry finds the frequency from the pairs it has (d = 0). */
static void send_time(struct launcher *l)
{
	struct clock_sample s;
	struct ctl_msg m = { .type = CTL_TIME };

	clock_sample(&s);
	m.a = s.tsc;
	m.b = s.mono;
	m.c = s.mono + (now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC));
	to_sentry(l, &m);
}

/* One message of the Sentry's: already a private copy. */
static void from_sentry(struct launcher *l, struct ctl_msg *m)
{
	if (m->len > sizeof(m->data))
		m->len = sizeof(m->data);
	switch (m->type) {
	case CTL_EXIT:
	case CTL_FATAL:
		l->ended = true;
		timing_mark(l->sb, "program ended");
		/* The command line kills us as soon as it has this message. */
		if (l->sb->debug && l->sb->platform->stats)
			l->sb->platform->stats(l->sb);
		send_msg(l->ctl_fd, m);
		break;
	case CTL_READY:
		timing_mark(l->sb, "Sentry booted, program loaded");
		send_msg(l->ctl_fd, m);
		break;
	case CTL_LOG: send_msg(l->ctl_fd, m); break;
	case CTL_TIME_REQUEST: send_time(l); break;
	default: break; /* a newer or a hostile Sentry: nothing to do for it */
	}
}

static void drain_ctl(struct launcher *l)
{
	struct ring_chain c;

	do {
		int got;

		while ((got = ring_dev_pop(&l->out, &c)) == 1 || got == -EINVAL) {
			struct ctl_msg m;

			if (got != 1)
				continue;
			if (c.nout && c.iov[0].iov_len >= sizeof(m)) {
				memcpy(&m, c.iov[0].iov_base, sizeof(m));
				from_sentry(l, &m);
			}
			ring_dev_push(&l->out, c.head, 0);
		}
		if (ring_dev_publish(&l->out))
			queue_notify(l->sb, RING_Q_CTL_OUT);
	} while (ring_dev_arm(&l->out));
}

/* Frames that the Sentry gives back. Any range of its own RAM is its to forget. */
static void release_range(struct sandbox *sb, const struct balloon_range *r)
{
	if ((r->paddr | r->len) & 4095 || r->paddr > sb->ram_size ||
	    r->len > sb->ram_size - r->paddr || !r->len)
		return;
	fallocate(sb->ram_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)r->paddr,
		  (off_t)r->len);
}

static void drain_balloon(struct launcher *l)
{
	struct ring_chain c;

	do {
		int got;

		while ((got = ring_dev_pop(&l->balloon, &c)) == 1 || got == -EINVAL) {
			if (got != 1)
				continue;
			for (unsigned i = 0; i < c.nout; i++) {
				struct balloon_range r;

				for (size_t at = 0; at + sizeof(r) <= c.iov[i].iov_len;
				     at += sizeof(r)) {
					memcpy(&r, (char *)c.iov[i].iov_base + at, sizeof(r));
					release_range(l->sb, &r);
				}
			}
			ring_dev_push(&l->balloon, c.head, 0);
		}
		if (ring_dev_publish(&l->balloon))
			queue_notify(l->sb, RING_Q_BALLOON);
	} while (ring_dev_arm(&l->balloon));
}

static void clear_doorbell(int fd)
{
	uint64_t n;

	if (read(fd, &n, 8) < 0)
		return; /* EAGAIN: someone rang and it was seen already */
}

/*
 * Messages of the command line go on in their order. The one that the Sentry cannot take yet, as while it boots, is
 * held, and those after it stay in the socket. False when the command line is gone.
 */
static bool from_cli(struct launcher *l)
{
	for (;;) {
		ssize_t n;

		if (l->holds && !to_sentry(l, &l->held))
			return true;
		l->holds = false;
		n = recv(l->ctl_fd, &l->held, sizeof(l->held), MSG_DONTWAIT);
		if (n <= 0)
			return n != 0;
		l->holds = n == (ssize_t)sizeof(l->held);
	}
}

static int serve(struct launcher *l, int exit_fd, struct error *err)
{
	struct sandbox *sb = l->sb;
	struct pollfd p[] = {
		{ l->ctl_fd, POLLIN, 0 },
		{ sb->kick_fd[RING_Q_CTL_OUT], POLLIN, 0 },
		{ sb->kick_fd[RING_Q_BALLOON], POLLIN, 0 },
		{ exit_fd, POLLIN, 0 },
		{ sb->kick_fd[RING_Q_CTL_IN], POLLIN, 0 },
	};

	drain_ctl(l);
	drain_balloon(l);
	for (;;) {
		p[0].events = l->holds ? 0 : POLLIN;
		/* The Sentry rings for the buffers it posts only while we wait for one. */
		if (l->holds && ring_dev_arm(&l->in) && from_cli(l) && !l->holds)
			continue;
		if (poll(p, 5, -1) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (p[1].revents) {
			clear_doorbell(p[1].fd);
			drain_ctl(l);
		}
		if (p[2].revents) {
			clear_doorbell(p[2].fd);
			drain_balloon(l);
		}
		if (p[3].revents) {
			drain_ctl(l);
			return 0;
		}
		if (p[4].revents)
			clear_doorbell(p[4].fd);
		if (((p[0].revents | p[4].revents) && !from_cli(l)) ||
		    (p[0].revents & POLLHUP && l->holds))
			return 0;
	}
}

static int prepare(const struct launcher_config *cfg, struct error *err)
{
	struct sandbox *sb = cfg->sb;

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
	struct launcher l = { .sb = sb, .ctl_fd = cfg->ctl_fd };
	const char *const *lists[] = { launcher_syscalls, sb->platform->syscalls, NULL };
	struct error err = { 0 };
	int exit_fd = -1, how;

	prctl(PR_SET_NAME, "moat-launcher");
	timing_mark(sb, "launcher forked");
	if (prepare(cfg, &err) < 0)
		goto fail;
	timing_mark(sb, "platform created");
	ring_dev_init(&l.in, sb->arena, sb->arena_size, RING_Q_CTL_IN);
	ring_dev_init(&l.out, sb->arena, sb->arena_size, RING_Q_CTL_OUT);
	ring_dev_init(&l.balloon, sb->arena, sb->arena_size, RING_Q_BALLOON);
	if (jail_enter(0, &err) < 0 || console_start(sb, &err) < 0)
		goto fail;
	timing_mark(sb, "launcher sealed");
	if (sb->platform->run(sb, &exit_fd, &err) < 0)
		goto fail;
	if (jail_seccomp(lists, &err) < 0)
		goto fail;
	if (serve(&l, exit_fd, &err) < 0)
		goto fail;
	if (!l.ended) {
		how = sb->platform->reap(sb, &err);
		if (how == 1 && crash_report(sb))
			fatal(cfg->ctl_fd, 125, "the Sentry crashed; the report is above");
		else
			fatal(cfg->ctl_fd, 125,
			      err.msg[0] ? err.msg : "the Sentry ended without a word");
	}
	_exit(0);
fail:
	fatal(cfg->ctl_fd, 125, err.msg);
	_exit(125);
}
