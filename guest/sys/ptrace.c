/*
 * ptrace.c - ptrace(2): requests to the functions of task/ptrace*.c, and the shapes of their arguments.
 *
 * Text is read and written through the tracee's address space, never through what a platform has made of it: a peek shows
 * the program's own bytes, and a breakpoint replaces them wherever they are mapped.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "sys/seccomp.h"
#include "sys/sys.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"

enum {
	TRACEME = 0,
	PEEKTEXT = 1,
	PEEKDATA = 2,
	PEEKUSER = 3,
	POKETEXT = 4,
	POKEDATA = 5,
	POKEUSER = 6,
	CONT = 7,
	KILL = 8,
	SINGLESTEP = 9,
	GETREGS = 12,
	SETREGS = 13,
	GETFPREGS = 14,
	SETFPREGS = 15,
	ATTACH = 16,
	DETACH = 17,
	OLDSETOPTIONS = 21,
	SYSCALL = 24,
	ARCH_PRCTL = 30,
	SYSEMU = 31,
	SYSEMU_SINGLESTEP = 32,
	SETOPTIONS = 0x4200,
	GETEVENTMSG,
	GETSIGINFO,
	SETSIGINFO,
	GETREGSET,
	SETREGSET,
	SEIZE,
	INTERRUPT,
	LISTEN,
	PEEKSIGINFO,
	GETSIGMASK,
	SETSIGMASK,
	SECCOMP_GET_FILTER,
	SECCOMP_GET_METADATA,
	GET_SYSCALL_INFO,
	GET_RSEQ_CONFIGURATION,
};

enum { NT_PRSTATUS = 1, NT_PRFPREG = 2, NT_X86_XSTATE = 0x202 };

#define FPREGS_SIZE 512UL
#define W_FS_BASE   21
#define W_GS_BASE   22

/* ---- memory ---- */

/* Of a tracee of the caller that has stopped, with a reference. ERR_PTR(-ESRCH): it is none; -EIO. */
static struct mm *memory_of(struct task *t)
{
	return ptrace_check(t) ? ERR_PTR(-ESRCH) : task_mm_get(t) ?: ERR_PTR(-EIO);
}

static s64 peek(struct task *t, uaddr_t addr, uaddr_t dst)
{
	struct mm *mm = memory_of(t);
	u64 word;
	s64 n;

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	n = mm_peek(mm, addr, &word, sizeof(word));
	mm_put(mm);
	if (n != sizeof(word))
		return -EIO;
	return user_write(dst, &word, sizeof(word)) ? -EFAULT : 0;
}

static s64 poke(struct task *t, uaddr_t addr, u64 word)
{
	struct mm *mm = memory_of(t);
	s64 n;

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	n = mm_poke(mm, addr, &word, sizeof(word), true);
	mm_put(mm);
	return n == sizeof(word) ? 0 : -EIO;
}

/* ---- registers ---- */

static s64 get_regs(struct task *t, uaddr_t dst, u64 len)
{
	u64 words[PT_REGS_WORDS];
	int err = ptrace_get_regs(t, words, 0, PT_REGS_WORDS);

	if (err)
		return err;
	return user_write(dst, words, len) ? -EFAULT : 0;
}

static s64 set_regs(struct task *t, uaddr_t src, u64 len)
{
	u64 words[PT_REGS_WORDS];

	if (user_read(words, src, len))
		return -EFAULT;
	return ptrace_set_regs(t, words, 0, (unsigned)len / 8);
}

static s64 get_fpu(struct task *t, uaddr_t dst, u64 len)
{
	u8 *buf = kzalloc(fpu_size());
	s64 err;

	if (!buf)
		return -ENOMEM;
	err = ptrace_get_fpu(t, buf);
	if (!err && len <= FPREGS_SIZE)
		memset(buf + 464, 0, 48); /* the magic is not of this set */
	if (!err && user_write(dst, buf, len))
		err = -EFAULT;
	kfree(buf);
	return err;
}

static s64 set_fpu(struct task *t, uaddr_t src, u64 len)
{
	u8 *buf = kzalloc(fpu_size());
	u64 bv;
	s64 err;

	if (!buf)
		return -ENOMEM;
	err = len < fpu_size() ? ptrace_get_fpu(t, buf) : ptrace_check(t);
	if (!err && user_read(buf, src, len))
		err = -EFAULT;
	if (!err) {
		memset(buf + 464, 0, 48);
		if (len <= FPREGS_SIZE) {
			memcpy(&bv, buf + FPREGS_SIZE, sizeof(bv));
			bv |= 3;
			memcpy(buf + FPREGS_SIZE, &bv, sizeof(bv));
		}
		err = ptrace_set_fpu(t, buf);
	}
	kfree(buf);
	return err;
}

static s64 regset(struct task *t, u64 type, uaddr_t uiov, bool set)
{
	struct {
		u64 base, len;
	} iov;
	u64 size = type == NT_PRSTATUS	   ? PT_REGS_WORDS * 8
		   : type == NT_PRFPREG	   ? FPREGS_SIZE
		   : type == NT_X86_XSTATE ? fpu_size()
					   : 0;
	s64 err;

	if (user_read(&iov, uiov, sizeof(iov)))
		return -EFAULT;
	if (!size || iov.len % 8)
		return -EINVAL;
	iov.len = MIN(iov.len, size);
	if (type == NT_PRSTATUS)
		err = set ? set_regs(t, iov.base, iov.len) : get_regs(t, iov.base, iov.len);
	else if (set && type == NT_X86_XSTATE && iov.len != size)
		err = -EFAULT;
	else
		err = set ? set_fpu(t, iov.base, iov.len) : get_fpu(t, iov.base, iov.len);
	if (!err && user_write(uiov + 8, &iov.len, sizeof(iov.len)))
		err = -EFAULT;
	return err;
}

/* PTRACE_ARCH_PRCTL: the bases of another. */
static s64 arch_bases(struct task *t, uaddr_t addr, u64 option)
{
	unsigned w = option == 0x1001 || option == 0x1004 ? W_GS_BASE : W_FS_BASE;
	u64 v = addr;
	int err;

	switch (option) {
	case 0x1001: /* ARCH_SET_GS */
	case 0x1002: /* ARCH_SET_FS */
		err = ptrace_set_regs(t, &v, w, 1);
		return err == -EIO ? -EPERM : err;
	case 0x1003: /* ARCH_GET_FS */
	case 0x1004: /* ARCH_GET_GS */
		err = ptrace_get_regs(t, &v, w, 1);
		return err ? err : user_write(addr, &v, sizeof(v)) ? -EFAULT : 0;
	default: return -EINVAL;
	}
}

static s64 user_area(struct task *t, u64 off, uaddr_t dst)
{
	u64 v;
	int err = ptrace_peek_user(t, off, &v);

	return err ? err : user_write(dst, &v, sizeof(v)) ? -EFAULT : 0;
}

/* ---- signals and state ---- */

static s64 siginfo(struct task *t, uaddr_t data, bool set)
{
	struct siginfo info;
	int err;

	if (set)
		return user_read(&info, data, sizeof(info)) ? -EFAULT
							    : ptrace_set_siginfo(t, &info);
	err = ptrace_get_siginfo(t, &info);
	return err ? err : user_write(data, &info, sizeof(info)) ? -EFAULT : 0;
}

static s64 sigmask(struct task *t, u64 size, uaddr_t data, bool set)
{
	u64 mask;
	int err;

	if (size != sizeof(mask))
		return -EINVAL;
	if (set)
		return user_read(&mask, data, sizeof(mask)) ? -EFAULT : ptrace_set_sigmask(t, mask);
	err = ptrace_get_sigmask(t, &mask);
	return err ? err : user_write(data, &mask, sizeof(mask)) ? -EFAULT : 0;
}

static s64 peek_siginfo(struct task *t, uaddr_t args, uaddr_t data)
{
	struct {
		u64 off;
		u32 flags;
		s32 nr;
	} a;
	struct siginfo info;
	int i, found;

	if (user_read(&a, args, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~1u || a.nr < 0)
		return -EINVAL;
	for (i = 0; i < a.nr; i++) {
		found = ptrace_peek_queue(t, a.flags & 1, a.off + (u64)i, &info);
		if (found < 0)
			return found;
		if (!found)
			break;
		if (user_write(data + (u64)i * sizeof(info), &info, sizeof(info)))
			return i ? i : -EFAULT;
		task_poll();
	}
	return i;
}

static s64 syscall_info(struct task *t, u64 size, uaddr_t data)
{
	struct pt_syscall_info info;
	int n = ptrace_syscall_info(t, &info);

	if (n < 0)
		return n;
	return user_write(data, &info, MIN(size, (u64)n)) ? -EFAULT : n;
}

static s64 rseq_info(struct task *t, u64 size, uaddr_t data)
{
	struct {
		u64 addr;
		u32 size, sig, flags, pad;
	} c = { 0 };

	if (ptrace_lock(t))
		return -ESRCH;
	c.addr = t->rseq;
	c.size = t->rseq_len;
	c.sig = t->rseq_sig;
	ptrace_unlock(t);
	return user_write(data, &c, MIN(size, sizeof(c))) ? -EFAULT : (s64)sizeof(c);
}

static s64 message(struct task *t, uaddr_t data)
{
	u64 v;
	int err = ptrace_message(t, &v);

	return err ? err : user_write(data, &v, sizeof(v)) ? -EFAULT : 0;
}

static s64 detach(struct task *t, u64 signo)
{
	return signo > NSIG ? -EIO : ptrace_detach(t, (int)signo);
}

/* Requests to a tracee that must be stopped. */
static s64 stopped_request(struct task *t, long_a request, addr_a addr, ulong_a data)
{
	switch (request) {
	case PEEKTEXT:
	case PEEKDATA: return peek(t, addr, data);
	case POKETEXT:
	case POKEDATA: return poke(t, addr, data);
	case PEEKUSER: return user_area(t, addr, data);
	case POKEUSER: return ptrace_poke_user(t, addr, data);
	case CONT: return ptrace_resume(t, PT_CONT, data);
	case SYSCALL: return ptrace_resume(t, PT_SYSCALL, data);
	case SINGLESTEP: return ptrace_resume(t, PT_STEP, data);
	case SYSEMU: return ptrace_resume(t, PT_EMU, data);
	case SYSEMU_SINGLESTEP: return ptrace_resume(t, PT_EMU_STEP, data);
	case DETACH: return detach(t, data);
	case GETREGS: return get_regs(t, data, PT_REGS_WORDS * 8);
	case SETREGS: return set_regs(t, data, PT_REGS_WORDS * 8);
	case GETFPREGS: return get_fpu(t, data, FPREGS_SIZE);
	case SETFPREGS: return set_fpu(t, data, FPREGS_SIZE);
	case GETREGSET: return regset(t, addr, data, false);
	case SETREGSET: return regset(t, addr, data, true);
	case ARCH_PRCTL: return arch_bases(t, addr, data);
	case OLDSETOPTIONS:
	case SETOPTIONS: return ptrace_set_options(t, data > PT_O_ALL ? ~0u : (u32)data);
	case GETEVENTMSG: return message(t, data);
	case GETSIGINFO: return siginfo(t, data, false);
	case SETSIGINFO: return siginfo(t, data, true);
	case PEEKSIGINFO: return peek_siginfo(t, addr, data);
	case GETSIGMASK: return sigmask(t, addr, data, false);
	case SETSIGMASK: return sigmask(t, addr, data, true);
	case LISTEN: return ptrace_listen(t);
	case GET_SYSCALL_INFO: return syscall_info(t, addr, data);
	case GET_RSEQ_CONFIGURATION: return rseq_info(t, addr, data);
	case SECCOMP_GET_FILTER: return seccomp_get_filter(t, addr, data);
	case SECCOMP_GET_METADATA: return seccomp_get_metadata(t, addr, data);
	default: unsupported("ptrace request", (u64)request); return -EIO;
	}
}

s64 sys_ptrace(long_a request, pid_a pid, addr_a addr, ulong_a data)
{
	struct task *t;
	s64 ret;

	if (request == TRACEME)
		return ptrace_traceme();
	t = task_find_vpid(pid);
	if (!t)
		return -ESRCH;
	switch (request) {
	case ATTACH: ret = ptrace_attach(t, false, 0); break;
	case SEIZE:
		ret = addr || data & ~(u64)PT_O_ALL ? -EIO : ptrace_attach(t, true, (u32)data);
		break;
	case KILL: ret = ptrace_kill(t); break;
	case INTERRUPT: ret = ptrace_interrupt(t); break;
	default:
		ret = ptrace_check(t);
		if (!ret)
			ret = stopped_request(t, request, addr, data);
		break;
	}
	task_put(t);
	return ret;
}
