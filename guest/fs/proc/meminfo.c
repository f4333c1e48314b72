/*
 * meminfo.c - /proc/meminfo and vmstat. The total is the container's limit, where there is one below the sandbox's memory.
 *
 * Page cache is what the limit can give back, so MemAvailable is free plus cached. There is no swap.
 */
#include "fs/proc/global.h"
#include "fs/seq.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

struct memory {
	u64 total, free, cached, slab, used; /* bytes */
};

static void get(struct memory *m)
{
	struct frame_stats f;
	u64 total, charged;

	frame_stats(&f);
	total = f.limit && f.limit < f.total ? f.limit : f.total;
	charged = MIN(f.charged, total);
	m->total = total << PAGE_SHIFT;
	m->cached = pagecache_total() << PAGE_SHIFT;
	m->slab = slab_bytes();
	m->used = charged << PAGE_SHIFT;
	m->free = MIN((total - charged) << PAGE_SHIFT, f.free << PAGE_SHIFT);
}

static void line(struct seq *s, const char *name, u64 bytes)
{
	seq_printf(s, "%-15s %8llu kB\n", name, KIB(bytes));
}

u32 proc_overcommit_ratio = 50, proc_overcommit_kbytes;

/* What vm.overcommit_memory=2 would hold programs to. */
static u64 commit_limit(const struct memory *m)
{
	return proc_overcommit_kbytes
		       ? (u64)proc_overcommit_kbytes << 10
		       : (m->total >> PAGE_SHIFT) * proc_overcommit_ratio / 100 << PAGE_SHIFT;
}

int proc_show_meminfo(struct seq *s, void *arg)
{
	struct memory m;
	u64 anon;

	get(&m);
	anon = m.used > m.cached + m.slab ? m.used - m.cached - m.slab : 0;
	line(s, "MemTotal:", m.total);
	line(s, "MemFree:", m.free);
	line(s, "MemAvailable:", MIN(m.free + m.cached, m.total));
	line(s, "Buffers:", 0);
	line(s, "Cached:", m.cached);
	line(s, "SwapCached:", 0);
	line(s, "Active:", anon);
	line(s, "Inactive:", m.cached);
	line(s, "Active(anon):", anon);
	line(s, "Inactive(anon):", 0);
	line(s, "Active(file):", 0);
	line(s, "Inactive(file):", m.cached);
	line(s, "Unevictable:", 0);
	line(s, "Mlocked:", 0);
	line(s, "SwapTotal:", 0);
	line(s, "SwapFree:", 0);
	line(s, "Dirty:", 0);
	line(s, "Writeback:", 0);
	line(s, "AnonPages:", anon);
	line(s, "Mapped:", 0);
	line(s, "Shmem:", 0);
	line(s, "KReclaimable:", 0);
	line(s, "Slab:", m.slab);
	line(s, "SReclaimable:", 0);
	line(s, "SUnreclaim:", m.slab);
	line(s, "KernelStack:", 0);
	line(s, "PageTables:", 0);
	line(s, "NFS_Unstable:", 0);
	line(s, "Bounce:", 0);
	line(s, "WritebackTmp:", 0);
	line(s, "CommitLimit:", commit_limit(&m));
	line(s, "Committed_AS:", anon);
	line(s, "VmallocTotal:", 34359738367ULL << 10);
	line(s, "VmallocUsed:", 0);
	line(s, "VmallocChunk:", 0);
	line(s, "Percpu:", 0);
	line(s, "AnonHugePages:", 0);
	line(s, "ShmemHugePages:", 0);
	line(s, "ShmemPmdMapped:", 0);
	seq_puts(
		s,
		"HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n");
	line(s, "Hugepagesize:", 2 << 20);
	line(s, "Hugetlb:", 0);
	return 0;
}

/* Programs look for the names they know: what is not counted reads as 0. */
int proc_show_vmstat(struct seq *s, void *arg)
{
	struct memory m;

	get(&m);
	seq_printf(s, "nr_free_pages %llu\nnr_file_pages %llu\n", (ull)m.free >> PAGE_SHIFT,
		   (ull)m.cached >> PAGE_SHIFT);
	seq_puts(s,
		 "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\noom_kill 0\n");
	return 0;
}
