/*
 * timens.c - /proc/PID/timens_offsets: what the clocks of the process's next children are ahead (time_namespaces(7)).
 */
#include <string.h>

#include "fs/proc/attr.h"
#include "fs/proc/proc.h"
#include "task/time/clock.h"
#include "task/ns/timens.h"

#define NS_PER_SEC 1000000000LL
#define SEC_MAX	   (0x7fffffffffffffffLL / NS_PER_SEC)

static void line(struct seq *s, const char *name, s64 off)
{
	s64 sec = off / NS_PER_SEC, rest = off % NS_PER_SEC;

	if (rest < 0) { /* nanoseconds are never negative */
		sec--;
		rest += NS_PER_SEC;
	}
	seq_printf(s, "%-10s %10lld %9lld\n", name, (long long)sec, (long long)rest);
}

int proc_show_timens_offsets(struct seq *s, struct task *t, bool thread)
{
	s64 mono, boot;
	int err = time_ns_offsets(t, &mono, &boot);

	if (err)
		return err;
	line(s, "monotonic", mono);
	line(s, "boottime", boot);
	return 0;
}

static char *word(char **p)
{
	char *w;

	*p += strspn(*p, " \t");
	w = *p;
	*p += strcspn(*p, " \t");
	if (**p)
		*(*p)++ = 0;
	return w;
}

static int number(const char *w, s64 *out)
{
	bool minus = *w == '-';
	u64 v = 0;

	w += minus;
	if (!*w)
		return -EINVAL;
	for (; *w; w++) {
		if (*w < '0' || *w > '9' || v > 1ULL << 58)
			return -EINVAL;
		v = v * 10 + (u64)(*w - '0');
	}
	*out = minus ? -(s64)v : (s64)v;
	return 0;
}

static int set_line(struct task *t, char *p)
{
	char *name = word(&p), *sec = word(&p), *nsec = word(&p);
	int clock;
	s64 s, ns;

	if (!strcmp(name, "monotonic") || !strcmp(name, "1"))
		clock = CLOCK_MONOTONIC;
	else if (!strcmp(name, "boottime") || !strcmp(name, "7"))
		clock = CLOCK_BOOTTIME;
	else
		return -EINVAL;
	if (number(sec, &s) || number(nsec, &ns) || *word(&p) || ns < 0 || ns >= NS_PER_SEC)
		return -EINVAL;
	if (s > SEC_MAX - 1 || s < -SEC_MAX)
		return -ERANGE;
	return time_ns_set_offset(t, clock, s * NS_PER_SEC + ns);
}

s64 proc_store_timens_offsets(struct task *t, char *buf, size_t n)
{
	char *next;

	if (!n)
		return -EINVAL;
	for (char *p = buf; p && *p; p = next) {
		int err;

		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		err = set_line(t, p);
		if (err)
			return err;
	}
	return (s64)n;
}
