/*
 * priv.h - shared by the files of fs/cgroup/: a group's directory and the rows that its files are made from.
 */
#ifndef MOAT_FS_CGROUP_PRIV_H
#define MOAT_FS_CGROUP_PRIV_H

#include "fs/pseudo.h"
#include "task/cgroup/cgroup.h"

/* What a file shows and takes. Adding one: a row in common.c, the controller's file or limits.c. */
struct cgroup_row {
	const char *name;
	int (*show)(struct seq *s, struct cgroup *g); /* NULL: it cannot be read */
	/* text without blanks at its ends; f: who opened it. NULL: it cannot be written */
	int (*store)(struct cgroup *g, const char *text, struct file *f);
	const char *text; /* shown as it is, instead */
	u32 controller;	  /* in the groups that have it; 0: all */
	u32 news;	  /* CGROUP_NEWS_* that pollers and watchers are told of */
	bool root;	  /* in a container's root group alone */
	bool below;	  /* in all but that */
	bool delegated;	  /* who is shut up in a cgroup namespace may write to that of its root */
};

struct cgroup_rows {
	const struct cgroup_row *row;
	unsigned n;
};
#define CGROUP_ROWS(rows)                \
	{                                \
		(rows), ARRAY_SIZE(rows) \
	}
extern const struct cgroup_rows cgroup_common, cgroup_pids, cgroup_cpu_rows, cgroup_memory_rows,
	cgroup_limits;

/* An inode's priv; holds the group. */
struct cgroup_file {
	struct cgroup *g;
	const struct cgroup_row *row;
	struct text_event event;
};

/* A group's directory, while it is there: cgroup->dir, which task_lock guards. Borrowed: the directory holds the files. */
struct cgroup_dir {
	struct inode *inode, *procs;
	struct inode *watched[CGROUP_NEWS_KINDS]; /* by number of the bit */
};

/* ---- files.c ---- */
/* Fill a new directory of g. 0, -ENOMEM. */
int cgroup_files_make(struct inode *dir, struct cgroup *g, struct cgroup_dir *d,
		      const struct make_args *a);
/* Is it a name of a file that g does not have at present? */
bool cgroup_file_hidden(const struct cgroup *g, const char *name, unsigned len);
/* A number in all of a text. -EINVAL. */
int cgroup_parse(const char *text, s64 *out);
/* "0" or "1". -EINVAL. */
int cgroup_parse_switch(const char *text, bool *out);
/* "max", or a number of min at least: -EINVAL, -ERANGE. */
int cgroup_parse_limit(const char *text, u64 *out);
void cgroup_put_limit(struct seq *s, u64 v);
/* Does it have the file at present? */
bool cgroup_has(const struct cgroup *g, u32 controller);

/* ---- common.c ---- */
/* May cred move a process from one group to another, and is it in sight? 0, -ENOENT, -EACCES. */
int cgroup_may_move(const struct cred *cred, struct cgroup *from, struct cgroup *to);

/* ---- cpu.c ---- */
/* What cpu.stat shows of its limit. */
void cgroup_show_throttling(struct seq *s, struct cgroup *g);

#endif
