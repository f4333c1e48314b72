/*
 * keys.c - add_key(2), request_key(2), keyctl(2).
 *
 * Differs from Linux: nobody is asked to make a missing key (request_key with call-out information is ENOKEY, as where
 * /sbin/request-key is missing); no asymmetric, encrypted or persistent keys, no restrictions and no watches.
 */
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <string.h>

#include "ipc/key.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "sys/sys.h"
#include "task/task.h"

#define TYPE_LEN 32
#define DESC_LEN 4096
#define PERM_KEY (KEY_ALL << 24 | KEY_VIEW << 16)
#define NSEC	 1000000000ULL

/* A string of at most size - 1 bytes: 0, -EFAULT, -EINVAL. */
static int read_string(char *buf, uptr_a from, size_t size)
{
	long n = user_string(buf, from, size);

	return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? (int)n : 0;
}

static int read_type(uptr_a from, char *name)
{
	int err = read_string(name, from, TYPE_LEN);

	return err ? err : !name[0] ? -EINVAL : name[0] == '.' ? -EPERM : 0;
}

/* KEY_TYPES: there is none of that name. */
static enum key_type type_of(const char *name)
{
	enum key_type t = 0;

	while (t < KEY_TYPES && strcmp(key_type_names[t], name))
		t++;
	return t;
}

static char *read_desc(uptr_a from)
{
	char *desc = kmalloc(DESC_LEN);
	int err = desc ? read_string(desc, from, DESC_LEN) : -ENOMEM;

	if (!err)
		return desc;
	kfree(desc);
	return ERR_PTR(err);
}

static int check_payload(enum key_type type, const char *desc, size_t len)
{
	if (type == KEY_KEYRING)
		return len ? -EINVAL : 0;
	if (type == KEY_LOGON && (!strchr(desc, ':') || desc[0] == ':'))
		return -EINVAL;
	return !len || len > (type == KEY_BIG ? KEY_BIG_MAX : KEY_PAYLOAD_MAX) ? -EINVAL : 0;
}

/* Locked. */
static s64 create_or_update(struct key *ring, enum key_type type, const char *desc,
			    const void *data, size_t len)
{
	struct key *k = type == KEY_KEYRING ? NULL : keyring_find(ring, type, desc);
	s64 ret;

	if (k && !key_state(k)) {
		ret = key_may(k, KEY_WRITE) ? key_set_payload(k, data, len) : -EACCES;
		return ret ? ret : k->serial;
	}
	k = key_create(type, desc, type == KEY_LOGON ? PERM_KEY & ~(KEY_READ << 24) : PERM_KEY,
		       data, len);
	if (IS_ERR(k))
		return PTR_ERR(k);
	ret = keyring_link(ring, k) ?: k->serial;
	key_put(k);
	return ret;
}

static s64 add(enum key_type type, const char *desc, const void *data, size_t len, s32 ringid)
{
	struct key *ring;
	s64 ret;

	key_begin();
	ring = key_lookup(ringid, true, KEY_WRITE);
	if (IS_ERR(ring))
		ret = PTR_ERR(ring);
	else if (type == KEY_TYPES)
		ret = -ENODEV;
	else if (ring->type != KEY_KEYRING)
		ret = -ENOTDIR;
	else
		ret = check_payload(type, desc, len)
			      ?: create_or_update(ring, type, desc, data, len);
	key_end();
	return ret;
}

/* What a search takes from the caller: the type's name to tname, the description, which the caller frees. */
static char *read_wanted(uptr_a utype, uptr_a udesc, char *tname)
{
	int err = (int)read_type(utype, tname);

	return err ? ERR_PTR(err) : read_desc(udesc);
}

s64 sys_add_key(uptr_a utype, uptr_a udesc, ubuf_a payload, size_a len, int_a ringid)
{
	char tname[TYPE_LEN], *desc;
	void *data = NULL;
	s64 ret;

	if (len > KEY_BIG_MAX)
		return -EINVAL;
	ret = read_type(utype, tname);
	if (ret)
		return ret;
	if (!udesc) /* only types that name their keys themselves, and none does */
		return -EINVAL;
	desc = read_desc(udesc);
	if (IS_ERR(desc))
		return PTR_ERR(desc);
	if (!desc[0])
		ret = -EINVAL;
	else if (desc[0] == '.' && !strcmp(tname, "keyring"))
		ret = -EPERM;
	if (!ret && len) {
		data = kmalloc(len);
		ret = !data ? -ENOMEM : user_read(data, payload, len) ? -EFAULT : 0;
	}
	if (!ret)
		ret = add(type_of(tname), desc, data, len, ringid);
	if (data)
		memset(data, 0, len);
	kfree(data);
	kfree(desc);
	return ret;
}

/* Search with a destination that gets a link; ring NULL: the task's keyrings. Locked. */
static s64 search_and_link(struct key *ring, enum key_type type, const char *desc, s32 destid)
{
	struct key *dest = destid ? key_lookup(destid, true, KEY_WRITE) : NULL, *k;
	s64 err = 0;

	if (IS_ERR(dest))
		return PTR_ERR(dest);
	if (type == KEY_TYPES)
		return -ENOKEY;
	k = ring ? keyring_search(ring, type, desc) : key_search_task(type, desc);
	if (IS_ERR(k))
		return PTR_ERR(k);
	if (dest)
		err = key_may(k, KEY_LINK) ? keyring_link(dest, k) : -EACCES;
	return err ? err : k->serial;
}

s64 sys_request_key(uptr_a utype, uptr_a udesc, uptr_a info, int_a destid)
{
	char tname[TYPE_LEN], *desc = read_wanted(utype, udesc, tname), *callout;
	s64 ret = 0;

	if (IS_ERR(desc))
		return PTR_ERR(desc);
	if (info) {
		callout = read_desc(info);
		if (IS_ERR(callout))
			ret = PTR_ERR(callout);
		else
			kfree(callout);
	}
	if (!ret) {
		key_begin();
		ret = search_and_link(NULL, type_of(tname), desc, destid);
		key_end();
	}
	kfree(desc);
	return ret;
}

/* ---- keyctl ---- */

/* Copy out what fits and say how much there is. Takes over text. */
static s64 give(void *data, size_t len, uptr_a buf, u64 size, bool whole)
{
	s64 ret = (s64)len;

	if (!data)
		return -ENOMEM;
	if (buf && size && (!whole || size >= len) && user_write(buf, data, MIN(len, (size_t)size)))
		ret = -EFAULT;
	kfree(data);
	return ret;
}

static s64 describe(s32 id, uptr_a buf, u64 size)
{
	size_t room = DESC_LEN + 64;
	char *text = kmalloc(room);
	struct key *k;
	int n = 0;

	key_begin();
	k = key_lookup(id, false, KEY_VIEW);
	if (!IS_ERR(k) && text)
		n = ksnprintf(text, room, "%s;%d;%d;%08x;%s", key_type_names[k->type], (int)k->uid,
			      (int)k->gid, k->perm, k->desc);
	key_end();
	if (IS_ERR(k)) {
		kfree(text);
		return PTR_ERR(k);
	}
	return give(text, (size_t)n + 1, buf, size, true);
}

/* Locked: the content in memory of the caller's. */
static void *content(const struct key *k, size_t *len)
{
	bool ring = k->type == KEY_KEYRING;
	void *copy;

	*len = ring ? k->len * sizeof(s32) : k->len;
	copy = kmalloc(*len + 1);
	for (size_t i = 0; copy && ring && i < k->len; i++)
		((s32 *)copy)[i] = k->links[i]->serial;
	if (copy && !ring)
		memcpy(copy, k->data, k->len);
	return copy;
}

static s64 read_key(s32 id, uptr_a buf, u64 size)
{
	void *data = NULL;
	struct key *k;
	size_t len = 0;
	s64 err = 0;

	key_begin();
	k = key_lookup(id, false, 0);
	err = IS_ERR(k) ? PTR_ERR(k) : 0;
	if (!err && !key_may(k, KEY_READ) && !(key_possessed(k) && key_may(k, KEY_SEARCH)))
		err = -EACCES;
	if (!err)
		err = key_state(k);
	if (!err && k->type == KEY_LOGON)
		err = -EOPNOTSUPP;
	if (!err)
		data = content(k, &len);
	key_end();
	return err ? err : give(data, len, buf, size, false);
}

static s64 update(s32 id, uptr_a payload, u64 len)
{
	void *data;
	struct key *k;
	s64 ret;

	if (len > PAGE_SIZE)
		return -EINVAL;
	data = kmalloc(len + 1);
	if (!data)
		return -ENOMEM;
	ret = len && user_read(data, payload, len) ? -EFAULT : 0;
	if (!ret) {
		key_begin();
		k = key_lookup(id, false, KEY_WRITE);
		if (IS_ERR(k))
			ret = PTR_ERR(k);
		else if (k->type == KEY_KEYRING)
			ret = -EOPNOTSUPP;
		else
			ret = check_payload(k->type, k->desc, len) ?: key_set_payload(k, data, len);
		key_end();
	}
	kfree(data);
	return ret;
}

/* Operations on one key that only need rights. Locked. */
static s64 change(struct key *k, int op, u64 a3, u64 a4)
{
	const struct cred *c = task_current()->cred;
	int err;

	switch (op) {
	case KEYCTL_REVOKE: k->revoked = true; return 0;
	case KEYCTL_INVALIDATE: k->invalid = true; return 0;
	case KEYCTL_SET_TIMEOUT: k->expiry = (u32)a3 ? clock_mono() + (u32)a3 * NSEC : 0; return 0;
	case KEYCTL_SETPERM:
		if (k->uid != c->fsuid && !capable(CAP_SYS_ADMIN))
			return -EACCES;
		k->perm = (u32)a3;
		return 0;
	case KEYCTL_CHOWN:
		if (!capable(CAP_SYS_ADMIN) && (((u32)a3 != ~0u && (u32)a3 != k->uid) ||
						((u32)a4 != ~0u && (u32)a4 != k->gid)))
			return -EACCES;
		if ((u32)a3 != ~0u && (u32)a3 != k->uid && (err = key_set_uid(k, (u32)a3)))
			return err;
		if ((u32)a4 != ~0u)
			k->gid = (u32)a4;
		return 0;
	default: return -EOPNOTSUPP;
	}
}

static s64 change_by_id(int op, s32 id, u64 a3, u64 a4)
{
	unsigned want = op == KEYCTL_INVALIDATE ? KEY_SEARCH : KEY_SETATTR;
	struct key *k;
	s64 ret;

	if (op == KEYCTL_SETPERM && (u32)a3 & ~0x3f3f3f3fu)
		return -EINVAL;
	key_begin();
	k = key_lookup(id, false, op == KEYCTL_REVOKE ? KEY_WRITE : want);
	if (op == KEYCTL_REVOKE && IS_ERR(k) && PTR_ERR(k) == -EACCES)
		k = key_lookup(id, false, KEY_SETATTR);
	ret = IS_ERR(k) ? PTR_ERR(k) : change(k, op, a3, a4);
	key_end();
	return ret;
}

static s64 link_key(int op, s32 id, s32 ringid)
{
	struct key *ring, *k = NULL;
	s64 ret;

	key_begin();
	ring = key_lookup(ringid, op == KEYCTL_LINK, KEY_WRITE);
	if (!IS_ERR(ring))
		k = key_lookup(id, op == KEYCTL_LINK, op == KEYCTL_LINK ? KEY_LINK : 0);
	if (IS_ERR(ring))
		ret = PTR_ERR(ring);
	else if (IS_ERR(k))
		ret = PTR_ERR(k);
	else
		ret = op == KEYCTL_LINK ? keyring_link(ring, k) : keyring_unlink(ring, k);
	key_end();
	return ret;
}

static s64 clear(s32 id)
{
	struct key *k;
	s64 ret;

	key_begin();
	k = key_lookup(id, true, KEY_WRITE);
	ret = IS_ERR(k) ? PTR_ERR(k) : keyring_clear(k);
	key_end();
	return ret;
}

static s64 get_ring_id(s32 id, bool create)
{
	struct key *k;
	s64 ret;

	key_begin();
	k = key_lookup(id, create, KEY_SEARCH);
	ret = IS_ERR(k) ? PTR_ERR(k) : k->serial;
	key_end();
	return ret;
}

static s64 join_session(uptr_a uname)
{
	char *name = uname ? read_desc(uname) : NULL;
	s64 ret;

	if (IS_ERR(name))
		return PTR_ERR(name);
	if (name && name[0] == '.') {
		ret = -EPERM;
	} else {
		key_begin();
		ret = key_join_session(name);
		key_end();
	}
	kfree(name);
	return ret;
}

static s64 search(s32 ringid, uptr_a utype, uptr_a udesc, s32 destid)
{
	char tname[TYPE_LEN], *desc = read_wanted(utype, udesc, tname);
	struct key *ring;
	s64 ret;

	if (IS_ERR(desc))
		return PTR_ERR(desc);
	key_begin();
	ring = key_lookup(ringid, false, KEY_SEARCH);
	ret = IS_ERR(ring) ? PTR_ERR(ring) : search_and_link(ring, type_of(tname), desc, destid);
	key_end();
	kfree(desc);
	return ret;
}

/* No security module labels keys: the empty string. */
static s64 get_security(s32 id, uptr_a buf, u64 size)
{
	struct key *k;

	key_begin();
	k = key_lookup(id, false, KEY_VIEW);
	key_end();
	if (IS_ERR(k))
		return PTR_ERR(k);
	return buf && size && user_write(buf, "", 1) ? -EFAULT : 1;
}

s64 sys_keyctl(int_a op, ulong_a a2, ulong_a a3, ulong_a a4, ulong_a a5)
{
	switch (op) {
	case KEYCTL_GET_KEYRING_ID: return get_ring_id((s32)a2, (int)a3);
	case KEYCTL_JOIN_SESSION_KEYRING: return join_session(a2);
	case KEYCTL_UPDATE: return update((s32)a2, a3, a4);
	case KEYCTL_REVOKE:
	case KEYCTL_CHOWN:
	case KEYCTL_SETPERM:
	case KEYCTL_SET_TIMEOUT:
	case KEYCTL_INVALIDATE: return change_by_id(op, (s32)a2, a3, a4);
	case KEYCTL_DESCRIBE: return describe((s32)a2, a3, a4);
	case KEYCTL_CLEAR: return clear((s32)a2);
	case KEYCTL_LINK:
	case KEYCTL_UNLINK: return link_key(op, (s32)a2, (s32)a3);
	case KEYCTL_SEARCH: return search((s32)a2, a3, a4, (s32)a5);
	case KEYCTL_READ: return read_key((s32)a2, a3, a4);
	case KEYCTL_GET_SECURITY: return get_security((s32)a2, a3, a4);
	default: unsupported("keyctl", (u64)op); return -EOPNOTSUPP;
	}
}
