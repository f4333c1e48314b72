/*
 * cpuinfo.c - decoding CPUID for /proc/cpuinfo.
 *
 * Only features that applications can use or that tools look for by name are named; on KVM the launcher's CPUID filter has
 * taken the others away already. Nothing here changes after boot; no locks.
 */
#include <cpuid.h>
#include <string.h>

#include "platform/x86/cpuinfo.h"

enum reg { EAX, EBX, ECX, EDX };

/* Bits of one register of one leaf, in Linux's order of words. */
struct word {
	u32 leaf, sub;
	enum reg reg;
	const char *name[32];
};

static const struct word words[] = {
	{ 1, 0, EDX, { "fpu",  "vme",	"de",	"pse",	   "tsc",  "msr", "pae",  "mce",
		       "cx8",  "apic",	NULL,	"sep",	   "mtrr", "pge", "mca",  "cmov",
		       "pat",  "pse36", "pn",	"clflush", NULL,   "dts", "acpi", "mmx",
		       "fxsr", "sse",	"sse2", "ss",	   "ht",   "tm",  "ia64", "pbe" } },
	{ 0x80000001,
	  0,
	  EDX,
	  { [11] = "syscall",
	    [19] = "mp",
	    [20] = "nx",
	    [22] = "mmxext",
	    [25] = "fxsr_opt",
	    [26] = "pdpe1gb",
	    [27] = "rdtscp",
	    [29] = "lm",
	    [30] = "3dnowext",
	    [31] = "3dnow" } },
	{ 0x80000007, 0, EDX, { [8] = "constant_tsc" } },
	{ 0x80000007, 0, EDX, { [8] = "nonstop_tsc" } },
	{ 1, 0, ECX, { "pni",	 "pclmulqdq", "dtes64", "monitor", "ds_cpl",
		       "vmx",	 "smx",	      "est",	"tm2",	   "ssse3",
		       "cid",	 "sdbg",      "fma",	"cx16",	   "xtpr",
		       "pdcm",	 NULL,	      "pcid",	"dca",	   "sse4_1",
		       "sse4_2", "x2apic",    "movbe",	"popcnt",  "tsc_deadline_timer",
		       "aes",	 "xsave",     NULL,	"avx",	   "f16c",
		       "rdrand", "hypervisor" } },
	{ 0x80000001, 0, ECX, { "lahf_lm",    "cmp_legacy",  "svm",
				"extapic",    "cr8_legacy",  "abm",
				"sse4a",      "misalignsse", "3dnowprefetch",
				"osvw",	      "ibs",	     "xop",
				"skinit",     "wdt",	     NULL,
				"lwp",	      "fma4",	     "tce",
				NULL,	      "nodeid_msr",  NULL,
				"tbm",	      "topoext",     "perfctr_core",
				"perfctr_nb", NULL,	     "bpext",
				"ptsc",	      "perfctr_llc", "mwaitx" } },
	{ 7, 0, EBX, { "fsgsbase", "tsc_adjust", "sgx",	     "bmi1",	   "hle",      "avx2",
		       NULL,	   "smep",	 "bmi2",     "erms",	   "invpcid",  "rtm",
		       "cqm",	   NULL,	 "mpx",	     "rdt_a",	   "avx512f",  "avx512dq",
		       "rdseed",   "adx",	 "smap",     "avx512ifma", NULL,       "clflushopt",
		       "clwb",	   "intel_pt",	 "avx512pf", "avx512er",   "avx512cd", "sha_ni",
		       "avx512bw", "avx512vl" } },
	{ 13, 1, EAX, { "xsaveopt", "xsavec", "xgetbv1", "xsaves" } },
	{ 7, 1, EAX, { [4] = "avx_vnni", [5] = "avx512_bf16" } },
	{ 0x80000008,
	  0,
	  EBX,
	  { [0] = "clzero", [1] = "irperf", [2] = "xsaveerptr", [4] = "rdpru", [9] = "wbnoinvd" } },
	{ 6, 0, EAX, { [2] = "arat" } },
	{ 7,
	  0,
	  ECX,
	  { [1] = "avx512vbmi",
	    [2] = "umip",
	    [3] = "pku",
	    [4] = "ospke",
	    [5] = "waitpkg",
	    [6] = "avx512_vbmi2",
	    [8] = "gfni",
	    [9] = "vaes",
	    [10] = "vpclmulqdq",
	    [11] = "avx512_vnni",
	    [12] = "avx512_bitalg",
	    [14] = "avx512_vpopcntdq",
	    [16] = "la57",
	    [22] = "rdpid",
	    [25] = "cldemote",
	    [27] = "movdiri",
	    [28] = "movdir64b" } },
	{ 7,
	  0,
	  EDX,
	  { [4] = "fsrm",
	    [8] = "avx512_vp2intersect",
	    [10] = "md_clear",
	    [14] = "serialize",
	    [22] = "amx_bf16",
	    [23] = "avx512_fp16",
	    [24] = "amx_tile",
	    [25] = "amx_int8",
	    [28] = "flush_l1d",
	    [29] = "arch_capabilities" } },
};

static u32 cpuid_reg(u32 leaf, u32 sub, enum reg reg)
{
	u32 r[4], top[4];

	__cpuid(leaf & 0x80000000, top[0], top[1], top[2], top[3]);
	if (leaf > top[0])
		return 0;
	__cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
	return r[reg];
}

void x86_cpu_flags(void (*fn)(const char *name, void *arg), void *arg)
{
	for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
		u32 bits = cpuid_reg(words[w].leaf, words[w].sub, words[w].reg);

		for (int b = 0; b < 32; b++)
			if (bits >> b & 1 && words[w].name[b])
				fn(words[w].name[b], arg);
		/* What every 64-bit processor has by Linux's own account stands behind the second word. */
		if (words[w].leaf == 0x80000007 && w + 1 < ARRAY_SIZE(words) &&
		    words[w + 1].leaf == 0x80000007) {
			fn("rep_good", arg);
			fn("nopl", arg);
			fn("cpuid", arg);
		}
	}
}

bool x86_cache(unsigned i, struct x86_cache *out)
{
	bool amd = cpuid_reg(0x80000001, 0, ECX) >> 22 & 1; /* topology extensions */
	u32 leaf = amd ? 0x8000001d : 4, a = cpuid_reg(leaf, i, EAX), b = cpuid_reg(leaf, i, EBX);

	if (!(a & 0x1f))
		return false;
	out->type = (a & 0x1f) == 1 ? 'D' : (a & 0x1f) == 2 ? 'I' : 'U';
	out->level = a >> 5 & 7;
	out->line = (b & 0xfff) + 1;
	out->partitions = (b >> 12 & 0x3ff) + 1;
	out->ways = (b >> 22 & 0x3ff) + 1;
	out->sets = cpuid_reg(leaf, i, ECX) + 1;
	out->size = (u64)out->line * out->partitions * out->ways * out->sets;
	return true;
}

static void get_brand(char brand[49])
{
	char *start = brand;

	memset(brand, 0, 49);
	if (cpuid_reg(0x80000000, 0, EAX) < 0x80000004) {
		strcpy(brand, "unknown");
		return;
	}
	for (u32 k = 0; k < 3; k++)
		for (int r = EAX; r <= EDX; r++) {
			u32 v = cpuid_reg(0x80000002 + k, 0, (enum reg)r);

			memcpy(brand + k * 16 + (unsigned)r * 4, &v, 4);
		}
	while (*start == ' ')
		start++;
	memmove(brand, start, strlen(start) + 1);
	for (size_t n = strlen(brand); n && brand[n - 1] == ' '; n--)
		brand[n - 1] = 0;
}

void x86_cpuinfo(struct x86_cpuinfo *out)
{
	u32 sig = cpuid_reg(1, 0, EAX), v, addr = cpuid_reg(0x80000008, 0, EAX);
	struct x86_cache c;

	memset(out, 0, sizeof(*out));
	out->level = cpuid_reg(0, 0, EAX);
	v = cpuid_reg(0, 0, EBX);
	memcpy(out->vendor, &v, 4);
	v = cpuid_reg(0, 0, EDX);
	memcpy(out->vendor + 4, &v, 4);
	v = cpuid_reg(0, 0, ECX);
	memcpy(out->vendor + 8, &v, 4);
	get_brand(out->brand);
	out->stepping = sig & 0xf;
	out->family = sig >> 8 & 0xf;
	out->model = sig >> 4 & 0xf;
	if (out->family == 0xf)
		out->family += sig >> 20 & 0xff;
	if (out->family >= 6)
		out->model += (sig >> 16 & 0xf) << 4;
	out->clflush = (cpuid_reg(1, 0, EBX) >> 8 & 0xff) * 8;
	out->phys_bits = addr ? addr & 0xff : 36;
	out->virt_bits = addr ? addr >> 8 & 0xff : 48;
	for (unsigned i = 0; x86_cache(i, &c) && i < 16; i++)
		if (c.size >> 10 > out->cache_kb)
			out->cache_kb = (unsigned)(c.size >> 10);
}
