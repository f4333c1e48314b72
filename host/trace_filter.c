/*
 * trace_filter.c - see trace_filter.h. Families are strace's; file and desc follow from the argument kinds in
 * guest/sys/syscalls.def, the others are lists.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "host/error.h"
#include "host/trace_filter.h"

struct call {
	const char *name, *kinds;
};

/* clang-format off */
#define SYSCALL0(nr, name, ...)	[nr] = { #name, "" },
#define SYSCALL1(nr, name, level, note, ...) [nr] = { #name, #__VA_ARGS__ },
#define SYSCALL2 SYSCALL1
#define SYSCALL3 SYSCALL1
#define SYSCALL4 SYSCALL1
#define SYSCALL5 SYSCALL1
#define SYSCALL6 SYSCALL1
static const struct call calls_of[TRACE_FILTER_BYTES * 8] = {
#include "guest/sys/syscalls.def"
};
/* clang-format on */

static const struct {
	const char *name, *calls;
} families[] = {
	{ "process",
	  " fork vfork clone clone3 execve execveat exit exit_group wait4 waitid kill tkill tgkill "
	  "pidfd_open pidfd_send_signal unshare setns arch_prctl rt_sigqueueinfo " },
	{ "network",
	  " socket socketpair bind listen accept accept4 connect getsockname getpeername sendto "
	  "recvfrom sendmsg recvmsg sendmmsg recvmmsg setsockopt getsockopt shutdown " },
	{ "memory",
	  " mmap munmap mprotect mremap brk madvise msync mincore mlock mlock2 munlock mlockall "
	  "munlockall remap_file_pages pkey_mprotect mbind set_mempolicy get_mempolicy move_pages "
	  "migrate_pages shmat shmdt mseal process_madvise " },
	{ "signal",
	  " rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo "
	  "rt_sigsuspend rt_tgsigqueueinfo sigaltstack kill tkill tgkill signalfd signalfd4 pause "
	  "pidfd_send_signal " },
	{ "ipc",
	  " shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl "
	  "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr " },
	{ "file", NULL },
	{ "desc", NULL },
};

/* Makers of descriptors that take none. */
static const char desc_makers[] =
	" open creat openat2 pipe pipe2 socket socketpair epoll_create epoll_create1 eventfd eventfd2 signalfd "
	"timerfd_create inotify_init inotify_init1 memfd_create pidfd_open userfaultfd poll ppoll select pselect6 "
	"close_range mq_open fsopen ";

static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; (p = strstr(p, name)) != NULL; p += n)
		if (p[-1] == ' ' && p[n] == ' ')
			return true;
	return false;
}

static bool in_family(const struct call *c, size_t f)
{
	if (families[f].calls)
		return listed(families[f].calls, c->name);
	if (strcmp(families[f].name, "file") == 0)
		return strstr(c->kinds, "path_a") && strncmp(c->name, "mq_", 3) != 0;
	return strstr(c->kinds, "fd_a") || listed(desc_makers, c->name);
}

/* Set the bits of one word; false: nothing has that name. */
static bool add(uint8_t *calls, const char *word)
{
	size_t f, nr;
	bool any = false;

	for (f = 0; f < sizeof(families) / sizeof(*families); f++)
		if (strcmp(families[f].name, word) == 0)
			break;
	for (nr = 0; nr < TRACE_FILTER_BYTES * 8; nr++) {
		const struct call *c = &calls_of[nr];
		bool fits = f < sizeof(families) / sizeof(*families)
				    ? c->name && in_family(c, f)
				    : (c->name && strcmp(c->name, word) == 0) ||
					      strcmp(word, "all") == 0;

		if (fits) {
			calls[nr / 8] |= (uint8_t)(1 << nr % 8);
			any = true;
		}
	}
	return any;
}

int trace_filter_parse(uint8_t calls[TRACE_FILTER_BYTES], const char *text, struct error *err)
{
	const char *p = text ? text : "all";
	bool negate = *p == '!';

	memset(calls, 0, TRACE_FILTER_BYTES);
	p += negate;
	do {
		size_t n = strcspn(p, ",");
		char word[64];

		if (n && n < sizeof(word)) {
			memcpy(word, p, n);
			word[n] = 0;
		}
		if (!n || n >= sizeof(word) || !add(calls, word))
			return error_set(
				err, EINVAL,
				"--trace=%s: '%.*s' is no system call and no family of them", text,
				(int)n, p);
		p += n;
	} while (*p++ == ',');
	for (size_t i = 0; negate && i < TRACE_FILTER_BYTES; i++)
		calls[i] = (uint8_t)~calls[i];
	return 0;
}
