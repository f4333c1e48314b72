/*
 * reloc.c - move the Sentry's image to another address: its link keeps the relocations (--emit-relocs), and those that
 * hold absolute addresses get the slide added. The image is part of our own binary: checks are for build mistakes.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "host/kvm/kvm.h"

static int apply(char *at, unsigned type, uint64_t slide)
{
	uint64_t v64;
	int32_t v32;

	switch (type) {
	case R_X86_64_NONE:
	case R_X86_64_PC32:
	case R_X86_64_PC64:
	case R_X86_64_PLT32: return 0;
	case R_X86_64_64:
		memcpy(&v64, at, sizeof(v64));
		v64 += slide;
		memcpy(at, &v64, sizeof(v64));
		return 0;
	case R_X86_64_32S:
		memcpy(&v32, at, sizeof(v32));
		v32 += (int32_t)slide;
		memcpy(at, &v32, sizeof(v32));
		return 0;
	}
	return -1;
}

static int apply_section(struct sandbox *sb, const Elf64_Shdr *sh, const Elf64_Sym *syms,
			 uint64_t slide, struct error *err)
{
	const Elf64_Rela *r = (const void *)((const char *)sb->image + sh->sh_offset),
			 *end = r + sh->sh_size / sizeof(*r);

	for (; r < end; r++) {
		const Elf64_Sym *sym = &syms[ELF64_R_SYM(r->r_info)];
		uint64_t at = r->r_offset - KVM_IMAGE_BASE;

		/* Constants and missing weak symbols do not move. */
		if (sym->st_shndx == SHN_ABS || sym->st_shndx == SHN_UNDEF)
			continue;
		if (at > sb->ram_size - 8 ||
		    apply(sb->ram + at, ELF64_R_TYPE(r->r_info), slide) < 0)
			return error_set(err, ENOEXEC, "Sentry image: relocation type %u at 0x%llx",
					 (unsigned)ELF64_R_TYPE(r->r_info),
					 (unsigned long long)r->r_offset);
	}
	return 0;
}

int kvm_reloc_image(struct sandbox *sb, uint64_t slide, struct error *err)
{
	const char *image = sb->image;
	const Elf64_Ehdr *eh = sb->image;
	const Elf64_Shdr *sh = (const void *)(image + eh->e_shoff);
	unsigned i, applied = 0;

	if (eh->e_shoff > sb->image_size ||
	    eh->e_shnum * sizeof(*sh) > sb->image_size - eh->e_shoff)
		return error_set(err, ENOEXEC, "Sentry image: no section headers");
	for (i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_RELA || !(sh[sh[i].sh_info].sh_flags & SHF_ALLOC))
			continue;
		applied++;
		if (apply_section(sb, &sh[i], (const void *)(image + sh[sh[i].sh_link].sh_offset),
				  slide, err) < 0)
			return -1;
	}
	return applied ? 0 : error_set(err, ENOEXEC, "Sentry image: linked without --emit-relocs");
}
