/*
 * init.c - see init.h.
 */
#include <string.h>

#include "dev/tty/tty.h"
#include "fs/abi.h"
#include "fs/vfs.h"
#include "init.h"
#include "lib/log.h"
#include "sys/task_glue.h"
#include "task/task.h"

static const char *path_variable(char *const *envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* execvp(3): -EACCES wins over -ENOENT, any other error ends the search. */
static int exec_in_path(const char *name, char *const *argv, char *const *envp)
{
	const char *p = path_variable(envp);
	int err = -ENOENT;

	for (;;) {
		const char *end = p + strcspn(p, ":");
		static char full[PATH_MAX]; /* one init */
		int now;

		if (ksnprintf(full, sizeof(full), "%.*s/%s", (int)(end - p), p, name) <
		    (int)sizeof(full)) {
			now = exec_kernel(full, argv, envp);
			if (!now)
				return 0;
			if (now != -ENOENT && now != -EACCES && now != -ENOTDIR)
				return now;
			if (now == -EACCES)
				err = now;
		}
		if (!*end)
			return err;
		p = end + 1;
	}
}

/* In the new process, before its program. */
static int init_exec(const char *file, char *const *argv, char *const *envp)
{
	if (console_tty())
		tty_open_ctty(console_tty());
	return strchr(file, '/') ? exec_kernel(file, argv, envp) : exec_in_path(file, argv, envp);
}

static struct cred *credentials(const struct boot_info *b)
{
	struct cred *c = cred_dup(task_current()->cred);

	if (IS_ERR(c))
		panic("out of memory at boot");
	c->uid = c->euid = c->suid = c->fsuid = b->uid;
	c->gid = c->egid = c->sgid = c->fsgid = b->gid;
	c->cap_permitted = c->cap_effective = c->cap_bounding = b->caps;
	c->cap_inheritable = c->cap_ambient = 0;
	return c;
}

/*
 * With a terminal, descriptors 0, 1 and 2 are one open file of /dev/console, which belongs to the user: ttyname(3) and
 * /proc/self/fd then agree. A root without /dev leaves what boot installed, the same terminal without a name.
 */
static void open_console(const struct boot_info *b)
{
	struct setattr owner = { .valid = ATTR_UID | ATTR_GID, .uid = b->uid, .gid = b->gid };
	struct path_ref p;
	struct file *f;

	if (path_lookup(AT_FDCWD, "/dev/console", LOOKUP_FOLLOW, &p))
		return;
	f = vfs_open_path(&p, O_RDWR | O_NOCTTY);
	if (!IS_ERR(f)) {
		vfs_setattr(&p, &owner);
		for (int fd = 0; fd < 3; fd++) {
			file_get(f);
			fd_install_at(f, fd, false);
		}
		file_put(f);
	}
	path_put(&p);
}

int init_start_program(const struct boot_info *b)
{
	if (console_tty())
		open_console(b);
	for (unsigned i = 0; i < b->nrlimits; i++)
		if (b->rlimits[i].resource < RLIM_NLIMITS)
			task_boot_rlimits[b->rlimits[i].resource] =
				(struct rlimit){ b->rlimits[i].cur, b->rlimits[i].max };
	task_exec = init_exec;
	return task_start_init(b->argv[0], b->argv, b->envp, credentials(b));
}
