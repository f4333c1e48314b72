/*
 * debug.c - `moat debug`: where each thread of a container is inside the Sentry, with the names of its functions; and a crash on
 * purpose, to see what becomes of the report, the engine and the other containers.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/cmd.h"
#include "host/crash.h"
#include "host/images.h"
#include "host/printable.h"
#include "oci/client.h"

#define THREADS_MAX 65536 /* more than there are numbers for */

static void print_stack(struct ctl_stack *st)
{
	struct sandbox sb = { .platform = st->kvm ? &platform_kvm : &platform_systrap };
	uint64_t base;

	images_find(&sb);
	base = crash_address(&sb, "kctx_switch");
	st->name[sizeof(st->name) - 1] = 0;
	printable((uint8_t *)st->name, strlen(st->name), false);
	printf("process %d, thread %d, %s, state %c", st->pid, st->tid, st->name,
	       st->state >= 'A' && st->state <= 'z' ? st->state : '?');
	if (st->syscall_nr >= 0)
		printf(", in system call %d", st->syscall_nr);
	printf("%s\n", st->depth ? "" : ": running");
	for (unsigned i = 0; i < st->depth && i < CTL_STACK_DEPTH; i++) {
		struct crash_symbol s = crash_symbol(&sb, base + (uint64_t)st->at[i]);

		if (s.name && s.offset < 65536)
			printf("    %s+0x%llx\n", s.name, (unsigned long long)s.offset);
		else
			printf("    %016llx\n", (unsigned long long)(base + (uint64_t)st->at[i]));
	}
}

static int print_stacks(int fd, struct error *err)
{
	struct chan_msg m = { .type = CHAN_STACKS };
	struct ctl_stack st;
	int got = client_ask(fd, &m, NULL, 0, err);

	for (unsigned n = 0; got >= 0 && n < THREADS_MAX; n++) {
		if (m.len == sizeof(st)) {
			memcpy(&st, m.data, sizeof(st));
			print_stack(&st);
		}
		if (m.a != 1)
			return 0;
		got = chan_recv(fd, &m, NULL, NULL, 0, err);
		if (got == 0)
			return error_set(err, ECONNRESET, "the sandbox ended");
	}
	return got < 0 ? -1 : error_set(err, EPROTO, "the sandbox's list of threads does not end");
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { { "stacks", no_argument, NULL, 's' },
						 { "crash", no_argument, NULL, 'c' },
						 { 0 } };
	struct chan_msg crash = { .type = CHAN_CRASH };
	struct error err = { 0 };
	int o, fd, ret, what = 0;

	opterr = 0;
	optind = 0; /* start afresh: the options may follow the id */
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?' || what) {
			error_set(&err, EINVAL, "debug: needs --stacks or --crash");
			return oci_fail(&err);
		}
		what = o;
	}
	if (!what || optind + 1 != argc) {
		error_set(&err, EINVAL, "debug: needs --stacks or --crash, and one container id");
		return oci_fail(&err);
	}
	fd = client_talk(argv[optind], &err);
	if (fd < 0)
		return oci_fail(&err);
	ret = what == 's' ? print_stacks(fd, &err) : chan_send(fd, &crash, NULL, 0, &err);
	close(fd);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_debug = {
	.name = "debug",
	.usage = "moat debug --stacks|--crash ID",
	.summary = "Look into the kernel of a container, or crash it.",
	.help = "  --stacks  where each thread of the container is inside the kernel, innermost function first\n"
		"  --crash   stop the kernel as a fault of its own would; the whole sandbox ends\n",
	.run = run,
};
