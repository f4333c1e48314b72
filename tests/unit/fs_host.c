/*
 * fs_host.c - see fs_host.h.
 */
#include <linux/mount.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "fs/anon/epoll.h"
#include "fs/lock.h"
#include "fs/mount/mount.h"
#include "fs/procfs.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/vdso/vdso.h"
#include "task/cgroup/device.h"
#include "task/task.h"
#include "task/ns/userns.h"
#include "tests/unit/fs_host.h"

u64 unit_fsize_limit = ~0ULL;
unsigned unit_signals;
static struct process process;
static struct cred *cred;
static struct frame_stats at_start;
static struct mount *keep;

u64 vdso_image_size(void)
{
	return PAGE_SIZE;
}

paddr_t vdso_image_paddr(void)
{
	return 0x2000;
}

/* ---- what the task layer gives ---- */

struct cred *cred_dup(const struct cred *from)
{
	struct cred *c = malloc(sizeof(*c));

	*c = *from;
	ref_init(&c->ref);
	return c;
}

void cred_get(struct cred *c)
{
	ref_get(&c->ref);
}

void cred_put(struct cred *c)
{
	if (ref_put(&c->ref))
		free(c);
}

void task_poll(void)
{
}

u32 cgroup_device_programs;

int cgroup_device_ask(u32 mode, u32 rdev, u32 access)
{
	return 0;
}

bool capable(int cap)
{
	return task_current()->cred->cap_effective >> cap & 1;
}

bool ns_capable(const struct user_ns *ns, int cap)
{
	return capable(cap);
}

struct user_ns first_user_ns;
struct ns_type ns_types[NS_KINDS];

struct user_ns *ns_owner(const struct ns_common *n)
{
	return &first_user_ns;
}

u32 ns_new_inum(void)
{
	static u32 last;

	return ++last;
}

void user_ns_get(struct user_ns *ns)
{
	ref_get(&ns->c.ref);
}

void user_ns_put(struct user_ns *ns)
{
	ref_put(&ns->c.ref);
}

/* One namespace: numbers are what they are. */
u32 kuid_here(u32 uid)
{
	return uid;
}
u32 kgid_here(u32 gid)
{
	return gid;
}
u32 show_uid(u32 kuid)
{
	return kuid;
}
u32 show_gid(u32 kgid)
{
	return kgid;
}

bool capable_over_ids(u32 kuid, u32 kgid, int cap)
{
	return capable(cap); /* one user namespace */
}

bool cred_capable_over_ids(const struct cred *c, u32 kuid, u32 kgid, int cap)
{
	return c->cap_effective >> cap & 1;
}

u64 task_rlimit(int resource)
{
	return resource == RLIMIT_FSIZE	   ? unit_fsize_limit
	       : resource == RLIMIT_NOFILE ? 1024
					   : ~0ULL;
}

int signal_task(struct task *t, int signo, const struct siginfo *info)
{
	unit_signals++;
	return 0;
}

bool signal_pending(struct task *t)
{
	return false;
}

static u64 rlimit(int resource)
{
	return ~0ULL;
}

static struct mm *current_mm(void)
{
	return NULL;
}

static void oom(u64 frames)
{
}

/* Weak: the test of the ring answers doorbells. */
void __attribute__((weak)) doorbell_ring(unsigned queue)
{
}

/* Nor is any file asynchronous (fs/async.c). */
void async_forget(struct file *f);
void __attribute__((weak)) async_forget(struct file *f)
{
}

/* Nobody asks for a lease (fs/lease.c). */
int __attribute__((weak)) lease_break(struct inode *i, u32 flags)
{
	return 0;
}

/* Nor for the descriptors of another task, which this guards. */
struct spinlock task_lock = SPINLOCK_INIT;

/* No epoll here, so no file is watched. */
void __attribute__((weak)) epoll_forget(struct file *f)
{
}

/* ---- the machine ---- */

void unit_fs_user(u32 uid, u32 gid, u64 caps)
{
	struct cred *c = cred_dup(cred);

	c->uid = c->euid = c->suid = c->fsuid = uid;
	c->gid = c->egid = c->sgid = c->fsgid = gid;
	c->cap_effective = c->cap_permitted = caps;
	c->ngroups = 0;
	cred_put(cred);
	cred = c;
	task_current()->cred = c;
}

void unit_fs_start(void)
{
	static const struct mm_hooks hooks = { .rlimit = rlimit,
					       .current_mm = current_mm,
					       .oom = oom };
	static const struct cred root = { .cap_effective = ~0ULL, .cap_permitted = ~0ULL };

	unit_platform_init(64UL << 20, 64UL << 20);
	frame_init(platform_ram_free(), 64UL << 20, ARENA_PADDR + ARENA_FRAMES, 63UL << 20);
	mm_init();
	mm_set_hooks(&hooks);
	frame_stats(&at_start);
	process.pid = 1;
	process.nr_threads = 1;
	cred = cred_dup(&root);
	task_current()->process = &process;
	task_current()->cred = cred;
}

void unit_fs_root(struct mount *m)
{
	struct path_ref p = { m, m->root };
	struct task *t = task_current();

	mount_get(m);
	keep = m;
	t->fs = fs_context_clone(NULL);
	fs_context_set_root(t->fs, &p);
	fs_context_set_cwd(t->fs, &p);
	t->fs->umask = 0;
	t->fs->ns = mount_ns_create(m, NULL);
	t->files = fdtable_create();
}

void unit_fs_init(const char *root_options)
{
	struct mount_args a = { .source = "root", .data = root_options };
	struct mount *m;

	unit_fs_start();
	m = mount_create(fs_find("tmpfs"), &a);
	CHECK(!IS_ERR(m));
	unit_fs_root(m);
}

void unit_fs_end(void)
{
	struct task *t = task_current();
	struct frame_stats st;

	fdtable_put(t->files);
	fs_context_put(t->fs);
	/* The namespace went, and its mounts with it. */
	CHECK_EQ(keep->ref.n, 1);
	mount_put(keep);
	cred_put(cred);
	/* Mounts are kept for reuse: see dentry.h. */
	slab_trim();
	frame_stats(&st);
	if (st.free + 16 < at_start.free) {
		fprintf(stderr, "%llu frames leaked, slab %zu\n",
			(unsigned long long)(at_start.free - st.free), slab_bytes());
		exit(1);
	}
	if (slab_bytes() > 4096) {
		fprintf(stderr, "heap leaked: %zu bytes\n", slab_bytes());
		exit(1);
	}
}

/* ---- short forms ---- */

int t_open(const char *name, u32 flags, u32 mode)
{
	struct file *f = vfs_open(AT_FDCWD, name, flags, mode);
	int fd;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static s64 rw(int fd, void *buf, size_t n, u64 *pos, bool write)
{
	struct file *f = fd_get(fd);
	struct iov_seg one;
	struct iov v;
	s64 r;

	if (IS_ERR(f))
		return PTR_ERR(f);
	iov_kernel(&v, &one, buf, n);
	r = write ? file_write(f, &v, pos) : file_read(f, &v, pos);
	file_put(f);
	return r;
}

s64 t_write(int fd, const void *buf, size_t n)
{
	return rw(fd, (void *)buf, n, NULL, true);
}

s64 t_read(int fd, void *buf, size_t n)
{
	return rw(fd, buf, n, NULL, false);
}

s64 t_pwrite(int fd, const void *buf, size_t n, u64 pos)
{
	return rw(fd, (void *)buf, n, &pos, true);
}

s64 t_pread(int fd, void *buf, size_t n, u64 pos)
{
	return rw(fd, buf, n, &pos, false);
}

void t_file(const char *name, const char *text)
{
	int fd = t_open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	if (fd < 0)
		fprintf(stderr, "%s: error %d\n", name, -fd);
	CHECK(fd >= 0);
	CHECK_EQ(t_write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(fd_close(fd), 0);
}

const char *t_text(const char *name)
{
	static char buf[8192];
	int fd = t_open(name, O_RDONLY, 0);
	s64 n;

	if (fd < 0)
		return NULL;
	n = t_read(fd, buf, sizeof(buf) - 1);
	fd_close(fd);
	if (n < 0)
		return NULL;
	buf[n] = 0;
	return buf;
}

static int do_stat(const char *name, struct stat_info *st, unsigned lookup)
{
	struct path_ref p;
	int err = path_lookup(AT_FDCWD, name, lookup, &p);

	if (err)
		return err;
	err = vfs_stat(&p, st);
	path_put(&p);
	return err;
}

int t_stat(const char *name, struct stat_info *st)
{
	return do_stat(name, st, LOOKUP_FOLLOW);
}

int t_lstat(const char *name, struct stat_info *st)
{
	return do_stat(name, st, 0);
}

struct collect {
	struct dir_context ctx;
	char names[512][64];
	unsigned n;
	bool one, got;
};

static bool collect_emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
			 unsigned type)
{
	struct collect *c = container_of(ctx, struct collect, ctx);

	if (c->one && c->got)
		return false;
	c->got = true;
	CHECK(next != 0 && ino != 0 && len < 64 && c->n < 512);
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	memcpy(c->names[c->n], name, len);
	c->names[c->n++][len] = 0;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *t_list(const char *name, bool small_buffer)
{
	static struct collect c;
	static char out[512 * 65];
	int fd = t_open(name, O_RDONLY | O_DIRECTORY, 0);
	struct file *f;
	char *p = out;

	if (fd < 0)
		return NULL;
	memset(&c, 0, sizeof(c));
	c.ctx.emit = collect_emit;
	c.one = small_buffer;
	f = fd_get(fd);
	do {
		c.got = false;
		mutex_lock(&f->inode->mutex);
		CHECK_EQ(f->ops->readdir(f, &c.ctx), 0);
		mutex_unlock(&f->inode->mutex);
	} while (c.got);
	file_put(f);
	fd_close(fd);
	qsort(c.names, c.n, 64, by_name);
	*p = 0;
	for (unsigned i = 0; i < c.n; i++)
		p += sprintf(p, "%s%s", i ? " " : "", c.names[i]);
	return out;
}

/* There is no /proc here, and so no file of a namespace. */
struct ns_common *proc_ns_of_inode(const struct inode *i)
{
	(void)i;
	return NULL;
}

int t_chmod(const char *name, u32 mode)
{
	struct setattr a = { .valid = ATTR_MODE, .mode = mode };
	struct path_ref p;
	int err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = vfs_setattr(&p, &a);
	path_put(&p);
	return err;
}
