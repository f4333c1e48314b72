/*
 * tap.c - the backend for a machine's own administrator: a TAP device, there already or made here, whose other end is the
 * host's to configure. NAME[,ADDRESS/PREFIX[,GATEWAY]]: without an address the sandbox takes the next one after the
 * device's own, if it has an IPv4 address, and the device's as its gateway.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/error.h"
#include "host/net/net.h"

/* One queue of it. */
static int make_tap(const char *name, bool one_of_many, struct error *err)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
						  (one_of_many ? IFF_MULTI_QUEUE : 0)) };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "/dev/net/tun");
	memcpy(ifr.ifr_name, name, strlen(name)); /* shorter than IFNAMSIZ: the caller looked */
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		error_errno(err, "--net tap:%s", name);
		close(fd);
		return -1;
	}
	return fd;
}

static void default_route(struct net_config *c, const void *gateway)
{
	struct net_route *r = &c->routes[c->nroutes++];

	*r = (struct net_route){ .family = 4, .gateway = 1 };
	memcpy(r->gw, gateway, 4);
}

/* The device's own addresses are the host's: the sandbox's is derived from the first, if it has none of its own. */
static void next_address(struct net_config *c)
{
	struct net_addr host = { 0 };
	uint32_t a, mask;

	for (uint32_t i = 0; i < c->naddrs && !host.family; i++)
		if (c->addrs[i].family == 4)
			host = c->addrs[i];
	c->naddrs = c->nroutes = 0;
	if (!host.family || host.prefix > 30 || !host.prefix)
		return;
	memcpy(&a, host.addr, 4);
	mask = ~0u >> host.prefix;
	a = ntohl(a);
	a = (a & mask) + 2 <= mask ? a + 1 : a - 1;
	a = htonl(a);
	c->addrs[0] = host;
	memcpy(c->addrs[0].addr, &a, 4);
	c->naddrs = 1;
	default_route(c, host.addr);
}

/* ADDRESS/PREFIX[,GATEWAY] */
static int given_address(struct net_config *c, char *text, struct error *err)
{
	char *gateway = strchr(text, ','), *slash, *end;
	unsigned char gw[4];
	unsigned long prefix;

	c->naddrs = c->nroutes = 0;
	if (gateway)
		*gateway++ = 0;
	slash = strchr(text, '/');
	if (!slash)
		goto bad;
	*slash++ = 0;
	prefix = strtoul(slash, &end, 10);
	if (end == slash || *end || prefix < 1 || prefix > 32 ||
	    inet_pton(AF_INET, text, c->addrs[0].addr) != 1)
		goto bad;
	c->addrs[0].family = 4;
	c->addrs[0].prefix = (uint8_t)prefix;
	c->naddrs = 1;
	if (!gateway)
		return 0;
	if (inet_pton(AF_INET, gateway, gw) != 1)
		goto bad;
	default_route(c, gw);
	return 0;
bad:
	return error_set(err, EINVAL, "--net tap: give NAME[,ADDRESS/PREFIX[,GATEWAY]] (IPv4)");
}

int net_tap_open(const char *arg, unsigned pairs, int *fds, struct net_config *c, struct error *err)
{
	const unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	char name[128], *rest;
	unsigned n = 0;
	int ifindex;

	memset(c, 0, sizeof(*c));
	if (snprintf(name, sizeof(name), "%s", arg) >= (int)sizeof(name))
		return error_set(err, EINVAL, "--net tap: the argument is too long");
	rest = strchr(name, ',');
	if (rest)
		*rest++ = 0;
	if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '/'))
		return error_set(err, EINVAL, "--net tap: '%s' is no name for an interface", name);
	for (; n < pairs; n++) {
		fds[n] = make_tap(name, pairs > 1, err);
		if (fds[n] < 0)
			goto fail;
	}
	ifindex = net_read_interface(name, c, err);
	if (ifindex < 0 || net_link_up(ifindex, err) < 0)
		goto fail;
	if (rest ? given_address(c, rest, err) < 0 : (next_address(c), 0))
		goto fail;
	c->pairs = pairs;
	c->flags = NET_UP;
	c->transport = NET_VNET;
	if (ioctl(fds[0], TUNSETOFFLOAD, offload) == 0)
		c->flags |= NET_CSUM | NET_GSO;
	/* The wire has two ends: ours gets a MAC of its own, locally administered. */
	if (getrandom(c->mac, 6, 0) != 6) {
		error_errno(err, "getrandom");
		goto fail;
	}
	c->mac[0] = (c->mac[0] & 0xfc) | 2;
	strcpy(c->name, "eth0");
	return 0;
fail:
	while (n--)
		close(fds[n]);
	return -1;
}
