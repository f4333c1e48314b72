/*
 * program.c - finding what a container or an exec is to run, as execvp(3) does.
 *
 * A container's program is looked for when the container is made, so that an engine hears of a missing one from `create`, as
 * from runc: what fails in `start` leaves a container behind that some of them never delete. Whether its user may run it,
 * and whether it can be run at all, shows at the start only.
 */
#include <string.h>

#include "container/session.h"
#include "fs/boot.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "sys/task_glue.h"

static const char *path_variable(char *const *envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

typedef int (*attempt_fn)(const char *path, const struct spec *spec);

/* Try each place that the name may mean: -EACCES wins over -ENOENT, any other result ends the search. */
static int search(const struct spec *spec, attempt_fn attempt)
{
	const char *name = spec->argv[0], *p = path_variable(spec->envp);
	int err = -ENOENT, now = -ENOMEM;
	char *full;

	if (strchr(name, '/') || !*name)
		return attempt(name, spec);
	full = kmalloc(PATH_MAX);
	while (full) {
		const char *end = p + strcspn(p, ":");

		if (ksnprintf(full, PATH_MAX, "%.*s/%s", (int)(end - p), p, name) < PATH_MAX) {
			now = attempt(full, spec);
			if (now != -ENOENT && now != -EACCES && now != -ENOTDIR)
				break;
			if (now == -EACCES)
				err = now;
		}
		now = err;
		if (!*end)
			break;
		p = end + 1;
	}
	kfree(full);
	return now;
}

static int execute(const char *path, const struct spec *spec)
{
	return exec_kernel(path, spec->argv, spec->envp);
}

int program_exec(const struct spec *spec)
{
	return search(spec, execute);
}

static int look(const char *path, const struct spec *spec)
{
	struct path_ref p;
	u32 mode;
	int err = path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	mode = path_inode(&p)->mode;
	path_put(&p);
	return S_ISREG(mode) && mode & 0111 ? 0 : -EACCES;
}

bool program_lacks_interpreter(const struct spec *spec, int err)
{
	return err == -ENOENT && !search(spec, look);
}

int program_check(const struct session *s, char *why, size_t size)
{
	const struct spec *spec = s->spec;
	struct task *t = task_current();
	struct fs_context *before = t->fs, *ctx;
	int err = 0;

	if (!spec->argv[0] || !spec->wait_start)
		return 0; /* nobody is told before it starts */
	ctx = fs_context_clone(s->container->fs);
	if (IS_ERR(ctx))
		return (int)PTR_ERR(ctx);
	t->fs = ctx;
	/* A relative name starts there. One that cannot be entered is reported at the start. */
	if (!spec->cwd || !fs_enter_cwd(spec->cwd, spec->uid, spec->gid))
		err = search(spec, look);
	t->fs = before;
	fs_context_put(ctx);
	if (err)
		ksnprintf(why, size, "cannot run '%.120s'", spec->argv[0]);
	return err;
}
