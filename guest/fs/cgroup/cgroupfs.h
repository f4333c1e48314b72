/*
 * cgroupfs.h - the cgroup2 file system, for boot and for the system calls.
 */
#ifndef MOAT_FS_CGROUPFS_H
#define MOAT_FS_CGROUPFS_H

struct cgroup;

/* Make the file system known, at boot. */
void cgroupfs_register(void);
/* A container has ended: its root group's directory goes, and all below it. */
void cgroupfs_drop(struct cgroup *root);
/* The group whose directory descriptor fd is open on, with a reference. ERR_PTR(-EBADF). */
struct cgroup *cgroupfs_of_fd(int fd);
/*
 * CLONE_INTO_CGROUP: the same, if the caller may put a child there. ERR_PTR(-EBADF, -EACCES, -ENOENT, and what
 * cgroup_may_enter says).
 */
struct cgroup *cgroupfs_for_child(int fd);

#endif
