/*
 * maps.c - /proc/PID/maps, smaps and smaps_rollup (proc_pid_maps(5)).
 *
 * smaps knows resident sizes only, not which pages are shared or were referenced: resident anonymous memory counts as
 * private and dirty, file pages as shared and clean, and Pss is Rss.
 */
#include <string.h>

#include "fs/proc/proc.h"

#define PROT_READ   1
#define PROT_WRITE  2
#define PROT_EXEC   4
#define NAME_COLUMN 73

struct walk {
	struct seq *s;
	char *path;
	bool smaps;
	/* sums for the roll-up */
	u64 first, last, rss, anon, file, shmem, locked;
};

static const char *area_path(struct walk *w, const struct vma_info *v)
{
	char *p;

	if (v->name)
		return v->name;
	if (!v->file)
		return NULL;
	p = file_name(v->file, w->path, PATH_MAX);
	return IS_ERR(p) ? "?" : p;
}

static void show_area(struct walk *w, const struct vma_info *v)
{
	const struct inode *i = v->file ? v->file->inode : NULL;
	u32 dev = i && i->sb ? i->sb->dev : 0;
	const char *name = area_path(w, v);
	size_t start = w->s->len;

	seq_printf(w->s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (ull)v->start,
		   (ull)v->end, v->prot & PROT_READ ? 'r' : '-', v->prot & PROT_WRITE ? 'w' : '-',
		   v->prot & PROT_EXEC ? 'x' : '-', v->shared ? 's' : 'p', (ull)v->off,
		   DEV_MAJOR(dev), DEV_MINOR(dev), i ? (ull)i->ino : 0ULL);
	if (name) {
		while (!w->s->failed && w->s->len - start < NAME_COLUMN)
			seq_putc(w->s, ' ');
		seq_escape(w->s, name, "\n");
	}
	seq_putc(w->s, '\n');
}

static bool area_anon(const struct vma_info *v)
{
	return !v->shared && (!v->file || (v->prot & PROT_WRITE));
}

static void line(struct seq *s, const char *name, u64 bytes)
{
	seq_printf(s, "%-15s %8llu kB\n", name, KIB(bytes));
}

static void show_sizes(struct seq *s, u64 rss, u64 anon, u64 locked)
{
	static const char *const none[] = {
		"KSM:",		  "LazyFree:",	     "AnonHugePages:",	 "ShmemPmdMapped:",
		"FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:", "Swap:",
		"SwapPss:"
	};

	line(s, "Rss:", rss);
	line(s, "Pss:", rss);
	line(s, "Pss_Dirty:", anon);
	line(s, "Shared_Clean:", rss - anon);
	line(s, "Shared_Dirty:", 0);
	line(s, "Private_Clean:", 0);
	line(s, "Private_Dirty:", anon);
	line(s, "Referenced:", rss);
	line(s, "Anonymous:", anon);
	for (size_t k = 0; k < ARRAY_SIZE(none); k++)
		line(s, none[k], 0);
	line(s, "Locked:", locked);
}

static void show_flags(struct seq *s, const struct vma_info *v)
{
	seq_puts(s, "VmFlags: ");
	if (v->prot & PROT_READ)
		seq_puts(s, "rd ");
	if (v->prot & PROT_WRITE)
		seq_puts(s, "wr ");
	if (v->prot & PROT_EXEC)
		seq_puts(s, "ex ");
	if (v->shared)
		seq_puts(s, "sh ");
	seq_puts(s, "mr mw me ");
	if (v->shared)
		seq_puts(s, "ms ");
	if (v->grows_down)
		seq_puts(s, "gd ");
	if (v->locked)
		seq_puts(s, "lo ");
	seq_putc(s, '\n');
}

static int show_one(const struct vma_info *v, void *arg)
{
	struct walk *w = arg;
	u64 anon = area_anon(v) ? v->rss : 0;

	show_area(w, v);
	if (w->smaps) {
		line(w->s, "Size:", v->end - v->start);
		line(w->s, "KernelPageSize:", PAGE_SIZE);
		line(w->s, "MMUPageSize:", PAGE_SIZE);
		show_sizes(w->s, v->rss, anon, v->locked ? v->rss : 0);
		seq_printf(w->s, "THPeligible:    %8u\nProtectionKey:  %8u\n", 0, 0);
		show_flags(w->s, v);
	}
	return w->s->failed ? -ENOMEM : 0;
}

static int add_one(const struct vma_info *v, void *arg)
{
	struct walk *w = arg;

	if (!w->last)
		w->first = v->start;
	w->last = v->end;
	w->rss += v->rss;
	if (area_anon(v))
		w->anon += v->rss;
	else if (v->file)
		w->file += v->rss;
	else
		w->shmem += v->rss;
	if (v->locked)
		w->locked += v->rss;
	return 0;
}

static int walk(struct task *t, struct walk *w, int (*fn)(const struct vma_info *, void *))
{
	struct mm *mm = task_mm_get(t);
	int err;

	if (!mm)
		return 1; /* exiting: the file is empty */
	w->path = kmalloc(PATH_MAX);
	err = w->path ? mm_for_each_vma(mm, fn, w) : -ENOMEM;
	name_free(w->path);
	mm_put(mm);
	return err;
}

int proc_show_maps(struct seq *s, struct task *t, bool thread)
{
	struct walk w = { .s = s };

	return MIN(walk(t, &w, show_one), 0);
}

int proc_show_smaps(struct seq *s, struct task *t, bool thread)
{
	struct walk w = { .s = s, .smaps = true };

	return MIN(walk(t, &w, show_one), 0);
}

int proc_show_smaps_rollup(struct seq *s, struct task *t, bool thread)
{
	struct walk w = { .s = s };
	int err = walk(t, &w, add_one);

	if (err)
		return err < 0 ? err : -ESRCH;
	seq_printf(s, "%08llx-%08llx ---p 00000000 00:00 0 ", (ull)w.first, (ull)w.last);
	while (!s->failed && s->len < NAME_COLUMN)
		seq_putc(s, ' ');
	seq_puts(s, "[rollup]\n");
	show_sizes(s, w.rss, w.anon, w.locked);
	return 0;
}
