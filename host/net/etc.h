/*
 * etc.h - the files in /etc of a sandbox of `moat do` with a network, as a container engine would mount them.
 */
#ifndef MOAT_HOST_NET_ETC_H
#define MOAT_HOST_NET_ETC_H

#include <stdbool.h>

struct error;
struct mount_table;
struct net_config;

/* What they are made of. */
struct net_etc {
	const struct net_config *config;
	const char *netns;    /* name of the network namespace, as `ip netns` has it; or NULL */
	const char *hostname; /* the sandbox's own name */
	int root_fd;	      /* its root */
	bool root_rw;	      /* what is missing there stays so: mount points would stay behind */
};

/*
 * Append /etc/resolv.conf, /etc/hosts and /etc/hostname to the table, but those that it mounts something on already. Programs
 * may write them; nothing of that reaches the host. 0 or -1.
 */
int net_etc_mount(const struct net_etc *e, struct mount_table *t, struct error *err);

#endif
