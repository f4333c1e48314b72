/*
 * pump.c - what the two threads have in common (pump.h), and starting them.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/ctl.h"
#include "host/error.h"
#include "host/net/pump.h"
#include "host/sandbox.h"

#define NET_STACK    (128 * 1024)
#define NET_SPIN_MAX 16000 /* ns */
#define NET_SPIN_MIN 1000
#define PATIENCE_MS  5000

void net_await(struct net *n, unsigned which)
{
	uint64_t v;

	while (read(n->attach_fd[which], &v, 8) != 8)
		;
}

void net_await_doorbell(struct net *n, unsigned queue, struct net_counters *c)
{
	struct pollfd p = { n->sb->kick_fd[queue], POLLIN, 0 };
	uint64_t v;

	while (read(p.fd, &v, 8) < 0)
		poll(&p, 1, -1);
	c->doorbells++;
}

void net_wake_sentry(struct net *n, unsigned queue, struct net_counters *c)
{
	c->interrupts++;
	queue_notify(n->sb, queue);
}

void net_rest(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

void net_spin_init(struct net_spin *s)
{
	cpu_set_t set;

	s->ns = 0;
	s->off = sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < 2;
}

static uint64_t now_ns(void)
{
	return clock_now_ns(CLOCK_MONOTONIC);
}

bool net_spin(struct net_spin *s, bool (*ready)(const void *), const void *arg)
{
	uint64_t end;

	if (s->ns < NET_SPIN_MIN)
		return false;
	end = now_ns() + s->ns;
	do {
		if (ready(arg)) {
			s->ns = s->ns * 2 < NET_SPIN_MAX ? s->ns * 2 : NET_SPIN_MAX;
			return true;
		}
		__builtin_ia32_pause();
	} while (now_ns() < end);
	s->ns /= 2;
	return false;
}

void net_spin_miss(struct net_spin *s)
{
	if (!s->off && s->ns < NET_SPIN_MIN)
		s->ns = NET_SPIN_MIN;
}

int net_prepare(struct net *n, int fd, const struct net_config *config, struct error *err)
{
	n->wanted = true;
	n->fd = fd;
	if (fd >= 0)
		n->config = *config;
	for (unsigned i = 0; i < 2; i++) {
		n->attach_fd[i] = eventfd(0, EFD_CLOEXEC);
		if (n->attach_fd[i] < 0)
			return error_errno(err, "make the network's eventfds");
	}
	n->told_fd = eventfd(0, EFD_CLOEXEC);
	if (n->told_fd < 0)
		return error_errno(err, "make the network's eventfds");
	return 0;
}

bool net_config_valid(const struct net_config *c)
{
	return c->pairs && c->pairs <= NET_PAIRS && c->pair <= NET_PAIRS - c->pairs &&
	       c->transport <= NET_STREAM && c->mtu >= 576 && c->mtu <= 65535 &&
	       c->naddrs <= NET_ADDRS && c->nroutes <= NET_ROUTES && c->ndns <= NET_DNS &&
	       memchr(c->name, 0, sizeof(c->name)) && !(c->mac[0] & 1);
}

static int launch(struct net *n)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < 2; i++)
		if (write(n->attach_fd[i], &one, 8) != 8)
			return -EIO;
	return 0;
}

int net_attach(struct sandbox *sb, int fd, const struct net_config *config)
{
	struct net *n = &sb->net;
	struct pollfd told = { n->told_fd, POLLIN, 0 };

	if (!n->wanted)
		return -EIO;
	if (n->fd >= 0)
		return -EBUSY;
	if (fd < 0 || !net_config_valid(config))
		return -EINVAL;
	n->config = *config;
	n->fd = fd;
	if (launch(n) < 0)
		return -EIO;
	return poll(&told, 1, PATIENCE_MS) == 1 ? 0 : -ETIMEDOUT;
}

int net_start(struct sandbox *sb, struct error *err)
{
	static void *(*const mains[])(void *) = { net_receive_main, net_send_main };
	struct net *n = &sb->net;
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t t;

	if (!n->wanted)
		return 0;
	n->sb = sb;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, NET_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < 2; i++) {
		errno = pthread_create(&t, &attr, mains[i], n);
		if (errno)
			return error_errno(err, "start a network thread");
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (n->fd < 0)
		return 0;
	if (!net_config_valid(&n->config) || launch(n) < 0)
		return error_set(err, EINVAL, "the network's description is not valid");
	return 0;
}

static void print(const char *what, const struct net_counters *c)
{
	fprintf(stderr,
		"moat: net %s: %llu frames, %llu bytes, %llu dropped, %llu refused, %llu calls (%llu "
		"bytes each), %llu doorbells, %llu interrupts\n",
		what, (unsigned long long)c->frames, (unsigned long long)c->bytes,
		(unsigned long long)c->dropped, (unsigned long long)c->refused,
		(unsigned long long)c->calls,
		(unsigned long long)(c->bytes / (c->calls + !c->calls)),
		(unsigned long long)c->doorbells, (unsigned long long)c->interrupts);
}

void net_print_stats(const struct sandbox *sb)
{
	if (!sb->net.stats || !sb->net.wanted)
		return;
	print("received", &sb->net.rx);
	print("sent", &sb->net.tx);
}
