/*
 * jail.c - namespaces, empty root, capabilities, seccomp: see jail.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/error.h"
#include "host/jail.h"
#include "host/label.h"

static bool identity_only; /* unprivileged: only our own ids are mapped */

static int write_file(const char *path, const char *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return error_errno(err, "open %s", path);
	n = write(fd, text, strlen(text));
	if (n < 0)
		error_errno(err, "write %s", path);
	close(fd);
	return n < 0 ? -1 : 0;
}

static bool have_admin(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	return syscall(SYS_capget, &h, d) == 0 && (d[0].effective >> CAP_SYS_ADMIN & 1) &&
	       (d[0].effective >> CAP_SETUID & 1);
}

/* The ids that there are in our own user namespace, each as itself; all of them on the host. */
static int identity_map(const char *own, char *text, size_t size, struct error *err)
{
	FILE *f = fopen(own, "re");
	unsigned long first, count;
	size_t n = 0;

	if (!f)
		return error_errno(err, "open %s", own);
	text[0] = 0;
	while (fscanf(f, "%lu %*u %lu", &first, &count) == 2 && n < size)
		n += (size_t)snprintf(text + n, size - n, "%lu %lu %lu\n", first, first, count);
	fclose(f);
	return n && n < size ? 0 : error_set(err, E2BIG, "%s has no lines, or too many", own);
}

static int map_ids_of(pid_t pid, const char *file, unsigned only, struct error *err)
{
	char own[32], path[64], text[2048];

	snprintf(own, sizeof(own), "/proc/self/%s", file);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	if (identity_only)
		snprintf(text, sizeof(text), "%u %u 1", only, only);
	else if (identity_map(own, text, sizeof(text), err) < 0)
		return -1;
	return write_file(path, text, err);
}

static int map_ids(pid_t pid, struct error *err)
{
	char path[64];

	if (identity_only) {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
		if (write_file(path, "deny", err) < 0)
			return -1;
	}
	if (map_ids_of(pid, "uid_map", geteuid(), err) < 0)
		return -1;
	return map_ids_of(pid, "gid_map", getegid(), err);
}

int jail_prepare(struct error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char text[64];

	if (have_admin())
		return 0;
	identity_only = true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return error_errno(err, "cannot make a user namespace; run as root, or allow user "
					"namespaces (sysctl user.max_user_namespaces)");
	if (write_file("/proc/self/setgroups", "deny", err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	if (write_file("/proc/self/uid_map", text, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", text, err);
}

/* Did the one at the other end of the pipe end, by somebody's SIGKILL, before we were done with it? */
static bool reader_gone(int fd)
{
	struct pollfd p = { fd, 0, 0 };

	return poll(&p, 1, 0) == 1 && p.revents & POLLERR;
}

pid_t jail_fork(struct error *err)
{
	const unsigned long ns = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
				 CLONE_NEWUTS | CLONE_NEWNET;
	int gate[2];
	pid_t pid;
	char c;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	fflush(NULL);
	pid = (pid_t)syscall(SYS_clone, ns | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		error_errno(err, "cannot make namespaces for a sandbox process");
		close(gate[0]);
		close(gate[1]);
		return -1;
	}
	if (pid == 0) {
		/*
		 * The ids are mapped when the byte arrives; end of file means that the parent is gone. A parent that
		 * dies before the prctl sends no signal but closes the pipe, a later one does both.
		 */
		close(gate[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(gate[0], &c, 1) != 1)
			_exit(125);
		close(gate[0]);
		setsid();
		return 0;
	}
	close(gate[0]);
	/* A child that died meanwhile is found by wait, as at any other moment. */
	if ((map_ids(pid, err) < 0 || write(gate[1], "", 1) != 1) && !reader_gone(gate[1])) {
		kill(pid, SIGKILL);
		close(gate[1]);
		return -1;
	}
	close(gate[1]);
	return pid;
}

/* An empty tmpfs becomes the root; the old tree is detached. */
static int empty_root(struct error *err)
{
	int old, fs, mnt = -1, ret = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, "make / private");
	old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (old < 0 || fs < 0) {
		error_errno(err, "open a tmpfs");
		goto out;
	}
	syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "4096", 0);
	syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", "4", 0);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
	    (mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)) < 0) {
		error_errno(err, "mount a tmpfs");
		goto out;
	}
	/* Any directory serves as the mount point; this mount namespace is ours alone. */
	if (syscall(SYS_move_mount, mnt, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0 &&
	    syscall(SYS_move_mount, mnt, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) < 0 &&
	    syscall(SYS_move_mount, mnt, "", AT_FDCWD, "/dev", MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		error_errno(err, "attach the empty root");
		goto out;
	}
	if (fchdir(mnt) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
		error_errno(err, "pivot_root");
		goto out;
	}
	if (mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
		error_errno(err, "make the empty root read-only");
		goto out;
	}
	ret = 0;
out:
	if (old >= 0)
		close(old);
	if (fs >= 0)
		close(fs);
	if (mnt >= 0)
		close(mnt);
	return ret;
}

int jail_drop_caps(uint64_t keep, struct error *err)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)keep, (uint32_t)keep, 0 },
		{ (uint32_t)(keep >> 32), (uint32_t)(keep >> 32), 0 },
	};

	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap) < 0)
			break;
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return error_errno(err, "drop capability %d from the bounding set", cap);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, "clear ambient capabilities");
	if (syscall(SYS_capset, &h, d) < 0)
		return error_errno(err, "capset");
	return 0;
}

int jail_enter(uint64_t keep_caps, struct error *err)
{
	int label = label_open("/proc", err);

	if (label == -1 || empty_root(err) < 0)
		return error_wrap(err, "jail");
	umask(0);
	if (label_take(label, err) < 0)
		return error_wrap(err, "jail");
	if (jail_drop_caps(keep_caps, err) < 0)
		return error_wrap(err, "jail");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "jail: prctl");
	/* Changing the dumpable flag or the capabilities may have cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

int jail_close_fds(const int *keep, int n, struct error *err)
{
	unsigned from = 0;

	for (int i = 0; i <= n; i++) {
		unsigned to = i < n ? (unsigned)keep[i] : ~0u;

		if (i < n && to < from)
			continue;
		if (to > from && syscall(SYS_close_range, from, i < n ? to - 1 : to, 0) < 0)
			return error_errno(err, "close_range");
		from = to + 1;
	}
	return 0;
}

/*
 * The only mmap that a sealed process makes: a file to be read, over what is there, and a reservation in its place again
 * (windows.c).
 */
static int allow_windows(scmp_filter_ctx ctx)
{
	int file = MAP_SHARED | MAP_FIXED;
	int none = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SYS_mmap, 2, SCMP_A2(SCMP_CMP_EQ, PROT_READ),
			     SCMP_A3(SCMP_CMP_EQ, (unsigned)file)) < 0)
		return -1;
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SYS_mmap, 2, SCMP_A2(SCMP_CMP_EQ, PROT_NONE),
				SCMP_A3(SCMP_CMP_EQ, (unsigned)none));
}

int jail_seccomp(const char *const *lists[], struct error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret = -1;

	if (!ctx)
		return error_set(err, ENOMEM, "seccomp: out of memory");
	for (; *lists; lists++) {
		for (const char *const *name = *lists; *name; name++) {
			int nr = seccomp_syscall_resolve_name(*name);

			if (nr == SYS_mmap && allow_windows(ctx) == 0)
				continue;
			if (nr < 0 || nr == SYS_mmap ||
			    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) < 0) {
				error_set(err, EINVAL, "seccomp: cannot allow %s", *name);
				goto out;
			}
		}
	}
	ret = seccomp_load(ctx);
	if (ret < 0)
		error_set(err, -ret, "seccomp: the host refuses the filter: %s", strerror(-ret));
out:
	seccomp_release(ctx);
	return ret < 0 ? -1 : 0;
}

int jail_seccomp_thread(const int *calls, unsigned n)
{
	struct sock_filter f[32 + 6] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { .len = (unsigned short)(n + 6), .filter = f };

	if (n > 32) {
		errno = E2BIG;
		return -1;
	}
	/* Jump to the last instruction from wherever the number is found. */
	for (unsigned i = 0; i < n; i++)
		f[4 + i] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], (unsigned char)(n - i), 0);
	f[4 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[5 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
