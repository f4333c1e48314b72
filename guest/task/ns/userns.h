/*
 * userns.h - user namespaces: whose ids and capabilities mean what (user_namespaces(7)).
 *
 * Everything in the Sentry holds ids of the first namespace (kuid, kgid: what files and credentials have). A task sees and
 * gives ids of its own namespace; sys/ and fs/proc/ translate at the edge. cred->user_ns NULL is the first namespace, whose
 * map is the identity, so programs that never make one pay one comparison.
 *
 * Lock: user_ns_lock (spin) for maps that are being written; a map never changes once it has extents.
 * Differs from Linux: siginfo, SCM_CREDENTIALS, IPC_STAT show ids of the first namespace; a chrooted program may make one.
 */
#ifndef MOAT_TASK_USERNS_H
#define MOAT_TASK_USERNS_H

#include "task/ns/ns.h"
#include "task/task.h"
#include "task/ucounts.h"

#define NO_ID	     0xffffffffu
#define OVERFLOW_ID  65534u
#define IDMAP_MAX    340
#define USER_NS_DEEP 32

struct id_extent {
	u32 first, lower, count; /* ids from `first` on are the kernel's from `lower` on */
};

struct id_map {
	unsigned nr; /* 0: not written yet: nothing is mapped */
	struct id_extent *extent;
};

struct user_ns {
	struct ns_common c; /* c.owner: the parent */
	unsigned level;
	u32 owner_uid, owner_gid; /* kuid, kgid of the maker */
	bool setgroups_denied;
	bool maker_could_setfcap; /* over the parent: may map its root */
	struct id_map uid, gid;
	struct ucounts *maker; /* in the parent; a reference */
	u64 limit[UCOUNTS]; /* the maker's: what all in the namespace may use together of what is counted for it */
};

extern struct user_ns first_user_ns;

static inline struct user_ns *cred_user_ns(const struct cred *c)
{
	return unlikely(c->user_ns != NULL) ? c->user_ns : &first_user_ns;
}

/* Has c capability cap over ns and what it owns? ns_capable: the current task (a kernel thread: always). */
bool cred_capable(const struct cred *c, const struct user_ns *ns, int cap);
bool ns_capable(const struct user_ns *ns, int cap);
/* Over the user namespace that owns the current task's namespace of a kind. */
bool ns_capable_over(enum ns_kind kind, int cap);
/* Over its own namespace: changing ids, host names, bounding sets. */
bool capable_here(int cap);
/* Over a file: its owner and group must be ids of the task's namespace. */
bool capable_over_ids(u32 kuid, u32 kgid, int cap);
bool cred_capable_over_ids(const struct cred *c, u32 kuid, u32 kgid, int cap);

/* The kernel's id for one of ns; NO_ID: it is none there. */
u32 user_ns_kuid(const struct user_ns *ns, u32 uid);
u32 user_ns_kgid(const struct user_ns *ns, u32 gid);
/* The current task: as its namespace names a kernel's id; OVERFLOW_ID: it has no name there. And back. */
u32 show_uid(u32 kuid);
u32 show_gid(u32 kgid);
u32 kuid_here(u32 uid);
u32 kgid_here(u32 gid);

/* A namespace below that of c, which becomes c's with all capabilities in it. c is not published. 0, -EPERM, -ENOSPC, -ENOMEM. */
int user_ns_create(struct cred *c);
/* c moves into ns (setns(2)). c is not published. 0, -ENOMEM. */
int user_ns_enter(struct cred *c, struct user_ns *ns);
void user_ns_get(struct user_ns *ns);
void user_ns_put(struct user_ns *ns);

/* ---- userns_map.c: /proc/PID/{uid_map,gid_map,setgroups} ---- */

/* Write a map as text, once. -EPERM, -EINVAL, -ENOMEM. */
int user_ns_write_map(struct user_ns *ns, bool gid, char *text);
int user_ns_write_setgroups(struct user_ns *ns, const char *text);
/* May the current task call setgroups(2)? */
bool user_ns_may_setgroups(void);
/* Line i as the current task's namespace sees it: false when there are no more. */
bool user_ns_map_line(const struct user_ns *ns, bool gid, unsigned i, struct id_extent *out);

#endif
