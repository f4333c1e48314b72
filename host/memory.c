/*
 * memory.c - see memory.h. Nothing here is touched: both files are sparse and the host backs a frame at its first use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "host/error.h"
#include "host/memory.h"

uint64_t memory_host_total(void)
{
	struct sysinfo si;

	if (sysinfo(&si) < 0)
		return 1ULL << 30;
	return (uint64_t)si.totalram * si.mem_unit;
}

int memory_create_shared(struct sandbox *sb, uint64_t arena_size, struct error *err)
{
	sb->arena_size = arena_size;
	sb->arena_fd = memfd_create("moat-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (sb->arena_fd < 0)
		return error_errno(err, "make the arena");
	if (ftruncate(sb->arena_fd, (off_t)arena_size) < 0 ||
	    fcntl(sb->arena_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return error_errno(err, "size the arena");
	for (int q = 0; q < RING_QUEUES; q++) {
		sb->kick_fd[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		sb->call_fd[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (sb->kick_fd[q] < 0 || sb->call_fd[q] < 0)
			return error_errno(err, "make the eventfds of queue %d", q);
	}
	return 0;
}

/* A file on a detached tmpfs: when the descriptor and the mappings are gone, so is the mount. */
static int huge_file(void)
{
	int fs, mnt = -1, fd = -1;

	fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -1;
	syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "100%", 0);
	syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0700", 0);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "huge", "advise", 0) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				   MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	if (mnt >= 0)
		fd = openat(mnt, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (mnt >= 0)
		close(mnt);
	close(fs);
	return fd;
}

static char *map(int fd, uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int memory_create_ram(struct sandbox *sb, uint64_t size, struct error *err)
{
	sb->ram_size = size;
	sb->ram_fd = huge_file();
	if (sb->ram_fd < 0)
		sb->ram_fd = memfd_create("moat-ram", MFD_CLOEXEC);
	if (sb->ram_fd < 0)
		return error_errno(err, "make the sandbox's memory");
	if (ftruncate(sb->ram_fd, (off_t)size) < 0)
		return error_errno(err, "size the sandbox's memory to %llu MiB",
				   (unsigned long long)size >> 20);
	sb->ram = map(sb->ram_fd, size);
	sb->arena = map(sb->arena_fd, sb->arena_size);
	if (!sb->ram || !sb->arena)
		return error_errno(err, "map the sandbox's memory");
	return 0;
}
