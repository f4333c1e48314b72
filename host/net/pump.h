/*
 * pump.h - the two threads of a sandbox's network: one receives, one sends. Between them only struct net is shared, which
 * neither writes after net_attach but for its own counters.
 */
#ifndef MOAT_HOST_NET_PUMP_H
#define MOAT_HOST_NET_PUMP_H

#include "host/net/net.h"

void *net_receive_main(void *net) __attribute__((noreturn));
void *net_send_main(void *net) __attribute__((noreturn));

/* Wait for attach_fd[which]. */
void net_await(struct net *n, unsigned which);
/* Sleep until the Sentry rings this queue. */
void net_await_doorbell(struct net *n, unsigned queue, struct net_counters *c);
void net_wake_sentry(struct net *n, unsigned queue, struct net_counters *c);
/*
 * A thread whose queue or backend is gone: never returns. (It does not say so to the compiler: before such a call the
 * address sanitizer asks for the signal stack, which the seal forbids.)
 */
void net_rest(void);

/*
 * Looking again instead of sleeping, while that pays: the time doubles, up to NET_SPIN_MAX, whenever something came within
 * it, and halves when nothing did. An idle thread, or one on a machine with a single CPU, does not look at all.
 */
struct net_spin {
	unsigned ns;
	bool off;
};
void net_spin_init(struct net_spin *s);
/* Did ready(arg) become true in time? */
bool net_spin(struct net_spin *s, bool (*ready)(const void *), const void *arg);
/* Something came right after we had given up and slept: the next wait may be short, too. */
void net_spin_miss(struct net_spin *s);

#endif
