/*
 * p9_listing.c - listings of directories over 9P.
 *
 * A listing is read whole at its first readdir; positions are ordinals in it, so the server's cookies (63 bits on some
 * file systems) never reach programs and other layers can add bits of their own. On a read-only tree the last few are
 * kept, with the entries' attributes if the server has Treaddirplus: the look-ups that follow a readdir (ls -l, find)
 * then cost no message each. Such a listing never goes stale, since nobody changes the tree.
 *
 * Locks: sb->fid_lock guards sb->recent, reference counts and the look-up's place; the content does not change.
 */
#include <string.h>

#include "fs/p9.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

#define LIST_ORDER 3
#define LIST_BYTES (PAGE_SIZE << LIST_ORDER)
#define LOOK_AHEAD 64 /* entries that a look-up goes through */

/* Entries lie packed behind each other: number, type, length, attributes (if plus), name. */
#define E_TYPE 8
#define E_LEN  9
#define E_ATTR 10

struct p9_listing {
	unsigned refs;
	bool plus;
	u8 *data;
	size_t len, cap;
	size_t look; /* where the next look-up begins */
};

struct open_dir {
	struct p9_listing *l;
	u64 at;	       /* a place to go on from: this ordinal */
	size_t at_off; /* is here */
};

static size_t name_off(const struct p9_listing *l)
{
	return E_ATTR + (l->plus ? sizeof(struct p9_attr) : 0);
}

static size_t entry_size(const struct p9_listing *l, size_t off)
{
	return name_off(l) + l->data[off + E_LEN];
}

static bool add(struct p9_listing *l, const struct p9_attr *a, u8 type, const char *name, u16 len)
{
	size_t need = name_off(l) + len;
	u8 *e;

	if (l->len + need > l->cap) {
		size_t cap = MAX(l->cap * 2, (size_t)1024);
		u8 *p = krealloc(l->data, cap);

		if (!p)
			return false;
		l->data = p;
		l->cap = cap;
	}
	e = l->data + l->len;
	memcpy(e, &a->qid.path, 8);
	e[E_TYPE] = type;
	e[E_LEN] = (u8)len;
	if (l->plus)
		memcpy(e + E_ATTR, a, sizeof(*a));
	memcpy(e + name_off(l), name, len);
	l->len += need;
	return true;
}

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
		if (!add(l, &a, type, name, len))
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
	struct p9_client *c = &p9_s(&dir->i)->c;
	paddr_t shared = frame_alloc(ZONE_ARENA, LIST_ORDER, 0);
	u8 *copy = kmalloc(LIST_BYTES);
	u64 off = 0;
	u32 fid;
	int ret = -ENOMEM;

	if (shared && copy) {
		ret = p9_fid_get(dir, P9_FID_READ, &fid);
		if (!ret) {
			do {
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
		kfree(l->data);
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

static void keep(struct p9_sb *s, struct p9_inode *dir, struct p9_listing *l)
{
	mutex_lock(&s->fid_lock);
	put_locked(s->recent[s->next_recent].l);
	s->recent[s->next_recent].dir = dir;
	s->recent[s->next_recent].l = l;
	l->refs++;
	s->next_recent = (s->next_recent + 1) % ARRAY_SIZE(s->recent);
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

bool p9_listing_find(struct p9_inode *dir, const struct p9_name *name, struct p9_attr *a)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l;
	bool hit = false;
	size_t off;

	if (!s->readonly || !(l = recent(s, dir)))
		return false;
	mutex_lock(&s->fid_lock);
	off = l->look;
	for (unsigned n = 0; l->plus && l->len && n < LOOK_AHEAD && !hit; n++) {
		if (off >= l->len) {
			if (!l->look)
				break;
			off = 0;
		}
		if (l->data[off + E_LEN] == name->len &&
		    !memcmp(l->data + off + name_off(l), name->s, name->len)) {
			memcpy(a, l->data + off + E_ATTR, sizeof(*a));
			hit = true;
		}
		off += entry_size(l, off);
	}
	if (hit)
		l->look = off;
	put_locked(l);
	mutex_unlock(&s->fid_lock);
	return hit && (a->valid & P9_STATS_BASIC) == P9_STATS_BASIC && !S_ISLNK(a->mode) &&
	       a->size <= 1ULL << 62;
}

static void emit_all(struct open_dir *d, struct dir_context *ctx)
{
	struct p9_listing *l = d->l;
	u64 k = 2;
	size_t off = 0;

	if (d->at >= 2 && d->at <= ctx->pos) {
		k = d->at;
		off = d->at_off;
	}
	while (off < l->len) {
		const u8 *e = l->data + off;
		u64 ino;

		memcpy(&ino, e, 8);
		if (k >= ctx->pos &&
		    !dir_emit(ctx, (const char *)e + name_off(l), e[E_LEN], k + 1, ino, e[E_TYPE]))
			break;
		off += entry_size(l, off);
		k++;
	}
	d->at = k;
	d->at_off = off;
}

static struct p9_listing *get(struct p9_inode *dir)
{
	struct p9_sb *s = p9_s(&dir->i);
	struct p9_listing *l = s->readonly ? recent(s, dir) : NULL;
	int err;

	if (l)
		return l;
	l = kzalloc(sizeof(*l));
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->refs = 1;
	l->plus = s->readonly && s->c.moat;
	err = fill(dir, l);
	if (err && l->plus) { /* too large for one piece of memory, perhaps: without attributes */
		l->plus = false;
		l->len = 0;
		err = fill(dir, l);
	}
	if (err) {
		put(s, l);
		return ERR_PTR(err);
	}
	if (s->readonly)
		keep(s, dir, l);
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
