/*
 * ring.c - a ring of frames in memory that a program has mapped (PACKET_RX_RING, TPACKET_V1 and V2), as libpcap uses it.
 *
 * A slot is a header, the sender's address and the frame. Its first word says whose it is; the program may write all of
 * it at any time, so that word alone is read, and everything else is only written. The memory is pages of a page cache,
 * all there and referenced for as long as the ring lives.
 * Differs from Linux: no TPACKET_V3 (libpcap takes V2 then) and no rings to send; a ring that was ever mapped stays until its
 * socket is closed.
 */
#include <string.h>

#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "net/packet/packet.h"

#define RING_MAX (256u << 20) /* bytes */
#define MAC_ROOM 16	      /* for a link header, at least */

struct packet_ring {
	struct pagecache pc;
	u32 version, reserve;
	u32 frame_size, frame_nr, frames_per_block, block_size;
	u32 head; /* the next slot to fill */
	u32 nr_pages;
	bool lost; /* something since the last frame */
	u8 *pages[];
};

static const struct pagecache_ops ring_pages;

int packet_ring_header(u32 version)
{
	switch (version) {
	case TPACKET_V1: return sizeof(struct tpacket_hdr);
	case TPACKET_V2: return sizeof(struct tpacket2_hdr);
	default: return -EINVAL;
	}
}

/* Of a slot: header and address. */
static u32 header_room(u32 version)
{
	return ALIGN_UP((u32)packet_ring_header(version), TPACKET_ALIGNMENT) +
	       (u32)sizeof(struct sockaddr_ll);
}

/* ---- its memory ---- */

static u64 slot(const struct packet_ring *r, u32 n)
{
	return (u64)(n / r->frames_per_block) * r->block_size +
	       (u64)(n % r->frames_per_block) * r->frame_size;
}

static void store(struct packet_ring *r, u64 at, const void *from, u32 n)
{
	while (n) {
		u32 part = MIN(n, (u32)(PAGE_SIZE - at % PAGE_SIZE));

		memcpy(r->pages[at / PAGE_SIZE] + at % PAGE_SIZE, from, part);
		from = (const u8 *)from + part;
		at += part;
		n -= part;
	}
}

/* A slot is aligned to 16 bytes: the word lies in one page. */
static u32 *status_of(const struct packet_ring *r, u32 n)
{
	u64 at = slot(r, n);

	return (u32 *)(r->pages[at / PAGE_SIZE] + at % PAGE_SIZE);
}

void packet_ring_free(struct packet_ring *r)
{
	if (!r)
		return;
	for (u32 i = 0; i < r->nr_pages; i++)
		frame_put(ptr_to_paddr(r->pages[i]));
	pagecache_destroy(&r->pc);
	kfree(r);
}

static int check(u32 version, u32 reserve, const struct tpacket_req *q)
{
	u32 per_block;

	if (!q->tp_block_size || q->tp_block_size % PAGE_SIZE || q->tp_block_size > RING_MAX)
		return -EINVAL;
	if (q->tp_frame_size % TPACKET_ALIGNMENT ||
	    q->tp_frame_size < (u64)header_room(version) + reserve)
		return -EINVAL;
	per_block = q->tp_block_size / q->tp_frame_size;
	if (!per_block || (u64)per_block * q->tp_block_nr != q->tp_frame_nr)
		return -EINVAL;
	return (u64)q->tp_block_size * q->tp_block_nr > RING_MAX ? -ENOMEM : 0;
}

static struct packet_ring *make(u32 version, u32 reserve, const struct tpacket_req *q)
{
	u64 size = (u64)q->tp_block_size * q->tp_block_nr, pages = size / PAGE_SIZE;
	struct packet_ring *r = kzalloc(sizeof(*r) + pages * sizeof(r->pages[0]));
	paddr_t pa;

	if (!r)
		return ERR_PTR(-ENOMEM);
	pagecache_init(&r->pc, &ring_pages, r, size);
	r->version = version;
	r->reserve = reserve;
	r->frame_size = q->tp_frame_size;
	r->frame_nr = q->tp_frame_nr;
	r->block_size = q->tp_block_size;
	r->frames_per_block = q->tp_block_size / q->tp_frame_size;
	for (u64 i = 0; i < pages; i++) {
		if (pagecache_get(&r->pc, i, true, &pa)) {
			packet_ring_free(r);
			return ERR_PTR(-ENOMEM);
		}
		r->pages[r->nr_pages++] = paddr_to_ptr(pa);
	}
	return r;
}

int packet_ring_set(struct packet_sock *k, const void *v, unsigned len)
{
	/* Read once: another thread may change them until there is a ring. */
	u32 version = READ_ONCE(k->version), reserve = READ_ONCE(k->reserve);
	struct packet_ring *new = NULL, *old;
	struct tpacket_req q;
	int err = 0;

	if (len < sizeof(q))
		return -EINVAL;
	memcpy(&q, v, sizeof(q));
	if (q.tp_block_nr)
		err = check(version, reserve, &q);
	else if (q.tp_frame_nr)
		err = -EINVAL;
	if (err)
		return err;
	if (q.tp_block_nr) {
		new = make(version, reserve, &q);
		if (IS_ERR(new))
			return (int)PTR_ERR(new);
	}
	spin_lock(&net_lock);
	old = k->ring;
	if (k->mapped || (old && new)) {
		err = -EBUSY;
		old = new;
	} else {
		k->ring = new;
		packet_purge(k);
	}
	spin_unlock(&net_lock);
	packet_ring_free(old);
	return err;
}

int packet_ring_mmap(struct socket *s, struct mmap_request *req)
{
	struct packet_sock *k = packet_sk(s);
	int err = -EINVAL;

	spin_lock(&net_lock);
	if (k->ring && !req->off && req->len == (u64)k->ring->nr_pages * PAGE_SIZE) {
		req->pc = &k->ring->pc;
		k->mapped = true;
		err = 0;
	}
	spin_unlock(&net_lock);
	return err;
}

/* ---- filling it ---- */

bool packet_ring_readable(const struct packet_ring *r)
{
	u32 last = (r->head ? r->head : r->frame_nr) - 1;

	return atomic_load(status_of(r, last)) != TP_STATUS_KERNEL;
}

static void put_header(struct packet_ring *r, const struct packet_frame *f, u16 mac, u16 net,
		       u32 len, u32 snap, u64 time)
{
	u32 sec = (u32)(time / 1000000000), nsec = (u32)(time % 1000000000);
	u64 at = slot(r, r->head);

	if (r->version == TPACKET_V1) {
		struct tpacket_hdr h = { .tp_len = len,
					 .tp_snaplen = snap,
					 .tp_mac = mac,
					 .tp_net = net,
					 .tp_sec = sec,
					 .tp_usec = nsec / 1000 };

		/* Not what pads it: that has no value. */
		store(r, at + sizeof(h.tp_status), &h.tp_len,
		      offsetof(struct tpacket_hdr, tp_usec) + sizeof(h.tp_usec) -
			      sizeof(h.tp_status));
	} else {
		struct tpacket2_hdr h = { .tp_len = len,
					  .tp_snaplen = snap,
					  .tp_mac = mac,
					  .tp_net = net,
					  .tp_sec = sec,
					  .tp_nsec = nsec };

		store(r, at + sizeof(h.tp_status), &h.tp_len, sizeof(h) - sizeof(h.tp_status));
	}
	store(r, at + ALIGN_UP((u32)packet_ring_header(r->version), TPACKET_ALIGNMENT), &f->from,
	      sizeof(f->from));
}

bool packet_ring_put(struct packet_sock *k, const struct packet_frame *f, u32 take, u64 time)
{
	struct packet_ring *r = k->ring;
	u32 mac_len = f->f.mac_len - f->f.start, room, net, mac, snap;
	u32 status = TP_STATUS_USER | TP_STATUS_TS_SOFTWARE | f->status;

	if (atomic_load(status_of(r, r->head)) != TP_STATUS_KERNEL) {
		r->lost = true;
		return false;
	}
	if (packet_is_cooked(k))
		net = ALIGN_UP(header_room(r->version), TPACKET_ALIGNMENT) + MAC_ROOM + r->reserve;
	else
		net = ALIGN_UP(header_room(r->version) + MAX(mac_len, (u32)MAC_ROOM),
			       TPACKET_ALIGNMENT) +
		      r->reserve;
	mac = net - mac_len;
	if (net > 0xffff) /* the header has 16 bits for it */
		return false;
	room = mac < r->frame_size ? r->frame_size - mac : 0;
	snap = MIN(take, room);
	if (r->lost || k->drops)
		status |= TP_STATUS_LOSING;
	r->lost = false;
	store(r, slot(r, r->head) + mac, f->f.data + f->f.start, snap);
	put_header(r, f, (u16)mac, (u16)net, f->f.len - f->f.start, snap, time);
	/* A store with release: whoever sees it sees the frame. */
	atomic_store(status_of(r, r->head), status);
	r->head = (r->head + 1) % r->frame_nr;
	return true;
}
