/*
 * chan_client.c - drives a running sandbox over its control socket (host/channel.h), as the OCI commands do.
 *
 *   chan_client DIR exec NAME PROG [ARG...]      run PROG in container NAME with our streams; ends with its status
 *   chan_client DIR tty NAME PROG [ARG...]       the same with a terminal over the streams
 *   chan_client DIR burst NAME COUNT BYTES       COUNT at once: each copies BYTES from one pipe to another, status i % 100
 *   chan_client DIR loop NAME COUNT PROG...      COUNT one after the other; each must end with 0
 *   chan_client DIR drop NAME PROG...            start PROG, then close the connection
 *   chan_client DIR create NAME ROOT PROG...     a container of its own with that root, until its end
 *   chan_client DIR pids|stats|dmesg NAME        what is to be said about it
 *   chan_client DIR signal NAME NUMBER TARGET
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/boottree.h"
#include "host/channel.h"
#include "host/mount_table.h"
#include "host/start.h"
#include "host/stream_fd.h"

static struct error err;
static int dir_fd;
static char *env[] = { "PATH=/usr/bin:/bin", "HOME=/", NULL };

static void die(const char *what)
{
	fprintf(stderr, "chan_client: %s: %s\n", what, err.msg);
	exit(125);
}

static int reach(void)
{
	int fd = chan_connect(dir_fd, &err);

	if (fd < 0)
		die("connect");
	return fd;
}

static void say(int fd, uint32_t type, const char *name, const int *fds, size_t n)
{
	struct chan_msg m = { .type = type, .len = (uint32_t)strlen(name) };

	memcpy(m.data, name, m.len);
	if (chan_send(fd, &m, fds, n, &err) < 0)
		die("send");
}

/* A connection that has a process started in `name` with these streams, which stay ours. */
static int begin(uint32_t type, const char *name, const struct container_spec *spec,
		 const int stdio[3])
{
	int fd = reach(), fds[4] = { boottree_memfd(spec, &err) };

	if (fds[0] < 0)
		die("spec");
	for (int i = 0; i < 3; i++)
		fds[i + 1] = stream_fd_own(stdio[i]);
	say(fd, type, name, fds, 4);
	chan_close_fds(fds, 4);
	return fd;
}

static int exec(const char *name, char **argv, const int stdio[3], bool tty)
{
	struct container_spec spec = {
		.argv = argv,
		.envp = env,
		.cwd = "/",
		.caps = (1ULL << 41) - 1,
		.umask = 022,
		.tty = tty,
		.rows = 24,
		.cols = 80,
	};

	return begin(CHAN_EXEC, name, &spec, stdio);
}

/* The next message that is not a line of the log. */
static void hear(int fd, struct chan_msg *m, int *fds, size_t n)
{
	int got;

	do {
		size_t room = n;

		got = chan_recv(fd, m, fds, &room, 0, &err);
	} while (got > 0 && m->type == CHAN_LOG);
	if (got > 0)
		return;
	snprintf(err.msg, sizeof(err.msg), "the sandbox is gone");
	die("receive");
}

static int status_of(const struct chan_msg *m)
{
	int st = (int)m->a;

	if (m->type == CHAN_FAILED) {
		fprintf(stderr, "chan_client: %.*s (errno %d)\n", (int)m->len, m->data, (int)m->a);
		return m->b ? (int)m->b : 124;
	}
	return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

/* Its exit status, as a shell has it. */
static int finish(int fd)
{
	struct chan_msg m;

	do
		hear(fd, &m, NULL, 0);
	while (m.type != CHAN_EXIT && m.type != CHAN_FAILED);
	close(fd);
	return status_of(&m);
}

static int cmd_exec(const char *name, char **argv, bool tty)
{
	return finish(exec(name, argv, (int[]){ 0, 1, 2 }, tty));
}

/* ---- burst ---- */

struct job {
	int chan, in, out; /* in: we write, out: we read */
	size_t sent, got, bad;
};

static unsigned char pattern(unsigned job, size_t at)
{
	return (unsigned char)((at * 2654435761u >> 13) + job * 37);
}

static struct job start_job(const char *name, unsigned i)
{
	char status[16];
	char *argv[] = { "sh", "-c", "cat; exit $0", status, NULL };
	int in[2], out[2];
	struct job j = { 0 };

	snprintf(status, sizeof(status), "%u", i % 100);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	j.chan = exec(name, argv, (int[]){ in[0], out[1], 2 }, false);
	close(in[0]);
	close(out[1]);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	j.in = in[1];
	j.out = out[0];
	return j;
}

static void feed(struct job *j, unsigned i, size_t bytes)
{
	unsigned char buf[4096];
	size_t n = 0;
	ssize_t done;

	for (; n < sizeof(buf) && j->sent + n < bytes; n++)
		buf[n] = pattern(i, j->sent + n);
	done = write(j->in, buf, n);
	if (done > 0)
		j->sent += (size_t)done;
	if (j->sent == bytes) {
		close(j->in);
		j->in = -1;
	}
}

static void drain(struct job *j, unsigned i)
{
	unsigned char buf[65536];
	ssize_t n = read(j->out, buf, sizeof(buf));

	for (ssize_t k = 0; k < n; k++)
		j->bad += buf[k] != pattern(i, j->got + (size_t)k);
	if (n > 0) {
		j->got += (size_t)n;
		return;
	}
	close(j->out);
	j->out = -1;
}

static int cmd_burst(const char *name, unsigned count, size_t bytes)
{
	struct job *jobs = calloc(count, sizeof(*jobs));
	struct pollfd *p = calloc(count * 2, sizeof(*p));
	unsigned open = count, wrong = 0;

	for (unsigned i = 0; i < count; i++)
		jobs[i] = start_job(name, i);
	while (open) {
		for (unsigned i = 0; i < count; i++) {
			p[2 * i] = (struct pollfd){ jobs[i].in, POLLOUT, 0 };
			p[2 * i + 1] = (struct pollfd){ jobs[i].out, POLLIN, 0 };
		}
		poll(p, count * 2, -1);
		for (unsigned i = 0; i < count; i++) {
			if (p[2 * i].revents && jobs[i].in >= 0)
				feed(&jobs[i], i, bytes);
			if (p[2 * i + 1].revents && jobs[i].out >= 0) {
				drain(&jobs[i], i);
				open -= jobs[i].out < 0;
			}
		}
	}
	for (unsigned i = 0; i < count; i++) {
		int st = finish(jobs[i].chan);

		if (st == (int)(i % 100) && jobs[i].got == bytes && !jobs[i].bad)
			continue;
		wrong++;
		fprintf(stderr, "chan_client: job %u: status %d, %zu bytes, %zu wrong\n", i, st,
			jobs[i].got, jobs[i].bad);
	}
	printf("%u jobs, %u wrong\n", count, wrong);
	return wrong != 0;
}

static int cmd_loop(const char *name, unsigned count, char **argv)
{
	int null = open("/dev/null", O_RDWR);

	for (unsigned i = 0; i < count; i++) {
		int st = finish(exec(name, argv, (int[]){ null, null, 2 }, false));

		if (!st)
			continue;
		fprintf(stderr, "chan_client: run %u: status %d\n", i, st);
		return 1;
	}
	return 0;
}

static int cmd_drop(const char *name, char **argv)
{
	int null = open("/dev/null", O_RDWR), fd;
	struct chan_msg m;

	fd = exec(name, argv, (int[]){ null, 1, 2 }, false);
	hear(fd, &m, NULL, 0);
	close(fd);
	return m.type == CHAN_STARTED ? 0 : status_of(&m);
}

/* ---- a container ---- */

static pid_t serve_root(const char *root, const struct chan_msg *q, const int fds[3])
{
	struct gofer_start g = {
		.root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.arena_fd = fds[0],
		.arena_size = q->b,
		.queue = { (unsigned)q->a, fds[1], fds[2] },
	};
	pid_t pid = g.root_fd < 0 ? -1 : gofer_start(&g, &err);

	if (pid < 0)
		die("gofer");
	return pid;
}

static int cmd_create(const char *name, const char *root, char **argv)
{
	struct mount_table table = { 0 };
	struct container_spec spec = {
		.argv = argv,
		.envp = env,
		.cwd = "/",
		.hostname = name,
		.caps = (1ULL << 41) - 1,
		.umask = 022,
		.overlay = BOOT_OVERLAY_MEMORY,
		.memory = ~0ULL,
	};
	struct chan_msg m, start = { .type = CHAN_START };
	int fds[3], fd, st;
	pid_t gofer;

	if (mount_table_defaults(&table, &err) < 0)
		die("mounts");
	spec.mounts = table.mounts;
	spec.nmounts = table.nmounts;
	fd = begin(CHAN_CREATE, name, &spec, (int[]){ 0, 1, 2 });
	hear(fd, &m, fds, 3);
	if (m.type != CHAN_QUEUE)
		return status_of(&m);
	gofer = serve_root(root, &m, fds);
	hear(fd, &m, NULL, 0);
	if (m.type != CHAN_CREATED)
		return status_of(&m);
	if (chan_send(fd, &start, NULL, 0, &err) < 0)
		die("start");
	st = finish(fd);
	kill(gofer, SIGKILL);
	return st;
}

/* ---- questions ---- */

static int attach(const char *name)
{
	int fd = reach();
	struct chan_msg m;

	say(fd, CHAN_ATTACH, name, NULL, 0);
	hear(fd, &m, NULL, 0);
	if (m.type != CHAN_DONE)
		exit(status_of(&m));
	return fd;
}

static void print_list(uint32_t type, const struct chan_msg *m)
{
	struct chan_stats s;
	struct chan_pid p;

	if (type == CHAN_DMESG) {
		fwrite(m->data, 1, m->len, stdout);
	} else if (type == CHAN_STATS) {
		memcpy(&s, m->data, sizeof(s));
		printf("memory %llu\nlimit %llu\ncpu %llu\npids %llu\noom %llu\n",
		       (unsigned long long)s.memory_used, (unsigned long long)s.memory_limit,
		       (unsigned long long)s.cpu_ns, (unsigned long long)s.pids,
		       (unsigned long long)s.oom_kills);
	} else {
		for (size_t at = 0; at + sizeof(p) <= m->len; at += sizeof(p)) {
			memcpy(&p, m->data + at, sizeof(p));
			printf("%d %d %d %.32s\n", p.pid, p.ppid, p.uid, p.name);
		}
	}
}

static int cmd_ask(uint32_t type, const char *name)
{
	int fd = attach(name);
	struct chan_msg m = { .type = type };

	do {
		if ((m.type == type || type == CHAN_DMESG) && m.type != CHAN_FAILED) {
			struct chan_msg ask = { .type = type, .a = m.type == CHAN_LIST ? m.b : 0 };

			if (chan_send(fd, &ask, NULL, 0, &err) < 0)
				die("ask");
		}
		hear(fd, &m, NULL, 0);
		if (m.type == CHAN_FAILED)
			return status_of(&m);
		print_list(type, &m);
	} while (type == CHAN_DMESG ? m.len : m.a);
	return 0;
}

static int cmd_signal(const char *name, int signo, unsigned target)
{
	struct chan_msg m = { .type = CHAN_SIGNAL, .a = (uint64_t)signo, .b = target };
	int fd = attach(name);

	if (chan_send(fd, &m, NULL, 0, &err) < 0)
		die("signal");
	hear(fd, &m, NULL, 0);
	return m.type == CHAN_DONE ? 0 : status_of(&m);
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 3 ? argv[2] : "", *name = argv[3];

	signal(SIGPIPE, SIG_IGN);
	dir_fd = argc > 3 ? open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir_fd < 0)
		return 2;
	if (!strcmp(cmd, "exec") && argc > 4)
		return cmd_exec(name, argv + 4, false);
	if (!strcmp(cmd, "tty") && argc > 4)
		return cmd_exec(name, argv + 4, true);
	if (!strcmp(cmd, "burst") && argc == 6)
		return cmd_burst(name, (unsigned)atoi(argv[4]), (size_t)atol(argv[5]));
	if (!strcmp(cmd, "loop") && argc > 5)
		return cmd_loop(name, (unsigned)atoi(argv[4]), argv + 5);
	if (!strcmp(cmd, "drop") && argc > 4)
		return cmd_drop(name, argv + 4);
	if (!strcmp(cmd, "create") && argc > 5)
		return cmd_create(name, argv[4], argv + 5);
	if (!strcmp(cmd, "pids"))
		return cmd_ask(CHAN_PIDS, name);
	if (!strcmp(cmd, "stats"))
		return cmd_ask(CHAN_STATS, name);
	if (!strcmp(cmd, "dmesg"))
		return cmd_ask(CHAN_DMESG, name);
	if (!strcmp(cmd, "signal") && argc == 6)
		return cmd_signal(name, atoi(argv[4]), (unsigned)atoi(argv[5]));
	return 2;
}
