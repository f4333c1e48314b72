/*
 * abi.h - constants and structs of Linux's socket calls that every file of net/ uses.
 *
 * SO_* and SIOC* come from the kernel's own user headers; what those hide behind libc guards stands here.
 */
#ifndef MOAT_NET_ABI_H
#define MOAT_NET_ABI_H

#include <asm/ioctls.h>
#include <asm/socket.h>
#include <linux/sockios.h>

#include "lib/types.h"

/* Since Linux 6.5. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif

#define IPPROTO_ICMPV6 58
#define IPV6_RECVERR   25

#define AF_UNSPEC  0
#define AF_UNIX	   1
#define AF_INET	   2
#define AF_INET6   10
#define AF_NETLINK 16
#define AF_PACKET  17
#define AF_MAX	   46

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_MAX       11
#define SOCK_TYPE_MASK 0xf
#define SOCK_NONBLOCK  04000
#define SOCK_CLOEXEC   02000000

#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_DONTROUTE	 0x4
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_EOR		 0x80
#define MSG_WAITALL	 0x100
#define MSG_ERRQUEUE	 0x2000
#define MSG_NOSIGNAL	 0x4000
#define MSG_MORE	 0x8000
#define MSG_WAITFORONE	 0x10000
#define MSG_ZEROCOPY	 0x4000000
#define MSG_CMSG_CLOEXEC 0x40000000

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define SHUT_RD	  0
#define SHUT_WR	  1
#define SHUT_RDWR 2

#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2
#define SCM_PIDFD	4
#define SCM_MAX_FD	253

#define SOMAXCONN	 4096
#define SOCK_BUF_DEFAULT 212992
#define SOCK_BUF_MAX	 4194304 /* net.core.{r,w}mem_max */
#define SOCK_SNDBUF_MIN	 4608
#define SOCK_RCVBUF_MIN	 2304
#define OPTMEM_MAX	 131072 /* most control bytes of one message */

#define SOCKADDR_MAX 128 /* struct sockaddr_storage */

struct user_msghdr {
	u64 name;
	s32 namelen, pad;
	u64 iov, iovlen;
	u64 control, controllen;
	u32 flags, pad2;
};
_Static_assert(sizeof(struct user_msghdr) == 56, "struct msghdr of x86-64");

struct user_mmsghdr {
	struct user_msghdr hdr;
	u32 len, pad;
};
_Static_assert(sizeof(struct user_mmsghdr) == 64, "struct mmsghdr of x86-64");

struct user_cmsghdr {
	u64 len;
	s32 level, type;
};
_Static_assert(sizeof(struct user_cmsghdr) == 16, "struct cmsghdr of x86-64");
#define CMSG_SPACE_OF(n) (sizeof(struct user_cmsghdr) + ALIGN_UP((u64)(n), 8))
#define CMSG_LEN_OF(n)	 (sizeof(struct user_cmsghdr) + (u64)(n))

struct ucred {
	s32 pid;
	u32 uid, gid;
};

struct linger {
	s32 onoff, linger;
};

#endif
