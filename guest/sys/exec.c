/*
 * exec.c - execve(2) and execveat(2): everything that can fail is done beside the old program; then task_exec_switch
 * (task/exec.c) kills the other threads and changes over, which only a fatal signal can stop.
 *
 * Scripts nest five deep; a script's first line counts up to 255 bytes. Differs from Linux: no binfmt_misc, no a.out;
 * a file whose segments overlap or leave the file is refused (loader/elf.h).
 */
#include <string.h>

#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "sys/exec.h"
#include "sys/sys.h"
#include "sys/task_glue.h"
#include "task/exec.h"
#include "task/ns/timens.h"
#include "task/ucounts.h"

#define SCRIPT_LINE  256
#define RLIMIT_STACK 3

static s64 elf_read(void *ctx, u64 off, void *buf, size_t len)
{
	return file_read_kernel(ctx, buf, len, off);
}

static int parse(struct file *f, struct elf_image *img, struct elf_file *ef)
{
	struct stat_info st;
	int err = vfs_stat_file(f, &st);
	enum elf_error e;

	if (err)
		return err;
	ef->read = elf_read;
	ef->ctx = f;
	ef->size = st.size;
	ef->lo_limit = MMAP_MIN_ADDR;
	ef->hi_limit = USER_END;
	e = elf_parse(ef, img);
	if (e == ELF_OK)
		return 0;
	if (e == ELF_IO && img->io_error < 0)
		return (int)img->io_error;
	return -elf_errno(e);
}

/* ---- scripts ---- */

/* Put `str` in front of what the program gets. Takes it over. */
static int push_front(struct exec *x, char *str)
{
	if (!str || x->nprefix == EXEC_PREFIX) {
		kfree(str);
		return str ? -ELOOP : -ENOMEM;
	}
	memmove(x->prefix + 1, x->prefix, x->nprefix * sizeof(char *));
	x->prefix[0] = str;
	x->nprefix++;
	return 0;
}

static void pop_front(struct exec *x)
{
	if (!x->nprefix) {
		x->skip++; /* the caller's argv[0] */
		return;
	}
	kfree(x->prefix[0]);
	x->nprefix--;
	memmove(x->prefix, x->prefix + 1, x->nprefix * sizeof(char *));
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * line holds the script's beginning, NUL-ended. Splits it into interpreter and at most one argument.
 */
static int split_line(char *line, size_t n, char **interp, char **arg)
{
	char *end = memchr(line, '\n', n), *p = line + 2, *q;

	if (!end) {
		end = memchr(line, 0, n);
		/* Cut off: fine only if the interpreter's name is complete. */
		if (end == line + n - 1 || !end) {
			end = line + n - 1;
			for (q = p; q < end && blank(*q); q++)
				;
			for (; q < end && *q && !blank(*q); q++)
				;
			if (q == end)
				return -ENOEXEC;
		}
	}
	while (end > p && blank(end[-1]))
		end--;
	*end = 0;
	while (blank(*p))
		p++;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && !blank(*p))
		p++;
	*arg = NULL;
	if (*p) {
		*p++ = 0;
		while (blank(*p))
			p++;
		if (*p)
			*arg = p;
	}
	return 0;
}

/* x->file is a script named name: becomes its interpreter. *next is the interpreter's name, to be freed. */
static int enter_script(struct exec *x, char *line, size_t n, const char *name, char **next)
{
	char *interp, *arg;
	int err;

	err = split_line(line, n, &interp, &arg);
	if (err)
		return err;
	pop_front(x);
	err = push_front(x, kstrdup(name));
	if (!err && arg)
		err = push_front(x, kstrdup(arg));
	if (!err)
		err = push_front(x, kstrdup(interp));
	if (err)
		return err;
	*next = kstrdup(interp);
	if (!*next)
		return -ENOMEM;
	file_put(x->file);
	x->file = vfs_open_exec(AT_FDCWD, interp, 0);
	if (IS_ERR(x->file)) {
		err = PTR_ERR(x->file);
		x->file = NULL;
		kfree(*next);
		*next = NULL;
	}
	return err;
}

/* Follow `#!` lines until x->file is something else. */
static int resolve_scripts(struct exec *x, bool unreachable)
{
	char line[SCRIPT_LINE], *name = NULL, *next;
	int depth, err = 0;
	s64 n;

	for (depth = 0;; depth++) {
		memset(line, 0, sizeof(line));
		n = file_read_kernel(x->file, line, sizeof(line) - 1, 0);
		if (n < 0) {
			err = (int)n;
			break;
		}
		if (line[0] != '#' || line[1] != '!')
			break;
		if (unreachable) {
			err = -ENOENT;
			break;
		}
		if (depth == EXEC_SCRIPTS) {
			err = -ELOOP;
			break;
		}
		err = enter_script(x, line, sizeof(line), name ? name : x->name, &next);
		if (err)
			break;
		kfree(name);
		name = next;
	}
	kfree(name);
	return err;
}

/* ---- arguments ---- */

static int collect_strings(struct exec *x, const struct exec_source *src)
{
	u64 limit = MIN(task_rlimit(RLIMIT_STACK) / 4, EXEC_PAGES * PAGE_SIZE);
	unsigned i;
	int err = 0;

	x->args->limit = MAX(limit, EXEC_STRING_MAX);
	for (i = 0; !err && i < x->nprefix; i++)
		err = exec_strings_add(x->args, x->prefix[i]);
	if (!err && src->user)
		err = exec_strings_user(x->args, src->uargv, x->skip);
	else if (!err)
		err = exec_strings_kernel(x->args, src->argv, x->skip);
	if (!err && !x->args->count) /* as Linux since 5.18: there is always an argv[0] */
		err = exec_strings_add(x->args, "");
	if (err)
		return err;
	x->envs->limit = x->args->limit - x->args->len - x->args->count * 8;
	if (src->user)
		return exec_strings_user(x->envs, src->uenvp, 0);
	return exec_strings_kernel(x->envs, src->envp, 0);
}

/* ---- the image ---- */

static int load(struct exec *x)
{
	struct elf_image *img = kmalloc(2 * sizeof(*img)), *interp = img + 1;
	struct elf_file ef;
	char path[512];
	int err = -ENOMEM;

	if (!img)
		return err;
	err = parse(x->file, img, &ef);
	if (err)
		goto out;
	if (img->interp_len) {
		err = -ENOEXEC;
		if (img->interp_len > sizeof(path) ||
		    elf_interp(&ef, img, path, sizeof(path)) != ELF_OK)
			goto out;
		x->interp = vfs_open_exec(AT_FDCWD, path, 0);
		if (IS_ERR(x->interp)) {
			err = PTR_ERR(x->interp);
			x->interp = NULL;
			goto out;
		}
		err = parse(x->interp, interp, &ef);
		if (err) {
			err = err == -ENOEXEC ? -ELIBBAD : err;
			goto out;
		}
	}
	x->mm = mm_create();
	if (IS_ERR(x->mm)) {
		err = PTR_ERR(x->mm);
		x->mm = NULL;
		goto out;
	}
	if (!x->secure)
		mm_set_owner(x->mm, x->cred->euid);
	err = exec_load(x, img, img->interp_len ? interp : NULL);
	mm_layout(x->mm)->loads_itself = !img->interp_len;
	if (!err)
		err = mm_map_vdso(x->mm);
	if (!err && time_ns_for_next())
		err = mm_hide_clock(x->mm);
	if (!err)
		err = exec_stack(x, img->stack_known && img->stack_exec);
out:
	kfree(img);
	return err;
}

static void exec_free(struct exec *x)
{
	if (x->mm)
		mm_put(x->mm);
	if (x->file)
		file_put(x->file);
	if (x->interp)
		file_put(x->interp);
	while (x->nprefix)
		pop_front(x);
	if (x->args)
		exec_strings_free(x->args);
	if (x->envs)
		exec_strings_free(x->envs);
	kfree(x->args);
	kfree(x->envs);
	cred_put(x->cred);
	kfree(x);
}

/* Did it become, by setuid(2), a user who has too many processes, and still has? */
static bool nproc_exceeded(struct task *t)
{
	t->nproc_exceeded = t->nproc_exceeded &&
			    ucounts_over(t->ucounts, UCOUNT_NPROC, task_rlimit(RLIMIT_NPROC));
	return t->nproc_exceeded;
}

/* open_name is what is opened relative to dirfd; name is what the program and scripts see. */
static int do_exec(int dirfd, const char *open_name, const char *name, int flags,
		   const struct exec_source *src)
{
	struct exec *x;
	int err = -ENOMEM;

	if (nproc_exceeded(task_current()))
		return -EAGAIN;
	x = kzalloc(sizeof(*x));
	if (!x)
		return err;
	x->name = name;
	x->args = kzalloc(sizeof(*x->args));
	x->envs = kzalloc(sizeof(*x->envs));
	if (!x->args || !x->envs)
		goto out;
	x->file = vfs_open_exec(dirfd, open_name, flags);
	if (IS_ERR(x->file)) {
		err = PTR_ERR(x->file);
		x->file = NULL;
		goto out;
	}
	err = resolve_scripts(x, src->unreachable);
	if (!err)
		err = collect_strings(x, src);
	if (!err)
		err = exec_cred(x);
	if (!err)
		err = load(x);
	if (!err) {
		struct exec_switch sw = { .mm = x->mm,
					  .cred = x->cred,
					  .entry = x->entry,
					  .sp = x->sp,
					  .name = name,
					  .secure = x->secure };

		err = task_exec_switch(&sw);
		if (!err) /* they are the task's now */
			x->mm = NULL, x->cred = NULL;
	}
out:
	exec_free(x);
	return err;
}

int exec_kernel(const char *file, char *const *argv, char *const *envp)
{
	struct exec_source src = { .argv = argv, .envp = envp };

	return do_exec(AT_FDCWD, file, file, 0, &src);
}

s64 sys_execveat(fd_a dfd, path_a path, uptr_a argv, uptr_a envp, flags_a flags)
{
	struct exec_source src = { .user = true, .uargv = argv, .uenvp = envp };
	char *name, *shown = NULL;
	size_t size;
	int err;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	name = name_from_user(path, flags & AT_EMPTY_PATH);
	if (IS_ERR(name))
		return PTR_ERR(name);
	if (dfd != AT_FDCWD && name[0] != '/') {
		src.unreachable = fd_get_cloexec(dfd) == 1;
		size = strlen(name) + 24;
		shown = kmalloc(size);
		err = -ENOMEM;
		if (!shown)
			goto out;
		ksnprintf(shown, size, name[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd, name);
	}
	err = do_exec(dfd, name, shown ? shown : name, (int)flags, &src);
	kfree(shown);
out:
	name_free(name);
	/* On success the registers are the new program's, and rax must stay as it is: 0. */
	return err;
}

s64 sys_execve(path_a path, uptr_a argv, uptr_a envp)
{
	return sys_execveat(AT_FDCWD, path, argv, envp, 0);
}
