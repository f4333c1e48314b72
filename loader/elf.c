/*
 * elf.c - see elf.h. Layout: System V gABI chapter 4 and 5, x86-64 psABI.
 */
#include "loader/elf.h"

#define PT_LOAD	     1
#define PT_INTERP    3
#define PT_PHDR	     6
#define PT_GNU_STACK 0x6474e551

#define ET_EXEC	  2
#define ET_DYN	  3
#define EM_X86_64 62

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

_Static_assert(sizeof(struct ehdr) == 64, "Elf64_Ehdr");
_Static_assert(sizeof(struct phdr) == 56, "Elf64_Phdr");

static enum elf_error read_exact(const struct elf_file *f, struct elf_image *img, uint64_t off,
				 void *buf, size_t len)
{
	int64_t n;

	if (off > f->size || len > f->size - off)
		return ELF_TRUNCATED;
	n = f->read(f->ctx, off, buf, len);
	if (n < 0) {
		img->io_error = n;
		return ELF_IO;
	}
	return (uint64_t)n == len ? ELF_OK : ELF_TRUNCATED;
}

static enum elf_error check_header(const struct ehdr *h)
{
	if (h->ident[0] != 0x7f || h->ident[1] != 'E' || h->ident[2] != 'L' || h->ident[3] != 'F')
		return ELF_MAGIC;
	if (h->ident[4] != 2 || h->ident[5] != 1)
		return ELF_CLASS;
	if (h->ident[6] != 1 || h->version != 1)
		return ELF_VERSION;
	if (h->machine != EM_X86_64)
		return ELF_MACHINE;
	if (h->type != ET_EXEC && h->type != ET_DYN)
		return ELF_TYPE;
	if (h->phentsize != sizeof(struct phdr) || h->phnum == 0 || h->phnum > ELF_PHDRS_MAX)
		return ELF_PHDRS;
	return ELF_OK;
}

static enum elf_error check_load(const struct elf_file *f, const struct elf_image *img,
				 const struct phdr *p)
{
	uint64_t end, lo = img->dyn ? 0 : f->lo_limit;
	uint64_t hi = img->dyn ? f->hi_limit - f->lo_limit : f->hi_limit;

	if (p->filesz > p->memsz)
		return ELF_SIZES;
	if (__builtin_add_overflow(p->vaddr, p->memsz, &end) || end > UINT64_MAX - ELF_PAGE)
		return ELF_OVERFLOW;
	if (p->vaddr < lo || end > hi)
		return ELF_RANGE;
	if (p->align > 1 && (p->align & (p->align - 1)))
		return ELF_ALIGN;
	if (p->filesz) {
		if (__builtin_add_overflow(p->offset, p->filesz, &end))
			return ELF_OVERFLOW;
		if (end > f->size)
			return ELF_TRUNCATED;
		if ((p->vaddr - p->offset) % ELF_PAGE)
			return ELF_ALIGN;
	}
	return ELF_OK;
}

static enum elf_error add_load(const struct elf_file *f, struct elf_image *img,
			       const struct phdr *p)
{
	enum elf_error e = check_load(f, img, p);
	uint64_t first = p->vaddr & ~(ELF_PAGE - 1), end;
	struct elf_segment *s;

	if (e || !p->memsz)
		return e;
	if (img->nsegs == ELF_SEGMENTS_MAX)
		return ELF_TOO_MANY;
	if (img->nsegs) {
		s = &img->seg[img->nsegs - 1];
		/* Two segments may share a page only where both show the same page of the file. */
		if (p->vaddr < s->vaddr + s->memsz)
			return ELF_OVERLAP;
		if (first < img->hi && (!p->filesz || s->filesz != s->memsz ||
					p->vaddr - p->offset != s->vaddr - s->offset))
			return ELF_OVERLAP;
	} else {
		img->lo = first;
	}
	s = &img->seg[img->nsegs++];
	s->vaddr = p->vaddr;
	s->memsz = p->memsz;
	s->offset = p->offset;
	s->filesz = p->filesz;
	s->flags = p->flags & (ELF_R | ELF_W | ELF_X);
	end = p->vaddr + p->memsz;
	img->hi = (end + ELF_PAGE - 1) & ~(ELF_PAGE - 1);
	if (p->align > img->align)
		img->align = p->align;
	return ELF_OK;
}

static enum elf_error add_interp(const struct elf_file *f, struct elf_image *img,
				 const struct phdr *p)
{
	enum elf_error e;
	char last;

	if (img->interp_len || p->filesz < 2 || p->filesz > ELF_INTERP_MAX)
		return ELF_INTERP;
	if (p->offset > UINT64_MAX - p->filesz)
		return ELF_OVERFLOW;
	e = read_exact(f, img, p->offset + p->filesz - 1, &last, 1);
	if (e)
		return e;
	if (last)
		return ELF_INTERP;
	img->interp_off = p->offset;
	img->interp_len = p->filesz;
	return ELF_OK;
}

static const struct elf_segment *segment_of(const struct elf_image *img, uint64_t vaddr)
{
	unsigned i;

	for (i = 0; i < img->nsegs; i++)
		if (vaddr - img->seg[i].vaddr < img->seg[i].memsz)
			return &img->seg[i];
	return NULL;
}

/* AT_PHDR: the segment that maps the file's program header table. */
static void find_phdrs(struct elf_image *img, uint64_t phoff)
{
	uint64_t len = (uint64_t)img->phnum * img->phentsize;
	const struct elf_segment *s;

	for (s = img->seg; s < img->seg + img->nsegs; s++)
		if (phoff >= s->offset && phoff - s->offset < s->filesz &&
		    len <= s->filesz - (phoff - s->offset)) {
			img->phdr_vaddr = s->vaddr + (phoff - s->offset);
			return;
		}
}

enum elf_error elf_parse(const struct elf_file *f, struct elf_image *out)
{
	const struct elf_segment *s;
	enum elf_error e;
	struct ehdr h;
	struct phdr p;
	unsigned i;

	*out = (struct elf_image){ .align = ELF_PAGE, .stack_exec = true };
	h = (struct ehdr){ 0 };
	e = read_exact(f, out, 0, &h, f->size < sizeof(h) ? f->size : sizeof(h));
	if (e)
		return e;
	if (f->size < sizeof(h) && f->size >= 4 && h.ident[0] == 0x7f)
		return ELF_TRUNCATED;
	e = check_header(&h);
	if (e)
		return e;
	out->dyn = h.type == ET_DYN;
	out->entry = h.entry;
	out->phnum = h.phnum;
	out->phentsize = h.phentsize;
	for (i = 0; i < h.phnum; i++) {
		uint64_t off;

		if (__builtin_add_overflow(h.phoff, (uint64_t)i * sizeof(p), &off))
			return ELF_OVERFLOW;
		e = read_exact(f, out, off, &p, sizeof(p));
		if (!e && p.type == PT_LOAD)
			e = add_load(f, out, &p);
		if (!e && p.type == PT_INTERP)
			e = add_interp(f, out, &p);
		if (e)
			return e;
		if (p.type == PT_GNU_STACK) {
			out->stack_known = true;
			out->stack_exec = p.flags & ELF_X;
		}
	}
	if (!out->nsegs)
		return ELF_NO_LOAD;
	s = segment_of(out, out->entry);
	/* A library that serves as its own interpreter (ld.so) has an entry; one without any has entry 0. */
	if (!(out->dyn && !out->entry) && (!s || !(s->flags & ELF_X)))
		return ELF_ENTRY;
	find_phdrs(out, h.phoff);
	return ELF_OK;
}

enum elf_error elf_interp(const struct elf_file *f, const struct elf_image *img, char *buf,
			  size_t size)
{
	struct elf_image io;
	enum elf_error e;

	if (!img->interp_len || size < img->interp_len)
		return ELF_INTERP;
	e = read_exact(f, &io, img->interp_off, buf, img->interp_len);
	if (e)
		return e;
	/* The file may have changed since elf_parse looked. */
	buf[img->interp_len - 1] = 0;
	return ELF_OK;
}

const char *elf_strerror(enum elf_error e)
{
	static const char *const text[] = {
		[ELF_OK] = "no error",
		[ELF_IO] = "cannot read the file",
		[ELF_TRUNCATED] = "truncated ELF file",
		[ELF_MAGIC] = "not an ELF file",
		[ELF_CLASS] = "not a 64-bit little-endian ELF file",
		[ELF_MACHINE] = "not an x86-64 program",
		[ELF_TYPE] = "not an executable ELF file",
		[ELF_VERSION] = "unknown ELF version",
		[ELF_PHDRS] = "bad ELF program header table",
		[ELF_NO_LOAD] = "ELF file with nothing to load",
		[ELF_TOO_MANY] = "too many ELF segments",
		[ELF_SIZES] = "ELF segment larger in the file than in memory",
		[ELF_OVERFLOW] = "ELF segment address wraps around",
		[ELF_RANGE] = "ELF segment outside of user memory",
		[ELF_ALIGN] = "misaligned ELF segment",
		[ELF_OVERLAP] = "overlapping ELF segments",
		[ELF_ENTRY] = "ELF entry point is not executable",
		[ELF_INTERP] = "bad ELF interpreter path",
	};

	if ((unsigned)e >= sizeof(text) / sizeof(text[0]))
		return "unknown ELF error";
	return text[e];
}

int elf_errno(enum elf_error e)
{
	switch (e) {
	case ELF_OK: return 0;
	case ELF_IO: return 5; /* EIO */
	case ELF_SIZES:
	case ELF_OVERFLOW:
	case ELF_RANGE:
	case ELF_ALIGN:
	case ELF_OVERLAP: return 22; /* EINVAL */
	default: return 8;	     /* ENOEXEC */
	}
}
