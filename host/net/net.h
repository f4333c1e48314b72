/*
 * net.h - the host's part of a sandbox's network: a backend that somebody opened, and the threads that move its frames.
 *
 * Whoever has the privilege opens a backend (packet.c, tap.c, passt.c): what it is (struct net_config), and a descriptor for
 * each pair of queues that it is to have. The launcher's threads, one for each pair (pump.h), are there before the seal and
 * wait until net_attach hands them theirs. They look at every frame that leaves (check.h), and have a seccomp list of their own.
 */
#ifndef MOAT_HOST_NET_NET_H
#define MOAT_HOST_NET_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/net.h"

struct error;
struct sandbox;

/* One core lock guards the whole stack inside: more pairs spread the host's work alone (docs/benchmarks.md). */
#define NET_PAIRS_DEFAULT 1

/* What a thread counted; read without a lock once the sandbox has ended. */
struct net_counters {
	uint64_t frames, bytes;
	uint64_t dropped;    /* the backend did not take it */
	uint64_t refused;    /* net_check_frame said no, or the chain made no sense */
	uint64_t calls;	     /* reads or writes of the backend that moved something */
	uint64_t doorbells;  /* times that the Sentry woke us */
	uint64_t interrupts; /* times that we woke the Sentry */
};

/* A receive and a transmit queue, with a thread and a descriptor of the backend of their own. */
struct net_pair {
	struct net *n;
	int fd;	       /* -1: none yet */
	int attach_fd; /* eventfd: the thread's start */
	struct net_counters rx, tx;
	uint64_t sleeps; /* of the thread, with nothing to do */
};

/* Part of struct sandbox; all zero but for the descriptors: no network, ever. */
struct net {
	struct sandbox *sb;
	unsigned threads; /* pairs that there may be; 0: no network */
	bool attached;
	int told_fd; /* eventfd: the Sentry has the description */
	int pcap_fd; /* -1: none */
	bool stats;  /* print the counters at the end */
	struct net_config config;
	struct net_pair pair[NET_PAIRS];
};

/*
 * Before the launcher starts: the threads' eventfds, for up to `pairs` pairs. fds NULL and config unused where the backend
 * comes by net_attach; else config->pairs descriptors, and pairs is at least as many.
 */
int net_prepare(struct net *n, unsigned pairs, const int *fds, const struct net_config *config,
		struct error *err);
/* The descriptors of all that, into fds (room for 2 * NET_PAIRS + 2). How many. */
size_t net_descriptors(const struct net *n, int *fds);
/* In the launcher, between jail_enter and jail_seccomp: start the threads, and attach what net_prepare was given. */
int net_start(struct sandbox *sb, struct error *err);
/*
 * The launcher, sealed, got a backend: config is checked, its descriptors (config->pairs of them, nfds were sent) are kept.
 * 0, or -EBUSY: there is one already; -EINVAL; -EIO: this sandbox was made without a network, or with fewer pairs;
 * -ETIMEDOUT: the Sentry does not take it, but the threads have the descriptors from now on. After 0 it lies in the Sentry's
 * queue, and whatever it is asked next it does with that device up (virtio_net_settle).
 */
int net_attach(struct sandbox *sb, const int *fds, size_t nfds, const struct net_config *config);
/* Three lines to stderr, if they were asked for: what all pairs together did. */
void net_print_stats(const struct sandbox *sb);

/* pcap.c: open FILE and write the head; a frame with the time of now. Errors of writing end the file. */
int pcap_open(const char *path, struct error *err);
struct iovec;
void pcap_write(struct net *n, const struct iovec *iov, unsigned count, size_t len);

/*
 * ---- opening backends: *config filled, and as many descriptors as its `pairs` says, non-blocking and close-on-exec. 0 or -1 ----
 * `pairs` is how many are asked for, 1 to NET_PAIRS; each gets the frames of the flows that the host's kernel gives to it.
 */

/* 0; -1, EPERM: the host itself lives in this network namespace (-1: the caller's), and no sandbox may take it over. */
int net_check_namespace(int ns_fd, struct error *err);
/*
 * A packet socket on the interface of the network namespace ns_fd (-1: the caller's), whose own stack then hears nothing
 * from that interface any more. Refused in pid 1's namespace. Needs CAP_NET_ADMIN and CAP_NET_RAW there. names, if not NULL and
 * ns_fd is given: also a socket for names (names.h), or -1.
 */
int net_packet_open(int ns_fd, unsigned pairs, int *fds, struct net_config *config, int *names,
		    struct error *err);
/* The sandbox is gone, the namespace stays: its own stack gets the interface back. */
void net_packet_close(int ns_fd);
/* TAP NAME in the caller's namespace; made if it is not there, then it goes with the sandbox. */
int net_tap_open(const char *name, unsigned pairs, int *fds, struct net_config *config,
		 struct error *err);

struct net_publish {
	uint16_t host, guest;
	bool udp;
};
/* Start passt, with these ports of the host passed to the sandbox: one stream. *pid is the caller's to end. */
int net_passt_open(const struct net_publish *ports, unsigned nports, pid_t *pid, int *fds,
		   struct net_config *config, struct error *err);
bool net_passt_installed(void);

/* netlink.c: fill config (name, mtu, mac, addresses, routes) from the caller's namespace; the interface's index, or -1. */
int net_read_interface(const char *name, struct net_config *config, struct error *err);
/* Let the host's stack drop everything that comes in by this interface. Packet sockets still see it. */
int net_silence(int ifindex, struct error *err);
/* Let it hear again. If that cannot be, nobody is told. */
void net_unsilence(int ifindex);
/*
 * owner.c: how many packet sockets with a virtio header, as sandboxes have them, are on this interface of the caller's
 * namespace; 0 if the kernel does not say (no packet_diag).
 */
unsigned net_count_sandbox_sockets(int ifindex);
/* TAP: set it up. */
int net_link_up(int ifindex, struct error *err);

#endif
