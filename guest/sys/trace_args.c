/*
 * trace_args.c - one argument of a call for the trace, by its kind and name in syscalls.def.
 *
 * Reads user memory as the call itself does; what cannot be read is printed as its address. Long strings and buffers are
 * cut and end in "...". Structures that are shown: those of table `structs` below.
 */
#include <string.h>

#include "lib/err.h"
#include "platform/platform.h"
#include "sys/trace.h"

#define PATH_SHOWN 100
#define BUF_SHOWN  32
#define ARGV_SHOWN 12

static void address(struct trace_line *l, u64 a)
{
	if (a)
		trace_printf(l, "%#llx", (unsigned long long)a);
	else
		trace_printf(l, "NULL");
}

static void quote(struct trace_line *l, const u8 *s, size_t n, bool more)
{
	trace_printf(l, "\"");
	for (size_t i = 0; i < n; i++) {
		switch (s[i]) {
		case '\n': trace_printf(l, "\\n"); break;
		case '\t': trace_printf(l, "\\t"); break;
		case '\r': trace_printf(l, "\\r"); break;
		case '"':
		case '\\': trace_printf(l, "\\%c", s[i]); break;
		default:
			if (s[i] >= ' ' && s[i] < 127)
				trace_printf(l, "%c", s[i]);
			else
				trace_printf(l, "\\%o", s[i]);
		}
	}
	trace_printf(l, more ? "\"..." : "\"");
}

static void string(struct trace_line *l, u64 a)
{
	char buf[PATH_SHOWN + 1];
	size_t n;
	long len = user_string(buf, a, sizeof(buf));

	if (len == -ENAMETOOLONG) {
		n = sizeof(buf) - 1 - user_read(buf, a, sizeof(buf) - 1);
		quote(l, (u8 *)buf, n, true);
	} else if (len < 0) {
		address(l, a);
	} else {
		quote(l, (u8 *)buf, (size_t)len, false);
	}
}

static void buffer(struct trace_line *l, u64 a, u64 n)
{
	u8 buf[BUF_SHOWN];
	size_t want = (size_t)MIN(n, (u64)sizeof(buf));

	if (user_read(buf, a, want))
		address(l, a);
	else
		quote(l, buf, want, n > want);
}

/* ---- structures ---- */

static bool show_timespec(struct trace_line *l, u64 a)
{
	s64 ts[2];

	if (user_read(ts, a, sizeof(ts)))
		return false;
	trace_printf(l, "{%lld, %lld}", (long long)ts[0], (long long)ts[1]);
	return true;
}

static bool show_fd_pair(struct trace_line *l, u64 a)
{
	s32 fd[2];

	if (user_read(fd, a, sizeof(fd)))
		return false;
	trace_printf(l, "[%d, %d]", fd[0], fd[1]);
	return true;
}

static bool show_status(struct trace_line *l, u64 a)
{
	s32 st;
	const char *name;

	if (user_read(&st, a, sizeof(st)))
		return false;
	name = trace_signal_name(st & 0x7f);
	if (!(st & 0x7f))
		trace_printf(l, "[exited %d]", st >> 8 & 0xff);
	else if ((st & 0xff) == 0x7f)
		trace_printf(l, "[stopped by signal %d]", st >> 8 & 0xff);
	else
		trace_printf(l, "[killed by %s]", name ? name : "a real-time signal");
	return true;
}

static bool show_stat(struct trace_line *l, u64 a)
{
	struct {
		u64 dev, ino, nlink;
		u32 mode, uid, gid, pad;
		u64 rdev;
		s64 size;
	} st;

	if (user_read(&st, a, sizeof(st)))
		return false;
	trace_printf(l, "{st_mode=%#o, st_size=%lld}", st.mode, (long long)st.size);
	return true;
}

static bool show_argv(struct trace_line *l, u64 a)
{
	u64 p;

	trace_printf(l, "[");
	for (unsigned i = 0; i < ARGV_SHOWN; i++) {
		if (user_read(&p, a + 8 * i, sizeof(p)) || !p)
			break;
		trace_printf(l, i ? ", " : "");
		if (i == ARGV_SHOWN - 1)
			trace_printf(l, "...");
		else
			string(l, p);
	}
	trace_printf(l, "]");
	return true;
}

static bool show_sockaddr(struct trace_line *l, u64 a)
{
	u8 s[8];
	u16 family;
	bool abstract;

	if (user_read(&family, a, sizeof(family)))
		return false;
	if (family == 1) {
		abstract = !user_read(s, a + 2, 1) && !s[0];
		trace_printf(l, "{AF_UNIX, %s", abstract ? "@" : "");
		string(l, a + 2 + abstract);
		trace_printf(l, "}");
	} else if (family == 2 && !user_read(s, a, sizeof(s))) {
		trace_printf(l, "{AF_INET, %u.%u.%u.%u:%u}", s[4], s[5], s[6], s[7],
			     s[2] << 8 | s[3]);
	} else {
		trace_printf(l, "{");
		if (!trace_choice(l, "", "family", family))
			trace_printf(l, "family %u", family);
		trace_printf(l, ", ...}");
	}
	return true;
}

static bool show_set(struct trace_line *l, u64 a)
{
	u64 set;

	if (user_read(&set, a, sizeof(set)))
		return false;
	trace_printf(l, "[%#llx]", (unsigned long long)set);
	return true;
}

/* call: its start, NULL: any; out: filled by the call. The first that fits counts. */
static const struct shape {
	const char *call, *arg;
	bool out;
	bool (*show)(struct trace_line *l, u64 a);
} structs[] = {
	{ NULL, "req", false, show_timespec },
	{ "clock_gettime", "ts", true, show_timespec },
	{ "clock_getres", "ts", true, show_timespec },
	{ "futex", "timeout", false, show_timespec },
	{ "ppoll", "timeout", false, show_timespec },
	{ "pipe", "fds", true, show_fd_pair },
	{ "socketpair", "fds", true, show_fd_pair },
	{ "wait4", "status", true, show_status },
	{ NULL, "st", true, show_stat },
	{ "execve", "argv", false, show_argv },
	{ "connect", "addr", false, show_sockaddr },
	{ "bind", "addr", false, show_sockaddr },
	{ "sendto", "addr", false, show_sockaddr },
	{ "accept", "addr", true, show_sockaddr },
	{ "getsockname", "addr", true, show_sockaddr },
	{ "getpeername", "addr", true, show_sockaddr },
	{ "recvfrom", "addr", true, show_sockaddr },
	{ "rt_sig", "set", false, show_set },
	{ "rt_sig", "oset", true, show_set },
};

static const struct shape *shape_of(const char *call, const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(structs); i++)
		if (strcmp(structs[i].arg, arg) == 0 &&
		    (!structs[i].call ||
		     strncmp(structs[i].call, call, strlen(structs[i].call)) == 0))
			return &structs[i];
	return NULL;
}

/* Strings that syscalls.def calls structures: names that are no paths. */
static bool is_string(const struct trace_row *row, unsigned i)
{
	static const char *const calls[] = { "memfd_create", "setxattr",    "lsetxattr",
					     "fsetxattr",    "getxattr",    "lgetxattr",
					     "fgetxattr",    "removexattr", "fsopen",
					     "add_key",	     "request_key" };

	if (strcmp(row->arg[i].name, "name") && strcmp(row->arg[i].name, "fsname") &&
	    strcmp(row->arg[i].name, "type") && strcmp(row->arg[i].name, "desc"))
		return false;
	for (size_t k = 0; k < ARRAY_SIZE(calls); k++)
		if (strcmp(calls[k], row->name) == 0)
			return true;
	return false;
}

/* Calls whose byte buffer is filled, with as many bytes as the result says. */
static bool fills_buffer(const char *name)
{
	static const char *const calls[] = { "read",	   "pread64",	      "readlink",
					     "readlinkat", "recvfrom",	      "getrandom",
					     "getcwd",	   "getxattr",	      "lgetxattr",
					     "fgetxattr",  "listxattr",	      "llistxattr",
					     "flistxattr", "mq_timedreceive", "getdents",
					     "getdents64", "syslog" };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (strcmp(calls[i], name) == 0)
			return true;
	return false;
}

static bool byte_buffer(struct trace_line *l, const struct trace_row *row,
			const struct trace_call *c, unsigned i, const s64 *result)
{
	if (fills_buffer(row->name)) {
		if (!result)
			return false;
		if (*result > 0 && strncmp(row->name, "getdents", 8) != 0)
			buffer(l, c->arg[i], (u64)*result);
		else
			address(l, c->arg[i]);
	} else if (i < 5 && (row->arg[i + 1].kind == K_size_a || row->arg[i + 1].kind == K_int_a)) {
		buffer(l, c->arg[i], c->arg[i + 1]);
	} else {
		address(l, c->arg[i]);
	}
	return true;
}

static bool structure(struct trace_line *l, const struct trace_row *row, u64 a, unsigned i,
		      const s64 *result)
{
	const struct shape *s = shape_of(row->name, row->arg[i].name);
	unsigned at = l->len;

	if (s && a && s->out && !result)
		return false;
	if (is_string(row, i)) {
		string(l, a);
	} else if (!s || !a || (s->out && *result < 0) || !s->show(l, a)) {
		l->len = at;
		address(l, a);
	}
	return true;
}

bool trace_arg(struct trace_line *l, const struct trace_row *row, const struct trace_call *c,
	       unsigned i, const s64 *result)
{
	const struct trace_arg *a = &row->arg[i];
	u64 v = c->arg[i];
	const char *name;

	switch (a->kind) {
	case K_path_a: string(l, v); return true;
	case K_ubuf_a: return byte_buffer(l, row, c, i, result);
	case K_uptr_a: return structure(l, row, v, i, result);
	case K_addr_a: address(l, v); return true;
	case K_fd_a:
		if ((s32)v == -100)
			trace_printf(l, "AT_FDCWD");
		else
			trace_printf(l, "%d", (s32)v);
		return true;
	case K_sig_a:
		name = trace_signal_name((s32)v);
		if (name)
			trace_printf(l, "%s", name);
		else
			trace_printf(l, "%d", (s32)v);
		return true;
	case K_mode_a: trace_printf(l, "%#o", (u32)v); return true;
	case K_size_a: trace_printf(l, "%llu", (unsigned long long)v); return true;
	case K_off_a:
	case K_long_a: trace_printf(l, "%lld", (long long)v); return true;
	default: break;
	}
	if (trace_flags(l, row->name, a->name, a->kind, a->kind == K_ulong_a ? v : (u32)v) ||
	    trace_choice(l, row->name, a->name, v))
		return true;
	if (a->kind == K_ulong_a)
		trace_printf(l, v < 4096 ? "%llu" : "%#llx", (unsigned long long)v);
	else if (a->kind == K_flags_a || a->kind == K_prot_a || a->kind == K_mflags_a)
		trace_printf(l, (u32)v ? "%#x" : "%u", (u32)v);
	else if (a->kind == K_uint_a)
		trace_printf(l, "%u", (u32)v);
	else
		trace_printf(l, "%d", (s32)v);
	return true;
}
