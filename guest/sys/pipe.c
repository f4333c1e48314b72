/*
 * pipe.c - pipe(2) and pipe2(2).
 */
#include "fs/abi.h"
#include "fs/pipe.h"
#include "sys/sys.h"

static s64 do_pipe(uaddr_t fds, u32 flags)
{
	struct file *rd, *wr;
	s32 fd[2];
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create(flags, &rd, &wr);
	if (err)
		return err;
	fd[0] = fd_install(rd, 0, flags & O_CLOEXEC);
	if (fd[0] < 0) {
		file_put(rd);
		file_put(wr);
		return fd[0];
	}
	fd[1] = fd_install(wr, 0, flags & O_CLOEXEC);
	if (fd[1] < 0) {
		fd_close(fd[0]);
		file_put(wr);
		return fd[1];
	}
	if (user_write(fds, fd, sizeof(fd))) {
		fd_close(fd[0]);
		fd_close(fd[1]);
		return -EFAULT;
	}
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
