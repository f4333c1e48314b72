/*
 * option.c - see option.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/error.h"
#include "host/net/option.h"

static bool port(const char *text, char **end, uint16_t *to)
{
	unsigned long v = strtoul(text, end, 10);

	if (*end == text || *text < '0' || *text > '9' || !v || v > 65535)
		return false;
	*to = (uint16_t)v;
	return true;
}

int net_option_publish(struct net_options *o, const char *text, struct error *err)
{
	struct net_publish p = { 0 };
	char *end;

	if (!port(text, &end, &p.host))
		goto bad;
	p.guest = p.host;
	if (*end == ':' && !port(end + 1, &end, &p.guest))
		goto bad;
	if (strcmp(end, "/udp") == 0)
		p.udp = true;
	else if (*end && strcmp(end, "/tcp") != 0)
		goto bad;
	for (unsigned i = 0; i < o->npublish; i++)
		if (o->publish[i].host == p.host && o->publish[i].udp == p.udp)
			return error_set(err, EINVAL, "--publish %s: port %u is published twice",
					 text, p.host);
	if (o->npublish == NET_PUBLISH_MAX)
		return error_set(err, EINVAL, "--publish: more than %d ports", NET_PUBLISH_MAX);
	o->publish[o->npublish++] = p;
	return 0;
bad:
	return error_set(err, EINVAL,
			 "--publish '%s': give HOSTPORT:PORT, each 1 to 65535, with /udp for UDP",
			 text);
}

int net_option_queues(unsigned *queues, const char *text, struct error *err)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !v || v > NET_PAIRS)
		return error_set(err, EINVAL, "'%.40s': give a number of queues from 1 to %d", text,
				 NET_PAIRS);
	*queues = (unsigned)v;
	return 0;
}

/* A name as `ip netns` has it, or a path; nothing: the caller's own. */
static int open_namespace(const char *name, int *fd, struct error *err)
{
	char path[256];

	*fd = -1;
	if (!*name)
		return 0;
	if (snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name) >=
	    (int)sizeof(path))
		return error_set(err, ENAMETOOLONG, "--net host-netns: the path is too long");
	/* Whatever else the path leads to, opening it must not wait. */
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return *fd < 0 ? error_errno(err, "--net host-netns: %s", path) : 0;
}

const char *net_option_netns(const struct net_options *o)
{
	static const char kind[] = "host-netns";
	const char *net = o->net;
	size_t n = strlen(kind);

	if (!net || strncmp(net, kind, n) != 0 || (net[n] && net[n] != ':'))
		return NULL;
	return net[n] ? net + n + 1 : "";
}

static int open_netns(const char *name, unsigned pairs, int *fds, struct net_config *c,
		      struct error *err)
{
	int ns, ret;

	if (open_namespace(name, &ns, err) < 0)
		return -1;
	ret = net_packet_open(ns, pairs, fds, c, NULL, err);
	if (ns >= 0)
		close(ns);
	return ret < 0 ? error_wrap(err, "--net host-netns%s%s", *name ? ":" : "", name) : 0;
}

int net_option_open(const struct net_options *o, struct net *n, pid_t *helper, struct error *err)
{
	const char *net = o->net ? o->net : o->npublish ? "passt" : "none";
	unsigned pairs = o->queues ? o->queues : NET_PAIRS_DEFAULT;
	int fds[NET_PAIRS], ret;
	struct net_config c;

	*helper = 0;
	n->pcap_fd = -1;
	n->stats = o->stats;
	if (strcmp(net, "auto") == 0) {
		net = net_passt_installed() ? "passt" : "none";
		if (*net == 'n')
			fprintf(stderr, "moat: no network but loopback: passt is not installed\n");
	}
	if (o->npublish && strcmp(net, "passt") != 0)
		return error_set(err, EINVAL, "--publish needs --net passt%s",
				 net_passt_installed() ? "" : ", and passt is not installed");
	if (strcmp(net, "none") == 0)
		return o->pcap ? error_set(err, EINVAL, "--pcap: no frames without --net") : 0;
	if (strcmp(net, "passt") == 0)
		ret = net_passt_open(o->publish, o->npublish, helper, fds, &c, err);
	else if (strncmp(net, "tap:", 4) == 0)
		ret = net_tap_open(net + 4, pairs, fds, &c, err);
	else if (net_option_netns(o))
		ret = open_netns(net_option_netns(o), pairs, fds, &c, err);
	else
		return error_set(
			err, EINVAL,
			"--net '%s': give auto, passt, host-netns[:NAME], tap:NAME or none", net);
	if (ret < 0)
		return -1;
	if (o->pcap && (n->pcap_fd = pcap_open(o->pcap, err)) < 0)
		return -1;
	return net_prepare(n, c.pairs, fds, &c, err);
}

void net_option_close(const struct net_options *o, struct net *n)
{
	const char *name = net_option_netns(o);
	int ns, fds[2 * NET_PAIRS + 2];

	if (n->threads)
		chan_close_fds(fds, net_descriptors(n, fds));
	if (!name || open_namespace(name, &ns, NULL) < 0)
		return;
	net_packet_close(ns);
	if (ns >= 0)
		close(ns);
}
