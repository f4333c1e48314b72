/*
 * numa.c - memory policy on a machine of one node: set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2),
 * move_pages(2), set_mempolicy_home_node(2).
 *
 * A policy is one small number: mode and mode flags. Its nodes are node 0 or none, as the mode says: a node set is checked
 * as Linux does, and what remains of it after the nodes that exist is never anything else.
 */
#include <linux/capability.h>
#include <linux/mempolicy.h>

#include "fs/file.h"
#include "mm/mm.h"
#include "sys/sys.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"

#define MAX_NODES 1024 /* bits that a mask may name */

#define MODE_WEIGHTED_INTERLEAVE 6
#define MODE_MAX		 7
#define MODE_MASK		 7u
#define FLAG_SHIFT		 10 /* MPOL_F_NUMA_BALANCING .. STATIC_NODES to bits 3..5 */

static unsigned pack(int mode, unsigned flags)
{
	return (unsigned)mode | flags >> FLAG_SHIFT;
}

static int unpack(unsigned policy)
{
	return (int)((policy & MODE_MASK) | (policy & ~MODE_MASK) << FLAG_SHIFT);
}

static bool has_node(unsigned policy)
{
	unsigned mode = policy & MODE_MASK;

	return mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
}

/* A user node mask: is any bit set, is node 0? -EINVAL, -EFAULT. */
static int read_nodes(uptr_a mask, u64 maxnode, bool *any, bool *zero)
{
	*any = *zero = false;
	maxnode--;
	if (!maxnode || !mask)
		return 0;
	if (maxnode > PAGE_SIZE * 8)
		return -EINVAL;
	for (u64 bit = 0; bit < maxnode; bit += 64) {
		u64 word;

		if (user_read(&word, mask + bit / 8, sizeof(word)))
			return -EFAULT;
		if (maxnode - bit < 64)
			word &= (1ULL << (maxnode - bit)) - 1;
		if (word && bit >= MAX_NODES)
			return -EINVAL;
		*any |= word != 0;
		*zero |= !bit && word & 1;
	}
	return 0;
}

/* Mode and nodes as set_mempolicy and mbind have them; a policy, or -EINVAL, -EFAULT. */
static int decode_policy(int mode, uptr_a mask, u64 maxnode)
{
	unsigned flags = (unsigned)mode & MPOL_MODE_FLAGS;
	bool any, zero, rigid = flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);
	int err;

	mode &= ~MPOL_MODE_FLAGS;
	if (mode < 0 || mode >= MODE_MAX)
		return -EINVAL;
	if ((flags & MPOL_F_STATIC_NODES) && (flags & MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	if ((flags & MPOL_F_NUMA_BALANCING) && mode != MPOL_BIND)
		return -EINVAL;
	err = read_nodes(mask, maxnode, &any, &zero);
	if (err)
		return err;
	if (mode == MPOL_DEFAULT)
		return any ? -EINVAL : 0;
	if (mode == MPOL_PREFERRED && !any) {
		if (rigid)
			return -EINVAL;
		mode = MPOL_LOCAL;
	} else if (mode == MPOL_LOCAL) {
		if (any || rigid)
			return -EINVAL;
	} else if (!any) {
		return -EINVAL;
	} else if (!zero && !(flags & MPOL_F_RELATIVE_NODES)) {
		return -EINVAL; /* no node of them exists; relative ones fold onto node 0 */
	}
	return (int)pack(mode, flags);
}

s64 sys_set_mempolicy(int_a mode, uptr_a mask, ulong_a maxnode)
{
	int policy = decode_policy(mode, mask, maxnode);

	if (policy < 0)
		return policy;
	task_current()->mempolicy = (u8)policy;
	return 0;
}

/* Node 0 or no node to a mask of maxnode - 1 bits. */
static int write_nodes(uptr_a mask, u64 maxnode, bool zero)
{
	u64 bytes = ALIGN_UP(maxnode - 1, 64) / 8, word = zero;

	if (bytes > PAGE_SIZE)
		return -EINVAL;
	for (u64 at = 0; at < bytes; at += 8, word = 0)
		if (user_write(mask + at, &word, sizeof(word)))
			return -EFAULT;
	return 0;
}

static s64 find_policy(unsigned flags, addr_a addr, int *out, bool *zero)
{
	unsigned policy = task_current()->mempolicy;
	u8 byte;

	if (flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		*out = 0;
		*zero = true;
		return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : 0;
	}
	if (flags & MPOL_F_ADDR) {
		unsigned area;

		if (mm_get_policy(task_current()->mm, addr, &area))
			return -EFAULT;
		policy = area ? area : policy;
	} else if (addr) {
		return -EINVAL;
	}
	*out = unpack(policy);
	*zero = has_node(policy);
	if (!(flags & MPOL_F_NODE))
		return 0;
	*out = 0; /* the node */
	if (flags & MPOL_F_ADDR)
		return user_read(&byte, addr, 1) ? -EFAULT : 0;
	return (policy & MODE_MASK) == MPOL_INTERLEAVE ||
			       (policy & MODE_MASK) == MODE_WEIGHTED_INTERLEAVE
		       ? 0
		       : -EINVAL;
}

s64 sys_get_mempolicy(uptr_a mode, uptr_a mask, ulong_a maxnode, addr_a addr, flags_a flags)
{
	bool zero;
	int value;
	s64 err;

	if (mask && maxnode < 1)
		return -EINVAL;
	err = find_policy(flags, addr, &value, &zero);
	if (err)
		return err;
	if (mode && user_write(mode, &value, sizeof(value)))
		return -EFAULT;
	return mask ? write_nodes(mask, maxnode, zero) : 0;
}

s64 sys_mbind(addr_a start, size_a len, int_a mode, uptr_a mask, ulong_a maxnode, flags_a flags)
{
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);
	int policy = decode_policy(mode, mask, maxnode);

	/* Linux judges mode and mask before the rest, and what they say together after it. */
	if (policy == -EFAULT)
		return policy;
	if (flags & ~(u32)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (start & (PAGE_SIZE - 1) || start + rounded < start || rounded < len)
		return -EINVAL;
	if (!rounded)
		return policy == -EINVAL && (mode & ~MPOL_MODE_FLAGS) >= MODE_MAX ? -EINVAL : 0;
	if (policy < 0)
		return policy;
	return mm_set_policy(task_current()->mm, start, start + rounded, (unsigned)policy);
}

s64 sys_set_mempolicy_home_node(addr_a start, size_a len, ulong_a node, flags_a flags)
{
	u64 end = start + ALIGN_UP(len, PAGE_SIZE);
	unsigned policy, mode;
	s64 ret = -ENOENT;

	if (start & (PAGE_SIZE - 1) || flags || node != 0)
		return -EINVAL;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	while (mm_next_policy(task_current()->mm, &start, end, &policy)) {
		mode = policy & MODE_MASK;
		if (!policy)
			continue;
		if (mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY)
			return -EOPNOTSUPP;
		ret = 0;
	}
	return ret;
}

/* ---- pages ---- */

/* The address space of a process, with a reference; pid 0: our own. -ESRCH, -EPERM, -EINVAL. */
static struct mm *mm_of(int pid)
{
	struct task *t;
	struct mm *mm;

	if (!pid) {
		mm_get(task_current()->mm);
		return task_current()->mm;
	}
	t = task_find_vpid(pid);
	if (!t)
		return ERR_PTR(-ESRCH);
	mm = ptrace_may_access(t, PTRACE_READ) ? task_mm_get(t) : ERR_PTR(-EPERM);
	task_put(t);
	return mm ? mm : ERR_PTR(-EINVAL);
}

s64 sys_migrate_pages(pid_a pid, ulong_a maxnode, uptr_a from, uptr_a to)
{
	bool any, zero, other;
	struct mm *mm;
	int err = read_nodes(from, maxnode, &any, &zero);

	if (!err)
		err = read_nodes(to, maxnode, &other, &zero);
	if (err)
		return err;
	mm = mm_of(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	mm_put(mm);
	return zero ? 0 : -EINVAL;
}

/* The node of the page, or what move_pages says instead. */
static int page_status(struct mm *mm, uaddr_t addr)
{
	unsigned policy;
	u8 there = 0;

	if (mm_get_policy(mm, addr, &policy))
		return -EFAULT;
	mm_mincore(mm, addr & PAGE_MASK, PAGE_SIZE, &there);
	return there & 1 ? 0 : -ENOENT;
}

s64 sys_move_pages(pid_a pid, ulong_a nr, uptr_a pages, uptr_a nodes, uptr_a status, flags_a flags)
{
	struct mm *mm;
	s64 ret = 0;

	if (flags & ~(u32)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	mm = mm_of(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	for (u64 i = 0; i < nr && !ret; i++) {
		uaddr_t addr;
		s32 node = 0, st;

		if (user_read(&addr, pages + i * 8, 8) ||
		    (nodes && user_read(&node, nodes + i * 4, 4))) {
			ret = -EFAULT;
		} else if (node) {
			ret = -ENODEV;
		} else {
			st = page_status(mm, addr);
			if (user_write(status + i * 4, &st, 4))
				ret = -EFAULT;
		}
		if (!(i & 63))
			task_poll();
		if (!ret && signal_fatal_pending(task_current()))
			ret = -EINTR;
	}
	mm_put(mm);
	return ret;
}
