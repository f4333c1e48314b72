/*
 * device.h - programs that say which devices the processes of a control group may use (Linux: BPF_CGROUP_DEVICE).
 *
 * Without any program anywhere an open of a device pays for one test of a number.
 */
#ifndef MOAT_TASK_CGROUP_DEVICE_H
#define MOAT_TASK_CGROUP_DEVICE_H

#include "lib/ebpf.h"
#include "task/cgroup/cgroup.h"

#define BPF_NAME_LEN 16

/* A checked program; never changes. */
struct bpf_prog {
	struct ref ref;
	struct list node; /* in the list of all, by id */
	u32 id, type, uid;
	u64 load_time; /* CLOCK_BOOTTIME, ns */
	char name[BPF_NAME_LEN];
	unsigned len;
	struct ebpf_insn insn[];
};

/* ---- program.c ---- */
/* Room for one of len instructions, for the caller to fill. ERR_PTR(-ENOMEM). */
struct bpf_prog *bpf_prog_alloc(unsigned len);
/* Give it an id; with the reference of its maker. -ENOMEM: there are too many. */
int bpf_prog_publish(struct bpf_prog *p);
void bpf_prog_put(struct bpf_prog *p); /* any context */
/* With a reference; NULL. */
struct bpf_prog *bpf_prog_find(u32 id);
/* The least id above; 0: none. */
u32 bpf_prog_next(u32 id);

/* ---- device.c ---- */
#define CGROUP_PROGRAMS 64 /* in a group */

/* BPF_F_*, of an attachment */
#define BPF_ALLOW_OVERRIDE 1u
#define BPF_ALLOW_MULTI	   2u
#define BPF_REPLACE	   4u

/* In the ctx->access_type of a program: its low half, and its high one. */
#define DEVICE_BLOCK 1u
#define DEVICE_CHAR  2u
#define DEVICE_MKNOD 1u
#define DEVICE_READ  2u
#define DEVICE_WRITE 4u

/* flags: BPF_*; old: whose place it takes, with BPF_REPLACE. -EINVAL, -EPERM, -E2BIG, -ENOENT, -ENOMEM, -EBADF. */
int cgroup_device_attach(struct cgroup *g, struct bpf_prog *prog, u32 flags, struct bpf_prog *old);
/* prog NULL: the only one. -EINVAL, -ENOENT. */
int cgroup_device_detach(struct cgroup *g, struct bpf_prog *prog);
/* The ids of g's own programs, or of all that hold for it, `room` at most. How many there are; *flags: g's. */
unsigned cgroup_device_list(struct cgroup *g, bool effective, u32 *flags, u32 *id, unsigned room);

extern u32 cgroup_device_programs; /* attached anywhere */
int cgroup_device_ask(u32 mode, u32 rdev, u32 access);
/* May the current task do that with a device? 0, -EPERM. No spinlock held. mode: its type is in it; rdev: DEV(). */
static inline int cgroup_device_may(u32 mode, u32 rdev, u32 access)
{
	return unlikely(READ_ONCE(cgroup_device_programs)) ? cgroup_device_ask(mode, rdev, access)
							   : 0;
}
/* The group goes. */
void cgroup_device_free(struct cgroup *g);

#endif
