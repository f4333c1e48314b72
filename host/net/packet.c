/*
 * packet.c - the backend of containers: packet sockets on the interface that the engine made in a network namespace.
 *
 * The sandbox speaks with that interface's MAC and addresses, so the host's own stack there must not answer for them: a
 * filter at the interface's ingress drops all, behind the packet sockets, until net_packet_close; an engine's namespace ends
 * with its container anyway. One that a killed sandbox left is the next one's. What the namespace's addresses and routes were
 * is left as it is, for the engine's sake.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <arpa/inet.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/channels.h"
#include "host/child.h"
#include "host/error.h"
#include "host/net/names.h"
#include "host/net/net.h"

#define PATIENCE_MS 1000
#define BUFFER	    (4 << 20) /* bytes: the usual 208 KiB hold two frames of 64 KiB */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* One that cannot be compared with pid 1's is taken for it, unless it was named and is not the caller's. */
int net_check_namespace(int ns_fd, struct error *err)
{
	struct stat ns, init, own;
	bool init_known = stat("/proc/1/ns/net", &init) == 0;

	if (stat("/proc/self/ns/net", &own) < 0)
		return error_errno(err, "/proc/self/ns/net");
	if (ns_fd < 0)
		ns = own;
	else if (fstat(ns_fd, &ns) < 0)
		return error_errno(err, "the network namespace");
	if (init_known ? same_file(&ns, &init) : ns_fd < 0)
		return error_set(
			err, EPERM,
			"this is the network namespace of pid 1: taking its interface over "
			"would cut the host off; use --net passt, or name another namespace");
	if (ns_fd >= 0 && same_file(&ns, &own))
		return error_set(
			err, EPERM,
			"this is the caller's own network namespace: taking its interface over "
			"would cut the caller off; use --net passt, or name another namespace");
	return 0;
}

/* What the kernel saw for other machines, or sent itself, is not for the sandbox. */
static int filter_own(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, PACKET_OTHERHOST, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

static int filter_all(int fd)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	const struct sock_fprog prog = { 1, none };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

/* A socket that hears nothing yet. */
static int make_socket(int ifindex)
{
	const struct sockaddr_ll addr = { .sll_family = AF_PACKET,
					  .sll_protocol = htons(ETH_P_ALL),
					  .sll_ifindex = ifindex };
	const struct packet_mreq all = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_ALLMULTI };
	const int on = 1, size = BUFFER;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    filter_all(fd) < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		return -1;
	}
	/* Both are a matter of speed, or of what else reaches us. */
	setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

/* Have each flow's frames come to one of the sockets, to which one is for the kernel's hash of it to say. */
static int share(const int *fds, unsigned n)
{
	int group = PACKET_FANOUT_HASH << 16 | PACKET_FANOUT_FLAG_UNIQUEID << 16;
	socklen_t len = sizeof(group);

	if (setsockopt(fds[0], SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) < 0 ||
	    getsockopt(fds[0], SOL_PACKET, PACKET_FANOUT, &group, &len) < 0)
		return -1;
	group = (group & 0xffff) | PACKET_FANOUT_HASH << 16;
	for (unsigned i = 1; i < n; i++)
		if (setsockopt(fds[i], SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) < 0)
			return -1;
	return 0;
}

static void close_all(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* What comes before all of them share is heard by none: nobody gets a frame twice. */
static int make_sockets(int ifindex, unsigned n, int *fds, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		fds[i] = make_socket(ifindex);
		if (fds[i] < 0) {
			error_errno(err, "bind a packet socket");
			close_all(fds, i);
			return -1;
		}
	}
	if (n > 1 && share(fds, n) < 0)
		goto fail;
	for (unsigned i = 0; i < n; i++)
		if (filter_own(fds[i]) < 0)
			goto fail;
	return 0;
fail:
	error_errno(err, "set up a packet socket");
	close_all(fds, n);
	return -1;
}

/* Only one sandbox has an interface. One that was killed this moment may have it still; two that start at once may both lose. */
static int claim(int ifindex, unsigned own, const char *name, struct error *err)
{
	for (int ms = 0; net_count_sandbox_sockets(ifindex) > own; ms += 50) {
		if (ms >= PATIENCE_MS)
			return error_set(err, EBUSY, "another sandbox has the interface %s", name);
		usleep(50000);
	}
	return 0;
}

static int open_here(unsigned pairs, int *fds, struct net_config *config, struct error *err)
{
	int ifindex;

	memset(config, 0, sizeof(*config));
	config->pairs = pairs;
	config->flags = NET_UP | NET_CSUM | NET_GSO;
	config->transport = NET_VNET;
	ifindex = net_read_interface(NULL, config, err);
	if (ifindex < 0 || make_sockets(ifindex, pairs, fds, err) < 0)
		return -1;
	if (claim(ifindex, pairs, config->name, err) < 0 || net_silence(ifindex, err) < 0) {
		close_all(fds, pairs);
		return -1;
	}
	return 0;
}

/* In the child: there is no way back from a namespace that belongs to another user namespace. */
static void __attribute__((noreturn)) open_there(int ns_fd, unsigned pairs, bool names, int chan)
{
	struct chan_msg m = { .type = CHAN_NET, .len = sizeof(struct net_config) };
	struct net_config config;
	struct error err = { 0 };
	int fds[NET_PAIRS + 1], ret = -1;

	if (setns(ns_fd, CLONE_NEWNET) == 0)
		ret = open_here(pairs, fds, &config, &err);
	else if (errno == EINVAL)
		error_set(&err, EINVAL, "it is no network namespace");
	else
		error_errno(&err, "enter the network namespace");
	if (ret < 0) {
		channel_fail(chan, err.err, 0, err.msg);
		_exit(1);
	}
	fds[pairs] = names ? names_open(NULL) : -1;
	if (fds[pairs] >= 0)
		config.flags |= NET_NAMES;
	memcpy(m.data, &config, sizeof(config));
	_exit(chan_send(chan, &m, fds, fds[pairs] >= 0 ? pairs + 1 : pairs, NULL) < 0);
}

static int hear(int chan, unsigned pairs, int *fds, struct net_config *config, int *names,
		struct error *err)
{
	struct chan_msg m;
	size_t n = NET_PAIRS + 1;
	int got[NET_PAIRS + 1];

	if (chan_recv(chan, &m, got, &n, 0, err) != 1)
		return error_set(err, ECHILD, "nobody opened the network's interface");
	if (m.type == CHAN_NET && n >= pairs && m.len == sizeof(*config)) {
		memcpy(config, m.data, sizeof(*config));
		memcpy(fds, got, pairs * sizeof(*fds));
		if (n > pairs)
			*names = got[pairs];
		return 0;
	}
	chan_close_fds(got, n);
	return error_set(err, (int)m.a, "%.*s", (int)m.len, (char *)m.data);
}

int net_packet_open(int ns_fd, unsigned pairs, int *fds, struct net_config *config, int *names,
		    struct error *err)
{
	int chan[2], ret;
	pid_t pid;

	if (names)
		*names = -1;
	if (net_check_namespace(ns_fd, err) < 0)
		return -1;
	if (ns_fd < 0)
		return open_here(pairs, fds, config, err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, chan) < 0)
		return error_errno(err, "socketpair");
	pid = fork();
	if (pid == 0) {
		close(chan[0]);
		open_there(ns_fd, pairs, names, chan[1]);
	}
	close(chan[1]);
	ret = pid < 0 ? error_errno(err, "fork") : hear(chan[0], pairs, fds, config, names, err);
	close(chan[0]);
	if (pid > 0)
		child_wait(pid);
	return ret;
}

static void close_here(void)
{
	struct net_config config = { 0 };
	int ifindex = net_read_interface(NULL, &config, NULL);

	/* The next one may have it already. */
	if (ifindex >= 0 && !net_count_sandbox_sockets(ifindex))
		net_unsilence(ifindex);
}

void net_packet_close(int ns_fd)
{
	pid_t pid;

	if (net_check_namespace(ns_fd, NULL) < 0)
		return;
	if (ns_fd < 0) {
		close_here();
		return;
	}
	pid = fork();
	if (pid == 0) {
		if (setns(ns_fd, CLONE_NEWNET) == 0)
			close_here();
		_exit(0);
	}
	if (pid > 0)
		child_wait(pid);
}
