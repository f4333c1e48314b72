/*
 * option.c - options of packet sockets: SOL_PACKET (packet(7)) and filters.
 *
 * Devices show all that comes anyway, so that memberships (PACKET_ADD_MEMBERSHIP, promiscuous mode) have nothing to switch.
 * Not there, and refused: fan-out, rings to send, PACKET_VNET_HDR.
 */
#include <linux/capability.h>
#include <string.h>

#include "net/packet/packet.h"
#include "task/task.h"
#include "task/unsupported.h"

static int membership(struct packet_sock *k, const void *v, unsigned len)
{
	struct packet_mreq m;
	int err;

	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, v, sizeof(m));
	if (m.mr_alen > sizeof(m.mr_address))
		return -EINVAL;
	spin_lock(&netdev_lock);
	err = netdev_by_index(k->s.net, m.mr_ifindex) ? 0 : -ENODEV;
	spin_unlock(&netdev_lock);
	return err;
}

static int set_number(struct packet_sock *k, int name, u32 n)
{
	switch (name) {
	case PACKET_AUXDATA: k->auxdata = n; return 0;
	case PACKET_IGNORE_OUTGOING:
		if (n > 1)
			return -EINVAL;
		k->ignore_outgoing = n;
		return 0;
	case PACKET_VERSION:
		if (packet_ring_header(n) < 0)
			return -EINVAL;
		if (READ_ONCE(k->ring))
			return -EBUSY;
		k->version = n;
		return 0;
	case PACKET_RESERVE:
		if (n > 0x7fffffff)
			return -EINVAL;
		if (READ_ONCE(k->ring))
			return -EBUSY;
		k->reserve = n;
		return 0;
	/* Frames carry the Sentry's time, and pass no queueing discipline. */
	case PACKET_COPY_THRESH:
	case PACKET_ORIGDEV:
	case PACKET_TIMESTAMP:
	case PACKET_QDISC_BYPASS:
	case PACKET_LOSS: return 0;
	default: unsupported("packet socket option", (u64)name); return -ENOPROTOOPT;
	}
}

int packet_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len)
{
	struct packet_sock *k = packet_sk(s);
	u32 n;

	if (level == SOL_SOCKET)
		return filter_set_option(&k->filter, &net_lock, name, v, len);
	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (name) {
	case PACKET_ADD_MEMBERSHIP:
	case PACKET_DROP_MEMBERSHIP: return membership(k, v, len);
	case PACKET_RX_RING: return packet_ring_set(k, v, len);
	}
	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, v, sizeof(n));
	return set_number(k, name, n);
}

static int put(void *v, unsigned *len, const void *from, unsigned n)
{
	*len = MIN(*len, n);
	memcpy(v, from, *len);
	return 0;
}

int packet_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len)
{
	struct packet_sock *k = packet_sk(s);
	struct tpacket_stats stats;
	u32 n = 0;
	int header;

	if (level == SOL_SOCKET)
		return filter_get_option(&k->filter, name, v, len);
	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (name) {
	case PACKET_STATISTICS:
		spin_lock(&net_lock);
		stats = (struct tpacket_stats){ k->packets, k->drops };
		k->packets = k->drops = 0;
		spin_unlock(&net_lock);
		return put(v, len, &stats, sizeof(stats));
	case PACKET_HDRLEN:
		if (*len < sizeof(n))
			return -EINVAL;
		memcpy(&n, v, sizeof(n));
		header = packet_ring_header(n);
		return header < 0 ? header : put(v, len, &header, sizeof(header));
	case PACKET_AUXDATA: n = k->auxdata; break;
	case PACKET_IGNORE_OUTGOING: n = k->ignore_outgoing; break;
	case PACKET_VERSION: n = k->version; break;
	case PACKET_RESERVE: n = k->reserve; break;
	case PACKET_ORIGDEV:
	case PACKET_LOSS:
	case PACKET_TIMESTAMP:
	case PACKET_VNET_HDR:
	case PACKET_QDISC_BYPASS: break;
	default: return -ENOPROTOOPT;
	}
	return put(v, len, &n, sizeof(n));
}
