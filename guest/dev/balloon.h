/*
 * balloon.h - frames that the host may take back (RING_Q_BALLOON).
 */
#ifndef MOAT_DEV_BALLOON_H
#define MOAT_DEV_BALLOON_H

/* Once at boot: from now on ram_release asks the host, on platforms that need asking (platform_balloon). */
void balloon_start(void);

#endif
