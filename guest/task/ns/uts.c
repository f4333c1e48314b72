/*
 * uts.c - host and domain name, one pair for each UTS namespace.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/spinlock.h"
#include "mm/slab.h"
#include "task/ns/ns.h"
#include "task/ns/uts.h"

struct uts_ns {
	char host[UTS_LEN + 1], domain[UTS_LEN + 1]; /* under lock */
};

static struct spinlock lock = SPINLOCK_INIT;
static struct uts_ns first = { "moat", "(none)" };

static struct uts_ns *here(void)
{
	struct uts_ns *ns = ns_object(NS_UTS);

	return ns ? ns : &first;
}

static void *create(struct ns_common *n)
{
	struct uts_ns *ns = kmalloc(sizeof(*ns)), *from = here();

	if (!ns)
		return ERR_PTR(-ENOMEM);
	spin_lock(&lock);
	*ns = *from;
	spin_unlock(&lock);
	return ns;
}

void uts_init(void)
{
	ns_register(NS_UTS, create, kfree);
}

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
	get(buf, here()->host);
}

void uts_domainname(char buf[UTS_LEN + 1])
{
	get(buf, here()->domain);
}

void uts_set_hostname(const char *name, size_t n)
{
	set(here()->host, name, n);
}

void uts_set_domainname(const char *name, size_t n)
{
	set(here()->domain, name, n);
}
