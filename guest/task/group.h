/*
 * group.h - process groups and sessions.
 */
#ifndef MOAT_TASK_GROUP_H
#define MOAT_TASK_GROUP_H

struct process;

int process_ppid(struct process *p);
/* pid 0: the current process. Errors as setpgid(2), getpgid(2), getsid(2), setsid(2). */
int process_getpgid(int pid);
int process_getsid(int pid);
int process_setpgid(int pid, int pgid);
int process_setsid(void);

#endif
