/* Reading files of /proc, for the tests of them. */
#ifndef ABI_SLURP_H
#define ABI_SLURP_H

#include "abi.h"

static char text[1 << 16];

/* The whole of a file, which must not be empty; the text stays until the next call. */
static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, total = 0;

	text[0] = 0;
	if (fd < 0) {
		ABI_FAIL("%s: %s", path, abi_errname(errno));
		return text;
	}
	while ((n = read(fd, text + total, sizeof(text) - 1 - total)) > 0)
		total += n;
	text[total] = 0;
	close(fd);
	if (!total)
		ABI_FAIL("%s is empty", path);
	return text;
}

#endif
