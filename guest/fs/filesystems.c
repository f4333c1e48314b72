/*
 * filesystems.c - the file systems there are. A new one is a folder or file, and a row here; layers above fs/ (devices)
 * register theirs at boot.
 */
#include <string.h>

#include "fs/seq.h"
#include "fs/vfs.h"
#include "lib/log.h"

extern const struct file_system tmpfs_fs, ramfs_fs, overlay_fs, p9_fs;

#define FS_MAX 16

static const struct file_system *table[FS_MAX] = {
	&tmpfs_fs,
	&ramfs_fs,
	&overlay_fs,
	&p9_fs,
};

void fs_register(const struct file_system *fs)
{
	size_t i = 0;

	while (i < FS_MAX && table[i])
		i++;
	BUG_ON(i == FS_MAX);
	table[i] = fs;
}

const struct file_system *fs_find(const char *name)
{
	for (size_t i = 0; i < FS_MAX && table[i]; i++)
		if (!strcmp(table[i]->name, name))
			return table[i];
	return NULL;
}

void fs_show_filesystems(struct seq *s)
{
	for (size_t i = 0; i < FS_MAX && table[i]; i++)
		seq_printf(s, "%s\t%s\n", table[i]->nodev ? "nodev" : "", table[i]->name);
}
