/*
 * sysfs.c - /sys: CPUs, their caches, the one memory node, and the directories that programs expect to find.
 *
 * A static tree, made when it is first looked at, with directories of other layers in it (procfs.h); nothing here is writable. Every CPU is a package of its own with its own caches,
 * as /proc/cpuinfo says.
 */
#include <string.h>

#include "fs/procfs.h"
#include "fs/pseudo.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "mm/frame.h"
#include "platform/x86/cpuinfo.h"

#define SYSFS_MAGIC 0x62656572
typedef unsigned long long ull;

/* ---- content; arg: a string, or a number ---- */

static int show_string(struct seq *s, void *arg)
{
	seq_printf(s, "%s\n", (const char *)arg);
	return 0;
}

static int show_number(struct seq *s, void *arg)
{
	seq_printf(s, "%llu\n", (ull)(uintptr_t)arg);
	return 0;
}

static int show_empty(struct seq *s, void *arg)
{
	seq_putc(s, '\n');
	return 0;
}

static int show_cpu_list(struct seq *s, void *arg)
{
	seq_printf(s, cpu_count() > 1 ? "0-%u\n" : "%u\n", cpu_count() - 1);
	return 0;
}

/* A mask in groups of 32 bits, as wide as there are CPUs. */
static void put_mask(struct seq *s, u64 mask)
{
	if (cpu_count() > 32)
		seq_printf(s, "%0*x,%08x\n", (int)(cpu_count() - 32 + 3) / 4, (u32)(mask >> 32),
			   (u32)mask);
	else
		seq_printf(s, "%0*x\n", (int)(cpu_count() + 3) / 4, (u32)mask);
}

static int show_all_mask(struct seq *s, void *arg)
{
	put_mask(s, cpu_count() >= 64 ? ~0ULL : (1ULL << cpu_count()) - 1);
	return 0;
}

static int show_own_mask(struct seq *s, void *arg)
{
	put_mask(s, 1ULL << (uintptr_t)arg);
	return 0;
}

static int show_node_meminfo(struct seq *s, void *arg)
{
	struct frame_stats f;
	u64 total, used;

	frame_stats(&f);
	total = f.limit && f.limit < f.total ? f.limit : f.total;
	used = MIN(f.charged, total);
	seq_printf(
		s,
		"Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\nNode 0 MemUsed:        %8llu kB\n",
		(ull)total * 4, (ull)(total - used) * 4, (ull)used * 4);
	return 0;
}

static const struct text_ops string_ops = { .show = show_string },
			     number_ops = { .show = show_number },
			     empty_ops = { .show = show_empty },
			     cpu_list_ops = { .show = show_cpu_list },
			     all_mask_ops = { .show = show_all_mask },
			     own_mask_ops = { .show = show_own_mask },
			     node_meminfo_ops = { .show = show_node_meminfo };

/* ---- building, one task at a time; a failure is remembered ---- */

static bool failed;

static struct inode *dir(struct inode *at, const char *name)
{
	struct inode *i = at ? pseudo_dir(at, name, 0555) : NULL;

	failed |= !i;
	return i;
}

static void text(struct inode *at, const char *name, const struct text_ops *ops, const void *arg)
{
	failed |= !at || !pseudo_text(at, name, 0444, ops, (void *)arg);
}

static void number(struct inode *at, const char *name, u64 v)
{
	text(at, name, &number_ops, (void *)(uintptr_t)v);
}

static void add_cache(struct inode *at, unsigned cpu, unsigned index)
{
	struct x86_cache c;
	char name[16], size[24];
	struct inode *d;

	if (!x86_cache(index, &c))
		return;
	ksnprintf(name, sizeof(name), "index%u", index);
	ksnprintf(size, sizeof(size), "%lluK", (ull)c.size >> 10);
	d = dir(at, name);
	number(d, "coherency_line_size", c.line);
	number(d, "id", cpu);
	number(d, "level", c.level);
	number(d, "number_of_sets", c.sets);
	number(d, "physical_line_partition", c.partitions);
	number(d, "shared_cpu_list", cpu);
	text(d, "shared_cpu_map", &own_mask_ops, (void *)(uintptr_t)cpu);
	text(d, "size", &string_ops, kstrdup(size));
	text(d, "type", &string_ops,
	     c.type == 'D'   ? "Data"
	     : c.type == 'I' ? "Instruction"
			     : "Unified");
	number(d, "ways_of_associativity", c.ways);
}

static void add_cpu(struct inode *at, unsigned cpu)
{
	static const char *const lists[] = { "cluster_cpus", "core_cpus",    "core_siblings",
					     "die_cpus",     "package_cpus", "thread_siblings" };
	void *arg = (void *)(uintptr_t)cpu;
	struct inode *d, *topology, *cache;
	struct x86_cache c;
	char name[32];

	ksnprintf(name, sizeof(name), "cpu%u", cpu);
	d = dir(at, name);
	if (cpu)
		number(d, "online", 1);
	topology = dir(d, "topology");
	number(topology, "cluster_id", 65535);
	number(topology, "core_id", 0);
	number(topology, "die_id", 0);
	number(topology, "physical_package_id", cpu);
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		text(topology, lists[k], &own_mask_ops, arg);
		ksnprintf(name, sizeof(name), "%s_list", lists[k]);
		number(topology, name, cpu);
	}
	cache = dir(d, "cache");
	for (unsigned k = 0; k < 8 && x86_cache(k, &c); k++)
		add_cache(cache, cpu, k);
}

static void add_cpus(struct inode *system)
{
	struct inode *cpu = dir(system, "cpu");

	text(cpu, "isolated", &empty_ops, NULL);
	number(cpu, "kernel_max", MAX_CPUS - 1);
	text(cpu, "offline", &empty_ops, NULL);
	text(cpu, "online", &cpu_list_ops, NULL);
	text(cpu, "possible", &cpu_list_ops, NULL);
	text(cpu, "present", &cpu_list_ops, NULL);
	for (unsigned k = 0; k < cpu_count(); k++)
		add_cpu(cpu, k);
}

static void add_node(struct inode *system)
{
	static const char *const zero[] = { "has_cpu", "has_memory", "has_normal_memory", "online",
					    "possible" };
	struct inode *node = dir(system, "node"), *n0;

	for (size_t k = 0; k < ARRAY_SIZE(zero); k++)
		number(node, zero[k], 0);
	n0 = dir(node, "node0");
	text(n0, "cpulist", &cpu_list_ops, NULL);
	text(n0, "cpumap", &all_mask_ops, NULL);
	number(n0, "distance", 10);
	text(n0, "meminfo", &node_meminfo_ops, NULL);
	text(n0, "numastat", &string_ops,
	     "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0");
}

static void add_thp(struct inode *root)
{
	struct inode *mm = dir(dir(root, "kernel"), "mm"), *thp = dir(mm, "transparent_hugepage");

	/* Aligned areas of 2 MiB get a block where there is one, without being asked. */
	text(thp, "enabled", &string_ops, "[always] madvise never");
	text(thp, "defrag", &string_ops, "always defer defer+madvise madvise [never]");
	number(thp, "hpage_pmd_size", 2 << 20);
	text(thp, "shmem_enabled", &string_ops, "always within_size advise [never] deny force");
	number(thp, "use_zero_page", 0);
}

/* ---- directories of other layers ---- */

static const struct sysfs_dir *dirs;
static unsigned nr_dirs;

void sysfs_register_dirs(const struct sysfs_dir *rows, unsigned n)
{
	dirs = rows;
	nr_dirs = n;
}

/* Those below `parent`, which is `at`. */
static void add_registered(struct inode *at, const char *parent)
{
	for (unsigned k = 0; at && k < nr_dirs; k++) {
		struct inode *i;

		if (strcmp(dirs[k].parent, parent))
			continue;
		i = pseudo_dir_inode(at->sb, 0555, dirs[k].ops, NULL);
		if (!i || pseudo_add(at, dirs[k].name, i))
			failed = true;
	}
}

/* Most of the tree, and the processor is asked for its caches: not at boot. */
static int fill_devices(struct inode *devices)
{
	struct inode *system;

	failed = false;
	system = dir(devices, "system");
	add_cpus(system);
	add_node(system);
	add_registered(dir(devices, "virtual"), "devices/virtual");
	return failed ? -ENOMEM : 0;
}

static int add_all(struct inode *root)
{
	static const char *const empty[] = { "block", "bus", "firmware", "module", "power" };
	struct inode *class, *dev;

	failed = false;
	for (size_t k = 0; k < ARRAY_SIZE(empty); k++)
		dir(root, empty[k]);
	dev = dir(root, "dev");
	dir(dev, "block");
	dir(dev, "char");
	class = dir(root, "class");
	dir(class, "block");
	add_registered(class, "class");
	failed |= !pseudo_dir_lazy(root, "devices", 0555, fill_devices);
	dir(dir(root, "fs"), "cgroup");
	add_thp(root);
	return failed ? -ENOMEM : 0;
}

/* ---- the file system ---- */

static struct super_block *sysfs_sb;

static struct super_block *sysfs_mount(const struct file_system *fs, const struct mount_args *a)
{
	if (!sysfs_sb) {
		struct super_block *sb = pseudo_super(fs, SYSFS_MAGIC, 0);
		int err;

		if (IS_ERR(sb))
			return sb;
		sb->root->mode = S_IFDIR | 0555;
		err = add_all(sb->root);
		if (err)
			return ERR_PTR(err);
		sysfs_sb = sb;
		sb->kept = true;
	}
	super_get(sysfs_sb);
	return sysfs_sb;
}

static const struct file_system sysfs_fs = {
	.name = "sysfs",
	.handles = HANDLES_KERNFS,
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = sysfs_mount,
};

void sysfs_register(void)
{
	fs_register(&sysfs_fs);
}
