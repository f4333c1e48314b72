/*
 * packet.c - the backend of containers: a packet socket on the interface that the engine made in a network namespace.
 *
 * The sandbox speaks with that interface's MAC and addresses, so the host's own stack there must not answer for them: a
 * filter at the interface's ingress drops all, behind the packet sockets, until net_packet_close; an engine's namespace ends
 * with its container anyway. What the namespace's addresses and routes were is left as it is, for the engine's sake.
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

#define BUFFER (4 << 20) /* bytes: the usual 208 KiB hold two frames of 64 KiB */

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

static int make_socket(int ifindex, struct error *err)
{
	const struct sockaddr_ll addr = { .sll_family = AF_PACKET,
					  .sll_protocol = htons(ETH_P_ALL),
					  .sll_ifindex = ifindex };
	const struct packet_mreq all = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_ALLMULTI };
	const int on = 1, size = BUFFER;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "open a packet socket");
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    filter_own(fd) < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		error_errno(err, "bind a packet socket");
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

static int open_here(struct net_config *config, struct error *err)
{
	int ifindex, fd;

	memset(config, 0, sizeof(*config));
	config->pairs = 1;
	config->flags = NET_UP | NET_CSUM | NET_GSO;
	config->transport = NET_VNET;
	ifindex = net_read_interface(NULL, config, err);
	if (ifindex < 0)
		return -1;
	fd = make_socket(ifindex, err);
	if (fd >= 0 && net_silence(ifindex, err) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* In the child: there is no way back from a namespace that belongs to another user namespace. */
static void __attribute__((noreturn)) open_there(int ns_fd, bool names, int chan)
{
	struct chan_msg m = { .type = CHAN_NET, .len = sizeof(struct net_config) };
	struct net_config config;
	struct error err = { 0 };
	int fds[2] = { -1, -1 };
	size_t n = 1;

	if (setns(ns_fd, CLONE_NEWNET) == 0)
		fds[0] = open_here(&config, &err);
	else if (errno == EINVAL)
		error_set(&err, EINVAL, "it is no network namespace");
	else
		error_errno(&err, "enter the network namespace");
	if (fds[0] < 0) {
		channel_fail(chan, err.err, 0, err.msg);
		_exit(1);
	}
	fds[1] = names ? names_open(NULL) : -1;
	if (fds[1] >= 0) {
		config.flags |= NET_NAMES;
		n = 2;
	}
	memcpy(m.data, &config, sizeof(config));
	_exit(chan_send(chan, &m, fds, n, NULL) < 0);
}

static int hear(int chan, struct net_config *config, int *names, struct error *err)
{
	struct chan_msg m;
	size_t n = 2;
	int fds[2] = { -1, -1 };

	if (chan_recv(chan, &m, fds, &n, 0, err) != 1)
		return error_set(err, ECHILD, "nobody opened the network's interface");
	if (m.type == CHAN_NET && n >= 1 && m.len == sizeof(*config)) {
		memcpy(config, m.data, sizeof(*config));
		if (n == 2)
			*names = fds[1];
		return fds[0];
	}
	chan_close_fds(fds, n);
	return error_set(err, (int)m.a, "%.*s", (int)m.len, (char *)m.data);
}

int net_packet_open(int ns_fd, struct net_config *config, int *names, struct error *err)
{
	int chan[2], fd;
	pid_t pid;

	if (names)
		*names = -1;
	if (net_check_namespace(ns_fd, err) < 0)
		return -1;
	if (ns_fd < 0)
		return open_here(config, err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, chan) < 0)
		return error_errno(err, "socketpair");
	pid = fork();
	if (pid == 0) {
		close(chan[0]);
		open_there(ns_fd, names, chan[1]);
	}
	close(chan[1]);
	fd = pid < 0 ? error_errno(err, "fork") : hear(chan[0], config, names, err);
	close(chan[0]);
	if (pid > 0)
		child_wait(pid);
	return fd;
}

static void close_here(void)
{
	struct net_config config = { 0 };
	int ifindex = net_read_interface(NULL, &config, NULL);

	if (ifindex >= 0)
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
