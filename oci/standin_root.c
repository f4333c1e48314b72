/*
 * standin_root.c - see standin_root.h. `podman cp` and its like work on /proc/PID/ns/mnt of a container's process and take
 * its root for the container's, and they must not reach the host's files instead.
 *
 * Differs from runc: what lies in the Sentry alone (tmpfs, /dev, /sys) is not there. The tree belongs to the container, which
 * runs by now and may change it: destinations are resolved inside it and mounted on by descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/mount_table.h"
#include "oci/mounts.h"
#include "oci/oci.h"
#include "oci/pool.h"
#include "oci/standin_root.h"

/* The place in the tree, with its own links followed inside it. -1: there is none. */
static int open_inside(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	while (*path == '/')
		path++;
	return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
}

static int mount_on(int fd, const char *source, const char *type, unsigned long flags)
{
	char target[40];

	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	return mount(source, target, type, flags, NULL);
}

/* A bind of the configuration; what cannot be shown here is no reason not to run. */
static void show_bind(int root, const struct oci_mount *o, const char *bundle, struct pool *pool)
{
	struct mount_spec m = { .destination = o->destination };
	bool bind, recursive;
	char source[PATH_MAX];
	int fd;

	if (oci_mount_options(o->options, &m, &bind, &recursive, pool, NULL) < 0 ||
	    (!bind && (!o->type || strcmp(o->type, "bind") != 0)))
		return;
	if (snprintf(source, sizeof(source), "%s%s%s", o->source[0] == '/' ? "" : bundle,
		     o->source[0] == '/' ? "" : "/", o->source) >= PATH_MAX)
		return;
	fd = open_inside(root, o->destination);
	if (fd < 0)
		return;
	if (mount_on(fd, source, NULL, MS_BIND | (recursive ? MS_REC : 0)) < 0) {
		oci_log("debug", "%s is not shown to the host's tools: %s", o->destination,
			strerror(errno));
		close(fd);
		return;
	}
	close(fd);
	if (!(m.flags & MS_RDONLY))
		return;
	fd = open_inside(root, o->destination);
	if (fd < 0 || mount_on(fd, NULL, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID) < 0)
		oci_log("debug", "%s is shown writable to the host's tools: %s", o->destination,
			strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void show_proc(int root)
{
	int fd = open_inside(root, "proc");

	if (fd < 0 || mount_on(fd, "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC) < 0)
		oci_log("debug", "the host's tools find no /proc: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

int standin_enter_root(const char *rootfs, const char *bundle, const struct oci_config *config,
		       struct error *err)
{
	struct pool pool = POOL_INIT;
	int root;

	if (mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0)
		return error_errno(err, "bind the container's root for its stand-in");
	root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, "%s", rootfs);
	for (size_t i = 0; i < config->mounts.n; i++)
		show_bind(root, &config->mounts.items[i], bundle, &pool);
	pool_free(&pool);
	show_proc(root);
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
		close(root);
		return error_errno(err, "leave the host's files");
	}
	close(root);
	return 0;
}
