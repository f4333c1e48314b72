/*
 * exec_load.c - map an ELF program and its interpreter into a new address space.
 *
 * elf_parse has checked every number; here they only become mappings. A position-independent program goes to two
 * thirds of the address space plus a random part; its interpreter wherever mmap puts it.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/random.h"
#include "sys/exec.h"

#define PROT_R	      1
#define PROT_W	      2
#define PROT_X	      4
#define MAP_PRIVATE   2
#define MAP_FIXED     0x10
#define MAP_ANON      0x20
#define MAP_DENYWRITE 0x800 /* a program's: mm brings its pages ahead */

#define DYN_BASE	  0x555555554000ULL
#define ADDR_NO_RANDOMIZE 0x40000

static int prot_of(u32 flags)
{
	return (flags & ELF_R ? PROT_R : 0) | (flags & ELF_W ? PROT_W : 0) |
	       (flags & ELF_X ? PROT_X : 0);
}

/* One PT_LOAD: file pages, the zeroed tail of the last, anonymous pages for the rest. */
static int map_segment(struct mm *mm, struct file *f, const struct elf_segment *s, u64 bias)
{
	u64 start = bias + s->vaddr, lo = ALIGN_DOWN(start, PAGE_SIZE);
	u64 file_end = start + s->filesz, end = ALIGN_UP(start + s->memsz, PAGE_SIZE);
	u64 map_end = s->filesz ? ALIGN_UP(file_end, PAGE_SIZE) : lo;
	static const u8 zeros[256];
	int prot = prot_of(s->flags);
	s64 ret;

	if (s->filesz) {
		ret = mm_mmap(mm, lo, map_end - lo, prot, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE,
			      f, ALIGN_DOWN(s->offset, PAGE_SIZE));
		if (ret < 0)
			return (int)ret;
		/* A segment that cannot be written has no variables behind its end. */
		while (s->memsz > s->filesz && s->flags & ELF_W && file_end < map_end) {
			u64 n = MIN(map_end - file_end, sizeof(zeros));

			if (mm_poke(mm, file_end, zeros, n, true) != (s64)n)
				return -EFAULT;
			file_end += n;
		}
	}
	if (end > map_end) {
		ret = mm_mmap(mm, map_end, end - map_end, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANON,
			      NULL, 0);
		if (ret < 0)
			return (int)ret;
	}
	return 0;
}

static int map_image(struct mm *mm, struct file *f, const struct elf_image *img, u64 bias)
{
	unsigned i;
	int err;

	for (i = 0; i < img->nsegs; i++) {
		err = map_segment(mm, f, &img->seg[i], bias);
		if (err)
			return err;
	}
	return 0;
}

static u64 random_pages(unsigned bits)
{
	if (task_current()->process->personality & ADDR_NO_RANDOMIZE)
		return 0;
	return (random_u64() & ((1ULL << bits) - 1)) << PAGE_SHIFT;
}

static u64 dyn_bias(const struct elf_image *img)
{
	u64 base = ALIGN_DOWN(DYN_BASE + random_pages(28), MAX(img->align, PAGE_SIZE));

	return base - img->lo;
}

static void set_layout(struct exec *x, const struct elf_image *img, u64 bias)
{
	struct mm_layout *l = mm_layout(x->mm);
	unsigned i;

	for (i = 0; i < img->nsegs; i++) {
		const struct elf_segment *s = &img->seg[i];
		u64 a = bias + s->vaddr, e = a + s->filesz;

		if (s->flags & ELF_X && (!l->start_code || a < l->start_code))
			l->start_code = a;
		if (s->flags & ELF_X && e > l->end_code)
			l->end_code = e;
		if (a > l->start_data)
			l->start_data = a;
		if (e > l->end_data)
			l->end_data = e;
	}
	file_get(x->file);
	l->exe = x->file;
}

int exec_load(struct exec *x, const struct elf_image *img, const struct elf_image *interp)
{
	u64 bias = img->dyn ? dyn_bias(img) : 0, at;
	s64 ret;
	int err;

	err = map_image(x->mm, x->file, img, bias);
	if (err)
		return err;
	set_layout(x, img, bias);
	mm_set_brk(x->mm, ALIGN_UP(bias + img->hi, PAGE_SIZE) + random_pages(13));
	x->program_entry = x->entry = bias + img->entry;
	x->phdr = img->phdr_vaddr ? bias + img->phdr_vaddr : 0;
	x->phnum = img->phnum;
	if (!interp)
		return 0;
	/* Find room for all of it, then put the segments there. */
	ret = mm_mmap(x->mm, 0, interp->hi - interp->lo + interp->align, 0, MAP_PRIVATE | MAP_ANON,
		      NULL, 0);
	if (ret < 0)
		return (int)ret;
	at = ALIGN_UP((u64)ret, interp->align);
	err = mm_munmap(x->mm, (u64)ret, interp->hi - interp->lo + interp->align);
	if (err)
		return err;
	bias = interp->dyn ? at - interp->lo : 0;
	err = map_image(x->mm, x->interp, interp, bias);
	if (err)
		return err;
	x->base = bias + interp->lo;
	x->entry = bias + interp->entry;
	return 0;
}
