/*
 * main.c - the gofer's entry points: one connection on a stream, or one thread for each queue of
 * the arena.
 *
 * Order of gofer_main: close what is not ours, map the arena, give up capabilities, start the
 * threads (each with a working directory of its own, xattr.c), then the seccomp filter over all of
 * them, then serve.
 */
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/error.h"
#include "host/gofer/conn.h"
#include "host/gofer/seal.h"
#include "host/gofer/transport.h"

/*
 * Descriptors outside of the connections' budgets: standard ones, root, eventfds, those that live
 * for one request.
 */
#define FDS_RESERVED(cfg) (16 + 2 * (cfg)->nqueues + (cfg)->nexports)

struct worker {
	struct conn conn;
	struct ring_dev ring;
	struct ring_bells bells;
	bool ended;
	struct error err; /* why its ring works no more; unset if it ended because the lifeline did */
	pthread_t thread;
};

static pthread_barrier_t sealed;
static sem_t ended; /* posted by each worker as it ends */
static sem_t never;

static unsigned fd_budget(const struct gofer_config *cfg)
{
	unsigned max = GOFER_MAX_FDS, conns = cfg->nqueues ? cfg->nqueues : 1;
	struct rlimit rl;

	if (cfg->max_fds && cfg->max_fds < max)
		max = cfg->max_fds;
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		if (rl.rlim_cur < max) {
			rl.rlim_cur = rl.rlim_max < max ? rl.rlim_max : max;
			setrlimit(RLIMIT_NOFILE, &rl);
		}
		if (rl.rlim_cur < max)
			max = rl.rlim_cur;
	}
	max = max > FDS_RESERVED(cfg) ? max - FDS_RESERVED(cfg) : 0;
	return max / conns;
}

bool gofer_read_only(const struct gofer_config *cfg)
{
	bool ro = cfg->read_only;

	for (unsigned i = 0; ro && i < cfg->nexports; i++)
		ro = cfg->exports[i].read_only;
	return ro;
}

static int prepare(const struct gofer_config *cfg, struct gofer *g, struct error *err)
{
	struct statx st;
	int ret = attr_stat(cfg->root_fd, "", &st);

	if (ret < 0) {
		errno = -ret;
		return error_errno(err, "root directory");
	}
	if (!S_ISDIR(st.stx_mode))
		return error_set(err, ENOTDIR, "the root is not a directory");
	memset(g, 0, sizeof(*g));
	g->exports = calloc(cfg->nexports + 1, sizeof(*g->exports));
	if (!g->exports)
		return error_set(err, ENOMEM, "out of memory");
	g->exports[0] = (struct gofer_export){ .name = "",
					       .fd = cfg->root_fd,
					       .read_only = cfg->read_only,
					       .cross_mounts = cfg->cross_mounts };
	for (unsigned i = 0; i < cfg->nexports; i++)
		g->exports[i + 1] = cfg->exports[i];
	g->nexports = cfg->nexports + 1;
	for (unsigned i = 0; i < g->nexports; i++) {
		struct statfs fs;

		g->exports[i].copies_up = fstatfs(g->exports[i].fd, &fs) == 0 &&
					  fs.f_type == OVERLAYFS_SUPER_MAGIC;
	}
	g->read_only = gofer_read_only(cfg);
	g->cfg = cfg;
	attr_qid_path(g, attr_dev(&st),
		      st.stx_ino); /* the root's device comes first in the table */
	return 0;
}

int gofer_serve_stream(int fd, const struct gofer_config *cfg, struct error *err)
{
	struct gofer g;
	struct conn c;
	int ret;

	if (prepare(cfg, &g, err) < 0)
		return -1;
	umask(0);
	unshare(CLONE_FS); /* a working directory of this thread alone, for xattr.c */
	ret = conn_init(&c, &g, fd_budget(cfg));
	if (ret < 0) {
		error_set(err, -ret, "no connection: %s", strerror(-ret));
	} else {
		ret = transport_fd_serve(&c, fd, err);
		conn_destroy(&c);
	}
	free(g.exports);
	return ret < 0 ? -1 : 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	unshare(CLONE_FS);
	pthread_barrier_wait(&sealed); /* all have started */
	pthread_barrier_wait(&sealed); /* the filter is on */
	transport_ring_serve(&w->conn, &w->ring, &w->bells, &w->err);
	__atomic_store_n(&w->ended, true, __ATOMIC_RELEASE);
	sem_post(&ended);
	for (;;) /* an orderly end of a thread takes more system calls than serving does */
		sem_wait(&never);
	return NULL;
}

/*
 * Until the lifeline ends, which one worker is enough to tell of (another may be held up by a disk), or no ring works:
 * then the last one's reason is ours. Those before it are said as they come.
 */
static int wait_workers(struct worker *workers, unsigned n, struct error *err)
{
	bool told[RING_QUEUES] = { false };

	for (unsigned left = n; left;) {
		if (sem_wait(&ended) < 0)
			continue;
		left--;
		for (unsigned i = 0; i < n; i++) {
			struct worker *w = &workers[i];

			if (told[i] || !__atomic_load_n(&w->ended, __ATOMIC_ACQUIRE))
				continue;
			if (!w->err.msg[0])
				return 0;
			told[i] = true;
			*err = w->err;
			if (left)
				seal_complain(&w->err);
		}
	}
	return -1;
}

/* The caller's ways to say why are closed; so are those of the sanitizers, which hang on to _exit. */
static void __attribute__((noreturn)) end_sealed(const struct error *err)
{
	seal_complain(err);
	for (;;)
		syscall(SYS_exit_group, 1);
}

static int serve_queues(struct gofer *g, const struct gofer_config *cfg, struct error *err)
{
	struct worker *workers;
	cpu_set_t cpus;
	void *arena;
	unsigned i;
	int ret;

	arena = mmap(NULL, cfg->arena_size, PROT_READ | PROT_WRITE, MAP_SHARED, cfg->arena_fd, 0);
	if (arena == MAP_FAILED)
		return error_errno(err, "cannot map the arena");
	close(cfg->arena_fd);
	workers = calloc(cfg->nqueues, sizeof(*workers));
	if (!workers)
		return error_set(err, ENOMEM, "out of memory");
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	sem_init(&ended, 0, 0);
	pthread_barrier_init(&sealed, NULL, cfg->nqueues + 1);
	for (i = 0; i < cfg->nqueues; i++) {
		const struct gofer_queue *q = &cfg->queues[i];
		struct worker *w = &workers[i];

		w->bells.kick = q->kick_fd;
		w->bells.call = q->call_fd;
		w->bells.lifeline = cfg->lifeline_fd;
		w->bells.spin = CPU_COUNT(&cpus) > 1;
		if (q->index >= RING_QUEUES || cfg->arena_size < RING_QUEUES * RING_STRIDE)
			return error_set(err, EINVAL, "no queue %u", q->index);
		ring_dev_init(&w->ring, arena, cfg->arena_size, q->index);
		ret = conn_init(&w->conn, g, fd_budget(cfg));
		if (!ret)
			ret = -pthread_create(&w->thread, NULL, work, w);
		if (ret < 0)
			return error_set(err, -ret, "cannot start: %s", strerror(-ret));
	}
	pthread_barrier_wait(&sealed);
	if (seal_syscalls(cfg, err) < 0)
		return -1;
	pthread_barrier_wait(&sealed);
	if (wait_workers(workers, cfg->nqueues, err) < 0)
		end_sealed(err);
	return 0;
}

int gofer_main(const struct gofer_config *cfg, struct error *err)
{
	struct gofer g;
	struct conn c;
	int ret;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	seal_heap();
	umask(0);
	if (prepare(cfg, &g, err) < 0 || seal_descriptors(cfg, err) < 0 ||
	    seal_privileges(cfg, err) < 0)
		return -1;
	if (cfg->nqueues)
		return serve_queues(&g, cfg, err);

	ret = conn_init(&c, &g, fd_budget(cfg));
	if (ret < 0)
		return error_set(err, -ret, "cannot start: %s", strerror(-ret));
	if (seal_syscalls(cfg, err) < 0)
		return -1;
	if (transport_fd_serve(&c, cfg->stream_fd, err) < 0)
		end_sealed(err);
	return 0;
}
