/*
 * inet.h - AF_INET and AF_INET6 sockets over lwIP. Private to net/inet/.
 *
 * One struct serves both families and every type. A connection of TCP is a tcp_pcb of lwIP, which may outlive its socket
 * (data and FIN still to be sent, TIME_WAIT) and may end before it (RST); struct inet_port is what stands for it in the
 * table of ports meanwhile. IPv4-mapped addresses are IPv4 ones inside; only names that go to programs are mapped.
 *
 * Locks: net_lock guards everything here; read_lock (a mutex, taken before it) belongs to who reads from the queue, so
 * that user memory is written with net_lock dropped: only its holder takes from the head, callbacks add at the tail.
 */
#ifndef MOAT_NET_INET_INET_H
#define MOAT_NET_INET_INET_H

#include "lib/list.h"
#include "lwip/ip_addr.h"
#include "lwip/tcp.h"
#include "net/filter.h"
#include "net/lwip/stack.h"
#include "net/socket.h"

enum inet_state {
	INET_CLOSED,
	INET_CONNECTING,
	INET_CONNECTED, /* TCP: from the handshake to both ends; datagrams: has a peer */
	INET_LISTENING,
};

/* The urgent byte: none; announced; here; read by MSG_OOB, and still the mark. */
enum inet_urgent { URGENT_NONE, URGENT_COMING, URGENT_VALID, URGENT_TAKEN };

enum inet_proto { PORTS_TCP, PORTS_UDP, PORTS_KINDS };

/* A port in use. Refcounted under net_lock: by its socket and by its tcp_pcb. */
struct inet_port {
	struct list node; /* of its bucket */
	struct net_ns *net;
	struct inet_sock *sk; /* NULL: the socket is gone, its connection is not yet */
	unsigned ref;
	u16 num;
	u8 kind; /* enum inet_proto */
	bool listening, reuse, reuseport;
	u8 covers;	/* COVER_*: what an address of all zeros stands for */
	u8 family;	/* of the socket that asked for it, or listened there */
	bool inherited; /* of a connection that came in by a listener's port */
	ip_addr_t addr;
	u32 uid;
	struct tcp_pcb *half_open; /* its handshake is not done */
	struct list half_node;
};
#define COVER_V4 1
#define COVER_V6 2

struct inet_sock {
	struct socket s;
	u8 state;	 /* enum inet_state */
	bool connecting; /* connect(2) has not been told yet how it went */
	bool bound;	 /* bind(2) gave the port: it stays when a connection ends */
	bool bound_addr; /* and the address */
	bool v6only, nodelay, cork, quickack, freebind, no_port, reno;
	u8 was;	     /* the PCB's last state (enum tcp_state) */
	u8 tos, ttl; /* ttl 0: default */
	s16 hops;    /* IPV6_UNICAST_HOPS, -1: default */
	ip_addr_t laddr, raddr;
	u16 lport, rport;
	int ifindex;						   /* SO_BINDTODEVICE */
	u32 recv_flags;						   /* RECV_* */
	u32 keep_idle, keep_intvl, keep_cnt, user_timeout, maxseg; /* seconds, ms */
	s32 syncnt, linger2;
	u32 notsent_lowat;
	u8 min_ttl, min_hops;	     /* of segments that count: IP_MINTTL, IPV6_MINHOPCOUNT */
	bool inq;		     /* TCP_INQ */
	u8 defer_accept;	     /* a listener's: how many of Linux's timeouts long; 0: not */
	bool sndbuf_set, rcvbuf_set; /* by SO_SNDBUF, SO_RCVBUF */
	struct inet_port *port;
	struct tcp_pcb *pcb;

	/* Received and not yet read: pbufs linked by next, whose tot_len means nothing. TCP. */
	struct mutex read_lock;
	struct pbuf *rx_first, *rx_last;
	u64 rx_bytes;
	u32 rx_seq; /* of the byte behind the last one of these */
	bool peer_closed;
	u8 urgent, urgent_byte; /* enum inet_urgent */
	u32 urgent_seq;

	/* Datagrams and raw packets */
	struct list rxq;  /* struct inet_dgram */
	struct list errq; /* likewise: what IP_RECVERR keeps */
	u64 rxq_bytes;
	u32 drops;
	struct list raw_node; /* of those that see whole packets */
	struct list groups;
	s32 mc_ifindex;
	u32 mc_addr; /* by which IP_MULTICAST_IF named it */
	u8 mc_ttl;
	s16 mc_hops;
	bool mc_loop, hdrincl, recverr, recverr6;
	u8 pmtudisc, pmtudisc6;	     /* IP_PMTUDISC_* */
	bool dontfrag;		     /* IPV6_DONTFRAG */
	u16 segment;		     /* UDP_SEGMENT */
	bool gro;		     /* UDP_GRO */
	u32 next_stamp, next_copied; /* numbers of messages: SO_TIMESTAMPING, SO_ZEROCOPY */
	u64 gro_stay; /* net_now() when the last one of rxq came; 0: it takes no more */
	struct socket_filter *steer; /* SO_ATTACH_REUSEPORT_CBPF, of the whole group */
	bool grouped;		     /* it is one of those that share a port */
	u16 group_place;	     /* among them */
	struct filter_slot filter;   /* of packets */
	u32 icmp_filter;

	/* Listening */
	struct list accept_node; /* of the listener's queue */
	struct list acceptq;
	struct inet_sock *listener;
	unsigned nr_accept, nr_deferred, backlog;
	bool deferred; /* it waits for data before it is offered, until */
	u64 defer_until;

	struct list all_node; /* under net_lock */
};
#define RECV_PKTINFO  1
#define RECV_TTL      2
#define RECV_TOS      4
#define RECV_PKTINFO6 8
#define RECV_HOPS     0x10
#define RECV_TCLASS   0x20
#define RECV_ORIGDST  0x40
#define RECV_ORIGDST6 0x80

static inline struct inet_sock *inet_sk(struct socket *s)
{
	return container_of(s, struct inet_sock, s);
}
static inline bool inet_is_stream(const struct inet_sock *k)
{
	return k->s.type == SOCK_STREAM;
}

extern struct list inet_all;

/* ---- connections that have no socket: their handshake is not done, or close(2) is behind them; net_lock held ---- */
static inline const struct inet_port *tcp_port(const struct tcp_pcb *p)
{
	return p->ext_args[0].data;
}
static inline bool tcp_is_orphan(const struct tcp_pcb *p)
{
	return !tcp_port(p) || !tcp_port(p)->sk;
}
static inline int tcp_family(const struct tcp_pcb *p)
{
	if (tcp_port(p))
		return tcp_port(p)->family;
	return IP_IS_V6_VAL(p->local_ip) ? AF_INET6 : AF_INET;
}

/* ---- addr.c ---- */
/* Read a name for k: -EINVAL, -EAFNOSUPPORT; mapped addresses become IPv4 (-ENETUNREACH where V6ONLY forbids). */
#define INET6_NAME_MIN 24 /* bytes of a sockaddr_in6 without a scope (RFC 2133) */
int inet_addr_read(struct inet_sock *k, const struct sock_addr *a, ip_addr_t *ip, u16 *port);
void inet_addr_write(const struct inet_sock *k, struct sock_addr *a, const ip_addr_t *ip, u16 port);
void inet_name_write(int family, struct sock_addr *a, const ip_addr_t *ip, u16 port);
int inet_getname(struct socket *s, struct sock_addr *a, bool peer);
/* May packets come from this address: one of ours, multicast where it is asked for, or none? */
bool inet_addr_bindable(const struct inet_sock *k, const ip_addr_t *ip);
/* Is it link-local, and neither it nor the socket says of which link? */
bool inet_scope_missing(const struct inet_sock *k, const ip_addr_t *ip);
/* The source for packets to dst, if it is one of our own addresses; else left alone. */
void inet_pick_source(ip_addr_t *src, const ip_addr_t *dst);
int inet_errno(err_t e); /* lwIP's error as -errno */
/* A number for a peer, by which sockets that share a port share their peers. */
u32 inet_peer_hash(const ip_addr_t *ip, u16 port);
/* Did the packet that is being looked at come in by k's SO_BINDTODEVICE? net_lock held. */
bool inet_device_matches(const struct inet_sock *k);
int inet_ifindex(const struct netif *n); /* the loopback's for NULL */
/* What a packet of k to dst by n may have: by its IP_MTU_DISCOVER the path's, as far as it is known. net_lock held. */
u32 inet_path_mtu(const struct inet_sock *k, const struct netif *n, const ip_addr_t *dst);
static inline bool inet_is_loop(const struct netif *n)
{
	return n == &net_cur->loop;
}

/* ---- port.c; net_lock held, the socket's namespace is net_cur ---- */
/* Give k the port num (0: any), for its laddr. -EADDRINUSE, -ENOMEM. */
int port_bind(struct inet_sock *k, u16 num);
/* Any port for a connection to raddr:rport. -EADDRNOTAVAIL. */
int port_bind_connect(struct inet_sock *k);
/* Before listen(2): -EADDRINUSE where another listens. */
int port_listen(struct inet_sock *k);
/* Entry of a new connection of a listener's port. NULL without memory. */
struct inet_port *port_inherit(struct inet_port *from, const ip_addr_t *laddr);
void port_put(struct inet_port *p);
/* The socket loses its port, unless a connection still has it. */
void port_release(struct inet_sock *k);
/* Of all namespaces. */
struct list *port_bucket(enum inet_proto kind, u16 num);

/* ---- bind.c ---- */
int inet_bind(struct socket *s, const struct sock_addr *a);

/* ---- tcp.c: connections ---- */
extern const struct socket_ops tcp_ops;
struct inet_sock *inet_alloc(struct net_ns *net, const struct socket_ops *ops, int family, int type,
			     int protocol);
void inet_destroy(struct socket *s);
int tcp_sk_connect(struct socket *s, const struct sock_addr *a);
int tcp_sk_shutdown(struct socket *s, int how);
void tcp_sk_release(struct socket *s);
/* An attempt to connect is over, with an errno. net_lock held. */
void tcp_sk_fail(struct inet_sock *k, int err);
/* Close the connection, which there is, whatever holds the socket. net_lock held. */
void tcp_sk_end(struct inet_sock *k);
/* lwIP's callbacks for k's PCB. */
void tcp_sk_adopt(struct inet_sock *k, struct tcp_pcb *pcb);
/* Bring the options into the PCB. */
void tcp_sk_apply(struct inet_sock *k);
/* A number of the socket's own or, where it has none (0), the namespace's. */
u32 inet_number(const struct inet_sock *k, s64 own, enum net_sysctl otherwise);
void tcp_sk_attach(struct tcp_pcb *pcb, struct inet_port *p);

/* ---- tcp_listen.c ---- */
int tcp_sk_listen(struct socket *s, int backlog);
int tcp_sk_accept(struct socket *s, struct socket **conn);
void tcp_sk_drop_queue(struct inet_sock *k);
/* A connection joins its listener's queue; or goes, taken by nobody. net_lock held. */
void tcp_offer(struct inet_sock *k);
void tcp_sk_drop(struct inet_sock *k);
/* The handshake of a connection that came in begins; it is done, or over. net_lock held. */
void tcp_half_open(struct inet_port *p, struct tcp_pcb *pcb);
void tcp_half_open_done(struct inet_port *p);

/* ---- tcp_defer.c; net_lock held ---- */
/* Does k's listener want to wait for its first bytes? */
bool tcp_defer(struct inet_sock *k);
/* They are there, or the peer's FIN. */
void tcp_defer_end(struct inet_sock *k);
void tcp_defer_drop(const struct inet_sock *l);
/* Seconds as a number of timeouts that last at least as long, and how long those last. */
u8 tcp_defer_times(s32 seconds);
s32 tcp_defer_seconds(u8 times);

/* ---- tcp_io.c ---- */
s64 tcp_sk_send(struct socket *s, struct sock_msg *m);
s64 tcp_sk_recv(struct socket *s, struct sock_msg *m);
u32 tcp_sk_poll(struct socket *s);
u32 inet_sndbuf(const struct inet_sock *k);
/* most that may lie unread, by SO_RCVBUF; 0: the stack's own */
u32 inet_window(const struct inet_sock *k);
/* option_tcp.c */
u8 tcp_linux_state(const struct tcp_pcb *p); /* NULL: closed */
/* As others see it: a connection that is deferred is still in its handshake. */
static inline u8 tcp_sk_state(const struct inet_sock *k)
{
	return k->deferred ? 3 : tcp_linux_state(k->pcb);
}
struct tcp_info;
void tcp_info_fill(const struct inet_sock *k, struct tcp_info *i); /* net_lock held */
u32 tcp_queued(const struct inet_sock *k); /* bytes sent and not acknowledged, or not yet sent */
u32 tcp_unsent(const struct inet_sock *k); /* of these, not yet sent */
void tcp_rx_purge(struct inet_sock *k);

/* ---- filter.c; net_lock held, while a packet is looked at ---- */
/*
 * What a program says of its IP header (ip: only at SKF_NET_OFF, in front of the others), n bytes at head and those of p, which may
 * be NULL. False: it looks at what is not there, or there is no memory.
 */
bool inet_filter_value(const struct socket_filter *filter, bool ip, const void *head, u32 n,
		       const struct pbuf *p, u32 *value);
/* Does k's filter take p? It may be shorter then. As dgram_deliver. */
bool dgram_filter(const struct inet_sock *k, struct pbuf *p, u16 port, u16 to_port);
struct tcp_hdr;
/* Does k's filter take this segment? h: numbers in host order. */
bool tcp_filter(const struct inet_sock *k, const struct tcp_hdr *h, const u8 *opt, u32 optlen,
		const struct pbuf *p);

/* ---- reuseport.c; net_lock held ---- */
/* k, which has a port, begins and ends to take what comes for it. */
void reuseport_join(struct inet_sock *k);
void reuseport_leave(struct inet_sock *k);
/* Who of k's group, which has a program, gets it. p: its payload; NULL: none. */
struct inet_sock *reuseport_pick(struct inet_sock *k, const struct pbuf *p);
/* SO_ATTACH_REUSEPORT_CBPF, SO_DETACH_REUSEPORT_BPF. Takes the lock. */
int reuseport_set(struct inet_sock *k, int name, const void *v, unsigned len);

/* ---- tcp_urgent.c; net_lock held where nothing else is said ---- */
/* A segment with TCP_URG set, and numbers in host order, for a connection. */
void tcp_urgent_heard(struct tcp_pcb *p, const struct tcp_hdr *h);
/* p is about to be queued. */
void tcp_urgent_data(struct inet_sock *k, const struct pbuf *p);
/* Of the mark, in what is queued; or NO_MARK. */
u64 tcp_urgent_offset(const struct inet_sock *k);
#define NO_MARK (~0ULL)
bool tcp_urgent_at_mark(const struct inet_sock *k);
/* Bytes were taken from the queue. */
void tcp_urgent_read(struct inet_sock *k);
/* Everything before the mark and behind: what a poll may call readable. No lock needed. */
u64 tcp_readable(const struct inet_sock *k);
/* recv(2) with MSG_OOB. Without the lock. */
s64 tcp_urgent_recv(struct inet_sock *k, struct sock_msg *m);
/* The last byte that was written is urgent. */
void tcp_urgent_written(struct tcp_pcb *p);

/* ---- dgram.c: what UDP, ping and raw sockets share ---- */
struct inet_dgram {
	struct list node;
	struct pbuf *p;
	ip_addr_t from, to;
	u16 port, to_port;
	u8 ttl, tos;
	u8 origin, err, type, code; /* of the error queue: SO_EE_ORIGIN_*, errno, ICMP's */
	u32 info,
		data; /* likewise: an MTU; messages from one number to another; what is stamped, and its number */
	int ifindex;
	u32 len;
	u16 segment; /* several datagrams in one, of so many bytes each, the last one of less; 0: one */
	u64 time; /* ns since 1970, if the socket wants it; else 0 */
};
extern const struct socket_ops udp_ops, raw_ops;
/* Queue p (taken over) with what ip_data says of it. net_lock held. */
void dgram_deliver(struct inet_sock *k, struct pbuf *p, u16 port, u16 to_port);
#define DGRAM_OVERHEAD 256 /* of one in a queue, beside its bytes */
/* As much of d as fits, without the first skip bytes. Without net_lock. */
s64 dgram_copy(struct sock_msg *m, const struct inet_dgram *d, size_t skip);
void dgram_free(struct inet_dgram *d); /* net_lock held */

/* ---- dgram_control.c ---- */
/* Keep what the header of the packet that lwIP has in hand says: hop limit, class. net_lock held. */
void dgram_header(struct inet_dgram *d, bool v6);
/* What k asked to be told of that. */
void dgram_tell_header(const struct inet_sock *k, struct scm *scm, const struct inet_dgram *d);
/* All that k asked to be told of d. */
void dgram_tell(const struct inet_sock *k, struct scm *scm, const struct inet_dgram *d);
struct dgram_route;
/* What a sender says of its datagram, into r, whose dst is known. net_lock held. -EINVAL, -ENODEV, -ENETUNREACH. */
int dgram_use_control(const struct inet_sock *k, const struct scm *scm, struct dgram_route *r);

/* ---- udp_segment.c: several datagrams in one call ---- */
/* Into pieces of how many bytes k's message of len bytes is to be cut; 0: it is not. -EINVAL. */
int udp_segment(const struct inet_sock *k, const struct scm *scm, size_t len);
/* Is d more of what came last for k, which has UDP_GRO? Then it becomes part of that, and is taken over. net_lock held. */
bool udp_gro_join(struct inet_sock *k, struct inet_dgram *d);

/* ---- errqueue.c ---- */
/* What ICMP says of a packet of ours. */
struct icmp_error {
	int err;
	bool hard; /* who is connected hears of it without asking */
	u8 type, code;
	u32 info;	/* the MTU, where the packet is too large for it */
	ip_addr_t from; /* who says so */
	struct pbuf *p; /* what it quotes of the payload: len bytes at `at` */
	u16 at, len;
};
/* It is about what k sent to (to, port). net_lock held. */
void errqueue_icmp(struct inet_sock *k, const struct icmp_error *e, const ip_addr_t *to, u16 port);
/* k could not send to (to, port). net_lock held. */
void errqueue_local(struct inet_sock *k, int err, u32 info, const ip_addr_t *to, u16 port);
/* A packet of k, of len bytes from the IP header on, went just now: p, with the headers that it got. SOF_TIMESTAMPING_TX_*. */
void errqueue_stamps(struct inet_sock *k, u32 stamps, const struct pbuf *p, u32 len);
/* k's next message with MSG_ZEROCOPY needs its memory no more: socket_ops.copied. */
void errqueue_copied(struct socket *s);
void errqueue_purge(struct inet_sock *k); /* net_lock held */
/* recvmsg(2) with MSG_ERRQUEUE. */
s64 errqueue_recv(struct inet_sock *k, struct sock_msg *m);
/* Where a packet goes and how. */
struct dgram_route {
	ip_addr_t src, dst;
	u16 port;
	u8 ttl, tos;
	u32 stamps;  /* SOF_TIMESTAMPING_TX_* */
	int ifindex; /* that IP_PKTINFO asks for; 0: any */
	struct netif *netif;
};
err_t dgram_output(struct pbuf *p, const struct dgram_route *r, u8 proto);
/* ---- udp.c, raw.c: p has room for headers in front, and gets them; net_lock held ---- */
int udp_transmit(struct inet_sock *k, struct pbuf *p, struct dgram_route *r);
int raw_transmit(struct inet_sock *k, struct pbuf *p, struct dgram_route *r);
extern struct list raw_all;
/* ---- group.c ---- */
bool group_has(const struct inet_sock *k, const ip_addr_t *group);
void group_drop_all(struct inet_sock *k);

/* ---- option.c, ioctl.c ---- */
int inet_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len);
int inet_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len);
s64 inet_ioctl(struct socket *s, unsigned cmd, u64 arg);
/* SIOCGIFADDR and its kin; -ENOTTY */
s64 inet_address_ioctl(struct net_ns *net, unsigned cmd, u64 arg);

#endif
