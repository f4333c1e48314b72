/*
 * p9_listing.c - listings of directories over 9P.
 *
 * A listing is read whole (p9_entries.c) at its first readdir; positions are ordinals in it, so the server's cookies (63 bits on some
 * file systems) never reach programs and other layers can add bits of their own. On a tree that nobody else changes the
 * last few are kept, with the entries' attributes if the server has Treaddirplus: the look-ups that follow a readdir (ls -l,
 * find, tar) then cost no message each. What we change ourselves is taken out of them. Behind the first PLUS_MAX
 * bytes entries come without attributes, and a listing larger than KEEP_MAX is not kept: 100,000 entries take 5 MiB while
 * the directory is open.
 *
 * Locks: sb->fid_lock guards sb->recent, reference counts, the look-up's place and which entries still have attributes; names
 * do not change.
 */
#include <string.h>

#include "fs/p9.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

#define LIST_ORDER 3
#define LIST_BYTES (PAGE_SIZE << LIST_ORDER)
#define LOOK_AHEAD 256	       /* entries that a look-up goes through */
#define PLUS_MAX   (1UL << 20) /* bytes of entries with attributes */
#define KEEP_MAX   (2UL << 20) /* bytes of a listing that is kept */

struct p9_listing {
	unsigned refs;
	bool plus;	/* ask for attributes */
	bool names_old; /* not for readdir any more; under fid_lock */
	struct p9_entries e;
	struct p9_place look;  /* where the next look-up begins */
	struct p9_place found; /* the entry that the last one found */
};

struct open_dir {
	struct p9_listing *l;
	u64 at;		       /* a place to go on from: this ordinal */
	struct p9_place place; /* is here */
};

/* One answer's data; *off moves to the last entry's cookie. Entries taken, or -errno. */
static int parse(struct p9_listing *l, const u8 *data, size_t n, u64 *off)
{
	struct p9_buf b = { .p = (u8 *)data, .cap = n };
	int taken = 0;

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
		*off = next;
		taken++;
		if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
			continue;
		if (p9_entries_add(&l->e, &a, l->plus, type, name, len))
			return -ENOMEM;
	}
	return taken;
}

static int read_chunk(struct p9_client *c, struct p9_listing *l, u32 fid, u8 *shared, u8 *copy,
		      u64 *off)
{
	u32 want = MIN((u32)LIST_BYTES, c->msize - P9_IOHDRSZ), n;
	struct p9_req *r = p9_begin(c, l->plus ? P9_TREADDIRPLUS : P9_TREADDIR);
	int ret;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put64(&r->out, *off);
	p9_put32(&r->out, want);
	p9_data_in(r, shared, want);
	ret = p9_call(r);
	if (!ret) {
		n = p9_get32(&r->in);
		if (r->in.bad || n > want || (u32)r->got != P9_READ_HDR + n) {
			ret = -EPROTO;
		} else {
			memcpy(copy, shared, n);
			ret = parse(l, copy, n, off);
		}
	}
	p9_end(r);
	return ret;
}

static int fill(struct p9_inode *dir, struct p9_listing *l)
{
	struct p9_client *c = p9_s(&dir->i)->c;
	paddr_t shared = frame_alloc(ZONE_ARENA, LIST_ORDER, 0);
	u8 *copy = kmalloc(LIST_BYTES);
	u64 off = 0;
	u32 fid;
	int ret = -ENOMEM;

	if (shared && copy) {
		ret = p9_fid_get(dir, P9_FID_READ, &fid);
		if (!ret) {
			do {
				l->plus = l->plus && l->e.bytes < PLUS_MAX;
				ret = read_chunk(c, l, fid, paddr_to_ptr(shared), copy, &off);
			} while (ret > 0);
			p9_fid_put(dir, P9_FID_READ);
		}
	}
	if (shared)
		frame_put(shared);
	kfree(copy);
	return ret;
}

static void put_locked(struct p9_listing *l)
{
	if (l && --l->refs == 0) {
		p9_entries_free(&l->e);
		kfree(l);
	}
}

static void put(struct p9_sb *s, struct p9_listing *l)
{
	mutex_lock(&s->fid_lock);
	put_locked(l);
	mutex_unlock(&s->fid_lock);
}

/* The kept listing of dir with a reference, or NULL. */
static struct p9_listing *recent(struct p9_sb *s, struct p9_inode *dir)
{
	struct p9_listing *l = NULL;

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

/* since: s->changes before the server was asked. What was changed meanwhile may be in it or not. */
static void keep(struct p9_sb *s, struct p9_inode *dir, struct p9_listing *l, u64 since)
{
	unsigned at = s->next_recent;

	mutex_lock(&s->fid_lock);
	if (atomic_load(&s->changes) == since) {
		for (unsigned k = 0; k < ARRAY_SIZE(s->recent); k++)
			if (s->recent[k].dir == dir)
				at = k;
		put_locked(s->recent[at].l);
		s->recent[at].dir = dir;
		s->recent[at].l = l;
		l->refs++;
		if (at == s->next_recent)
			s->next_recent = (at + 1) % ARRAY_SIZE(s->recent);
	}
	mutex_unlock(&s->fid_lock);
}

void p9_listing_forget(struct p9_sb *s, struct p9_inode *dir)
{
	mutex_lock(&s->fid_lock);
	for (size_t k = 0; k < ARRAY_SIZE(s->recent); k++) {
		if (!dir || s->recent[k].dir == dir) {
			put_locked(s->recent[k].l);
			s->recent[k].l = NULL;
			s->recent[k].dir = NULL;
		}
	}
	mutex_unlock(&s->fid_lock);
}

static bool is_recent(struct p9_sb *s, const struct p9_inode *dir)
{
	for (size_t k = 0; k < ARRAY_SIZE(s->recent); k++)
		if (dir && READ_ONCE(s->recent[k].dir) == dir)
			return true;
	return false;
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

static bool is_entry(const struct p9_entry *e, const char *name, size_t len)
{
	return e->attr && e->len == len && !memcmp(e->name, name, len);
}

/* From a place on. A name is there once at most. */
static bool forget_from(struct p9_listing *l, struct p9_place at, const char *name)
{
	struct p9_entry e;

	while (p9_entries_next(&l->e, &at, &e)) {
		if (is_entry(&e, name, strlen(name))) {
			memset((u8 *)e.attr, 0, sizeof(struct p9_attr)); /* valid: nothing */
			return true;
		}
	}
	return false;
}

/* fid_lock held. Mostly it is the entry that was looked up last. */
static void forget_attr(struct p9_listing *l, const char *name)
{
	if (!forget_from(l, l->found, name))
		forget_from(l, (struct p9_place){ 0 }, name);
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
			forget_attr(s->recent[k].l, pi->name);
	mutex_unlock(&s->fid_lock);
}

bool p9_listing_find(struct p9_inode *dir, const struct p9_name *name, struct p9_attr *a)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l;
	struct p9_place at;
	bool hit = false;

	if (!is_recent(s, dir) || !(l = recent(s, dir)))
		return false;
	mutex_lock(&s->fid_lock);
	at = l->look;
	for (unsigned n = 0; n < LOOK_AHEAD && !hit; n++) {
		struct p9_place before = at;
		struct p9_entry e;

		if (!p9_entries_next(&l->e, &at, &e)) {
			if (!l->look.chunk)
				break;
			at = (struct p9_place){ 0 };
			if (!p9_entries_next(&l->e, &at, &e))
				break;
		}
		if (is_entry(&e, name->s, name->len)) {
			memcpy(a, e.attr, sizeof(*a));
			l->found = before;
			hit = true;
		}
	}
	if (hit)
		l->look = at;
	put_locked(l);
	mutex_unlock(&s->fid_lock);
	return hit && (a->valid & P9_STATS_BASIC) == P9_STATS_BASIC && !S_ISLNK(a->mode) &&
	       a->size <= 1ULL << 62;
}

static void emit_all(struct open_dir *d, struct dir_context *ctx)
{
	struct p9_place at = { 0 }, before;
	struct p9_entry e;
	u64 k = 2;

	if (d->at >= 2 && d->at <= ctx->pos) {
		k = d->at;
		at = d->place;
	}
	for (before = at; p9_entries_next(&d->l->e, &at, &e); before = at, k++)
		if (k >= ctx->pos && !dir_emit(ctx, e.name, e.len, k + 1, e.ino, e.type))
			break;
	d->at = k;
	d->place = before;
}

static struct p9_listing *get(struct p9_inode *dir)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l = s->shared ? NULL : recent(s, dir);
	u64 since = atomic_load(&s->changes);
	int err;

	if (l && !READ_ONCE(l->names_old))
		return l;
	if (l)
		put(s, l);
	l = kzalloc(sizeof(*l));
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->refs = 1;
	l->plus = !s->shared && s->c->moat;
	err = fill(dir, l);
	if (err) {
		put(s, l);
		return ERR_PTR(err);
	}
	if (!s->shared && l->e.bytes <= KEEP_MAX)
		keep(s, dir, l, since);
	return l;
}

int p9_readdir(struct file *f, struct dir_context *ctx)
{
	struct p9_inode *dir = p9_i(f->inode);
	struct open_dir *d = f->dir_state;
	struct p9_listing *l;

	if (!d)
		f->dir_state = d = kzalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	if (d->l && ctx->pos == 0) { /* rewound: what is there now */
		put(p9_s(f->inode), d->l);
		memset(d, 0, sizeof(*d));
	}
	if (!d->l) {
		l = get(dir);
		if (IS_ERR(l))
			return (int)PTR_ERR(l);
		d->l = l;
	}
	if (dir_emit_dots(f, ctx))
		emit_all(d, ctx);
	return 0;
}

void p9_listing_release(struct file *f)
{
	struct open_dir *d = f->dir_state;

	if (d) {
		put(p9_s(f->inode), d->l);
		kfree(d);
	}
	if (f->priv)
		p9_fid_put(p9_i(f->inode), (enum p9_fid_kind)((uintptr_t)f->priv - 1));
}
