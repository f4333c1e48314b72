/*
 * images.c - see images.h.
 */
#include "host/images.h"

extern const char image_kvm[], image_kvm_end[], image_systrap[], image_systrap_end[];

void images_find(struct sandbox *sb)
{
	if (sb->platform == &platform_kvm) {
		sb->image = image_kvm;
		sb->image_size = (size_t)(image_kvm_end - image_kvm);
	} else {
		sb->image = image_systrap;
		sb->image_size = (size_t)(image_systrap_end - image_systrap);
	}
}
