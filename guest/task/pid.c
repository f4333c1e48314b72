/*
 * pid.c - numbers of tasks, process groups and sessions.
 *
 * A number is free when no task has it and no process is in a group or session of that number. Slots come in chunks,
 * made when first needed. Everything is under task_lock. Numbers are handed out upwards and wrap at PID_MAX, as on
 * Linux, so that a number is not reused soon.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "task/info.h"
#include "task/private.h"

#define PID_MAX	  PID_LIMIT
#define CHUNK	  128
#define PID_FIRST 300 /* after the first wrap: low numbers stay with the long-lived */

struct slot {
	struct task *task;
	u32 held;
	bool used;
};

static struct slot *chunks[PID_MAX / CHUNK];
static int last_pid;

static struct slot *slot_of(int pid, bool make)
{
	struct slot **c;

	if (pid <= 0 || pid >= PID_MAX)
		return NULL;
	c = &chunks[pid / CHUNK];
	if (!*c && make)
		*c = kzalloc(sizeof(struct slot) * CHUNK);
	return *c ? &(*c)[pid % CHUNK] : NULL;
}

int pid_alloc(int wanted)
{
	struct slot *s;
	int i, pid;

	if (wanted) {
		s = slot_of(wanted, true);
		if (!s)
			return wanted < 0 || wanted >= PID_MAX ? -EINVAL : -EAGAIN;
		if (s->used || s->held)
			return -EEXIST;
		s->used = true;
		return wanted;
	}
	for (i = 1; i < PID_MAX; i++) {
		pid = last_pid + i;
		if (pid >= PID_MAX)
			pid = pid - PID_MAX + PID_FIRST;
		if (pid >= PID_MAX)
			break;
		s = slot_of(pid, true);
		if (!s)
			return -EAGAIN;
		if (s->used || s->held)
			continue;
		s->used = true;
		last_pid = pid;
		return pid;
	}
	return -EAGAIN;
}

void pid_free(int pid)
{
	struct slot *s = slot_of(pid, false);

	s->used = false;
	s->task = NULL;
}

void pid_set(int pid, struct task *t)
{
	slot_of(pid, false)->task = t;
}

struct task *pid_task(int pid)
{
	struct slot *s = slot_of(pid, false);

	return s ? s->task : NULL;
}

struct task *pid_next_task(int *pid)
{
	int i = *pid > 0 ? *pid : 1;

	while (i < PID_MAX) {
		struct slot *c = chunks[i / CHUNK];

		if (c && c[i % CHUNK].task) {
			*pid = i;
			return c[i % CHUNK].task;
		}
		i = c ? i + 1 : (i / CHUNK + 1) * CHUNK;
	}
	return NULL;
}

void pid_hold(int pid)
{
	struct slot *s = slot_of(pid, true);

	if (s)
		s->held++;
}

void pid_drop(int pid)
{
	struct slot *s = slot_of(pid, false);

	if (s && s->held)
		s->held--;
}

int pid_last(void)
{
	return last_pid;
}
