/*
 * ioctl.c - ioctls that every socket answers (socket(7), netdevice(7)).
 */
#include "fs/abi.h"
#include "net/socket.h"
#include "platform/platform.h"

#define OWNER_PID  1 /* struct file.owner.type */
#define OWNER_PGRP 2

static s64 get_owner(struct socket *s, u64 arg)
{
	s32 n = s->file->owner.pid;

	if (s->file->owner.type == OWNER_PGRP)
		n = -n;
	return user_write(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static s64 set_owner(struct socket *s, u64 arg)
{
	s32 n;

	if (user_read(&n, arg, sizeof(n)))
		return -EFAULT;
	if (n == (s32)0x80000000)
		return -EINVAL;
	s->file->owner.type = n < 0 ? OWNER_PGRP : OWNER_PID;
	s->file->owner.pid = n < 0 ? -n : n;
	return 0;
}

s64 sock_ioctl(struct socket *s, unsigned cmd, u64 arg)
{
	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP: return set_owner(s, arg);
	case FIOGETOWN:
	case SIOCGPGRP: return get_owner(s, arg);
	default: return -ENOTTY;
	}
}
