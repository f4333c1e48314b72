/*
 * label.h - the label of the host's security module (AppArmor's profile, SELinux's context) that moat's jailed processes of a
 * container take, as its configuration asks.
 *
 * They run no program of their own by execve(2), so the label is changed in place, once everything that a container's profile
 * may forbid (mounts above all) is done: in jail_enter.
 */
#ifndef MOAT_HOST_LABEL_H
#define MOAT_HOST_LABEL_H

#include "host/error.h"

enum label_module { LABEL_NONE, LABEL_APPARMOR, LABEL_SELINUX };

/* Which one the host has; sys is "/sys". */
enum label_module label_module(const char *sys);
/* What this process's children take; the text stays the caller's. For a module that the host has. */
void label_choose(enum label_module m, const char *text);

/* Before the process leaves the tree that has /proc. A descriptor; -2: no label was chosen; -1 with err. */
int label_open(const char *proc, struct error *err);
/* Take the label, and close the descriptor. -2 is nothing to do. 0 or -1. */
int label_take(int fd, struct error *err);

#endif
