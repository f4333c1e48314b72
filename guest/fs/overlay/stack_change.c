/*
 * stack_change.c - names that are made, removed and renamed in an overlay whose writable layer is another file system's
 * (stack.h).
 *
 * Each change of a name is one message to the layer, or a thing made in work and moved to its place by one: who looks
 * again after a crash finds the old state or the new. Only a directory that is removed or replaced, and which held
 * whiteouts, is taken apart afterwards, in work.
 */
#include <string.h>

#include "fs/overlay/stack_dir.h"

static const struct make_args whiteout = { .mode = S_IFCHR };

/* Something in a directory of the upper layer, and its inode with a reference. */
struct place {
	struct inode *dir;
	const char *name;
	unsigned len;
};

static int move(const struct place *from, struct inode *what, const struct place *to,
		struct inode *victim, unsigned flags)
{
	return stack_rename_layer(from->dir, from->name, from->len, what, to->dir, to->name,
				  to->len, victim, flags);
}

static int remove(const struct place *p, struct inode *what)
{
	const struct inode_ops *ops = p->dir->ops;
	int err;

	mutex_lock(&p->dir->mutex);
	err = S_ISDIR(what->mode) ? ops->rmdir(p->dir, p->name, p->len, what)
				  : ops->unlink(p->dir, p->name, p->len, what);
	mutex_unlock(&p->dir->mutex);
	return err;
}

/* What the upper layer has there, NULL: nothing. ERR_PTR. */
static struct inode *find(const struct place *p)
{
	struct inode *i = layers_lookup(p->dir, p->name, p->len, 0);

	return IS_ERR(i) && PTR_ERR(i) == -ENOENT ? NULL : i;
}

static struct place in_work(struct stack_sb *s, struct stack_name *n)
{
	stack_work_name(s, n);
	return (struct place){ s->work, n->s, n->len };
}

/* A directory without a live name: its whiteouts, then itself. */
static int remove_dir(const struct place *p, struct inode *dir)
{
	struct dirtable names;
	struct dirnode *n;
	bool any;
	int err;

	dirtable_init(&names);
	err = stack_layer_names(dir, &names, &any);
	list_for_each(n, &names.order, order) {
		struct place at = { dir, n->name, n->len };
		struct inode *w = err ? NULL : find(&at);

		if (IS_ERR(w))
			err = (int)PTR_ERR(w);
		else if (w)
			err = remove(&at, w);
		if (w && !IS_ERR(w))
			inode_put(w);
	}
	dirtable_free(&names);
	return err ? err : remove(p, dir);
}

/* In a new directory that will lie over one of the lower layer: a whiteout for each entry there. */
static int hide_lower(struct inode *layer_dir, struct inode *low)
{
	struct dirtable names;
	struct dirnode *n;
	struct inode *w;
	bool any;
	int err;

	dirtable_init(&names);
	err = stack_layer_names(low, &names, &any);
	list_for_each(n, &names.order, order) {
		if (err)
			break;
		w = stack_make_layer(layer_dir, n->name, n->len, &whiteout);
		if (IS_ERR(w))
			err = (int)PTR_ERR(w);
		else
			inode_put(w);
	}
	dirtable_free(&names);
	return err;
}

/* The lower layer's directory of that name; NULL: there is none. ERR_PTR. */
static struct inode *lower_dir_at(struct inode *dir, const struct place *p)
{
	struct inode *low = layers_lookup(stack_lower_dir(dir), p->name, p->len, 0);

	if (IS_ERR(low))
		return PTR_ERR(low) == -ENOENT ? NULL : low;
	if (S_ISDIR(low->mode))
		return low;
	inode_put(low);
	return NULL;
}

/* `what` lies at `from` in work and takes the place of the whiteout that is at `to`. */
static int replace_whiteout(const struct place *from, struct inode *what, const struct place *to)
{
	struct inode *w = find(to);
	int err;

	if (!w || IS_ERR(w))
		return w ? (int)PTR_ERR(w) : -ESTALE;
	if (!S_ISCHR(w->mode))
		err = -EEXIST;
	else if (S_ISDIR(what->mode))
		err = move(from, what, to, w, RENAME_EXCHANGE);
	else
		err = move(from, what, to, w, 0);
	if (!err && S_ISDIR(what->mode))
		remove(from, w);
	inode_put(w);
	return err;
}

/* Take away what is at p, a directory perhaps with whiteouts in it; leave a whiteout if the lower layer has the name. */
static int take_away(struct stack_sb *s, const struct place *p, struct inode *what, bool covered)
{
	struct stack_name n;
	struct place work;
	struct inode *w;
	int err;

	if (!covered) {
		err = remove(p, what);
		if (err != -ENOTEMPTY)
			return err;
		work = in_work(s, &n);
		err = move(p, what, &work, NULL, 0);
		if (!err)
			remove_dir(&work, what);
		return err;
	}
	work = in_work(s, &n);
	w = stack_make_layer(work.dir, work.name, work.len, &whiteout);
	if (IS_ERR(w))
		return (int)PTR_ERR(w);
	if (S_ISDIR(what->mode)) {
		err = move(&work, w, p, what, RENAME_EXCHANGE);
		if (!err)
			remove_dir(&work, what);
	} else {
		err = move(&work, w, p, what, 0);
	}
	if (err)
		remove(&work, w);
	inode_put(w);
	return err;
}

/* ---- the operations ---- */

/* *low: the directory of the lower layer that the new one covers, with a reference, or NULL. */
static struct inode *make(struct inode *dir, const struct place *p, const struct make_args *a,
			  struct inode **low, bool *uncovered)
{
	struct inode *up = stack_make_layer(p->dir, p->name, p->len, a);
	struct stack_sb *s = stack_s(dir);
	struct stack_name n;
	struct place work;
	int err = 0;

	*uncovered = !IS_ERR(up);
	if (!IS_ERR(up) || PTR_ERR(up) != -EEXIST)
		return up;
	work = in_work(s, &n);
	up = stack_make_layer(work.dir, work.name, work.len, a);
	if (IS_ERR(up))
		return up;
	if (S_ISDIR(a->mode))
		*low = lower_dir_at(dir, p);
	if (IS_ERR(*low))
		err = (int)PTR_ERR(*low);
	else if (*low)
		err = hide_lower(up, *low);
	if (!err)
		err = replace_whiteout(&work, up, p);
	if (!err)
		return up;
	if (S_ISDIR(a->mode))
		remove_dir(&work, up);
	else
		remove(&work, up);
	inode_put(up);
	if (*low && !IS_ERR(*low))
		inode_put(*low);
	return ERR_PTR(err);
}

struct inode *stack_make(struct inode *dir, const char *name, unsigned len,
			 const struct make_args *a)
{
	struct stack_sb *s = stack_s(dir);
	struct inode *i, *low = NULL;
	bool uncovered = false;
	int err;

	if (S_ISCHR(a->mode) || S_ISBLK(a->mode))
		return ERR_PTR(-EPERM);
	mutex_lock(&s->change);
	err = stack_copy_up(dir);
	if (!err)
		err = stack_charge(s, 1);
	i = ERR_PTR(err);
	if (!err) {
		i = make(dir, &(struct place){ stack_i(dir)->upper, name, len }, a, &low,
			 &uncovered);
		if (IS_ERR(i))
			stack_charge(s, -1);
		else
			i = stack_wrap(dir, name, len, i, low);
	}
	mutex_unlock(&s->change);
	if (!IS_ERR(i)) {
		stack_i(i)->uncovered = uncovered;
		if (S_ISDIR(i->mode))
			inode_mark(i, INODE_COMPLETE);
	}
	return i;
}

int stack_link(struct inode *dir, const char *name, unsigned len, struct inode *target)
{
	struct stack_sb *s = stack_s(dir);
	struct stack_name n;
	struct place p, work;
	struct inode *up;
	int err;

	mutex_lock(&s->change);
	err = stack_copy_up(target);
	if (!err)
		err = stack_copy_up(dir);
	if (err)
		goto out;
	p = (struct place){ stack_i(dir)->upper, name, len };
	up = stack_i(target)->upper;
	mutex_lock(&p.dir->mutex);
	err = p.dir->ops->link(p.dir, name, len, up);
	mutex_unlock(&p.dir->mutex);
	if (err == -EEXIST) {
		work = in_work(s, &n);
		mutex_lock(&work.dir->mutex);
		err = work.dir->ops->link(work.dir, work.name, work.len, up);
		mutex_unlock(&work.dir->mutex);
		if (!err) {
			err = replace_whiteout(&work, up, &p);
			if (err)
				remove(&work, up);
		}
	}
	if (!err) {
		target->nlink = up->nlink;
		stack_i(target)->uncovered = false;
	}
out:
	mutex_unlock(&s->change);
	return err == -ESTALE ? -ENOENT : err;
}

/* While others use it, an open file of the layer keeps what loses its name reachable. NULL: no need, or no way. */
static struct file *hold(struct inode *victim)
{
	struct file *f = NULL;

	if (S_ISREG(victim->mode) && stack_i(victim)->upper && atomic_load(&victim->ref.n) > 2)
		f = layers_open(stack_i(victim)->upper, O_RDONLY);
	return IS_ERR(f) ? NULL : f;
}

static void release(struct file *held)
{
	if (held)
		file_put(held);
}

static void lost_name(struct inode *victim)
{
	struct inode *up = stack_i(victim)->upper;

	victim->nlink = up && !S_ISDIR(victim->mode) ? up->nlink : 0;
	if (S_ISDIR(victim->mode)) /* another may come to lie over the lower layer's */
		itable_remove(&stack_s(victim)->inodes, victim);
}

static int remove_name(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	struct stack_inode *v = stack_i(victim);
	struct stack_sb *s = stack_s(dir);
	struct file *held = NULL;
	struct inode *w;
	bool covered;
	int err;

	mutex_lock(&s->change);
	err = stack_copy_up(dir);
	if (err)
		goto out;
	if (v->upper) {
		struct place p = { stack_i(dir)->upper, name, len };

		covered = !v->uncovered && layers_has(stack_lower_dir(dir), name, len);
		held = hold(victim);
		err = take_away(s, &p, v->upper, covered);
	} else {
		w = stack_make_layer(stack_i(dir)->upper, name, len, &whiteout);
		err = IS_ERR(w) ? (int)PTR_ERR(w) : 0;
		if (!err)
			inode_put(w);
	}
	if (!err)
		lost_name(victim);
out:
	mutex_unlock(&s->change);
	release(held);
	return err;
}

int stack_unlink(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	return remove_name(dir, name, len, victim);
}

int stack_rmdir(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	return stack_is_empty(victim) ? remove_name(dir, name, len, victim) : -ENOTEMPTY;
}

/* A directory to a place where the upper layer has `there`: a whiteout or a directory without a live name. */
static int rename_dir_over(struct stack_sb *s, const struct place *from, struct inode *what,
			   const struct place *to, struct inode *there, bool covered)
{
	int err = move(from, what, to, there, RENAME_EXCHANGE);

	/* Now it lies where the directory was. */
	if (err || (S_ISCHR(there->mode) && covered))
		return err;
	return take_away(s, from, there, covered);
}

/* A directory that is there already cannot begin to cover one of the lower layer. 0, -EXDEV or another error. */
static int may_lie_at(struct inode *dir, const struct place *p)
{
	struct inode *low = lower_dir_at(dir, p);

	if (!low || IS_ERR(low))
		return (int)PTR_ERR(low);
	inode_put(low);
	return -EXDEV;
}

static int rename_locked(const struct place *from, struct inode *src, struct inode *odir,
			 const struct place *to, struct inode *ndir)
{
	struct inode *up = stack_i(src)->upper, *there = find(to);
	bool covered = !stack_i(src)->uncovered &&
		       layers_has(stack_lower_dir(odir), from->name, from->len);
	int err = 0;

	if (IS_ERR(there))
		return (int)PTR_ERR(there);
	if (S_ISDIR(src->mode))
		err = may_lie_at(ndir, to);
	if (err)
		;
	else if (S_ISDIR(src->mode) && there)
		err = rename_dir_over(stack_s(src), from, up, to, there, covered);
	else
		err = move(from, up, to, there, covered ? RENAME_WHITEOUT : 0);
	inode_put(there);
	return err;
}

/* Both names stay, so none of the lower layer's is uncovered. */
static int exchange(const struct place *from, struct inode *src, struct inode *odir,
		    const struct place *to, struct inode *victim, struct inode *ndir)
{
	int err = S_ISDIR(src->mode) ? may_lie_at(ndir, to) : 0;

	if (!err && S_ISDIR(victim->mode))
		err = may_lie_at(odir, from);
	if (err)
		return err;
	return move(from, stack_i(src)->upper, to, stack_i(victim)->upper, RENAME_EXCHANGE);
}

/* Something that is renamed lies in the upper layer, with all that is in it; directories of both are added to trees. */
static int raise_all(struct inode *i, struct list *trees)
{
	return S_ISDIR(i->mode) && stack_lower_dir(i) ? stack_copy_tree(i, trees)
						      : stack_copy_up(i);
}

int stack_rename(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		 struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
		 unsigned flags)
{
	struct place from = { .name = oname, .len = olen }, to = { .name = nname, .len = nlen };
	bool swap = flags & RENAME_EXCHANGE;
	struct stack_sb *s = stack_s(odir);
	struct file *held = NULL;
	struct list trees;
	int err;

	if (flags & RENAME_WHITEOUT)
		return -EINVAL;
	if (victim && !swap && S_ISDIR(victim->mode) && !stack_is_empty(victim))
		return -ENOTEMPTY;
	list_init(&trees);
	mutex_lock(&s->change);
	err = raise_all(src, &trees);
	if (!err)
		err = stack_copy_up(odir);
	if (!err)
		err = stack_copy_up(ndir);
	if (!err && swap)
		err = raise_all(victim, &trees);
	if (err)
		goto out;
	from.dir = stack_i(odir)->upper;
	to.dir = stack_i(ndir)->upper;
	if (swap) {
		err = exchange(&from, src, odir, &to, victim, ndir);
	} else {
		held = victim ? hold(victim) : NULL;
		err = rename_locked(&from, src, odir, &to, ndir);
	}
	if (err)
		goto out;
	stack_i(src)->uncovered = false;
	if (swap)
		stack_i(victim)->uncovered = false;
	else if (victim)
		lost_name(victim);
out:
	stack_trees_end(s, &trees, !err);
	mutex_unlock(&s->change);
	release(held);
	return err;
}
