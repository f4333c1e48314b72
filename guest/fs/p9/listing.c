/*
 * listing.c - listings of directories over 9P, which the last of are kept on a tree that nobody else changes.
 *
 * A kept listing has the entries' attributes if the server has Treaddirplus: the look-ups that follow a readdir (ls -l, find,
 * tar) then cost no message each. Look-ups of one name after the other without a readdir (git status) begin a listing by
 * themselves, part by part, as long as it pays. What we change ourselves is taken out of them. Behind the first PLUS_MAX
 * bytes entries come without attributes, and a listing larger than KEEP_MAX is not kept: 100,000 entries take 5 MiB while
 * the directory is open.
 *
 * Locks: sb->fid_lock guards sb->recent, reference counts, the look-up's place, which entries still have attributes, and a
 * listing that is not whole. Of a whole one the names do not change.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

#define LIST_ORDER 3
#define LIST_BYTES (PAGE_SIZE << LIST_ORDER)
#define PLUS_MAX   (1UL << 20) /* bytes of entries with attributes */
#define KEEP_MAX   (2UL << 20) /* bytes of a listing that is kept */
#define RECENT_MAX (8UL << 20) /* of all that are kept */

struct p9_listing {
	unsigned refs;
	bool plus;	/* ask for attributes */
	bool whole;	/* the server has nothing more */
	bool names_old; /* not for readdir any more; under fid_lock */
	u64 since;	/* sb->changes when its first part was asked for */
	u64 off;	/* the server's cookie of the last entry */
	struct p9_entries e;
	struct p9_place look; /* where the next look-up begins */
};

/* Where an answer goes to, and what is looked at. */
struct answer {
	paddr_t shared;
	u8 *copy;
};

static int answer_alloc(struct answer *a)
{
	a->shared = frame_alloc(ZONE_ARENA, LIST_ORDER, 0);
	a->copy = kmalloc(LIST_BYTES);
	return a->shared && a->copy ? 0 : -ENOMEM;
}

static void answer_free(struct answer *a)
{
	if (a->shared)
		frame_put(a->shared);
	kfree(a->copy);
}

static u32 room_of(const struct p9_client *c)
{
	return MIN((u32)LIST_BYTES, c->msize - P9_IOHDRSZ);
}

/* Bytes of entries behind off in a->copy, or -errno. */
static int fetch(struct p9_client *c, u32 fid, u64 off, bool plus, struct answer *a)
{
	struct p9_req *r = p9_begin(c, plus ? P9_TREADDIRPLUS : P9_TREADDIR);
	u32 want = room_of(c), n;
	int ret;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put64(&r->out, off);
	p9_put32(&r->out, want);
	p9_data_in(r, paddr_to_ptr(a->shared), want);
	ret = p9_call(r);
	if (!ret) {
		n = p9_get32(&r->in);
		if (r->in.bad || n > want || (u32)r->got != P9_READ_HDR + n) {
			ret = -EPROTO;
		} else {
			memcpy(a->copy, paddr_to_ptr(a->shared), n);
			ret = (int)n;
		}
	}
	p9_end(r);
	return ret;
}

/* Take n bytes of an answer over. 0 or -errno. */
static int parse(struct p9_client *c, struct p9_listing *l, const u8 *data, size_t n)
{
	struct p9_buf b = { .p = (u8 *)data, .cap = n };

	while (b.n < b.cap) {
		struct p9_attr a = { 0 };
		const char *name;
		u64 next;
		u16 len;
		u8 type;

		if (!l->plus)
			p9_getmem(&b, &a.qid, sizeof(a.qid));
		next = p9_get64(&b);
		type = p9_get8(&b);
		if (l->plus)
			p9_getmem(&b, &a, sizeof(a));
		name = p9_getstr(&b, &len);
		if (!name || !len || len > NAME_MAX || memchr(name, '/', len) ||
		    memchr(name, 0, len))
			return -EPROTO;
		l->off = next;
		if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
			continue;
		if (p9_entries_add(&l->e, &a, l->plus, type, name, len))
			return -ENOMEM;
	}
	l->whole = !n || (l->plus && room_of(c) - n >= P9_PLUS_LEFT);
	return 0;
}

static int fill(struct p9_inode *dir, struct p9_listing *l)
{
	struct p9_client *c = p9_s(&dir->i)->c;
	struct answer a;
	int ret = answer_alloc(&a), n;
	u32 fid;

	if (!ret)
		ret = p9_fid_get(dir, P9_FID_READ, &fid);
	if (!ret) {
		do {
			l->plus = l->plus && l->e.bytes < PLUS_MAX;
			n = fetch(c, fid, l->off, l->plus, &a);
			ret = n < 0 ? n : parse(c, l, a.copy, (size_t)n);
		} while (!ret && !l->whole);
		p9_fid_put(dir, P9_FID_READ);
	}
	answer_free(&a);
	return ret;
}

static void put_locked(struct p9_listing *l)
{
	if (l && --l->refs == 0) {
		p9_entries_free(&l->e);
		kfree(l);
	}
}

void p9_listing_put(struct p9_sb *s, struct p9_listing *l)
{
	mutex_lock(&s->fid_lock);
	put_locked(l);
	mutex_unlock(&s->fid_lock);
}

const struct p9_entries *p9_listing_entries(const struct p9_listing *l)
{
	return &l->e;
}

static bool is_recent(struct p9_sb *s, const struct p9_inode *dir)
{
	for (size_t k = 0; k < ARRAY_SIZE(s->recent); k++)
		if (dir && READ_ONCE(s->recent[k].dir) == dir)
			return true;
	return false;
}

/* The kept listing of dir with a reference, or NULL. */
static struct p9_listing *recent(struct p9_sb *s, struct p9_inode *dir)
{
	struct p9_listing *l = NULL;

	if (!is_recent(s, dir))
		return NULL;
	mutex_lock(&s->fid_lock);
	for (size_t k = 0; k < ARRAY_SIZE(s->recent); k++) {
		if (s->recent[k].l && s->recent[k].dir == dir) {
			l = s->recent[k].l;
			l->refs++;
		}
	}
	mutex_unlock(&s->fid_lock);
	return l;
}

/* fid_lock held. */
static void drop_recent(struct p9_sb *s, unsigned k)
{
	if (s->recent[k].l)
		s->recent_bytes -= s->recent[k].bytes;
	put_locked(s->recent[k].l);
	s->recent[k].l = NULL;
	s->recent[k].dir = NULL;
}

/* l is dir's from here on, or has grown. fid_lock held. */
static void keep(struct p9_sb *s, struct p9_inode *dir, struct p9_listing *l)
{
	unsigned at = s->next_recent;

	for (unsigned k = 0; k < ARRAY_SIZE(s->recent); k++)
		if (s->recent[k].dir == dir)
			at = k;
	l->refs++;
	drop_recent(s, at);
	if (at == s->next_recent)
		s->next_recent = (at + 1) % ARRAY_SIZE(s->recent);
	s->recent[at].dir = dir;
	s->recent[at].l = l;
	s->recent[at].bytes = l->e.bytes;
	s->recent_bytes += l->e.bytes;
	/* The oldest go first; what was just kept is the last in turn. */
	for (unsigned k = 1; k < ARRAY_SIZE(s->recent) && s->recent_bytes > RECENT_MAX; k++)
		drop_recent(s, (at + k) % ARRAY_SIZE(s->recent));
}

void p9_listing_forget(struct p9_sb *s, struct p9_inode *dir)
{
	mutex_lock(&s->fid_lock);
	for (unsigned k = 0; k < ARRAY_SIZE(s->recent); k++)
		if (!dir || s->recent[k].dir == dir)
			drop_recent(s, k);
	mutex_unlock(&s->fid_lock);
}

void p9_listing_names_changed(struct p9_inode *dir)
{
	struct p9_sb *s = p9_s(&dir->i);

	atomic_add(&s->changes, 1);
	if (!is_recent(s, dir))
		return;
	mutex_lock(&s->fid_lock);
	for (size_t k = 0; k < ARRAY_SIZE(s->recent); k++)
		if (s->recent[k].dir == dir)
			s->recent[k].l->names_old = true;
	mutex_unlock(&s->fid_lock);
}

/* fid_lock held. */
static void forget_attr(struct p9_listing *l, const char *name)
{
	struct p9_place at;
	struct p9_entry e;

	if (p9_entries_find(&l->e, name, strlen(name), &at, &e))
		memset((u8 *)e.attr, 0, sizeof(struct p9_attr)); /* valid: nothing */
}

void p9_listing_drop(struct p9_inode *pi)
{
	struct p9_sb *s = p9_s(&pi->i);

	atomic_add(&s->changes, 1);
	if (pi->i.nlink > 1 && !S_ISDIR(pi->i.mode)) { /* its other names are anywhere */
		p9_listing_forget(s, NULL);
		return;
	}
	if (!is_recent(s, READ_ONCE(pi->parent)))
		return;
	mutex_lock(&s->fid_lock);
	for (size_t k = 0; k < ARRAY_SIZE(s->recent); k++)
		if (s->recent[k].l && s->recent[k].dir == pi->parent)
			forget_attr(s->recent[k].l, p9_inode_name(pi));
	mutex_unlock(&s->fid_lock);
}

/* In the order of the listing, or in any other. */
static bool find(struct p9_listing *l, const struct p9_name *name, struct p9_entry *e)
{
	struct p9_place at = l->look;

	if (!p9_entries_next(&l->e, &at, e) || e->len != name->len ||
	    memcmp(e->name, name->s, name->len)) {
		if (!p9_entries_find(&l->e, name->s, name->len, &at, e))
			return false;
	}
	l->look = at;
	return e->attr;
}

bool p9_listing_find(struct p9_inode *dir, const struct p9_name *name, struct p9_attr *a)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l = recent(s, dir);
	struct p9_entry e;
	bool hit;

	if (!l)
		return false;
	mutex_lock(&s->fid_lock);
	hit = find(l, name, &e);
	if (hit)
		memcpy(a, e.attr, sizeof(*a));
	put_locked(l);
	mutex_unlock(&s->fid_lock);
	return hit && (a->valid & P9_STATS_BASIC) == P9_STATS_BASIC && !S_ISLNK(a->mode) &&
	       a->size <= 1ULL << 62;
}

static struct p9_listing *listing_new(struct p9_sb *s)
{
	struct p9_listing *l = kzalloc(sizeof(*l));

	if (l) {
		l->refs = 1;
		l->plus = !s->shared && s->c->moat;
		l->since = atomic_load(&s->changes);
	}
	return l;
}

/* One more part; what was changed while the server was asked may be in it or not, so then it is not taken. */
static void read_part(struct p9_inode *dir, struct p9_listing *l, struct answer *a)
{
	struct p9_sb *s = p9_s(&dir->i);
	u64 off = l->off, since = atomic_load(&s->changes);
	u32 fid;
	int n = p9_fid_get(dir, P9_FID_READ, &fid);

	if (n)
		return;
	n = fetch(s->c, fid, off, true, a);
	p9_fid_put(dir, P9_FID_READ);
	mutex_lock(&s->fid_lock);
	if (n >= 0 && !l->whole && l->off == off && atomic_load(&s->changes) == since) {
		l->names_old = true;
		n = parse(s->c, l, a->copy, (size_t)n);
		if (l->whole && l->since == since)
			l->names_old = false;
		keep(s, dir, l);
	}
	if (n < 0)
		l->whole = true; /* no use asking again */
	mutex_unlock(&s->fid_lock);
}

void p9_listing_ahead(struct p9_inode *dir)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l = recent(s, dir);
	struct answer a;

	if (!l)
		l = listing_new(s);
	if (!l)
		return;
	if (!READ_ONCE(l->whole) && l->e.bytes < PLUS_MAX) {
		if (!answer_alloc(&a))
			read_part(dir, l, &a);
		answer_free(&a);
	}
	p9_listing_put(s, l);
}

struct p9_listing *p9_listing_get(struct p9_inode *dir)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l = s->shared ? NULL : recent(s, dir);
	int err;

	if (l && !READ_ONCE(l->names_old))
		return l;
	if (l)
		p9_listing_put(s, l);
	l = listing_new(s);
	if (!l)
		return ERR_PTR(-ENOMEM);
	err = fill(dir, l);
	if (err) {
		p9_listing_put(s, l);
		return ERR_PTR(err);
	}
	mutex_lock(&s->fid_lock);
	if (!s->shared && l->e.bytes <= KEEP_MAX && atomic_load(&s->changes) == l->since)
		keep(s, dir, l);
	mutex_unlock(&s->fid_lock);
	return l;
}
