/*
 * console.c - see console.h. Per chunk of output: 1 read of the doorbell, 1 write, 1 eventfd write; no copy (the write
 * takes the arena's pages).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/console.h"
#include "host/error.h"
#include "host/jail.h"
#include "host/ring_dev.h"

#define STREAM_STACK (64 * 1024)

struct stream {
	struct sandbox *sb;
	unsigned queue;
	int fd;
};

void queue_notify(struct sandbox *sb, unsigned queue)
{
	uint64_t one = 1;

	while (write(sb->call_fd[queue], &one, 8) < 0 && errno == EINTR)
		;
}

static void wait_doorbell(struct sandbox *sb, unsigned queue)
{
	struct pollfd p = { sb->kick_fd[queue], POLLIN, 0 };
	uint64_t n;

	while (read(sb->kick_fd[queue], &n, 8) < 0)
		poll(&p, 1, -1);
}

static void wait_fd(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	poll(&p, 1, -1);
}

/* All of the chain's bytes to fd. The reply goes to its one writable buffer; returns that one's length. */
static uint32_t write_all(int fd, struct ring_chain *c)
{
	struct stream_reply reply = { 0 };

	for (unsigned i = 0; i < c->nout;) {
		ssize_t n = writev(fd, c->iov + i, (int)(c->nout - i));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_fd(fd, POLLOUT);
			continue;
		}
		if (n < 0) {
			reply.error = (uint32_t)errno;
			break;
		}
		reply.taken += (uint32_t)n;
		for (; i < c->nout && (size_t)n >= c->iov[i].iov_len; i++)
			n -= (ssize_t)c->iov[i].iov_len;
		if (i < c->nout) {
			c->iov[i].iov_base = (char *)c->iov[i].iov_base + n;
			c->iov[i].iov_len -= (size_t)n;
		}
	}
	if (!c->nin || c->iov[c->nout].iov_len < sizeof(reply))
		return 0;
	memcpy(c->iov[c->nout].iov_base, &reply, sizeof(reply));
	return sizeof(reply);
}

/* A reply, then what one read of fd gives, into the chain's first writable buffer; returns how much of it is used. */
static uint32_t read_some(int fd, struct ring_chain *c)
{
	const struct iovec *v = &c->iov[c->nout];
	struct stream_reply reply = { 0 };
	ssize_t n;

	if (v->iov_len <= sizeof(reply))
		return 0;
	for (;;) {
		n = read(fd, (char *)v->iov_base + sizeof(reply), v->iov_len - sizeof(reply));
		if (n >= 0)
			break;
		if (errno == EAGAIN) {
			wait_fd(fd, POLLIN);
		} else if (errno != EINTR) {
			reply.error = (uint32_t)errno;
			n = 0;
			break;
		}
	}
	reply.taken = (uint32_t)n;
	memcpy(v->iov_base, &reply, sizeof(reply));
	return (uint32_t)(sizeof(reply) + (size_t)n);
}

static const int stream_syscalls[] = {
	SYS_read, SYS_write, SYS_writev, SYS_poll, SYS_restart_syscall, SYS_exit_group,
};

static void *stream_main(void *arg)
{
	struct stream *s = arg;
	struct ring_dev rd;
	struct ring_chain c;

	/* The launcher's own filter comes later and is not ours. Nothing of the guest's has been looked at yet. */
	if (jail_seccomp_thread(stream_syscalls, sizeof(stream_syscalls) / sizeof(int)) < 0)
		_exit(125);
	ring_dev_init(&rd, s->sb->arena, s->sb->arena_size, s->queue);
	for (;;) {
		int got = ring_dev_pop(&rd, &c);

		while (got == -EPROTO) /* the Sentry broke its queue: no service any more */
			poll(NULL, 0, -1);
		if (got == 0) {
			if (!ring_dev_arm(&rd))
				wait_doorbell(s->sb, s->queue);
			continue;
		}
		if (got == 1)
			ring_dev_push(&rd, c.head,
				      c.nout  ? write_all(s->fd, &c)
				      : c.nin ? read_some(s->fd, &c)
					      : 0);
		if (ring_dev_publish(&rd))
			queue_notify(s->sb, s->queue);
	}
}

int console_start(struct sandbox *sb, struct error *err)
{
	static struct stream streams[3];
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STREAM_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < 3; i++) {
		streams[i] = (struct stream){ sb, RING_Q_STDIN + i, (int)i };
		errno = pthread_create(&t, &attr, stream_main, &streams[i]);
		if (errno)
			return error_errno(err, "start a console thread");
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return 0;
}
