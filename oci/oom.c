/*
 * oom.c - see oom.h. The event cannot be made up: the v1 eventfd and the v2 counter are the kernel's own. So its killer is
 * given somebody to kill.
 */
#include <fcntl.h>
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

void oom_open(struct oom *o, const struct cgroup *g)
{
	*o = (struct oom){ .dir = -1 };
	for (size_t i = 0; i < g->n && o->dir < 0; i++)
		if (g->dirs[i].controllers & 1u << CG_MEMORY) {
			o->dir = open(g->dirs[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
			o->v2 = g->dirs[i].v2;
		}
}

static long long read_number(int dir, const char *file)
{
	char text[32];
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n] = 0;
	return atoll(text);
}

static int write_number(int dir, const char *file, long long value)
{
	char text[32];
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC), n;
	ssize_t ret;

	if (fd < 0)
		return -1;
	n = snprintf(text, sizeof(text), "%lld", value);
	ret = write(fd, text, (size_t)n);
	close(fd);
	return ret < 0 ? -1 : 0;
}

/* Just above what is in use, without swap to escape to. */
static int lower_limit(const struct oom *o)
{
	const char *used = o->v2 ? "memory.current" : "memory.usage_in_bytes";
	const char *limit = o->v2 ? "memory.max" : "memory.limit_in_bytes";
	long long bytes = read_number(o->dir, used);

	if (bytes < 0 || write_number(o->dir, limit, bytes + ROOM) < 0)
		return -1;
	/* Where swap is not counted, these files are not there. */
	if (o->v2)
		write_number(o->dir, "memory.swap.max", 0);
	else
		write_number(o->dir, "memory.memsw.limit_in_bytes", bytes + ROOM);
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

	if (o->dir < 0 || lower_limit(o) < 0)
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
