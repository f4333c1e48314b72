/*
 * ring.h - the device queues that the host and the Sentry share.
 *
 * Every queue is a virtio split virtqueue (virtio 1.2, section 2.7; the layout of <linux/virtio_ring.h>) with
 * VIRTIO_F_EVENT_IDX semantics, always on. Queues lie in the arena, a sealed memfd that both sides map; descriptor
 * addresses are byte offsets into the arena, never guest-physical addresses, so that the side that trusts nothing
 * checks one bound: addr + len <= arena size. There is no probing and no negotiation: which queue is which device is
 * fixed here, where it lies stands in the device tree (boot.h).
 *
 * The driver side is always the Sentry, the device side always the host (launcher or gofer). Each side reads a
 * descriptor once into a private copy, checks the copy, then uses the copy.
 *
 * Doorbell (Sentry to host): KVM: a one-byte OUT to RING_PORT_BASE + queue, bound to an ioeventfd; systrap: a write to
 * the queue's kick eventfd. Interrupt (host to Sentry): the queue's call eventfd; on KVM an irqfd that delivers an MSI
 * with vector RING_VECTOR_BASE + queue, on systrap the Sentry's I/O thread polls it.
 */
#ifndef MOAT_ABI_RING_H
#define MOAT_ABI_RING_H

#include <stdint.h>

#define RING_QUEUES	 32	/* made before the launcher seals itself; none is made later */
#define RING_ENTRIES	 128	/* descriptors per queue; a power of two */
#define RING_STRIDE	 8192	/* bytes of arena that one queue takes */
#define RING_PORT_BASE	 0xe000 /* I/O port of queue 0's doorbell */
#define RING_VECTOR_BASE 0x40	/* interrupt vector of queue 0 */

/* Which queue is which device. 9P connections count up from RING_Q_9P, nets from RING_Q_NET. */
enum ring_queue {
	RING_Q_CTL_IN =
		0, /* host to Sentry: the Sentry posts empty buffers, struct ctl_msg comes back */
	RING_Q_CTL_OUT = 1, /* Sentry to host: struct ctl_msg */
	/*
	 * Byte streams of the host. struct stream_req, then the data of a write; struct stream_reply, then the data of a read
	 * come back, at once: a stream that cannot go on says EAGAIN, and RING_Q_STREAM_EVENT tells when it can.
	 */
	RING_Q_STREAM = 2,
	RING_Q_STREAM_EVENT =
		3, /* the Sentry posts empty buffers; struct stream_event comes back, one for each EAGAIN */
	/*
	 * struct balloon_range: frames that the host may take back; or, in a chain with room for a 64-bit answer (0 or -errno),
	 * a struct dax_message: map the file that came with its cookie, or with cookie 0 unmap it (KVM).
	 */
	RING_Q_BALLOON = 5,
	RING_Q_NET_CFG =
		6,     /* the Sentry posts a buffer, struct net_config (abi/net.h) comes back */
	RING_Q_9P = 8, /* 8..23: one per gofer connection; chain = T-message out, R-message in */
	RING_Q_9P_COUNT = 16,
	RING_Q_NET = 24, /* 24..31: receive and transmit, by pairs */
};

#define RING_DESC_F_NEXT  1 /* buffer continues in .next */
#define RING_DESC_F_WRITE 2 /* the host writes this buffer (else it reads it) */

struct ring_desc {
	uint64_t addr; /* offset into the arena */
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct ring_avail {
	uint16_t flags; /* unused: event-idx is always on */
	uint16_t idx;
	uint16_t ring[RING_ENTRIES];
	uint16_t used_event; /* driver: interrupt me when used.idx passes this */
};

struct ring_used_elem {
	uint32_t id;
	uint32_t len; /* bytes that the device wrote */
};

struct ring_used {
	uint16_t flags;
	uint16_t idx;
	struct ring_used_elem ring[RING_ENTRIES];
	uint16_t avail_event; /* device: ring my doorbell when avail.idx passes this */
};

/* One queue as it lies in the arena. */
struct ring_mem {
	struct ring_desc desc[RING_ENTRIES];
	struct ring_avail avail;
	uint8_t pad[1784]; /* used on a 4 KiB boundary: the two sides' written lines never share a page */
	struct ring_used used;
	uint8_t pad2[3060];
};

_Static_assert(sizeof(struct ring_desc) == 16, "virtio descriptor");
_Static_assert(__builtin_offsetof(struct ring_mem, avail) == 2048, "virtio avail");
_Static_assert(__builtin_offsetof(struct ring_mem, used) % 4 == 0, "virtio used alignment");
_Static_assert(sizeof(struct ring_mem) <= RING_STRIDE, "queue size");

/* virtio 1.2, 2.7.7.2: does moving an index from old to new pass event? */
static inline int ring_need_event(uint16_t event, uint16_t now, uint16_t old)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

enum stream_op {
	STREAM_READ =
		1, /* one read(2) of what the chain has room for; taken 0 without an error: end of file */
	STREAM_WRITE,
	STREAM_CLOSE, /* nobody uses them any more: instead of data an array of u32 ids. id is unused, no reply */
};

struct stream_req {
	uint32_t id; /* as the host gave it out */
	uint32_t op;
};

/* Both may be set: a write that was taken in part. */
struct stream_reply {
	uint32_t error; /* 0, or the errno that ended it */
	uint32_t taken; /* bytes written before, or read */
};

#define STREAM_CAN_READ	 1
#define STREAM_CAN_WRITE 2

struct stream_event {
	uint32_t id;
	uint32_t ready; /* STREAM_CAN_* */
};

#define STREAMS_MAX 1024 /* the low 10 bits of an id tell them apart at any one time */
#define STREAM_NONE 0xffffffffu

/* An entry of RING_Q_BALLOON: 4 KiB frames of RAM (never of the arena) whose content the Sentry does not need. */
struct balloon_range {
	uint64_t paddr;
	uint64_t len;
};

#endif
