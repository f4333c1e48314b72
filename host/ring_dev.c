/*
 * ring_dev.c - device side of a split ring (ring_dev.h).
 *
 * Memory order, in virtio's terms (1.2, 2.7.13): avail.idx is loaded with acquire before the entry
 * and descriptors; used.idx is stored with release behind the entries; a full fence lies between
 * our store of an event index or used.idx and our load of the other side's index, else both could
 * sleep.
 *
 * Where it differs from Linux's vhost: no indirect descriptors and no packed ring; a chain that
 * mixes readable behind writable buffers is refused, as is one whose buffers leave the arena.
 */
#include <errno.h>

#include "abi/boot.h"
#include "host/ring_dev.h"

static uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

void ring_dev_init(struct ring_dev *rd, void *arena, uint64_t arena_size, unsigned queue)
{
	rd->arena = arena;
	rd->arena_size = arena_size;
	rd->mem = (struct ring_mem *)(rd->arena + (size_t)queue * RING_STRIDE);
	rd->used_next = load16(&rd->mem->used.idx);
	rd->avail_next = rd->used_next;
	rd->used_seen = rd->used_next;
	rd->broken = false;
	rd->ram = NULL;
	rd->ram_size = 0;
}

void ring_dev_add_ram(struct ring_dev *rd, void *ram, uint64_t ram_size)
{
	rd->ram = ram;
	rd->ram_size = ram_size;
}

/* Where a buffer lies for us, or NULL if any of it lies outside. */
static char *buffer_at(const struct ring_dev *rd, uint64_t addr, uint64_t len)
{
	uint64_t paddr = addr + ARENA_PADDR;

	if (addr <= rd->arena_size && len <= rd->arena_size - addr)
		return rd->arena + addr;
	if (rd->ram && paddr <= rd->ram_size && len <= rd->ram_size - paddr)
		return rd->ram + paddr;
	return NULL;
}

bool ring_dev_ready(const struct ring_dev *rd)
{
	return !rd->broken &&
	       __atomic_load_n(&rd->mem->avail.idx, __ATOMIC_ACQUIRE) != rd->avail_next;
}

/* Copy and check the chain at head. 0 or -EINVAL. */
static int copy_chain(struct ring_dev *rd, uint16_t head, struct ring_chain *chain)
{
	unsigned i = head, seen, n = 0;

	chain->head = head;
	chain->nout = chain->nin = 0;
	chain->out_len = chain->in_len = 0;
	for (seen = 0; seen < RING_ENTRIES; seen++) {
		const struct ring_desc *shared = &rd->mem->desc[i];
		uint64_t addr = __atomic_load_n(&shared->addr, __ATOMIC_RELAXED);
		uint32_t len = __atomic_load_n(&shared->len, __ATOMIC_RELAXED);
		uint16_t flags = load16(&shared->flags);
		uint16_t next = load16(&shared->next);
		char *base = buffer_at(rd, addr, len);

		if (flags & ~(RING_DESC_F_NEXT | RING_DESC_F_WRITE))
			return -EINVAL;
		if (!base)
			return -EINVAL;
		if (!(flags & RING_DESC_F_WRITE) && chain->nin)
			return -EINVAL;
		if (len) {
			chain->iov[n].iov_base = base;
			chain->iov[n++].iov_len = len;
			if (flags & RING_DESC_F_WRITE) {
				chain->nin++;
				chain->in_len += len;
			} else {
				chain->nout++;
				chain->out_len += len;
			}
		}
		if (!(flags & RING_DESC_F_NEXT))
			return 0;
		if (next >= RING_ENTRIES)
			return -EINVAL;
		i = next;
	}
	return -EINVAL; /* longer than the ring: a loop */
}

int ring_dev_peek(struct ring_dev *rd, struct ring_chain *chain)
{
	uint16_t avail, head;

	if (rd->broken)
		return -EPROTO;
	avail = __atomic_load_n(&rd->mem->avail.idx, __ATOMIC_ACQUIRE);
	if (avail == rd->avail_next)
		return 0;
	head = load16(&rd->mem->avail.ring[rd->avail_next % RING_ENTRIES]);
	if ((uint16_t)(avail - rd->avail_next) > RING_ENTRIES || head >= RING_ENTRIES) {
		rd->broken = true;
		return -EPROTO;
	}
	if (copy_chain(rd, head, chain) < 0) {
		ring_dev_accept(rd);
		ring_dev_push(rd, head, 0);
		return -EINVAL;
	}
	return 1;
}

void ring_dev_accept(struct ring_dev *rd)
{
	rd->avail_next++;
}

int ring_dev_pop(struct ring_dev *rd, struct ring_chain *chain)
{
	int ret = ring_dev_peek(rd, chain);

	if (ret > 0)
		ring_dev_accept(rd);
	return ret;
}

void ring_dev_push(struct ring_dev *rd, uint16_t head, uint32_t written)
{
	struct ring_used_elem *e = &rd->mem->used.ring[rd->used_next % RING_ENTRIES];

	__atomic_store_n(&e->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, written, __ATOMIC_RELAXED);
	rd->used_next++;
}

bool ring_dev_publish(struct ring_dev *rd)
{
	uint16_t old = rd->used_seen;

	if (rd->used_next == old)
		return false;
	__atomic_store_n(&rd->mem->used.idx, rd->used_next, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	rd->used_seen = rd->used_next;
	return ring_need_event(load16(&rd->mem->avail.used_event), rd->used_next, old);
}

bool ring_dev_arm(struct ring_dev *rd)
{
	__atomic_store_n(&rd->mem->used.avail_event, rd->avail_next, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_dev_ready(rd);
}

void ring_dev_disarm(struct ring_dev *rd)
{
	/* An event index just passed: the driver rings only after another 65,535 chains. */
	__atomic_store_n(&rd->mem->used.avail_event, (uint16_t)(rd->avail_next - 1),
			 __ATOMIC_RELAXED);
}
