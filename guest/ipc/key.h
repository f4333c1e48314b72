/*
 * key.h - keys and keyrings (keyrings(7)): what programs keep secrets and tickets in.
 *
 * A key lives as long as a keyring links it or a process, thread or user has it as a keyring of its own. Locks: key_mutex
 * guards everything here; callers of functions below hold it where they say "locked".
 */
#ifndef MOAT_IPC_KEY_H
#define MOAT_IPC_KEY_H

#include "lib/list.h"
#include "lib/types.h"
#include "task/wait.h"

struct process;
struct task;

enum key_type { KEY_USER, KEY_LOGON, KEY_BIG, KEY_KEYRING, KEY_TYPES };
extern const char *const key_type_names[KEY_TYPES];

/* Rights: one octet each for possessor, user, group, others. */
#define KEY_VIEW    0x01
#define KEY_READ    0x02
#define KEY_WRITE   0x04
#define KEY_SEARCH  0x08
#define KEY_LINK    0x10
#define KEY_SETATTR 0x20
#define KEY_ALL	    0x3f

#define KEY_PAYLOAD_MAX 32767
#define KEY_BIG_MAX	((1 << 20) - 1)
#define KEY_DEPTH_MAX	6

struct key_user { /* one for each uid that has keys */
	struct list node;
	u32 uid, keys;
	u64 bytes;
	struct key *ring, *session; /* "_uid.N", "_uid_ses.N", or NULL */
};

struct key {
	struct list all;
	u32 refs;
	s32 serial;
	enum key_type type;
	u32 uid, gid, perm;
	u64 expiry; /* clock_mono(), or 0 */
	bool revoked, invalid;
	u64 visit; /* of the last walk that came here */
	u64 reach; /* the same, of key_begin: the caller possesses it */
	char *desc;
	struct key_user *owner;
	u64 charged;
	size_t len; /* payload's bytes, or links */
	size_t cap;
	union {
		u8 *data;
		struct key **links;
	};
	struct key *next_dead;
};

/* The keyrings that a key can be named by instead of its serial number. */
#define KEY_SPEC_THREAD	      (-1)
#define KEY_SPEC_PROCESS      (-2)
#define KEY_SPEC_SESSION      (-3)
#define KEY_SPEC_USER	      (-4)
#define KEY_SPEC_USER_SESSION (-5)

extern struct mutex key_mutex;

/* key.c; all locked. Returned keys are borrowed: valid while the lock is held. */
/* A new key without links to it: one reference, the caller's. data is copied. ERR_PTR(-ENOMEM, -EDQUOT). */
struct key *key_create(enum key_type type, const char *desc, u32 perm, const void *data, size_t n);
void key_get(struct key *k);
void key_put(struct key *k); /* harmless on NULL */
int key_set_payload(struct key *k, const void *data, size_t n);
int key_set_uid(struct key *k, u32 uid);   /* with its quota; -EDQUOT */
struct key *key_by_serial(s32 serial);	   /* -ENOKEY */
struct key *key_by_name(const char *desc); /* a keyring that may be joined; NULL */
int key_state(const struct key *k);	   /* 0, -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED */
struct key_user *key_user_of(u32 uid);	   /* NULL: no memory */
u64 key_walk_start(void);		   /* a number for key->visit */

/* key_ring.c; all locked. */
int keyring_link(struct key *ring, struct key *k);   /* -ENOTDIR, -EDEADLK, -ELOOP, -ENOMEM */
int keyring_unlink(struct key *ring, struct key *k); /* -ENOTDIR, -ENOENT */
int keyring_clear(struct key *ring);		     /* -ENOTDIR */
struct key *keyring_find(const struct key *ring, enum key_type type,
			 const char *desc); /* NULL; in it alone */
/* The first usable key below ring that the caller may search for. -ENOTDIR, -ENOKEY, -EACCES, -EKEYEXPIRED, -EKEYREVOKED. */
struct key *keyring_search(struct key *ring, enum key_type type, const char *desc);

/* key_task.c; all locked but key_begin and the hooks of task/. */
/* Lock, and find what the current task possesses: before anything that asks for rights. key_end unlocks. */
void key_begin(void);
void key_end(void);
bool key_may(const struct key *k, unsigned want); /* the current task's rights */
bool key_possessed(const struct key *k);
/* A key by serial or KEY_SPEC_*, in a good state, with the rights; create: make a special keyring that is missing. */
struct key *key_lookup(s32 id, bool create, unsigned want);
struct key *key_search_task(enum key_type type, const char *desc);
s32 key_join_session(const char *name); /* its serial; -ENOMEM, -EDQUOT */
void keys_fork(struct process *child, struct process *parent);
void keys_exec(void);
void keys_exit(struct task *t, bool last);

#endif
