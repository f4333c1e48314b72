/*
 * seccomp.c - /proc/sys/kernel/seccomp: which answers of a filter exist, and which are logged.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/proc/global.h"
#include "fs/seq.h"
#include "task/seccomp/seccomp.h"

#define ALLOW_INDEX 7 /* cannot be logged */

static int show_actions(struct seq *s, u32 set)
{
	bool first = true;

	for (unsigned i = 0; i < ARRAY_SIZE(seccomp_action_names); i++) {
		if (!(set >> i & 1))
			continue;
		seq_printf(s, first ? "%s" : " %s", seccomp_action_names[i]);
		first = false;
	}
	seq_putc(s, '\n');
	return 0;
}

int proc_seccomp_avail(struct seq *s, void *arg)
{
	return show_actions(s, ~0u);
}

int proc_seccomp_logged(struct seq *s, void *arg)
{
	return show_actions(s, READ_ONCE(seccomp_logged));
}

s64 proc_seccomp_set_logged(void *arg, char *buf, size_t n)
{
	u32 set = 0;
	char *p = buf;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	for (p += strspn(p, " \t\n"); *p; p += strspn(p, " \t\n")) {
		size_t len = strcspn(p, " \t\n");
		unsigned i;

		for (i = 0; i < ALLOW_INDEX; i++)
			if (strlen(seccomp_action_names[i]) == len &&
			    !memcmp(seccomp_action_names[i], p, len))
				break;
		if (i == ALLOW_INDEX)
			return -EINVAL;
		set |= 1u << i;
		p += len;
	}
	WRITE_ONCE(seccomp_logged, set);
	return (s64)n;
}
