/*
 * trace_names.c - names of numbers for the trace: errors, signals, flags, choices. A number without a name is printed as it
 * is, so a gap here never hides anything.
 */
#include <string.h>

#include "lib/err.h"
#include "sys/trace.h"

#define E(n) [n] = #n,
static const char *const errors[] = {
	/* clang-format off */
	E(EPERM) E(ENOENT) E(ESRCH) E(EINTR) E(EIO) E(ENXIO) E(E2BIG) E(ENOEXEC) E(EBADF) E(ECHILD)
	E(EAGAIN) E(ENOMEM) E(EACCES) E(EFAULT) E(ENOTBLK) E(EBUSY) E(EEXIST) E(EXDEV) E(ENODEV)
	E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE) E(EMFILE) E(ENOTTY) E(ETXTBSY) E(EFBIG) E(ENOSPC)
	E(ESPIPE) E(EROFS) E(EMLINK) E(EPIPE) E(EDOM) E(ERANGE) E(EDEADLK) E(ENAMETOOLONG) E(ENOLCK)
	E(ENOSYS) E(ENOTEMPTY) E(ELOOP) E(ENOMSG) E(EIDRM) E(ECHRNG) E(EL2NSYNC) E(EL3HLT) E(EL3RST)
	E(ELNRNG) E(EUNATCH) E(ENOCSI) E(EL2HLT) E(EBADE) E(EBADR) E(EXFULL) E(ENOANO) E(EBADRQC)
	E(EBADSLT) E(EBFONT) E(ENOSTR) E(ENODATA) E(ETIME) E(ENOSR) E(ENONET) E(ENOPKG) E(EREMOTE)
	E(ENOLINK) E(EADV) E(ESRMNT) E(ECOMM) E(EPROTO) E(EMULTIHOP) E(EDOTDOT) E(EBADMSG) E(EOVERFLOW)
	E(ENOTUNIQ) E(EBADFD) E(EREMCHG) E(ELIBACC) E(ELIBBAD) E(ELIBSCN) E(ELIBMAX) E(ELIBEXEC)
	E(EILSEQ) E(ERESTART) E(ESTRPIPE) E(EUSERS) E(ENOTSOCK) E(EDESTADDRREQ) E(EMSGSIZE)
	E(EPROTOTYPE) E(ENOPROTOOPT) E(EPROTONOSUPPORT) E(ESOCKTNOSUPPORT) E(EOPNOTSUPP)
	E(EPFNOSUPPORT) E(EAFNOSUPPORT) E(EADDRINUSE) E(EADDRNOTAVAIL) E(ENETDOWN) E(ENETUNREACH)
	E(ENETRESET) E(ECONNABORTED) E(ECONNRESET) E(ENOBUFS) E(EISCONN) E(ENOTCONN) E(ESHUTDOWN)
	E(ETOOMANYREFS) E(ETIMEDOUT) E(ECONNREFUSED) E(EHOSTDOWN) E(EHOSTUNREACH) E(EALREADY)
	E(EINPROGRESS) E(ESTALE) E(EUCLEAN) E(ENOTNAM) E(ENAVAIL) E(EISNAM) E(EREMOTEIO) E(EDQUOT)
	E(ENOMEDIUM) E(EMEDIUMTYPE) E(ECANCELED) E(ENOKEY) E(EKEYEXPIRED) E(EKEYREVOKED)
	E(EKEYREJECTED) E(EOWNERDEAD) E(ENOTRECOVERABLE) E(ERFKILL) E(EHWPOISON)
	/* clang-format on */
};
#undef E

static const char *const signals[] = {
	"0",	     "SIGHUP",	"SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
	"SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
	"SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
	"SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

const char *trace_errno(int err)
{
	return err > 0 && (size_t)err < ARRAY_SIZE(errors) ? errors[err] : NULL;
}

const char *trace_signal_name(int signo)
{
	return signo >= 0 && (size_t)signo < ARRAY_SIZE(signals) ? signals[signo] : NULL;
}

struct name {
	u64 value; /* of a flag, or of a choice */
	const char *name;
};

static const struct name open_flags[] = {
	{ 0x410000, "O_TMPFILE" },  { 0x101000, "O_SYNC" },    { 0100, "O_CREAT" },
	{ 0200, "O_EXCL" },	    { 0400, "O_NOCTTY" },      { 01000, "O_TRUNC" },
	{ 02000, "O_APPEND" },	    { 04000, "O_NONBLOCK" },   { 010000, "O_DSYNC" },
	{ 020000, "O_ASYNC" },	    { 040000, "O_DIRECT" },    { 0100000, "O_LARGEFILE" },
	{ 0200000, "O_DIRECTORY" }, { 0400000, "O_NOFOLLOW" }, { 01000000, "O_NOATIME" },
	{ 02000000, "O_CLOEXEC" },  { 010000000, "O_PATH" },   { 0 },
};
static const struct name prot_flags[] = {
	{ 1, "PROT_READ" }, { 2, "PROT_WRITE" }, { 4, "PROT_EXEC" }, { 0 }
};
static const struct name map_flags[] = {
	{ 3, "MAP_SHARED_VALIDATE" },
	{ 1, "MAP_SHARED" },
	{ 2, "MAP_PRIVATE" },
	{ 0x10, "MAP_FIXED" },
	{ 0x20, "MAP_ANONYMOUS" },
	{ 0x40, "MAP_32BIT" },
	{ 0x100, "MAP_GROWSDOWN" },
	{ 0x800, "MAP_DENYWRITE" },
	{ 0x2000, "MAP_LOCKED" },
	{ 0x4000, "MAP_NORESERVE" },
	{ 0x8000, "MAP_POPULATE" },
	{ 0x20000, "MAP_STACK" },
	{ 0x100000, "MAP_FIXED_NOREPLACE" },
	{ 0 },
};
static const struct name at_flags[] = {
	{ 0x100, "AT_SYMLINK_NOFOLLOW" }, { 0x200, "AT_REMOVEDIR" },
	{ 0x400, "AT_SYMLINK_FOLLOW" },	  { 0x800, "AT_NO_AUTOMOUNT" },
	{ 0x1000, "AT_EMPTY_PATH" },	  { 0 },
};
static const struct name clone_flags[] = {
	{ 0x80, "CLONE_NEWTIME" },
	{ 0x100, "CLONE_VM" },
	{ 0x200, "CLONE_FS" },
	{ 0x400, "CLONE_FILES" },
	{ 0x800, "CLONE_SIGHAND" },
	{ 0x1000, "CLONE_PIDFD" },
	{ 0x2000, "CLONE_PTRACE" },
	{ 0x4000, "CLONE_VFORK" },
	{ 0x8000, "CLONE_PARENT" },
	{ 0x10000, "CLONE_THREAD" },
	{ 0x20000, "CLONE_NEWNS" },
	{ 0x40000, "CLONE_SYSVSEM" },
	{ 0x80000, "CLONE_SETTLS" },
	{ 0x100000, "CLONE_PARENT_SETTID" },
	{ 0x200000, "CLONE_CHILD_CLEARTID" },
	{ 0x1000000, "CLONE_CHILD_SETTID" },
	{ 0x2000000, "CLONE_NEWCGROUP" },
	{ 0x4000000, "CLONE_NEWUTS" },
	{ 0x8000000, "CLONE_NEWIPC" },
	{ 0x10000000, "CLONE_NEWUSER" },
	{ 0x20000000, "CLONE_NEWPID" },
	{ 0x40000000, "CLONE_NEWNET" },
	{ 0 },
};
static const struct name msg_flags[] = {
	{ 1, "MSG_OOB" },
	{ 2, "MSG_PEEK" },
	{ 0x20, "MSG_TRUNC" },
	{ 0x40, "MSG_DONTWAIT" },
	{ 0x100, "MSG_WAITALL" },
	{ 0x4000, "MSG_NOSIGNAL" },
	{ 0x40000000, "MSG_CMSG_CLOEXEC" },
	{ 0 },
};
static const struct name wait_flags[] = {
	{ 1, "WNOHANG" },    { 2, "WUNTRACED" },       { 4, "WEXITED" },
	{ 8, "WCONTINUED" }, { 0x1000000, "WNOWAIT" }, { 0 },
};
static const struct name mount_flags[] = {
	{ 1, "MS_RDONLY" },	 { 2, "MS_NOSUID" },	    { 4, "MS_NODEV" },
	{ 8, "MS_NOEXEC" },	 { 0x20, "MS_REMOUNT" },    { 0x1000, "MS_BIND" },
	{ 0x2000, "MS_MOVE" },	 { 0x4000, "MS_REC" },	    { 0x40000, "MS_PRIVATE" },
	{ 0x80000, "MS_SLAVE" }, { 0x100000, "MS_SHARED" }, { 0 },
};
static const struct name umount_flags[] = {
	{ 1, "MNT_FORCE" },
	{ 2, "MNT_DETACH" },
	{ 4, "MNT_EXPIRE" },
	{ 8, "UMOUNT_NOFOLLOW" },
	{ 0 },
};
static const struct name access_modes[] = { { 4, "R_OK" }, { 2, "W_OK" }, { 1, "X_OK" }, { 0 } };

static const struct name whence[] = {
	{ 0, "SEEK_SET" },  { 1, "SEEK_CUR" },	{ 2, "SEEK_END" },
	{ 3, "SEEK_DATA" }, { 4, "SEEK_HOLE" }, { 0 },
};
static const struct name mask_how[] = {
	{ 0, "SIG_BLOCK" }, { 1, "SIG_UNBLOCK" }, { 2, "SIG_SETMASK" }, { 0 }
};
static const struct name fcntl_cmds[] = {
	{ 0, "F_DUPFD" },
	{ 1, "F_GETFD" },
	{ 2, "F_SETFD" },
	{ 3, "F_GETFL" },
	{ 4, "F_SETFL" },
	{ 5, "F_GETLK" },
	{ 6, "F_SETLK" },
	{ 7, "F_SETLKW" },
	{ 8, "F_SETOWN" },
	{ 9, "F_GETOWN" },
	{ 1030, "F_DUPFD_CLOEXEC" },
	{ 1031, "F_SETPIPE_SZ" },
	{ 1032, "F_GETPIPE_SZ" },
	{ 1033, "F_ADD_SEALS" },
	{ 1034, "F_GET_SEALS" },
	{ 0 },
};
static const struct name families[] = {
	{ 0, "AF_UNSPEC" },
	{ 1, "AF_UNIX" },
	{ 2, "AF_INET" },
	{ 10, "AF_INET6" },
	{ 16, "AF_NETLINK" },
	{ 17, "AF_PACKET" },
	{ 0 },
};
static const struct name clocks[] = {
	{ 0, "CLOCK_REALTIME" },
	{ 1, "CLOCK_MONOTONIC" },
	{ 2, "CLOCK_PROCESS_CPUTIME_ID" },
	{ 3, "CLOCK_THREAD_CPUTIME_ID" },
	{ 4, "CLOCK_MONOTONIC_RAW" },
	{ 5, "CLOCK_REALTIME_COARSE" },
	{ 6, "CLOCK_MONOTONIC_COARSE" },
	{ 7, "CLOCK_BOOTTIME" },
	{ 0 },
};
static const struct name limits[] = {
	{ 0, "RLIMIT_CPU" },
	{ 1, "RLIMIT_FSIZE" },
	{ 2, "RLIMIT_DATA" },
	{ 3, "RLIMIT_STACK" },
	{ 4, "RLIMIT_CORE" },
	{ 5, "RLIMIT_RSS" },
	{ 6, "RLIMIT_NPROC" },
	{ 7, "RLIMIT_NOFILE" },
	{ 8, "RLIMIT_MEMLOCK" },
	{ 9, "RLIMIT_AS" },
	{ 0 },
};
static const struct name ioctls[] = {
	{ 0x5401, "TCGETS" },	  { 0x5402, "TCSETS" },
	{ 0x5403, "TCSETSW" },	  { 0x5404, "TCSETSF" },
	{ 0x540e, "TIOCSCTTY" },  { 0x540f, "TIOCGPGRP" },
	{ 0x5410, "TIOCSPGRP" },  { 0x5413, "TIOCGWINSZ" },
	{ 0x5414, "TIOCSWINSZ" }, { 0x541b, "FIONREAD" },
	{ 0x5421, "FIONBIO" },	  { 0x5450, "FIONCLEX" },
	{ 0x5451, "FIOCLEX" },	  { 0 },
};
static const struct name futex_ops[] = {
	{ 0, "FUTEX_WAIT" },
	{ 1, "FUTEX_WAKE" },
	{ 128, "FUTEX_WAIT_PRIVATE" },
	{ 129, "FUTEX_WAKE_PRIVATE" },
	{ 137, "FUTEX_WAIT_BITSET_PRIVATE" },
	{ 393, "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME" },
	{ 0 },
};
static const struct name arch_codes[] = {
	{ 0x1001, "ARCH_SET_GS" },
	{ 0x1002, "ARCH_SET_FS" },
	{ 0x1003, "ARCH_GET_FS" },
	{ 0x1004, "ARCH_GET_GS" },
	{ 0 },
};
static const struct name epoll_ops[] = {
	{ 1, "EPOLL_CTL_ADD" },
	{ 2, "EPOLL_CTL_DEL" },
	{ 3, "EPOLL_CTL_MOD" },
	{ 0 },
};

/* call: its start; NULL: any. */
static const struct table {
	const char *call, *arg;
	const struct name *names;
} flag_tables[] = {
	{ "clone", "flags", clone_flags },   { "unshare", "flags", clone_flags },
	{ "setns", "nstype", clone_flags },  { "mount", "flags", mount_flags },
	{ "umount2", "flags", umount_flags }, { "wait", "options", wait_flags },
	{ "send", "flags", msg_flags },	     { "recv", "flags", msg_flags },
	{ NULL, "amode", access_modes },     { "newfstatat", "flags", at_flags },
	{ "unlinkat", "flags", at_flags },   { "linkat", "flags", at_flags },
	{ "fchownat", "flags", at_flags },   { "fchmodat2", "flags", at_flags },
	{ "faccessat2", "flags", at_flags }, { "statx", "flags", at_flags },
	{ "utimensat", "flags", at_flags },  { "execveat", "flags", at_flags },
	{ "socket", "type", open_flags },    { "accept4", "flags", open_flags },
	{ "eventfd2", "flags", open_flags }, { "epoll_create1", "flags", open_flags },
	{ "inotify_init1", "flags", open_flags }, { "timerfd_create", "flags", open_flags },
	{ "signalfd4", "flags", open_flags },
}, choice_tables[] = {
	{ NULL, "whence", whence },	{ "rt_sigprocmask", "how", mask_how }, { "fcntl", "cmd", fcntl_cmds },
	{ "ioctl", "cmd", ioctls },	{ NULL, "family", families },	       { NULL, "clock", clocks },
	{ NULL, "resource", limits },	{ "futex", "op", futex_ops },	       { "arch_prctl", "code", arch_codes },
	{ "epoll_ctl", "op", epoll_ops },
};

static const struct name *find(const struct table *t, size_t n, const char *call, const char *arg)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(t[i].arg, arg) == 0 &&
		    (!t[i].call || strncmp(t[i].call, call, strlen(t[i].call)) == 0))
			return t[i].names;
	return NULL;
}

bool trace_flags(struct trace_line *l, const char *call, const char *arg, u8 kind, u64 value)
{
	const struct name *n = kind == K_oflags_a ? open_flags
			       : kind == K_prot_a ? prot_flags
			       : kind == K_mflags_a
				       ? map_flags
				       : find(flag_tables, ARRAY_SIZE(flag_tables), call, arg);
	const char *bar = "";

	if (!n)
		return false;
	if (kind == K_oflags_a && (n != open_flags || strcmp(arg, "flags") == 0)) {
		trace_printf(l, "%s",
			     (value & 3) == 0	? "O_RDONLY"
			     : (value & 3) == 1 ? "O_WRONLY"
						: "O_RDWR");
		value &= ~3ULL;
		bar = "|";
	} else if (!value) {
		trace_printf(l, kind == K_prot_a ? "PROT_NONE" : n == access_modes ? "F_OK" : "0");
		return true;
	}
	for (; n->name; n++) {
		if ((value & n->value) != n->value)
			continue;
		trace_printf(l, "%s%s", bar, n->name);
		value &= ~n->value;
		bar = "|";
	}
	if (value)
		trace_printf(l, "%s%#llx", bar, (unsigned long long)value);
	return true;
}

bool trace_choice(struct trace_line *l, const char *call, const char *arg, u64 value)
{
	const struct name *n = find(choice_tables, ARRAY_SIZE(choice_tables), call, arg);

	for (; n && n->name; n++)
		if (n->value == (u32)value) {
			trace_printf(l, "%s", n->name);
			return true;
		}
	return false;
}
