/*
 * create.c - making and destroying AF_UNIX sockets, and the tables of their operations.
 */
#include "fs/landlock/landlock.h"
#include "fs/procfs.h"
#include "mm/slab.h"
#include "net/families.h"
#include "net/net_ns.h"
#include "net/unix/unix.h"
#include "task/task.h"

struct spinlock unix_lock = SPINLOCK_INIT;
struct list unix_all = LIST_INIT(unix_all);
struct waitq unix_room = WAITQ_INIT(unix_room);

static void destroy(struct socket *s)
{
	struct unix_sock *u = unix_sk(s);

	if (u->peer)
		sock_put(&u->peer->s);
	if (u->addr && ref_put(&u->addr->ref))
		kfree(u->addr);
	unix_identity_drop(&u->own);
	unix_identity_drop(&u->remote);
	landlock_domain_put(u->landlock);
	filter_put(u->filter.f);
	kfree(u);
}

#define OPS_OF_ALL                                                                              \
	.bind = unix_bind, .getname = unix_getname, .shutdown = unix_shutdown,                  \
	.ioctl = unix_ioctl, .setsockopt = unix_setsockopt, .getsockopt = unix_getsockopt,      \
	.peer = unix_peer, .pair = unix_pair, .closing = unix_closing, .release = unix_release, \
	.destroy = destroy, .room = &unix_room
#define OPS_OF_CONNECTIONS \
	.connect = unix_connect_stream, .listen = unix_listen, .accept = unix_accept

static const struct socket_ops stream_ops = {
	OPS_OF_ALL,
	OPS_OF_CONNECTIONS,
	.sendmsg = unix_stream_send,
	.recvmsg = unix_stream_recv,
	.poll = unix_stream_poll,
};

static const struct socket_ops dgram_ops = {
	OPS_OF_ALL,
	.connect = unix_connect_dgram,
	.sendmsg = unix_dgram_send,
	.recvmsg = unix_dgram_recv,
	.poll = unix_dgram_poll,
};

static const struct socket_ops seqpacket_ops = {
	OPS_OF_ALL,
	OPS_OF_CONNECTIONS,
	.sendmsg = unix_seqpacket_send,
	.recvmsg = unix_seqpacket_recv,
	.poll = unix_dgram_poll,
};

/* A datagram queue that this socket writes to has room again: tell it if it found it full. Under room_q's lock. */
static void on_room(struct waiter *w, u32 key)
{
	struct unix_sock *u = container_of(w, struct unix_sock, room_hook);

	if (atomic_xchg(&u->wants_room, 0))
		sock_wake_writable(&u->s);
}

struct unix_sock *unix_alloc(struct net_ns *net, int type)
{
	struct unix_sock *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	sock_init_in(net, &u->s,
		     type == SOCK_STREAM  ? &stream_ops
		     : type == SOCK_DGRAM ? &dgram_ops
					  : &seqpacket_ops,
		     AF_UNIX, type, 0);
	u->max_backlog = UNIX_DGRAM_QLEN;
	u->landlock = task_current()->cred->landlock;
	if (u->landlock)
		landlock_domain_get(u->landlock);
	u->own.ids = u->remote.ids = (struct ucred){ 0, ~0u, ~0u };
	list_init(&u->name_node);
	list_init(&u->backlog);
	mutex_init(&u->bind_lock);
	mutex_init(&u->read_lock);
	spin_init(&u->rx_lock);
	list_init(&u->rx);
	list_init(&u->flight_node);
	waitq_init(&u->room_q);
	waiter_init(&u->room_hook);
	u->room_hook.fn = on_room;
	spin_lock(&unix_lock);
	list_add_tail(&unix_all, &u->all_node);
	spin_unlock(&unix_lock);
	return u;
}

static struct socket *create(int type, int protocol)
{
	struct unix_sock *u;

	if (protocol && protocol != AF_UNIX)
		return ERR_PTR(-EPROTONOSUPPORT);
	switch (type) {
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET: break;
	case SOCK_RAW: type = SOCK_DGRAM; break; /* of BSD's heritage, as Linux has it */
	default: return ERR_PTR(-ESOCKTNOSUPPORT);
	}
	u = unix_alloc(net_ns_current(), type);
	return u ? &u->s : ERR_PTR(-ENOMEM);
}

static void init(void)
{
	proc_net_add("unix", unix_proc_show);
}

const struct proto_family unix_family = { .family = AF_UNIX, .init = init, .create = create };

void unix_identity_self(struct unix_identity *id)
{
	struct task *t = task_current();

	scm_self(&id->ids);
	id->ids.uid = t->cred->euid;
	id->ids.gid = t->cred->egid;
	id->process = t->process;
	ref_get(&id->process->ref);
	id->cred = t->cred;
	cred_get(id->cred);
}

void unix_identity_copy(struct unix_identity *to, const struct unix_identity *from)
{
	*to = *from;
	if (to->process)
		ref_get(&to->process->ref);
	if (to->cred)
		cred_get(to->cred);
}

void unix_identity_drop(struct unix_identity *id)
{
	if (id->process)
		process_put(id->process);
	cred_put(id->cred);
	id->process = NULL;
	id->cred = NULL;
}
