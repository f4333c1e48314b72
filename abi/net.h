/*
 * net.h - the network devices that the host and the Sentry share: what a device is, and the header before every frame.
 *
 * RING_Q_NET_CFG: the Sentry posts one writable buffer of struct net_config and gets it back when there is a device, or
 * when one changed; then it posts the next. RING_Q_NET + 2 * i receives, RING_Q_NET + 2 * i + 1 sends, for pair i.
 *
 * A frame that is sent is one chain: struct net_hdr and the Ethernet frame without its checksum, in buffers of any size.
 * One that is received fills as many of the posted chains (NET_RX_BUFFER bytes, one buffer each) as it needs, in order:
 * net_hdr.buffers, in the first, says how many. Both are virtio-net's (virtio 1.2, 5.1.6, with VIRTIO_NET_F_MRG_RXBUF);
 * checksum and segmentation offload are used as flags of struct net_config allow.
 */
#ifndef MOAT_ABI_NET_H
#define MOAT_ABI_NET_H

#include <stdint.h>

#define NET_PAIRS     4
#define NET_RX_BUFFER 4096
#define NET_FRAME_MAX (65535 + 14) /* an Ethernet header and the longest IP packet */

/* the checksum at csum_start + csum_offset is that of the pseudo header alone */
#define NET_HDR_NEEDS_CSUM 1
#define NET_HDR_DATA_VALID 2 /* received: the checksums were verified */
#define NET_GSO_NONE	   0
#define NET_GSO_TCPV4	   1
#define NET_GSO_TCPV6	   4
#define NET_GSO_ECN	   0x80
/* The least gso_size: nobody has to cut a frame into tens of thousands of segments. The least MSS that Linux sends with. */
#define NET_GSO_SIZE_MIN 48

struct net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;  /* bytes of headers, from the Ethernet header on */
	uint16_t gso_size; /* payload of each segment */
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t buffers; /* received frames; 0 in sent ones */
};

_Static_assert(sizeof(struct net_hdr) == 12, "virtio_net_hdr_mrg_rxbuf");

#define NET_ADDRS  16
#define NET_ROUTES 32
#define NET_DNS	   4

struct net_addr {
	uint8_t family; /* 4 or 6 */
	uint8_t prefix;
	uint8_t scope; /* as rtnetlink has it */
	uint8_t pad;
	uint8_t addr[16]; /* an IPv4 address in the first four bytes */
};

struct net_route {
	uint8_t family;
	uint8_t prefix;
	uint8_t gateway; /* 0: on the link */
	uint8_t pad;
	uint32_t metric;
	uint8_t dst[16], gw[16];
	uint8_t src[16]; /* preferred source, or zero */
};

enum net_flag {
	NET_UP = 1,    /* there is a device; else it went away and only pair and name hold */
	NET_CSUM = 2,  /* sent TCP frames may ask for their checksum */
	NET_GSO = 4,   /* sent TCP frames may be segmented outside */
	NET_SPOOF = 8, /* CAP_NET_RAW was granted: any source address above the MAC */
	NET_NAMES =
		16, /* somebody at NET_NAMES_ADDR, port 53, of the host's side answers names (CTL_NAMES_QUERY) */
};

enum net_transport {
	NET_VNET = 0,	/* one read or write a frame, virtio_net_hdr first: packet socket, TAP */
	NET_STREAM = 1, /* a 4-byte length, most significant byte first, before each frame: passt */
};

/* Where docker answers the names of its networks: on the loopback of a container's network namespace. */
#define NET_NAMES_ADDR "127.0.0.11"
#define NET_NAMES_IP   0x7f00000bu

struct net_config {
	uint32_t pair, pairs; /* first pair, and how many */
	uint32_t flags;	      /* enum net_flag */
	uint32_t transport;   /* for the launcher */
	uint32_t mtu;
	uint32_t naddrs, nroutes, ndns;
	uint8_t mac[6];
	uint8_t pad[2];
	char name[16]; /* NUL-ended */
	struct net_addr addrs[NET_ADDRS];
	struct net_route routes[NET_ROUTES];
	/* name servers for a sandbox that has no resolv.conf of its own */
	struct net_addr dns[NET_DNS];
};

_Static_assert(sizeof(struct net_config) <= 4000, "fits one message and one page");

#endif
