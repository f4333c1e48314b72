/*
 * oom.c - see oom.h. The event cannot be made up: the v1 eventfd and the v2 counter are the kernel's own. So its killer is
 * given somebody to kill.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oci/cgroup_priv.h"
#include "oci/oom.h"

#define ROOM	 (1 << 20)  /* left to the processes that are there */
#define APPETITE (32 << 20) /* of the child: more than ROOM, and than what they may give back */

static const struct name {
	const char *v1, *v2;
	int flags;
} names[OOM_FILES] = {
	[OOM_USED] = { "memory.usage_in_bytes", "memory.current", O_RDONLY },
	[OOM_LIMIT] = { "memory.limit_in_bytes", "memory.max", O_WRONLY },
	[OOM_SWAP] = { "memory.memsw.limit_in_bytes", "memory.swap.max", O_WRONLY },
	[OOM_GROUP] = { NULL, "memory.oom.group", O_WRONLY },
};

static int open_file(const struct cgroup_dir *d, const struct name *n)
{
	const char *name = d->v2 ? n->v2 : n->v1;
	char path[PATH_MAX];

	if (!name || (size_t)snprintf(path, sizeof(path), "%s/%s", d->path, name) >= sizeof(path))
		return -1;
	return open(path, n->flags | O_CLOEXEC);
}

void oom_open(struct oom *o, const struct cgroup *g)
{
	const struct cgroup_dir *d = NULL;

	*o = OOM_NONE;
	for (size_t i = 0; i < g->n && !d; i++)
		if (g->dirs[i].controllers & 1u << CG_MEMORY)
			d = &g->dirs[i];
	for (size_t i = 0; d && i < OOM_FILES; i++)
		o->fd[i] = open_file(d, &names[i]);
	o->v2 = d && d->v2;
}

static long long read_number(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return -1;
	text[n] = 0;
	return atoll(text);
}

static int write_number(int fd, long long value)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld", value);

	return pwrite(fd, text, (size_t)n, 0) < 0 ? -1 : 0;
}

/* Just above what is in use, without swap to escape to. */
static int lower_limit(const struct oom *o)
{
	long long bytes = read_number(o->fd[OOM_USED]);

	if (bytes < 0 || write_number(o->fd[OOM_LIMIT], bytes + ROOM) < 0)
		return -1;
	/* Where swap is not counted, this file is not there. */
	write_number(o->fd[OOM_SWAP], o->v2 ? 0 : bytes + ROOM);
	/* Else the kernel kills all of the group for one, and us with our exit status. */
	write_number(o->fd[OOM_GROUP], 0);
	return 0;
}

static void __attribute__((noreturn)) eat(void)
{
	char *p = mmap(NULL, APPETITE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; p != MAP_FAILED && i < APPETITE; i += 4096)
		((volatile char *)p)[i] = 1;
	_exit(0);
}

void oom_tell(const struct oom *o)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	pid_t pid;

	if (o->fd[OOM_LIMIT] < 0 || lower_limit(o) < 0)
		return;
	pid = fork();
	if (pid == 0)
		eat();
	/* A group whose processes may not be killed would make it wait. */
	for (int ms = 0; pid > 0 && waitpid(pid, NULL, WNOHANG) == 0; ms++) {
		if (ms == 2000)
			kill(pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
}
