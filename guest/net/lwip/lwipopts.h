/*
 * lwipopts.h - lwIP as the Sentry has it: no tasks, no timers and no pools of its own, one lock around everything (port.c),
 * memory from the Sentry's heap. UDP and raw IP are on, but their files are not compiled: udp_input and raw_input are ours
 * (net/inet/udp.c, raw.c).
 */
#ifndef MOAT_LWIPOPTS_H
#define MOAT_LWIPOPTS_H

/* ---- system ---- */
#define NO_SYS		     1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS	     0
#define LWIP_NETCONN	     0
#define LWIP_SOCKET	     0
#define LWIP_HOOK_FILENAME   "lwip_hooks.h"

/* ---- memory: kmalloc (port.c) ---- */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT	8
#define mem_clib_malloc lwip_malloc
#define mem_clib_calloc lwip_calloc
#define mem_clib_free	lwip_free
void *lwip_malloc(unsigned long n);
void *lwip_calloc(unsigned long n, unsigned long size);
void lwip_free(void *p);
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_BUFSIZE	 1600
#define PBUF_LINK_HLEN		 16 /* Ethernet header and ETH_PAD_SIZE */
#define ETH_PAD_SIZE		 0

/* ---- IP ---- */
#define LWIP_IPV4		      1
#define LWIP_IPV6		      1
#define LWIP_ETHERNET		      1
#define LWIP_ARP		      1
#define ARP_TABLE_SIZE		      127
#define ARP_QUEUEING		      1
#define IP_FORWARD		      0
#define IP_REASSEMBLY		      1
#define IP_FRAG			      1
#define IP_REASS_MAX_PBUFS	      256
#define IPV6_REASS_MAXAGE	      25 /* s; before timer.c takes the device for quiet */
#define MEMP_NUM_REASSDATA	      64
#define IP_DEFAULT_TTL		      64
#define LWIP_ICMP6_HL		      64 /* Linux's, of answers and errors */
#define LWIP_MULTICAST_PING	      0
#define LWIP_BROADCAST_PING	      0
#define LWIP_IGMP		      1
#define LWIP_IPV6_MLD		      1
#define LWIP_IPV6_NUM_ADDRESSES	      8
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_AUTOCONFIG	      0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_ND6_NUM_NEIGHBORS	      127
#define LWIP_ND6_NUM_DESTINATIONS     127
#define LWIP_IPV6_REASS		      1
/* On 64 bits its bookkeeping is longer than the fragment header that it would overwrite. */
#define IPV6_FRAG_COPYHEADER	     1
#define LWIP_IPV6_FRAG		     1
#define LWIP_DHCP		     0
#define LWIP_AUTOIP		     0
#define LWIP_DNS		     0
#define LWIP_NETIF_HOSTNAME	     0
#define LWIP_HAVE_LOOPIF	     0 /* ours: loop.c */
#define LWIP_NETIF_LOOPBACK	     0
#define LWIP_NETIF_HWADDRHINT	     0
#define LWIP_SINGLE_NETIF	     0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHECKSUM_ON_COPY	     0

/* ---- UDP and raw: ours ---- */
#define LWIP_UDP		  1
#define LWIP_RAW		  1
#define LWIP_ICMP		  1
#define LWIP_MULTICAST_TX_OPTIONS 1

/* ---- TCP ---- */
#define LWIP_TCP			1
#define TCP_TMR_INTERVAL		25 /* ms; and twice this for retransmission */
#define TCP_RTO_MIN			4 /* ticks of 2 * TCP_TMR_INTERVAL: 200 ms (patches/rto-min.patch) */
#define LWIP_TCP_RTO_TIME		1000 /* ms, before there is a round trip (RFC 6298) */
#define TCP_OOSEQ_TIMEOUT		240 /* what was acknowledged selectively is kept: 4 ticks make it 48 s */
#define TCP_RTO_MAX			2400 /* 120 s */
#define TCP_MSL				30000UL
#define TCP_MSS				65495 /* the loopback's; a device's MTU makes it smaller */
#define TCP_CALCULATE_EFF_SEND_MSS	1
#define LWIP_WND_SCALE			1
#define TCP_RCV_SCALE			7
#define TCP_WND				(2 * 1024 * 1024)
#define LWIP_TCP_CALC_INITIAL_CWND(mss) ((tcpwnd_size_t)(10 * (mss))) /* RFC 6928 */
#define TCP_SND_BUF			(16 * 1024 * 1024) /* SO_SNDBUF is the limit that counts */
#define TCP_SND_QUEUELEN		0xfff0
#define TCP_OVERSIZE			512
#define TCP_MAXRTX			12
#define TCP_SYNMAXRTX			6
#define TCP_QUEUE_OOSEQ			1
#define TCP_OOSEQ_MAX_PBUFS		4096
#define LWIP_TCP_SACK_OUT		1
#define LWIP_TCP_TIMESTAMPS		1
#define LWIP_TCP_KEEPALIVE		1
#define TCP_LISTEN_BACKLOG		0 /* ours is longer than a byte */
#define LWIP_TCP_PCB_NUM_EXT_ARGS	1
#define TCP_DEFAULT_LISTEN_BACKLOG	0xff
#define SO_REUSE			0 /* ports are given out by net/inet/port.c */
#define LWIP_DISABLE_TCP_SANITY_CHECKS	1

/* ---- hooks, declared in lwip_hooks.h; lwIP's headers want to see the macros early ---- */
#define LWIP_HOOK_IP4_ROUTE_SRC(src, dst)	  route_hook4(src, dst)
#define LWIP_HOOK_IP6_ROUTE(src, dst)		  route_hook6(src, dst)
#define LWIP_HOOK_ETHARP_GET_GW(n, dst)		  gateway_hook4(n, dst)
#define LWIP_HOOK_ND6_GET_GW(n, dst)		  gateway_hook6(n, dst)
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) tcp_isn(lip, lport, rip, rport)
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, h, optlen, opt1len, opt2, p) \
	(tcp_segment_hook(pcb, h, optlen, opt1len, opt2, p) ? ERR_OK : ERR_CONN)

/* ---- counters for /proc/net/snmp ---- */
#define LWIP_STATS	 1
#define LWIP_STATS_LARGE 1
#define MEM_STATS	 0
#define MEMP_STATS	 0
#define SYS_STATS	 0
#define MIB2_STATS	 1

#endif
