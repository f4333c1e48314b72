/*
 * sys.c - /proc/sys: what programs read there. A parameter is a row of a table.
 *
 * Values say what the Sentry does. What can be changed has a store function; everything else is refused with EACCES, also
 * for root, rather than stored without an effect.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/anon/aio.h"
#include "fs/lock.h"
#include "fs/mount/mount.h"
#include "fs/notify.h"
#include "fs/proc/global.h"
#include "fs/pseudo.h"
#include "lib/logread.h"
#include "lib/random.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/pagecache.h"
#include "task/ns/userns.h"
#include "task/ns/uts.h"

typedef void name_get(char buf[UTS_LEN + 1]);
typedef void name_set(const char *name, size_t n);

static int show_string(struct seq *s, void *arg)
{
	seq_puts(s, arg);
	seq_putc(s, '\n');
	return 0;
}

/* ---- names ---- */

static int show_name(struct seq *s, name_get *get)
{
	char name[UTS_LEN + 1];

	get(name);
	return show_string(s, name);
}

static s64 store_name(char *buf, size_t n, name_set *set)
{
	if (!ns_capable_over(NS_UTS, CAP_SYS_ADMIN))
		return -EPERM;
	set(buf, strcspn(buf, "\n"));
	return (s64)n;
}

static int show_hostname(struct seq *s, void *arg)
{
	return show_name(s, uts_hostname);
}

static s64 store_hostname(void *arg, char *buf, size_t n)
{
	return store_name(buf, n, uts_set_hostname);
}

static int show_domainname(struct seq *s, void *arg)
{
	return show_name(s, uts_domainname);
}

static s64 store_domainname(void *arg, char *buf, size_t n)
{
	return store_name(buf, n, uts_set_domainname);
}

/* ---- random ---- */

static void show_uuid_of(struct seq *s, u8 b[16])
{
	b[6] = (b[6] & 0x0f) | 0x40; /* version 4, RFC 9562 */
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	seq_putc(s, '\n');
}

static int show_uuid(struct seq *s, void *arg)
{
	u8 b[16];

	random_bytes(b, sizeof(b));
	show_uuid_of(s, b);
	return 0;
}

static int show_boot_id(struct seq *s, void *arg)
{
	static u8 id[16];
	static bool made;
	u8 copy[16];

	/* The inode's mutex is held. */
	if (!made)
		random_bytes(id, sizeof(id));
	made = true;
	memcpy(copy, id, sizeof(copy));
	show_uuid_of(s, copy);
	return 0;
}

/* ---- what is counted or computed ---- */

static u64 ram_pages(void)
{
	struct frame_stats f;

	frame_stats(&f);
	return f.limit && f.limit < f.total ? f.limit : f.total;
}

static int show_threads_max(struct seq *s, void *arg)
{
	seq_printf(s, "%d\n", PID_LIMIT);
	return 0;
}

static int show_printk(struct seq *s, void *arg)
{
	seq_printf(s, "%d\t4\t1\t7\n", logread_console_level);
	return 0;
}

static int show_file_nr(struct seq *s, void *arg)
{
	seq_printf(s, "%u\t0\t%llu\n", file_count(), (ull)file_max);
	return 0;
}

static int show_aio_nr(struct seq *s, void *arg)
{
	seq_printf(s, "%u\n", aio_count());
	return 0;
}

static int show_min_free(struct seq *s, void *arg)
{
	seq_printf(s, "%llu\n", (ull)ram_pages() / 256 * 4);
	return 0;
}

/* 1: page cache, 2: dentries, 3: both. */
static s64 store_drop_caches(void *arg, char *buf, size_t n)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (buf[0] < '1' || buf[0] > '4' || (buf[1] && buf[1] != '\n'))
		return -EINVAL;
	if ((buf[0] - '0') & 2)
		dcache_reclaim(~0ULL);
	if ((buf[0] - '0') & 1)
		pagecache_reclaim(~0ULL);
	slab_trim();
	return (s64)n;
}

/* ---- the table ---- */

struct param {
	const char *dir, *name;
	const char *value; /* a fixed one */
	struct text_ops ops;
	/* A number that root may change, of 4 or 8 bytes, within bounds; `clears`: another, of which it takes the place. */
	void *number;
	u32 bytes;
	u64 min, max;
	u32 *clears;
};

static int show_number(struct seq *s, void *arg)
{
	const struct param *p = arg;

	seq_printf(s, "%llu\n",
		   p->bytes == 8 ? (ull)READ_ONCE(*(u64 *)p->number)
				 : (ull)READ_ONCE(*(u32 *)p->number));
	return 0;
}

static s64 store_number(void *arg, char *buf, size_t n)
{
	const struct param *p = arg;
	char *c = buf + strspn(buf, " \t"), *digits = c;
	u64 v = 0;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(v, 10ULL, &v) ||
		    __builtin_add_overflow(v, (u64)(*c - '0'), &v))
			return -EINVAL;
	if (c == digits || (*c && *c != '\n') || v < p->min || v > p->max)
		return -EINVAL;
	if (p->bytes == 8)
		WRITE_ONCE(*(u64 *)p->number, v);
	else
		WRITE_ONCE(*(u32 *)p->number, (u32)v);
	if (p->clears)
		WRITE_ONCE(*p->clears, 0);
	return (s64)n;
}

#define FIXED(d, n, v)                          \
	{                                       \
		.dir = d, .name = n, .value = v \
	}
#define RANGE(d, n, v, lo, hi, ...)                                                          \
	{                                                                                    \
		.dir = d, .name = n, .number = &v, .bytes = sizeof(v), .min = lo, .max = hi, \
		.ops = { .show = show_number, .store = store_number }, __VA_ARGS__           \
	}
#define LIMIT(d, n, v) RANGE(d, n, v, 0, 0x7fffffff)

static u32 swappiness = 60; /* there is nothing to swap to */

static const struct param params[] = {
	LIMIT("fs", "aio-max-nr", aio_max_nr),
	{ "fs", "aio-nr", .ops = { .show = show_aio_nr } },
	RANGE("fs", "file-max", file_max, 0, FILE_MAX),
	{ "fs", "file-nr", .ops = { .show = show_file_nr } },
	LIMIT("fs", "lease-break-time", lease_break_time),
	LIMIT("fs", "leases-enable", leases_enabled),
	LIMIT("fs", "mount-max", mount_max),
	FIXED("fs", "nr_open", "1048576"),
	FIXED("fs", "overflowgid", "65534"),
	FIXED("fs", "overflowuid", "65534"),
	FIXED("fs", "pipe-max-size", "1048576"),
	FIXED("fs", "pipe-user-pages-hard", "0"),
	FIXED("fs", "pipe-user-pages-soft", "0"),
	FIXED("fs", "protected_fifos", "0"),
	FIXED("fs", "protected_hardlinks", "0"),
	FIXED("fs", "protected_regular", "0"),
	FIXED("fs", "protected_symlinks", "0"),
	FIXED("fs", "suid_dumpable", "0"),
	LIMIT("fs/inotify", "max_queued_events", inotify_max_events),
	LIMIT("fs/inotify", "max_user_instances", inotify_max_instances),
	LIMIT("fs/inotify", "max_user_watches", inotify_max_watches),
	FIXED("kernel", "cap_last_cap", "40"),
	FIXED("kernel", "core_pattern", "core"),
	FIXED("kernel", "core_uses_pid", "0"),
	FIXED("kernel", "dmesg_restrict", "0"),
	{ "kernel", "domainname", .ops = { .show = show_domainname, .store = store_domainname } },
	{ "kernel", "hostname", .ops = { .show = show_hostname, .store = store_hostname } },
	FIXED("kernel", "kptr_restrict", "2"),
	FIXED("kernel", "modules_disabled", "1"),
	FIXED("kernel", "ngroups_max", "65536"),
	FIXED("kernel", "osrelease", UTS_RELEASE),
	FIXED("kernel", "ostype", UTS_SYSNAME),
	FIXED("kernel", "overflowgid", "65534"),
	FIXED("kernel", "overflowuid", "65534"),
	FIXED("kernel", "panic", "0"),
	FIXED("kernel", "panic_on_oops", "1"),
	FIXED("kernel", "perf_event_paranoid", "3"),
	{ "kernel", "pid_max", .ops = { .show = show_threads_max } },
	{ "kernel", "printk", .ops = { .show = show_printk } },
	FIXED("kernel", "randomize_va_space", "2"),
	FIXED("kernel", "sysrq", "0"),
	FIXED("kernel", "tainted", "0"),
	{ "kernel", "threads-max", .ops = { .show = show_threads_max } },
	FIXED("kernel", "unprivileged_bpf_disabled", "2"),
	FIXED("kernel", "version", UTS_VERSION),
	{ "kernel/random", "boot_id", .ops = { .show = show_boot_id } },
	FIXED("kernel/random", "entropy_avail", "256"),
	FIXED("kernel/random", "poolsize", "256"),
	{ "kernel/random", "uuid", .ops = { .show = show_uuid } },
	{ "kernel/seccomp", "actions_avail", .ops = { .show = proc_seccomp_avail } },
	{ "kernel/seccomp", "actions_logged",
	  .ops = { .show = proc_seccomp_logged, .store = proc_seccomp_set_logged } },
	FIXED("net/unix", "max_dgram_qlen", "10"),
	/* Nothing but memory limits them; new network namespaces are refused (ns_check_flags). */
	FIXED("user", "max_cgroup_namespaces", "2147483647"),
	FIXED("user", "max_ipc_namespaces", "2147483647"),
	FIXED("user", "max_mnt_namespaces", "2147483647"),
	FIXED("user", "max_net_namespaces", "0"),
	FIXED("user", "max_pid_namespaces", "2147483647"),
	FIXED("user", "max_time_namespaces", "2147483647"),
	FIXED("user", "max_user_namespaces", "2147483647"),
	FIXED("user", "max_uts_namespaces", "2147483647"),
	{ "vm", "drop_caches", .ops = { .store = store_drop_caches } },
	FIXED("vm", "legacy_va_layout", "0"),
	LIMIT("vm", "max_map_count", mm_max_map_count),
	{ "vm", "min_free_kbytes", .ops = { .show = show_min_free } },
	FIXED("vm", "mmap_min_addr", "65536"),
	FIXED("vm", "nr_hugepages", "0"),
	FIXED("vm", "nr_overcommit_hugepages", "0"),
	FIXED("vm", "oom_kill_allocating_task", "0"),
	RANGE("vm", "overcommit_kbytes", proc_overcommit_kbytes, 0, 0x7fffffff,
	      .clears = &proc_overcommit_ratio),
	RANGE("vm", "overcommit_memory", mm_overcommit, 0, 1),
	RANGE("vm", "overcommit_ratio", proc_overcommit_ratio, 0, 0x7fffffff,
	      .clears = &proc_overcommit_kbytes),
	FIXED("vm", "panic_on_oom", "0"),
	RANGE("vm", "swappiness", swappiness, 0, 200),
};
_Static_assert(MMAP_MIN_ADDR == 65536, "vm/mmap_min_addr");

static const struct text_ops string_ops = { .show = show_string };

static int fill(struct inode *sys)
{
	struct inode *dir;

	for (size_t k = 0; k < ARRAY_SIZE(params); k++) {
		const struct text_ops *ops = params[k].value ? &string_ops : &params[k].ops;
		u32 mode = (ops->show ? 0444 : 0) | (ops->store ? 0200 : 0);

		dir = proc_dir_of(sys, params[k].dir);
		if (!dir ||
		    !pseudo_text(dir, params[k].name, mode, ops,
				 params[k].number ? (void *)&params[k] : (void *)params[k].value))
			return -ENOMEM;
	}
	return proc_add_registered(sys, true);
}

int proc_add_sys(struct inode *root)
{
	return pseudo_dir_lazy(root, "sys", 0555, fill) ? 0 : -ENOMEM;
}
