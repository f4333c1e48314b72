/*
 * sysv_shm.c - shmget(2), shmat(2), shmdt(2), shmctl(2): decoding; the work is ipc/shm's.
 */
#include "ipc/shm.h"
#include "sys/sys.h"
#include "task/task.h"

s64 sys_shmget(int_a key, size_a size, flags_a flags)
{
	return shm_get(ipc_ns_current(), key, size, flags);
}

s64 sys_shmat(int_a id, addr_a addr, flags_a flags)
{
	return shm_attach(ipc_ns_current(), id, addr, flags);
}

s64 sys_shmdt(addr_a addr)
{
	return shm_detach(task_current()->mm, addr);
}

static s64 copy_out(s64 ret, uptr_a buf, const void *src, size_t n)
{
	return ret >= 0 && user_write(buf, src, n) ? -EFAULT : ret;
}

s64 sys_shmctl(int_a id, int_a cmd, uptr_a buf)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct abi_shmid_ds ds;
	struct abi_shm_info usage;
	struct abi_shminfo limits;
	s64 ret;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		ret = shm_limits(ns, &limits);
		return copy_out(ret, buf, &limits, sizeof(limits));
	case SHM_INFO:
		ret = shm_usage(ns, &usage);
		return copy_out(ret, buf, &usage, sizeof(usage));
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		ret = shm_stat(ns, id, cmd, &ds);
		return copy_out(ret, buf, &ds, sizeof(ds));
	case IPC_SET:
		if (user_read(&ds, buf, sizeof(ds)))
			return -EFAULT;
		return shm_set(ns, id, &ds);
	case IPC_RMID: return shm_remove(ns, id);
	case SHM_LOCK:
	case SHM_UNLOCK: return shm_lock(ns, id, cmd == SHM_LOCK);
	default: return -EINVAL;
	}
}
