/*
 * seal.h - what the gofer gives up before it serves: descriptors, privileges, system calls, in this
 * order.
 */
#ifndef MOAT_GOFER_SEAL_H
#define MOAT_GOFER_SEAL_H

struct error;
struct gofer_config;

/* Close every descriptor but 2 and those that cfg names. */
int seal_descriptors(const struct gofer_config *cfg, struct error *err);

/*
 * No new privileges, no dumps, and only the capabilities that the mode of service needs. Before any
 * thread starts.
 */
int seal_privileges(const struct gofer_config *cfg, struct error *err);

/* Before any thread: a heap that grows by brk (mmap where that fails) and asks the host for nothing else. */
void seal_heap(void);

/* Install the allow-list over all threads. Any other system call kills the process. */
int seal_syscalls(const struct gofer_config *cfg, struct error *err);

/* One line to standard error, without stdio. */
void seal_complain(const struct error *err);

#endif
