/*
 * fs_fcntl.c - fcntl(2), flock(2) and ioctl(2)'s common part.
 *
 * ioctl: what every file has (FIOCLEX, FIONBIO, FIOASYNC), what regular files and directories have (fs_ioctl.c), and the rest is
 * the file's own.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/async.h"
#include "fs/lock.h"
#include "fs/owner.h"
#include "fs/anon/pipe.h"
#include "sys/fs_sys.h"
#include "task/ns/pidns.h"

#define FIONCLEX 0x5450
#define FIOCLEX	 0x5451
#define FIONBIO	 0x5421
#define FIOASYNC 0x5452

#define FCNTL_SETFL (O_APPEND | O_NONBLOCK | O_NDELAY | O_DIRECT | O_NOATIME | FASYNC)

static s64 set_flags(struct file *f, int fd, u32 flags)
{
	int err;

	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && f->inode &&
	    !inode_owner_or_capable(f->inode))
		return -EPERM;
	if ((f->flags & O_APPEND) && !(flags & O_APPEND) && f->inode &&
	    (f->inode->flags & INODE_APPEND))
		return -EPERM;
	if (f->ops && f->ops->setfl) {
		err = f->ops->setfl(f, flags & FCNTL_SETFL);
		if (err)
			return err;
	}
	if ((f->flags ^ flags) & FASYNC) {
		f->owner.fd = fd;
		err = async_set(f, flags & FASYNC);
		if (err)
			return err;
	}
	mutex_lock(&f->pos_lock);
	f->flags = (f->flags & ~(u32)FCNTL_SETFL) | (flags & FCNTL_SETFL);
	mutex_unlock(&f->pos_lock);
	return 0;
}

/* ---- byte-range locks ---- */

static int range_in(struct file *f, const struct flock *fl, struct lock_range *r)
{
	s64 start, len = fl->l_len;

	switch (fl->l_whence) {
	case SEEK_SET: start = 0; break;
	case SEEK_CUR: start = (s64)f->pos; break;
	case SEEK_END: start = f->inode ? (s64)f->inode->size : 0; break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(start, fl->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	r->type = fl->l_type;
	if (len > 0) {
		s64 end;

		if (__builtin_add_overflow(start, len - 1, &end))
			return -EOVERFLOW;
		r->start = (u64)start;
		r->end = (u64)end;
	} else if (len < 0) {
		if (start + len < 0)
			return -EINVAL;
		r->start = (u64)(start + len);
		r->end = (u64)start - 1;
	} else {
		r->start = (u64)start;
		r->end = ~0ULL;
	}
	if (r->type != F_RDLCK && r->type != F_WRLCK && r->type != F_UNLCK)
		return -EINVAL;
	return 0;
}

static s64 range_lock(struct file *f, u32 cmd, uaddr_t arg)
{
	bool ofd = cmd >= F_OFD_GETLK;
	void *owner = ofd ? (void *)f : (void *)task_current()->files;
	struct lock_range r;
	struct flock fl;
	int err;

	if (user_read(&fl, arg, sizeof(fl)))
		return -EFAULT;
	if (ofd && fl.l_pid)
		return -EINVAL;
	if (!f->inode)
		return -EBADF;
	err = range_in(f, &fl, &r);
	if (err)
		return err;
	r.pid = ofd ? -1 : task_current()->process->pid;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK) {
		if (r.type == F_UNLCK)
			return -EINVAL;
		file_lock_test(f, owner, &r, ofd);
		fl.l_type = (s16)r.type;
		if (r.type != F_UNLCK) {
			fl.l_whence = SEEK_SET;
			fl.l_start = (s64)r.start;
			fl.l_len = r.end == ~0ULL ? 0 : (s64)(r.end - r.start + 1);
			fl.l_pid = r.pid == -1 ? -1 : pid_vnr(r.pid);
		}
		return user_write(arg, &fl, sizeof(fl)) ? -EFAULT : 0;
	}
	if ((r.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (r.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return file_lock_range(f, owner, &r, cmd == F_SETLKW || cmd == F_OFD_SETLKW, ofd);
}

/* ---- owners of SIGIO ---- */

struct f_owner_ex_abi {
	s32 type, pid;
};

static s64 owner_ex(struct file *f, bool set, uaddr_t arg)
{
	struct f_owner_ex_abi o = { f->owner.type, pid_vnr(f->owner.pid) };

	if (!set)
		return user_write(arg, &o, sizeof(o)) ? -EFAULT : 0;
	if (user_read(&o, arg, sizeof(o)))
		return -EFAULT;
	if (o.type < 0 || o.type > 2)
		return -EINVAL;
	return file_owner_set(f, o.type, o.pid);
}

/* Allowed on O_PATH descriptors. */
static bool path_ok(u32 cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD ||
	       cmd == F_GETFL;
}

static s64 seals(struct file *f, u32 cmd, u64 arg)
{
	struct inode *i = f->inode;

	if (!i || !i->ops || !i->ops->get_seals)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return i->ops->get_seals(i);
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	return i->ops->add_seals(i, (u32)arg);
}

static s64 rw_hint(struct file *f, u32 cmd, uaddr_t arg)
{
	u64 hint = 0;

	if (cmd == F_GET_RW_HINT || cmd == F_GET_FILE_RW_HINT)
		return user_write(arg, &hint, sizeof(hint)) ? -EFAULT : 0;
	if (user_read(&hint, arg, sizeof(hint)))
		return -EFAULT;
	return hint > 5 ? -EINVAL : 0;
}

static s64 dup_from(struct file *f, u64 min, bool cloexec)
{
	int n;

	if (min >= task_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	file_get(f);
	n = fd_install(f, (int)min, cloexec);
	if (n < 0)
		file_put(f);
	return n;
}

static s64 do_fcntl(struct file *f, fd_a fd, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD: return dup_from(f, arg, false);
	case F_DUPFD_CLOEXEC: return dup_from(f, arg, true);
	case F_GETFD: return fd_get_cloexec(fd);
	case F_SETFD: return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL: return f->flags;
	case F_SETFL: return set_flags(f, fd, (u32)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW: return range_lock(f, cmd, arg);
	case F_GETOWN: return file_owner_get(f);
	case F_SETOWN:
		if ((s32)arg == (s32)0x80000000)
			return -EINVAL;
		return (s32)arg < 0 ? file_owner_set(f, OWNER_PGRP, -(s32)arg)
				    : file_owner_set(f, OWNER_PID, (s32)arg);
	case F_GETOWN_EX: return owner_ex(f, false, arg);
	case F_SETOWN_EX: return owner_ex(f, true, arg);
	case F_GETSIG: return f->owner.sig;
	case F_SETSIG:
		if (arg > NSIG)
			return -EINVAL;
		f->owner.sig = (int)arg;
		return 0;
	case F_GETLEASE: return lease_get(f);
	case F_SETLEASE: return lease_set(f, fd, (int)arg);
	case F_NOTIFY: unsupported("fcntl(F_NOTIFY)", arg); return -EINVAL;
	case F_SETPIPE_SZ: return pipe_of(f) ? pipe_set_size(pipe_of(f), (u32)arg) : -EBADF;
	case F_GETPIPE_SZ: return pipe_of(f) ? pipe_size(pipe_of(f)) : -EBADF;
	case F_ADD_SEALS:
	case F_GET_SEALS: return seals(f, cmd, arg);
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
	case F_GET_FILE_RW_HINT:
	case F_SET_FILE_RW_HINT: return rw_hint(f, cmd, arg);
	default: return -EINVAL;
	}
}

s64 sys_fcntl(fd_a fd, uint_a cmd, ulong_a arg)
{
	struct file *f = path_ok(cmd) ? fd_get_path(fd) : fd_get(fd);
	s64 r;

	if (IS_ERR(f))
		return PTR_ERR(f);
	r = do_fcntl(f, fd, cmd, arg);
	file_put(f);
	return r;
}

s64 sys_flock(fd_a fd, uint_a cmd)
{
	bool nb = cmd & 4; /* LOCK_NB */
	struct file *f;
	s64 r;

	switch (cmd & ~4u) {
	case 1: r = FLOCK_SH; break;
	case 2: r = FLOCK_EX; break;
	case 8: r = FLOCK_UN; break;
	default: return -EINVAL;
	}
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = file_flock(f, (int)r, !nb);
	file_put(f);
	return r;
}

s64 sys_ioctl(fd_a fd, uint_a cmd, ulong_a arg)
{
	struct file *f = fd_get(fd);
	s32 on = 0;
	s64 r = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (cmd == FIONBIO || cmd == FIOASYNC)
		r = user_read(&on, arg, sizeof(on)) ? -EFAULT : 0;
	if (r)
		goto out;
	switch (cmd) {
	case FIOCLEX: r = fd_set_cloexec(fd, true); break;
	case FIONCLEX: r = fd_set_cloexec(fd, false); break;
	case FIONBIO:
		r = set_flags(f, fd, on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
		break;
	case FIOASYNC:
		r = set_flags(f, fd, on ? f->flags | FASYNC : f->flags & ~(u32)FASYNC);
		break;
	default:
		r = f->mode & FMODE_NO_IOCTL ? -EACCES : -ENOTTY;
		if (r == -ENOTTY && f->ops && f->ops->ioctl)
			r = f->ops->ioctl(f, cmd, arg);
		if (r == -ENOTTY && f->inode &&
		    (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)))
			r = inode_ioctl(f, cmd, arg);
	}
out:
	file_put(f);
	return r;
}
