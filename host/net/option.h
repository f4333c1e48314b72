/*
 * option.h - the network as a user asks for it on the command line of `moat do`.
 */
#ifndef MOAT_HOST_NET_OPTION_H
#define MOAT_HOST_NET_OPTION_H

#include "host/net/net.h"

#define NET_PUBLISH_MAX 64

struct net_options {
	/* auto, passt, host-netns[:NAME|:PATH], tap:NAME..., none; NULL: not given */
	const char *net;
	struct net_publish publish[NET_PUBLISH_MAX];
	unsigned npublish;
	unsigned queues; /* pairs of queues; 0: NET_PAIRS_DEFAULT */
	const char *pcap;
	bool stats;
};

/* HOST:GUEST[/udp|/tcp], or one number for both. 0 or -1. */
int net_option_publish(struct net_options *o, const char *text, struct error *err);
/* 1 to NET_PAIRS. 0 or -1. */
int net_option_queues(unsigned *queues, const char *text, struct error *err);
/* The name of the network namespace that was asked for, "" for the caller's; NULL: another kind of network. */
const char *net_option_netns(const struct net_options *o);
/* Open what was asked for, into n. *helper is the pid of a process that goes with it, or 0. 0 or -1. */
int net_option_open(const struct net_options *o, struct net *n, pid_t *helper, struct error *err);
/* The sandbox is gone: close the caller's descriptors of its network, and undo what that changed outside. */
void net_option_close(const struct net_options *o, struct net *n);

#endif
