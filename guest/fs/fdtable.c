/*
 * fdtable.c - descriptor tables: number -> open file, and the close-on-exec bits.
 *
 * A slot is free, reserved (its bit in `open` is set, it has no file) or open. A call that gives its caller a number in
 * user memory reserves the slot, writes the number and only then commits the file to it: before that no thread can close
 * or replace what the call may still have to take back. To every other call a reserved number is not open; dup2 to it is
 * -EBUSY.
 *
 * A spinlock guards a table; a lookup in a table that only one thread uses takes none (only its owner changes it, and
 * others, like /proc, take the lock to read). The arrays double as needed up to LIMIT. Closing works outside the lock.
 */
#include <linux/close_range.h>
#include <string.h>

#include "fs/lock.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

#define FD_MIN	 64
#define FD_LIMIT (1u << 20)

struct fdtable {
	struct ref ref;
	struct spinlock lock;
	unsigned size; /* slots */
	unsigned hint; /* no free slot below it */
	struct file **file;
	u64 *open;    /* a bit a slot: not free */
	u64 *cloexec; /* a bit a slot; lies behind `open` */
};

static bool bit_get(const u64 *map, unsigned n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static void bit_set(u64 *map, unsigned n, bool on)
{
	if (on)
		map[n / 64] |= 1ULL << (n % 64);
	else
		map[n / 64] &= ~(1ULL << (n % 64));
}

static struct fdtable *table_new(unsigned size)
{
	struct fdtable *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_init(&t->ref);
	t->size = size;
	t->file = kzalloc(size * sizeof(*t->file));
	t->open = kzalloc(2 * size / 8);
	if (!t->file || !t->open) {
		kfree(t->file);
		kfree(t->open);
		kfree(t);
		return NULL;
	}
	t->cloexec = t->open + size / 64;
	return t;
}

struct fdtable *fdtable_create(void)
{
	struct fdtable *t = table_new(FD_MIN);

	return t ? t : ERR_PTR(-ENOMEM);
}

struct fdtable *fdtable_clone(struct fdtable *from)
{
	struct fdtable *t;
	unsigned size;

	for (;;) {
		size = atomic_load(&from->size);
		t = table_new(size);
		if (!t)
			return ERR_PTR(-ENOMEM);
		spin_lock(&from->lock);
		if (from->size == size)
			break;
		spin_unlock(&from->lock);
		fdtable_put(t);
	}
	for (unsigned i = 0; i < size; i++) {
		if (!from->file[i])
			continue; /* free, or reserved by a call that will never fill it here */
		file_get(from->file[i]);
		t->file[i] = from->file[i];
		bit_set(t->open, i, true);
		bit_set(t->cloexec, i, bit_get(from->cloexec, i));
	}
	spin_unlock(&from->lock);
	return t;
}

void fdtable_get(struct fdtable *t)
{
	ref_get(&t->ref);
}

struct fdtable *fdtable_of(struct task *t)
{
	struct fdtable *files;

	spin_lock(&task_lock);
	files = t->files;
	if (files)
		fdtable_get(files);
	spin_unlock(&task_lock);
	return files;
}

static int close_file(struct fdtable *t, struct file *f)
{
	int err = 0;

	if (f->ops && f->ops->flush && !(f->mode & FMODE_PATH))
		err = f->ops->flush(f);
	if (f->inode && inode_marked(f->inode, INODE_LOCKS))
		file_locks_close(f, t);
	file_put(f);
	return err;
}

bool fdtable_shared(struct fdtable *t)
{
	return atomic_load(&t->ref.n) > 1;
}

void fdtable_put(struct fdtable *t)
{
	if (!t || !ref_put(&t->ref))
		return;
	for (unsigned i = 0; i < t->size; i++)
		if (t->file[i])
			close_file(t, t->file[i]);
	kfree(t->file);
	kfree(t->open);
	kfree(t);
}

/* Make room for slot fd. Lock held, and dropped for the allocation. 0 or -ENOMEM, -EMFILE. */
static int grow_locked(struct fdtable *t, unsigned fd)
{
	while (t->size <= fd) {
		unsigned size = t->size;
		struct file **file, **old_file;
		u64 *open, *old_open;

		if (fd >= FD_LIMIT)
			return -EMFILE;
		while (size <= fd)
			size *= 2;
		spin_unlock(&t->lock);
		file = kzalloc(size * sizeof(*file));
		open = kzalloc(2 * size / 8);
		spin_lock(&t->lock);
		if (!file || !open || t->size > fd) {
			bool enough = t->size > fd;

			spin_unlock(&t->lock);
			kfree(file);
			kfree(open);
			spin_lock(&t->lock);
			if (!enough)
				return -ENOMEM;
			continue;
		}
		old_file = t->file;
		old_open = t->open;
		memcpy(file, old_file, t->size * sizeof(*file));
		memcpy(open, old_open, t->size / 8);
		memcpy(open + size / 64, t->cloexec, t->size / 8);
		t->file = file;
		t->open = open;
		t->cloexec = open + size / 64;
		t->size = size;
		kfree(old_file);
		kfree(old_open);
	}
	return 0;
}

static struct fdtable *mine(void)
{
	return task_current()->files;
}

static struct file *get(struct fdtable *t, int fd)
{
	bool shared = atomic_load(&t->ref.n) > 1;
	struct file *f = NULL;

	if (shared)
		spin_lock(&t->lock);
	if ((unsigned)fd < t->size) {
		f = t->file[fd];
		if (f)
			file_get(f);
	}
	if (shared)
		spin_unlock(&t->lock);
	return f;
}

struct file *fd_get_path(int fd)
{
	struct file *f = get(mine(), fd);

	return f ? f : ERR_PTR(-EBADF);
}

struct file *fd_get(int fd)
{
	struct file *f = get(mine(), fd);

	if (f && (f->mode & FMODE_PATH)) {
		file_put(f);
		f = NULL;
	}
	return f ? f : ERR_PTR(-EBADF);
}

/* The first free slot from fd on, or a number that the table has no slot for. Lock held. */
static unsigned find_free(const struct fdtable *t, unsigned fd)
{
	while (fd < t->size) {
		u64 free = ~t->open[fd / 64] >> (fd % 64);

		if (free)
			return fd + (unsigned)__builtin_ctzll(free);
		fd = (fd | 63) + 1;
	}
	return fd;
}

/* Take the lowest free slot from min on for f; NULL: reserve it. */
static int alloc(struct file *f, int min, bool cloexec)
{
	struct fdtable *t = mine();
	u64 limit = MIN(task_rlimit(RLIMIT_NOFILE), (u64)FD_LIMIT);
	unsigned fd;
	int err;

	if (min < 0 || (u64)min >= limit)
		return min < 0 ? -EINVAL : -EMFILE;
	spin_lock(&t->lock);
	do {
		fd = find_free(t, MAX((unsigned)min, t->hint));
		err = fd >= limit ? -EMFILE : grow_locked(t, fd);
		if (err) {
			spin_unlock(&t->lock);
			return err;
		}
	} while (bit_get(t->open, fd)); /* taken while the table grew */
	t->file[fd] = f;
	bit_set(t->open, fd, true);
	bit_set(t->cloexec, fd, cloexec);
	if ((unsigned)min <= t->hint)
		t->hint = fd + 1;
	spin_unlock(&t->lock);
	return (int)fd;
}

int fd_install(struct file *f, int min, bool cloexec)
{
	return alloc(f, min, cloexec);
}

int fd_reserve(bool cloexec)
{
	return alloc(NULL, 0, cloexec);
}

void fd_commit(int fd, struct file *f)
{
	struct fdtable *t = mine();

	spin_lock(&t->lock);
	ASSERT(bit_get(t->open, (unsigned)fd) && !t->file[fd]);
	t->file[fd] = f;
	spin_unlock(&t->lock);
}

static void free_slot(struct fdtable *t, unsigned fd)
{
	t->file[fd] = NULL;
	bit_set(t->open, fd, false);
	bit_set(t->cloexec, fd, false);
	t->hint = MIN(t->hint, fd);
}

void fd_cancel(int fd)
{
	struct fdtable *t = mine();

	spin_lock(&t->lock);
	ASSERT(bit_get(t->open, (unsigned)fd) && !t->file[fd]);
	free_slot(t, (unsigned)fd);
	spin_unlock(&t->lock);
}

int fd_finish(int fd, struct file *f)
{
	if (IS_ERR(f)) {
		fd_cancel(fd);
		return (int)PTR_ERR(f);
	}
	fd_commit(fd, f);
	return fd;
}

int fd_install_new(struct file *f, bool cloexec)
{
	int fd;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	fd = fd_install(f, 0, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

int fd_install_at(struct file *f, int fd, bool cloexec)
{
	struct fdtable *t = mine();
	struct file *old;
	int err;

	if (fd < 0 || (u64)fd >= task_rlimit(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&t->lock);
	err = grow_locked(t, (unsigned)fd);
	if (err) {
		spin_unlock(&t->lock);
		return err == -EMFILE ? -EBADF : err;
	}
	old = t->file[fd];
	if (!old && bit_get(t->open, (unsigned)fd)) {
		spin_unlock(&t->lock);
		return -EBUSY;
	}
	t->file[fd] = f;
	bit_set(t->open, (unsigned)fd, true);
	bit_set(t->cloexec, (unsigned)fd, cloexec);
	spin_unlock(&t->lock);
	if (old)
		close_file(t, old);
	return fd;
}

static struct file *take_locked(struct fdtable *t, unsigned fd)
{
	struct file *f = fd < t->size ? t->file[fd] : NULL;

	if (!f)
		return NULL;
	free_slot(t, fd);
	return f;
}

int fd_close(int fd)
{
	struct fdtable *t = mine();
	struct file *f;

	spin_lock(&t->lock);
	f = take_locked(t, (unsigned)fd);
	spin_unlock(&t->lock);
	if (!f)
		return -EBADF;
	return close_file(t, f);
}

int fd_close_range(unsigned first, unsigned last, unsigned flags)
{
	struct fdtable *t = mine();

	for (unsigned fd = first; fd <= last; fd++) {
		struct file *f = NULL;

		spin_lock(&t->lock);
		if (fd >= t->size) {
			spin_unlock(&t->lock);
			break;
		}
		if (flags & CLOSE_RANGE_CLOEXEC) {
			if (t->file[fd])
				bit_set(t->cloexec, fd, true);
		} else {
			f = take_locked(t, fd);
		}
		spin_unlock(&t->lock);
		if (f)
			close_file(t, f);
	}
	return 0;
}

void fdtable_exec(struct fdtable *t)
{
	for (unsigned fd = 0; fd < t->size; fd++) {
		struct file *f = NULL;

		spin_lock(&t->lock);
		if (bit_get(t->cloexec, fd))
			f = take_locked(t, fd);
		spin_unlock(&t->lock);
		if (f)
			close_file(t, f);
	}
}

int fd_get_cloexec(int fd)
{
	struct fdtable *t = mine();
	int r = -EBADF;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->size && t->file[fd])
		r = bit_get(t->cloexec, (unsigned)fd);
	spin_unlock(&t->lock);
	return r;
}

int fd_set_cloexec(int fd, bool on)
{
	struct fdtable *t = mine();
	int r = -EBADF;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->size && t->file[fd]) {
		bit_set(t->cloexec, (unsigned)fd, on);
		r = 0;
	}
	spin_unlock(&t->lock);
	return r;
}

int fdtable_next(struct fdtable *t, int fd)
{
	int r = -1;

	spin_lock(&t->lock);
	for (unsigned i = fd < 0 ? 0 : (unsigned)fd; i < t->size; i++) {
		if (t->file[i]) {
			r = (int)i;
			break;
		}
	}
	spin_unlock(&t->lock);
	return r;
}

struct file *fdtable_file(struct fdtable *t, int fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->size)
		f = t->file[fd];
	if (f)
		file_get(f);
	spin_unlock(&t->lock);
	return f;
}
