/*
 * ns.h - namespaces of a task: what is counted, numbered and passed on in the same way for all kinds.
 *
 * task->ns NULL means the first namespace of each kind, so programs that never make one pay nothing. A struct nsproxy never
 * changes once a task has it; unshare(2) and setns(2) replace it. User namespaces are in the credentials (userns.h).
 *
 * A kind whose `create` is NULL has its first namespace alone: asking for another one is EPERM and a line in dmesg. The
 * layer that owns the object registers how to make one (ns_register).
 */
#ifndef MOAT_TASK_NS_H
#define MOAT_TASK_NS_H

#include "lib/atomic.h"
#include "lib/types.h"

struct task;
struct user_ns;
struct cred;
struct pid_ns;

enum ns_kind { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_TIME, NS_USER, NS_UTS, NS_KINDS };

struct ns_common {
	struct ref ref;
	u32 inum;
	enum ns_kind kind;
	struct user_ns *owner; /* a reference; NULL: the first user namespace (for that one: none) */
	void *object;	       /* of its layer; NULL: the first one's */
};

struct ns_type {
	const char *name;
	u64 flag; /* CLONE_NEW* */
	u32 first_inum;
	/* The object of n, a copy of the current task's or a fresh one; ERR_PTR. NULL: there is one only. */
	void *(*create)(struct ns_common *n);
	void (*free)(void *object);
	/* Instead of free, where ns_common is part of the object: a reference less. */
	void (*put)(struct ns_common *n);
};
extern struct ns_type ns_types[NS_KINDS];

struct nsproxy {
	struct ref ref;
	struct ns_common *ns[NS_KINDS]; /* NS_USER: unused; NS_MNT too: it is in the fs_context */
};

/* At boot. */
void ns_register(enum ns_kind kind, void *(*create)(struct ns_common *n),
		 void (*free)(void *object));

struct nsproxy *nsproxy_get(struct nsproxy *p);
void nsproxy_put(struct nsproxy *p);
void ns_get(struct ns_common *n);
void ns_put(struct ns_common *n);
u32 ns_new_inum(void);
/* The first one of a kind that ns_register knows. */
struct ns_common *ns_first(enum ns_kind kind);

/* The object of the current task's namespace; NULL: the first one's. */
void *ns_object(enum ns_kind kind);
/* t's namespace of a kind, with a reference; NULL: t has ended. */
struct ns_common *task_ns(struct task *t, enum ns_kind kind);
/* That of its next child: another one for pid (and time) after unshare(2) or setns(2). */
struct ns_common *task_ns_for_children(struct task *t, enum ns_kind kind);
/* t, not yet published, is to make its children in ns. -ENOMEM. */
int ns_set_pid_ns(struct task *t, struct pid_ns *ns);
/* Whom it belongs to: never NULL. */
struct user_ns *ns_owner(const struct ns_common *n);

/* Flags of clone(2) and unshare(2) that make namespaces which exist here: 0, else -EPERM with a line in dmesg. */
int ns_check_flags(u64 flags);
/* clone(2): the child, not yet published, gets new namespaces as the flags say. */
int ns_clone(struct task *child, u64 flags);
/* unshare(2) of the current task; the caller has checked that it is alone. */
int ns_unshare(u64 flags);
/* setns(2) of the current task into n. -EPERM, -EINVAL, -ENOMEM. */
int ns_enter(struct ns_common *n);

#endif
