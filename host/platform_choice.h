/*
 * platform_choice.h - which platform runs the Sentry on this host.
 */
#ifndef MOAT_HOST_PLATFORM_CHOICE_H
#define MOAT_HOST_PLATFORM_CHOICE_H

#include "host/sandbox.h"

/*
 * "auto": kvm where its probe passes, else systrap, with one line on a terminal that names the reason. "kvm",
 * "systrap": that one or NULL with the reason. Anything else: NULL.
 */
const struct platform_ops *platform_choose(const char *name, struct error *err);

#endif
