/*
 * filter.c - classic BPF on packets (filter.h). The interpreter is lib/bpf.c; here is what lies at negative offsets.
 */
#include <linux/filter.h>
#include <string.h>

#include "lib/err.h"
#include "lib/random.h"
#include "mm/slab.h"
#include "net/abi.h"
#include "net/filter.h"
#include "platform/platform.h"

struct sock_fprog_abi {
	u16 len;
	u16 pad[3];
	u64 insns;
};
_Static_assert(sizeof(struct sock_fprog_abi) == 16, "struct sock_fprog of x86-64");

struct socket_filter *filter_create(const void *v, unsigned len)
{
	struct sock_fprog_abi prog;
	struct socket_filter *f;
	int err;

	if (len != sizeof(prog))
		return ERR_PTR(-EINVAL);
	memcpy(&prog, v, sizeof(prog));
	if (!prog.len || prog.len > BPF_MAXINSNS)
		return ERR_PTR(-EINVAL);
	f = kmalloc(sizeof(*f) + prog.len * sizeof(f->insn[0]));
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->ref = 1;
	f->len = prog.len;
	err = user_read(f->insn, prog.insns, prog.len * sizeof(f->insn[0])) ? -EFAULT : 0;
	if (!err)
		err = bpf_check(f->insn, f->len, 0);
	if (!err)
		return f;
	kfree(f);
	return ERR_PTR(err);
}

struct socket_filter *filter_get(struct socket_filter *f)
{
	if (f)
		atomic_add(&f->ref, 1);
	return f;
}

void filter_put(struct socket_filter *f)
{
	if (f && !atomic_sub(&f->ref, 1))
		kfree(f);
}

static int replace(struct filter_slot *slot, struct spinlock *lock, struct socket_filter *f)
{
	struct socket_filter *old = f;
	int err = -EPERM;

	spin_lock(lock);
	if (!slot->locked) {
		old = slot->f;
		slot->f = f;
		err = f || old ? 0 : -ENOENT;
	}
	spin_unlock(lock);
	filter_put(old);
	return err;
}

int filter_set_option(struct filter_slot *slot, struct spinlock *lock, int name, const void *v,
		      unsigned len)
{
	struct socket_filter *f;
	s32 on;

	if (name != SO_ATTACH_FILTER && name != SO_DETACH_FILTER && name != SO_LOCK_FILTER)
		return -ENOPROTOOPT;
	if (len < sizeof(on))
		return -EINVAL;
	switch (name) {
	case SO_ATTACH_FILTER:
		f = filter_create(v, len);
		return IS_ERR(f) ? (int)PTR_ERR(f) : replace(slot, lock, f);
	case SO_DETACH_FILTER: return replace(slot, lock, NULL);
	default:
		memcpy(&on, v, sizeof(on));
		if (slot->locked && !on)
			return -EPERM;
		slot->locked = on;
		return 0;
	}
}

int filter_get_option(const struct filter_slot *slot, int name, void *v, unsigned *len)
{
	u32 locked = slot->locked;

	if (name != SO_LOCK_FILTER)
		return -ENOPROTOOPT;
	*len = MIN(*len, (unsigned)sizeof(locked));
	memcpy(v, &locked, *len);
	return 0;
}

struct run {
	struct bpf_input in;
	const struct filter_frame *frame;
};

static bool bytes_at(const struct filter_frame *f, u64 at, u32 size, u32 *v)
{
	if (at + size > f->len)
		return false;
	for (*v = 0; size--; at++)
		*v = *v << 8 | f->data[at];
	return true;
}

static bool special(const struct bpf_input *in, u32 offset, u32 size, u32 *v)
{
	const struct filter_frame *f = ((const struct run *)in)->frame;

	if (offset < (u32)SKF_NET_OFF)
		return bytes_at(f, offset - (u32)SKF_LL_OFF, size, v);
	if (offset < (u32)SKF_AD_OFF)
		return bytes_at(f, (u64)(offset - (u32)SKF_NET_OFF) + f->mac_len, size, v);
	switch (offset - (u32)SKF_AD_OFF) {
	case SKF_AD_PROTOCOL: *v = f->protocol; return true;
	case SKF_AD_PKTTYPE: *v = f->pkttype; return true;
	case SKF_AD_IFINDEX: *v = (u32)f->ifindex; return true;
	case SKF_AD_HATYPE: *v = f->hatype; return true;
	case SKF_AD_RANDOM: *v = (u32)random_u64(); return true;
	case SKF_AD_CPU: *v = cpu_this()->id; return true;
	/* Frames have neither marks, queues nor VLAN tags beside their data. */
	case SKF_AD_MARK:
	case SKF_AD_QUEUE:
	case SKF_AD_RXHASH:
	case SKF_AD_VLAN_TAG:
	case SKF_AD_VLAN_TAG_PRESENT:
	case SKF_AD_VLAN_TPID: *v = 0; return true;
	default: return false;
	}
}

bool filter_value(const struct socket_filter *f, const struct filter_frame *frame, u32 *value)
{
	struct run r = {
		.in = { .data = frame->data + frame->start,
			.len = frame->len - frame->start,
			.known = frame->len - frame->start,
			.packet = true,
			.special = special },
		.frame = frame,
	};

	return bpf_run(f->insn, &r.in, value);
}

u32 filter_run(const struct socket_filter *f, const struct filter_frame *frame)
{
	u32 all = frame->len - frame->start, take;

	if (!f)
		return all;
	return filter_value(f, frame, &take) ? MIN(take, all) : 0;
}
