/*
 * files.c - what all files of a control group have in common: made from rows, hidden without their controller, refused
 * once the group is removed (-ENODEV) or to who may not change his namespace's root (-EPERM), as with Linux's nsdelegate.
 */
#include <string.h>

#include "fs/cgroup/priv.h"
#include "mm/slab.h"

typedef unsigned long long ull;

static const struct cgroup_rows *const tables[] = { &cgroup_common, &cgroup_pids, &cgroup_cpu_rows,
						    &cgroup_memory_rows, &cgroup_limits };

/* ---- use ---- */

bool cgroup_has(const struct cgroup *g, u32 controller)
{
	return !g->parent || READ_ONCE(g->parent->control) & controller;
}

static bool is_visible(const struct cgroup *g, const struct cgroup_row *r)
{
	return !r->controller || cgroup_has(g, r->controller);
}

bool cgroup_file_hidden(const struct cgroup *g, const char *name, unsigned len)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (unsigned k = 0; k < tables[t]->n; k++) {
			const struct cgroup_row *r = &tables[t]->row[k];

			if (r->controller && strlen(r->name) == len && !memcmp(r->name, name, len))
				return !is_visible(g, r);
		}
	return false;
}

static bool is_usable(const struct cgroup_file *c)
{
	return !READ_ONCE(c->g->dead) && is_visible(c->g, c->row);
}

static int file_show(struct seq *s, void *arg)
{
	struct cgroup_file *c = arg;

	if (!is_usable(c))
		return -ENODEV;
	if (!c->row->text)
		return c->row->show ? c->row->show(s, c->g) : -EINVAL;
	seq_printf(s, "%s\n", c->row->text);
	return 0;
}

static char *strip(char *text)
{
	size_t n;

	text += strspn(text, " \t\n");
	for (n = strlen(text); n && strchr(" \t\n", text[n - 1]); n--)
		;
	text[n] = 0;
	return text;
}

static s64 file_store(struct file *f, char *buf, size_t n)
{
	struct cgroup_file *c = f->inode->priv;
	int err;

	if (!is_usable(c))
		return -ENODEV;
	if (!c->row->delegated && c->g == cgroup_ns_root())
		return -EPERM;
	if (!c->row->store)
		return -EINVAL; /* who may open everything */
	err = c->row->store(c->g, strip(buf), f);
	cgroup_tell();
	return err ? err : (s64)n;
}

static struct text_event *file_event(void *arg)
{
	struct cgroup_file *c = arg;

	return c->row->news ? &c->event : NULL;
}

static void file_evict(void *arg)
{
	struct cgroup_file *c = arg;

	cgroup_put(c->g);
	kfree(c);
}

static const struct text_ops file_ops = {
	.show = file_show,
	.store_by = file_store,
	.event = file_event,
	.evict = file_evict,
};

/* ---- making ---- */

static struct inode *make_file(struct inode *dir, struct cgroup *g, const struct cgroup_row *r,
			       const struct make_args *a)
{
	u32 mode = (r->show || r->text ? 0444 : 0) | (r->store ? 0200 : 0);
	struct cgroup_file *c = kzalloc(sizeof(*c));
	struct inode *i;

	if (!c)
		return NULL;
	cgroup_get(g);
	*c = (struct cgroup_file){ .g = g, .row = r, .event.count = 1 };
	waitq_init(&c->event.q);
	i = pseudo_text_inode(dir->sb, mode, &file_ops, c);
	if (!i) {
		file_evict(c);
		return NULL;
	}
	i->uid = a->uid;
	i->gid = a->gid;
	if (!pseudo_add(dir, r->name, i))
		return i;
	inode_put(i);
	return NULL;
}

int cgroup_files_make(struct inode *dir, struct cgroup *g, struct cgroup_dir *d,
		      const struct make_args *a)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (unsigned k = 0; k < tables[t]->n; k++) {
			const struct cgroup_row *r = &tables[t]->row[k];
			struct inode *i;

			if (g->parent ? r->root : r->below)
				continue;
			i = make_file(dir, g, r, a);
			if (!i)
				return -ENOMEM;
			if (!strcmp(r->name, "cgroup.procs"))
				d->procs = i;
			if (r->news)
				d->watched[__builtin_ctz(r->news)] = i;
		}
	return 0;
}

/* ---- texts ---- */

int cgroup_parse(const char *text, s64 *out)
{
	bool minus = *text == '-';
	s64 v = 0;

	text += minus;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || v > (1LL << 58))
			return -EINVAL;
		v = v * 10 + (*text - '0');
	}
	*out = minus ? -v : v;
	return 0;
}

int cgroup_parse_switch(const char *text, bool *out)
{
	s64 v;
	int err = cgroup_parse(text, &v);

	if (err || v < 0 || v > 1)
		return -EINVAL;
	*out = v;
	return 0;
}

int cgroup_parse_limit(const char *text, u64 *out)
{
	s64 v;
	int err;

	if (!strcmp(text, "max")) {
		*out = CGROUP_MAX;
		return 0;
	}
	err = cgroup_parse(text, &v);
	if (err)
		return err;
	*out = (u64)v;
	return v < 0 ? -ERANGE : 0;
}

void cgroup_put_limit(struct seq *s, u64 v)
{
	if (v == CGROUP_MAX)
		seq_puts(s, "max\n");
	else
		seq_printf(s, "%llu\n", (ull)v);
}
