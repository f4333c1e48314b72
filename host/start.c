/*
 * start.c - see start.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cmd.h"
#include "host/error.h"
#include "host/jail.h"
#include "host/memory.h"
#include "host/start.h"
#include "host/stream_fd.h"

unsigned sandbox_cpus(void)
{
	cpu_set_t set;
	int n;

	/* EINVAL: more CPUs than the set has room for. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return SANDBOX_CPUS_MAX;
	n = CPU_COUNT(&set);
	return n < SANDBOX_CPUS_MAX ? (unsigned)n : SANDBOX_CPUS_MAX;
}

#define ARENA_SIZE_MIN (64ULL << 20)

/* 64 eventfds, the gofer's files: the soft limit of 1,024 is for select's sake, which nobody here uses. */
static void raise_nofile(struct sandbox *sb)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		sb->nofile = r.rlim_cur;
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int sandbox_prepare(struct sandbox *sb, struct error *err)
{
	uint64_t arena = sb->ram_size / 4 & ~0x1fffffULL;

	if (jail_prepare(err) < 0 ||
	    memory_create_shared(sb, arena > ARENA_SIZE_MIN ? arena : ARENA_SIZE_MIN, err) < 0)
		return -1;
	sb->dax = sb->dax && sb->platform->windows;
	if (sb->dax && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sb->dax_fd) < 0)
		return error_errno(err, "make the socket of file windows");
	raise_nofile(sb);
	return 0;
}

/*
 * The root for the gofer: a private copy of its mounts without devices, setuid programs and, if read-only, writes. An
 * unprivileged caller may not be able to copy mounts; then the directory itself has to do, and the gofer's own checks.
 */
static int private_tree(int root_fd, bool rw, bool recursive)
{
	unsigned rec = recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
					       (rw ? 0 : MOUNT_ATTR_RDONLY) };
	int fd = (int)syscall(SYS_open_tree, root_fd, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | rec);

	if (fd < 0)
		return fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | rec, &attr, sizeof(attr)) < 0) {
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | rec, &attr, sizeof(attr));
	}
	return fd;
}

/* A privileged gofer reads every file of its root; one that writes also gives owners away. */
static uint64_t gofer_caps(bool rw)
{
	enum { CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID };

	if (geteuid() != 0)
		return 0;
	return rw ? 1ULL << CHOWN | 1ULL << DAC_OVERRIDE | 1ULL << DAC_READ_SEARCH |
			       1ULL << FOWNER | 1ULL << FSETID
		  : 1ULL << DAC_READ_SEARCH;
}

static void gofer_child(const struct gofer_config *gc, struct error *err)
{
	prctl(PR_SET_NAME, "moat-gofer");
	if (jail_enter(gofer_caps(!gofer_read_only(gc)), err) < 0 || gofer_main(gc, err) < 0) {
		dprintf(2, "moat: gofer: %s\n", err->msg);
		_exit(EXIT_MOAT);
	}
	_exit(0);
}

/* Directories as private trees, files as they are: all descriptors in *out are ours. NULL with *err. */
static struct gofer_export *private_exports(const struct gofer_start *g, struct error *err)
{
	struct gofer_export *e = calloc(g->nexports + 1, sizeof(*e));
	struct stat st;

	for (unsigned i = 0; e && i < g->nexports; i++) {
		e[i] = g->exports[i];
		e[i].fd = fstat(e[i].fd, &st) == 0 && S_ISDIR(st.st_mode)
				  ? private_tree(e[i].fd, !e[i].read_only, e[i].cross_mounts)
				  : fcntl(e[i].fd, F_DUPFD_CLOEXEC, 3);
		if (e[i].fd >= 0)
			continue;
		error_errno(err, "export %s", e[i].name);
		while (i--)
			close(e[i].fd);
		free(e);
		return NULL;
	}
	if (!e)
		error_set(err, ENOMEM, "out of memory");
	return e;
}

pid_t gofer_start(const struct gofer_start *g, struct error *err)
{
	struct gofer_config gc = {
		.root_fd = private_tree(g->root_fd, g->rw, true),
		.read_only = !g->rw,
		.cross_mounts = true,
		.set_owner = geteuid() == 0,
		.keep_dac_read = geteuid() == 0,
		.hidden = g->hidden,
		.nexports = g->nexports,
		.arena_fd = g->arena_fd,
		.arena_size = g->arena_size,
		.queues = &g->queue,
		.nqueues = 1,
		.stream_fd = -1,
		.lifeline_fd = -1,
		.dax_fd = g->dax_fd,
	};
	struct gofer_export *exports;
	pid_t pid = -1;

	if (gc.root_fd < 0)
		return error_errno(err, "open the root for the gofer");
	gc.exports = exports = private_exports(g, err);
	if (exports) {
		pid = jail_fork(err);
		if (pid == 0)
			gofer_child(&gc, err);
		for (unsigned i = 0; i < g->nexports; i++)
			close(exports[i].fd);
		free(exports);
	}
	close(gc.root_fd);
	return pid;
}

pid_t launcher_start(const struct launcher_config *lc, struct error *err)
{
	struct launcher_config own = *lc;
	pid_t pid = -1;
	unsigned n;

	for (n = 0; n < 3; n++) {
		own.stdio[n] = stream_fd_own(lc->stdio[n]);
		if (own.stdio[n] < 0) {
			error_errno(err, "standard stream %u", n);
			break;
		}
	}
	if (n == 3)
		pid = jail_fork(err);
	if (pid == 0)
		launcher_main(&own);
	while (n--)
		close(own.stdio[n]);
	return pid;
}
