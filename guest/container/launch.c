/*
 * launch.c - how a program starts in a container: what runs in the new process before its first instruction. Directories,
 * descriptors, terminal, limits, credentials, then execve.
 */
#include <string.h>

#include "abi/boot.h"
#include "container/session.h"
#include "dev/control.h"
#include "dev/devfs.h"
#include "dev/stream.h"
#include "dev/tty/tty.h"
#include "fs/abi.h"
#include "fs/boot.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "sys/task_glue.h"
#include "task/seccomp/seccomp.h"

static int set_credentials(const struct spec *s)
{
	struct cred *c = cred_dup(task_current()->cred);

	if (!c)
		return -ENOMEM;
	c->uid = c->euid = c->suid = c->fsuid = s->uid;
	c->gid = c->egid = c->sgid = c->fsgid = s->gid;
	c->cap_bounding = s->cap_bounding;
	c->cap_permitted = s->cap_permitted;
	c->cap_effective = s->cap_effective;
	c->cap_inheritable = s->cap_inheritable;
	/* What no process can have (capabilities(7)) is left out, as runc's prctl is refused it. */
	c->cap_ambient = s->cap_ambient & s->cap_permitted & s->cap_inheritable;
	c->no_new_privs = s->no_new_privs;
	if (s->ngroups) {
		c->groups = kmalloc(s->ngroups * sizeof(u32));
		if (!c->groups) {
			cred_put(c);
			return -ENOMEM;
		}
		memcpy(c->groups, s->groups, s->ngroups * sizeof(u32));
		c->ngroups = s->ngroups;
	}
	if (cred_set_ucounts(c)) {
		cred_put(c);
		return -ENOMEM;
	}
	cred_commit(c);
	return 0;
}

/*
 * While the task may still do anything. Differs from runc: the call that runs the program is none that a filter sees, so a
 * profile without execve(2) works.
 */
static int set_filter(const struct spec *s)
{
	struct seccomp_filter *f;
	int err;

	if (!s->seccomp)
		return 0;
	f = seccomp_create(s->seccomp, s->seccomp_len, s->seccomp_flags);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = seccomp_install(f, s->seccomp_flags);
	if (err)
		seccomp_put(f);
	return err;
}

static void set_limits(const struct spec *s)
{
	struct process *p = task_current()->process;

	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		if (s->rlimits >> i & 1)
			p->rlim[i] = s->rlimit[i];
	p->oom_score_adj = s->oom_score_adj;
	sched_set(task_current(), &s->sched);
}

/* ---- descriptors ---- */

int launch_context(struct session *s)
{
	struct task *t = task_current();
	struct fs_context *fs = fs_context_clone(s->container->fs);
	struct fdtable *files = fdtable_create();

	if (IS_ERR(fs) || IS_ERR(files))
		return -ENOMEM;
	fs->umask = s->spec->umask;
	spin_lock(&task_lock);
	t->fs = fs;
	t->files = files;
	spin_unlock(&task_lock);
	return 0;
}

/* One open file as 0, 1 and 2. Takes over the reference. */
static void install_everywhere(struct file *f)
{
	for (int fd = 0; fd < 3; fd++) {
		file_get(f);
		fd_install_at(f, fd, false);
	}
	file_put(f);
}

/*
 * With a terminal, descriptors 0, 1 and 2 are one open file of its node, which belongs to the user: ttyname(3) and
 * /proc/self/fd then agree. A root without /dev leaves the same terminal without a name.
 */
static int open_terminal(const struct spec *s, struct tty *t)
{
	struct setattr owner = { .valid = ATTR_UID | ATTR_GID, .uid = s->uid, .gid = s->gid };
	struct file *f = ERR_PTR(-ENOENT);
	struct path_ref p;
	char name[32];

	ksnprintf(name, sizeof(name), "/dev/pts/%d", t->index);
	if (!path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p)) {
		f = vfs_open_path(&p, O_RDWR | O_NOCTTY);
		if (!IS_ERR(f))
			vfs_setattr(&p, &owner);
		path_put(&p);
	}
	if (IS_ERR(f))
		f = console_file(t);
	if (IS_ERR(f))
		return PTR_ERR(f);
	install_everywhere(f);
	tty_open_ctty(t);
	return 0;
}

/* The wire of the terminal; its streams are the terminal's from then on. */
static struct tty *make_terminal(struct session *s)
{
	struct stream *in = stream_open(s->streams.stdio[0]);
	struct stream *out = stream_open(s->streams.stdio[1]);
	struct tty *t = ERR_PTR(-ENOMEM);

	stream_discard(s->streams.stdio[2]);
	if (!IS_ERR(in) && !IS_ERR(out))
		t = console_create(in, out, (struct console_size){ s->spec->rows, s->spec->cols });
	if (!IS_ERR(in))
		stream_put(in);
	if (!IS_ERR(out))
		stream_put(out);
	return t;
}

static int terminal(struct session *s)
{
	struct tty *t = make_terminal(s);

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (s->kind == SESSION_EXEC)
		s->tty = t;
	else
		s->container->console = t; /* /dev/console leads to it, too */
	pts_show(t, s->spec->uid, s->spec->gid);
	return open_terminal(s->spec, t);
}

static int standard_streams(struct session *s)
{
	int err = 0;

	for (int fd = 0; fd < 3; fd++) {
		struct stream *st = stream_open(s->streams.stdio[fd]);
		struct file *f = IS_ERR(st) ? (struct file *)st : stream_file(st, fd > 0);

		if (!IS_ERR(st))
			stream_put(st);
		if (IS_ERR(f)) {
			err = PTR_ERR(f);
			continue;
		}
		/* They may be opened again, by /dev/stdout and its like. */
		f->inode->uid = s->spec->uid;
		f->inode->gid = s->spec->gid;
		fd_install_at(f, fd, false);
	}
	return err;
}

/* ---- the order of things ---- */

int launch_identity(const struct spec *spec, const char **what)
{
	int err;

	set_limits(spec);
	*what = "cannot set the system-call filter";
	err = set_filter(spec);
	if (err)
		return err;
	*what = "cannot set the user and capabilities";
	return set_credentials(spec);
}

static int fail(struct session *s, int status, int err, const char *what, const char *which)
{
	char line[400];
	int n = ksnprintf(line, sizeof(line), "%s%.250s: %s", what, which, errno_text(err));

	session_fail(s, status, err, line, MIN((size_t)n, sizeof(line) - 1));
	return err;
}

static int run(struct session *s)
{
	const struct spec *spec = s->spec;
	const char *what;
	char line[400];
	int err, n;

	err = surroundings_enter(s);
	if (err)
		return fail(s, 125, err, "cannot make or enter the container's namespaces", "");
	if (s->kind == SESSION_CONTAINER) {
		err = surroundings_sysctl(spec, line, sizeof(line));
		if (err)
			return fail(s, 125, err, line, "");
	}
	err = launch_context(s);
	if (!err)
		err = spec->tty ? terminal(s) : standard_streams(s);
	if (err)
		return fail(s, 125, err, "cannot make the standard streams", "");
	err = fs_enter_cwd(spec->cwd, spec->uid, spec->gid);
	if (err)
		return fail(s, 125, err, "cannot make or enter the working directory ", spec->cwd);
	err = home_add(s->spec);
	if (err)
		return fail(s, 125, err, "cannot set HOME", "");
	if (s->kind == SESSION_CONTAINER && spec->nhooks) {
		err = hooks_run(s, line, sizeof(line));
		if (err) {
			session_fail(s, 125, err, line, strlen(line));
			return err;
		}
	}
	err = launch_identity(spec, &what);
	if (err)
		return fail(s, 125, err, what, "");
	err = program_exec(spec);
	if (!err)
		return 0;
	n = ksnprintf(line, sizeof(line), "cannot run '%.120s': %s (%serror %d)", spec->argv[0],
		      errno_text(err),
		      program_lacks_interpreter(spec, err) ? "its interpreter, " : "", -err);
	session_fail(s, err == -ENOENT ? 127 : 126, err, line, MIN((size_t)n, sizeof(line) - 1));
	return err;
}

static int started(struct session *s, int err)
{
	if (!err)
		session_tell(s, CTL_STARTED, (u64)task_current()->tid, 0, "", 0);
	spec_free(s->spec);
	s->spec = NULL;
	return err;
}

int launch_first(void *session)
{
	return started(session, run(session));
}

/* Nothing of it will run: the host's side of what it would have used is closed. */
void launch_discard_streams(const struct session *s)
{
	for (int i = 0; i < 3; i++)
		stream_discard(s->streams.stdio[i]);
}

struct spec *launch_read_spec(struct session *s)
{
	struct stream *st = stream_open(s->streams.spec);
	struct spec *spec;
	size_t len;
	u8 *blob;

	if (IS_ERR(st))
		return (struct spec *)st;
	blob = stream_read_all(st, BOOT_SPEC_MAX, &len);
	stream_put(st);
	if (IS_ERR(blob))
		return (struct spec *)blob;
	spec = spec_parse(blob, len);
	kfree(blob);
	return spec;
}

int launch_exec(void *session)
{
	struct session *s = session;
	struct spec *spec = launch_read_spec(s);

	if (IS_ERR(spec)) {
		launch_discard_streams(s);
		return fail(s, 125, PTR_ERR(spec), "cannot read what to run", "");
	}
	s->spec = spec;
	return started(s, run(s));
}

int launch_tree(struct session *s, char *why, size_t size)
{
	const struct spec *spec = s->spec;
	struct fs_container tree = {
		.root_p9 = true,
		.queue = s->streams.queue,
		.overlay = spec->overlay,
		.overlay_size = spec->overlay_size,
		.overlay_used = spec->overlay_used,
		.root_rw = spec->root_rw,
		.readonly = spec->root_readonly,
		.umask = spec->umask,
		.cwd = spec->cwd,
		.uid = spec->uid,
		.gid = spec->gid,
		.mounts = spec->mounts,
		.nmounts = spec->nmounts,
		.populate_dev = devfs_populate,
	};
	struct fs_context *fs;
	int err;

	err = surroundings_make(s);
	if (err)
		return err;
	/* A /proc that is mounted shows the namespace of whoever mounts it, a cgroup2 his group. */
	task_current()->pid_ns = s->container->pid_ns;
	task_current()->cgroup_root = s->container->cgroup;
	fs = fs_container_create(&tree, why, size);
	task_current()->pid_ns = NULL;
	task_current()->cgroup_root = NULL;
	if (IS_ERR(fs))
		return (int)PTR_ERR(fs);
	s->container->fs = fs;
	err = surroundings_devices(s, why, size);
	return err ? err : program_check(s, why, size);
}
