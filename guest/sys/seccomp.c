/*
 * seccomp.c - seccomp(2), its prctl(2) forms, and what ptrace(2) reads of filters.
 */
#include <linux/capability.h>

#include "fs/file.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "sys/seccomp.h"
#include "sys/sys.h"
#include "task/ptrace/ptrace.h"
#include "task/seccomp/seccomp.h"

enum { SET_MODE_STRICT, SET_MODE_FILTER, GET_ACTION_AVAIL, GET_NOTIF_SIZES };

struct fprog { /* struct sock_fprog */
	u16 len;
	u64 filter;
};

static struct seccomp_filter *filter_from_user(uaddr_t args, u32 flags)
{
	struct seccomp_filter *f;
	struct bpf_insn *insn;
	struct fprog prog;

	if (user_read(&prog, args, sizeof(prog)))
		return ERR_PTR(-EFAULT);
	if (!prog.len || prog.len > SECCOMP_INSNS_MAX)
		return ERR_PTR(-EINVAL);
	insn = kmalloc(prog.len * sizeof(*insn));
	if (!insn)
		return ERR_PTR(-ENOMEM);
	if (user_read(insn, prog.filter, prog.len * sizeof(*insn)))
		f = ERR_PTR(-EFAULT);
	else
		f = seccomp_create(insn, prog.len, flags);
	kfree(insn);
	return f;
}

static s64 set_filter(u32 flags, uaddr_t args)
{
	struct file *listener = NULL;
	struct seccomp_filter *f;
	int fd = -1, err;

	if (flags & ~SECCOMP_F_ALL)
		return -EINVAL;
	if (flags & SECCOMP_F_TSYNC && flags & SECCOMP_F_NEW_LISTENER &&
	    !(flags & SECCOMP_F_TSYNC_ESRCH))
		return -EINVAL;
	if (flags & SECCOMP_F_WAIT_KILLABLE && !(flags & SECCOMP_F_NEW_LISTENER))
		return -EINVAL;
	f = filter_from_user(args, flags);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (flags & SECCOMP_F_NEW_LISTENER) {
		listener = seccomp_listener_file(f);
		err = (int)PTR_ERR(listener);
		if (IS_ERR(listener))
			goto drop_filter;
		/* Before the filter is on: it may forbid what comes after. */
		fd = fd_reserve(true);
		err = fd;
		if (fd < 0)
			goto drop_listener;
	}
	err = seccomp_install(f, flags);
	if (err)
		goto cancel_fd;
	if (!listener)
		return 0;
	fd_commit(fd, listener);
	return fd;

cancel_fd:
	if (fd >= 0)
		fd_cancel(fd);
drop_listener:
	if (listener)
		file_put(listener);
drop_filter:
	seccomp_put(f);
	return err;
}

s64 sys_seccomp(uint_a op, flags_a flags, uptr_a args)
{
	static const u16 sizes[3] = { sizeof(struct seccomp_notif), sizeof(struct seccomp_answer),
				      sizeof(struct seccomp_data) };
	u32 action;

	switch (op) {
	case SET_MODE_STRICT: return flags || args ? -EINVAL : seccomp_set_strict();
	case SET_MODE_FILTER: return set_filter(flags, args);
	case GET_ACTION_AVAIL:
		if (flags)
			return -EINVAL;
		if (user_read(&action, args, sizeof(action)))
			return -EFAULT;
		return seccomp_action_known(action) ? 0 : -EOPNOTSUPP;
	case GET_NOTIF_SIZES:
		if (flags)
			return -EINVAL;
		return user_write(args, sizes, sizeof(sizes)) ? -EFAULT : 0;
	default: return -EINVAL;
	}
}

s64 seccomp_prctl(u64 mode, uaddr_t args)
{
	switch (mode) {
	case SECCOMP_STRICT: return seccomp_set_strict();
	case SECCOMP_FILTER: return set_filter(0, args);
	default: return -EINVAL;
	}
}

static struct seccomp_filter *filter_of(struct task *t, u64 n)
{
	if (!capable(CAP_SYS_ADMIN) || task_current()->seccomp_mode != SECCOMP_DISABLED)
		return ERR_PTR(-EACCES);
	return seccomp_nth(t, n);
}

s64 seccomp_get_filter(struct task *t, u64 n, uaddr_t dst)
{
	struct seccomp_filter *f = filter_of(t, n);
	s64 ret;

	if (IS_ERR(f))
		return PTR_ERR(f);
	ret = f->len;
	if (dst && user_write(dst, f->insn, f->len * sizeof(f->insn[0])))
		ret = -EFAULT;
	seccomp_put(f);
	return ret;
}

s64 seccomp_get_metadata(struct task *t, u64 size, uaddr_t data)
{
	struct {
		u64 n, flags;
	} m = { 0 };
	struct seccomp_filter *f;

	size = MIN(size, sizeof(m));
	if (size < sizeof(m.n))
		return -EINVAL;
	if (user_read(&m.n, data, sizeof(m.n)))
		return -EFAULT;
	f = filter_of(t, m.n);
	if (IS_ERR(f))
		return PTR_ERR(f);
	m.flags = f->log ? SECCOMP_F_LOG : 0;
	seccomp_put(f);
	return user_write(data, &m, size) ? -EFAULT : (s64)size;
}
