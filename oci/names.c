/*
 * names.c - see names.h.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/resource.h>

#include "oci/names.h"

int capability_number(const char *name)
{
	cap_value_t v;

	return strncmp(name, "CAP_", 4) == 0 && cap_from_name(name, &v) == 0 ? (int)v : -1;
}

int rlimit_number(const char *name)
{
	static const char *const names[] = {
		[RLIMIT_AS] = "AS",
		[RLIMIT_CORE] = "CORE",
		[RLIMIT_CPU] = "CPU",
		[RLIMIT_DATA] = "DATA",
		[RLIMIT_FSIZE] = "FSIZE",
		[RLIMIT_LOCKS] = "LOCKS",
		[RLIMIT_MEMLOCK] = "MEMLOCK",
		[RLIMIT_MSGQUEUE] = "MSGQUEUE",
		[RLIMIT_NICE] = "NICE",
		[RLIMIT_NOFILE] = "NOFILE",
		[RLIMIT_NPROC] = "NPROC",
		[RLIMIT_RSS] = "RSS",
		[RLIMIT_RTPRIO] = "RTPRIO",
		[RLIMIT_RTTIME] = "RTTIME",
		[RLIMIT_SIGPENDING] = "SIGPENDING",
		[RLIMIT_STACK] = "STACK",
	};

	if (strncmp(name, "RLIMIT_", 7) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i] && strcmp(names[i], name + 7) == 0)
			return (int)i;
	return -1;
}

int policy_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} list[] = { { "SCHED_OTHER", SCHED_OTHER },
		     { "SCHED_BATCH", SCHED_BATCH },
		     { "SCHED_IDLE", SCHED_IDLE },
		     { "SCHED_FIFO", SCHED_FIFO },
		     { "SCHED_RR", SCHED_RR } };

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].number;
	return -1;
}

/* The application's signals 32 and 33 are its C library's; RTMIN is the kernel's 34 as every tool counts. */
#define RTMIN 34
#define RTMAX 64

int signal_number(const char *name)
{
	char *end;
	long n = strtol(name, &end, 10);

	if (end != name)
		return *end == 0 && n >= 0 && n <= RTMAX ? (int)n : -1;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (strncasecmp(name, "RTM", 3) == 0 && strlen(name) >= 5) {
		int base = strncasecmp(name, "RTMIN", 5) == 0	? RTMIN
			   : strncasecmp(name, "RTMAX", 5) == 0 ? RTMAX
								: -1;

		n = strtol(name + 5, &end, 10);
		return base > 0 && *end == 0 && base + n >= RTMIN && base + n <= RTMAX
			       ? (int)(base + n)
			       : -1;
	}
	for (int s = 1; s < 32; s++)
		if (sigabbrev_np(s) && strcasecmp(sigabbrev_np(s), name) == 0)
			return s;
	return strcasecmp(name, "IOT") == 0 ? SIGABRT : strcasecmp(name, "CLD") == 0 ? SIGCHLD : -1;
}
