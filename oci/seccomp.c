/*
 * seccomp.c - see seccomp.h.
 *
 * The Sentry has one architecture and no 32-bit entry, so rules are for x86-64 alone. Numbers of x32 get ENOSYS where the
 * profile allows that architecture, as on a Linux without it, else libseccomp's SIGSYS.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/seccomp.h"

#define INSNS_MAX 4096 /* BPF_MAXINSNS */

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
};

static const struct {
	const char *name;
	enum scmp_compare op;
} operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int find_action(const char *name, const struct opt_int *errno_ret, uint32_t *out,
		       struct error *err)
{
	for (size_t i = 0; i < COUNT(actions); i++) {
		uint32_t data = errno_ret->set ? (uint32_t)errno_ret->value : EPERM;

		if (strcmp(actions[i].name, name) != 0)
			continue;
		*out = actions[i].action;
		if (*out == SCMP_ACT_ERRNO(0) || *out == SCMP_ACT_TRACE(0))
			*out |= data & 0xffff;
		return 0;
	}
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return error_set(
			err, ENOTSUP,
			"SCMP_ACT_NOTIFY is not supported: no process of the host can answer for the sandbox");
	return error_set(err, EINVAL, "action '%.40s' is unknown", name);
}

static int find_operator(const char *name, enum scmp_compare *out, struct error *err)
{
	for (size_t i = 0; i < COUNT(operators); i++)
		if (strcmp(operators[i].name, name) == 0) {
			*out = operators[i].op;
			return 0;
		}
	return error_set(err, EINVAL, "op '%.40s' is unknown", name);
}

static int to_comparison(const struct oci_seccomp_arg *a, struct scmp_arg_cmp *out,
			 struct error *err)
{
	enum scmp_compare op;

	if (find_operator(a->op, &op, err) < 0)
		return -1;
	*out = (struct scmp_arg_cmp){ (unsigned)a->index, op, (uint64_t)a->value,
				      (uint64_t)a->value_two };
	return 0;
}

static int failed(int rc, const char *what, struct error *err)
{
	return rc < 0 ? error_set(err, -rc, "%s: %s", what, strerror(-rc)) : 0;
}

static bool one_argument_twice(const struct oci_seccomp_rule *r)
{
	unsigned seen = 0;

	for (size_t i = 0; i < r->args.n; i++) {
		if (seen >> r->args.items[i].index & 1)
			return true;
		seen |= 1u << r->args.items[i].index;
	}
	return false;
}

static int add_call(scmp_filter_ctx ctx, const struct oci_seccomp_rule *r, uint32_t action, int nr,
		    const char *name, struct error *err)
{
	struct scmp_arg_cmp cmp[6];
	size_t n = r->args.n;
	int rc = 0;

	if (one_argument_twice(r)) {
		for (size_t i = 0; i < n && rc == 0; i++) {
			if (to_comparison(&r->args.items[i], cmp, err) < 0)
				return -1;
			rc = seccomp_rule_add_array(ctx, action, nr, 1, cmp);
		}
		return failed(rc, name, err);
	}
	for (size_t i = 0; i < n; i++)
		if (to_comparison(&r->args.items[i], &cmp[i], err) < 0)
			return -1;
	return failed(seccomp_rule_add_array(ctx, action, nr, (unsigned)n, cmp), name, err);
}

/* One entry of syscalls; *last becomes the highest number in it, named or not. */
static int add_rule(scmp_filter_ctx ctx, const struct oci_seccomp_rule *r, uint32_t def, int *last,
		    struct error *err)
{
	uint32_t action;

	if (find_action(r->action, &r->errno_ret, &action, err) < 0)
		return -1;
	for (char **name = r->names; *name; name++) {
		int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, *name);

		if (nr < 0) /* newer than libseccomp, or another architecture's */
			continue;
		if (nr > *last)
			*last = nr;
		if (action != def && add_call(ctx, r, action, nr, *name, err) < 0)
			return -1;
	}
	return 0;
}

static bool lists(char **list, const char *what)
{
	for (; list && *list; list++)
		if (strcmp(*list, what) == 0)
			return true;
	return false;
}

/* The flags that libseccomp would give to seccomp(2); those about threads and speculation mean nothing at a start. */
static int find_flags(char **list, unsigned *out, struct error *err)
{
	static const char *const harmless[] = { "SECCOMP_FILTER_FLAG_TSYNC",
						"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
						"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" };

	for (*out = 0; list && *list; list++) {
		bool known = strcmp(*list, "SECCOMP_FILTER_FLAG_LOG") == 0;

		if (known)
			*out |= SECCOMP_FILTER_FLAG_LOG;
		for (size_t i = 0; i < COUNT(harmless); i++)
			known |= strcmp(*list, harmless[i]) == 0;
		if (!known)
			return error_set(err, EINVAL, "flags: '%.60s' is unknown", *list);
	}
	return 0;
}

/* ---- the program ---- */

/*
 * In front of it: ENOSYS for numbers above `last`. A profile that says which calls are allowed was written before those were;
 * a C library told EPERM by one gives up, told ENOSYS tries the older call.
 */
static size_t newer_calls(struct sock_filter *f, int last)
{
	const struct sock_filter stub[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 2, 0), /* x32's */
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	memcpy(f, stub, sizeof(stub));
	return COUNT(stub);
}

static int export(scmp_filter_ctx ctx, int newest, struct seccomp_program *out, struct pool *pool,
		  struct error *err)
{
	struct sock_filter *f = NULL;
	int fd = memfd_create("seccomp", MFD_CLOEXEC), ret = -1;
	size_t head = 0;
	struct stat st;

	if (fd < 0)
		return error_errno(err, "memfd_create");
	if (failed(seccomp_export_bpf(ctx, fd), "export", err) < 0)
		goto out;
	if (fstat(fd, &st) < 0) {
		error_errno(err, "memfd");
		goto out;
	}
	f = pool_zalloc(pool, 1, (size_t)st.st_size + 4 * sizeof(*f));
	if (!f) {
		error_set(err, ENOMEM, "out of memory");
		goto out;
	}
	if (newest >= 0)
		head = newer_calls(f, newest);
	if (pread(fd, f + head, (size_t)st.st_size, 0) != st.st_size) {
		error_errno(err, "memfd");
		goto out;
	}
	out->insns = f;
	out->len = head * sizeof(*f) + (size_t)st.st_size;
	if (out->len > INSNS_MAX * sizeof(*f))
		error_set(err, E2BIG, "the profile makes %zu instructions, %d are allowed",
			  out->len / sizeof(*f), INSNS_MAX);
	else
		ret = 0;
out:
	close(fd);
	return ret;
}

static bool allows(uint32_t action)
{
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG ||
	       (action & 0xffff0000u) == SCMP_ACT_TRACE(0);
}

int seccomp_compile(const struct oci_seccomp *s, struct seccomp_program *out, struct pool *pool,
		    struct error *err)
{
	scmp_filter_ctx ctx = NULL;
	uint32_t def = 0;
	int last = -1, ret = -1;

	*out = (struct seccomp_program){ 0 };
	if (find_flags(s->flags, &out->flags, err) < 0 ||
	    find_action(s->default_action, &s->default_errno_ret, &def, err) < 0)
		return error_wrap(err, "linux.seccomp");
	ctx = seccomp_init(def);
	if (!ctx)
		return error_set(err, ENOMEM, "linux.seccomp: out of memory");
	if (lists(s->architectures, "SCMP_ARCH_X32") &&
	    failed(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)),
		   "SCMP_ARCH_X32", err) < 0)
		goto out;
	for (size_t i = 0; i < s->rules.n; i++)
		if (add_rule(ctx, &s->rules.items[i], def, &last, err) < 0) {
			error_wrap(err, "syscalls[%zu]", i);
			goto out;
		}
	ret = export(ctx, allows(def) ? -1 : last, out, pool, err);
out:
	seccomp_release(ctx);
	return ret < 0 ? error_wrap(err, "linux.seccomp") : 0;
}

/* ---- the container's copy: its flags as eight bytes, then the program ---- */

int seccomp_keep(const struct container *c, const struct seccomp_program *p, struct error *err)
{
	uint64_t flags = p->flags;
	char *text;
	int ret;

	if (!p->insns)
		return 0;
	text = malloc(sizeof(flags) + p->len);
	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(text, &flags, sizeof(flags));
	memcpy(text + sizeof(flags), p->insns, p->len);
	ret = container_write(c, "seccomp", text, sizeof(flags) + p->len, err);
	free(text);
	return ret;
}

int seccomp_kept(const struct container *c, struct seccomp_program *out, struct pool *pool,
		 struct error *err)
{
	int fd = openat(c->dir_fd, "seccomp", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), ret = -1;
	uint64_t flags;
	struct stat st;

	*out = (struct seccomp_program){ 0 };
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "container '%s': seccomp", c->s.id);
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(flags) ||
	    read(fd, &flags, sizeof(flags)) != sizeof(flags))
		goto out;
	out->len = (size_t)st.st_size - sizeof(flags);
	out->flags = (unsigned)flags;
	out->insns = pool_zalloc(pool, 1, out->len);
	if (out->insns && read(fd, out->insns, out->len) == (ssize_t)out->len)
		ret = 0;
out:
	close(fd);
	return ret < 0 ? error_set(err, EIO, "container '%s': seccomp: cannot be read", c->s.id)
		       : 0;
}
