/*
 * namespaces.c - see namespaces.h.
 *
 * The order: pid namespaces act on children, so one that is joined is entered before the fork, by the caller, who is about to
 * end anyway; the rest is entered by the child. The user namespace comes first of those: it owns the new others. Its maps are
 * written by the parent, which still has the right to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/namespaces.h"
#include "oci/report.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
	unsigned long flag;
	const char *file; /* below /proc/PID/ns */
} kinds[OCI_NS_TYPES] = {
	[OCI_NS_PID] = { CLONE_NEWPID, "pid" },		 [OCI_NS_NETWORK] = { CLONE_NEWNET, "net" },
	[OCI_NS_MOUNT] = { CLONE_NEWNS, "mnt" },	 [OCI_NS_IPC] = { CLONE_NEWIPC, "ipc" },
	[OCI_NS_UTS] = { CLONE_NEWUTS, "uts" },		 [OCI_NS_USER] = { CLONE_NEWUSER, "user" },
	[OCI_NS_CGROUP] = { CLONE_NEWCGROUP, "cgroup" }, [OCI_NS_TIME] = { CLONE_NEWTIME, "time" },
};

bool in_user_namespace(void)
{
	unsigned long inside, outside, count;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool whole = f && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
		     outside == 0 && count == 4294967295UL;

	if (f)
		fclose(f);
	return f && !whole;
}

void namespaces_close(struct namespace_plan *p)
{
	for (int i = 0; i < OCI_NS_TYPES; i++) {
		if (p->join[i] >= 0)
			close(p->join[i]);
		p->join[i] = -1;
	}
}

/* The path must be a namespace of that type: setns checks again, but its errno says nothing. */
static int open_path(const struct oci_namespace *ns, struct error *err)
{
	int fd = open(ns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return error_errno(err, "linux.namespaces: %s: %s", kinds[ns->type].file, ns->path);
	if ((unsigned long)ioctl(fd, NS_GET_NSTYPE) != kinds[ns->type].flag) {
		close(fd);
		return error_set(err, EINVAL, "linux.namespaces: %s is no %s namespace", ns->path,
				 kinds[ns->type].file);
	}
	return fd;
}

int namespaces_plan(const struct oci_config *c, struct namespace_plan *p, struct error *err)
{
	p->make = 0;
	for (int i = 0; i < OCI_NS_TYPES; i++)
		p->join[i] = -1;
	for (size_t i = 0; i < c->linux_.namespaces.n; i++) {
		const struct oci_namespace *ns = &c->linux_.namespaces.items[i];
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[ns->type].file);
		if (access(path, F_OK) < 0) {
			namespaces_close(p);
			return error_set(err, ENOTSUP,
					 "linux.namespaces[%zu]: this host has no %s namespaces", i,
					 kinds[ns->type].file);
		}
		if (!ns->path) {
			p->make |= kinds[ns->type].flag;
			continue;
		}
		p->join[ns->type] = open_path(ns, err);
		if (p->join[ns->type] < 0) {
			namespaces_close(p);
			return -1;
		}
	}
	return 0;
}

static int write_file(pid_t pid, const char *file, const char *text, struct error *err)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : write(fd, text, strlen(text));
	if (n < 0)
		error_errno(err, "write %s", path);
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static int write_map(pid_t pid, const char *file, const struct oci_id_map *m, size_t n,
		     struct error *err)
{
	char text[4096];
	size_t len = 0;

	for (size_t i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%lld %lld %lld\n",
					(long long)m[i].container, (long long)m[i].host,
					(long long)m[i].size);
	if (len >= sizeof(text))
		return error_set(err, E2BIG, "linux.uidMappings: too many");
	return n ? write_file(pid, file, text, err) : 0;
}

/* setgroups must be given up before an unprivileged writer may set the gid map. */
static int write_maps(const struct oci_config *c, pid_t pid, struct error *err)
{
	const struct oci_linux *l = &c->linux_;

	if (write_map(pid, "uid_map", l->uid_map.items, l->uid_map.n, err) < 0)
		return -1;
	if (geteuid() != 0 && l->gid_map.n && write_file(pid, "setgroups", "deny", err) < 0)
		return -1;
	return write_map(pid, "gid_map", l->gid_map.items, l->gid_map.n, err);
}

/* In the child. The rest of the new ones belong to the user namespace, if there is one. */
static int enter_rest(const struct namespace_plan *p, struct error *err)
{
	static const int order[] = { OCI_NS_USER, OCI_NS_NETWORK, OCI_NS_IPC,
				     OCI_NS_UTS,  OCI_NS_CGROUP,  OCI_NS_MOUNT };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (p->join[order[i]] >= 0 && setns(p->join[order[i]], 0) < 0)
			return error_errno(err, "join the %s namespace", kinds[order[i]].file);
	if (unshare((int)(p->make & ~(CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWTIME))) < 0)
		return error_errno(err, "make the container's namespaces");
	return 0;
}

/*
 * A mount namespace in any case: /proc must show the pid namespace that the stand-in is in, to it alone. What the host
 * unmounts later goes here too, or a root would stay busy; what is mounted here stays here.
 */
static int own_proc(const struct namespace_plan *p, struct error *err)
{
	if (!(p->make & CLONE_NEWNS) && unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return error_errno(err, "mount /proc for the container's process");
	return 0;
}

/* Become root of the new user namespace; whoever it maps to outside. */
static int become_root(const struct oci_config *c, struct error *err)
{
	if (c->linux_.gid_map.n && setresgid(0, 0, 0) < 0)
		return error_errno(err, "be group 0 of the user namespace");
	if (c->linux_.uid_map.n && setresuid(0, 0, 0) < 0)
		return error_errno(err, "be user 0 of the user namespace");
	/* Changing ids took our own files below /proc from us; launcher and gofer get their maps through theirs. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

static int child_side(const struct oci_config *c, struct namespace_plan *p, int sync,
		      struct error *err)
{
	char go;

	/* The maps first: without them nothing else is allowed. */
	if (p->make & CLONE_NEWUSER) {
		if (read(sync, &go, 1) != 1)
			return -1;
		if (become_root(c, err) < 0)
			return -1;
	}
	if (enter_rest(p, err) < 0)
		return -1;
	return own_proc(p, err);
}

/* A child, born in the cgroup *v2 if the host lets it; else that is closed and -1. */
static pid_t clone_into(struct clone_args *args, int *v2)
{
	struct clone_args into = *args;
	pid_t pid;

	if (*v2 >= 0) {
		into.flags |= CLONE_INTO_CGROUP;
		into.cgroup = (uint64_t)*v2;
		pid = (pid_t)syscall(SYS_clone3, &into, sizeof(into));
		if (pid >= 0)
			return pid;
		close(*v2);
		*v2 = -1;
	}
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

pid_t namespaces_fork(const struct oci_config *c, struct namespace_plan *p, const struct cgroup *g,
		      struct error *err)
{
	struct clone_args args = {
		.flags = p->make & (CLONE_NEWPID | CLONE_NEWUSER),
		.exit_signal = SIGCHLD,
	};
	int sync[2], back[2], v2 = g ? cgroup_v2_fd(g) : -1;
	struct error failed = { 0 };
	int ret = -1;
	pid_t pid;

	if (p->join[OCI_NS_PID] >= 0 && setns(p->join[OCI_NS_PID], CLONE_NEWPID) < 0)
		return error_errno(err, "join the pid namespace");
	if (pipe2(sync, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	pid = clone_into(&args, &v2);
	if (pid == 0) {
		close(sync[1]);
		close(back[0]);
		if (!g || cgroup_enter(g, v2 >= 0, &failed) == 0)
			ret = child_side(c, p, sync[0], &failed);
		if (report_send(back[1], ret < 0 ? &failed : NULL) < 0 || ret < 0)
			_exit(1);
		close(sync[0]);
		close(back[1]);
		if (v2 >= 0)
			close(v2);
		namespaces_close(p);
		return 0;
	}
	if (v2 >= 0)
		close(v2);
	close(sync[0]);
	close(back[1]);
	if (pid < 0)
		error_errno(err, "make the container's process");
	else if (p->make & CLONE_NEWUSER &&
		 (write_maps(c, pid, err) < 0 || write(sync[1], "", 1) != 1))
		kill(pid, SIGKILL);
	else
		ret = report_hear(back[0], "the container's process died at once", err);
	close(sync[1]);
	close(back[0]);
	if (pid > 0 && ret < 0) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	return pid;
}
