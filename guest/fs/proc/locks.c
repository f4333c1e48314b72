/*
 * locks.c - /proc/locks (proc_locks(5)): those of processes that the reader sees.
 */
#include "fs/lock.h"
#include "fs/proc/global.h"
#include "fs/seq.h"

static const char *kind_name(const struct lock_line *l)
{
	switch (l->kind) {
	case KIND_FLOCK: return "FLOCK  ADVISORY ";
	case KIND_POSIX: return "POSIX  ADVISORY ";
	case KIND_OFD: return "OFDLCK ADVISORY ";
	default:
		return l->waits	     ? "LEASE  BREAKER  "
		       : l->breaking ? "LEASE  BREAKING "
				     : "LEASE  ACTIVE   ";
	}
}

static const char *type_name(int type)
{
	return type == F_WRLCK ? "WRITE" : type == F_RDLCK ? "READ" : "UNLCK";
}

static void show_line(struct seq *s, const struct lock_line *l, unsigned nr)
{
	/* Nobody in particular has an open-file-description lock. */
	int pid = l->kind == KIND_OFD ? -1 : proc_nr(s, l->range.pid);

	if (!pid)
		return;
	seq_printf(s, "%u: %s%s %s %d ", nr, l->waits ? "-> " : "", kind_name(l),
		   type_name(l->range.type), pid);
	if (l->kind == KIND_LEASE && l->waits)
		seq_puts(s, "<none>:0 ");
	else
		seq_printf(s, "%02x:%02x:%llu ", DEV_MAJOR(l->dev), DEV_MINOR(l->dev), (ull)l->ino);
	seq_printf(s, "%llu ", (ull)l->range.start);
	if (l->range.end == ~0ULL)
		seq_puts(s, "EOF\n");
	else
		seq_printf(s, "%llu\n", (ull)l->range.end);
}

int proc_show_locks(struct seq *s, void *arg)
{
	struct lock_line *lines = NULL;
	unsigned n = 0, room, nr = 0;

	do {
		room = n + 16;
		kfree(lines);
		lines = kmalloc(room * sizeof(*lines));
		if (!lines)
			return -ENOMEM;
		n = file_locks_list(lines, room);
	} while (n > room);
	for (unsigned k = 0; k < n; k++)
		show_line(s, &lines[k], nr += !lines[k].waits);
	kfree(lines);
	return 0;
}
