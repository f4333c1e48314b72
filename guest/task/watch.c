/*
 * watch.c - see watch.h.
 */
#include "task/watch.h"

struct task_watch *task_watchers;

void task_watch_add(struct task_watch *w)
{
	w->next = task_watchers;
	atomic_store(&task_watchers, w);
}
