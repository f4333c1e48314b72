/*
 * news.c - what watchers of a group's files are told (cgroup.h): noted under task_lock, told when no lock is held.
 */
#include "task/cgroup/cgroup.h"

u32 cgroup_news_waiting;
void (*cgroup_news_hook)(struct cgroup *g, u32 news);
static struct list waiting = LIST_INIT(waiting);

void cgroup_has_news(struct cgroup *g, u32 news)
{
	g->news |= news;
	if (!g->dir || !list_empty(&g->news_node))
		return;
	cgroup_get(g);
	list_add_tail(&waiting, &g->news_node);
	WRITE_ONCE(cgroup_news_waiting, 1);
}

static struct cgroup *next(u32 *news)
{
	struct cgroup *g = NULL;

	spin_lock(&task_lock);
	if (list_empty(&waiting)) {
		WRITE_ONCE(cgroup_news_waiting, 0);
	} else {
		g = list_first(&waiting, struct cgroup, news_node);
		list_del(&g->news_node);
		*news = g->news;
		g->news = 0;
	}
	spin_unlock(&task_lock);
	return g;
}

void cgroup_tell_slow(void)
{
	struct cgroup *g;
	u32 news;

	while ((g = next(&news))) {
		cgroup_news_hook(g, news);
		cgroup_put(g);
	}
}
