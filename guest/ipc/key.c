/*
 * key.c - the life of keys: serial numbers, payloads, owners and their quota.
 *
 * The table of serial numbers holds no reference. Keys die one by one from a list, so that a long chain of keyrings does
 * not become a deep recursion.
 */
#include <string.h>

#include "ipc/key.h"
#include "lib/err.h"
#include "lib/random.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/task.h"

/* As /proc/sys/kernel/keys: keys and bytes of a user, and of root. */
#define QUOTA_KEYS	 200
#define QUOTA_BYTES	 20000
#define QUOTA_ROOT_KEYS	 1000000
#define QUOTA_ROOT_BYTES 25000000

const char *const key_type_names[KEY_TYPES] = { "user", "logon", "big_key", "keyring" };

struct mutex key_mutex = MUTEX_INIT(key_mutex);
static struct list all_keys = LIST_INIT(all_keys);
static struct list users = LIST_INIT(users);
static struct key *dead;
static bool burying;

u64 key_walk_start(void)
{
	static u64 n;

	return ++n;
}

struct key_user *key_user_of(u32 uid)
{
	struct key_user *u;

	list_for_each(u, &users, node)
		if (u->uid == uid)
			return u;
	u = kzalloc(sizeof(*u));
	if (u) {
		u->uid = uid;
		list_add_tail(&users, &u->node);
	}
	return u;
}

static int charge(struct key *k, u64 bytes)
{
	struct key_user *u = k->owner;
	bool root = !u->uid;

	if (u->bytes - k->charged + bytes > (root ? QUOTA_ROOT_BYTES : QUOTA_BYTES) ||
	    (!k->charged && u->keys + 1 > (root ? QUOTA_ROOT_KEYS : QUOTA_KEYS)))
		return -EDQUOT;
	u->bytes += bytes - k->charged;
	u->keys += !k->charged;
	k->charged = bytes;
	return 0;
}

static s32 new_serial(void)
{
	s32 n;

	do {
		n = (s32)(random_u64() & 0x7fffffff);
	} while (n < 3 || !IS_ERR(key_by_serial(n)));
	return n;
}

struct key *key_create(enum key_type type, const char *desc, u32 perm, const void *data, size_t n)
{
	const struct cred *c = task_current()->cred;
	struct key *k = kzalloc(sizeof(*k));
	int err = -ENOMEM;

	if (!k)
		return ERR_PTR(-ENOMEM);
	k->type = type;
	k->uid = c->fsuid;
	k->gid = c->fsgid;
	k->perm = perm;
	k->refs = 1;
	k->desc = kstrdup(desc);
	k->owner = key_user_of(k->uid);
	if (!k->desc || !k->owner)
		goto fail;
	err = charge(k, strlen(desc) + 1);
	if (err)
		goto fail;
	k->serial = new_serial();
	list_add_tail(&all_keys, &k->all);
	err = type == KEY_KEYRING ? 0 : key_set_payload(k, data, n);
	if (err) {
		key_put(k);
		return ERR_PTR(err);
	}
	return k;
fail:
	kfree(k->desc);
	kfree(k);
	return ERR_PTR(err);
}

int key_set_payload(struct key *k, const void *data, size_t n)
{
	u8 *copy = kmalloc(n ? n : 1);
	int err;

	if (!copy)
		return -ENOMEM;
	err = charge(k, strlen(k->desc) + 1 + n);
	if (err) {
		kfree(copy);
		return err;
	}
	memcpy(copy, data, n);
	if (k->data)
		memset(k->data, 0, k->len);
	kfree(k->data);
	k->data = copy;
	k->len = n;
	k->expiry = 0;
	return 0;
}

int key_set_uid(struct key *k, u32 uid)
{
	struct key_user *from = k->owner, *to = key_user_of(uid);
	u64 bytes = k->charged;
	int err;

	if (!to)
		return -ENOMEM;
	k->owner = to;
	k->charged = 0;
	err = charge(k, bytes);
	if (err) {
		k->owner = from;
		k->charged = bytes;
		return err;
	}
	from->bytes -= bytes;
	from->keys--;
	k->uid = uid;
	return 0;
}

void key_get(struct key *k)
{
	k->refs++;
}

static void bury(struct key *k)
{
	if (k->type == KEY_KEYRING)
		keyring_clear(k);
	else if (k->data)
		memset(k->data, 0, k->len);
	kfree(k->data);
	list_del(&k->all);
	if (k->owner->ring == k)
		k->owner->ring = NULL;
	if (k->owner->session == k)
		k->owner->session = NULL;
	k->owner->keys--;
	k->owner->bytes -= k->charged;
	kfree(k->desc);
	kfree(k);
}

void key_put(struct key *k)
{
	if (!k || --k->refs)
		return;
	k->next_dead = dead;
	dead = k;
	if (burying)
		return;
	burying = true;
	while ((k = dead)) {
		dead = k->next_dead;
		bury(k);
	}
	burying = false;
}

struct key *key_by_serial(s32 serial)
{
	struct key *k;

	list_for_each(k, &all_keys, all)
		if (k->serial == serial && k->refs && !k->invalid)
			return k;
	return ERR_PTR(-ENOKEY);
}

struct key *key_by_name(const char *desc)
{
	struct key *k;

	list_for_each(k, &all_keys, all)
		if (k->type == KEY_KEYRING && k->refs && !key_state(k) && !strcmp(k->desc, desc) &&
		    key_may(k, KEY_SEARCH))
			return k;
	return NULL;
}

int key_state(const struct key *k)
{
	if (k->invalid)
		return -ENOKEY;
	if (k->revoked)
		return -EKEYREVOKED;
	return k->expiry && clock_mono() >= k->expiry ? -EKEYEXPIRED : 0;
}
