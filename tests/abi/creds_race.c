/*
 * Credentials that change while others read them: access(2), which acts with the real ids, and set*id, against whatever asks
 * whose a task is. Nobody sees ids that nobody has.
 */
#include "abi.h"
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define FSUID 4321

static volatile pid_t changer; /* sched_yield is "leaf": gcc expects no change by it */
static volatile int done;

static void *change(void *arg)
{
	(void)arg;
	changer = (pid_t)syscall(SYS_gettid);
	setfsuid(FSUID);
	for (int n = 0; n < 20000; n++) {
		/* Owned by root with mode 0: the real ids decide. */
		if (n % 4)
			access("/", R_OK);
		else
			syscall(SYS_setresgid, -1, n % 8 ? 17 : 0, -1);
	}
	done = 1;
	return NULL;
}

/* The file-system uid that /proc tells; -1: the thread has ended. */
static long told_fsuid(const char *path)
{
	unsigned long r, e, s, f;
	char text[2048], *line;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = 0;
	line = strstr(text, "Uid:");
	CHECK(line && sscanf(line, "Uid: %lu %lu %lu %lu", &r, &e, &s, &f) == 4);
	CHECK_EQ(r, 0);
	CHECK_EQ(e, 0);
	return (long)f;
}

static void *look(void *arg)
{
	char path[64];

	(void)arg;
	while (!changer)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", changer);
	while (!done) {
		long f = told_fsuid(path);

		CHECK(f == -1 || f == 0 || f == FSUID);
	}
	return NULL;
}

static void *judge(void *arg)
{
	struct rlimit r;

	(void)arg;
	while (!changer)
		sched_yield();
	CHECK_OK(syscall(SYS_setuid, 1234)); /* this thread alone: it now has to be compared */
	while (!done) {
		setpriority(PRIO_PROCESS, (id_t)changer, 0);
		syscall(SYS_prlimit64, changer, RLIMIT_CORE, NULL, &r);
		syscall(SYS_sched_setscheduler, changer, SCHED_OTHER,
			&(struct sched_param){ .sched_priority = 0 });
	}
	return NULL;
}

TEST_FORK(creds_race)
{
	static void *(*const threads[])(void *) = { change, look, look, judge };
	pthread_t t[4];

	if (geteuid() != 0)
		SKIP("needs root");
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, threads[i], NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}
