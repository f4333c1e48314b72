/*
 * seal.c - see seal.h. Namespaces and the empty root are the caller's (host/jail).
 *
 * Size of the allow-list: 32 system calls to serve read-only, 15 more to write, and one where files are mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/ring.h"
#include "host/error.h"
#include "host/gofer/gofer.h"
#include "host/gofer/seal.h"

static int cmp_fd(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int seal_descriptors(const struct gofer_config *cfg, struct error *err)
{
	int keep[2 * RING_QUEUES + GOFER_EXPORTS_MAX + 9];
	unsigned n = 0, next = 0;

	if (cfg->nqueues > RING_QUEUES)
		return error_set(err, EINVAL, "%u queues", cfg->nqueues);
	if (cfg->nexports > GOFER_EXPORTS_MAX)
		return error_set(err, E2BIG, "%u exports; at most %u", cfg->nexports,
				 GOFER_EXPORTS_MAX);
	keep[n++] = 2;
	keep[n++] = cfg->root_fd;
	for (unsigned i = 0; i < cfg->nexports; i++)
		keep[n++] = cfg->exports[i].fd;
	keep[n++] = cfg->stream_fd;
	keep[n++] = cfg->lifeline_fd;
	if (cfg->dax_fd)
		keep[n++] = cfg->dax_fd;
	if (cfg->nqueues)
		keep[n++] = cfg->arena_fd;
	for (unsigned i = 0; i < cfg->nqueues; i++) {
		keep[n++] = cfg->queues[i].kick_fd;
		keep[n++] = cfg->queues[i].call_fd;
	}
	qsort(keep, n, sizeof(keep[0]), cmp_fd);
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] < 0 || (unsigned)keep[i] < next)
			continue;
		if ((unsigned)keep[i] > next && syscall(SYS_close_range, next, keep[i] - 1, 0) < 0)
			return error_errno(err, "close_range");
		next = keep[i] + 1;
	}
	if (syscall(SYS_close_range, next, ~0U, 0) < 0)
		return error_errno(err, "close_range");
	return 0;
}

int seal_privileges(const struct gofer_config *cfg, struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[2], data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	uint32_t want = 0;

	if (!gofer_read_only(cfg))
		want = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER |
		       1U << CAP_FSETID;
	else if (cfg->keep_dac_read)
		want = 1U << CAP_DAC_READ_SEARCH;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "prctl");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap > 31 || !(want & 1U << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0,
			      0); /* fails without CAP_SETPCAP, and then does not matter */
	if (syscall(SYS_capget, &head, have) < 0)
		return error_errno(err, "capget");
	data[0].effective = data[0].permitted = have[0].permitted & want;
	if (syscall(SYS_capset, &head, data) < 0)
		return error_errno(err, "capset");
	return 0;
}

void seal_heap(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
}

static const int serve_calls[] = {
	/* messages and sleep */
	SYS_read,
	SYS_write,
	SYS_ppoll,
	SYS_futex,
	/* files */
	SYS_openat2,
	SYS_close,
	SYS_statx,
	SYS_fstatfs,
	SYS_readlinkat,
	SYS_getdents64,
	SYS_lseek,
	SYS_preadv,
	SYS_fchdir,
	SYS_lgetxattr,
	SYS_llistxattr,
	SYS_fgetxattr,
	SYS_flistxattr,
	/* memory (seal_heap), time, the end */
	SYS_brk,
	SYS_clock_gettime,
	SYS_exit_group,
#ifdef __SANITIZE_ADDRESS__ /* its run-time library's, in tests */
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_sched_yield,
#endif
};

static const int write_calls[] = {
	SYS_pwritev,  SYS_ftruncate, SYS_fallocate, SYS_fchmod,	      452 /* fchmodat2 */,
	SYS_fchownat, SYS_utimensat, SYS_mkdirat,   SYS_mknodat,      SYS_symlinkat,
	SYS_linkat,   SYS_unlinkat,  SYS_renameat2, SYS_lsetxattr,    SYS_lremovexattr,
	SYS_fsync,    SYS_fdatasync, SYS_fsetxattr, SYS_fremovexattr,
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return ret;
}

/* Memory that is not executable, four of fcntl's commands, and files' descriptors to the one socket for them. */
static int allow_with_args(scmp_filter_ctx ctx, int dax_fd)
{
	static const int cmds[] = { F_GETFL, F_OFD_SETLK, F_OFD_GETLK, F_DUPFD_CLOEXEC };
	int ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SYS_mmap, 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	for (size_t i = 0; !ret && i < sizeof(cmds) / sizeof(cmds[0]); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SYS_fcntl, 1,
				       SCMP_A1_32(SCMP_CMP_EQ, cmds[i]));
	if (!ret && dax_fd)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SYS_sendmsg, 1,
				       SCMP_A0_32(SCMP_CMP_EQ, dax_fd));
	return ret;
}

int seal_syscalls(const struct gofer_config *cfg, struct error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret = -ENOMEM;

	if (ctx)
		ret = allow(ctx, serve_calls, sizeof(serve_calls) / sizeof(serve_calls[0]));
	if (!ret && !gofer_read_only(cfg))
		ret = allow(ctx, write_calls, sizeof(write_calls) / sizeof(write_calls[0]));
	if (!ret)
		ret = allow_with_args(ctx, cfg->dax_fd);
	if (!ret)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!ret)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!ret)
		ret = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (ret < 0)
		return error_set(err, -ret, "cannot install the system-call filter: %s",
				 strerror(-ret));
	return 0;
}

void seal_complain(const struct error *err)
{
	char line[sizeof(err->msg) + 16] = "moat: gofer: ";
	size_t n = strlen(line), len = strnlen(err->msg, sizeof(err->msg));

	memcpy(line + n, err->msg, len);
	line[n + len] = '\n';
	if (write(2, line, n + len + 1) < 0)
		return; /* nobody listens */
}
