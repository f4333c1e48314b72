/*
 * option.c - socket options of AF_UNIX: credentials of the peer, and what comes with messages.
 */
#include <string.h>

#include "net/unix/unix.h"
#include "task/ns/userns.h"
#include "task/task.h"

static int peer_groups(struct unix_sock *u, void *v, unsigned *len)
{
	const struct cred *c = u->remote.cred;
	u32 *groups = v;
	unsigned need;

	if (!c)
		return -ENODATA;
	need = c->ngroups * (unsigned)sizeof(u32);
	if (*len < need) {
		*len = need;
		return -ERANGE;
	}
	for (unsigned k = 0; k < c->ngroups; k++)
		groups[k] = show_gid(c->groups[k]);
	*len = need;
	return 0;
}

static int get_int(void *v, unsigned *len, s32 n)
{
	*len = MIN(*len, (unsigned)sizeof(n));
	memcpy(v, &n, *len);
	return 0;
}

int unix_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len)
{
	s32 n;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (name != SO_PASSCRED && name != SO_PASSPIDFD)
		return filter_set_option(&unix_sk(s)->filter, &unix_sk(s)->rx_lock, name, v, len);
	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, v, sizeof(n));
	sock_set_opt(s, name == SO_PASSCRED ? SOPT_PASSCRED : SOPT_PASSPIDFD, n);
	return 0;
}

int unix_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len)
{
	struct unix_sock *u = unix_sk(s);

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_PASSCRED: return get_int(v, len, sock_opt(s, SOPT_PASSCRED));
	case SO_PASSPIDFD: return get_int(v, len, sock_opt(s, SOPT_PASSPIDFD));
	case SO_PEERCRED: {
		struct ucred ids = u->remote.ids;

		if (ids.uid != NO_ID)
			scm_show(&ids);
		*len = MIN(*len, (unsigned)sizeof(ids));
		memcpy(v, &ids, *len);
		return 0;
	}
	case SO_PEERGROUPS: return peer_groups(u, v, len);
	default: return filter_get_option(&u->filter, name, v, len);
	}
}

struct process *unix_peer(struct socket *s)
{
	return unix_sk(s)->remote.process;
}
