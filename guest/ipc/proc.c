/*
 * proc.c - /proc/sysvipc and the IPC parameters of /proc/sys, of the reader's own namespace.
 */
#include "fs/procfs.h"
#include "fs/seq.h"
#include "ipc/ipc.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"

typedef unsigned long long ull;

/* ---- /proc/sysvipc ---- */

static int show_shm(struct seq *s, void *arg)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_perm *p;

	seq_puts(s, "       key      shmid perms                  size  cpid  lpid nattch   uid"
		    "   gid  cuid  cgid      atime      dtime      ctime                   rss"
		    "                  swap\n");
	for (int i = 0; (p = ipc_next(&ns->shm, &i)); i++) {
		struct shm_segment *m = shm_of(p), c = *m;
		ull rss = shm_resident(m) * PAGE_SIZE;

		spin_unlock(&ns->shm.lock);
		seq_printf(s, "%10d %10d  %4o %21llu %5d %5d  %5llu %5u %5u %5u %5u ", c.perm.key,
			   c.perm.id, c.perm.mode, (ull)c.size, c.cpid, c.lpid, (ull)c.nattch,
			   c.perm.uid, c.perm.gid, c.perm.cuid, c.perm.cgid);
		seq_printf(s, "%10lld %10lld %10lld %21llu %21llu\n", (long long)c.atime,
			   (long long)c.dtime, (long long)c.ctime, rss, 0ULL);
	}
	return 0;
}

static int show_sem(struct seq *s, void *arg)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_perm *p;

	seq_puts(s, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
		    "      ctime\n");
	for (int i = 0; (p = ipc_next(&ns->sem, &i)); i++) {
		struct sem_set c = *sem_of(p);

		spin_unlock(&ns->sem.lock);
		seq_printf(s, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n", c.perm.key,
			   c.perm.id, c.perm.mode, c.nsems, c.perm.uid, c.perm.gid, c.perm.cuid,
			   c.perm.cgid, (long long)c.otime, (long long)c.ctime);
	}
	return 0;
}

static int show_msg(struct seq *s, void *arg)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct ipc_perm *p;

	seq_puts(s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
		    "  cuid  cgid      stime      rtime      ctime\n");
	for (int i = 0; (p = ipc_next(&ns->msg, &i)); i++) {
		struct msg_queue c = *msg_of(p);

		spin_unlock(&ns->msg.lock);
		seq_printf(s, "%10d %10d  %4o  %10llu %10llu %5d %5d %5u %5u %5u %5u ", c.perm.key,
			   c.perm.id, c.perm.mode, (ull)c.cbytes, (ull)c.qnum, c.lspid, c.lrpid,
			   c.perm.uid, c.perm.gid, c.perm.cuid, c.perm.cgid);
		seq_printf(s, "%10lld %10lld %10lld\n", (long long)c.stime, (long long)c.rtime,
			   (long long)c.ctime);
	}
	return 0;
}

/* ---- /proc/sys ---- */

/* Numbers separated by white space; how many there were, or -EINVAL. */
static int parse_numbers(const char *buf, u64 *out, int max)
{
	int n = 0;

	while (*buf) {
		u64 v = 0;

		if (*buf == ' ' || *buf == '\t' || *buf == '\n') {
			buf++;
			continue;
		}
		if (n == max || *buf < '0' || *buf > '9')
			return -EINVAL;
		for (; *buf >= '0' && *buf <= '9'; buf++)
			if (__builtin_mul_overflow(v, 10ULL, &v) ||
			    __builtin_add_overflow(v, (u64)(*buf - '0'), &v))
				return -EINVAL;
		out[n++] = v;
	}
	return n;
}

/* One parameter: where it is in struct ipc_ns, its width and bounds. */
struct ipc_param {
	u16 offset, size;
	u64 min, max;
};

static void *field(const struct ipc_param *f)
{
	return (char *)ipc_ns_current() + f->offset;
}

static int show_number(struct seq *s, void *arg)
{
	const struct ipc_param *f = arg;
	u64 v = f->size == 8 ? *(u64 *)field(f) : *(u32 *)field(f);

	seq_printf(s, "%llu\n", (ull)v);
	return 0;
}

static s64 store_number(void *arg, char *buf, size_t n)
{
	const struct ipc_param *f = arg;
	u64 v;

	if (parse_numbers(buf, &v, 1) != 1 || v < f->min || v > f->max)
		return -EINVAL;
	if (f->size == 8)
		WRITE_ONCE(*(u64 *)field(f), v);
	else
		WRITE_ONCE(*(u32 *)field(f), (u32)v);
	return (s64)n;
}

static int show_sem_limits(struct seq *s, void *arg)
{
	const struct ipc_ns *ns = ipc_ns_current();

	seq_printf(s, "%u\t%llu\t%u\t%u\n", ns->sem_msl, (ull)ns->sem_mns, ns->sem_opm,
		   ns->sem_mni);
	return 0;
}

static s64 store_sem_limits(void *arg, char *buf, size_t n)
{
	struct ipc_ns *ns = ipc_ns_current();
	u64 v[4];

	if (parse_numbers(buf, v, 4) != 4 || v[0] > SEMMSL || v[1] > INT32_MAX || v[2] > SEMOPM ||
	    v[3] > IPC_INDEX_MAX)
		return -EINVAL;
	ns->sem_msl = (u32)v[0];
	ns->sem_mns = v[1];
	ns->sem_opm = (u32)v[2];
	ns->sem_mni = (u32)v[3];
	return (s64)n;
}

#define PARAM(member, lo, hi)                                                                     \
	{                                                                                         \
		offsetof(struct ipc_ns, member), sizeof(((struct ipc_ns *)0)->member), (lo), (hi) \
	}

static const struct ipc_param shmmax = PARAM(shm_max, 0, ~0ULL), shmall = PARAM(shm_all, 0, ~0ULL),
			      shmmni = PARAM(shm_mni, 0, IPC_INDEX_MAX),
			      msgmax = PARAM(msg_max, 0, INT32_MAX),
			      msgmnb = PARAM(msg_mnb, 0, INT32_MAX),
			      msgmni = PARAM(msg_mni, 0, IPC_INDEX_MAX),
			      mq_queues = PARAM(mq.queues_max, 0, INT32_MAX),
			      mq_msg = PARAM(mq.msg_max, 1, 65536),
			      mq_size = PARAM(mq.msgsize_max, 128, 16 << 20),
			      mq_msg_default = PARAM(mq.msg_default, 1, 65536),
			      mq_size_default = PARAM(mq.msgsize_default, 128, 16 << 20);

#define NUMBER(d, n, p)                                                                  \
	{                                                                                \
		.dir = d, .name = n, .mode = 0644, .ops = { show_number, store_number }, \
		.arg = (void *)&(p)                                                      \
	}

static const struct proc_file files[] = {
	{ .dir = "sysvipc", .name = "shm", .mode = 0444, .ops = { .show = show_shm } },
	{ .dir = "sysvipc", .name = "sem", .mode = 0444, .ops = { .show = show_sem } },
	{ .dir = "sysvipc", .name = "msg", .mode = 0444, .ops = { .show = show_msg } },
	NUMBER("sys/kernel", "shmmax", shmmax),
	NUMBER("sys/kernel", "shmall", shmall),
	NUMBER("sys/kernel", "shmmni", shmmni),
	NUMBER("sys/kernel", "msgmax", msgmax),
	NUMBER("sys/kernel", "msgmnb", msgmnb),
	NUMBER("sys/kernel", "msgmni", msgmni),
	{ .dir = "sys/kernel",
	  .name = "sem",
	  .mode = 0644,
	  .ops = { show_sem_limits, store_sem_limits } },
	NUMBER("sys/fs/mqueue", "queues_max", mq_queues),
	NUMBER("sys/fs/mqueue", "msg_max", mq_msg),
	NUMBER("sys/fs/mqueue", "msgsize_max", mq_size),
	NUMBER("sys/fs/mqueue", "msg_default", mq_msg_default),
	NUMBER("sys/fs/mqueue", "msgsize_default", mq_size_default),
};

void ipc_proc_init(void)
{
	proc_register_files(files, ARRAY_SIZE(files));
}
