/*
 * prctl.c - prctl(2). Unknown options: EINVAL and a line in dmesg.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "mm/mm.h"
#include "sys/seccomp.h"
#include "sys/sys.h"
#include "task/task.h"
#include "task/ns/userns.h"

enum {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG = 2,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS = 8,
	PR_GET_TIMING = 13,
	PR_SET_TIMING = 14,
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_GET_SECCOMP = 21,
	PR_SET_SECCOMP = 22,
	PR_CAPBSET_READ = 23,
	PR_CAPBSET_DROP = 24,
	PR_GET_TSC = 25,
	PR_SET_TSC = 26,
	PR_GET_SECUREBITS = 27,
	PR_SET_SECUREBITS = 28,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_MCE_KILL = 33,
	PR_MCE_KILL_GET = 34,
	PR_SET_MM = 35,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
	PR_GET_TID_ADDRESS = 40,
	PR_SET_THP_DISABLE = 41,
	PR_GET_THP_DISABLE = 42,
	PR_CAP_AMBIENT = 47,
	PR_GET_SPECULATION_CTRL = 52,
	PR_SET_SPECULATION_CTRL = 53,
	PR_SET_IO_FLUSHER = 57,
	PR_GET_IO_FLUSHER = 58,
	PR_SET_VMA = 0x53564d41,
	PR_SET_PTRACER = 0x59616d61,
};

#define SECUREBITS_ALL		0xff
#define SECBIT_KEEP_CAPS_BIT	(1u << 4)
#define SECBIT_KEEP_CAPS_LOCKED (1u << 5)

static s64 put_int(uaddr_t dst, s32 v)
{
	return user_write(dst, &v, sizeof(v)) ? -EFAULT : 0;
}

static s64 set_name(struct task *t, uaddr_t src)
{
	char name[TASK_COMM_LEN] = { 0 };
	long n = user_string(name, src, TASK_COMM_LEN - 1);

	if (n == -EFAULT)
		return -EFAULT;
	name[TASK_COMM_LEN - 1] = 0;
	memcpy(t->comm, name, sizeof(name));
	return 0;
}

static s64 drop_bounding(u64 cap)
{
	struct cred *c;

	if (!capable_here(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	c = cred_dup(task_current()->cred);
	if (!c)
		return -ENOMEM;
	c->cap_bounding &= ~(1ULL << cap);
	cred_commit(c);
	return 0;
}

static s64 set_securebits(u64 bits)
{
	const struct cred *o = task_current()->cred;
	u32 locked = (o->securebits & 0xaa) >> 1;
	struct cred *c;

	if (bits & ~(u64)SECUREBITS_ALL || (o->securebits ^ bits) & locked ||
	    (o->securebits & 0xaa & ~bits) || !capable_here(CAP_SETPCAP))
		return -EPERM;
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	c->securebits = (u32)bits;
	cred_commit(c);
	return 0;
}

static s64 set_keepcaps(u64 on)
{
	const struct cred *o = task_current()->cred;
	struct cred *c;

	if (on > 1)
		return -EINVAL;
	if (o->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	c->securebits = on ? c->securebits | SECBIT_KEEP_CAPS_BIT
			   : c->securebits & ~SECBIT_KEEP_CAPS_BIT;
	cred_commit(c);
	return 0;
}

static s64 set_no_new_privs(void)
{
	struct cred *c = cred_dup(task_current()->cred);

	if (!c)
		return -ENOMEM;
	c->no_new_privs = true;
	cred_commit(c);
	return 0;
}

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

static s64 ambient(u64 op, u64 cap, u64 a4, u64 a5)
{
	const struct cred *o = task_current()->cred;
	struct cred *c;

	if (a4 | a5 || (op == AMBIENT_CLEAR_ALL ? cap != 0 : cap > CAP_LAST_CAP))
		return -EINVAL;
	if (op == AMBIENT_IS_SET)
		return o->cap_ambient >> cap & 1;
	if (op < AMBIENT_RAISE || op > AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (op == AMBIENT_RAISE && (!(o->cap_permitted >> cap & 1) ||
				    !(o->cap_inheritable >> cap & 1) || o->securebits & 1u << 6))
		return -EPERM;
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	if (op == AMBIENT_RAISE)
		c->cap_ambient |= 1ULL << cap;
	else
		c->cap_ambient &= op == AMBIENT_LOWER ? ~(1ULL << cap) : 0;
	cred_commit(c);
	return 0;
}

/* The pointers that /proc shows; only what /proc reads back, as prctl(2) for those who may. */
static s64 set_mm(u64 opt, u64 addr)
{
	struct mm_layout *l = mm_layout(task_current()->mm);
	uaddr_t *const field[] = { NULL,	  &l->start_code,  &l->end_code,  &l->start_data,
				   &l->end_data,  &l->start_stack, &l->start_brk, &l->brk,
				   &l->arg_start, &l->arg_end,	   &l->env_start, &l->env_end };

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (opt < 1 || opt >= ARRAY_SIZE(field) || opt == 6 || opt == 7) {
		unsupported("prctl(PR_SET_MM) option", opt);
		return -EINVAL;
	}
	if (addr >= USER_END || addr < MMAP_MIN_ADDR)
		return -EINVAL;
	*field[opt] = addr;
	return 0;
}

s64 sys_prctl(int_a option, ulong_a a2, ulong_a a3, ulong_a a4, ulong_a a5)
{
	struct task *t = task_current();
	struct process *p = t->process;
	char name[TASK_COMM_LEN];

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		t->pdeath_signal = (int)a2;
		return 0;
	case PR_GET_PDEATHSIG: return put_int(a2, t->pdeath_signal);
	case PR_GET_DUMPABLE: return p->dumpable;
	case PR_SET_DUMPABLE:
		if (a2 > 1)
			return -EINVAL;
		p->dumpable = a2;
		return 0;
	case PR_GET_KEEPCAPS: return !!(t->cred->securebits & SECBIT_KEEP_CAPS_BIT);
	case PR_SET_KEEPCAPS: return set_keepcaps(a2);
	case PR_GET_TIMING: return 0;
	case PR_SET_TIMING: return a2 ? -EINVAL : 0;
	case PR_SET_NAME: return set_name(t, a2);
	case PR_GET_NAME:
		memcpy(name, t->comm, sizeof(name));
		return user_write(a2, name, sizeof(name)) ? -EFAULT : 0;
	case PR_GET_SECCOMP: return t->seccomp_mode;
	case PR_SET_SECCOMP: return seccomp_prctl(a2, a3);
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST_CAP ? -EINVAL : (s64)(t->cred->cap_bounding >> a2 & 1);
	case PR_CAPBSET_DROP: return drop_bounding(a2);
	case PR_GET_TSC: return put_int(a2, 1);
	case PR_SET_TSC:
		if (a2 == 1)
			return 0;
		unsupported("prctl(PR_SET_TSC)", a2);
		return -EINVAL;
	case PR_GET_SECUREBITS: return t->cred->securebits;
	case PR_SET_SECUREBITS: return set_securebits(a2);
	case PR_SET_TIMERSLACK: t->timer_slack = (s64)a2 <= 0 ? 50000 : a2; return 0;
	case PR_GET_TIMERSLACK: return (s64)t->timer_slack;
	case PR_MCE_KILL: return a2 > 1 || a4 | a5 ? -EINVAL : 0;
	case PR_MCE_KILL_GET: return a2 | a3 | a4 | a5 ? -EINVAL : 2;
	case PR_SET_MM: return set_mm(a2, a3);
	case PR_SET_CHILD_SUBREAPER: p->child_subreaper = a2; return 0;
	case PR_GET_CHILD_SUBREAPER: return put_int(a2, p->child_subreaper);
	case PR_SET_NO_NEW_PRIVS: return a2 != 1 || a3 | a4 | a5 ? -EINVAL : set_no_new_privs();
	case PR_GET_NO_NEW_PRIVS: return a2 | a3 | a4 | a5 ? -EINVAL : t->cred->no_new_privs;
	case PR_GET_TID_ADDRESS: return user_write(a2, &t->clear_child_tid, 8) ? -EFAULT : 0;
	case PR_SET_THP_DISABLE:
		if (a3 | a4 | a5)
			return -EINVAL;
		p->thp_disable = a2;
		return 0;
	case PR_GET_THP_DISABLE: return a2 | a3 | a4 | a5 ? -EINVAL : p->thp_disable;
	case PR_CAP_AMBIENT: return ambient(a2, a3, a4, a5);
	case PR_GET_SPECULATION_CTRL:
		return a3 | a4 | a5 ? -EINVAL : a2 > 2 ? -ENODEV : 0; /* PR_SPEC_NOT_AFFECTED */
	case PR_SET_SPECULATION_CTRL: return -ENXIO;
	case PR_GET_IO_FLUSHER: return 0;
	case PR_SET_VMA: /* names of anonymous areas are decoration */ return a2 ? -EINVAL : 0;
	case PR_SET_PTRACER: return 0;
	default: unsupported("prctl option", (u64)(u32)option); return -EINVAL;
	}
}
