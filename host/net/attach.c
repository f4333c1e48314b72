/*
 * attach.c - the life of a sandbox's network in the launcher: its eventfds, its threads, the backend that is handed to them,
 * and what they counted.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/error.h"
#include "host/net/pump.h"
#include "host/sandbox.h"

#define NET_STACK   (128 * 1024)
#define PATIENCE_MS 5000

static void take_backend(struct net *n, const int *fds, const struct net_config *config)
{
	n->attached = true;
	n->config = *config;
	for (uint32_t i = 0; i < config->pairs; i++)
		n->pair[i].fd = fds[i];
}

int net_prepare(struct net *n, unsigned pairs, const int *fds, const struct net_config *config,
		struct error *err)
{
	n->threads = pairs;
	for (unsigned i = 0; i < pairs; i++) {
		n->pair[i].fd = -1;
		n->pair[i].attach_fd = eventfd(0, EFD_CLOEXEC);
		if (n->pair[i].attach_fd < 0)
			return error_errno(err, "make the network's eventfds");
	}
	n->told_fd = eventfd(0, EFD_CLOEXEC);
	if (n->told_fd < 0)
		return error_errno(err, "make the network's eventfds");
	if (fds)
		take_backend(n, fds, config);
	return 0;
}

size_t net_descriptors(const struct net *n, int *fds)
{
	size_t count = 0;

	for (unsigned i = 0; i < n->threads; i++) {
		fds[count++] = n->pair[i].attach_fd;
		if (n->pair[i].fd >= 0)
			fds[count++] = n->pair[i].fd;
	}
	fds[count++] = n->told_fd;
	if (n->pcap_fd >= 0)
		fds[count++] = n->pcap_fd;
	return count;
}

/* Is it one that the code below can trust to be within bounds? */
static bool net_config_valid(const struct net_config *c)
{
	return c->pairs && c->pairs <= NET_PAIRS && c->pair <= NET_PAIRS - c->pairs &&
	       c->transport <= NET_STREAM && (c->transport == NET_VNET || c->pairs == 1) &&
	       c->mtu >= 576 && c->mtu <= 65535 && c->naddrs <= NET_ADDRS &&
	       c->nroutes <= NET_ROUTES && c->ndns <= NET_DNS &&
	       memchr(c->name, 0, sizeof(c->name)) && !(c->mac[0] & 1);
}

static int launch(struct net *n)
{
	uint64_t one = 1;

	for (uint32_t i = 0; i < n->config.pairs; i++)
		if (write(n->pair[i].attach_fd, &one, 8) != 8)
			return -EIO;
	return 0;
}

int net_attach(struct sandbox *sb, const int *fds, size_t nfds, const struct net_config *config)
{
	struct net *n = &sb->net;
	struct pollfd told = { n->told_fd, POLLIN, 0 };

	if (n->attached)
		return -EBUSY;
	if (!net_config_valid(config) || nfds < config->pairs)
		return -EINVAL;
	if (n->threads < config->pairs)
		return -EIO;
	take_backend(n, fds, config);
	if (launch(n) < 0)
		return -EIO;
	return poll(&told, 1, PATIENCE_MS) == 1 ? 0 : -ETIMEDOUT;
}

int net_start(struct sandbox *sb, struct error *err)
{
	struct net *n = &sb->net;
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t t;

	if (!n->threads)
		return 0;
	n->sb = sb;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, NET_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < n->threads; i++) {
		n->pair[i].n = n;
		errno = pthread_create(&t, &attr, net_pump_main, &n->pair[i]);
		if (errno)
			return error_errno(err, "start a network thread");
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!n->attached)
		return 0;
	if (!net_config_valid(&n->config) || n->config.pairs > n->threads || launch(n) < 0)
		return error_set(err, EINVAL, "the network's description is not valid");
	return 0;
}

static void add(struct net_counters *sum, const struct net_counters *c)
{
	sum->frames += c->frames;
	sum->bytes += c->bytes;
	sum->dropped += c->dropped;
	sum->refused += c->refused;
	sum->calls += c->calls;
	sum->doorbells += c->doorbells;
	sum->interrupts += c->interrupts;
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
	const struct net *n = &sb->net;
	struct net_counters rx = { 0 }, tx = { 0 };
	uint64_t sleeps = 0;

	if (!n->stats || !n->attached)
		return;
	for (uint32_t i = 0; i < n->config.pairs; i++) {
		add(&rx, &n->pair[i].rx);
		add(&tx, &n->pair[i].tx);
		sleeps += n->pair[i].sleeps;
	}
	print("received", &rx);
	print("sent", &tx);
	fprintf(stderr, "moat: net pairs: %u, their threads slept %llu times\n", n->config.pairs,
		(unsigned long long)sleeps);
}
