// sources: oci/seccomp.c oci/pool.c oci/state.c oci/reader.c oci/config_fields.c oci/config_check.c oci/names.c host/error.c
// libs: -ljansson -lcap -lseccomp
/*
 * test_oci_seccomp.c - the program that linux.seccomp becomes does, under this machine's Linux, what the profile says; and
 * texts that are wrong say where.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/seccomp.h"

static int failures;

static int compile(const char *json, struct seccomp_program *p, struct pool *pool,
		   struct error *err)
{
	static const char frame[] =
		"{\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"r\"}, \"linux\": {\"seccomp\": %s}}";
	struct oci_config c;
	char text[4096];
	int n = snprintf(text, sizeof(text), frame, json);

	if (oci_config_parse("c", text, (size_t)n, &c, pool, err) < 0)
		return -1;
	return seccomp_compile(c.linux_.seccomp, p, pool, err);
}

/* errno of call(nr, a, b) under the profile, 0 if it did not fail; 1000 + N: it died of signal N. */
static int outcome(const char *json, long nr, unsigned long a, unsigned long b)
{
	struct pool pool = POOL_INIT;
	struct seccomp_program p;
	struct error err = { 0 };
	int status;
	pid_t pid;

	if (compile(json, &p, &pool, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	pid = fork();
	if (pid == 0) {
		struct sock_fprog prog = { (unsigned short)(p.len / sizeof(struct sock_filter)),
					   p.insns };

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p.flags, &prog) < 0)
			_exit(255);
		errno = 0;
		syscall(nr, a, b, 0, 0, 0, 0);
		syscall(SYS_exit_group, errno); /* no sanitizer has a last word */
	}
	pool_free(&pool);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void is(int line, int got, int want)
{
	if (got != want) {
		fprintf(stderr, "line %d: got %d, want %d\n", line, got, want);
		failures++;
	}
}
#define OUTCOME(want, json, nr, a, b) is(__LINE__, outcome(json, nr, a, b), want)

static void refused(int line, const char *json, const char *want)
{
	struct pool pool = POOL_INIT;
	struct seccomp_program p;
	struct error err = { 0 };

	if (compile(json, &p, &pool, &err) == 0 || strcmp(err.msg, want) != 0) {
		fprintf(stderr, "line %d: got '%s', want '%s'\n", line, err.msg, want);
		failures++;
	}
	pool_free(&pool);
}
#define REFUSED(json, want) refused(__LINE__, json, want)

#define RULE(rest) "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{" rest "}]}"
#define KILL(op)                                                                                       \
	RULE("\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 77, \"args\": [" op \
	     "]")
#define ARG(i, v, o) "{\"index\": " #i ", \"value\": " #v ", \"op\": \"SCMP_CMP_" #o "\"}"
#define LISTED                                                                 \
	"\"syscalls\": [{\"names\": [\"exit_group\", \"getpid\", \"write\"], " \
	"\"action\": \"SCMP_ACT_ALLOW\"}]}"

int main(void)
{
	OUTCOME(EPERM, RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_ERRNO\""), SYS_getpid,
		0, 0);
	OUTCOME(77,
		RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 77"),
		SYS_getpid, 0, 0);
	OUTCOME(0, RULE("\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_ERRNO\""), SYS_getpid, 0,
		0);
	OUTCOME(1031, RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_KILL\""), SYS_getpid, 0,
		0);
	OUTCOME(1031, RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_KILL_PROCESS\""),
		SYS_getpid, 0, 0);
	OUTCOME(1031, RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_TRAP\""), SYS_getpid, 0,
		0);
	OUTCOME(ENOSYS, RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_TRACE\""), SYS_getpid,
		0, 0);
	OUTCOME(0, RULE("\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_LOG\""), SYS_getpid, 0, 0);
	OUTCOME(0, RULE("\"names\": [\"newer_than_all\"], \"action\": \"SCMP_ACT_ERRNO\""),
		SYS_getpid, 0, 0);

	OUTCOME(77, KILL(ARG(1, 0, EQ)), SYS_kill, (unsigned long)getpid(), 0);
	OUTCOME(0, KILL(ARG(1, 0, NE)), SYS_kill, (unsigned long)getpid(), 0);
	OUTCOME(77, KILL(ARG(0, 18446744073709551615, EQ)), SYS_kill, -1UL, 0);
	OUTCOME(EINVAL, KILL(ARG(0, 18446744073709551615, EQ)), SYS_kill, (unsigned long)getpid(),
		99);
	OUTCOME(77, KILL(ARG(1, 90, GT)), SYS_kill, (unsigned long)getpid(), 91);
	OUTCOME(EINVAL, KILL(ARG(1, 90, GT)), SYS_kill, (unsigned long)getpid(), 90);
	/* Of several arguments all must hold, of one argument any. */
	OUTCOME(EINVAL, KILL(ARG(0, 1, EQ) "," ARG(1, 91, EQ)), SYS_kill, (unsigned long)getpid(),
		91);
	OUTCOME(77, KILL(ARG(1, 90, EQ) "," ARG(1, 91, EQ)), SYS_kill, (unsigned long)getpid(), 91);
	OUTCOME(77, KILL(ARG(1, 90, EQ) "," ARG(1, 91, EQ)), SYS_kill, (unsigned long)getpid(), 90);
	OUTCOME(77,
		KILL("{\"index\": 1, \"value\": 96, \"valueTwo\": 64, \"op\": \"SCMP_CMP_MASKED_EQ\"}"),
		SYS_kill, (unsigned long)getpid(), 95);
	OUTCOME(EINVAL,
		KILL("{\"index\": 1, \"value\": 96, \"valueTwo\": 64, \"op\": \"SCMP_CMP_MASKED_EQ\"}"),
		SYS_kill, (unsigned long)getpid(), 96);

	/* A refusing default: exit_group is 231, the highest that is named. */
	OUTCOME(EPERM, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " LISTED, SYS_getppid, 0, 0);
	OUTCOME(0, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " LISTED, SYS_getpid, 0, 0);
	OUTCOME(38, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, " LISTED,
		SYS_getppid, 0, 0);
	OUTCOME(EPERM, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " LISTED, 230, 0, 0);
	OUTCOME(ENOSYS, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " LISTED, 232, 0, 0);
	OUTCOME(ENOSYS, "{\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\", " LISTED, 400, 0, 0);
	OUTCOME(1031, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " LISTED, 0x40000000 + 39, 0, 0);
	OUTCOME(ENOSYS,
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X32\"], " LISTED,
		0x40000000 + 39, 0, 0);

	REFUSED("{\"defaultAction\": \"SCMP_ACT_NO\"}",
		"linux.seccomp: action 'SCMP_ACT_NO' is unknown");
	REFUSED(RULE("\"names\": [\"kill\"], \"action\": \"x\""),
		"linux.seccomp: syscalls[0]: action 'x' is unknown");
	REFUSED(KILL(ARG(0, 1, XX)), "linux.seccomp: syscalls[0]: op 'SCMP_CMP_XX' is unknown");
	REFUSED("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"F\"]}",
		"linux.seccomp: flags: 'F' is unknown");
	REFUSED("{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
		"linux.seccomp: SCMP_ACT_NOTIFY is not supported: no process of the host can answer for the sandbox");
	return failures != 0;
}
