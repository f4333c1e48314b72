/*
 * ns.c - setns(2). Namespaces are entered by a file of /proc/PID/ns, or several at once by a pidfd.
 */
#include "fs/file.h"
#include "fs/procfs.h"
#include "mm/slab.h"
#include "sys/pidfd.h"
#include "sys/sys.h"
#include "task/info.h"
#include "task/ns/ns.h"
#include "task/ptrace/ptrace.h"
#include "task/task.h"

static s64 enter_by_file(struct file *f, u32 nstype)
{
	struct ns_common *n = proc_ns_of_file(f);

	if (!n || (nstype && ns_types[n->kind].flag != nstype))
		return -EINVAL;
	return ns_enter(n);
}

/* The user namespace first: it may give the right to enter the others. */
static s64 enter_all(struct task *t, u32 flags)
{
	s64 err = 0;

	for (unsigned i = 0; i < NS_KINDS && !err; i++) {
		unsigned k = (NS_USER + i) % NS_KINDS;
		struct ns_common *n;

		if (!(flags & ns_types[k].flag))
			continue;
		n = task_ns(t, k);
		if (!n)
			return -ESRCH;
		err = ns_enter(n);
		ns_put(n);
	}
	return err;
}

static s64 enter_by_pidfd(int fd, u32 flags)
{
	struct process *p;
	struct task *t;
	u32 known = 0;
	s64 err;

	for (unsigned k = 0; k < NS_KINDS; k++)
		known |= (u32)ns_types[k].flag;
	p = pidfd_process(fd);
	if (IS_ERR(p))
		return PTR_ERR(p) == -EBADF ? -EINVAL : PTR_ERR(p); /* a file, but of no use here */
	err = !flags || flags & ~known ? -EINVAL : 0;
	t = err ? NULL : process_leader(p);
	process_put(p);
	if (err)
		return err;
	if (!t)
		return -ESRCH;
	err = ptrace_may_access(t, PTRACE_READ) ? enter_all(t, flags) : -EPERM;
	task_put(t);
	return err;
}

s64 sys_setns(fd_a fd, flags_a nstype)
{
	struct file *f = fd_get(fd);
	s64 err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	err = proc_ns_of_file(f) ? enter_by_file(f, nstype) : enter_by_pidfd(fd, nstype);
	file_put(f);
	return err;
}
