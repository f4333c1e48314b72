/*
 * cachestat.c - which pages of a file are in its cache (cachestat(2)).
 */
#include "mm/pagecache_priv.h"

void pagecache_count(struct pagecache *pc, u64 first, u64 last, u64 *cached, u64 *dirty)
{
	u64 entry, i = first;

	*cached = *dirty = 0;
	mutex_lock(&pc->lock);
	/* What of a window the host has in memory is not known here. */
	if (pc->dax && first < pc->dax->pages)
		*cached = MIN(last, pc->dax->pages - 1) - first + 1;
	while (!pc->dax && i <= last && (entry = radix_next(&pc->pages, &i, last))) {
		++*cached;
		*dirty += pc->ops->write && (entry & PC_DIRTY);
		if (i++ == last)
			break;
	}
	mutex_unlock(&pc->lock);
}
