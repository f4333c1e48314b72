/*
 * bpf_device.h - tests of bpf(2): instructions, and the calls for device programs of control groups.
 */
#ifndef ABI_BPF_DEVICE_H
#define ABI_BPF_DEVICE_H

#include "cgroup.h"
#include <linux/bpf.h>
#include <sys/sysmacros.h>

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (int)(i) })
#define MOV(reg, v)	   INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, v)
#define LOAD(reg, at)	   INSN(BPF_LDX | BPF_MEM | BPF_W, reg, 1, at, 0)
#define JUMP_NE(reg, v, o) INSN(BPF_JMP | BPF_JNE | BPF_K, reg, 0, o, v)
#define EXIT()		   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define IMM64(reg, v)                                              \
	INSN(BPF_LD | BPF_DW | BPF_IMM, reg, 0, 0, (unsigned)(v)), \
		INSN(0, 0, 0, 0, (unsigned long long)(v) >> 32)

static inline int sys_bpf(int cmd, union bpf_attr *a)
{
	return (int)syscall(SYS_bpf, cmd, a, sizeof(*a));
}

static inline int bpf_load(const struct bpf_insn *insn, unsigned n)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = n };

	a.insns = (unsigned long)insn;
	a.license = (unsigned long)"GPL";
	return sys_bpf(BPF_PROG_LOAD, &a);
}
#define LOAD_PROGRAM(...)                            \
	bpf_load((struct bpf_insn[]){ __VA_ARGS__ }, \
		 sizeof((struct bpf_insn[]){ __VA_ARGS__ }) / sizeof(struct bpf_insn))

static inline int bpf_attach(int group, int prog, unsigned flags, int old)
{
	union bpf_attr a = { 0 };

	a.target_fd = (unsigned)group;
	a.attach_bpf_fd = (unsigned)prog;
	a.attach_type = BPF_CGROUP_DEVICE;
	a.attach_flags = flags;
	a.replace_bpf_fd = (unsigned)old;
	return sys_bpf(BPF_PROG_ATTACH, &a);
}

static inline int bpf_detach(int group, int prog)
{
	union bpf_attr a = { 0 };

	a.target_fd = (unsigned)group;
	a.attach_bpf_fd = (unsigned)prog;
	a.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_DETACH, &a);
}

/* How many programs a group has, or -1. */
static inline int bpf_query(int group, unsigned flags, unsigned *ids, unsigned room, unsigned *kept)
{
	union bpf_attr a = { 0 };

	a.query.target_fd = (unsigned)group;
	a.query.attach_type = BPF_CGROUP_DEVICE;
	a.query.query_flags = flags;
	a.query.prog_ids = (unsigned long)ids;
	a.query.prog_cnt = room;
	if (sys_bpf(BPF_PROG_QUERY, &a))
		return -1;
	if (kept)
		*kept = a.query.attach_flags;
	return (int)a.query.prog_cnt;
}

static inline int cg_dir(const char *group)
{
	return open(cg_path(group, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

#define NEED_BPF()                                                           \
	do {                                                                 \
		int need_bpf = LOAD_PROGRAM(MOV(0, 1), EXIT());              \
                                                                             \
		if (need_bpf < 0)                                            \
			SKIP("no device programs (%s)", abi_errname(errno)); \
		close(need_bpf);                                             \
	} while (0)

#endif
