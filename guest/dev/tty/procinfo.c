/*
 * procinfo.c - what /proc/PID/stat shows of a process's controlling terminal.
 */
#include "dev/tty/tty.h"
#include "fs/procfs.h"
#include "task/task.h"

void tty_proc_info(struct process *p, u32 *rdev, int *pgid)
{
	struct tty *t;

	*rdev = 0;
	*pgid = -1;
	spin_lock(&task_lock);
	t = p->ctty;
	if (t) {
		*rdev = t->rdev;
		*pgid = t->pgid ? t->pgid : -1;
	}
	spin_unlock(&task_lock);
}
