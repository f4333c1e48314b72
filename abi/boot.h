/*
 * boot.h - what the launcher hands to the Sentry: the physical memory map and the names in the device tree.
 *
 * Guest-physical addresses mean the same on both platforms: on KVM they are memory slots, on systrap the Sentry maps
 * the same memfds at DIRECT_MAP_BASE + paddr. All lie below 2^39, the smallest physical address width in the field.
 *
 *   0                RAM (a tmpfs file; sparse, frames are touched lazily)
 *   256 GiB          arena (a sealed memfd: rings, crash record, page-cache frames); all that a gofer maps
 *   320 GiB          windows of host files, read-only (dax.h)
 *   384 GiB          reserved: windows that can be written to
 *
 * RAM's first 2 MiB on KVM (on systrap only the device tree is there):
 *   0x010000         flattened device tree
 *   0x100000         boot page tables, GDT (kvm)
 *   0x200000         the Sentry's image (kvm)
 */
#ifndef MOAT_ABI_BOOT_H
#define MOAT_ABI_BOOT_H

#define RAM_PADDR 0x0ULL
#define RAM_MAX	  (256ULL << 30)
/* Never used: KVM keeps pages of its own there (the APIC access page; on some CPUs a real-mode TSS). Multiples of 2 MiB. */
#define RAM_HOLE     0xfe000000ULL
#define RAM_HOLE_END 0x100000000ULL
#define ARENA_PADDR  (256ULL << 30)
#define ARENA_MAX    (64ULL << 30)
#define DAX_RO_PADDR (320ULL << 30)
#define DAX_RW_PADDR (384ULL << 30)
#define DAX_MAX	     (64ULL << 30)
#define PADDR_END    (448ULL << 30)

#define BOOT_FDT_PADDR 0x10000ULL
#define BOOT_FDT_MAX   0xf0000ULL /* bounds argv + environment */
/* bytes of a tree that comes later, with CTL_CREATE or CTL_EXEC */
#define BOOT_SPEC_MAX	  0x800000ULL
#define BOOT_TABLES_PADDR 0x100000ULL
#define BOOT_TABLES_MAX	  0x100000ULL
#define BOOT_IMAGE_PADDR  0x200000ULL

/* The arena: queues first, then the crash record, then frames. */
#define ARENA_RINGS  0x0ULL	 /* RING_QUEUES * RING_STRIDE */
#define ARENA_CRASH  0x80000ULL	 /* struct crash_record */
#define ARENA_FRAMES 0x100000ULL /* first offset that the Sentry allocates from */

/* Ports of the KVM platform besides the doorbells. Any other access is a crash. */
#define PORT_HALT  0xe0fe /* OUT al: the sandbox ends; its status went over RING_Q_CTL_OUT */
#define PORT_CRASH 0xe0ff /* OUT al: struct crash_record is filled */

/*
 * Device tree. Cells are big-endian as always; u64 means two cells.
 *   /                 compatible = "moat,sandbox"; moat,version (u32)
 *   /memory           reg = u64 paddr, u64 size (RAM, then arena)
 *   /cpus             moat,count (u32)
 *   /chosen           moat,seed (64 random bytes), moat,debug (u32), moat,dmesg-seed (u32), moat,net (u32: a device will come),
 *                     moat,hints (u32), moat,trace (64 bytes: a bit for each system call to show)
 *   /clock            moat,tsc-hz moat,tsc moat,monotonic-ns moat,realtime-ns (u64)
 *   /systrap          descriptor numbers (u32): moat,ram-fd moat,arena-fd moat,kick-fds moat,call-fds (RING_QUEUES
 *                     cells each); systrap only
 *   /container        argv, envp (string lists), cwd, hostname, uid, gid, groups (u32s), caps (u64), tty (u32),
 *                     rows, cols (u32), umask (u32), memory-limit (u64), root-rw (u32): changes go to the root itself,
 *                     overlay (u32, BOOT_OVERLAY_*; without it memory, or none with root-rw), overlay-size (u64 bytes, 0: no
 *                     limit), overlay-used (u64 bytes, of a layer on the host), root-readonly (u32): read-only once everything below is mounted,
 *                     rlimits (u64 triples: resource, soft, hard); optional: caps-bounding, caps-effective,
 *                     caps-inheritable, caps-permitted, caps-ambient (u64, instead of caps), no-new-privs, oom-score-adj,
 *                     wait-start (u32: the first process waits for CTL_START), seccomp (struct sock_filter[] as in memory), seccomp-flags (u32),
 *                     sysctl (string list, "name=value"), domainname (string),
 *                     own-namespaces (u32, BOOT_NS_*: what it does not share with the first container),
 *                     sched-policy, sched-priority, sched-reset, nice (u32, as sched(7) has them),
 *                     state (string: JSON for the hooks' stdin),
 *                     cpu-quota, cpu-period (u64 microseconds), pids-max (u64): what the control group shows, 0: no limit
 *   /container/mounts/N  its mounts, in order: destination, type (a file system of the Sentry, or bind, mask, readonly,
 *                     propagation: that of what is mounted there already),
 *                     source (strings); data, attach (strings; bind: the gofer's export, else source is a path inside);
 *                     flags (u64, MS_*), propagation (u64, MS_*, applied afterwards), options (u32, BOOT_MOUNT_*).
 *                     mask hides what is there behind nothing; readonly makes it read-only; both skip what is missing
 *   /container/devices/N  nodes to make: path (string), mode (u32 with the type's bits), major, minor, uid, gid (u32)
 *   /container/hooks/N    programs to run one after the other before the first process does, in its place: path, argv, envp
 *                     (string lists), timeout (u32 seconds, 0: none)
 */
#define BOOT_VERSION 2

/* What is over the root, which then is read-only itself. */
#define BOOT_OVERLAY_NONE   0
#define BOOT_OVERLAY_MEMORY 1
#define BOOT_OVERLAY_FILE   2
/* The gofer's export of the layer on the host: a directory with the directories upper and work in it (guest/fs/overlay/stack.h). */
#define BOOT_OVERLAY_EXPORT "overlay"

/* own-namespaces */
#define BOOT_NS_UTS 1
#define BOOT_NS_IPC 2
#define BOOT_NS_PID 4

/* options of a mount */
/* bind: the source is not a directory; nor is a mount point that must be made */
#define BOOT_MOUNT_FILE	     1
#define BOOT_MOUNT_COPYUP    2 /* tmpfs: begins with what the directory below it has */
#define BOOT_MOUNT_OPTIONAL  4 /* a failure is a line in dmesg, not the end */
#define BOOT_MOUNT_EXCLUSIVE 8 /* bind: nobody else changes it, so its caches need no second look */

#endif
