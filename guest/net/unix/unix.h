/*
 * unix.h - AF_UNIX sockets (unix(7)). Private to net/unix/.
 *
 * name.c binds and finds, connect.c makes and ends connections, stream.c and dgram.c move data in buffers (buf.c), gc.c
 * frees cycles of sockets that hold each other in flight, proc.c lists them.
 *
 * Locks, outermost first:
 *   sock->read_lock (mutex): one reader at a time; held around user copies, which never need it.
 *   sock->bind_lock (mutex): binding, with the VFS's locks inside.
 *   unix_gc_lock (spinlock): what is in flight; the collector takes rx locks inside.
 *   unix_lock (spinlock): states, peers, backlogs, names of all AF_UNIX sockets; held for a few lines each.
 *   sock->rx_lock (spinlock): the receive queue.
 * A stream socket's peer is set once and lives until the socket is destroyed, so its owner reads it without a lock.
 */
#ifndef MOAT_NET_UNIX_UNIX_H
#define MOAT_NET_UNIX_UNIX_H

#include "fs/vfs.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "net/filter.h"
#include "net/scm.h"
#include "net/socket.h"

#define UNIX_PATH_MAX	108
#define UNIX_DGRAM_QLEN 10 /* net.unix.max_dgram_qlen */
#define SUN_PATH_OFFSET 2  /* of sun_path in sockaddr_un */

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_addr { /* immutable */
	struct ref ref;
	struct sock_addr a; /* the family in front */
};

/* Who connected, listened or made the pair: SO_PEERCRED and its kin. */
struct unix_identity {
	struct ucred ids;	 /* pid 0, uid and gid -1: nobody */
	struct process *process; /* reference or NULL */
	struct cred *cred;	 /* reference or NULL: supplementary groups */
};

struct unix_sock {
	struct socket s;
	struct list all_node; /* in unix_all */

	/* under unix_lock */
	enum unix_state state;
	bool dead;			  /* released */
	struct landlock_domain *landlock; /* of its maker, with a reference; or NULL. Set once */
	struct unix_sock *peer;		  /* with a reference */
	struct unix_addr *addr;		  /* own reference; set once */
	struct list name_node;		  /* abstract names */
	/* listening: connections not yet accepted; of such a one: its place there */
	struct list backlog;
	unsigned nr_backlog, max_backlog;
	struct unix_identity own, remote; /* own: of a listener, for who connects */

	struct mutex bind_lock;
	struct path_ref path; /* of a bound file name; set once */

	/* under rx_lock */
	struct spinlock rx_lock;
	struct list rx;		   /* struct unix_buf */
	unsigned rx_count;	   /* messages in it */
	u64 rx_bytes;		   /* unread bytes in it */
	struct filter_slot filter; /* of messages; streams have no use for it */
	struct unix_buf *oob;	   /* urgent byte, still in rx */
	bool rx_closed;		   /* takes no more */

	struct mutex read_lock;
	u32 wmem; /* what this socket sent and nobody has read yet, as Linux counts it; atomic */

	/* datagrams: whoever is connected here and found the queue full waits for room */
	struct waitq room_q;
	struct waiter room_hook; /* on peer->room_q while connected */
	u32 wants_room;		 /* found it full */

	/* gc.c, under unix_gc_lock */
	struct list flight_node; /* in the list of those in flight */
	u32 inflight;		 /* times that its file is in flight */
	u32 outside;		 /* the collector's: references from outside of the candidates */
	u8 mark;
};

/* A message, or a piece of a stream. */
struct unix_buf {
	struct list node;
	u8 *data;
	u32 len, off;  /* bytes, and those already read */
	u32 charge;    /* in from->wmem */
	paddr_t block; /* frames of data; 0: data follows this struct */
	u32 frames;
	bool owns_from, has_creds, peeked;
	/* the sender; a reference only if owns_from (streams: the reader's peer) */
	struct unix_sock *from;
	struct ucred creds;
	struct process *process; /* reference or NULL */
	struct scm_fds *fds;
};

static inline struct unix_sock *unix_sk(struct socket *s)
{
	return container_of(s, struct unix_sock, s);
}
static inline bool unix_is_stream(const struct unix_sock *u)
{
	return u->s.type == SOCK_STREAM;
}

extern struct spinlock unix_lock;
extern struct list unix_all; /* under unix_lock */
extern struct waitq
	unix_room; /* room in some queue or backlog: who sends to an address or connects waits here */

/* ---- create.c ---- */
struct unix_sock *unix_alloc(struct net_ns *net, int type); /* NULL: out of memory */
void unix_identity_self(struct unix_identity *id);
void unix_identity_copy(struct unix_identity *to, const struct unix_identity *from);
void unix_identity_drop(struct unix_identity *id);

/* ---- name.c ---- */
int unix_bind(struct socket *s, const struct sock_addr *a);
int unix_autobind(struct unix_sock *u);
/* Is a a proper name? 0 or -EINVAL. */
int unix_check_name(const struct sock_addr *a);
/*
 * Who is bound to it, to an abstract name in net, with a reference; ERR_PTR(-ECONNREFUSED, -EPROTOTYPE, errors of the path
 * walk). known: a socket that is its peer already, which no scope forbids; or NULL.
 */
struct unix_sock *unix_find(const struct net_ns *net, const struct sock_addr *a, int type,
			    const struct unix_sock *known);
int unix_getname(struct socket *s, struct sock_addr *a, bool peer);
/* What recvmsg says of the sender; its len is 0 when the sender has no name. */
void unix_copy_name(struct unix_sock *u, struct sock_addr *a);
void unix_unbind(struct unix_sock *u);

/* ---- connect.c ---- */
int unix_listen(struct socket *s, int backlog);
int unix_connect_stream(struct socket *s, const struct sock_addr *a);
int unix_connect_dgram(struct socket *s, const struct sock_addr *a);
int unix_accept(struct socket *s, struct socket **conn);
int unix_pair(struct socket *a, struct socket *b);
int unix_shutdown(struct socket *s, int how);
void unix_release(struct socket *s);
/* The peer, with a reference, or NULL. */
struct unix_sock *unix_peer_get(struct unix_sock *u);
/* Leave the peer, if it still is `peer`; -> the datagrams that are queued are lost. */
void unix_disconnect(struct unix_sock *u, struct unix_sock *peer);

/* ---- buf.c ---- */
/* Room for len bytes, charged to `from`. ERR_PTR(-ENOBUFS). */
struct unix_buf *unix_buf_alloc(struct unix_sock *from, size_t len);
void unix_buf_free(struct unix_buf *b); /* not in any queue */
/*
 * As many bytes of the message as b has room for, the credentials of its scm or of the current task if one of both ends wants
 * them, and what is in flight, which moves from scm to b. -EFAULT, -ETOOMANYREFS.
 */
int unix_buf_fill(struct unix_buf *b, struct sock_msg *m, const struct unix_sock *from,
		  const struct unix_sock *to);
/* Give it out: moved, or copied for a peek. -ENOMEM. */
int unix_buf_detach(struct unix_buf *b, struct scm *scm, bool peek);
void unix_buf_creds(struct unix_buf *b, struct scm *scm);
/* Drop everything that is queued; nothing more is taken. Returns whether there was unread data. */
bool unix_rx_close(struct unix_sock *u);
void unix_rx_purge(struct unix_sock *u);
#define UNIX_CHUNK 32768UL /* most bytes of a stream in one buffer */

/* ---- stream.c, dgram.c ---- */
s64 unix_stream_send(struct socket *s, struct sock_msg *m);
s64 unix_stream_recv(struct socket *s, struct sock_msg *m);
s64 unix_dgram_send(struct socket *s, struct sock_msg *m);
s64 unix_dgram_recv(struct socket *s, struct sock_msg *m);
s64 unix_seqpacket_send(struct socket *s, struct sock_msg *m);
s64 unix_seqpacket_recv(struct socket *s, struct sock_msg *m);
/* Is `to` full for datagrams of u? */
bool unix_rx_full(const struct unix_sock *to, const struct unix_sock *u);

/* ---- poll.c ---- */
u32 unix_stream_poll(struct socket *s);
u32 unix_dgram_poll(struct socket *s);
s64 unix_ioctl(struct socket *s, unsigned cmd, u64 arg);
bool unix_writable(const struct unix_sock *u);

/* ---- option.c ---- */
int unix_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len);
int unix_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len);
struct process *unix_peer(struct socket *s);

/* ---- proc.c ---- */
int unix_proc_show(struct seq *s, void *arg);

/* ---- gc.c ---- */
extern struct spinlock unix_gc_lock;
/* fds enters or leaves a queue. enter: -ETOOMANYREFS. */
int unix_flight_enter(struct scm_fds *fds);
void unix_flight_leave(struct scm_fds *fds);
/* Free what only sockets in flight hold. Called when a socket goes. */
void unix_collect(void);
void unix_closing(struct socket *s); /* one of its descriptors is about to go */

#endif
