/*
 * end.h - the network at the end of the sandbox.
 */
#ifndef MOAT_NET_END_H
#define MOAT_NET_END_H

/*
 * Close what is open to others, as the end of its processes would, and wait until they have what was written to them, or
 * have taken nothing for three seconds; thirty at most. Sleeps; without locks.
 */
void net_end(void);

#endif
