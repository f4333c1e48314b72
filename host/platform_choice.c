/*
 * platform_choice.c - see platform_choice.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "host/platform_choice.h"

const struct platform_ops *platform_choose(const char *name, struct error *err)
{
	struct error why = { 0 };

	if (strcmp(name, "kvm") == 0) {
		if (platform_kvm.probe(err) == 0)
			return &platform_kvm;
		error_wrap(err, "--platform kvm");
		return NULL;
	}
	if (strcmp(name, "systrap") == 0) {
		if (platform_systrap.probe(err) == 0)
			return &platform_systrap;
		error_wrap(err, "--platform systrap");
		return NULL;
	}
	if (strcmp(name, "auto") != 0) {
		error_set(err, EINVAL, "--platform '%s': give auto, kvm or systrap", name);
		return NULL;
	}
	if (platform_kvm.probe(&why) == 0)
		return &platform_kvm;
	if (platform_systrap.probe(err) < 0) {
		error_wrap(err, "no platform works on this host: kvm: %s; systrap", why.msg);
		return NULL;
	}
	if (isatty(2))
		fprintf(stderr, "moat: platform systrap (kvm: %s)\n", why.msg);
	return &platform_systrap;
}
