/*
 * ns.c - see ns.h. References only; task->ns is replaced by its own task under task_lock.
 */
#include <linux/capability.h>

#include "task/ns/ns.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/unsupported.h"
#include "task/ns/userns.h"

#define ALL_KINDS                                                                      \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

static void put_pid_ns(struct ns_common *n)
{
	pid_ns_put(container_of(n, struct pid_ns, c));
}

static void put_user_ns(struct ns_common *n)
{
	user_ns_put(container_of(n, struct user_ns, c));
}

/* The numbers are those that Linux gives the first of each kind. */
struct ns_type ns_types[NS_KINDS] = {
	[NS_CGROUP] = { .name = "cgroup", .flag = CLONE_NEWCGROUP, .first_inum = 0xeffffffb },
	[NS_IPC] = { .name = "ipc", .flag = CLONE_NEWIPC, .first_inum = 0xefffffff },
	[NS_MNT] = { .name = "mnt", .flag = CLONE_NEWNS, .first_inum = 0xf0000001 },
	[NS_NET] = { .name = "net", .flag = CLONE_NEWNET, .first_inum = 0xf0000000 },
	[NS_PID] = { .name = "pid",
		     .flag = CLONE_NEWPID,
		     .first_inum = 0xeffffffc,
		     .put = put_pid_ns },
	[NS_TIME] = { .name = "time", .flag = CLONE_NEWTIME, .first_inum = 0xeffffffa },
	[NS_USER] = { .name = "user",
		      .flag = CLONE_NEWUSER,
		      .first_inum = 0xeffffffd,
		      .put = put_user_ns },
	[NS_UTS] = { .name = "uts", .flag = CLONE_NEWUTS, .first_inum = 0xeffffffe },
};

#define FIRST(k, n) [k] = { .ref = { 1 }, .inum = (n), .kind = (k) }
static struct ns_common first[NS_KINDS] = {
	FIRST(NS_CGROUP, 0xeffffffb), FIRST(NS_IPC, 0xefffffff),  FIRST(NS_MNT, 0xf0000001),
	FIRST(NS_NET, 0xf0000000),    FIRST(NS_TIME, 0xeffffffa), FIRST(NS_UTS, 0xeffffffe),
};

void ns_register(enum ns_kind kind, void *(*create)(struct ns_common *n),
		 void (*free)(void *object))
{
	ns_types[kind].create = create;
	ns_types[kind].free = free;
}

struct ns_common *ns_first(enum ns_kind kind)
{
	return &first[kind];
}

u32 ns_new_inum(void)
{
	static u32 last = 0xf0000001; /* Linux's first dynamic numbers come after it */

	return atomic_add(&last, 1);
}

void ns_get(struct ns_common *n)
{
	ref_get(&n->ref);
}

void ns_put(struct ns_common *n)
{
	if (!n)
		return;
	if (ns_types[n->kind].put) {
		ns_types[n->kind].put(n);
	} else if (ref_put(&n->ref)) {
		ns_types[n->kind].free(n->object);
		if (n->owner)
			user_ns_put(n->owner);
		kfree(n);
	}
}

struct user_ns *ns_owner(const struct ns_common *n)
{
	return n->owner ? n->owner : &first_user_ns;
}

static struct ns_common *ns_create(enum ns_kind kind, struct user_ns *owner)
{
	struct ns_common *n = kzalloc(sizeof(*n));

	if (!n)
		return ERR_PTR(-ENOMEM);
	ref_init(&n->ref);
	n->kind = kind;
	n->inum = ns_new_inum();
	n->owner = owner != &first_user_ns ? owner : NULL;
	n->object = ns_types[kind].create(n);
	if (IS_ERR(n->object)) {
		void *err = n->object;

		kfree(n);
		return err;
	}
	if (n->owner)
		user_ns_get(n->owner);
	return n;
}

/* ---- the set of a task ---- */

struct nsproxy *nsproxy_get(struct nsproxy *p)
{
	ref_get(&p->ref);
	return p;
}

void nsproxy_put(struct nsproxy *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	for (unsigned k = 0; k < NS_KINDS; k++)
		ns_put(p->ns[k]);
	kfree(p);
}

static struct ns_common *of_proxy(const struct nsproxy *p, enum ns_kind kind)
{
	if (p)
		return p->ns[kind];
	return kind == NS_PID ? &first_pid_ns.c : &first[kind];
}

/* A copy of p (NULL: the first ones) with references. */
static struct nsproxy *nsproxy_copy(const struct nsproxy *p)
{
	struct nsproxy *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->ref);
	for (unsigned k = 0; k < NS_KINDS; k++) {
		if (k == NS_USER)
			continue;
		n->ns[k] = of_proxy(p, k);
		ns_get(n->ns[k]);
	}
	return n;
}

void *ns_object(enum ns_kind kind)
{
	struct task *t = task_current();

	return t && t->ns ? t->ns->ns[kind]->object : NULL;
}

bool ns_capable_over(enum ns_kind kind, int cap)
{
	struct task *t = task_current();

	return !t || ns_capable(ns_owner(of_proxy(t->ns, kind)), cap);
}

struct ns_common *task_ns(struct task *t, enum ns_kind kind)
{
	struct ns_common *n = NULL;

	spin_lock(&task_lock);
	if (kind == NS_USER)
		n = &cred_user_ns(t->cred)->c;
	else if (kind == NS_MNT)
		n = t->fs ? task_res.fs_ns(t->fs) : NULL;
	else if (kind == NS_TIME)
		n = t->time_ns ? t->time_ns : &first[NS_TIME];
	else if (kind == NS_PID)
		n = &task_pid_ns(t)->c;
	else if (!t->exiting || t->ns)
		n = of_proxy(t->ns, kind);
	if (n)
		ns_get(n);
	spin_unlock(&task_lock);
	return n;
}

struct ns_common *task_ns_for_children(struct task *t, enum ns_kind kind)
{
	struct ns_common *n = NULL;

	spin_lock(&task_lock);
	if (!t->exiting || t->ns) {
		n = of_proxy(t->ns, kind);
		ns_get(n);
	}
	spin_unlock(&task_lock);
	return n;
}

struct pid_ns *pid_ns_for_children(const struct task *t)
{
	return container_of(of_proxy(t->ns, NS_PID), struct pid_ns, c);
}

int ns_set_pid_ns(struct task *t, struct pid_ns *ns)
{
	struct nsproxy *p = nsproxy_copy(t->ns);

	if (!p)
		return -ENOMEM;
	pid_ns_get(ns);
	ns_put(p->ns[NS_PID]);
	p->ns[NS_PID] = &ns->c;
	nsproxy_put(t->ns);
	t->ns = p;
	return 0;
}

/* ---- new ones ---- */

int ns_check_flags(u64 flags)
{
	for (unsigned k = 0; k < NS_KINDS; k++) {
		if (!(flags & ns_types[k].flag) || ns_types[k].create || ns_types[k].put)
			continue;
		unsupported("new namespace by flag", ns_types[k].flag);
		return -EPERM;
	}
	return 0;
}

/* Below the present one for children, which is the caller's own: nobody sees into namespaces beside his. */
static struct ns_common *create_pid_ns(const struct nsproxy *p, struct user_ns *owner)
{
	struct pid_ns *parent = container_of(p->ns[NS_PID], struct pid_ns, c), *ns;

	if (parent != pid_ns_current())
		return ERR_PTR(-EINVAL);
	ns = pid_ns_create(parent, owner);
	return IS_ERR(ns) ? (void *)ns : &ns->c;
}

/* from with new namespaces as flags say, owned by c's user namespace. */
static struct nsproxy *make(const struct nsproxy *from, const struct cred *c, u64 flags)
{
	struct user_ns *owner = cred_user_ns(c);
	struct nsproxy *p;

	if (!cred_capable(c, owner, CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	p = nsproxy_copy(from);
	if (!p)
		return ERR_PTR(-ENOMEM);
	for (unsigned k = 0; k < NS_KINDS; k++) {
		struct ns_common *n;

		/* A mount namespace is in the fs_context: here is only the right to make one. */
		if (k == NS_USER || k == NS_MNT || !(flags & ns_types[k].flag))
			continue;
		n = k == NS_PID ? create_pid_ns(p, owner) : ns_create(k, owner);
		if (IS_ERR(n)) {
			nsproxy_put(p);
			return (void *)n;
		}
		ns_put(p->ns[k]);
		p->ns[k] = n;
	}
	return p;
}

int ns_clone(struct task *child, u64 flags)
{
	struct nsproxy *p;
	struct cred *c;
	int err;

	if (flags & CLONE_NEWUSER) {
		c = cred_dup(child->cred);
		if (!c)
			return -ENOMEM;
		err = user_ns_create(c);
		if (err) {
			cred_put(c);
			return err;
		}
		cred_put(child->cred);
		child->cred = c;
	}
	if (!(flags & ALL_KINDS & ~CLONE_NEWUSER))
		return 0;
	p = make(child->ns, child->cred, flags);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	nsproxy_put(child->ns);
	child->ns = p;
	return 0;
}

static void replace(struct nsproxy *p)
{
	struct task *t = task_current();
	struct nsproxy *old;

	spin_lock(&task_lock);
	old = t->ns;
	t->ns = p;
	spin_unlock(&task_lock);
	nsproxy_put(old);
}

int ns_unshare(u64 flags)
{
	struct task *t = task_current();
	struct cred *c = NULL;
	struct nsproxy *p = NULL;
	int err;

	if (flags & CLONE_NEWUSER) {
		c = cred_dup(t->cred);
		if (!c)
			return -ENOMEM;
		err = user_ns_create(c);
		if (err)
			goto fail;
	}
	if (flags & ALL_KINDS & ~CLONE_NEWUSER) {
		p = make(t->ns, c ? c : t->cred, flags);
		if (IS_ERR(p)) {
			err = (int)PTR_ERR(p);
			goto fail;
		}
	}
	if (c)
		cred_commit(c);
	if (p)
		replace(p);
	return 0;
fail:
	cred_put(c);
	return err;
}

static int enter_user_ns(struct user_ns *ns)
{
	struct task *t = task_current();
	struct cred *c;
	int err;

	if (ns == cred_user_ns(t->cred) || t->process->nr_threads > 1)
		return -EINVAL;
	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return -EPERM;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	err = user_ns_enter(c, ns);
	if (err)
		cred_put(c);
	else
		cred_commit(c);
	return err;
}

int ns_enter(struct ns_common *n)
{
	struct task *t = task_current();
	struct nsproxy *p;

	if (n->kind == NS_USER)
		return enter_user_ns(container_of(n, struct user_ns, c));
	if (!ns_capable(ns_owner(n), CAP_SYS_ADMIN) || !capable_here(CAP_SYS_ADMIN))
		return -EPERM;
	if (n->kind == NS_MNT)
		return capable_here(CAP_SYS_CHROOT) ? task_enter_mnt_ns(n) : -EPERM;
	if (n->kind == NS_PID && !pid_ns_below(container_of(n, struct pid_ns, c), task_pid_ns(t)))
		return -EINVAL;
	if (n == of_proxy(t->ns, n->kind))
		return 0;
	p = nsproxy_copy(t->ns);
	if (!p)
		return -ENOMEM;
	ns_get(n);
	ns_put(p->ns[n->kind]);
	p->ns[n->kind] = n;
	replace(p);
	if (n->kind == NS_IPC)
		task_leave_sem_undo();
	return 0;
}
