/*
 * option_tcp.c - options at level IPPROTO_TCP (tcp(7)).
 *
 * TCP_QUICKACK, TCP_WINDOW_CLAMP, TCP_FASTOPEN and its kin are taken and change nothing. TCP_CONGESTION
 * knows reno and cubic (net/lwip/cubic.c).
 */
#include <linux/tcp.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "net/inet/option.h"

/* Linux's numbers for lwIP's states. */
static const u8 linux_state[] = {
	[CLOSED] = 7,	   [LISTEN] = 10,    [SYN_SENT] = 2,   [SYN_RCVD] = 3,
	[ESTABLISHED] = 1, [FIN_WAIT_1] = 4, [FIN_WAIT_2] = 5, [CLOSE_WAIT] = 8,
	[CLOSING] = 11,	   [LAST_ACK] = 9,   [TIME_WAIT] = 6,
};

u8 tcp_linux_state(const struct tcp_pcb *p)
{
	return p ? linux_state[p->state] : linux_state[CLOSED];
}

static int in_range(s32 n, s32 least, s32 most)
{
	return n < least || n > most ? -EINVAL : 0;
}

/* The cork is out: what waited goes. net_lock held. */
static void push(struct inet_sock *k)
{
	if (k->pcb && k->state == INET_CONNECTED)
		tcp_output(k->pcb);
}

static int set_locked(struct inet_sock *k, int name, s32 n)
{
	int err = 0;

	switch (name) {
	case TCP_NODELAY:
		k->nodelay = n;
		tcp_sk_apply(k);
		if (n)
			push(k);
		return 0;
	case TCP_CORK:
		k->cork = n;
		if (!n)
			push(k);
		return 0;
	case TCP_QUICKACK: k->quickack = n & 1; return 0;
	case TCP_KEEPIDLE:
		err = in_range(n, 1, 32767);
		k->keep_idle = err ? k->keep_idle : (u32)n;
		break;
	case TCP_KEEPINTVL:
		err = in_range(n, 1, 32767);
		k->keep_intvl = err ? k->keep_intvl : (u32)n;
		break;
	case TCP_KEEPCNT:
		err = in_range(n, 1, 127);
		k->keep_cnt = err ? k->keep_cnt : (u32)n;
		break;
	case TCP_SYNCNT:
		err = in_range(n, 1, 127);
		k->syncnt = err ? k->syncnt : n;
		break;
	case TCP_MAXSEG:
		err = n ? in_range(n, 88, 32767) : 0;
		k->maxseg = err ? k->maxseg : (u32)n;
		break;
	case TCP_USER_TIMEOUT:
		if (n < 0)
			return -EINVAL;
		k->user_timeout = (u32)n;
		break;
	case TCP_DEFER_ACCEPT: k->defer_accept = tcp_defer_times(n); break;
	case TCP_LINGER2: k->linger2 = MAX(n, -1); break;
	case TCP_NOTSENT_LOWAT: k->notsent_lowat = (u32)n; break;
	case TCP_INQ:
		err = in_range(n, 0, 1);
		k->inq = err ? k->inq : n;
		break;
	case TCP_WINDOW_CLAMP:
	case TCP_FASTOPEN:
	case TCP_FASTOPEN_CONNECT:
	case TCP_THIN_LINEAR_TIMEOUTS:
	case TCP_THIN_DUPACK: break;
	default: return -ENOPROTOOPT;
	}
	if (!err)
		tcp_sk_apply(k);
	return err;
}

static int set_congestion(struct inet_sock *k, const void *v, unsigned len)
{
	char name[16] = "";

	memcpy(name, v, MIN(len, (unsigned)sizeof(name) - 1));
	if (strcmp(name, "reno") && strcmp(name, "cubic"))
		return -ENOENT;
	net_enter(k->s.net);
	k->reno = !strcmp(name, "reno");
	tcp_sk_apply(k);
	net_leave();
	return 0;
}

int option_tcp_set(struct inet_sock *k, int name, const void *v, unsigned len)
{
	s32 n;
	int err;

	if (name == TCP_CONGESTION)
		return len ? set_congestion(k, v, len) : -EINVAL;
	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, v, sizeof(n));
	net_enter(k->s.net);
	err = set_locked(k, name, n);
	net_leave();
	return err;
}

void tcp_info_fill(const struct inet_sock *k, struct tcp_info *i)
{
	const struct tcp_pcb *p = k->pcb;

	i->tcpi_state = tcp_linux_state(p);
	if (!p)
		return;
	if (p->state == LISTEN) {
		i->tcpi_unacked = k->nr_accept;
		i->tcpi_sacked = k->backlog;
		return;
	}
	i->tcpi_options = (p->flags & TF_TIMESTAMP ? TCPI_OPT_TIMESTAMPS : 0) |
			  (p->flags & TF_SACK ? TCPI_OPT_SACK : 0) |
			  (p->flags & TF_WND_SCALE ? TCPI_OPT_WSCALE : 0);
	i->tcpi_retransmits = p->nrtx;
	i->tcpi_snd_wscale = p->snd_scale & 15;
	i->tcpi_rcv_wscale = p->rcv_scale & 15;
	i->tcpi_rto = (u32)MAX(p->rto, 4) * TCP_SLOW_INTERVAL * 1000;
	i->tcpi_ato = 40000;
	i->tcpi_snd_mss = tcp_mss(p);
	i->tcpi_rcv_mss = p->mss;
	i->tcpi_advmss = p->mss;
	i->tcpi_pmtu = p->mss + 40u;
	i->tcpi_unacked = (p->snd_nxt - p->lastack + p->mss - 1) / p->mss;
	i->tcpi_rtt = p->x.srtt ? p->x.srtt : (u32)(p->sa >> 3) * TCP_SLOW_INTERVAL * 1000;
	i->tcpi_rttvar = p->x.srtt ? p->x.rttvar : (u32)p->sv * TCP_SLOW_INTERVAL * 1000 / 4;
	i->tcpi_min_rtt = p->x.min_rtt;
	i->tcpi_total_retrans = p->x.resent;
	i->tcpi_snd_ssthresh = p->ssthresh / p->mss;
	i->tcpi_snd_cwnd = MAX(p->cwnd / p->mss, 1u);
	i->tcpi_rcv_space = p->rcv_wnd;
	i->tcpi_notsent_bytes = p->snd_lbb - p->snd_nxt;
	i->tcpi_snd_wnd = p->snd_wnd;
}

int option_tcp_get(struct inet_sock *k, int name, void *v, unsigned *len)
{
	struct tcp_info info = { 0 };
	char congestion[16] = "";

	switch (name) {
	case TCP_NODELAY: return option_put(v, len, k->nodelay);
	case TCP_CORK: return option_put(v, len, k->cork);
	case TCP_QUICKACK: return option_put(v, len, k->quickack);
	case TCP_KEEPIDLE:
		return option_put(v, len,
				  (s32)inet_number(k, k->keep_idle, SYSCTL_TCP_KEEPALIVE_TIME));
	case TCP_KEEPINTVL:
		return option_put(v, len,
				  (s32)inet_number(k, k->keep_intvl, SYSCTL_TCP_KEEPALIVE_INTVL));
	case TCP_KEEPCNT:
		return option_put(v, len,
				  (s32)inet_number(k, k->keep_cnt, SYSCTL_TCP_KEEPALIVE_PROBES));
	case TCP_SYNCNT:
		return option_put(v, len, (s32)inet_number(k, k->syncnt, SYSCTL_TCP_SYN_RETRIES));
	case TCP_MAXSEG:
		spin_lock(&net_lock);
		if (k->pcb && k->pcb->state > SYN_SENT)
			option_put(v, len, tcp_mss(k->pcb));
		else
			option_put(v, len, k->maxseg ? (s32)k->maxseg : 536);
		spin_unlock(&net_lock);
		return 0;
	case TCP_USER_TIMEOUT: return option_put(v, len, (s32)k->user_timeout);
	case TCP_DEFER_ACCEPT: return option_put(v, len, tcp_defer_seconds(k->defer_accept));
	case TCP_LINGER2:
		return option_put(v, len,
				  k->linger2 < 0 ? -1
						 : (s32)inet_number(k, k->linger2,
								    SYSCTL_TCP_FIN_TIMEOUT));
	case TCP_WINDOW_CLAMP:
	case TCP_FASTOPEN:
	case TCP_FASTOPEN_CONNECT: return option_put(v, len, 0);
	case TCP_NOTSENT_LOWAT: return option_put(v, len, (s32)k->notsent_lowat);
	case TCP_INQ: return option_put(v, len, k->inq);
	case TCP_CONGESTION:
		strcpy(congestion, k->reno ? "reno" : "cubic");
		return option_put_bytes(v, len, congestion, sizeof(congestion));
	case TCP_INFO:
		spin_lock(&net_lock);
		tcp_info_fill(k, &info);
		spin_unlock(&net_lock);
		return option_put_bytes(v, len, &info, sizeof(info));
	default: return -ENOPROTOOPT;
	}
}
