/*
 * main.c - the Sentry's boot, top to bottom: machine, memory, CPUs, devices, files, init.
 */
#include <string.h>

#include "abi/boot.h"
#include "boot.h"
#include "boot_lines.h"
#include "dev/balloon.h"
#include "container/session.h"
#include "dev/chrdev.h"
#include "dev/control.h"
#include "dev/devfs.h"
#include "dev/stream.h"
#include "fs/boot.h"
#include "fs/cgroup/cgroupfs.h"
#include "fs/procfs.h"
#include "fs/vfs.h"
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
#include "task/log_wait.h"
#include "task/task.h"

static struct boot_info boot;
static u64 start_cycles;

static u64 since_boot(void)
{
	return clock_mono() - boot.monotonic;
}

static void debug_sink(const char *line, size_t len)
{
	control_send(CTL_LOG, 0, 0, 0, line, len);
}

/* The first container's; its streams are the host's first three. */
static struct session *first;

static void boot_failed(const char *what, int err)
{
	char why[300];
	int n = ksnprintf(why, sizeof(why), "%s: %s", what, errno_text(err));

	session_fail(first, 125, err, why, MIN((size_t)n, sizeof(why) - 1));
	platform_halt();
}

static void boot_thread(void *arg)
{
	static const struct special_open special = { .fifo = fifo_open, .chr = chrdev_open };
	const struct spec *spec = first->spec;
	char why[300] = "";
	int err;

	vfs_set_special(&special);
	fs_mmap_init();
	devfs_register();
	proc_register();
	net_init();
	virtio_net_start(boot.net);
	sysfs_register();
	cgroupfs_register();
	err = launch_tree(first, why, sizeof(why));
	if (err)
		boot_failed(why, err);
	boot_lines(boot.dmesg_seed, boot.cpus, boot.ram_size);
	session_made(first, true);
	if (spec->wait_start)
		session_tell(first, CTL_CREATED, 0, 0, "", 0);
	else
		err = session_start(first, NULL);
	if (err)
		boot_failed("cannot start the first process", err);
	session_put(first);
}

/* What is to run, from the boot tree; the memory that it lies in is used again later. */
static void first_container(const void *fdt)
{
	struct container *c = container_create(0);

	first = c ? session_create(0, SESSION_CONTAINER, c) : NULL;
	if (!first)
		panic("out of memory at boot");
	container_put(c);
	first->spec = spec_parse(fdt, BOOT_FDT_MAX);
	if (IS_ERR(first->spec))
		panic("device tree: no container: error %d", -(int)PTR_ERR(first->spec));
	first->streams =
		(struct ctl_spec){ .spec = STREAM_NONE, .stdio = { 0, 1, 2 }, .queue = RING_Q_9P };
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
	task_init();
	first_container(fdt);
	frame_set_limit(first->spec->memory_limit);
	sched_init();
	lock_checks_start();
	log_wait_init();
	sys_task_init();
	platform_set_upcalls(&upcalls);
	messages_start();
	stream_init();
	balloon_start();
	mm_reaper_start();
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
