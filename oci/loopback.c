/*
 * loopback.c - see loopback.h. A port without a listener is seen only after the kernel has taken the connection: it is reset.
 *
 * The stand-in keeps no directory open, not even for the socket of its sandbox: a tool that enters its tree could climb from
 * that (oom.h).
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/child.h"
#include "host/jail.h"
#include "host/net/loopback.h"
#include "oci/loopback.h"
#include "oci/relay.h"

/* Of relay(), and of the threads that it makes. */
static const int relay_syscalls[] = {
	SYS_read,
	SYS_write,
	SYS_poll,
	SYS_restart_syscall,
	SYS_close,
	SYS_shutdown,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_setsockopt,
	SYS_pipe2,
	SYS_fcntl,
	SYS_futex,
	SYS_clone,
	SYS_clone3,
	SYS_mmap,
	SYS_mprotect,
	SYS_munmap,
	SYS_madvise,
	SYS_brk,
	SYS_getrandom,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_exit,
	SYS_exit_group,
};

bool loopback_open(struct loopback *l, const struct container *c)
{
	*l = (struct loopback){ .id = c->s.id, .file = chan_open_file(c->dir_fd) };
	if (l->file < 0)
		return false;
	l->fd = net_loopback_open(&l->link);
	if (l->fd < 0)
		close(l->file);
	return l->fd >= 0;
}

bool loopback_ready(const struct loopback *l)
{
	return l->n < LOOPBACK_MAX;
}

static void reset(int conn)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(conn, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(conn);
}

/* A connection to the sandbox, after which nothing is left that could be opened; -1. */
static int enter_jail(const struct loopback *l, int conn)
{
	const int keep[] = { conn < l->file ? conn : l->file, conn < l->file ? l->file : conn };
	int chan;

	if (jail_close_fds(keep, 2, NULL) < 0)
		return -1;
	chan = chan_connect_file(l->file, NULL);
	close(l->file);
	if (chan < 0 || jail_drop_caps(0, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    jail_seccomp_thread(relay_syscalls, sizeof(relay_syscalls) / sizeof(int)) < 0)
		return -1;
	return chan;
}

static void __attribute__((noreturn))
serve(const struct loopback *l, int conn, uint16_t port, pid_t parent)
{
	struct error err;
	int chan;

	prctl(PR_SET_NAME, "moat-forward"); /* at once: cmd/ps.c counts stand-ins by their name */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	chan = enter_jail(l, conn);
	if (chan < 0 || relay(chan, l->id, port, conn, conn, &err) < 0)
		reset(conn);
	_exit(0);
}

void loopback_take(struct loopback *l)
{
	int conn = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	uint16_t port = conn < 0 ? 0 : net_loopback_port(conn);
	pid_t parent = getpid(), pid = -1;

	if (conn < 0)
		return;
	if (port)
		pid = fork();
	if (pid == 0)
		serve(l, conn, port, parent);
	if (pid < 0) {
		reset(conn);
		return;
	}
	close(conn);
	l->child[l->n++] = pid;
}

void loopback_reaped(struct loopback *l, pid_t pid)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->child[i] == pid) {
			l->child[i] = l->child[--l->n];
			return;
		}
}

void loopback_end(const struct loopback *l)
{
	for (unsigned i = 0; i < l->n; i++)
		kill(l->child[i], SIGKILL);
	for (unsigned i = 0; i < l->n; i++)
		child_wait(l->child[i]);
}
