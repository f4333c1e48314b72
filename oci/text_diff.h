/*
 * text_diff.h - the difference of two texts, as diff -u prints it.
 */
#ifndef MOAT_OCI_TEXT_DIFF_H
#define MOAT_OCI_TEXT_DIFF_H

#include <stdio.h>

/* Print it to f with three lines around each change; nothing if they are equal. 0, or -1 without memory. */
int text_diff(FILE *f, const char *name, const char *old_text, const char *new_text);

#endif
