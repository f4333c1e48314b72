/*
 * names.h - docker's server of names, which is not in the sandbox: its address is on the loopback of the container's network
 * namespace on the host, and the queries to it go there as messages of the launcher's (CTL_NAMES_QUERY, abi/control.h).
 */
#ifndef MOAT_NET_LWIP_NAMES_H
#define MOAT_NET_LWIP_NAMES_H

#include "lib/types.h"

struct pbuf;

/* Whom to give a query to; it may take spinlocks, and never sleeps. At boot. */
void names_init(void (*ask)(const void *query, size_t len));
/* The host has such a server (NET_NAMES). */
void names_enable(void);
/* An IPv4 packet on the first namespace's loopback: true if it was such a query and is on its way. net_lock held. */
bool names_take(struct pbuf *p);
/* What the host answered. From a task. */
void names_answer(const void *answer, size_t len);

#endif
