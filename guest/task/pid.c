/*
 * pid.c - numbers of tasks, process groups and sessions.
 *
 * A number is free when no task has it and no process is in a group or session of that number. Slots come in chunks,
 * made when first needed, and given back when the last number handed out lies in another one and nobody has any of theirs: a
 * sandbox that has run ten thousand probes is no larger than one that ran a hundred. Numbers are handed out upwards and wrap
 * at PID_MAX, as on Linux, so that a number is not reused soon.
 *
 * Everything is under task_lock. What pid namespaces call a number (slot->nrs, pid_ns->chunks) and the chunks change under
 * pid_lock besides, and may be read under that alone.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/private.h"

#define PID_MAX	  PID_LIMIT
#define CHUNK	  PID_CHUNK
#define PID_FIRST 300 /* after the first wrap: low numbers stay with the long-lived */

/* What the namespaces below the first one call it: nr[i] is for level i + 1. */
struct numbers {
	struct pid_ns *ns; /* the innermost, with a reference */
	int nr[];
};

struct slot {
	struct task *task;
	struct numbers *nrs; /* NULL: it is known in the first namespace alone */
	u32 held;
	bool used;
};

static struct slot *chunks[PID_MAX / CHUNK];
static struct spinlock pid_lock = SPINLOCK_INIT;
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

static bool slot_free(const struct slot *s)
{
	return !s->used && !s->held;
}

/* Give chunk k back if nothing in it is in use and no number will be taken from it soon. */
static void trim(int k)
{
	struct slot *c = chunks[k];

	if (!c || k == last_pid / CHUNK)
		return;
	for (int i = 0; i < CHUNK; i++)
		if (!slot_free(&c[i]))
			return;
	spin_lock(&pid_lock);
	chunks[k] = NULL;
	spin_unlock(&pid_lock);
	kfree(c);
}

/* ---- numbers below the first namespace ---- */

/* As trim. pid_lock held. */
static void ns_trim(struct pid_ns *ns, int k)
{
	int *c = ns->chunks[k];

	if (!c || k == ns->last / CHUNK)
		return;
	for (int i = 0; i < CHUNK; i++)
		if (c[i])
			return;
	ns->chunks[k] = NULL;
	kfree(c);
}

static int *entry_of(const struct pid_ns *ns, int nr)
{
	int *c = nr > 0 && nr < PID_MAX ? ns->chunks[nr / CHUNK] : NULL;

	return c ? &c[nr % CHUNK] : NULL;
}

/* Give pid a number in ns. */
static int ns_number(struct pid_ns *ns, int wanted, int pid)
{
	int first = ns->last, nr;

	if (wanted && (wanted < 0 || wanted >= PID_MAX || (wanted != 1 && !ns->init)))
		return -EINVAL;
	for (int i = 1; i < PID_MAX; i++) {
		int *e;

		nr = wanted ? wanted : first + i;
		if (nr >= PID_MAX)
			nr = nr - PID_MAX + PID_FIRST;
		if (nr >= PID_MAX)
			break;
		if (!ns->chunks[nr / CHUNK])
			ns->chunks[nr / CHUNK] = kzalloc(sizeof(int) * CHUNK);
		e = entry_of(ns, nr);
		if (!e)
			return -EAGAIN;
		if (!*e) {
			*e = pid;
			if (!wanted) {
				ns->last = nr;
				ns_trim(ns, first / CHUNK);
			}
			return nr;
		}
		if (wanted)
			return -EEXIST;
	}
	return -EAGAIN;
}

/* Those of n that were given. pid_lock held. */
static void numbers_free(struct numbers *n)
{
	for (struct pid_ns *ns = n->ns; ns->level; ns = ns->parent)
		if (n->nr[ns->level - 1]) {
			*entry_of(ns, n->nr[ns->level - 1]) = 0;
			ns_trim(ns, n->nr[ns->level - 1] / CHUNK);
		}
}

static int numbers_alloc(struct slot *s, int pid, struct pid_ns *ns, const int *wanted,
			 unsigned nr_wanted)
{
	struct numbers *n = kzalloc(sizeof(*n) + sizeof(int) * ns->level);
	int err = 0;

	if (!n)
		return -ENOMEM;
	n->ns = ns;
	spin_lock(&pid_lock);
	for (struct pid_ns *i = ns; i->level && err >= 0; i = i->parent) {
		unsigned k = ns->level - i->level;

		err = ns_number(i, k < nr_wanted ? wanted[k] : 0, pid);
		if (err >= 0)
			n->nr[i->level - 1] = err;
	}
	if (err < 0)
		numbers_free(n);
	else
		s->nrs = n;
	spin_unlock(&pid_lock);
	if (err < 0) {
		kfree(n);
		return err;
	}
	pid_ns_get(ns);
	return 0;
}

/* Nobody may have the number any more. */
static void slot_release(int pid, struct slot *s)
{
	struct numbers *n = s->nrs;

	if (!slot_free(s))
		return;
	if (n) {
		spin_lock(&pid_lock);
		numbers_free(n);
		s->nrs = NULL;
		spin_unlock(&pid_lock);
		pid_ns_put(n->ns);
		kfree(n);
	}
	trim(pid / CHUNK);
}

int pid_nr_in(const struct pid_ns *ns, int pid)
{
	const struct numbers *n;
	struct slot *s;
	int nr = 0;

	if (!ns->level)
		return pid;
	spin_lock(&pid_lock);
	s = slot_of(pid, false);
	n = s ? s->nrs : NULL;
	if (n && pid_ns_below(n->ns, ns))
		nr = n->nr[ns->level - 1];
	spin_unlock(&pid_lock);
	return nr;
}

int pid_from_nr(const struct pid_ns *ns, int nr)
{
	int *e, pid;

	if (!ns->level)
		return nr;
	spin_lock(&pid_lock);
	e = entry_of(ns, nr);
	pid = e ? *e : 0;
	spin_unlock(&pid_lock);
	return pid;
}

/* ---- the first namespace ---- */

static int first_number(int wanted)
{
	struct slot *s;
	int i, pid;

	if (wanted) {
		s = slot_of(wanted, true);
		if (!s)
			return wanted < 0 || wanted >= PID_MAX ? -EINVAL : -EAGAIN;
		if (!slot_free(s))
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
		if (!slot_free(s))
			continue;
		s->used = true;
		i = last_pid;
		last_pid = pid;
		trim(i / CHUNK);
		return pid;
	}
	return -EAGAIN;
}

int pid_alloc(struct pid_ns *ns, const int *wanted, unsigned n)
{
	int pid, err;

	if (n > ns->level + 1)
		return -EINVAL;
	if (ns->ended)
		return -ENOMEM;
	pid = first_number(n > ns->level ? wanted[ns->level] : 0);
	if (pid < 0 || !ns->level)
		return pid;
	err = numbers_alloc(slot_of(pid, false), pid, ns, wanted, n);
	if (err)
		pid_free(pid);
	return err ? err : pid;
}

void pid_free(int pid)
{
	struct slot *s = slot_of(pid, false);

	s->used = false;
	s->task = NULL;
	slot_release(pid, s);
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

	if (!s || !s->held)
		return;
	s->held--;
	slot_release(pid, s);
}

int pid_last(void)
{
	return last_pid;
}
