/*
 * window.h - asking the launcher to map files of the host into guest memory (KVM; abi/dax.h).
 */
#ifndef MOAT_DEV_WINDOW_H
#define MOAT_DEV_WINDOW_H

struct ring;

/* Once at boot; it shares the balloon's queue. From then on there are windows (platform_dax_ask). */
void window_start(struct ring *balloon);

#endif
