/*
 * overlay_dir.h - a directory of the host that keeps the changes of a sandbox's root (moat do --overlay file:DIR).
 */
#ifndef MOAT_HOST_OVERLAY_DIR_H
#define MOAT_HOST_OVERLAY_DIR_H

#include <stdbool.h>
#include <stdint.h>

struct error;

struct overlay_dir {
	int fd;	       /* for as long as it is open, nobody else gets the directory */
	uint64_t used; /* bytes that count against a limit: guest/fs/overlay/stack.h says how */
};

/*
 * Open path with the caller's rights, lock it, and see that it is, or can become, a writable layer over the root at root_fd.
 * count: find out how much it holds already. 0, or -1 with *err, which does not name path.
 */
int overlay_dir_open(struct overlay_dir *d, const char *path, int root_fd, bool count,
		     struct error *err);

#endif
