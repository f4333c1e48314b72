/*
 * unshare.c - stop sharing descriptor tables, working directories, namespaces: unshare(2), close_range(2), exec.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "task/ns/ns.h"
#include "task/private.h"
#include "task/ns/userns.h"

/* Besides CLONE_NEWNS, which is the fs_context's. */
#define NAMESPACES                                                                      \
	(CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET | CLONE_NEWTIME)

int task_unshare_files(void)
{
	struct task *t = task_current();
	struct fdtable *old = t->files, *files;

	if (!old || !task_res.files_shared(old))
		return 0;
	files = task_res.files_clone(old);
	if (!files || IS_ERR(files))
		return -ENOMEM;
	spin_lock(&task_lock);
	t->files = files;
	spin_unlock(&task_lock);
	task_res.files_put(old);
	return 0;
}

static void set_fs(struct fs_context *fs)
{
	struct task *t = task_current();
	struct fs_context *old = t->fs;

	spin_lock(&task_lock);
	t->fs = fs;
	spin_unlock(&task_lock);
	task_res.fs_put(old);
}

int task_enter_mnt_ns(struct ns_common *n)
{
	struct fs_context *fs = task_res.fs_enter_ns(task_current()->fs, n);

	if (IS_ERR(fs))
		return (int)PTR_ERR(fs);
	set_fs(fs);
	return 0;
}

static int unshare_fs(bool new_ns)
{
	struct task *t = task_current();
	struct fs_context *old = t->fs, *fs;
	int err;

	if (!old)
		return 0;
	if (new_ns && !capable_here(CAP_SYS_ADMIN))
		return -EPERM;
	fs = task_res.fs_clone(old);
	if (!fs || IS_ERR(fs))
		return -ENOMEM;
	err = new_ns ? task_res.fs_new_ns(fs, cred_user_ns(t->cred)) : 0;
	if (err) {
		task_res.fs_put(fs);
		return err;
	}
	set_fs(fs);
	return 0;
}

void task_leave_sem_undo(void)
{
	struct task *t = task_current();

	if (t->sysvsem)
		task_res.sysvsem_put(t->sysvsem);
	t->sysvsem = NULL;
}

int task_unshare(u64 flags)
{
	struct task *t = task_current();
	int err = 0;

	if (flags & ~(NAMESPACES | CLONE_NEWNS | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND |
		      CLONE_VM | CLONE_FILES | CLONE_SYSVSEM))
		return -EINVAL;
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	/* A thread cannot leave its process; alone it has nothing to leave. */
	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && t->process->nr_threads > 1)
		return -EINVAL;
	err = ns_check_flags(flags & ~CLONE_NEWNS);
	if (!err && flags & NAMESPACES)
		err = ns_unshare(flags);
	if (!err && flags & (CLONE_FS | CLONE_NEWNS))
		err = unshare_fs(flags & CLONE_NEWNS);
	if (!err && flags & CLONE_FILES)
		err = task_unshare_files();
	if (!err && flags & (CLONE_SYSVSEM | CLONE_NEWIPC))
		task_leave_sem_undo();
	return err;
}
