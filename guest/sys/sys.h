/*
 * sys.h - the system-call layer: argument kinds, the prototypes of all handlers, the dispatcher.
 *
 * A handler decodes, copies in, calls the object layer, copies out: under 30 lines. It returns the result or -errno
 * (or a -ERESTART* value, which the signal code turns into a restart or EINTR).
 */
#ifndef MOAT_SYS_SYS_H
#define MOAT_SYS_SYS_H

#include "lib/err.h"
#include "lib/types.h"
#include "platform/platform.h"
#include "task/unsupported.h"

/* Argument kinds. The C type is what Linux's own declaration truncates the register to. */
typedef s32 fd_a;	/* descriptor, or AT_FDCWD */
typedef uaddr_t path_a; /* NUL-terminated path */
typedef uaddr_t ubuf_a; /* buffer of bytes */
typedef uaddr_t uptr_a; /* structure or array */
typedef uaddr_t addr_a; /* address that is not read through */
typedef u64 size_a;
typedef s64 off_a;
typedef s64 long_a;
typedef u64 ulong_a;
typedef s32 int_a;
typedef u32 uint_a;
typedef u32 flags_a;  /* printed in hex */
typedef s32 oflags_a; /* open(2) flags */
typedef u32 mode_a;
typedef s32 pid_a;
typedef s32 sig_a;
typedef u32 id_a;
typedef u64 prot_a;
typedef u64 mflags_a;

/* Prototypes. */
#define SYSCALL0(nr, name, level, note)				s64 sys_##name(void);
#define SYSCALL1(nr, name, level, note, t1, a1)			s64 sys_##name(t1 a1);
#define SYSCALL2(nr, name, level, note, t1, a1, t2, a2)		s64 sys_##name(t1 a1, t2 a2);
#define SYSCALL3(nr, name, level, note, t1, a1, t2, a2, t3, a3) s64 sys_##name(t1 a1, t2 a2, t3 a3);
#define SYSCALL4(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4) \
	s64 sys_##name(t1 a1, t2 a2, t3 a3, t4 a4);
#define SYSCALL5(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	s64 sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);
#define SYSCALL6(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	s64 sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);
#include "sys/syscalls.def"
#undef SYSCALL0
#undef SYSCALL1
#undef SYSCALL2
#undef SYSCALL3
#undef SYSCALL4
#undef SYSCALL5
#undef SYSCALL6

/*
 * A structure that may be longer than ours if the rest of it is zero; of a shorter one the rest of *to stays as it is.
 * -E2BIG: longer than a page, or not zero; -EFAULT.
 */
int user_read_struct(void *to, size_t known, uaddr_t from, u64 size);

/*
 * pipe.c: reserve two descriptors (fs/file.h: to be committed or cancelled) and write their numbers to user memory.
 * -EMFILE, -EFAULT: none is reserved.
 */
int fd_reserve_pair(s32 fd[2], bool cloexec, uaddr_t to);
void fd_cancel_pair(const s32 fd[2]);

struct task;

/* Run the system call that the registers name; the result goes to rax. Registered as task_syscall at boot. */
void syscall_dispatch(struct task *t, struct user_regs *regs);

#endif
