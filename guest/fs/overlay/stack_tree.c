/*
 * stack_tree.c - a directory that the lower layer has a part in is renamed: first all below it is copied up (stack.h).
 *
 * Works on a list of directories, without recursion. Look-ups that go on meanwhile see by stack_sb.trees that they must look
 * again. EXDEV, upon which mv(1) and its like copy by themselves, where a file below has several names or is a device.
 */
#include "fs/overlay/stack_dir.h"
#include "mm/slab.h"

struct dir {
	struct list node;
	struct inode *i; /* a reference */
};

static int add(struct list *todo, struct inode *i)
{
	struct dir *d = kmalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	inode_get(i);
	d->i = i;
	list_add_tail(todo, &d->node);
	return 0;
}

static int copy_entry(struct inode *dir, const struct dirnode *n, struct list *todo)
{
	struct inode *i = stack_look(dir, n->name, n->len, 0);
	int err = 0;

	if (IS_ERR(i))
		return PTR_ERR(i) == -ENOENT ? 0 : (int)PTR_ERR(i); /* a whiteout */
	if (S_ISDIR(i->mode)) {
		if (stack_lower_dir(i))
			err = add(todo, i);
	} else if (!stack_i(i)->upper) {
		if (stack_i(i)->lower->nlink > 1 || S_ISCHR(i->mode) || S_ISBLK(i->mode))
			err = -EXDEV;
		else
			err = stack_copy_up(i);
	}
	inode_put(i);
	return err;
}

static int copy_dir(struct inode *dir, struct list *todo)
{
	struct dirtable names;
	struct dirnode *n;
	bool any;
	int err = stack_copy_up(dir);

	dirtable_init(&names);
	if (!err)
		err = stack_layer_names(stack_lower_dir(dir), &names, &any);
	list_for_each(n, &names.order, order) {
		if (err)
			break;
		err = copy_entry(dir, n, todo);
	}
	dirtable_free(&names);
	return err;
}

/* Nothing of the lower layer is seen in it any more. */
static void part(struct inode *dir)
{
	struct stack_inode *t = stack_i(dir);
	struct itable *table = &stack_s(dir)->inodes;

	WRITE_ONCE(t->opaque, true);
	itable_remove(table, dir);
	t->key = (u64)(uintptr_t)t->upper;
	itable_insert(table, dir);
}

int stack_copy_tree(struct inode *top, struct list *dirs)
{
	struct stack_sb *s = stack_s(top);
	struct dir *d;
	int err;

	if (list_empty(dirs))
		atomic_add(&s->trees, 1);
	err = add(dirs, top);
	if (err)
		return err;
	list_for_each(d, dirs, node) { /* it grows meanwhile */
		if (!err)
			err = copy_dir(d->i, dirs);
	}
	return err;
}

void stack_trees_end(struct stack_sb *s, struct list *dirs, bool moved)
{
	struct dir *d, *tmp;

	list_for_each_safe(d, tmp, dirs, node) {
		if (moved)
			part(d->i);
		inode_put(d->i);
		kfree(d);
	}
	if (atomic_load(&s->trees) & 1)
		atomic_add(&s->trees, 1);
}
