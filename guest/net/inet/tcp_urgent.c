/*
 * tcp_urgent.c - urgent data (MSG_OOB, SIOCATMARK, SIGURG), with the pointer where BSD has it: behind the urgent byte.
 *
 * The byte stays in the stream; the mark is its sequence number. recv(2) stops at the mark and goes on behind the byte,
 * unless SO_OOBINLINE leaves it in. A new mark takes the place of an old one, whose byte becomes an ordinary one; Linux drops
 * it where it is the next to be read.
 *
 * Everything is under net_lock. Signals are sent once it is free: they need task_lock.
 */
#include <string.h>

#include "fs/owner.h"
#include "fs/poll_bits.h"
#include "lwip/priv/tcp_priv.h"
#include "net/inet/inet.h"
#include "task/task.h"

#define SIGNALS_MAX 16 /* of one stay in the stack; more are lost */

static struct note {
	struct file_owner owner;
	struct cred *opener; /* a reference */
} signals[SIGNALS_MAX];
static unsigned nr_signals;

/* After net_leave, without locks. */
static void send_signals(void)
{
	struct note mine[SIGNALS_MAX];
	unsigned n;

	spin_lock(&net_lock);
	n = nr_signals;
	memcpy(mine, signals, n * sizeof(mine[0]));
	nr_signals = 0;
	spin_unlock(&net_lock);
	for (unsigned i = 0; i < n; i++) {
		file_owner_signal(&mine[i].owner, mine[i].opener, SIGURG, NULL);
		if (mine[i].opener)
			cred_put(mine[i].opener);
	}
}

static void note_signal(const struct inet_sock *k)
{
	const struct file *f = k->s.file; /* there, while the socket is in inet_all */

	if (!f || !READ_ONCE(f->owner.pid) || nr_signals == SIGNALS_MAX)
		return;
	if (f->cred)
		cred_get(f->cred);
	signals[nr_signals++] = (struct note){ f->owner, f->cred };
	net_after = send_signals;
}

/* ---- receiving ---- */

void tcp_urgent_heard(struct tcp_pcb *p, const struct tcp_hdr *h)
{
	struct inet_sock *k = p->callback_arg;
	u16 up = lwip_ntohs(h->urgp);
	u32 seq = h->seqno + up - !!up;

	if (!k || p->state < ESTABLISHED || p->state > FIN_WAIT_2)
		return;
	/* A segment of the window, and a byte that has not come yet. */
	if (TCP_SEQ_GT(h->seqno, p->rcv_nxt + p->rcv_wnd) || TCP_SEQ_LT(seq, p->rcv_nxt))
		return;
	if (k->urgent != URGENT_NONE && !TCP_SEQ_GT(seq, k->urgent_seq))
		return;
	k->urgent = URGENT_COMING;
	k->urgent_seq = seq;
	note_signal(k);
	sock_wake_readable(&k->s);
}

void tcp_urgent_data(struct inet_sock *k, const struct pbuf *p)
{
	u32 off = k->urgent_seq - k->rx_seq;

	if (k->urgent == URGENT_COMING && off < p->tot_len) {
		k->urgent_byte = pbuf_get_at(p, (u16)off);
		k->urgent = URGENT_VALID;
	}
}

u64 tcp_urgent_offset(const struct inet_sock *k)
{
	u32 head = k->rx_seq - (u32)k->rx_bytes, off = k->urgent_seq - head;

	return k->urgent != URGENT_NONE && off < k->rx_bytes ? off : NO_MARK;
}

bool tcp_urgent_at_mark(const struct inet_sock *k)
{
	return k->urgent != URGENT_NONE && k->urgent_seq == k->rx_seq - (u32)k->rx_bytes;
}

void tcp_urgent_read(struct inet_sock *k)
{
	if (k->urgent != URGENT_NONE && TCP_SEQ_GT(k->rx_seq - (u32)k->rx_bytes, k->urgent_seq))
		k->urgent = URGENT_NONE;
}

u64 tcp_readable(const struct inet_sock *k)
{
	u64 n = k->rx_bytes;

	/* A byte that is read by MSG_OOB alone is nothing to read. */
	return n && !sock_opt(&k->s, SOPT_OOBINLINE) && tcp_urgent_at_mark(k) ? n - 1 : n;
}

s64 tcp_urgent_recv(struct inet_sock *k, struct sock_msg *m)
{
	u8 byte = 0;
	s64 r = 1;

	spin_lock(&net_lock);
	if (sock_opt(&k->s, SOPT_OOBINLINE) || k->urgent == URGENT_NONE ||
	    k->urgent == URGENT_TAKEN)
		r = -EINVAL;
	else if (k->s.shutdown & SHUTDOWN_RCV && k->urgent != URGENT_VALID)
		r = 0;
	else if (k->urgent != URGENT_VALID)
		r = -EAGAIN;
	else
		byte = k->urgent_byte;
	if (r == 1 && !(m->flags & MSG_PEEK))
		k->urgent = URGENT_TAKEN;
	spin_unlock(&net_lock);
	if (r != 1)
		return r;
	m->out |= MSG_OOB;
	if (!m->iov->left) {
		m->out |= MSG_TRUNC;
		return 0;
	}
	if (!(m->flags & MSG_TRUNC) && iov_to(m->iov, &byte, 1) != 1)
		return -EFAULT;
	return 1;
}

/* ---- sending ---- */

void tcp_urgent_mark(struct tcp_pcb *p, struct tcp_seg *s)
{
	u32 seq = lwip_ntohl(s->tcphdr->seqno), ahead = p->x.urgent_end - seq;

	if (!p->x.urgent)
		return;
	if (TCP_SEQ_LEQ(p->x.urgent_end, p->lastack))
		p->x.urgent = false;
	if (p->x.urgent && TCP_SEQ_GT(p->x.urgent_end, seq)) {
		TCPH_SET_FLAG(s->tcphdr, TCP_URG);
		s->tcphdr->urgp = lwip_htons((u16)MIN(ahead, 0xffffu));
	} else {
		TCPH_UNSET_FLAG(s->tcphdr, TCP_URG);
		s->tcphdr->urgp = 0;
	}
}

void tcp_urgent_written(struct tcp_pcb *p)
{
	p->x.urgent = true;
	p->x.urgent_end = p->snd_lbb;
}
