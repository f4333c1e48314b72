/*
 * report.c - free-page reporting: free memory goes back to the host once it has been free for a while.
 *
 * Runs in the idle loop, in batches, and asks for a timer only while there is something to give: an idle sandbox is not
 * woken. What counts as idle is the least amount of dirty free memory in the last interval, so a busy program's memory
 * does not go back and forth. Blocks on their way are in no list (zone->releasing counts them), so nobody can take them before the host is
 * done. The arena is not given back: the gofer maps it.
 */
#include "lib/atomic.h"
#include "mm/frame_priv.h"

#define REPORT_ORDER 4		  /* 64 KiB */
#define REPORT_BATCH 32		  /* blocks per call */
#define REPORT_IDLE  500000000ULL /* ns */
#define REPORT_MIN   256	  /* frames: below a MiB it is not worth a host call */

static void release_done(void *arg)
{
	paddr_t pa = (paddr_t)(unsigned long)arg;
	struct frame *f = frame_of(pa);
	struct zone *z = &frame_zones[f->zone];

	spin_lock(&z->lock);
	z->releasing -= 1ULL << f->order;
	zone_free(z, pa, f->order, ZERO);
	spin_unlock(&z->lock);
}

/* Frames in dirty blocks of at least REPORT_ORDER; stops counting at REPORT_MIN. */
static u64 zone_reportable(struct zone *z)
{
	u64 n = 0;

	spin_lock(&z->lock);
	for (int o = FRAME_ORDER_MAX; o >= REPORT_ORDER && n < REPORT_MIN; o--)
		for (u32 id = z->head[DIRTY][o]; id != NIL && n < REPORT_MIN;
		     id = frame_link_next(frame_id_frame(id)))
			n += 1ULL << o;
	spin_unlock(&z->lock);
	return n;
}

/* Take idle blocks off the lists, up to the batch's size. */
static unsigned zone_take(unsigned zone, paddr_t *batch, unsigned n)
{
	struct zone *z = &frame_zones[zone];
	u64 left, size;

	spin_lock(&z->lock);
	left = z->low;
	for (int o = FRAME_ORDER_MAX; o >= REPORT_ORDER; o--) {
		size = 1ULL << o;
		while (n < REPORT_BATCH && left >= size && z->head[DIRTY][o] != NIL) {
			paddr_t pa = frame_id_paddr(z->head[DIRTY][o]);

			zone_unlist(z, pa);
			frame_of(pa)->zone = (u8)zone;
			z->releasing += size;
			left -= size;
			batch[n++] = pa;
		}
	}
	z->low = n < REPORT_BATCH ? z->frames[DIRTY] : left;
	spin_unlock(&z->lock);
	return n;
}

u64 frame_report_free(u64 now)
{
	static struct spinlock lock;
	static u64 since; /* start of the interval; 0: there was nothing to give */
	paddr_t batch[REPORT_BATCH];
	unsigned n = 0;
	u64 again = 0;

	if (!spin_trylock(&lock))
		return 0;
	if (zone_reportable(&frame_zones[ZONE_SMALL]) + zone_reportable(&frame_zones[ZONE_LARGE]) <
	    REPORT_MIN) {
		since = 0;
	} else if (!since || now < since) {
		since = now;
		for (unsigned i = ZONE_SMALL; i <= ZONE_LARGE; i++)
			frame_zones[i].low = frame_zones[i].frames[DIRTY];
		again = since + REPORT_IDLE;
	} else if (now < since + REPORT_IDLE) {
		again = since + REPORT_IDLE;
	} else {
		n = zone_take(ZONE_SMALL, batch, n);
		n = zone_take(ZONE_LARGE, batch, n);
		if (n == REPORT_BATCH) {
			again = now;
		} else {
			since = now;
			again = now + REPORT_IDLE;
		}
	}
	spin_unlock(&lock);
	for (unsigned i = 0; i < n; i++)
		ram_release(batch[i], PAGE_SIZE << frame_of(batch[i])->order, release_done,
			    (void *)(unsigned long)batch[i]);
	return again;
}
