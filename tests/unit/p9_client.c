/*
 * p9_client.c - see p9_client.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"
#include "tests/unit/p9_client.h"

int p9c_failed;

/*
 * Threads of a sealed server would take down the sanitizer's signal stack by a call that the filter
 * kills.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *serve_thread(void *arg)
{
	struct p9c *c = arg;
	struct error err = { 0 };

	if (gofer_serve_stream(c->cfg.stream_fd, &c->cfg, &err) < 0 && err.err != EPROTO)
		printf("server: %s\n", err.msg);
	close(c->cfg.stream_fd);
	return NULL;
}

void p9c_start(struct p9c *c, enum p9c_kind kind, const char *dir, const struct gofer_config *flags)
{
	int sv[2];

	memset(c, 0, sizeof(*c));
	signal(SIGPIPE, SIG_IGN);
	c->kind = kind;
	c->cfg = *flags;
	c->cfg.stream_fd = c->cfg.lifeline_fd = c->cfg.arena_fd = -1;
	c->t = malloc(P9_MSIZE_MAX + 4096);
	c->r = malloc(P9_MSIZE_MAX + 4096);
	c->cfg.root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->cfg.root_fd < 0)
		die(dir);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair");
	c->fd = sv[0];
	if (kind == P9C_RING) {
		c->cfg.lifeline_fd = sv[1];
		c->cfg.arena_fd = memfd_create("arena", MFD_CLOEXEC);
		c->cfg.arena_size = P9C_ARENA;
		if (c->cfg.arena_fd < 0 || ftruncate(c->cfg.arena_fd, P9C_ARENA) < 0)
			die("arena");
		c->arena = mmap(NULL, P9C_ARENA, PROT_READ | PROT_WRITE, MAP_SHARED,
				c->cfg.arena_fd, 0);
		c->cfg.queues = c->queue;
		c->cfg.nqueues = flags->nqueues ? flags->nqueues : 1;
		for (unsigned i = 0; i < c->cfg.nqueues; i++) {
			c->queue[i].index = P9C_QUEUE + i;
			c->queue[i].kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
			c->queue[i].call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		}
	} else {
		c->cfg.stream_fd = sv[1];
	}
	fflush(stdout);
	if (kind == P9C_THREAD) {
		if (pthread_create(&c->thread, NULL, serve_thread, c))
			die("pthread_create");
		return;
	}
	c->pid = fork();
	if (!c->pid) {
		struct error err = { 0 };

		if (gofer_main(&c->cfg, &err) < 0) {
			dprintf(2, "gofer_main: %s\n", err.msg);
			syscall(SYS_exit_group, 1);
		}
		/* not _exit, to which the sanitizer adds calls that the filter kills */
		syscall(SYS_exit_group, 0);
	}
	close(sv[1]);
}

int p9c_stop(struct p9c *c)
{
	int status = 0;

	close(c->fd);
	if (c->kind == P9C_THREAD) {
		pthread_join(c->thread, NULL);
	} else {
		waitpid(c->pid, &status, 0);
		status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	if (c->kind == P9C_RING) {
		munmap(c->arena, P9C_ARENA);
		close(c->cfg.arena_fd);
		for (unsigned i = 0; i < c->cfg.nqueues; i++) {
			close(c->queue[i].kick_fd);
			close(c->queue[i].call_fd);
		}
	}
	close(c->cfg.root_fd);
	free(c->t);
	free(c->r);
	return status;
}

static struct ring_mem *ring(struct p9c *c)
{
	return (struct ring_mem *)(c->arena + c->queue[c->on].index * RING_STRIDE);
}

/*
 * T-message at 1 MiB of the arena, cut as c->split says; room for the answer at 4 MiB: the header,
 * then data.
 */
static size_t ring_raw(struct p9c *c, size_t t_len)
{
	struct ring_mem *q = ring(c);
	uint64_t t_at = 1 << 20, r_at = 4 << 20, one = 1, count;
	size_t part = c->split ? c->split : t_len, at;
	struct pollfd pfd[2] = { { c->queue[c->on].call_fd, POLLIN, 0 }, { c->fd, POLLIN, 0 } };
	uint16_t n = 0, idx = q->avail.idx;
	size_t len;

	if (part < (t_len + 99) / 100)
		part = (t_len + 99) / 100;
	memcpy(c->arena + t_at, c->t, t_len);
	for (at = 0; at < t_len; at += part, n++) {
		q->desc[n].addr = t_at + at;
		q->desc[n].len = part < t_len - at ? part : t_len - at;
		q->desc[n].flags = RING_DESC_F_NEXT;
		q->desc[n].next = n + 1;
	}
	q->desc[n] = (struct ring_desc){ r_at + 4096 - P9_READ_HDR, P9_READ_HDR,
					 RING_DESC_F_NEXT | RING_DESC_F_WRITE, n + 1 };
	n++;
	q->desc[n] = (struct ring_desc){ r_at + 4096, P9_DATA_MAX, RING_DESC_F_WRITE, 0 };
	q->avail.ring[idx % RING_ENTRIES] = 0;
	q->avail.used_event = idx;
	__atomic_store_n(&q->avail.idx, idx + 1, __ATOMIC_SEQ_CST);
	if (ring_need_event(__atomic_load_n(&q->used.avail_event, __ATOMIC_SEQ_CST), idx + 1,
			    idx) &&
	    write(c->queue[c->on].kick_fd, &one, 8) != 8)
		die("kick");
	while (__atomic_load_n(&q->used.idx, __ATOMIC_ACQUIRE) != (uint16_t)(idx + 1)) {
		if (poll(pfd, 2, 10000) <= 0) {
			printf("no answer from the ring\n");
			return 0;
		}
		if (pfd[1].revents)
			return 0; /* the server died */
		if (read(c->queue[c->on].call_fd, &count, 8) != 8)
			die("call");
	}
	len = q->used.ring[idx % RING_ENTRIES].len;
	if (len > P9_MSIZE_MAX)
		return 0;
	memcpy(c->r, c->arena + r_at + 4096 - P9_READ_HDR, len);
	return len;
}

static bool transfer(int fd, uint8_t *buf, size_t len, bool out)
{
	while (len) {
		ssize_t n = out ? write(fd, buf, len) : read(fd, buf, len);

		if (n <= 0)
			return false;
		buf += n;
		len -= n;
	}
	return true;
}

size_t p9c_raw(struct p9c *c, size_t t_len)
{
	uint32_t size;

	if (c->kind == P9C_RING)
		return ring_raw(c, t_len);
	if (!transfer(c->fd, c->t, t_len, true) || !transfer(c->fd, c->r, 4, false))
		return 0;
	memcpy(&size, c->r, 4);
	if (size < P9_HDR || size > P9_MSIZE_MAX || !transfer(c->fd, c->r + 4, size - 4, false))
		return 0;
	return size;
}

int p9c_call(struct p9c *c, uint8_t type, const char *fmt, ...)
{
	struct wire_wr w = { .buf = c->t, .cap = P9_MSIZE_MAX + 4096 };
	uint32_t size;
	uint16_t tag;
	size_t len;
	va_list ap;

	wire_put32(&w, 0);
	wire_put8(&w, type);
	wire_put16(&w, ++c->tag);
	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		const char *p;

		switch (*fmt) {
		case 'b': wire_put8(&w, va_arg(ap, int)); break;
		case 'w': wire_put16(&w, va_arg(ap, int)); break;
		case 'd': wire_put32(&w, va_arg(ap, uint32_t)); break;
		case 'q': wire_put64(&w, va_arg(ap, uint64_t)); break;
		case 's': wire_put_str(&w, va_arg(ap, const char *)); break;
		case 'S':
		case 'D':
			p = va_arg(ap, const char *);
			len = va_arg(ap, size_t);
			if (*fmt == 'S')
				wire_put16(&w, len);
			wire_put(&w, p, len);
			break;
		}
	}
	va_end(ap);
	size = w.len;
	memcpy(c->t, &size, 4);
	len = p9c_raw(c, w.len);
	if (len < P9_HDR) {
		printf("type %u: no answer; the server is gone (status %d)\n", type, p9c_stop(c));
		exit(1);
	}
	memcpy(&size, c->r, 4);
	memcpy(&tag, c->r + 5, 2);
	c->rtype = c->r[4];
	c->rd = (struct wire_rd){ .p = c->r + P9_HDR, .left = len - P9_HDR };
	if (size != len || tag != c->tag || (c->rtype != P9_RLERROR && c->rtype != type + 1))
		return 9999;
	return c->rtype == P9_RLERROR ? (int)wire_get32(&c->rd) : 0;
}

int p9c_version(struct p9c *c, const char *version, uint32_t msize)
{
	return p9c_call(c, P9_TVERSION, "ds", msize, version);
}

int p9c_attach(struct p9c *c, uint32_t fid, uint32_t uid)
{
	return p9c_call(c, P9_TATTACH, "ddssd", fid, P9_NOFID, "user", "", uid);
}

int p9c_walk(struct p9c *c, uint32_t fid, uint32_t to, const char *path)
{
	uint8_t names[4096];
	struct wire_wr w = { .buf = names, .cap = sizeof(names) };
	uint16_t n = 0, got;
	int ret;

	while (*path) {
		size_t len = strcspn(path, "/");

		wire_put16(&w, len);
		wire_put(&w, path, len);
		n++;
		path += len + (path[len] == '/');
	}
	ret = p9c_call(c, P9_TWALK, "ddwD", fid, to, n, names, w.len);
	if (ret)
		return ret;
	got = wire_get16(&c->rd);
	return got == n ? 0 : -(int)got; /* a partial walk */
}

int p9c_open(struct p9c *c, uint32_t fid, uint32_t flags)
{
	return p9c_call(c, P9_TLOPEN, "dd", fid, flags);
}

int p9c_clunk(struct p9c *c, uint32_t fid)
{
	return p9c_call(c, P9_TCLUNK, "d", fid);
}

char *p9c_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/p9-test-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(path))
		die("mkdtemp");
	return path;
}

static int rm_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void p9c_rmtree(const char *dir)
{
	char cmd[600];

	nftw(dir, rm_one, 16, FTW_DEPTH | FTW_PHYS);
	if (access(dir, F_OK) < 0)
		return;
	/* a folder that its owner may not enter */
	snprintf(cmd, sizeof(cmd), "chmod -R u+rwx '%s'; rm -rf '%s'", dir, dir);
	if (system(cmd))
		printf("%s is left behind\n", dir);
}

int p9c_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}
