/*
 * task_glue.h - boot's call that connects task/ with what lies above it.
 */
#ifndef MOAT_SYS_TASK_GLUE_H
#define MOAT_SYS_TASK_GLUE_H

/* Registers descriptor tables, fs contexts, exec and the dispatcher with task/. Before the first task. */
void sys_task_init(void);
/* task_exec. */
int exec_kernel(const char *file, char *const *argv, char *const *envp);

#endif
