/*
 * check.h - is a frame that the Sentry wants to send one that it may send? Pure functions over private copies.
 */
#ifndef MOAT_HOST_NET_CHECK_H
#define MOAT_HOST_NET_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/net.h"

/* So much of a frame, at most, is looked at; what lies behind is payload. */
#define NET_HEAD_MAX 256

/*
 * h and the first head_len (the whole frame, or NET_HEAD_MAX) bytes of a frame of len bytes. True: the header's lengths and
 * offsets lie within the frame and fit its protocols, c allows the offloads, and the source is c's (NET_SPOOF: the MAC only).
 */
bool net_check_frame(const struct net_config *c, const struct net_hdr *h, const unsigned char *head,
		     size_t head_len, size_t len);

#endif
