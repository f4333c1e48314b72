/*
 * hooks.c - startContainer hooks: programs of the container that run in it, before its own. They name paths of the container,
 * so they are never the host's business.
 *
 * Each is a process beside the first one, as its user and under its filter, which waits for it. State on standard input; what
 * it prints goes nowhere, but its end is in the line that says that it failed.
 */
#include <string.h>

#include "container/session.h"
#include "fs/anon/memfd.h"
#include "fs/boot.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "platform/platform.h"
#include "sys/task_glue.h"
#include "task/ns/pidns.h"

#define TAIL 200 /* bytes of what a failed one printed */

struct hook {
	const struct spec_hook *spec;
	bool ended;
	int status; /* as wait(2) gives it */
	struct file *in, *out;
};

static struct waitq waiters = WAITQ_INIT(waiters);

/* The waiter's hook may be gone as soon as it has ended. */
void hook_ended(struct hook *h, int status)
{
	h->status = status;
	WRITE_ONCE(h->ended, true);
	waitq_wake_all(&waiters, 0);
}

/* In the new process. */
static int become(void *session)
{
	struct session *s = session;
	struct hook *h = s->hook;
	const char *what;
	int err = launch_context(s);

	if (!err)
		err = surroundings_enter(s);
	if (err)
		return err;
	for (int fd = 0; fd < 3; fd++) {
		struct file *f = fd ? h->out : h->in;

		file_get(f);
		fd_install_at(f, fd, false);
	}
	err = fs_enter_cwd(s->spec->cwd, s->spec->uid, s->spec->gid);
	if (!err)
		err = launch_identity(s->spec, &what);
	if (!err)
		err = exec_kernel(h->spec->path, h->spec->argv, h->spec->envp);
	return err;
}

/* Append to f at *pos. 0, or -errno. */
static int put(struct file *f, u64 *pos, const char *text, size_t len)
{
	struct iov_seg seg;
	struct iov v;
	s64 n;

	iov_kernel(&v, &seg, (void *)text, len);
	n = file_write(f, &v, pos);
	return n < 0 ? (int)n : 0;
}

/* The state with the number of the waiting process, which only we know, where the host left 0. */
static int put_state(struct file *f, const char *state)
{
	static const char before[] = "\"pid\": ";
	const char *at = strstr(state, before), *after;
	char number[16];
	size_t n;
	u64 pos = 0;
	int err;

	if (!at)
		return -EINVAL;
	at += sizeof(before) - 1;
	for (after = at; *after >= '0' && *after <= '9';)
		after++;
	n = (size_t)ksnprintf(number, sizeof(number), "%d", pid_vnr(task_current()->process->pid));
	err = put(f, &pos, state, (size_t)(at - state));
	if (!err)
		err = put(f, &pos, number, n);
	return err ?: put(f, &pos, after, strlen(after));
}

static int open_streams(struct hook *h, const char *state)
{
	int err;

	h->in = memfd_create("state", 0);
	if (IS_ERR(h->in))
		return PTR_ERR(h->in);
	h->out = memfd_create("hook", 0);
	if (IS_ERR(h->out)) {
		file_put(h->in);
		return PTR_ERR(h->out);
	}
	err = put_state(h->in, state);
	if (err) {
		file_put(h->in);
		file_put(h->out);
	}
	return err;
}

/* The last line or so of its output, on one line; "": nothing. */
static void read_tail(struct file *f, char *buf, size_t size)
{
	u64 len = f->inode->size, pos = len > size - 1 ? len - (size - 1) : 0;
	struct iov_seg seg;
	struct iov v;
	s64 n;

	iov_kernel(&v, &seg, buf, size - 1);
	n = file_read(f, &v, &pos);
	buf[n < 0 ? 0 : n] = 0;
	for (s64 i = n; i > 0 && buf[i - 1] == '\n'; i--)
		buf[i - 1] = 0;
	for (char *p = buf; *p; p++)
		if (*p == '\n')
			*p = ' ';
}

static bool wait_for(struct hook *h, struct process *p)
{
	u64 until = h->spec->timeout ? clock_mono() + h->spec->timeout * 1000000000ULL
				     : NO_DEADLINE;
	bool in_time;

	wait_event(&waiters, SLEEP_KILLABLE, until, READ_ONCE(h->ended));
	in_time = READ_ONCE(h->ended);
	if (!in_time && p)
		signal_process(p, SIGKILL, NULL);
	wait_event(&waiters, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, READ_ONCE(h->ended));
	return in_time;
}

static int run_one(struct session *owner, struct hook *h, char *why, size_t size)
{
	struct session *s = session_create(0, SESSION_HOOK, owner->container);
	struct process *p;
	char tail[TAIL] = "";
	bool in_time;
	int err;

	if (!s)
		return -ENOMEM;
	s->spec = owner->spec;
	s->hook = h;
	err = session_spawn(s, become);
	if (!err) {
		p = session_process(s);
		in_time = wait_for(h, p);
		process_put(p);
		if (!in_time || h->status) {
			read_tail(h->out, tail, sizeof(tail));
			err = in_time ? -ECANCELED : -ETIMEDOUT;
		}
		if (err == -ETIMEDOUT)
			ksnprintf(why, size, "%s did not end within %u s", h->spec->path,
				  h->spec->timeout);
		else if (h->status & 0x7f)
			ksnprintf(why, size, "%s was killed by signal %d", h->spec->path,
				  h->status & 0x7f);
		else
			ksnprintf(why, size, "%s: exit status %d%s%s", h->spec->path,
				  h->status >> 8 & 255, *tail ? ": " : "", tail);
	}
	s->spec = NULL;
	session_put(s);
	return err;
}

int hooks_run(struct session *s, char *why, size_t size)
{
	int err = 0;

	for (unsigned i = 0; i < s->spec->nhooks && !err; i++) {
		struct hook h = { .spec = &s->spec->hooks[i] };
		int n = ksnprintf(why, size, "hooks.startContainer[%u]: ", i);

		err = open_streams(&h, s->spec->state);
		if (!err) {
			err = run_one(s, &h, why + n, size - (size_t)n);
			file_put(h.in);
			file_put(h.out);
		}
	}
	return err;
}
