/*
 * main.c - the Sentry's boot, top to bottom: machine, memory, CPUs, devices, files, init.
 */
#include <string.h>

#include "abi/boot.h"
#include "boot.h"
#include "boot_lines.h"
#include "dev/balloon.h"
#include "dev/console.h"
#include "dev/chrdev.h"
#include "dev/control.h"
#include "dev/devfs.h"
#include "dev/tty/tty.h"
#include "fs/cgroupfs.h"
#include "fs/procfs.h"
#include "fs/vfs.h"
#include "init.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/random.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "net/socket.h"
#include "net/virtio.h"
#include "ring/ring.h"
#include "sys/hints.h"
#include "sys/task_glue.h"
#include "sys/trace.h"
#include "task/task.h"
#include "task/uts.h"

static struct boot_info boot;
static u64 start_cycles;

static u64 since_boot(void)
{
	return clock_mono() - boot.monotonic;
}

static void debug_sink(const char *line, size_t len)
{
	control_send(CTL_LOG, 0, line, len);
}

/* ---- what the launcher tells us ---- */

static u64
	for_init; /* signals that init has not got, as a mask: those of the time before there is one wait here */

static void signal_init(void)
{
	struct process *p = process_find(1);
	u64 set;

	if (!p)
		return;
	set = atomic_xchg(&for_init, 0);
	for (int signo = 1; signo <= 64; signo++)
		if (set >> (signo - 1) & 1)
			signal_process(p, signo, NULL);
	process_put(p);
}

static void on_signal(int signo, bool foreground)
{
	struct process *p = foreground ? process_find(1) : NULL;

	if (p) {
		process_put(p);
		console_signal_foreground(signo);
		return;
	}
	atomic_or(&for_init, 1ULL << (signo - 1));
	signal_init();
}

static void on_shutdown(void)
{
	on_signal(9, false);
}

static void on_gofer_gone(unsigned queue)
{
	klog("gofer of queue %u is gone; its files answer EIO from now on", queue);
	if (queue >= RING_Q_9P && queue < RING_Q_9P + RING_Q_9P_COUNT)
		ring_break_queue(queue);
}

static const struct control_handlers control = {
	.winsize = console_tty_winsize,
	.signal = on_signal,
	.mem_limit = frame_set_limit,
	.shutdown = on_shutdown,
	.gofer_gone = on_gofer_gone,
};

/* ---- init ---- */

/* Init is gone: what it wrote reaches the host first, then its status. */
static void init_exited(int status)
{
	console_drain((status & 0x7f) == 0);
	control_send_sync(CTL_EXIT, (u64)status, NULL, 0);
	platform_halt();
}

/* 127 and 126 as a shell has them. */
static void init_failed(int err)
{
	char line[200];
	int n;

	n = ksnprintf(line, sizeof(line), "cannot run '%s': %s (error %d)", boot.argv[0],
		      errno_text(err), -err);
	control_send_sync(CTL_FATAL, err == -ENOENT ? 127 : 126, line, (size_t)n);
	platform_halt();
}

static void boot_failed(const char *what, const char *path, int err)
{
	char why[300];
	int n = ksnprintf(why, sizeof(why), "%s%.200s: %s", what, path, errno_text(err));

	control_send_sync(CTL_FATAL, 125, why, MIN((size_t)n, sizeof(why) - 1));
	platform_halt();
}

static void boot_thread(void *arg)
{
	struct fs_boot_config fc = {
		.tree = {
			.root_p9 = true,
			.queue = RING_Q_9P,
			.overlay = boot.overlay,
			.overlay_size = boot.overlay_size,
			.root_rw = boot.root_rw,
			.readonly = boot.root_readonly,
			.umask = boot.umask,
			.cwd = boot.cwd,
			.uid = boot.uid,
			.gid = boot.gid,
			.mounts = boot.mounts,
			.nmounts = boot.nmounts,
			.populate_dev = devfs_populate,
		},
		.init = task_current(),
	};
	char why[300] = "";
	static const struct special_open special = { .fifo = fifo_open, .chr = chrdev_open };
	int err;

	vfs_set_special(&special);
	fs_mmap_init();
	devfs_register();
	proc_register();
	net_init();
	virtio_net_start(boot.net);
	sysfs_register();
	cgroupfs_register(&(struct cgroup_limits){ boot.cpu_quota, boot.cpu_period, boot.pids_max });
	if (boot.tty)
		console_tty_start(boot.rows, boot.cols);
	for (int i = 0; i < 3; i++)
		fc.stdio[i] = boot.tty ? console_tty_file() : console_file(i);
	err = fs_boot(&fc, why, sizeof(why));
	if (err)
		boot_failed(why, "", err);
	err = fs_enter_cwd(boot.cwd, boot.uid, boot.gid);
	if (err)
		boot_failed("cannot make or enter the working directory ", boot.cwd, err);
	boot_lines(boot.dmesg_seed, boot.cpus, boot.ram_size);
	err = init_start_program(&boot);
	if (err)
		init_failed(err);
	signal_init();
	control_send(CTL_READY, (clock_cycles() - start_cycles) * 1000 / (boot.tsc_hz / 1000000),
		     NULL, 0);
}

void sentry_main(const void *fdt)
{
	static const struct platform_upcalls upcalls = {
		.queue = ring_upcall,
		.timer = sched_timer_upcall,
		.fault = task_user_fault,
	};
	struct task *t;

	start_cycles = clock_cycles();
	boot_parse_machine(fdt, &boot);
	clock_calibrate(boot.tsc, boot.monotonic, boot.realtime, boot.tsc_hz);
	klog_clock = since_boot;
	random_seed(boot.seed, sizeof(boot.seed));
	frame_init(platform_ram_free(), boot.ram_size, ARENA_PADDR + ARENA_FRAMES, boot.arena_size);
	mm_init();
	boot_parse_container(fdt, &boot);
	frame_set_limit(boot.memory_limit);
	task_init();
	uts_set_hostname(boot.hostname, strlen(boot.hostname));
	sched_init();
	lock_checks_start();
	sys_task_init();
	platform_set_upcalls(&upcalls);
	task_init_exited = init_exited;
	control_start(&control);
	console_start();
	balloon_start();
	if (boot.debug)
		klog_sink = debug_sink;
	trace_init(boot.trace);
	hints_init(boot.hints);
	t = kthread_start("boot", boot_thread, NULL);
	if (IS_ERR(t))
		panic("out of memory at boot");
	cpu_start_all(sched_cpu_main);
	sched_cpu_main();
}
