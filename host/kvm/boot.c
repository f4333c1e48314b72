/*
 * boot.c - what a vCPU finds at its first instruction: the Sentry's image, page tables, a GDT, struct kvm_boot
 * (abi/kvm.h). The tables are final: W^X for the image, its read-only parts read-only in the direct map too, no
 * executable page in the direct map, random bases for both.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "host/kvm/kvm.h"
#include "loader/elf.h"

#define PAGE	 4096ULL
#define PTE_P	 1ULL
#define PTE_W	 2ULL
#define PTE_PS	 0x80ULL
#define PTE_G	 0x100ULL
#define PTE_NX	 (1ULL << 63)
#define PTE_ADDR 0x000ffffffffff000ULL

#define IMAGE_MAX (1ULL << 30)

/* Slots of the PML4 (512 GiB each) that the direct map may take: the upper half less kernel stacks and image. */
#define DIRECT_FIRST 256
#define DIRECT_SLOTS 240

struct tables {
	char *ram;
	uint64_t next, end; /* free guest-physical pages */
	bool gib_pages;
};

static uint64_t table_new(struct tables *t)
{
	uint64_t pa = t->next;

	if (pa >= t->end)
		return 0;
	t->next += PAGE;
	memset(t->ram + pa, 0, PAGE);
	return pa;
}

/* Map one leaf of the given level (0: 4 KiB, 1: 2 MiB, 2: 1 GiB). -1: no room for a table. */
static int map_leaf(struct tables *t, uint64_t va, uint64_t pa, unsigned level, uint64_t flags)
{
	uint64_t *table = (uint64_t *)(t->ram + BOOT_TABLES_PADDR + KVM_BOOT_PML4), *e;
	unsigned l;

	for (l = 3;; l--) {
		e = &table[va >> (12 + 9 * l) & 511];
		if (l == level)
			break;
		if (!*e) {
			uint64_t pa_new = table_new(t);

			if (!pa_new)
				return -1;
			*e = pa_new | PTE_P | PTE_W;
		}
		table = (uint64_t *)(t->ram + (*e & PTE_ADDR));
	}
	*e = pa | flags | PTE_P | PTE_G | (level ? PTE_PS : 0);
	return 0;
}

/* Map [va, va + len) with the largest leaves that fit; the end is rounded up to a leaf. */
static int map_range(struct tables *t, uint64_t va, uint64_t pa, uint64_t len, unsigned max_level,
		     uint64_t flags)
{
	uint64_t end = pa + len;

	while (pa < end) {
		unsigned level = max_level;
		uint64_t size;

		while (level && ((va | pa) & ((PAGE << 9 * level) - 1)))
			level--;
		size = PAGE << 9 * level;
		if (map_leaf(t, va, pa, level, flags) < 0)
			return -1;
		va += size;
		pa += size;
	}
	return 0;
}

static int64_t image_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	const struct sandbox *sb = ctx;

	memcpy(buf, (const char *)sb->image + off, len);
	return len;
}

static int load_segments(struct sandbox *sb, struct elf_image *img, struct error *err)
{
	struct elf_file f = {
		.read = image_read,
		.ctx = sb,
		.size = sb->image_size,
		.lo_limit = KVM_IMAGE_BASE + BOOT_IMAGE_PADDR,
		.hi_limit = KVM_IMAGE_BASE + IMAGE_MAX,
	};
	enum elf_error e = elf_parse(&f, img);
	unsigned i;

	if (e)
		return error_set(err, ENOEXEC, "Sentry image: %s", elf_strerror(e));
	if (img->dyn)
		return error_set(err, ENOEXEC, "Sentry image: not linked at a fixed address");
	if (img->hi - KVM_IMAGE_BASE > sb->ram_size)
		return error_set(err, ENOMEM, "--memory is too small for the Sentry");
	for (i = 0; i < img->nsegs; i++) {
		const struct elf_segment *s = &img->seg[i];

		if (s->vaddr % PAGE)
			return error_set(err, ENOEXEC,
					 "Sentry image: segment %u is not page-aligned", i);
		memcpy(sb->ram + (s->vaddr - KVM_IMAGE_BASE), (const char *)sb->image + s->offset,
		       s->filesz);
	}
	return 0;
}

static uint64_t segment_flags(const struct elf_segment *s)
{
	return (s->flags & ELF_W ? PTE_W : 0) | (s->flags & ELF_X ? 0 : PTE_NX);
}

static int map_all(struct kvm_vm *vm, struct tables *t, const struct elf_image *img,
		   uint64_t direct, uint64_t slide)
{
	struct sandbox *sb = vm->sb;
	uint64_t low = (img->hi - KVM_IMAGE_BASE + (2ULL << 20) - 1) & ~((2ULL << 20) - 1);
	unsigned max = t->gib_pages ? 2 : 1, i;

	if (low > sb->ram_size)
		low = sb->ram_size & ~(PAGE - 1);
	if (map_range(t, direct, RAM_PADDR, low, 0, PTE_W | PTE_NX) < 0 ||
	    map_range(t, direct + low, low, sb->ram_size - low, max, PTE_W | PTE_NX) < 0 ||
	    map_range(t, direct + ARENA_PADDR, ARENA_PADDR, sb->arena_size, max, PTE_W | PTE_NX) <
		    0 ||
	    map_range(t, direct + DAX_RO_PADDR, DAX_RO_PADDR, sb->windows_size, max, PTE_NX) < 0)
		return -1;
	for (i = 0; i < img->nsegs; i++) {
		const struct elf_segment *s = &img->seg[i];
		uint64_t pa = s->vaddr - KVM_IMAGE_BASE, flags = segment_flags(s);

		if (map_range(t, s->vaddr + slide, pa, s->memsz, 0, flags) < 0 ||
		    map_range(t, direct + pa, pa, s->memsz, 0, (flags & PTE_W) | PTE_NX) < 0)
			return -1;
	}
	return 0;
}

static uint64_t descriptor(unsigned access, unsigned flags)
{
	return 0xffffULL | 0xfULL << 48 | (uint64_t)access << 40 | (uint64_t)flags << 52;
}

void kvm_boot_gdt(uint64_t *gdt)
{
	gdt[KVM_SEL_KCODE / 8] = descriptor(0x9b, 0xa);
	gdt[KVM_SEL_KDATA / 8] = descriptor(0x93, 0xc);
	gdt[KVM_SEL_UDATA / 8] = descriptor(0xf3, 0xc);
	gdt[KVM_SEL_UCODE / 8] = descriptor(0xfb, 0xa);
}

int kvm_boot_load(struct kvm_vm *vm, uint64_t *entry, struct error *err)
{
	struct sandbox *sb = vm->sb;
	struct tables t = {
		.ram = sb->ram,
		.next = BOOT_TABLES_PADDR + KVM_BOOT_PML4 + PAGE,
		.end = BOOT_TABLES_PADDR + BOOT_TABLES_MAX,
		.gib_pages = vm->features & KVM_CPU_GIB_PAGES,
	};
	struct kvm_boot *b = (struct kvm_boot *)(sb->ram + BOOT_TABLES_PADDR);
	struct elf_image img;
	uint64_t slide;
	uint32_t random[2];

	if (sb->ram_size < 8ULL << 20 || sb->ram_size > RAM_MAX || sb->arena_size > ARENA_MAX)
		return error_set(err, EINVAL,
				 "--memory must be between 8 MiB and 256 GiB on the kvm platform");
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_errno(err, "getrandom");
	if (load_segments(sb, &img, err) < 0)
		return -1;
	b->direct_map = ~0ULL << 47 | (uint64_t)(DIRECT_FIRST + random[0] % DIRECT_SLOTS) << 39;
	/* The image may lie anywhere in the upper GiB of the address space that has room for it. */
	slide = random[1] % ((KVM_IMAGE_BASE + IMAGE_MAX - img.hi) / PAGE) * PAGE;
	if (kvm_reloc_image(sb, slide, err) < 0)
		return -1;
	if (map_all(vm, &t, &img, b->direct_map, slide) < 0)
		return error_set(
			err, ENOMEM,
			"page tables for so much memory do not fit: use a smaller --memory");
	kvm_boot_gdt((uint64_t *)(sb->ram + BOOT_TABLES_PADDR + KVM_BOOT_GDT));
	b->ram_size = sb->ram_size;
	b->arena_size = sb->arena_size;
	b->windows_size = sb->windows_size;
	b->free_paddr = img.hi - KVM_IMAGE_BASE;
	b->image_slide = vm->slide = slide;
	b->tsc_hz = ioctl(vm->vcpu[0].fd, KVM_GET_TSC_KHZ, 0) * 1000ULL;
	b->xfeatures = kvm_cpuid_xfeatures(vm);
	b->xsave_size = kvm_cpuid_xsave_size(vm);
	b->cpus = sb->cpus;
	b->magic = KVM_BOOT_MAGIC;
	vm->boot = b;
	*entry = img.entry + slide;
	return 0;
}

int kvm_boot_sregs(struct kvm_vcpu *v, uint64_t pml4, uint64_t gdt, uint64_t tss, struct error *err)
{
	uint64_t f = v->vm->features;
	struct kvm_segment code = { .limit = ~0U,
				    .selector = KVM_SEL_KCODE,
				    .type = 0xb,
				    .present = 1,
				    .s = 1,
				    .l = 1,
				    .g = 1 };
	struct kvm_segment data = { .limit = ~0U,
				    .selector = KVM_SEL_KDATA,
				    .type = 3,
				    .present = 1,
				    .s = 1,
				    .db = 1,
				    .g = 1 };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1,
				 .xcrs = { { .xcr = 0, .value = kvm_cpuid_xfeatures(v->vm) } } };
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return error_errno(err, "KVM: system registers");
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.tr = (struct kvm_segment){
		.base = tss, .limit = 0x67, .selector = KVM_SEL_TSS, .type = 11, .present = 1
	};
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.gdt.base = gdt;
	s.gdt.limit = KVM_SEL_TSS + 15;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
	s.cr3 = pml4;
	/* PAE PGE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE, then what this CPU has of UMIP, SMEP, SMAP */
	s.cr4 = 0x506a0 | (f & KVM_CPU_UMIP ? 1 << 11 : 0) | (f & KVM_CPU_SMEP ? 1 << 20 : 0) |
		(f & KVM_CPU_SMAP ? 1 << 21 : 0);
	s.efer = 0xd01;					/* NXE LMA LME SCE */
	s.apic_base = 0xfee00c00 | (v->id ? 0 : 0x100); /* x2APIC */
	memset(s.interrupt_bitmap, 0, sizeof(s.interrupt_bitmap));
	if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0)
		return error_errno(err, "KVM: system registers");
	if (ioctl(v->fd, KVM_SET_XCRS, &xcrs) < 0)
		return error_errno(err, "KVM: XCR0 0x%llx", (unsigned long long)xcrs.xcrs[0].value);
	return 0;
}

int kvm_boot_registers(struct kvm_vcpu *v, uint64_t entry, struct error *err)
{
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint64_t tables = v->vm->boot->direct_map + BOOT_TABLES_PADDR;
	struct kvm_regs r = { .rip = entry, .rflags = 2, .rdi = v->id, .rsi = tables };

	if (kvm_boot_sregs(v, BOOT_TABLES_PADDR + KVM_BOOT_PML4, tables + KVM_BOOT_GDT,
			   tables + KVM_BOOT_TSS, err) < 0)
		return -1;
	if (ioctl(v->fd, KVM_SET_REGS, &r) < 0 || ioctl(v->fd, KVM_SET_MP_STATE, &mp) < 0)
		return error_errno(err, "KVM: registers of vCPU %u", v->id);
	return 0;
}
