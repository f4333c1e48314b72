/*
 * uts.c - host and domain name.
 */
#include <string.h>

#include "lib/spinlock.h"
#include "task/uts.h"

static struct spinlock lock = SPINLOCK_INIT;
static char host[UTS_LEN + 1] = "moat", domain[UTS_LEN + 1] = "(none)";

static void get(char *buf, const char *name)
{
	spin_lock(&lock);
	memcpy(buf, name, UTS_LEN + 1);
	spin_unlock(&lock);
}

static void set(char *name, const char *src, size_t n)
{
	char tmp[UTS_LEN + 1] = { 0 };

	memcpy(tmp, src, MIN(n, (size_t)UTS_LEN));
	spin_lock(&lock);
	memcpy(name, tmp, sizeof(tmp));
	spin_unlock(&lock);
}

void uts_hostname(char buf[UTS_LEN + 1])
{
	get(buf, host);
}

void uts_domainname(char buf[UTS_LEN + 1])
{
	get(buf, domain);
}

void uts_set_hostname(const char *name, size_t n)
{
	set(host, name, n);
}

void uts_set_domainname(const char *name, size_t n)
{
	set(domain, name, n);
}
