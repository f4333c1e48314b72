/*
 * socket.h - sockets: what all address families share, and what a family provides.
 *
 * A family (struct proto_family, a row in family.c) makes sockets and gives them socket_ops. Operations of a family never
 * block: what cannot be done now is -EAGAIN, and when it may be tried again the family wakes sock->q with the POLL bits
 * that changed. Blocking, timeouts and signals are handled in one place, block.c, on top of the ops.
 *
 * struct socket is the first member of the family's own struct and is refcounted: the file holds one reference, the
 * family's tables and peers theirs. release() is called once, when the file goes; destroy() when the last reference goes.
 *
 * Locks: the fields of struct socket that options set are single words, read without a lock. Everything else is the
 * family's business.
 */
#ifndef MOAT_NET_SOCKET_H
#define MOAT_NET_SOCKET_H

#include <linux/net_tstamp.h>

#include "fs/file.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/types.h"
#include "net/abi.h"
#include "task/wait.h"

struct mmap_request;
struct net_ns;
struct scm;
struct seq;
struct socket;

/* An address as the ABI has it; len 0: none. */
struct sock_addr {
	u32 len;
	union {
		u16 family;
		u8 raw[SOCKADDR_MAX];
	};
};

/* One message on its way: arguments of an attempt, and what earlier attempts of the same call moved. */
struct sock_msg {
	struct iov *iov;
	u32 flags; /* MSG_* */
	struct sock_addr *
		name; /* send: destination or NULL; receive: the sender's address goes here, or NULL */
	struct scm *scm; /* send: what to pass along; receive: what came along */
	size_t done;	 /* bytes moved so far: a stream may take several attempts */
	u32 out;	 /* receive: MSG_TRUNC, MSG_EOR, MSG_OOB */
};

struct socket_ops {
	int (*bind)(struct socket *s, const struct sock_addr *a);
	/*
	 * 0; -EAGAIN: no room at the peer (block.c tries again); -EINPROGRESS, later -EALREADY: under way, 0 or the error
	 * once POLLOUT was woken.
	 */
	int (*connect)(struct socket *s, const struct sock_addr *a);
	int (*listen)(struct socket *s, int backlog);
	/* The next connection, with a reference that becomes the new file's. -EAGAIN. */
	int (*accept)(struct socket *s, struct socket **conn);
	int (*getname)(struct socket *s, struct sock_addr *a, bool peer);
	/* Bytes, or -errno. -EAGAIN: m->done bytes went, wait for POLLOUT (POLLIN) and call again with the same m. */
	s64 (*sendmsg)(struct socket *s, struct sock_msg *m);
	s64 (*recvmsg)(struct socket *s, struct sock_msg *m);
	int (*shutdown)(struct socket *s, int how);
	u32 (*poll)(struct socket *s);
	s64 (*ioctl)(struct socket *s, unsigned cmd,
		     u64 arg); /* -ENOTTY: the common ones are tried */
	/* Options of the family; SOL_SOCKET ones come here first and -ENOPROTOOPT passes them on. v: kernel copy. */
	int (*setsockopt)(struct socket *s, int level, int name, const void *v, unsigned len);
	/* Fill at most *len bytes of v and set *len. */
	int (*getsockopt)(struct socket *s, int level, int name, void *v, unsigned *len);
	/* SO_PEERPIDFD: valid as long as s lives; NULL: none is known. */
	struct process *(*peer)(struct socket *s);
	int (*mmap)(struct socket *s, struct mmap_request *req); /* NULL: -ENODEV */
	int (*pair)(struct socket *a, struct socket *b); /* socketpair(2); NULL: -EOPNOTSUPP */
	void (*closing)(struct socket *s);		 /* one of its descriptors goes; or NULL */
	/* a message with MSG_ZEROCOPY went; NULL: SO_ZEROCOPY is refused */
	void (*copied)(struct socket *s);
	void (*release)(struct socket *s);
	void (*destroy)(struct socket *s); /* frees it */
	/* A second queue that tells senders and connecters of room elsewhere; or NULL. */
	struct waitq *room;
};

/* Bits of socket.options. */
enum sock_option {
	SOPT_PASSCRED = 1,
	SOPT_PASSPIDFD = 2,
	SOPT_REUSEADDR = 4,
	SOPT_REUSEPORT = 8,
	SOPT_KEEPALIVE = 0x10,
	SOPT_BROADCAST = 0x20,
	SOPT_OOBINLINE = 0x40,
	SOPT_DONTROUTE = 0x80,
	SOPT_DEBUG = 0x100,
	SOPT_TIMESTAMP = 0x200,
	SOPT_TIMESTAMPNS = 0x400,
	SOPT_NO_CHECK = 0x800,
	SOPT_RXQ_OVFL = 0x1000,
	SOPT_ZEROCOPY = 0x2000,
	SOPT_LISTENING = 0x4000, /* SO_ACCEPTCONN */
	SOPT_SELECT_ERR_QUEUE = 0x8000,
};

#define SHUTDOWN_RCV  1
#define SHUTDOWN_SEND 2
#define SHUTDOWN_BOTH 3

struct socket {
	struct ref ref;
	const struct socket_ops *ops;
	struct waitq q;	    /* everybody who waits for this socket, either direction */
	struct net_ns *net; /* of who made it; a reference for life */
	struct file *file;  /* borrowed; NULL before accept(2) and after close(2) */
	u16 family;
	u8 type;     /* SOCK_* without flags */
	u8 shutdown; /* SHUTDOWN_*; the family changes it */
	s32 protocol;
	u64 cookie;  /* SO_COOKIE: a number that no other socket ever had */
	s32 err;     /* pending error, positive; atomic: sock_error takes it */
	u32 options; /* enum sock_option; atomic */
	u32 stamps;  /* SO_TIMESTAMPING */
	u32 sndbuf, rcvbuf;
	u32 rcvlowat;
	s32 priority, mark, busy_poll, peek_off; /* peek_off < 0: off */
	s32 incoming_cpu;			 /* on which the last packet came; -1: none did */
	u64 pacing;				 /* SO_MAX_PACING_RATE */
	u64 rcvtimeo, sndtimeo;			 /* ns, NO_DEADLINE: none */
	struct linger linger;
};

struct proto_family {
	u16 family;
	void (*init)(void); /* once, at boot; or NULL */
	/* A socket with one reference, sock_init done. ERR_PTR(-ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EPERM, -ENOMEM ...) */
	struct socket *(*create)(int type, int protocol);
};
/* family.c: the table of families. type without flags. */
void net_init(void);
struct socket *sock_create(int family, int type, int protocol);

void sock_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol);
/* sock_init for a socket of another namespace than the current task's: of a connection that came in. */
void sock_init_in(struct net_ns *net, struct socket *s, const struct socket_ops *ops, int family,
		  int type, int protocol);
void sock_get(struct socket *s);
void sock_put(struct socket *s);
/* file.c: a file for s; takes over the reference on success only. flags: O_NONBLOCK. ERR_PTR. */
struct file *sock_file(struct socket *s, u32 flags);
/* The number of its file's inode, 0 without a file. Under the lock by which the family's release takes it out of its lists. */
u64 sock_ino(const struct socket *s);
/* The socket of an open file, borrowed; NULL if it is none. */
struct socket *sock_of_file(struct file *f);

/* Take the pending error: 0 or -errno. */
static inline int sock_error(struct socket *s)
{
	return READ_ONCE(s->err) ? -atomic_xchg(&s->err, 0) : 0;
}
static inline bool sock_opt(const struct socket *s, u32 bit)
{
	return READ_ONCE(s->options) & bit;
}
static inline void sock_set_opt(struct socket *s, u32 bit, bool on)
{
	if (on)
		atomic_or(&s->options, bit);
	else
		atomic_and(&s->options, ~bit);
}

/* Of SO_TIMESTAMPING: when something goes out. */
#define STAMPS_OF_SENT \
	(SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK)
/* Does it want to know when what it receives came? */
static inline bool sock_wants_time(const struct socket *s)
{
	return sock_opt(s, SOPT_TIMESTAMP | SOPT_TIMESTAMPNS) ||
	       (READ_ONCE(s->stamps) & SOF_TIMESTAMPING_RX_SOFTWARE);
}

/* ---- wake-ups, with the keys that Linux gives them ---- */
void sock_wake_readable(struct socket *s);
void sock_wake_writable(struct socket *s);
void sock_wake_state(struct socket *s); /* anything may have changed */
void sock_wake_error(struct socket *s);

/* file.c: urgent data came in: SIGURG to whom F_SETOWN named. f: the file of the socket, referenced. */
void sock_signal_urgent(struct file *f);

/* ---- block.c: the blocking forms. m->flags has MSG_DONTWAIT for O_NONBLOCK already ---- */
s64 sock_sendmsg(struct socket *s, struct sock_msg *m);
s64 sock_recvmsg(struct socket *s, struct sock_msg *m);
int sock_connect(struct socket *s, const struct sock_addr *a, bool nonblock);
int sock_accept(struct socket *s, bool nonblock, struct socket **conn);

/* ---- sockopt.c ---- */
int sock_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len);
int sock_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len);

/* ---- ioctl.c: what every socket answers ---- */
s64 sock_ioctl(struct socket *s, unsigned cmd, u64 arg);

#endif
