/*
 * key_task.c - whose keys: the keyrings of threads, processes, sessions and users, possession and rights.
 *
 * Differs from Linux: the session keyring is the process's, not each thread's. What a task possesses is found once per
 * system call (key_begin) and marked in key->reach.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/vfs.h"
#include "ipc/key.h"
#include "lib/err.h"
#include "lib/log.h"
#include "task/task.h"

#define POSSESSOR(rights) ((u32)(rights) << 24)
#define USER(rights)	  ((u32)(rights) << 16)

#define PERM_OWN  (POSSESSOR(KEY_ALL) | USER(KEY_VIEW)) /* thread's, process's */
#define PERM_SES  (POSSESSOR(KEY_ALL) | USER(KEY_VIEW | KEY_READ))
#define PERM_NAME (PERM_SES | USER(KEY_LINK))
#define PERM_USER (POSSESSOR(KEY_ALL & ~KEY_SETATTR) | USER(KEY_ALL))

static u64 reached; /* the mark of the present system call */

/* ---- the user's keyrings ---- */

static struct key *make_ring(const char *desc, u32 perm)
{
	return key_create(KEY_KEYRING, desc, perm, NULL, 0);
}

/* Both, made at first use; the session one links the other. The users' table keeps them. ERR_PTR. */
static struct key_user *user_rings(void)
{
	struct key_user *u = key_user_of(task_current()->cred->uid);
	struct key *ring, *session;
	char name[32];
	int err;

	if (!u)
		return ERR_PTR(-ENOMEM);
	if (u->ring && u->session)
		return u;
	ksnprintf(name, sizeof(name), "_uid.%u", u->uid);
	ring = make_ring(name, PERM_USER);
	if (IS_ERR(ring))
		return (void *)ring;
	ksnprintf(name, sizeof(name), "_uid_ses.%u", u->uid);
	session = make_ring(name, PERM_USER);
	err = IS_ERR(session) ? (int)PTR_ERR(session) : keyring_link(session, ring);
	if (err) {
		key_put(ring);
		if (!IS_ERR(session))
			key_put(session);
		return ERR_PTR(err);
	}
	u->ring = ring;
	u->session = session;
	return u;
}

/* What stands for the session where nobody joined one; borrowed, NULL if it was never made. */
static struct key *session_of(struct process *p)
{
	struct key_user *u;

	if (p->session_keyring)
		return p->session_keyring;
	u = key_user_of(task_current()->cred->uid);
	return u ? u->session : NULL;
}

/* ---- possession and rights ---- */

static void reach(struct key *k, unsigned depth)
{
	if (!k || k->reach == reached)
		return;
	k->reach = reached;
	if (k->type != KEY_KEYRING || depth >= KEY_DEPTH_MAX || key_state(k))
		return;
	if (!((k->perm >> 24 | k->perm >> 16) & KEY_SEARCH))
		return;
	for (size_t i = 0; i < k->len; i++)
		reach(k->links[i], depth + 1);
}

static void find_possessed(void)
{
	struct task *t = task_current();

	reached = key_walk_start();
	reach(t->thread_keyring, 0);
	reach(t->process->process_keyring, 0);
	reach(session_of(t->process), 0);
}

void key_begin(void)
{
	mutex_lock(&key_mutex);
	find_possessed();
}

void key_end(void)
{
	mutex_unlock(&key_mutex);
}

bool key_possessed(const struct key *k)
{
	return k->reach == reached;
}

bool key_may(const struct key *k, unsigned want)
{
	const struct cred *c = task_current()->cred;
	u32 rights = k->perm;

	if (k->uid == c->fsuid)
		rights = k->perm >> 16;
	else if (cred_in_group(c, k->gid) && k->perm & KEY_ALL << 8)
		rights = k->perm >> 8;
	if (key_possessed(k))
		rights |= k->perm >> 24;
	return !(want & ~rights & KEY_ALL);
}

/* ---- names ---- */

/* The keyring at *own, made if asked for. */
static struct key *own_ring(struct key **own, const char *desc, bool create)
{
	struct key *k;

	if (!*own) {
		if (!create)
			return ERR_PTR(-ENOKEY);
		k = make_ring(desc, PERM_OWN);
		if (IS_ERR(k))
			return k;
		*own = k;
		find_possessed();
	}
	return *own;
}

static struct key *session_ring(bool create)
{
	struct process *p = task_current()->process;
	struct key_user *u;
	s32 serial;

	if (!p->session_keyring) {
		if (create) {
			serial = key_join_session(NULL);
			return serial < 0 ? ERR_PTR(serial) : p->session_keyring;
		}
		u = user_rings();
		if (IS_ERR(u))
			return (void *)u;
		find_possessed();
		return u->session;
	}
	return p->session_keyring;
}

static struct key *special(s32 id, bool create)
{
	struct task *t = task_current();
	struct key_user *u;

	switch (id) {
	case KEY_SPEC_THREAD: return own_ring(&t->thread_keyring, "_tid", create);
	case KEY_SPEC_PROCESS: return own_ring(&t->process->process_keyring, "_pid", create);
	case KEY_SPEC_SESSION: return session_ring(create);
	case KEY_SPEC_USER:
	case KEY_SPEC_USER_SESSION:
		u = user_rings();
		if (IS_ERR(u))
			return (void *)u;
		find_possessed();
		return id == KEY_SPEC_USER ? u->ring : u->session;
	default: return ERR_PTR(id == -7 /* of request_key's helper */ ? -ENOKEY : -EINVAL);
	}
}

struct key *key_lookup(s32 id, bool create, unsigned want)
{
	struct key *k;

	if (!id)
		return ERR_PTR(-EINVAL);
	k = id > 0 ? key_by_serial(id) : special(id, create);
	if (IS_ERR(k))
		return k;
	if (want && key_state(k))
		return ERR_PTR(key_state(k));
	return key_may(k, want) ? k : ERR_PTR(-EACCES);
}

struct key *key_search_task(enum key_type type, const char *desc)
{
	struct task *t = task_current();
	struct key *rings[] = { t->thread_keyring, t->process->process_keyring,
				session_of(t->process) };
	struct key *k = ERR_PTR(-ENOKEY), *found;

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
		if (!rings[i])
			continue;
		found = keyring_search(rings[i], type, desc);
		if (!IS_ERR(found))
			return found;
		if (PTR_ERR(found) != -ENOKEY)
			k = found;
	}
	return k;
}

s32 key_join_session(const char *name)
{
	struct process *p = task_current()->process;
	struct key *k = name ? key_by_name(name) : NULL;

	if (k)
		key_get(k);
	else
		k = make_ring(name ? name : "_ses", name ? PERM_NAME : PERM_SES);
	if (IS_ERR(k))
		return (s32)PTR_ERR(k);
	key_put(p->session_keyring);
	p->session_keyring = k;
	find_possessed();
	return k->serial;
}

/* ---- what task/ calls ---- */

void keys_fork(struct process *child, struct process *parent)
{
	mutex_lock(&key_mutex);
	child->session_keyring = parent->session_keyring;
	if (child->session_keyring)
		key_get(child->session_keyring);
	mutex_unlock(&key_mutex);
}

static void drop(struct key **own)
{
	struct key *k = *own;

	*own = NULL;
	key_put(k);
}

void keys_exec(void)
{
	struct task *t = task_current();

	mutex_lock(&key_mutex);
	drop(&t->thread_keyring);
	drop(&t->process->process_keyring);
	mutex_unlock(&key_mutex);
}

void keys_exit(struct task *t, bool last)
{
	mutex_lock(&key_mutex);
	drop(&t->thread_keyring);
	if (last) {
		drop(&t->process->process_keyring);
		drop(&t->process->session_keyring);
	}
	mutex_unlock(&key_mutex);
}
