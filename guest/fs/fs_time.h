/*
 * fs_time.h - the times of files: as programs and file systems see them, and packed as an inode keeps them.
 */
#ifndef MOAT_FS_FS_TIME_H
#define MOAT_FS_FS_TIME_H

#include "lib/types.h"

struct fs_time {
	s64 sec;
	u32 nsec;
};
struct fs_time fs_now(void); /* CLOCK_REALTIME */

/*
 * As an inode keeps it: seconds from 1901 on in 34 bits, nanoseconds in 30; so the greater is the later. A time outside
 * of 1901..2446, which is what ext4 has, becomes the nearest inside.
 */
#define FS_TIME_FIRST (-(1LL << 31))
static inline u64 fs_time_pack(struct fs_time t)
{
	s64 sec = t.sec < FS_TIME_FIRST ? 0 : t.sec - FS_TIME_FIRST;

	if (t.sec >= FS_TIME_FIRST + (1LL << 34))
		sec = (1LL << 34) - 1;
	return (u64)sec << 30 | t.nsec;
}
static inline struct fs_time fs_time_unpack(u64 p)
{
	return (struct fs_time){ (s64)(p >> 30) + FS_TIME_FIRST, p & ((1U << 30) - 1) };
}

#endif
