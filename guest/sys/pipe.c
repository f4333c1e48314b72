/*
 * pipe.c - pipe(2) and pipe2(2), and what they share with socketpair(2): a pair of descriptors.
 */
#include "fs/abi.h"
#include "fs/anon/pipe.h"
#include "sys/sys.h"

int fd_reserve_pair(s32 fd[2], bool cloexec, uaddr_t to)
{
	s32 pair[2] = { fd_reserve(cloexec), -1 };

	if (pair[0] < 0)
		return pair[0];
	pair[1] = fd_reserve(cloexec);
	if (pair[1] < 0) {
		fd_cancel(pair[0]);
		return pair[1];
	}
	fd[0] = pair[0];
	fd[1] = pair[1];
	if (user_write(to, pair, sizeof(pair))) {
		fd_cancel_pair(pair);
		return -EFAULT;
	}
	return 0;
}

void fd_cancel_pair(const s32 fd[2])
{
	fd_cancel(fd[0]);
	fd_cancel(fd[1]);
}

static s64 do_pipe(uaddr_t fds, u32 flags)
{
	struct file *rd, *wr;
	s32 fd[2];
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = fd_reserve_pair(fd, flags & O_CLOEXEC, fds);
	if (err)
		return err;
	err = pipe_create(flags, &rd, &wr);
	if (err) {
		fd_cancel_pair(fd);
		return err;
	}
	fd_commit(fd[0], rd);
	fd_commit(fd[1], wr);
	return 0;
}

s64 sys_pipe2(uptr_a fds, oflags_a flags)
{
	return do_pipe(fds, (u32)flags);
}

s64 sys_pipe(uptr_a fds)
{
	return do_pipe(fds, 0);
}
