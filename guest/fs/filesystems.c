/*
 * filesystems.c - the file systems there are. A new one is a folder or file, and a row here.
 */
#include <string.h>

#include "fs/vfs.h"

extern const struct file_system tmpfs_fs, ramfs_fs, overlay_fs, p9_fs;

static const struct file_system *const table[] = {
	&tmpfs_fs,
	&ramfs_fs,
	&overlay_fs,
	&p9_fs,
};

const struct file_system *fs_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i]->name, name))
			return table[i];
	return NULL;
}

void fs_show_filesystems(struct seq *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		seq_printf(s, "%s\t%s\n", table[i]->nodev ? "nodev" : "", table[i]->name);
}
