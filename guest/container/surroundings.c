/*
 * surroundings.c - what a container's processes find around them besides files: names, namespaces, kernel parameters, devices.
 *
 * The first container of a sandbox is in the first namespaces. Another one has its own of those kinds that its configuration
 * makes anew; those that it joins by a path, or shares with the host, are the first container's.
 */
#include <string.h>

#include "abi/boot.h"
#include "container/session.h"
#include "fs/boot.h"
#include "fs/file.h"
#include "fs/mount/table.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/ns/ns.h"
#include "task/ns/pidns.h"
#include "task/ns/userns.h"
#include "task/ns/uts.h"

/* ---- namespaces and names ---- */

static bool is_first(const struct session *s)
{
	return s->container->handle == 0;
}

int surroundings_make(struct session *s)
{
	struct container *c = s->container;

	c->cgroup->pids_max = s->spec->pids_max ? s->spec->pids_max : CGROUP_MAX;
	c->cpu_quota = s->spec->cpu_quota;
	c->cpu_period = s->spec->cpu_period;
	c->mem_group = frame_group_create(s->spec->memory_limit);
	if (!c->mem_group) {
		klog("container: no account of memory is left for it");
		return -ENOSPC;
	}
	c->cgroup->memory.account = c->mem_group;
	if (is_first(s) || !(s->spec->own_ns & BOOT_NS_PID))
		return 0;
	c->pid_ns = pid_ns_create(&first_pid_ns, &first_user_ns);
	if (!IS_ERR(c->pid_ns))
		return 0;
	c->pid_ns = NULL;
	return -ENOMEM;
}

static int make_namespaces(struct session *s)
{
	const struct spec *spec = s->spec;
	u64 flags = 0;
	int err;

	if (is_first(s))
		return 0;
	if (spec->own_ns & BOOT_NS_UTS)
		flags |= ns_types[NS_UTS].flag;
	if (spec->own_ns & BOOT_NS_IPC)
		flags |= ns_types[NS_IPC].flag;
	err = flags ? ns_unshare(flags) : 0;
	if (err)
		return err;
	if (flags & ns_types[NS_UTS].flag)
		s->uts = task_ns(task_current(), NS_UTS);
	if (flags & ns_types[NS_IPC].flag)
		s->ipc = task_ns(task_current(), NS_IPC);
	return 0;
}

int surroundings_enter(struct session *s)
{
	struct session *owner = s->container->owner;
	int err = 0;

	if (s->kind == SESSION_CONTAINER) {
		err = make_namespaces(s);
		if (!err && (is_first(s) || s->uts)) {
			uts_set_hostname(s->spec->hostname, strlen(s->spec->hostname));
			uts_set_domainname(s->spec->domainname, strlen(s->spec->domainname));
		}
		return err;
	}
	if (owner && owner->uts)
		err = ns_enter(owner->uts);
	if (!err && owner && owner->ipc)
		err = ns_enter(owner->ipc);
	return err;
}

/* ---- kernel parameters ---- */

/* "net.ipv4.x" or "net/ipv4/x" to "/proc/sys/net/ipv4/x"; the first separator says which form it is. False: too long. */
static bool parameter_path(char *path, size_t size, const char *name, size_t n)
{
	int at = ksnprintf(path, size, "/proc/sys/%.*s", (int)n, name);
	size_t first = strcspn(name, "./");

	if ((size_t)at >= size)
		return false;
	for (char *p = path + strlen("/proc/sys/"); first < n && name[first] == '.' && *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return true;
}

static s64 write_value(struct file *f, const char *value)
{
	size_t n = strlen(value);
	struct iov_seg seg;
	struct iov v;
	u64 pos = 0;

	iov_kernel(&v, &seg, (void *)value, n);
	return file_write(f, &v, &pos);
}

/* The present value with white space as written by configurations: one blank each. */
static bool has_value(const struct path_ref *p, const char *value)
{
	struct file *f = vfs_open_path(p, O_RDONLY);
	char now[256];
	struct iov_seg seg;
	struct iov v;
	u64 pos = 0;
	s64 n;

	if (IS_ERR(f))
		return false;
	iov_kernel(&v, &seg, now, sizeof(now) - 1);
	n = file_read(f, &v, &pos);
	file_put(f);
	for (s64 i = 0; i < n; i++)
		if (now[i] == '\t' || now[i] == '\n')
			now[i] = i + 1 < n ? ' ' : 0;
	now[n < 0 ? 0 : n] = 0;
	return n > 0 && !strcmp(now, value);
}

/* One "name=value". What cannot be changed here stays, with a line in dmesg: programs can read what it is. */
static int set_parameter(const char *line)
{
	size_t n = strcspn(line, "=");
	struct path_ref p;
	struct file *f;
	char path[192];
	s64 ret;

	if (!line[n] || !parameter_path(path, sizeof(path), line, n))
		return -EINVAL;
	ret = path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (ret)
		return (int)ret;
	f = vfs_open_path(&p, O_WRONLY);
	if (!IS_ERR(f)) {
		ret = write_value(f, line + n + 1);
		file_put(f);
	} else if (!has_value(&p, line + n + 1)) {
		klog("sysctl: %.160s: is fixed here and keeps its value", line);
	}
	path_put(&p);
	return ret < 0 ? (int)ret : 0;
}

int surroundings_sysctl(const struct spec *spec, char *why, size_t size)
{
	/* A /proc of this moment: the container may have none, or a read-only one. */
	static const struct fs_mount proc = { .destination = "/proc",
					      .type = "proc",
					      .source = "proc" };
	const struct fs_container tree = { .mounts = &proc, .nmounts = 1, .umask = 022 };
	struct task *t = task_current();
	struct fs_context *before = t->fs, *ctx;
	int err = 0;

	if (!spec->sysctl[0])
		return 0;
	ctx = fs_container_create(&tree, why, size);
	if (IS_ERR(ctx))
		return (int)PTR_ERR(ctx);
	t->fs = ctx;
	for (char **line = spec->sysctl; *line && !err; line++) {
		err = set_parameter(*line);
		if (err)
			ksnprintf(why, size, "linux.sysctl: %.160s", *line);
	}
	t->fs = before;
	fs_container_drop(ctx);
	return err;
}

/* ---- devices ---- */

static int make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int err;

	if (slash == path)
		return 0;
	dir = kmalloc((size_t)(slash - path) + 1);
	if (!dir)
		return -ENOMEM;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = 0;
	err = fs_make_mountpoint(dir, true);
	kfree(dir);
	return err;
}

/* One that is there already gets the owner and mode, if it is the same device. */
static int make_device(const struct spec_device *d)
{
	struct setattr a = { .valid = ATTR_UID | ATTR_GID | ATTR_MODE,
			     .uid = d->uid,
			     .gid = d->gid,
			     .mode = d->mode & 07777 };
	struct path_ref p;
	int err = vfs_mknod(AT_FDCWD, d->path, d->mode, d->rdev);

	if (err == -ENOENT) {
		err = make_parent(d->path);
		if (!err)
			err = vfs_mknod(AT_FDCWD, d->path, d->mode, d->rdev);
	}
	if (err && err != -EEXIST)
		return err;
	err = path_lookup(AT_FDCWD, d->path, 0, &p);
	if (err)
		return err;
	if ((path_inode(&p)->mode & S_IFMT) != (d->mode & S_IFMT) ||
	    (!S_ISFIFO(d->mode) && inode_rdev(path_inode(&p)) != d->rdev))
		err = -EEXIST;
	else
		err = vfs_setattr(&p, &a);
	path_put(&p);
	return err;
}

int surroundings_devices(const struct session *s, char *why, size_t size)
{
	const struct spec *spec = s->spec;
	struct task *t = task_current();
	struct fs_context *before = t->fs, *ctx;
	int err = 0;

	if (!spec->ndevices)
		return 0;
	ctx = fs_context_clone(s->container->fs);
	if (IS_ERR(ctx))
		return (int)PTR_ERR(ctx);
	ctx->umask = 0;
	t->fs = ctx;
	for (unsigned i = 0; i < spec->ndevices && !err; i++) {
		err = make_device(&spec->devices[i]);
		if (err)
			ksnprintf(why, size, "linux.devices[%u]: cannot make %.200s", i,
				  spec->devices[i].path);
	}
	t->fs = before;
	fs_context_put(ctx);
	return err;
}
