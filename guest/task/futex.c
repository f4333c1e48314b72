/*
 * futex.c - futex words, and what an exiting thread does with them.
 */
#include "lib/err.h"
#include "task/futex.h"
#include "task/private.h"

void futex_exit(struct task *t)
{
}

void futex_clear_tid(struct task *t)
{
}
