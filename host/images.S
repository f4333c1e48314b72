/* The Sentry for each platform, as the linker made it; names for images.c. */
	.section .rodata
	.balign 4096
	.globl image_kvm, image_kvm_end, image_systrap, image_systrap_end
image_kvm:
	.incbin SENTRY_KVM
image_kvm_end:
	.balign 4096
image_systrap:
	.incbin SENTRY_SYSTRAP
image_systrap_end:
	.section .note.GNU-stack,"",@progbits
