/*
 * registered.c - files below /proc that the layers above fs/ own (procfs.h).
 */
#include <string.h>

#include "fs/proc/global.h"
#include "fs/procfs.h"
#include "fs/pseudo.h"

#define TABLES_MAX 8

static struct {
	const struct proc_file *rows;
	unsigned n;
} tables[TABLES_MAX];
static unsigned nr_tables;

void proc_register_files(const struct proc_file *rows, unsigned n)
{
	BUG_ON(nr_tables == TABLES_MAX);
	tables[nr_tables].rows = rows;
	tables[nr_tables++].n = n;
}

struct inode *proc_dir_of(struct inode *at, const char *path)
{
	while (at && *path) {
		unsigned len = (unsigned)strcspn(path, "/");
		char name[32] = { 0 };
		struct inode *next;

		memcpy(name, path, MIN(len, (unsigned)sizeof(name) - 1));
		next = pseudo_lookup(at, name, len);
		if (IS_ERR(next))
			next = pseudo_dir(at, name, 0555);
		else
			inode_put(next); /* the tree keeps it */
		at = next;
		path += len + (path[len] == '/');
	}
	return at;
}

static int add(struct inode *at, const struct proc_file *f, bool sys)
{
	struct inode *dir;

	if (!strncmp(f->dir, "sys/", 4) != sys)
		return 0;
	dir = proc_dir_of(at, sys ? f->dir + 4 : f->dir);
	return dir && pseudo_text(dir, f->name, f->mode, &f->ops, f->arg) ? 0 : -ENOMEM;
}

int proc_add_registered(struct inode *at, bool sys)
{
	for (unsigned t = 0; t < nr_tables; t++)
		for (unsigned k = 0; k < tables[t].n; k++)
			if (add(at, &tables[t].rows[k], sys))
				return -ENOMEM;
	return 0;
}
