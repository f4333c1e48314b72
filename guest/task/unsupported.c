/*
 * unsupported.c - see unsupported.h. A small table of what was asked for; a process keeps the index of its last one, so
 * that a fork costs nothing. Once the table is full, further things are in dmesg alone.
 *
 * Lock: one innermost spinlock for the table, whose entries never change once they are made, but for `told`.
 */
#include <string.h>

#include "lib/log.h"
#include "task/task.h"
#include "task/unsupported.h"

#define USES	  64
#define PATH_KEPT 64

static struct use {
	char comm[TASK_COMM_LEN];
	const char *what; /* NULL: a path */
	u64 value;
	bool call;
	bool told;
	char path[PATH_KEPT];
} uses[USES];
static unsigned nr_uses;
static struct spinlock lock = SPINLOCK_INIT;

static bool same(const struct use *a, const struct use *b)
{
	return a->what == b->what && a->value == b->value && strcmp(a->comm, b->comm) == 0 &&
	       strcmp(a->path, b->path) == 0;
}

static void remember(struct use *u)
{
	struct task *t = task_current();
	unsigned i;

	memcpy(u->comm, t->comm, sizeof(u->comm));
	spin_lock(&lock);
	for (i = 0; i < nr_uses && !same(&uses[i], u); i++)
		;
	if (i == nr_uses && i < USES)
		uses[nr_uses++] = *u;
	spin_unlock(&lock);
	if (i < USES)
		WRITE_ONCE(t->process->unsupported, (u16)(i + 1));
}

void unsupported(const char *what, u64 value)
{
	struct task *t = task_current();
	struct use u = { .what = what, .value = value };

	remember(&u);
	klog_once((u64)(uintptr_t)what ^ value << 40 ^ *(const u64 *)t->comm,
		  "%s: %s (0x%llx) is not supported", t->comm, what, (unsigned long long)value);
}

void unsupported_call(const char *name, u64 nr)
{
	struct task *t = task_current();
	struct use u = { .what = name, .value = nr, .call = true };

	remember(&u);
	klog_once(nr << 32 ^ *(const u64 *)t->comm, "%s: system call %s (%llu) is not supported",
		  t->comm, name, (unsigned long long)nr);
}

/*
 * Is it a file that every Linux has? What depends on how a kernel was configured, which modules are loaded or what hardware there
 * is, programs only try; and a name that no Linux has is the caller's mistake.
 */
static bool every_linux_has(const char *path)
{
	/* Those that end in a slash or underscore: whatever goes on so. */
	static const char *const names[] = {
		"/proc/buddyinfo",
		"/proc/dma",
		"/proc/iomem",
		"/proc/ioports",
		"/proc/kallsyms",
		"/proc/misc",
		"/proc/schedstat",
		"/proc/self/",
		"/proc/softirqs",
		"/proc/sys/fs/",
		"/proc/sys/kernel/",
		"/proc/sys/net/core/",
		"/proc/sys/net/ipv4/tcp_",
		"/proc/sys/vm/",
		"/proc/sysrq-trigger",
		"/proc/vmallocinfo",
		"/proc/zoneinfo",
		"/sys/devices/system/cpu/vulnerabilities/",
	};
	static const char *const but[] = {
		"/proc/self/attr/",	     "/proc/self/cwd/",	       "/proc/self/fd",
		"/proc/self/map_files/",     "/proc/self/root/",       "/proc/self/task/",
		"/proc/sys/fs/binfmt_misc/", "/proc/sys/kernel/yama/", "/proc/sys/vm/nr_hugepages",
	};
	bool found = false;

	for (unsigned i = 0; i < ARRAY_SIZE(names) && !found; i++) {
		size_t n = strlen(names[i]);
		bool prefix = names[i][n - 1] == '/' || names[i][n - 1] == '_';

		found = strncmp(path, names[i], n) == 0 && (prefix || !path[n]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(but) && found; i++)
		found = strncmp(path, but[i], strlen(but[i])) != 0;
	return found;
}

void unsupported_path(const char *path)
{
	struct use u = { 0 };

	if (!every_linux_has(path))
		return;
	strncpy(u.path, path, sizeof(u.path) - 1);
	remember(&u);
}

void unsupported_got_on(void)
{
	struct process *p = task_current()->process;
	unsigned i = READ_ONCE(p->unsupported);

	if (i && !uses[i - 1].what)
		WRITE_ONCE(p->unsupported, 0);
}

/* The value of a socket option is its level and its name. */
static void describe(const struct use *u, char *buf, size_t size)
{
	if (!u->what)
		ksnprintf(buf, size, "%s does not exist here", u->path);
	else if (u->call)
		ksnprintf(buf, size, "system call %s (%llu) is not supported", u->what,
			  (unsigned long long)u->value);
	else if (strcmp(u->what, "setsockopt") == 0 || strcmp(u->what, "getsockopt") == 0)
		ksnprintf(buf, size, "%s(level %u, option %u) is not supported", u->what,
			  (u32)(u->value >> 32), (u32)u->value);
	else
		ksnprintf(buf, size, "%s (0x%llx) is not supported", u->what,
			  (unsigned long long)u->value);
}

bool unsupported_last(const struct process *p, char *buf, size_t size)
{
	unsigned i = READ_ONCE(p->unsupported);
	struct use *u = &uses[i - 1];
	bool fresh;

	if (!i || strcmp(u->comm, task_current()->comm) != 0)
		return false;
	spin_lock(&lock);
	fresh = !u->told;
	u->told = true;
	spin_unlock(&lock);
	if (fresh)
		describe(u, buf, size);
	return fresh;
}
