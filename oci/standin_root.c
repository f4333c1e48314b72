/*
 * standin_root.c - see standin_root.h. `podman cp` and its like work on /proc/PID/ns/mnt of a container's process and take
 * its root for the container's, and they must not reach the host's files instead.
 *
 * Differs from runc: what lies in the Sentry alone (tmpfs, /dev, /sys) is not there. The tree belongs to the container, which
 * runs by now and may change it: destinations are resolved inside it, and all mounting is by descriptor.
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
#include "oci/oci.h"
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

/*
 * The file that the gofer exports, by its path again: our mount namespace is a copy, in which a descriptor from before cannot
 * be mounted. The path may lead elsewhere by now.
 */
static int open_again(const char *path, int exported)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat a, b;

	if (fd < 0)
		return -1;
	if (fstat(fd, &a) == 0 && fstat(exported, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino)
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

/* A copy of the mount at fd, below `target`. 0, or -1 with errno. */
static int bind_at(int fd, int target, bool read_only, bool recursive)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	unsigned deep = recursive ? AT_RECURSIVE : 0;
	int tree = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | deep);
	int ret, e;

	if (tree < 0)
		return -1;
	ret = read_only ? mount_setattr(tree, "", AT_EMPTY_PATH | deep, &attr, sizeof(attr)) : 0;
	if (ret == 0)
		ret = move_mount(tree, "", target, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	e = errno;
	close(tree);
	errno = e;
	return ret;
}

/* A bind of the configuration; what cannot be shown here is no reason not to run. */
static void show_bind(int root, const struct mount_spec *m, const struct gofer_export *e,
		      const char *bundle)
{
	char path[PATH_MAX];
	int source, target, ret = -1;

	if (snprintf(path, sizeof(path), "%s%s%s", m->source[0] == '/' ? "" : bundle,
		     m->source[0] == '/' ? "" : "/", m->source) >= PATH_MAX)
		return;
	source = open_again(path, e->fd);
	target = source < 0 ? -1 : open_inside(root, m->destination);
	if (target >= 0)
		ret = bind_at(source, target, m->flags & MS_RDONLY, e->cross_mounts);
	if (ret < 0)
		oci_log("debug", "%s is not shown to the host's tools: %s", m->destination,
			strerror(errno));
	if (source >= 0)
		close(source);
	if (target >= 0)
		close(target);
}

static void show_binds(int root, const struct mount_table *t, const char *bundle)
{
	for (unsigned i = 0; i < t->nmounts; i++) {
		const struct mount_spec *m = &t->mounts[i];

		for (unsigned k = 0; m->attach && k < t->nexports; k++)
			if (strcmp(m->attach, t->exports[k].name) == 0)
				show_bind(root, m, &t->exports[k], bundle);
	}
}

static void show_proc(int root)
{
	int fd = open_inside(root, "proc");
	char target[40];

	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	if (fd < 0 || mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		oci_log("debug", "the host's tools find no /proc: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* The root as a mount of its own, opened; it must be the one that the gofer has. */
static int bind_root(const char *rootfs, int exported, struct error *err)
{
	int before = open_again(rootfs, exported), root = -1;
	struct stat st;
	char path[40];

	if (before < 0)
		return error_errno(err, "%s", rootfs);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", before);
	if (fstat(before, &st) == 0 && mount(path, path, NULL, MS_BIND | MS_REC, NULL) == 0)
		root = open_again(rootfs, exported);
	if (root < 0)
		error_errno(err, "bind the container's root for its stand-in");
	close(before);
	return root;
}

int standin_enter_root(const char *rootfs, int root_fd, const char *bundle,
		       const struct mount_table *mounts, struct error *err)
{
	int root = bind_root(rootfs, root_fd, err);

	if (root < 0)
		return -1;
	show_binds(root, mounts, bundle);
	show_proc(root);
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
		close(root);
		return error_errno(err, "leave the host's files");
	}
	close(root);
	return 0;
}
