/*
 * cpuinfo.c - /proc/cpuinfo. Every CPU of the sandbox is a socket's core of its own, without siblings; the clock rate is
 * that of the counter, measured since boot.
 */
#include "fs/proc/global.h"
#include "fs/seq.h"
#include "platform/x86/cpuinfo.h"

static u64 base_cycles, base_mono;

void proc_cpuinfo_init(void)
{
	if (base_cycles)
		return;
	base_cycles = clock_cycles();
	base_mono = clock_mono();
}

static u64 proc_cpu_khz(void)
{
	u64 cycles = clock_cycles() - base_cycles, us = (clock_mono() - base_mono) / 1000;

	return us ? cycles * 1000 / us : 0;
}

static void add_flag(const char *name, void *arg)
{
	seq_putc(arg, ' ');
	seq_puts(arg, name);
}

int proc_show_cpuinfo(struct seq *s, void *arg)
{
	u64 khz = proc_cpu_khz();
	struct x86_cpuinfo c;

	x86_cpuinfo(&c);
	for (unsigned k = 0; k < cpu_count(); k++) {
		seq_printf(s, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
			   k, c.vendor, c.family, c.model);
		seq_printf(s, "model name\t: %s\nstepping\t: %u\n", c.brand, c.stepping);
		seq_printf(s, "cpu MHz\t\t: %llu.%03llu\n", (ull)khz / 1000, (ull)khz % 1000);
		if (c.cache_kb)
			seq_printf(s, "cache size\t: %u KB\n", c.cache_kb);
		seq_printf(
			s,
			"physical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\napicid\t\t: %u\n",
			k, k);
		seq_printf(
			s,
			"initial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
			k, c.level);
		seq_puts(s, "flags\t\t:");
		x86_cpu_flags(add_flag, s);
		seq_printf(
			s,
			"\nbugs\t\t:\nbogomips\t: %llu.%02llu\nclflush size\t: %u\ncache_alignment\t: %u\n",
			(ull)khz / 500, (ull)khz / 5 % 100, c.clflush, c.clflush);
		seq_printf(
			s,
			"address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
			c.phys_bits, c.virt_bits);
	}
	return 0;
}
