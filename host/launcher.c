/*
 * launcher.c - see launcher.h. After the seal one thread sleeps in epoll on the sockets (channels.c), the standard streams
 * (streams.c), the doorbells of both and of the balloon queue (ctl.c), and the Sentry's end; the platform has its own
 * threads (vCPUs).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/channels.h"
#include "host/crash.h"
#include "host/error.h"
#include "host/jail.h"
#include "host/launcher.h"
#include "host/memory.h"
#include "host/streams.h"
#include "host/timing.h"

/* What the launcher's threads call after the seal; the platform adds its own. */
static const char *const launcher_syscalls[] = {
	"read",		"readv",    "write",	  "writev",	     "poll",	"epoll_wait",
	"epoll_ctl",	"recvfrom", "recvmsg",	  "sendmsg",	     "accept4", "fstat",
	"newfstatat",	"fcntl",    "close",	  "restart_syscall", "futex",	"fallocate",
	"madvise",	"exit",	    "exit_group", "clock_gettime",   "munmap",	"brk",
	"rt_sigreturn", NULL,
};

/* Upper half of the epoll set's data; the lower is a stream's id. */
enum source { DOORBELL, STREAM, SOCKETS, OWNER, END };

static int watch(int epoll, int fd, uint32_t events, enum source source)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)source << 32 };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
}

struct launcher {
	struct sandbox *sb;
	struct channels channels;
	struct streams streams;
	int epoll;
	bool listening; /* the sockets are in the set */
	bool waiting;	/* for the owner to read what it was told */
	int owner_fd;
};

/*
 * Doorbells are edge-triggered: nobody has to read them. The owner's socket is there for its end alone, which counts also
 * while no message can be taken.
 */
static int watch_all(struct launcher *l, int owner_fd, struct error *err)
{
	static const unsigned queues[] = { RING_Q_CTL_IN, RING_Q_CTL_OUT, RING_Q_STREAM,
					   RING_Q_STREAM_EVENT, RING_Q_BALLOON };

	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++)
		if (watch(l->epoll, l->sb->kick_fd[queues[i]], EPOLLIN | EPOLLET, DOORBELL) < 0)
			return error_errno(err, "watch a queue");
	if (watch(l->epoll, l->channels.epoll, EPOLLIN, SOCKETS) < 0 ||
	    watch(l->epoll, owner_fd, 0, OWNER) < 0)
		return error_errno(err, "watch the sockets");
	l->listening = true;
	return 0;
}

/* While the Sentry has no buffer for a message, the sockets keep theirs. */
static void listen_to_sockets(struct launcher *l, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLIN : 0, .data.u64 = (uint64_t)SOCKETS << 32 };

	if (l->listening != on)
		epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->channels.epoll, &ev);
	l->listening = on;
}

static void wait_for_owner(struct launcher *l, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLOUT : 0, .data.u64 = (uint64_t)OWNER << 32 };

	if (l->waiting != on)
		epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->owner_fd, &ev);
	l->waiting = on;
}

/* All that the Sentry has said. True: there is more, do not sleep. */
static bool drain(struct launcher *l)
{
	struct ctl *c = &l->channels.ctl;
	bool more = streams_drain(&l->streams);

	more |= ctl_drain(c);
	more |= ctl_drain_balloon(c);
	/* The Sentry rings for the buffers it posts only while we wait for one. */
	if (c->holds && ring_dev_arm(&c->in))
		ctl_flush(c);
	if (!c->holds)
		channels_flush(&l->channels);
	listen_to_sockets(l, !c->holds);
	wait_for_owner(l, c->stopped);
	return more;
}

/* What it said last; another vCPU may still be adding, so not for ever. */
static void hear_last_words(struct launcher *l)
{
	struct pollfd p = { l->owner_fd, POLLOUT, 0 };

	for (unsigned k = 0; k < 100; k++) {
		bool more = drain(l);

		if (l->channels.ctl.stopped && poll(&p, 1, -1) == 1)
			channels_resend(&l->channels);
		else if (!more || k >= 4)
			break;
	}
}

/* 0: the Sentry ended; 1: the owner of the first container did, and nobody waits for us; -1. */
static int serve(struct launcher *l, struct error *err)
{
	struct epoll_event ev[32];

	for (;;) {
		bool more = drain(l);
		const char *broken = ctl_broken(&l->channels.ctl);
		int n;

		if (!l->channels.ended && (broken || streams_broken(&l->streams)))
			return error_set(err, EPROTO, "the Sentry broke the %s queue",
					 broken ? broken : "stream");
		n = epoll_wait(l->epoll, ev, 32, more ? 0 : -1);
		if (n < 0 && errno != EINTR)
			return error_errno(err, "epoll");
		for (int i = 0; i < n; i++) {
			switch (ev[i].data.u64 >> 32) {
			case STREAM:
				streams_ready(&l->streams, (uint32_t)ev[i].data.u64, ev[i].events);
				break;
			case SOCKETS:
				if (!l->channels.ctl.holds && !channels_serve(&l->channels))
					return 1;
				break;
			case OWNER:
				if (ev[i].events & (EPOLLHUP | EPOLLERR))
					return 1;
				channels_resend(&l->channels);
				break;
			case END: hear_last_words(l); return 0;
			default: break;
			}
		}
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
	int keep[2 * RING_QUEUES + 32] = { 0, 1, 2, cfg->ctl_fd, sb->arena_fd };
	size_t n = 5;

	for (unsigned i = 0; i < 3; i++)
		keep[n++] = cfg->stdio[i];
	if (cfg->listen_fd >= 0)
		keep[n++] = cfg->listen_fd;

	for (unsigned q = 0; q < RING_QUEUES; q++) {
		keep[n++] = sb->kick_fd[q];
		keep[n++] = sb->call_fd[q];
	}
	if (sb->dax) {
		keep[n++] = sb->dax_fd[0];
		keep[n++] = sb->dax_fd[1];
	}
	if (sb->net.threads)
		n += net_descriptors(&sb->net, keep + n);
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

/* The first container's streams are 0, 1 and 2; as descriptors of ours they have other numbers. */
static int make_streams(struct launcher *l, const struct launcher_config *cfg, struct error *err)
{
	if (streams_init(&l->streams, l->sb, l->epoll, STREAM, err) < 0)
		return -1;
	for (unsigned i = 0; i < 3; i++)
		if (streams_add(&l->streams, cfg->stdio[i]) != i)
			return error_set(err, EMFILE, "no place for the standard streams");
	return 0;
}

/* What the caller had as 0 and 1 has been passed on; 2 stays, for reports. */
static void drop_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, 0);
	dup2(null, 1);
	close(null);
}

void launcher_main(const struct launcher_config *cfg)
{
	struct sandbox *sb = cfg->sb;
	struct launcher l = { .sb = sb, .owner_fd = cfg->ctl_fd };
	const char *const *lists[] = { launcher_syscalls, sb->platform->syscalls, NULL };
	struct error err = { 0 };
	int exit_fd = -1, how;

	prctl(PR_SET_NAME, "moat-launcher");
	timing_mark(sb, "launcher forked");
	drop_stdio();
	if (prepare(cfg, &err) < 0)
		goto fail;
	timing_mark(sb, "platform created");
	fcntl(cfg->ctl_fd, F_SETFL, O_NONBLOCK);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l.epoll < 0) {
		error_errno(&err, "epoll");
		goto fail;
	}
	if (make_streams(&l, cfg, &err) < 0 ||
	    channels_init(&l.channels, sb, &l.streams, cfg->ctl_fd, cfg->listen_fd,
			  cfg->spec->id ? cfg->spec->id : "", &err) < 0 ||
	    watch_all(&l, cfg->ctl_fd, &err) < 0 || jail_enter(0, &err) < 0 ||
	    net_start(sb, &err) < 0)
		goto fail;
	timing_mark(sb, "launcher sealed");
	if (sb->platform->run(sb, &exit_fd, &err) < 0)
		goto fail;
	if (watch(l.epoll, exit_fd, EPOLLIN, END) < 0) {
		error_errno(&err, "watch the Sentry");
		goto fail;
	}
	if (jail_seccomp(lists, &err) < 0)
		goto fail;
	how = serve(&l, &err);
	if (how < 0)
		goto fail;
	if (how == 0 && !l.channels.ended) {
		how = sb->platform->reap(sb, &err);
		if (how == 1 && crash_report(sb))
			channel_fail(cfg->ctl_fd, EIO, 125,
				     "the Sentry crashed; the report is above");
		else
			channel_fail(cfg->ctl_fd, EIO, 125,
				     err.msg[0] ? err.msg : "the Sentry ended without a word");
	}
	_exit(0);
fail:
	channel_fail(cfg->ctl_fd, err.err, 125, err.msg);
	_exit(125);
}
