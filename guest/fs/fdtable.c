/*
 * fdtable.c - descriptor tables: number -> open file, and the close-on-exec bits.
 *
 * A spinlock guards a table; a lookup in a table that only one thread uses takes none (only its owner changes it, and
 * others, like /proc, take the lock to read). The arrays double as needed up to LIMIT. Closing works outside the lock.
 */
#include <linux/close_range.h>
#include <string.h>

#include "fs/lock.h"
#include "fs/vfs.h"
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
	u64 *cloexec; /* a bit a slot */
};

static struct fdtable *table_new(unsigned size)
{
	struct fdtable *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_init(&t->ref);
	t->size = size;
	t->file = kzalloc(size * sizeof(*t->file));
	t->cloexec = kzalloc(size / 8);
	if (!t->file || !t->cloexec) {
		kfree(t->file);
		kfree(t->cloexec);
		kfree(t);
		return NULL;
	}
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
	memcpy(t->file, from->file, size * sizeof(*t->file));
	memcpy(t->cloexec, from->cloexec, size / 8);
	t->hint = from->hint;
	for (unsigned i = 0; i < size; i++)
		if (t->file[i])
			file_get(t->file[i]);
	spin_unlock(&from->lock);
	return t;
}

void fdtable_get(struct fdtable *t)
{
	ref_get(&t->ref);
}

static int close_file(struct fdtable *t, struct file *f)
{
	int err = 0;

	if (f->ops && f->ops->flush && !(f->mode & FMODE_PATH))
		err = f->ops->flush(f);
	if (f->inode && f->inode->locks)
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
	kfree(t->cloexec);
	kfree(t);
}

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

/* Make room for slot fd. Lock held, and dropped for the allocation. 0 or -ENOMEM, -EMFILE. */
static int grow_locked(struct fdtable *t, unsigned fd)
{
	while (t->size <= fd) {
		unsigned size = t->size;
		struct file **file, **of;
		u64 *cloexec, *oc;

		if (fd >= FD_LIMIT)
			return -EMFILE;
		while (size <= fd)
			size *= 2;
		spin_unlock(&t->lock);
		file = kzalloc(size * sizeof(*file));
		cloexec = kzalloc(size / 8);
		spin_lock(&t->lock);
		if (!file || !cloexec || t->size > fd) {
			bool enough = t->size > fd;

			spin_unlock(&t->lock);
			kfree(file);
			kfree(cloexec);
			spin_lock(&t->lock);
			if (!enough)
				return -ENOMEM;
			continue;
		}
		memcpy(file, t->file, t->size * sizeof(*file));
		memcpy(cloexec, t->cloexec, t->size / 8);
		of = t->file;
		oc = t->cloexec;
		t->file = file;
		t->cloexec = cloexec;
		t->size = size;
		kfree(of);
		kfree(oc);
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

int fd_install(struct file *f, int min, bool cloexec)
{
	struct fdtable *t = mine();
	u64 limit = MIN(task_rlimit(RLIMIT_NOFILE), (u64)FD_LIMIT);
	unsigned fd;
	int err;

	if (min < 0 || (u64)min >= limit)
		return min < 0 ? -EINVAL : -EMFILE;
	spin_lock(&t->lock);
	fd = MAX((unsigned)min, t->hint);
	for (;;) {
		while (fd < t->size && t->file[fd])
			fd++;
		if (fd >= limit) {
			spin_unlock(&t->lock);
			return -EMFILE;
		}
		if (fd < t->size)
			break;
		err = grow_locked(t, fd);
		if (err) {
			spin_unlock(&t->lock);
			return err;
		}
	}
	t->file[fd] = f;
	bit_set(t->cloexec, fd, cloexec);
	if ((unsigned)min <= t->hint)
		t->hint = fd + 1;
	spin_unlock(&t->lock);
	return (int)fd;
}

int fd_room(void)
{
	struct fdtable *t = mine();
	u64 limit = MIN(task_rlimit(RLIMIT_NOFILE), (u64)FD_LIMIT);
	unsigned fd;

	spin_lock(&t->lock);
	fd = t->hint;
	while (fd < t->size && t->file[fd])
		fd++;
	spin_unlock(&t->lock);
	return fd < limit ? 0 : -EMFILE;
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
	t->file[fd] = f;
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
	t->file[fd] = NULL;
	bit_set(t->cloexec, fd, false);
	t->hint = MIN(t->hint, fd);
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
