/* proc.h - files of IP sockets below /proc, made at boot. */
#ifndef MOAT_NET_INET_PROC_H
#define MOAT_NET_INET_PROC_H

void inet_proc_init(void);

#endif
