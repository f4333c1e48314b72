/*
 * home.c - HOME for a program whose configuration does not say it: what the container's /etc/passwd has for its user, or /,
 * as runc does. The file is the container's own: it may be anything.
 */
#include <string.h>

#include "container/session.h"
#include "fs/abi.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "sys/task_glue.h"

#define PASSWD_MAX (256 << 10) /* bytes of it that are looked at */
#define HOME_MAX   1024

/* Its text, NUL-ended; NULL: there is none. */
static char *read_passwd(void)
{
	struct file *f = vfs_open(AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK, 0);
	struct iov_seg seg;
	struct iov v;
	char *text = NULL;
	u64 pos = 0;
	s64 n = -1;

	if (IS_ERR(f))
		return NULL;
	if (S_ISREG(f->inode->mode))
		text = kmalloc(PASSWD_MAX + 1);
	if (text) {
		iov_kernel(&v, &seg, text, PASSWD_MAX);
		n = file_read(f, &v, &pos);
		text[n > 0 ? n : 0] = 0;
	}
	file_put(f);
	return text;
}

/* Field n of the line at p, from 0; its length in *len. NULL: it has no such field. */
static const char *field(const char *p, unsigned n, size_t *len)
{
	for (; n; n--) {
		p += strcspn(p, ":\n");
		if (*p++ != ':')
			return NULL;
	}
	*len = strcspn(p, ":\n");
	return p;
}

static bool is_number(const char *p, size_t len, u32 value)
{
	char text[16];

	return (size_t)ksnprintf(text, sizeof(text), "%u", value) == len &&
	       memcmp(p, text, len) == 0;
}

/* "HOME=..." of the user with this number. */
static void find_home(const char *passwd, u32 uid, char *out, size_t size)
{
	ksnprintf(out, size, "HOME=/");
	for (const char *line = passwd; line && *line;) {
		size_t id_len = 0, home_len = 0;
		const char *id = field(line, 2, &id_len), *home = field(line, 5, &home_len);

		if (id && home && home_len && home_len < HOME_MAX && is_number(id, id_len, uid)) {
			ksnprintf(out, size, "HOME=%.*s", (int)home_len, home);
			return;
		}
		line = strchr(line, '\n');
		line += line != NULL;
	}
}

int home_add(struct spec *s)
{
	char entry[HOME_MAX + 8], *passwd, **envp;
	size_t n = 0, len;

	for (; s->envp[n]; n++)
		if (strncmp(s->envp[n], "HOME=", 5) == 0)
			return 0;
	passwd = read_passwd();
	find_home(passwd, s->uid, entry, sizeof(entry));
	kfree(passwd);
	len = strlen(entry) + 1;
	/* The strings that are there stay in the old block, which goes with the spec. */
	envp = kmalloc((n + 2) * sizeof(*envp) + len);
	if (!envp)
		return -ENOMEM;
	memcpy(envp, s->envp, n * sizeof(*envp));
	envp[n] = memcpy(&envp[n + 2], entry, len);
	envp[n + 1] = NULL;
	s->envp_given = s->envp;
	s->envp = envp;
	return 0;
}
