/*
 * exec_stack.c - the initial stack, as the System V ABI for x86-64 (3.4.1) and Linux lay it out: from the top down a
 * zero word, the file name, environment and argument strings, platform string and random bytes, the auxiliary vector,
 * the pointers, argc.
 */
#include <cpuid.h>
#include <string.h>

#include "lib/err.h"
#include "lib/random.h"
#include "mm/slab.h"
#include "sys/exec.h"
#include "task/signal/signal.h"
#include "task/ns/userns.h"

enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_RSEQ_FEATURE_SIZE = 27,
	AT_RSEQ_ALIGN = 28,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

#define AUXV_MAX 24

/* CPUID leaf 1, EDX; read once, because CPUID is a VM exit. */
static u64 hwcap(void)
{
	static u32 cached;
	u32 a, b, c, d;

	if (!cached && __get_cpuid(1, &a, &b, &c, &d))
		cached = d;
	return cached;
}

struct auxv {
	u64 v[AUXV_MAX][2];
	unsigned n;
};

static void aux(struct auxv *a, u64 type, u64 value)
{
	a->v[a->n][0] = type;
	a->v[a->n][1] = value;
	a->n++;
}

static void fill_auxv(struct auxv *a, const struct exec *x, uaddr_t platform, uaddr_t rnd,
		      uaddr_t fn)
{
	const struct cred *c = x->cred ? x->cred : task_current()->cred;
	struct mm_layout *l = mm_layout(x->mm);

	a->n = 0;
	if (l->vdso)
		aux(a, AT_SYSINFO_EHDR, l->vdso);
	aux(a, AT_MINSIGSTKSZ, signal_frame_max());
	aux(a, AT_HWCAP, hwcap());
	aux(a, AT_PAGESZ, PAGE_SIZE);
	aux(a, AT_CLKTCK, 100);
	aux(a, AT_PHDR, x->phdr);
	aux(a, AT_PHENT, 56);
	aux(a, AT_PHNUM, x->phnum);
	aux(a, AT_BASE, x->base);
	aux(a, AT_FLAGS, 0);
	aux(a, AT_ENTRY, x->program_entry);
	aux(a, AT_UID, show_uid(c->uid));
	aux(a, AT_EUID, show_uid(c->euid));
	aux(a, AT_GID, show_gid(c->gid));
	aux(a, AT_EGID, show_gid(c->egid));
	aux(a, AT_SECURE, x->secure);
	aux(a, AT_RANDOM, rnd);
	/* FSGSBASE is not announced: systrap needs %gs for itself (until arch_prctl asks for it). */
	aux(a, AT_HWCAP2, 0);
	aux(a, AT_EXECFN, fn);
	aux(a, AT_PLATFORM, platform);
	aux(a, AT_RSEQ_FEATURE_SIZE, 28);
	aux(a, AT_RSEQ_ALIGN, 32);
	aux(a, AT_NULL, 0);
}

/* Pointers to count strings that lie at base, into out. */
static void fill_pointers(u64 *out, const struct exec_strings *s, uaddr_t base)
{
	size_t off = 0;
	unsigned i;

	for (i = 0; i < s->count; i++) {
		out[i] = base + off;
		off += exec_strings_length(s, off) + 1;
	}
	out[i] = 0;
}

static int put(struct mm *mm, uaddr_t dst, const void *src, size_t n)
{
	return mm_poke(mm, dst, src, n, true) == (s64)n ? 0 : -EFAULT;
}

int exec_stack(struct exec *x, bool executable)
{
	struct mm_layout *l = mm_layout(x->mm);
	size_t argc = x->args->count, envc = x->envs->count, words;
	uaddr_t top, fn, env, arg, platform, rnd, sp;
	struct auxv av;
	u8 random[16];
	u64 *v;
	int err;

	err = mm_setup_stack(x->mm, &top, executable);
	if (err)
		return err;
	fn = top - 8 - (strlen(x->name) + 1);
	env = fn - x->envs->len;
	arg = env - x->args->len;
	platform = arg - 8;
	rnd = ALIGN_DOWN(platform - 16, 16);
	sp = rnd - (task_current()->process->personality & 0x40000 ? 0 : random_u64() % 8192);
	fill_auxv(&av, x, platform, rnd, fn);
	words = 1 + argc + 1 + envc + 1 + av.n * 2;
	sp = ALIGN_DOWN(sp - words * 8, 16);
	v = kmalloc(words * 8);
	if (!v)
		return -ENOMEM;
	v[0] = argc;
	fill_pointers(v + 1, x->args, arg);
	fill_pointers(v + 1 + argc + 1, x->envs, env);
	memcpy(v + 1 + argc + 1 + envc + 1, av.v, av.n * 16);
	random_bytes(random, sizeof(random));
	err = put(x->mm, fn, x->name, strlen(x->name) + 1);
	if (!err)
		err = exec_strings_put(x->envs, x->mm, env);
	if (!err)
		err = exec_strings_put(x->args, x->mm, arg);
	if (!err)
		err = put(x->mm, platform, "x86_64", 7);
	if (!err)
		err = put(x->mm, rnd, random, sizeof(random));
	if (!err)
		err = put(x->mm, sp, v, words * 8);
	kfree(v);
	if (err)
		return err;
	x->sp = sp;
	l->start_stack = sp;
	l->arg_start = arg;
	l->arg_end = l->env_start = env;
	l->env_end = fn;
	l->auxv = sp + (1 + argc + 1 + envc + 1) * 8;
	l->auxv_len = av.n * 16;
	return 0;
}
