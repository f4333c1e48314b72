/*
 * loopback.c - see loopback.h. A program of type sk_lookup, asked where the kernel looks for the listening socket of a new
 * connection, names ours for every port. That socket is the one entry of a sockmap, since a program cannot name a descriptor.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/net/loopback.h"

#define INSN(op, dst, src, o, i)                                                         \
	{                                                                                \
		.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i) \
	}
#define LOAD(reg, field) \
	INSN(BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_6, offsetof(struct bpf_sk_lookup, field), 0)
#define UNLESS(reg, value, to, here) \
	INSN(BPF_JMP | BPF_JNE | BPF_K, reg, 0, (to) - (here)-1, (int)(value))
#define IF(reg, value, to, here) \
	INSN(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, (to) - (here)-1, (int)(value))
#define MOVE(dst, src)	INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define CALL(helper)	INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* A sockmap with `sock` at 0; -1. */
static int make_map(int sock)
{
	union bpf_attr make = { .map_type = BPF_MAP_TYPE_SOCKMAP,
				.key_size = sizeof(uint32_t),
				.value_size = sizeof(uint64_t),
				.max_entries = 1 };
	int map = bpf(BPF_MAP_CREATE, &make);
	uint64_t value = (uint64_t)sock;
	uint32_t key = 0;
	union bpf_attr set = { .map_fd = (uint32_t)map,
			       .key = (uintptr_t)&key,
			       .value = (uintptr_t)&value };

	if (map >= 0 && bpf(BPF_MAP_UPDATE_ELEM, &set) < 0) {
		close(map);
		return -1;
	}
	return map;
}

/* TCP to 127.0.0.0/8 or ::1 is for the map's socket; everything else is none of ours. */
static int load_program(int map)
{
	enum { V6 = 9, ASSIGN = 17, PASS = 31 }; /* indices, for the jumps */
	const struct bpf_insn code[] = {
		[0] = MOVE(BPF_REG_6, BPF_REG_1),
		[1] = LOAD(BPF_REG_2, protocol),
		[2] = UNLESS(BPF_REG_2, IPPROTO_TCP, PASS, 2),
		[3] = LOAD(BPF_REG_2, family),
		[4] = IF(BPF_REG_2, AF_INET6, V6, 4),
		[5] = LOAD(BPF_REG_2, local_ip4),
		/* Network order: the first byte of the address is the lowest of the register. */
		[6] = INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xff),
		[7] = UNLESS(BPF_REG_2, IN_LOOPBACKNET, PASS, 7),
		[8] = INSN(BPF_JMP | BPF_JA, 0, 0, ASSIGN - 9, 0),
		[V6] = LOAD(BPF_REG_2, local_ip6[0]),
		[10] = UNLESS(BPF_REG_2, 0, PASS, 10),
		[11] = LOAD(BPF_REG_2, local_ip6[1]),
		[12] = UNLESS(BPF_REG_2, 0, PASS, 12),
		[13] = LOAD(BPF_REG_2, local_ip6[2]),
		[14] = UNLESS(BPF_REG_2, 0, PASS, 14),
		[15] = LOAD(BPF_REG_2, local_ip6[3]),
		[16] = UNLESS(BPF_REG_2, htonl(1), PASS, 16),
		[ASSIGN] = INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0), /* the key */
		[18] = MOVE(BPF_REG_2, BPF_REG_10),
		[19] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		[20] = INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
		[21] = INSN(0, 0, 0, 0, 0),
		[22] = CALL(BPF_FUNC_map_lookup_elem),
		[23] = IF(BPF_REG_0, 0, PASS, 23),
		[24] = MOVE(BPF_REG_7, BPF_REG_0),
		[25] = MOVE(BPF_REG_1, BPF_REG_6),
		[26] = MOVE(BPF_REG_2, BPF_REG_0),
		[27] = SET(BPF_REG_3, 0),
		[28] = CALL(BPF_FUNC_sk_assign),
		[29] = MOVE(BPF_REG_1, BPF_REG_7),
		[30] = CALL(BPF_FUNC_sk_release),
		[PASS] = SET(BPF_REG_0, SK_PASS),
		[32] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SK_LOOKUP,
				.expected_attach_type = BPF_SK_LOOKUP,
				.insn_cnt = sizeof(code) / sizeof(*code),
				.insns = (uintptr_t)code,
				.license = (uintptr_t) "" };

	memcpy(load.prog_name, "moat_loopback", sizeof("moat_loopback"));
	return bpf(BPF_PROG_LOAD, &load);
}

/* The link, which holds the program, which holds the map; -1. */
static int attach(int sock)
{
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), map = make_map(sock), prog, fd;
	union bpf_attr link = { 0 };

	prog = map < 0 ? -1 : load_program(map);
	link.link_create.prog_fd = (uint32_t)prog;
	link.link_create.target_fd = (uint32_t)ns;
	link.link_create.attach_type = BPF_SK_LOOKUP;
	fd = ns < 0 || prog < 0 ? -1 : bpf(BPF_LINK_CREATE, &link);
	if (ns >= 0)
		close(ns);
	if (map >= 0)
		close(map);
	if (prog >= 0)
		close(prog);
	return fd;
}

/* At all addresses, since one of IPv6 that is bound to ::1 does not take those of IPv4. */
static int listen_anywhere(void)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, off = 0;
	int fd = socket(AF_INET6, type, 0);

	if (fd < 0)
		fd = socket(AF_INET, type, 0);
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (fd >= 0 && listen(fd, 128) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int net_loopback_open(int *link)
{
	int fd = listen_anywhere();

	*link = fd < 0 ? -1 : attach(fd);
	if (fd >= 0 && *link < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

uint16_t net_loopback_port(int conn)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t len = sizeof(a);
	bool loopback;

	if (getsockname(conn, &a.any, &len) < 0)
		return 0;
	if (a.any.sa_family == AF_INET)
		return ntohl(a.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? ntohs(a.v4.sin_port)
									   : 0;
	loopback = IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr) ||
		   (IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr) &&
		    a.v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
	return loopback ? ntohs(a.v6.sin6_port) : 0;
}
