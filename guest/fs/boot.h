/*
 * boot.h - the file tree of a container, and what else of fs/ is set up before its first program.
 */
#ifndef MOAT_FS_BOOT_H
#define MOAT_FS_BOOT_H

#include "lib/types.h"

struct fs_context;

/* A line of a container's mount table; abi/boot.h says what the members mean. */
struct fs_mount {
	const char *destination, *type, *source, *data, *attach;
	u64 flags, propagation;
	u32 options; /* BOOT_MOUNT_* */
};

/* A container's file tree. */
struct fs_container {
	bool root_p9;	  /* the gofer's export ""; else an empty tmpfs */
	unsigned queue;	  /* RING_Q_9P + n */
	u32 overlay;	  /* BOOT_OVERLAY_*; without one the root is used as it is */
	u64 overlay_size; /* bytes that the layer may hold; 0: no limit */
	u64 overlay_used; /* of them, what a layer on the host holds already */
	bool root_rw;	  /* without overlay: it may be written to */
	bool readonly;	  /* mount points and cwd are made, then the root becomes read-only */
	u32 umask;
	const char *cwd; /* made for uid and gid if it is missing; or NULL */
	u32 uid, gid;
	const struct fs_mount *mounts;
	unsigned nmounts;
	int (*populate_dev)(void); /* fill a /dev that is a memory file system of ours */
};
/*
 * Build it: an fs_context whose root is the tree, in no relation to any other container's. Works on the calling task's
 * fs_context meanwhile, so the task must be one that nobody else looks at. ERR_PTR; then why holds one line.
 */
struct fs_context *fs_container_create(const struct fs_container *c, char *why, size_t size);

/* Take the tree down, and drop the context. Files that are open in it stay as they are. */
void fs_container_drop(struct fs_context *fs);
void fs_mmap_init(void); /* mmap.c: tells mm about files; before the first program */
/* The current task's working directory, an absolute path; missing directories are made for uid and gid. */
int fs_enter_cwd(const char *cwd, u32 uid, u32 gid);

#endif
