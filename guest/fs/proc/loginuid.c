/*
 * loginuid.c - /proc/PID/loginuid and sessionid: who logged in, which stays when ids change (pam_loginuid sets it for sshd,
 * cron, atd and login). A task sets its own, children inherit both.
 *
 * Lock: none; a task alone writes its own. Differs from Linux: nothing reads them, there is no audit.
 */
#include <linux/capability.h>

#include "fs/proc/attr.h"
#include "fs/seq.h"
#include "lib/atomic.h"
#include "task/ns/userns.h"

int proc_show_loginuid(struct seq *s, struct task *t, bool thread)
{
	u32 kuid = READ_ONCE(t->loginuid);

	seq_printf(s, "%u", kuid == NO_ID ? NO_ID : show_uid(kuid));
	return 0;
}

int proc_show_sessionid(struct seq *s, struct task *t, bool thread)
{
	seq_printf(s, "%u", READ_ONCE(t->sessionid));
	return 0;
}

/* A decimal number of 32 bits, a newline may follow. */
static int parse_id(const char *buf, u32 *out)
{
	u64 n = 0;
	int digits = 0;

	for (; *buf >= '0' && *buf <= '9' && digits < 11; buf++, digits++)
		n = n * 10 + (u64)(*buf - '0');
	if (*buf == '\n')
		buf++;
	if (!digits || *buf)
		return -EINVAL;
	if (n > NO_ID)
		return -ERANGE;
	*out = (u32)n;
	return 0;
}

/* Anybody may set what is not set, CAP_AUDIT_CONTROL of the first namespace changes it. */
s64 proc_store_loginuid(struct task *t, char *buf, size_t n)
{
	static u32 last_session;
	u32 uid, kuid = NO_ID;
	int err;

	if (t != task_current())
		return -EPERM;
	err = parse_id(buf, &uid);
	if (err)
		return err;
	if (uid != NO_ID) {
		kuid = kuid_here(uid);
		if (kuid == NO_ID)
			return -EINVAL;
	}
	if (t->loginuid != NO_ID && !capable(CAP_AUDIT_CONTROL))
		return -EPERM;
	WRITE_ONCE(t->sessionid, kuid == NO_ID ? NO_ID : atomic_add(&last_session, 1));
	WRITE_ONCE(t->loginuid, kuid);
	return (s64)n;
}
