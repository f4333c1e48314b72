/*
 * virtio.h - the Ethernet devices that the host gives to the sandbox (abi/net.h), as the IP stack's struct net_device.
 */
#ifndef MOAT_NET_VIRTIO_H
#define MOAT_NET_VIRTIO_H

#include "lib/types.h"

/*
 * At boot, as a task, once the stack is there: listen for devices. expected: the host said that there is one; then return
 * only when it is up (or did not come within seconds).
 */
void virtio_net_start(bool expected);
/* A device that the host announced before it sent whatever made the caller ask is up when this returns. No lock held. */
void virtio_net_settle(void);
/* Has the host taken every frame? No lock held. */
bool virtio_net_sent(void);

#endif
