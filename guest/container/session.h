/*
 * session.h - what a handle of the control queue stands for: a container, a process that was put into one, or a command
 * that asks about one; and how each begins and ends.
 *
 * A session is in the table from the message that makes it to CTL_CLOSED. Its process holds a reference too, so that it
 * can be told of its end after the connection is gone.
 *
 * Locks: sessions_lock (spinlock): the table and what is marked so. One kernel thread handles messages, in their order.
 */
#ifndef MOAT_CONTAINER_SESSION_H
#define MOAT_CONTAINER_SESSION_H

#include "abi/control.h"
#include "container/spec.h"
#include "lib/list.h"
#include "task/container.h"

enum session_kind {
	SESSION_CONTAINER,
	SESSION_EXEC,
	SESSION_ATTACHED,
	SESSION_FORWARD, /* a connection to a port of the container's loopback; it has no process */
	SESSION_HOOK, /* a program of the container's that the Sentry waits for; not in the table */
};

struct forward;
struct hook;

struct session {
	struct ref ref;
	struct list node; /* sessions_lock */
	u32 handle;
	enum session_kind kind;
	struct container *container; /* with a reference */
	struct spec *spec;	 /* of what is to run; NULL: not read yet, or not needed any more */
	struct ctl_spec streams; /* as the host said */
	struct process *process; /* with a reference, while it runs; sessions_lock */
	u64 early;   /* signals of the time before there is a process, a mask; sessions_lock */
	bool closed; /* nobody is left to be told; sessions_lock */
	enum {
		SESSION_MAKING,
		SESSION_READY,
		SESSION_RUNNING,
		SESSION_GONE
	} state;		 /* a container's; sessions_lock */
	struct session *starter; /* with a reference: who asked for CTL_START, and is told too */
	bool failed;		 /* CTL_FAILED was said, or there is nothing to say */
	struct tty *tty;	 /* of an exec, with a reference; a container's is its console */
	struct ns_common *uts,
		*ipc; /* of a container's processes, with references; NULL: the first container's */
	struct hook *hook;	 /* SESSION_HOOK, hooks.c; sessions_lock */
	struct forward *forward; /* SESSION_FORWARD, forward.c */
};

/* ---- session.c ---- */
/* In the table, two references: the table's and the caller's. NULL: no memory. Takes its own reference of c. */
struct session *session_create(u32 handle, enum session_kind kind, struct container *c);
struct session *session_find(u32 handle); /* with a reference, or NULL */
void session_get(struct session *s);
void session_put(struct session *s);
/* Run setup(s) in a new process of the session's container. 0 or -errno. */
int session_spawn(struct session *s, int (*setup)(void *));
/* Its process with a reference, or NULL. Of an attached one: the container's first process. */
struct process *session_process(struct session *s);
void session_signal(struct session *s, int signo, enum ctl_target target); /* answers */
void session_winsize(struct session *s, u16 rows, u16 cols);
/* A container's tree is there, or not: then it is taken down. From the thread that made it. */
void session_made(struct session *s, bool ok);
/* Run a container that is ready; `starter` asked for it (NULL: its owner did). 0, -EBUSY, -ESRCH, or what session_spawn says. */
int session_start(struct session *s, struct session *starter);
/* The owner session of the container that s is about; borrowed, NULL: it has ended. */
struct session *session_owner(struct session *s);
/* Tell its owner and whoever started it. From a task. */
void session_tell(struct session *s, enum ctl_type type, u64 a, u64 b, const char *line,
		  size_t len);
/* The connection is gone. */
void session_closed(struct session *s);
/* Say why it could not be; status as a shell has it (126, 127, 125). From a task. */
void session_fail(struct session *s, int status, int err, const char *line, size_t len);
/* Registers what is to be done when a process with a session ends. */
void session_init(void);

/* ---- launch.c: setup functions for session_spawn ---- */
int launch_exec(void *session);	 /* reads the spec first */
int launch_first(void *session); /* of a container; s->spec is there */
/* From a kernel thread: the container's file tree, as s->spec has it. 0, or -errno with a line in why. */
int launch_tree(struct session *s, char *why, size_t size);

/* The tree that the session's spec stream gives; ERR_PTR. */
struct spec *launch_read_spec(struct session *s);
/* Nothing of it will run: the host's side of its standard streams is closed. */
void launch_discard_streams(const struct session *s);

/* ---- program.c ---- */
/* Become the spec's program, searched for as a shell would. 0 or -errno. */
int program_exec(const struct spec *spec);
/* Did that fail with err although the program is there? */
bool program_lacks_interpreter(const struct spec *spec, int err);
/* Is it there, in the container's tree? From a kernel thread. 0, or -errno with a line in why. */
int program_check(const struct session *s, char *why, size_t size);

/* Limits, filter and credentials of spec, for the current task. 0, or -errno with what failed. */
int launch_identity(const struct spec *spec, const char **what);
/* Put HOME into envp if it is not there, from the /etc/passwd of the current task's root. 0 or -ENOMEM (home.c). */
int home_add(struct spec *s);
/* The current task's files and directories, as the session's spec has them. 0 or -errno. */
int launch_context(struct session *s);

/* ---- surroundings.c ---- */
/* What the container has before its first process: its pid namespace and its limits. From a kernel thread. 0 or -ENOMEM. */
int surroundings_make(struct session *s);
/* Namespaces of the current task, the first one or an exec'd one of a container; the first one sets their names. */
int surroundings_enter(struct session *s);
/* Parameters below /proc/sys, for the current task's namespaces; it has no files yet. 0, or -errno with a line in why. */
int surroundings_sysctl(const struct spec *spec, char *why, size_t size);
/* Device nodes in the container's tree. From a kernel thread. 0, or -errno with a line in why. */
int surroundings_devices(const struct session *s, char *why, size_t size);

/* ---- hooks.c ---- */
/* Run the hooks of the current task's container, in order, to their end. 0, or -errno with a line in why. */
int hooks_run(struct session *s, char *why, size_t size);
/* A hook's process has ended; sessions_lock held. */
void hook_ended(struct hook *h, int status);

/* ---- forward.c ---- */
/* Connect and relay, in threads of its own, which answer. Takes over the streams. 0, -ESRCH (the container does not run), -ENOMEM. */
int forward_start(struct session *s, struct session *owner, const struct ctl_forward *what);
/* The client is gone: reset the connection. */
void forward_closed(struct forward *f);
void forward_free(struct forward *f); /* NULL is fine */

/* ---- messages.c ---- */
/* Hear the control queue. Messages for the first container wait for nothing: its session must be there. */
void messages_start(void);

/* ---- info.c: answers about a session's container ---- */
void info_pids(struct session *s);
void info_stats(struct session *s);
void info_dmesg(struct session *s, u64 from);
void info_stacks(struct session *s);

/* ---- create.c ---- */
/* A further container: reads its spec and makes its tree in a thread of its own, which answers. Takes over the reference. */
void create_container(struct session *s);
/* Its 9P queue is nobody's any more. */
void create_release_queue(unsigned queue);

#endif
