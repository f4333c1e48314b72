/*
 * fs_statmount.c - statmount(2) and listmount(2), as of Linux 6.8 and the first additions to them: the caller's own mount
 * namespace, by numbers that are above 2^31, as Linux's unique ones are.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/mount/api.h"
#include "mm/slab.h"
#include "sys/fs_sys.h"

#define UNIQUE_BASE MOUNT_UNIQUE_BASE
#define LIST_ROOT   (~0ULL)
#define LIST_MAX    1000000
#define LIST_CHUNK  128

struct mnt_id_req {
	u32 size, spare;
	u64 id, param, ns_id;
};
#define REQ_FIRST_SIZE 24
_Static_assert(sizeof(struct mnt_id_req) == 32, "struct mnt_id_req");

static int read_request(struct mnt_id_req *r, uaddr_t from)
{
	u32 size;
	int err;

	*r = (struct mnt_id_req){ 0 };
	if (user_read(&size, from, sizeof(size)))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < REQ_FIRST_SIZE)
		return -EINVAL;
	err = user_read_struct(r, sizeof(*r), from, size);
	if (err)
		return err;
	if (r->spare || r->id <= UNIQUE_BASE)
		return -EINVAL;
	return r->ns_id && r->ns_id != fs_context_ns(task_current()->fs)->inum ? -ENOENT : 0;
}

s64 sys_listmount(uptr_a req, uptr_a ids, size_a nr, flags_a flags)
{
	u64 some[LIST_CHUNK], after;
	struct mnt_id_req r;
	size_t done = 0;
	s64 n;

	if (flags)
		return -EINVAL;
	if (nr > LIST_MAX)
		return -EOVERFLOW;
	n = read_request(&r, req);
	if (n)
		return n;
	if (r.param && r.param <= UNIQUE_BASE)
		return -EINVAL;
	after = r.param ? r.param - UNIQUE_BASE : 0;
	do {
		n = mount_list(r.id == LIST_ROOT ? 0 : r.id - UNIQUE_BASE, after, some,
			       MIN(nr - done, (size_t)LIST_CHUNK));
		for (s64 i = 0; i < n; i++) {
			after = some[i];
			some[i] += UNIQUE_BASE;
		}
		if (n > 0 && user_write(ids + done * sizeof(u64), some, (size_t)n * sizeof(u64)))
			return -EFAULT;
		done += n > 0 ? (size_t)n : 0;
	} while (n == LIST_CHUNK && done < nr);
	return n < 0 ? n : (s64)done;
}

struct statmount {
	u32 size, opts;
	u64 mask;
	u32 dev_major, dev_minor;
	u64 magic;
	u32 sb_flags, type;
	u64 id, parent;
	u32 id_old, parent_old;
	u64 attr, propagation, peer_group, master, from;
	u32 root, point;
	u64 ns_id;
	u64 more[49];
};
_Static_assert(sizeof(struct statmount) == 512, "struct statmount");

enum {
	SB_BASIC = 1,
	MNT_BASIC = 2,
	PROPAGATE_FROM = 4,
	MNT_ROOT = 8,
	MNT_POINT = 0x10,
	FS_TYPE = 0x20,
	MNT_NS_ID = 0x40
};

struct reply {
	struct statmount s;
	uaddr_t to;
	size_t size, used; /* of the caller's buffer; of the strings */
};

/* A string behind the struct; *at: where. 0, -EOVERFLOW, -EFAULT. */
static int put_string(struct reply *r, const char *text, u32 *at, u64 bit)
{
	size_t n = strlen(text) + 1, room = r->size - MIN(r->size, sizeof(r->s));

	if (n > room - r->used)
		return -EOVERFLOW;
	if (user_write(r->to + sizeof(r->s) + r->used, text, n))
		return -EFAULT;
	*at = (u32)r->used;
	r->used += n;
	r->s.mask |= bit;
	return 0;
}

static void put_numbers(struct statmount *s, const struct mount_status *m, u64 want)
{
	if (want & SB_BASIC) {
		s->dev_major = DEV_MAJOR(m->dev);
		s->dev_minor = DEV_MINOR(m->dev);
		s->magic = m->magic;
		s->sb_flags = m->sb_flags;
	}
	if (want & MNT_BASIC) {
		s->id = UNIQUE_BASE + m->id;
		s->parent = UNIQUE_BASE + m->parent;
		s->id_old = (u32)m->id;
		s->parent_old = (u32)m->parent;
		s->attr = m->attr;
		s->propagation = m->propagation;
		s->peer_group = m->peer_group;
		s->master = m->master;
	}
	if (want & PROPAGATE_FROM)
		s->from = m->from;
	if (want & MNT_NS_ID)
		s->ns_id = fs_context_ns(task_current()->fs)->inum;
	s->mask = want & (SB_BASIC | MNT_BASIC | PROPAGATE_FROM | MNT_NS_ID);
}

static s64 answer(struct reply *r, const struct mount_status *m, u64 want)
{
	int err = 0;

	put_numbers(&r->s, m, want);
	if (want & FS_TYPE)
		err = put_string(r, m->type, &r->s.type, FS_TYPE);
	if (!err && want & MNT_ROOT && m->root)
		err = put_string(r, m->root, &r->s.root, MNT_ROOT);
	if (!err && want & MNT_POINT && m->point)
		err = put_string(r, m->point, &r->s.point, MNT_POINT);
	r->s.size = (u32)(sizeof(r->s) + r->used);
	if (!err && user_write(r->to, &r->s, MIN(r->size, sizeof(r->s))))
		err = -EFAULT;
	return err;
}

s64 sys_statmount(uptr_a req, uptr_a buf, size_a size, flags_a flags)
{
	struct reply r = { .to = buf, .size = size };
	struct mount_status *m;
	struct mnt_id_req q;
	s64 err;

	if (flags)
		return -EINVAL;
	err = read_request(&q, req);
	if (err)
		return err;
	m = kmalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	err = q.id == LIST_ROOT ? -ENOENT : mount_status(q.id - UNIQUE_BASE, m);
	if (!err)
		err = answer(&r, m, q.param);
	kfree(m);
	return err;
}
