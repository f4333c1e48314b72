/*
 * misc.c - what a program asks about the machine: names, memory, CPU, random numbers, architecture state.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "lib/random.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"
#include "task/sched/sched.h"
#include "task/time/clock.h"
#include "task/ns/timens.h"
#include "task/ns/userns.h"
#include "task/ns/uts.h"

struct abi_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

s64 sys_uname(uptr_a name)
{
	struct abi_utsname u = { .sysname = UTS_SYSNAME,
				 .release = UTS_RELEASE,
				 .version = UTS_VERSION,
				 .machine = UTS_MACHINE };

	uts_hostname(u.nodename);
	uts_domainname(u.domainname);
	if (task_current()->process->personality & 0x20000) /* UNAME26 */
		memcpy(u.release, "2.6.72-moat", 12);
	return user_write(name, &u, sizeof(u)) ? -EFAULT : 0;
}

static s64 set_name(uaddr_t src, int len, void (*set)(const char *, size_t))
{
	char buf[UTS_LEN];

	if (!ns_capable_over(NS_UTS, CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (user_read(buf, src, (size_t)len))
		return -EFAULT;
	set(buf, (size_t)len);
	return 0;
}

s64 sys_sethostname(ubuf_a name, int_a len)
{
	return set_name(name, len, uts_set_hostname);
}

s64 sys_setdomainname(ubuf_a name, int_a len)
{
	return set_name(name, len, uts_set_domainname);
}

struct abi_sysinfo {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "sysinfo");

s64 sys_sysinfo(uptr_a info)
{
	struct abi_sysinfo s = { 0 };
	struct frame_stats f;
	struct task_counts c;
	u32 load[3];

	frame_stats(&f);
	task_counts(&c);
	s.uptime = (s64)(clock_mono() + (u64)time_ns_offset(CLOCK_BOOTTIME)) / 1000000000;
	sched_load(load);
	for (int i = 0; i < 3; i++)
		s.loads[i] = (u64)load[i] << 5;
	s.totalram = (f.limit && f.limit < f.total ? f.limit : f.total) << PAGE_SHIFT;
	s.freeram = s.totalram - MIN(s.totalram, f.charged << PAGE_SHIFT);
	s.procs = (u16)MIN(c.tasks, 65535u);
	s.mem_unit = 1;
	return user_write(info, &s, sizeof(s)) ? -EFAULT : 0;
}

s64 sys_getrandom(ubuf_a buf, size_a count, flags_a flags)
{
	size_t done = 0, n;
	u8 chunk[256];

	if (flags & ~7u || (flags & 6) == 6)
		return -EINVAL;
	count = MIN(count, 0x7fffffffUL & PAGE_MASK);
	while (done < count) {
		size_t left;

		n = MIN(count - done, sizeof(chunk));
		random_bytes(chunk, n);
		left = user_write(buf + done, chunk, n);
		done += n - left;
		if (left)
			return done ? (s64)done : -EFAULT;
		if (done % 65536 == 0) {
			task_poll();
			if (signal_pending(task_current()))
				break;
		}
	}
	return (s64)done;
}

s64 sys_getcpu(uptr_a cpu, uptr_a node, uptr_a unused)
{
	u32 c = cpu_this()->id, zero = 0;

	if (cpu && user_write(cpu, &c, sizeof(c)))
		return -EFAULT;
	return node && user_write(node, &zero, sizeof(zero)) ? -EFAULT : 0;
}

s64 sys_personality(ulong_a persona)
{
	struct process *p = task_current()->process;
	u32 old = p->personality;

	if ((u32)persona != 0xffffffff)
		p->personality = (u32)persona;
	return old;
}

enum {
	ARCH_SET_GS = 0x1001,
	ARCH_SET_FS,
	ARCH_GET_FS,
	ARCH_GET_GS,
	ARCH_GET_CPUID = 0x1011,
	ARCH_SET_CPUID,
	ARCH_GET_XCOMP_SUPP = 0x1021,
	ARCH_GET_XCOMP_PERM,
	ARCH_REQ_XCOMP_PERM,
};

s64 sys_arch_prctl(int_a code, addr_a addr)
{
	struct user_regs *r = utask_regs(task_current()->utask);
	u64 features = fpu_features();

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_END)
			return -EPERM;
		if (code == ARCH_SET_FS)
			r->fs_base = addr;
		else
			r->gs_base = addr;
		return 0;
	case ARCH_GET_FS: return user_write(addr, &r->fs_base, 8) ? -EFAULT : 0;
	case ARCH_GET_GS: return user_write(addr, &r->gs_base, 8) ? -EFAULT : 0;
	case ARCH_GET_CPUID: return 1;
	case ARCH_SET_CPUID: return addr ? 0 : -ENODEV;
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM: return user_write(addr, &features, 8) ? -EFAULT : 0;
	case ARCH_REQ_XCOMP_PERM: return addr < 64 && features >> addr & 1 ? 0 : -EOPNOTSUPP;
	default: return -EINVAL;
	}
}

/* The restart happens inside the Sentry: nobody is ever sent here. */
s64 sys_restart_syscall(void)
{
	return -EINTR;
}

s64 sys_reboot(int_a magic1, int_a magic2, uint_a cmd, uptr_a arg)
{
	if (!ns_capable_over(NS_PID, CAP_SYS_BOOT))
		return -EPERM;
	if ((u32)magic1 != 0xfee1dead || (magic2 != 672274793 && magic2 != 85072278 &&
					  magic2 != 369367448 && magic2 != 537993216))
		return -EINVAL;
	switch (cmd) {
	case 0x00000000: /* Ctrl-Alt-Del has no meaning here */
	case 0x89abcdef: return 0;
	case 0x01234567: /* restart, halt, power off: as reboot(2) has it for a pid namespace */
	case 0xcdef0123:
	case 0x4321fedc: {
		struct process *init = process_find_vpid(1);

		if (!init)
			return -EINVAL;
		WRITE_ONCE(init->killed_as, cmd == 0x01234567 ? SIGHUP : SIGINT);
		signal_process(init, SIGKILL, NULL);
		process_put(init);
		return 0;
	}
	default: return -EINVAL;
	}
}
