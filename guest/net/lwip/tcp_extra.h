/*
 * tcp_extra.h - what a tcp_pcb of lwIP has besides (guest/net/patches), for pcbs.c and recovery.c. All under net_lock.
 */
#ifndef MOAT_NET_LWIP_TCP_EXTRA_H
#define MOAT_NET_LWIP_TCP_EXTRA_H

#include "lib/types.h"
#include "lwip/ip_addr.h"

struct net_ns;
struct tcp_pcb;
struct tcp_seg;

struct tcp_extra {
	/* ---- pcbs.c ---- */
	struct net_ns *net;			/* since it is in the table, or sends */
	struct tcp_pcb *hash_next, **hash_prev; /* hash_prev NULL: not in the table */
	bool parked; /* in one of the lists of idle ones, for tcp_active_pcbs */
	u32 due;     /* parked: the tick at which it wants attention; 0: none */

	/* ---- by the socket ---- */
	u32 window;	  /* most that may be received and not read; 0: TCP_WND */
	u32 user_timeout; /* ms without an acknowledgement; 0: lwIP's own limit */
	u8 syn_retries;	  /* 0: TCP_SYNMAXRTX */
	u16 maxseg;	  /* TCP_MAXSEG; 0: none */
	u8 discovery;	  /* IP_PMTUDISC_* */
	u32 fin_timeout;  /* ms in FIN_WAIT_2 after close; 0: TCP_FIN_WAIT_TIMEOUT */
	bool urgent;	  /* something before urgent_end is, and is not acknowledged */
	u32 urgent_end;
	u64 challenged; /* ns: when challenge.c last let an acknowledgement go; 0: never */

	/* ---- mss.c ---- */
	u16 said;	 /* the peer's MSS; 0: it said none */
	u16 hole;	 /* more vanishes on its way; 0: nothing like that was seen */
	u16 suspect;	 /* what this size is tried for */
	u32 suspect_end; /* of the segment that did not arrive in one piece */
	u32 paths_seen;	 /* net_ns.paths_changes, when mss was right */
	u64 mss_until;	 /* ns: a larger one may be right then; 0: no */

	/* ---- recovery.c: only while both sides have agreed on SACK ---- */
	u8 phase;	/* enum recovery_phase */
	bool force;	/* one segment goes out whatever the congestion window says */
	bool probed;	/* the tail was sent again, and nothing came since */
	bool reordered; /* segments have overtaken each other */
	u8 patience;	/* times that waiting for late ones was too short */
	u32 recover;	/* what was sent when this phase began */
	u32 gap; /* bytes between lastack and snd_nxt that are not on their way: arrived, or lost */
	u32 rack_end,
		rack_rtt; /* of the last sent one of those that arrived: its end; us from there to here */
	u64 rack_sent;		   /* ns */
	u32 srtt, rttvar, min_rtt; /* us; 0: unknown */
	u64 wake;		   /* ns: look again then; 0: off */
	u32 resent;		   /* segments that were sent again */

	/* ---- cubic.c: bytes, us; the clock in ns ---- */
	bool only_reno; /* TCP_CONGESTION */
	u32 w_max;	/* the window at the last loss; 0: none */
	u32 reno;	/* what Reno's would be by now */
	u32 k;		/* ms from epoch until the window is w_max again */
	u64 epoch;	/* when this growth began; 0: it has not */
	u32 round_end;	/* the end of what was sent when this window began */
	u32 round_rtt,
		last_rtt; /* least of this window's round trips, and of the last one's; 0: unknown */
	u8 round_samples;
};

/* ---- pcbs.c, in the place of lwIP's list macros ---- */
void tcp_list_add(struct tcp_pcb **list, struct tcp_pcb *p);
void tcp_list_del(struct tcp_pcb **list, struct tcp_pcb *p);
/* net_cur's connection, open or in TIME_WAIT, of a segment that came in; NULL: none. It is not parked any more. */
struct tcp_pcb *tcp_find(const ip_addr_t *local, u16 lport, const ip_addr_t *remote, u16 rport,
			 unsigned netif);
/* All connections, open or in TIME_WAIT. fn changes none. */
void tcp_each(void (*fn)(struct tcp_pcb *p, void *arg), void *arg);
/* End what has been in TIME_WAIT for long enough. */
void tcp_tw_expire(void);
/* It may need ticks again. */
void tcp_unpark(struct tcp_pcb *p);

/* ---- recovery.c, called by lwIP ---- */
/* ackno is about to free segments. */
void recovery_acked(struct tcp_pcb *p, u32 ackno);
/* An acknowledgement was dealt with. */
void recovery_update(struct tcp_pcb *p);
/* Is it no time for the congestion window to grow? */
bool recovery_holds(const struct tcp_pcb *p);
/* The retransmission timeout is over. True: the segments are marked, tcp_output sends them; else lwIP is to do it. */
bool recovery_timeout(struct tcp_pcb *p);
/* The next segment to be sent again now, or NULL; and that it was. */
struct tcp_seg *recovery_next(struct tcp_pcb *p);
void recovery_resent(struct tcp_pcb *p, struct tcp_seg *s);
/* What is on its way and has more than mss bytes, with options, did not arrive. Is there any? With SACK it is marked as lost. */
bool recovery_too_large(struct tcp_pcb *p, u16 mss);
/* A segment goes out, for the first time or again. */
void recovery_sent(struct tcp_pcb *p, struct tcp_seg *s);
/* ---- cubic.c ---- */
/* Called by lwIP: so many bytes more are acknowledged, and the window may grow. */
void congestion_acked(struct tcp_pcb *p, u32 acked);
/* Called by recovery.c: something is lost, which fills the window it was sent in; the retransmission timeout is over. */
void congestion_loss(struct tcp_pcb *p);
void congestion_timeout(struct tcp_pcb *p);

/* ---- mss.c ---- */
/* The size of segments by what the peer said (0: nothing), and what the peer is told where the path allows mss. */
u16 tcp_peer_mss(struct tcp_pcb *p, u16 said);
u16 tcp_own_mss(const struct tcp_pcb *p, u16 mss);
/* Bring it in line with the path and the options. */
void tcp_mss_sync(struct tcp_pcb *p);
/* Before a write or output: the path may be another one by now. */
void tcp_mss_check(struct tcp_pcb *p);
/* s, of one of the queues, is about to go out: what is too much becomes segments behind it. False: that is not possible now. */
bool tcp_mss_fits(struct tcp_pcb *p, struct tcp_seg *s);
/* The retransmission timeout is over: does the path swallow large segments? */
void tcp_mss_timeout(struct tcp_pcb *p);
/* challenge.c: is it time to answer a segment that is of no use? */
bool tcp_challenge(struct tcp_pcb *p);
/* How long may it stay in FIN_WAIT_2 after close, ms? */
u32 tcp_fin_wait(const struct tcp_pcb *p);
/* inet/tcp_urgent.c: a segment goes out: its urgent flag and pointer. */
void tcp_urgent_mark(struct tcp_pcb *p, struct tcp_seg *s);
/* Has the peer been silent for longer than the socket wants to wait? */
bool tcp_gives_up(const struct tcp_pcb *p);

#endif
