/*
 * hooks.c - see hooks.h. A hook is a child in a process group of its own, so that a timeout ends all of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/clock.h"
#include "oci/hooks.h"

#define STDERR_TAIL 256 /* of what a failed hook said */

static const char *const kind_names[HOOK_KINDS] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
};

char *state_json(const struct container_state *s, const char *status)
{
	json_t *notes = s->annotations.n ? json_object() : NULL, *o;
	char *text;

	for (size_t i = 0; i < s->annotations.n; i++)
		json_object_set_new(notes, s->annotations.items[i].key,
				    json_string(s->annotations.items[i].value));
	o = json_pack("{s:s, s:s, s:s, s:I, s:s*, s:s*, s:s*, s:o*}", "ociVersion", "1.2.0", "id",
		      s->id, "status", status, "pid",
		      (json_int_t)(strcmp(status, "stopped") ? s->pid : 0), "bundle", s->bundle,
		      "rootfs", s->rootfs, "created", s->created, "annotations", notes);
	text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	json_decref(o);
	return text;
}

static void enter_namespaces(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 || setns(fd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) < 0) {
		dprintf(2, "enter the container's namespaces: %s\n", strerror(errno));
		_exit(127);
	}
	close(fd);
}

/* The child. exec_fd holds the program, opened before namespaces changed: a hook's executable is the runtime's. */
static void exec_hook(const struct oci_hook *h, int in, int out, pid_t ns_pid)
{
	char *const only_path[] = { h->path, NULL }, *const no_env[] = { NULL };
	char *const *args = h->args && h->args[0] ? h->args : only_path;
	int exec_fd = ns_pid ? open(h->path, O_PATH | O_CLOEXEC) : -1;
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (ns_pid && exec_fd < 0) {
		dprintf(out, "%s: %s\n", h->path, strerror(errno));
		_exit(127);
	}
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(127);
	if (ns_pid) {
		enter_namespaces(ns_pid);
		fexecve(exec_fd, args, h->env ? h->env : no_env);
	}
	/* A script's interpreter gets it by name, which a copied mount namespace has too. */
	if (!ns_pid || errno == ENOENT)
		execve(h->path, args, h->env ? h->env : no_env);
	dprintf(2, "%s: %s\n", h->path, strerror(errno));
	_exit(127);
}

static int64_t now_ms(void)
{
	return (int64_t)(clock_now_ns(CLOCK_MONOTONIC) / 1000000);
}

/* Keep the last bytes of what it says until it ends or time is up. True if it ended. */
static bool listen_to(int fd, int pidfd, int64_t deadline, char *tail)
{
	size_t n = 0;
	struct pollfd p[] = { { fd, POLLIN, 0 }, { pidfd, POLLIN, 0 } };

	tail[0] = 0;
	for (;;) {
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();
		char buf[512];
		ssize_t got;

		if (deadline >= 0 && left <= 0)
			return false;
		if (poll(p, 2, (int)(left > 1000000 ? 1000000 : left)) < 0 && errno != EINTR)
			return false;
		if (p[0].revents) {
			got = read(fd, buf, sizeof(buf));
			if (got <= 0)
				p[0].fd = -1; /* closed; what runs on may hold it or not */
			for (ssize_t i = 0; i < got; i++) {
				if (n == STDERR_TAIL - 1)
					memmove(tail, tail + 1, --n);
				tail[n++] = buf[i] == '\n' ? ' ' : buf[i];
				tail[n] = 0;
			}
		} else if (p[1].revents) {
			while (n && tail[n - 1] == ' ')
				tail[--n] = 0;
			return true;
		}
	}
}

static int run_one(const struct oci_hook *h, const char *what, const char *state, pid_t ns_pid,
		   struct error *err)
{
	int in = chan_memfd("state", state, strlen(state), err), out[2], pidfd, status;
	char said[STDERR_TAIL];
	bool ended;
	pid_t pid;

	if (in < 0)
		return -1;
	lseek(in, 0, SEEK_SET);
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in);
		return error_errno(err, "pipe");
	}
	pid = fork();
	if (pid == 0)
		exec_hook(h, in, out[1], ns_pid);
	close(in);
	close(out[1]);
	if (pid < 0) {
		close(out[0]);
		return error_errno(err, "fork");
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		error_errno(err, "%s: pidfd_open", what);
	ended = pidfd >= 0 &&
		listen_to(out[0], pidfd, h->timeout.set ? now_ms() + 1000 * h->timeout.value : -1,
			  said);
	if (!ended) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(out[0]);
	if (pidfd < 0)
		return -1;
	close(pidfd);
	if (!ended)
		return error_set(err, ETIMEDOUT, "%s: %s did not end within %lld s", what, h->path,
				 (long long)h->timeout.value);
	if (WIFSIGNALED(status))
		return error_set(err, 0, "%s: %s was killed by signal %d", what, h->path,
				 WTERMSIG(status));
	if (WEXITSTATUS(status))
		return error_set(err, 0, "%s: %s: exit status %d%s%s", what, h->path,
				 WEXITSTATUS(status), *said ? ": " : "", said);
	return 0;
}

int hooks_run(const struct oci_config *config, enum oci_hook_kind kind,
	      const struct container_state *state, const char *status, pid_t ns_pid,
	      struct error *err)
{
	size_t n = config->hooks.kind[kind].n;
	char *text = n ? state_json(state, status) : NULL;
	int ret = 0;

	if (n && !text)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n && ret == 0; i++) {
		char what[64];

		snprintf(what, sizeof(what), "hooks.%s[%zu]", kind_names[kind], i);
		ret = run_one(&config->hooks.kind[kind].items[i], what, text, ns_pid, err);
	}
	free(text);
	return ret;
}
