/* image.S - the vDSO as bytes; vdso.c copies it into frames of its own. */
	.section .rodata.vdso_image, "a"
	.balign 16
	.globl vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin VDSO_SO
vdso_image_end:
	.byte 0
	.section .note.GNU-stack, "", @progbits
