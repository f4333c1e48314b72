/*
 * own_ns.h - a test in a mount or network namespace of its own; skipped where it may not have one. For TEST_FORK.
 */
#ifndef OWN_NS_H
#define OWN_NS_H

#include "abi.h"
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

/* In a directory of our own; no mount of ours is seen elsewhere. */
#define OWN_MOUNTS()                                                                           \
	do {                                                                                   \
		abi_tmpdir();                                                                  \
		NEED_CAP(CAP_SYS_ADMIN);                                                       \
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) \
			SKIP("cannot make a mount namespace (%s)", abi_errname(errno));        \
	} while (0)

/* Its loopback is down, as each new one's. */
#define OWN_NETWORK()                            \
	do {                                     \
		NEED_CAP(CAP_SYS_ADMIN);         \
		CHECK_OK(unshare(CLONE_NEWNET)); \
	} while (0)

ABI_UNUSED static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &r));
	close(fd);
}

#endif
