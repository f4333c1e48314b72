/*
 * dax.h - windows: whole files that lie in the DAX region of guest-physical memory (abi/boot.h), where the host's own page
 * cache is mapped, read-only. The pages of a file that has one need no frames here.
 *
 * A window's pages are not frames: they have no struct frame, are never written and charged to nobody. They may go away at
 * any time, when somebody cuts the file short on the host: the Sentry reads them by copy_mapped alone, or by a user copy.
 * An application that touches one that went away gets SIGBUS.
 *
 * Who may use a window: whoever holds a reference, and faults of an address space for as long as they hold mm->lock,
 * since dax_detach visits every address space before it drops the page cache's reference.
 */
#ifndef MOAT_MM_DAX_H
#define MOAT_MM_DAX_H

#include "lib/list.h"
#include "lib/types.h"

struct pagecache;

struct dax_window {
	paddr_t base; /* of the file's first byte */
	u64 pages;
	u32 refs;	      /* atomic */
	bool mapped;	      /* platform_dax_map has succeeded */
	struct pagecache *pc; /* whose it is; NULL: not attached. Under caches_lock */
	struct list lru;      /* of all attached windows; under caches_lock */
};

/*
 * Address space for a file of so many bytes, with one reference; takes the window of the file that was mapped longest ago
 * if there are too many. NULL: none. May sleep; no lock is held.
 */
struct dax_window *dax_reserve(u64 bytes);
void dax_put(struct dax_window *w); /* the last reference unmaps it */
/*
 * pc's pages come from w from now on, whose reference pc takes over. Pages that were read before are dropped: pc has no
 * dirty ones. The caller sees to it that no file of pc is or becomes open for writing, or detaches it then.
 */
void dax_attach(struct pagecache *pc, struct dax_window *w);
/* Pages of pc are read into frames from now on; what is mapped of the window is unmapped. Nothing if it has none. */
void dax_detach(struct pagecache *pc);
/* pc's window with a reference, or NULL. */
struct dax_window *dax_get(struct pagecache *pc);

#endif
