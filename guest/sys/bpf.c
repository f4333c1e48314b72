/*
 * bpf.c - bpf(2), for programs that say which devices a control group may use: loading, attaching, finding. Checks in
 * Linux's order.
 *
 * Other kinds of programs, maps and links are refused with EPERM, as on a kernel that is locked down. Programs for the
 * packets of a group can be loaded if they look at none, which is how runc's library learns that there are groups to attach
 * to; attaching them is refused. Differs from Linux: what lib/ebpf.h says, no tags, and the log of the check is one line.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/cgroup/cgroupfs.h"
#include "fs/file.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/cgroup/device.h"
#include "task/task.h"

enum {
	PROG_LOAD = 5,
	PROG_ATTACH = 8,
	PROG_DETACH = 9,
	PROG_GET_NEXT_ID = 11,
	PROG_GET_FD_BY_ID = 13,
	OBJ_GET_INFO_BY_FD = 15,
	PROG_QUERY = 16,
	COMMANDS = 37
};

#define PROG_TYPE_CGROUP_SKB	8
#define PROG_TYPE_CGROUP_DEVICE 15
#define ATTACH_CGROUP_EGRESS	1
#define ATTACH_CGROUP_DEVICE	6
#define PROG_FLAGS		0x1ffu
#define QUERY_EFFECTIVE		1u
#define CONTEXT_WORDS		3 /* struct bpf_cgroup_dev_ctx */
#define LOG_MAX			(~0u >> 2)
#define LOG_FLAGS		15u

/* union bpf_attr; what of it a command does not name has to be zero. */
union attr {
	struct {
		u32 type, len;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log_buf;
		u32 kern_version, flags;
		char name[BPF_NAME_LEN];
		u32 ifindex, expected_attach;
		u8 types_and_lines
			[72]; /* prog_btf_fd to log_true_size: debugging, and what other kinds need */
		s32 token_fd;
	} load;
	struct {
		s32 target, prog;
		u32 type, flags;
		s32 old;
		u32 relative;
		u64 revision;
	} attach;
	struct {
		u32 id, next, flags;
	} id;
	struct {
		s32 fd;
		u32 len;
		u64 info;
	} info;
	struct {
		s32 target;
		u32 type, query_flags, flags;
		u64 ids;
		u32 n, pad;
		u64 prog_flags, link_ids, link_flags, revision;
	} query;
	u8 bytes[152];
};
_Static_assert(sizeof(union attr) == 152, "union bpf_attr");

/* CAP_SYS_ADMIN has all that BPF needs. */
static bool able(int cap)
{
	return capable(cap) || capable(CAP_SYS_ADMIN);
}

#define UNUSED_SET(a, last) unused_set(a, offsetof(union attr, last) + sizeof((a)->last))

static bool unused_set(const union attr *a, size_t from)
{
	for (; from < sizeof(a->bytes); from++)
		if (a->bytes[from])
			return true;
	return false;
}

/* ---- the descriptor of a program ---- */

static void prog_release(struct file *f)
{
	bpf_prog_put(f->priv);
}

static void prog_fdinfo(struct file *f, struct seq *s)
{
	const struct bpf_prog *p = f->priv;

	seq_printf(s, "prog_type:\t%u\nprog_jited:\t0\nprog_id:\t%u\nverified_insns:\t%u\n",
		   p->type, p->id, p->len);
}

static const struct file_ops prog_ops = {
	.name = "bpf-prog",
	.release = prog_release,
	.show_fdinfo = prog_fdinfo,
};

/* Takes over the reference. */
static s64 prog_fd(struct bpf_prog *p)
{
	struct file *f = file_alloc_anon(&prog_ops, O_RDWR, p);

	if (IS_ERR(f))
		bpf_prog_put(p);
	return fd_install_new(f, true);
}

/* With a reference. type 0: any. ERR_PTR(-EBADF; -EINVAL: it is something else). */
static struct bpf_prog *prog_of_fd(int fd, u32 type)
{
	struct bpf_prog *p = ERR_PTR(-EINVAL);
	struct file *f = fd_get(fd);

	if (IS_ERR(f))
		return (void *)f;
	if (f->ops == &prog_ops && (!type || ((struct bpf_prog *)f->priv)->type == type)) {
		p = f->priv;
		ref_get(&p->ref);
	}
	file_put(f);
	return p;
}

/* ---- loading ---- */

static bool is_name(const char *name)
{
	const char *c = name;

	for (; c < name + BPF_NAME_LEN && *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && *c != '_' && *c != '.')
			return false;
	return c < name + BPF_NAME_LEN;
}

/* What the check says, to who asked for it. 0, -ENOSPC, -EFAULT. */
static int put_log(const union attr *a, const struct ebpf_fault *why)
{
	char line[80] = "";
	u32 n = 0, room = a->load.log_size;

	if (!room)
		return 0;
	if (why)
		n = (u32)ksnprintf(line, sizeof(line), "instruction %u %s\n", why->insn, why->what);
	line[MIN(n, room - 1)] = 0;
	if (user_write(a->load.log_buf, line, MIN(n + 1, room)))
		return -EFAULT;
	return n < room ? 0 : -ENOSPC;
}

static int check(const union attr *a, const struct bpf_prog *p)
{
	struct ebpf_fault why;
	int err, told;

	if ((a->load.log_level & ~LOG_FLAGS) || !a->load.log_buf != !a->load.log_size ||
	    a->load.log_size > LOG_MAX || (a->load.log_buf && !a->load.log_level))
		return -EINVAL;
	err = ebpf_check(p->insn, p->len, p->type == PROG_TYPE_CGROUP_DEVICE ? CONTEXT_WORDS : 0,
			 &why);
	told = put_log(a, err && err != -ENOMEM ? &why : NULL);
	return told ?: err;
}

static int may_load(const union attr *a)
{
	if (UNUSED_SET(a, load.token_fd) || a->load.flags & ~PROG_FLAGS)
		return -EINVAL;
	if (!able(CAP_BPF))
		return -EPERM;
	if (!a->load.len || a->load.len > EBPF_MAXINSNS)
		return -E2BIG;
	if (a->load.type == PROG_TYPE_CGROUP_SKB)
		return 0;
	if (a->load.type != PROG_TYPE_CGROUP_DEVICE) {
		unsupported("bpf program type", a->load.type);
		return -EPERM;
	}
	return able(CAP_NET_ADMIN) ? 0 : -EPERM;
}

static s64 load(const union attr *a)
{
	char license[128];
	struct bpf_prog *p;
	int err = may_load(a);

	if (err)
		return err;
	p = bpf_prog_alloc(a->load.len);
	if (IS_ERR(p))
		return PTR_ERR(p);
	p->type = a->load.type;
	if (user_read(p->insn, a->load.insns, a->load.len * sizeof(p->insn[0])) ||
	    user_string(license, a->load.license, sizeof(license)) == -EFAULT)
		err = -EFAULT;
	else if (!is_name(a->load.name))
		err = -EINVAL;
	else
		err = check(a, p);
	if (!err) {
		memcpy(p->name, a->load.name, sizeof(p->name));
		p->uid = task_current()->cred->uid;
		p->load_time = clock_mono();
		err = bpf_prog_publish(p);
	}
	if (!err)
		return prog_fd(p);
	bpf_prog_put(p);
	return err;
}

/* ---- attaching ---- */

/* The type of programs that an attach type takes; 0: there is none. */
static u32 attachable(u32 attach_type)
{
	if (attach_type <= ATTACH_CGROUP_EGRESS)
		return PROG_TYPE_CGROUP_SKB;
	return attach_type == ATTACH_CGROUP_DEVICE ? PROG_TYPE_CGROUP_DEVICE : 0;
}

static int attach_to(struct cgroup *g, struct bpf_prog *p, const union attr *a)
{
	struct bpf_prog *old = NULL;
	int err;

	if (a->attach.flags & BPF_REPLACE && a->attach.flags & BPF_ALLOW_MULTI)
		old = prog_of_fd(a->attach.old, p->type);
	if (IS_ERR(old))
		return (int)PTR_ERR(old);
	if (p->type == PROG_TYPE_CGROUP_DEVICE) {
		err = cgroup_device_attach(g, p, a->attach.flags, old);
	} else {
		unsupported("bpf attach type", a->attach.type);
		err = -EPERM;
	}
	bpf_prog_put(old);
	return err;
}

static s64 attach(const union attr *a)
{
	u32 type = attachable(a->attach.type);
	struct bpf_prog *p;
	struct cgroup *g;
	s64 r;

	if (UNUSED_SET(a, attach.revision) || !type ||
	    a->attach.flags & ~(BPF_ALLOW_OVERRIDE | BPF_ALLOW_MULTI | BPF_REPLACE) ||
	    a->attach.relative || a->attach.revision)
		return -EINVAL;
	p = prog_of_fd(a->attach.prog, type);
	if (IS_ERR(p))
		return PTR_ERR(p);
	g = cgroupfs_of_fd(a->attach.target);
	if (IS_ERR(g)) {
		r = PTR_ERR(g);
	} else {
		r = attach_to(g, p, a);
		cgroup_put(g);
	}
	bpf_prog_put(p);
	return r;
}

static s64 detach(const union attr *a)
{
	struct bpf_prog *p;
	struct cgroup *g;
	s64 r;

	if (UNUSED_SET(a, attach.revision) || a->attach.type != ATTACH_CGROUP_DEVICE ||
	    a->attach.flags || a->attach.relative || a->attach.revision)
		return -EINVAL;
	g = cgroupfs_of_fd(a->attach.target);
	if (IS_ERR(g))
		return PTR_ERR(g);
	p = prog_of_fd(a->attach.prog, PROG_TYPE_CGROUP_DEVICE);
	if (IS_ERR(p))
		p = NULL;
	r = cgroup_device_detach(g, p);
	bpf_prog_put(p);
	cgroup_put(g);
	return r;
}

/* ---- finding ---- */

/* attr: where the answer goes. */
static s64 query(const union attr *a, uaddr_t attr)
{
	u32 id[CGROUP_PROGRAMS], flags, n, room = a->query.ids ? a->query.n : 0;
	struct cgroup *g;
	s64 r = 0;

	if (!able(CAP_NET_ADMIN))
		return -EPERM;
	if (UNUSED_SET(a, query.revision) || a->query.query_flags & ~QUERY_EFFECTIVE ||
	    a->query.type != ATTACH_CGROUP_DEVICE)
		return -EINVAL;
	g = cgroupfs_of_fd(a->query.target);
	if (IS_ERR(g))
		return PTR_ERR(g);
	room = MIN(room, (u32)CGROUP_PROGRAMS);
	n = cgroup_device_list(g, a->query.query_flags & QUERY_EFFECTIVE, &flags, id, room);
	cgroup_put(g);
	if (user_write(attr + offsetof(union attr, query.flags), &flags, sizeof(flags)) ||
	    user_write(attr + offsetof(union attr, query.n), &n, sizeof(n)))
		return -EFAULT;
	if (!room)
		return 0;
	if (n > room) {
		n = room;
		r = -ENOSPC;
	}
	return user_write(a->query.ids, id, n * sizeof(id[0])) ? -EFAULT : r;
}

static s64 next_id(const union attr *a, uaddr_t attr)
{
	u32 id;

	if (UNUSED_SET(a, id.next) || a->id.id >= ~0u >> 1)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	id = bpf_prog_next(a->id.id);
	if (!id)
		return -ENOENT;
	return user_write(attr + offsetof(union attr, id.next), &id, sizeof(id)) ? -EFAULT : 0;
}

static s64 fd_by_id(const union attr *a)
{
	struct bpf_prog *p;

	if (UNUSED_SET(a, id.id))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	p = bpf_prog_find(a->id.id);
	return p ? prog_fd(p) : -ENOENT;
}

/* struct bpf_prog_info, of which the rest is about what is not here. */
struct prog_info {
	u32 type, id;
	u8 tag[8];
	u32 jited_len, insns_len;
	u64 jited, insns, load_time;
	u32 uid, nr_maps;
	u64 maps;
	char name[BPF_NAME_LEN];
	u32 ifindex, gpl;
	u8 rest[144];
};
_Static_assert(sizeof(struct prog_info) == 232, "struct bpf_prog_info");

static s64 info(const union attr *a, uaddr_t attr)
{
	struct prog_info i = { 0 };
	struct bpf_prog *p;
	u32 len = MIN(a->info.len, (u32)sizeof(i)), room;
	s64 r = 0;

	if (UNUSED_SET(a, info.info))
		return -EINVAL;
	p = prog_of_fd(a->info.fd, 0);
	if (IS_ERR(p))
		return PTR_ERR(p);
	r = user_read_struct(&i, sizeof(i), a->info.info, a->info.len);
	if (!r) {
		room = i.insns_len;
		i.type = p->type;
		i.id = p->id;
		memset(i.tag, 0, sizeof(i.tag));
		i.jited_len = i.nr_maps = i.ifindex = 0;
		i.load_time = p->load_time;
		i.uid = p->uid;
		memcpy(i.name, p->name, sizeof(i.name));
		i.insns_len = p->len * (u32)sizeof(p->insn[0]);
		i.gpl = 1;
		memset(i.rest, 0, sizeof(i.rest));
		if (i.insns && user_write(i.insns, p->insn, MIN(room, i.insns_len)))
			r = -EFAULT;
		else if (user_write(a->info.info, &i, len) ||
			 user_write(attr + offsetof(union attr, info.len), &len, sizeof(len)))
			r = -EFAULT;
	}
	bpf_prog_put(p);
	return r;
}

s64 sys_bpf(int_a cmd, uptr_a attr, uint_a size)
{
	union attr a = { 0 };
	int err = user_read_struct(&a, sizeof(a), attr, size);

	if (err)
		return err;
	switch (cmd) {
	case PROG_LOAD: return load(&a);
	case PROG_ATTACH: return attach(&a);
	case PROG_DETACH: return detach(&a);
	case PROG_QUERY: return query(&a, attr);
	case PROG_GET_NEXT_ID: return next_id(&a, attr);
	case PROG_GET_FD_BY_ID: return fd_by_id(&a);
	case OBJ_GET_INFO_BY_FD: return info(&a, attr);
	}
	if (cmd < 0 || cmd >= COMMANDS)
		return -EINVAL;
	if (able(CAP_BPF))
		unsupported("bpf command", (u64)cmd);
	return -EPERM;
}
