/*
 * sockopt.c - options at level SOL_SOCKET that every socket has (socket(7)).
 *
 * Options that tune what the Sentry has not (busy polling, incoming CPU) are stored and given back where a
 * program cannot tell the difference, and refused with ENOPROTOOPT where it can.
 */
#include <linux/capability.h>
#include <string.h>

#include "net/net_ns.h"
#include "net/socket.h"
#include "net/sysctl.h"
#include "task/task.h"

#define USEC_PER_SEC 1000000LL

struct timeval {
	s64 sec, usec;
};

/* Options that are one bit. */
static const struct {
	int name;
	u32 bit;
} bits[] = {
	{ SO_DEBUG, SOPT_DEBUG },
	{ SO_REUSEADDR, SOPT_REUSEADDR },
	{ SO_REUSEPORT, SOPT_REUSEPORT },
	{ SO_DONTROUTE, SOPT_DONTROUTE },
	{ SO_BROADCAST, SOPT_BROADCAST },
	{ SO_KEEPALIVE, SOPT_KEEPALIVE },
	{ SO_OOBINLINE, SOPT_OOBINLINE },
	{ SO_NO_CHECK, SOPT_NO_CHECK },
	{ SO_RXQ_OVFL, SOPT_RXQ_OVFL },
	{ SO_SELECT_ERR_QUEUE, SOPT_SELECT_ERR_QUEUE },
	{ SO_TIMESTAMP_OLD, SOPT_TIMESTAMP },
	{ SO_TIMESTAMPNS_OLD, SOPT_TIMESTAMPNS },
};

static u32 bit_of(int name)
{
	for (size_t k = 0; k < ARRAY_SIZE(bits); k++)
		if (bits[k].name == name)
			return bits[k].bit;
	return 0;
}

/* -EDOM: not a time. A zero time is none. */
static int set_timeout(u64 *timeo, const void *v, unsigned len)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, v, sizeof(tv));
	if (tv.usec < 0 || tv.usec >= USEC_PER_SEC)
		return -EDOM;
	if (tv.sec < 0)
		*timeo = 0;
	else if (!tv.sec && !tv.usec)
		*timeo = NO_DEADLINE;
	else if (tv.sec > 1LL << 32)
		*timeo = NO_DEADLINE;
	else
		*timeo = (u64)tv.sec * 1000000000 + (u64)tv.usec * 1000;
	return 0;
}

static int get_timeout(u64 timeo, void *v, unsigned *len)
{
	struct timeval tv = { 0 };

	if (timeo != NO_DEADLINE) {
		tv.sec = (s64)(timeo / 1000000000);
		tv.usec = (s64)(timeo % 1000000000 / 1000);
	}
	*len = MIN(*len, (unsigned)sizeof(tv));
	memcpy(v, &tv, *len);
	return 0;
}

/* A word or two; a word of all ones is no limit. */
static int set_pacing(struct socket *s, const void *v, unsigned len)
{
	u32 word;

	memcpy(&word, v, sizeof(word));
	s->pacing = word == ~0u ? ~0ULL : word;
	if (len >= sizeof(s->pacing))
		memcpy(&s->pacing, v, sizeof(s->pacing));
	return 0;
}

static int get_pacing(const struct socket *s, void *v, unsigned *len)
{
	u64 rate = s->pacing;

	if (*len < sizeof(rate)) {
		rate = MIN(rate, (u64)~0u);
		*len = MIN(*len, (unsigned)sizeof(u32));
	} else {
		*len = sizeof(rate);
	}
	memcpy(v, &rate, *len);
	return 0;
}

static int set_linger(struct socket *s, const void *v, unsigned len)
{
	if (len < sizeof(s->linger))
		return -EINVAL;
	memcpy(&s->linger, v, sizeof(s->linger));
	s->linger.onoff = !!s->linger.onoff;
	return 0;
}

/* Linux doubles what is asked for, for its own overhead. */
static u32 buffer_size(s32 n, u32 max, u32 min)
{
	u64 want = MIN((u64)(n < 0 ? max : (u32)n), (u64)max) * 2;

	return (u32)MAX(want, (u64)min);
}

static int set_buffer(struct socket *s, int name, s32 n)
{
	bool send = name == SO_SNDBUF || name == SO_SNDBUFFORCE;
	u32 max = 0x3fffffff;

	if (name == SO_SNDBUF || name == SO_RCVBUF) {
		max = (u32)net_sysctl(s->net, send ? SYSCTL_WMEM_MAX : SYSCTL_RMEM_MAX);
	} else {
		if (!net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		n = MAX(n, 0);
	}
	if (send)
		s->sndbuf = buffer_size(n, max, SOCK_SNDBUF_MIN);
	else
		s->rcvbuf = buffer_size(n, max, SOCK_RCVBUF_MIN);
	return 0;
}

/* Those of SOF_TIMESTAMPING_OPT_STATS and BIND_PHC belong to what is not there: TCP's stamps, and clocks of devices. */
#define STAMPS_KNOWN \
	(SOF_TIMESTAMPING_MASK & ~(SOF_TIMESTAMPING_OPT_STATS | SOF_TIMESTAMPING_BIND_PHC))

/* What is sent is stamped where the family has a queue for the stamps: of datagrams. */
static int set_stamps(struct socket *s, u32 flags)
{
	bool queue = (s->family == AF_INET || s->family == AF_INET6) && s->type != SOCK_STREAM;

	if ((flags & ~(u32)STAMPS_KNOWN) || ((flags & STAMPS_OF_SENT) && !queue))
		return -EINVAL;
	s->stamps = flags;
	return 0;
}

static int set_int(struct socket *s, int name, s32 n)
{
	u32 bit = bit_of(name);

	if (bit) {
		if (name == SO_DEBUG && n && !net_capable(s->net, CAP_NET_ADMIN))
			return -EACCES;
		sock_set_opt(s, bit, n);
		return 0;
	}
	switch (name) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE: return set_buffer(s, name, n);
	case SO_PRIORITY:
		if ((n < 0 || n > 6) && !net_capable(s->net, CAP_NET_RAW) &&
		    !net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		s->priority = n;
		break;
	case SO_MARK:
		if (!net_capable(s->net, CAP_NET_RAW) && !net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		s->mark = n;
		break;
	case SO_RCVLOWAT: s->rcvlowat = n < 0 ? 0x7fffffff : n ? (u32)n : 1; break;
	case SO_INCOMING_CPU: s->incoming_cpu = n; break;
	case SO_BUSY_POLL:
		if (n > s->busy_poll && !net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		if (n < 0)
			return -EINVAL;
		s->busy_poll = n;
		break;
	case SO_PEEK_OFF:
		if (s->family != AF_UNIX && s->family != AF_INET && s->family != AF_INET6)
			return -EOPNOTSUPP;
		s->peek_off = MAX(n, -1);
		break;
	case SO_ZEROCOPY:
		if (!s->ops->copied)
			return -EOPNOTSUPP;
		if (n < 0 || n > 1)
			return -EINVAL;
		sock_set_opt(s, SOPT_ZEROCOPY, n);
		break;
	case SO_TIMESTAMPING_OLD: return set_stamps(s, (u32)n);
	case SO_PASSCRED:
	case SO_PASSPIDFD:
	case SO_PASSSEC: return -EOPNOTSUPP; /* AF_UNIX has its own */
	default: return -ENOPROTOOPT;
	}
	return 0;
}

static int set_common(struct socket *s, int name, const void *v, unsigned len)
{
	s32 n;

	if (name == SO_BINDTODEVICE) /* its value is a name */
		return -ENOPROTOOPT;
	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, v, sizeof(n));
	switch (name) {
	case SO_LINGER: return set_linger(s, v, len);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW: return set_timeout(&s->rcvtimeo, v, len);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW: return set_timeout(&s->sndtimeo, v, len);
	case SO_MAX_PACING_RATE: return set_pacing(s, v, len);
	default: return set_int(s, name, n);
	}
}

int sock_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len)
{
	int err = s->ops->setsockopt ? s->ops->setsockopt(s, level, name, v, len) : -ENOPROTOOPT;

	return err == -ENOPROTOOPT && level == SOL_SOCKET ? set_common(s, name, v, len) : err;
}

static int get_int(struct socket *s, int name, s32 *n)
{
	u32 bit = bit_of(name);

	if (bit) {
		*n = sock_opt(s, bit);
		return 0;
	}
	switch (name) {
	case SO_TYPE: *n = s->type; break;
	case SO_DOMAIN: *n = s->family; break;
	case SO_PROTOCOL: *n = s->protocol; break;
	case SO_ERROR: *n = -sock_error(s); break;
	case SO_ACCEPTCONN: *n = sock_opt(s, SOPT_LISTENING); break;
	case SO_SNDBUF: *n = (s32)s->sndbuf; break;
	case SO_RCVBUF: *n = (s32)s->rcvbuf; break;
	case SO_RCVLOWAT: *n = (s32)s->rcvlowat; break;
	case SO_SNDLOWAT: *n = 1; break;
	case SO_PRIORITY: *n = s->priority; break;
	case SO_MARK: *n = s->mark; break;
	case SO_BUSY_POLL: *n = s->busy_poll; break;
	case SO_INCOMING_CPU: *n = s->incoming_cpu; break;
	case SO_PEEK_OFF:
		if (s->family != AF_UNIX && s->family != AF_INET && s->family != AF_INET6)
			return -EOPNOTSUPP;
		*n = s->peek_off;
		break;
	case SO_ZEROCOPY: *n = sock_opt(s, SOPT_ZEROCOPY); break;
	default: return -ENOPROTOOPT;
	}
	return 0;
}

static int get_common(struct socket *s, int name, void *v, unsigned *len)
{
	u32 stamps[2] = { 0 }; /* struct so_timestamping */
	s32 n;
	int err;

	switch (name) {
	case SO_LINGER:
		*len = MIN(*len, (unsigned)sizeof(s->linger));
		memcpy(v, &s->linger, *len);
		return 0;
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW: return get_timeout(s->rcvtimeo, v, len);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW: return get_timeout(s->sndtimeo, v, len);
	case SO_MAX_PACING_RATE: return get_pacing(s, v, len);
	case SO_TIMESTAMPING_OLD:
		stamps[0] = s->stamps;
		*len = MIN(*len, (unsigned)sizeof(stamps));
		memcpy(v, stamps, *len);
		return 0;
	case SO_COOKIE:
		if (*len < sizeof(s->cookie))
			return -EINVAL;
		*len = sizeof(s->cookie);
		memcpy(v, &s->cookie, *len);
		return 0;
	}
	err = get_int(s, name, &n);
	if (err)
		return err;
	*len = MIN(*len, (unsigned)sizeof(n));
	memcpy(v, &n, *len);
	return 0;
}

int sock_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len)
{
	int err = s->ops->getsockopt ? s->ops->getsockopt(s, level, name, v, len) : -ENOPROTOOPT;

	return err == -ENOPROTOOPT && level == SOL_SOCKET ? get_common(s, name, v, len) : err;
}
