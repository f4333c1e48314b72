/*
 * sysv_msg.c - msgget(2), msgsnd(2), msgrcv(2), msgctl(2): decoding; the work is ipc/msg's.
 */
#include "ipc/msg.h"
#include "mm/slab.h"
#include "sys/sys.h"

s64 sys_msgget(int_a key, flags_a flags)
{
	return msg_get(ipc_ns_current(), key, flags);
}

/* msg is a long, the type, and the bytes behind it. */
s64 sys_msgsnd(int_a id, uptr_a msg, size_a size, flags_a flags)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_msg *m;
	s64 type, ret;

	if (user_read(&type, msg, sizeof(type)))
		return -EFAULT;
	if (size > ns->msg_max || id < 0)
		return -EINVAL;
	if (type < 1)
		return -EINVAL;
	m = kmalloc(sizeof(*m) + size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->size = size;
	ret = -EFAULT;
	if (!size || !user_read(m->data, msg + sizeof(type), size))
		ret = msg_send(ns, id, m, flags);
	if (ret < 0)
		kfree(m);
	return ret;
}

s64 sys_msgrcv(int_a id, uptr_a msg, size_a size, long_a type, flags_a flags)
{
	struct ipc_msg *m;
	size_t n;
	s64 ret;

	if (id < 0 || (s64)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	m = msg_receive(ipc_ns_current(), id, size, type, flags);
	if (IS_ERR(m))
		return PTR_ERR(m);
	n = MIN(m->size, (size_t)size);
	ret = (s64)n;
	if (user_write(msg, &m->type, sizeof(m->type)) ||
	    (n && user_write(msg + sizeof(m->type), m->data, n)))
		ret = -EFAULT;
	kfree(m);
	return ret;
}

s64 sys_msgctl(int_a id, int_a cmd, uptr_a buf)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct abi_msqid_ds ds;
	struct abi_msginfo info;
	s64 ret;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		ret = msg_info(ns, cmd == MSG_INFO, &info);
		return user_write(buf, &info, sizeof(info)) ? -EFAULT : ret;
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		ret = msg_stat(ns, id, cmd, &ds);
		return ret >= 0 && user_write(buf, &ds, sizeof(ds)) ? -EFAULT : ret;
	case IPC_SET:
		if (user_read(&ds, buf, sizeof(ds)))
			return -EFAULT;
		return msg_set(ns, id, &ds);
	case IPC_RMID: return msg_remove(ns, id);
	default: return -EINVAL;
	}
}
