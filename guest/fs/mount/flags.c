/*
 * flags.c - a mount's attributes in the five forms that there are: MNT_* (mount.h), mount(2)'s MS_*, mount_setattr(2)'s
 * MOUNT_ATTR_*, statfs(2)'s ST_*, and the words of /proc/PID/mountinfo.
 */
#include <linux/mount.h>

#include "fs/mount/mount.h"
#include "fs/mount/api.h"
#include "fs/procfs.h"
#include "fs/seq.h"

enum form { MNT, MS, ATTR, ST, FORMS };

/* The times of access are three values of one field; relatime is attribute 0, and strictatime has no word and no ST_. */
static const struct mount_flag {
	u32 in[FORMS];
	const char *word;
} table[] = {
	/* "ro" comes first, from the mount and its super block */
	{ { MNT_RDONLY, MS_RDONLY, MOUNT_ATTR_RDONLY, 1 }, NULL },
	{ { MNT_NOSUID, MS_NOSUID, MOUNT_ATTR_NOSUID, 2 }, ",nosuid" },
	{ { MNT_NODEV, MS_NODEV, MOUNT_ATTR_NODEV, 4 }, ",nodev" },
	{ { MNT_NOEXEC, MS_NOEXEC, MOUNT_ATTR_NOEXEC, 8 }, ",noexec" },
	{ { MNT_NOATIME, MS_NOATIME, MOUNT_ATTR_NOATIME, 0x400 }, ",noatime" },
	{ { MNT_NODIRATIME, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME, 0x800 }, ",nodiratime" },
	{ { MNT_RELATIME, MS_RELATIME, MOUNT_ATTR_RELATIME, 0x1000 }, ",relatime" },
	{ { MNT_STRICTATIME, MS_STRICTATIME, MOUNT_ATTR_STRICTATIME, 0 }, NULL },
	{ { MNT_NOSYMFOLLOW, MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, 0x2000 }, ",nosymfollow" },
};

static u32 translate(u64 flags, enum form from, enum form to)
{
	u32 out = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (flags & table[i].in[from])
			out |= table[i].in[to];
	return out;
}

u32 mount_flags_of_ms(u64 ms)
{
	u32 f = translate(ms, MS, MNT);

	/* The stronger wish counts, and relatime is what who wishes nothing gets. */
	f &= ~(u32)MNT_RELATIME;
	if (f & MNT_NOATIME)
		f &= ~(u32)MNT_STRICTATIME;
	return f & MNT_ATIMES ? f : f | MNT_RELATIME;
}

u64 mount_ms_of_flags(u32 flags)
{
	return translate(flags, MNT, MS);
}

int mount_attr_flags(u32 attr, u32 *flags)
{
	u32 f;

	if (attr & ~MOUNT_ATTR_KNOWN)
		return -EINVAL;
	f = translate(attr & ~MOUNT_ATTR__ATIME, ATTR, MNT);
	switch (attr & MOUNT_ATTR__ATIME) {
	case MOUNT_ATTR_RELATIME: f |= MNT_RELATIME; break;
	case MOUNT_ATTR_NOATIME: f |= MNT_NOATIME; break;
	case MOUNT_ATTR_STRICTATIME: f |= MNT_STRICTATIME; break;
	default: return -EINVAL;
	}
	*flags = f;
	return 0;
}

u64 mount_attr_of_flags(u32 flags)
{
	return translate(flags, MNT, ATTR);
}

u64 mount_st_of_flags(u32 flags)
{
	return translate(flags, MNT, ST);
}

void mount_show_flags(struct seq *s, u32 flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (flags & table[i].in[MNT] && table[i].word)
			seq_puts(s, table[i].word);
}
