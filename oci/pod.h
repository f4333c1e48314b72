/*
 * pod.h - which sandbox a new container belongs to: one of its own, or that of a pod or of a shared network namespace.
 */
#ifndef MOAT_OCI_POD_H
#define MOAT_OCI_POD_H

#include "oci/config.h"
#include "oci/state.h"

/*
 * Sets *sandbox to the id of the container in whose sandbox c is to run (from c's pool), or to NULL for a sandbox of its own.
 * -1 if it should join one that is not there, or a network namespace in which a program that is not moat's runs.
 */
int pod_of(struct container *c, const struct oci_config *config, const char **sandbox,
	   struct error *err);

#endif
