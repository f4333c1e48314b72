/*
 * shm.c - shared anonymous memory: a memory-only page cache that lives as long as areas map it.
 */
#include "mm/priv.h"
#include "mm/slab.h"

static const struct pagecache_ops shm_ops = { .fill = FAULT_AROUND };

struct shm_object *shm_create(u64 size)
{
	struct shm_object *shm = kzalloc(sizeof(*shm));

	if (!shm)
		return NULL;
	ref_init(&shm->ref);
	pagecache_init(&shm->pc, &shm_ops, shm, size);
	return shm;
}

void shm_put(struct shm_object *shm)
{
	if (!ref_put(&shm->ref))
		return;
	pagecache_destroy(&shm->pc);
	kfree(shm);
}
