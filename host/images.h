/*
 * images.h - the Sentry images inside our own binary.
 */
#ifndef MOAT_HOST_IMAGES_H
#define MOAT_HOST_IMAGES_H

#include "host/sandbox.h"

/* Set sb->image and image_size for sb->platform. */
void images_find(struct sandbox *sb);

#endif
