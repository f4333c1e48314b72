/*
 * fs_old.c - two calls of old programs about file systems: ustat(2), sysfs(2).
 */
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "sys/fs_sys.h"

struct abi_ustat {
	s32 tfree, pad;
	u64 tinode;
	char fname[6], fpack[6];
	u32 pad2;
};
_Static_assert(sizeof(struct abi_ustat) == 32, "struct ustat");

/* A file system of the caller's mount namespace by its device number, with a reference; NULL. */
static struct super_block *super_by_dev(u32 dev)
{
	struct super_block *sb = NULL;
	struct mount *m;

	mutex_lock(&vfs_mounts_mutex);
	list_for_each(m, &task_current()->fs->ns->mounts, in_ns) {
		if (m->sb->dev != dev)
			continue;
		sb = m->sb;
		super_get(sb);
		break;
	}
	mutex_unlock(&vfs_mounts_mutex);
	return sb;
}

s64 sys_ustat(ulong_a dev, uptr_a buf)
{
	struct super_block *sb = super_by_dev(dev_decode((u32)dev));
	struct statfs_info st = { 0 };
	struct abi_ustat u = { 0 };
	int err = 0;

	if (!sb)
		return -EINVAL;
	if (sb->ops && sb->ops->statfs)
		err = sb->ops->statfs(sb, &st);
	super_put(sb);
	if (err)
		return err;
	u.tfree = (s32)st.bfree;
	u.tinode = st.ffree;
	return user_write(buf, &u, sizeof(u)) ? -EFAULT : 0;
}

/* The names of /proc/filesystems in order: that is what the indices count. 0 or -ENOMEM. */
static int fs_names(struct seq *s)
{
	fs_show_filesystems(s);
	return s->failed ? -ENOMEM : 0;
}

/* The next name of the list, NUL-ended in place; NULL at the end. */
static char *next_name(char **at)
{
	char *line = *at, *end, *name;

	if (!*line)
		return NULL;
	end = strchr(line, '\n');
	*end = 0;
	*at = end + 1;
	name = strchr(line, '\t');
	return name + 1;
}

static s64 index_of(char *list, const char *name)
{
	char *n;

	for (s64 i = 0; (n = next_name(&list)); i++)
		if (!strcmp(n, name))
			return i;
	return -EINVAL;
}

static s64 name_at(char *list, u64 index, uptr_a buf)
{
	char *n;

	while ((n = next_name(&list)))
		if (!index--)
			return user_write(buf, n, strlen(n) + 1) ? -EFAULT : 0;
	return -EINVAL;
}

static s64 count(char *list)
{
	s64 n = 0;

	while (next_name(&list))
		n++;
	return n;
}

s64 sys_sysfs(int_a option, ulong_a a1, ulong_a a2)
{
	struct seq s = { 0 };
	char *name;
	s64 ret = fs_names(&s);

	if (!ret) {
		switch (option) {
		case 1:
			name = name_from_user(a1, true);
			ret = IS_ERR(name) ? PTR_ERR(name) : index_of(s.buf, name);
			if (!IS_ERR(name))
				name_free(name);
			break;
		case 2: ret = name_at(s.buf, (u32)a1, a2); break;
		case 3: ret = count(s.buf); break;
		default: ret = -EINVAL;
		}
	}
	seq_free(&s);
	return ret;
}
