/*
 * task_glue.c - tells task/ about the layers above it: descriptor tables, working directories, exec.
 */
#include "dev/tty/tty.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "ipc/ipc.h"
#include "ipc/key.h"
#include "ipc/sem.h"
#include "sys/mqueue_thread.h"
#include "sys/pidfd.h"
#include "sys/sys.h"
#include "sys/task_glue.h"
#include "task/ns/ns.h"
#include "task/task.h"
#include "task/ns/timens.h"
#include "task/ns/uts.h"

void sys_task_init(void)
{
	static const struct task_resources res = {
		.files_clone = fdtable_clone,
		.files_get = fdtable_get,
		.files_put = fdtable_put,
		.files_shared = fdtable_shared,
		.files_exec = fdtable_exec,
		.fs_clone = fs_context_clone,
		.fs_get = fs_context_get,
		.fs_put = fs_context_put,
		.fs_new_ns = fs_context_new_ns,
		.fs_ns = fs_context_ns,
		.fs_enter_ns = fs_context_enter_ns,
		.ns_get = nsproxy_get,
		.ns_put = nsproxy_put,
		.pidfd_prepare = pidfd_prepare,
		.fd_commit = fd_commit,
		.fd_cancel = fd_cancel,
		.file_put = file_put,
		.pidfd_pid = pidfd_pid,
		.tty_disassociate = tty_disassociate,
		.sysvsem_share = sem_undo_share,
		.sysvsem_put = sem_undo_exit,
		.keys_fork = keys_fork,
		.keys_exec = keys_exec,
		.keys_exit = keys_exit,
	};

	task_set_resources(&res);
	uts_init();
	ipc_init();
	mount_ns_init();
	time_ns_init();
	mq_thread_init();
	task_exec = exec_kernel;
	task_syscall = syscall_dispatch;
}
