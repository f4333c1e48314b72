/*
 * cred_cap.c - capget(2) and capset(2); versions 1 to 3.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"
#include "task/task.h"
#include "task/ns/userns.h"

#define VERSION_1 0x19980330u
#define VERSION_2 0x20071026u
#define VERSION_3 0x20080522u

struct cap_header {
	u32 version;
	s32 pid;
};

struct cap_data {
	u32 effective, permitted, inheritable;
};

/* Number of cap_data elements, or -EINVAL after telling the version that we like. */
static int elements(uaddr_t header, struct cap_header *h)
{
	u32 v3 = VERSION_3;

	if (user_read(h, header, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case VERSION_1: return 1;
	case VERSION_2:
	case VERSION_3: return 2;
	default: return user_write(header, &v3, sizeof(v3)) ? -EFAULT : -EINVAL;
	}
}

s64 sys_capget(uptr_a header, uptr_a data)
{
	struct cap_header h;
	struct cap_data d[2];
	struct task *t;
	int n = elements(header, &h), i;
	u64 e, p, in;

	if (n < 0)
		return n == -EINVAL && !data ? 0 : n;
	if (h.pid < 0)
		return -EINVAL;
	t = h.pid ? task_find_vpid(h.pid) : task_current();
	if (!t)
		return -ESRCH;
	spin_lock(&task_lock);
	e = t->cred->cap_effective;
	p = t->cred->cap_permitted;
	in = t->cred->cap_inheritable;
	spin_unlock(&task_lock);
	if (h.pid)
		task_put(t);
	for (i = 0; i < 2; i++)
		d[i] = (struct cap_data){ (u32)(e >> 32 * i), (u32)(p >> 32 * i),
					  (u32)(in >> 32 * i) };
	return data && user_write(data, d, sizeof(d[0]) * (size_t)n) ? -EFAULT : 0;
}

s64 sys_capset(uptr_a header, uptr_a data)
{
	const struct cred *o = task_current()->cred;
	struct cap_data d[2] = { { 0 } };
	struct cap_header h;
	int n = elements(header, &h);
	struct cred *c;
	u64 e, p, in;

	if (n < 0)
		return n;
	if (h.pid && h.pid != task_current()->nr)
		return -EPERM;
	if (user_read(d, data, sizeof(d[0]) * (size_t)n))
		return -EFAULT;
	e = d[0].effective | (u64)d[1].effective << 32;
	p = d[0].permitted | (u64)d[1].permitted << 32;
	in = d[0].inheritable | (u64)d[1].inheritable << 32;
	e &= 0x1ffffffffffULL;
	p &= 0x1ffffffffffULL;
	in &= 0x1ffffffffffULL;
	if (p & ~o->cap_permitted || e & ~p)
		return -EPERM;
	if (!capable_here(CAP_SETPCAP) && in & ~(o->cap_inheritable | o->cap_permitted))
		return -EPERM;
	if (in & ~(o->cap_inheritable | o->cap_bounding))
		return -EPERM;
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	c->cap_effective = e;
	c->cap_permitted = p;
	c->cap_inheritable = in;
	c->cap_ambient &= p & in;
	cred_commit(c);
	return 0;
}
