/*
 * toml_edit.h - set a value in a TOML file and leave every other byte of it as it was: comments, order, spelling.
 */
#ifndef MOAT_OCI_TOML_EDIT_H
#define MOAT_OCI_TOML_EDIT_H

#include <stdbool.h>

struct error;

/* The names of a table from the top, NULL-ended; the top itself is { NULL }. */
typedef const char *const *toml_path;

/*
 * A copy of text (malloc'd) in which `key` of the table is `value`, which is TOML. A key that is there gets the new value in
 * its place, a new one goes below its table's header, and a table that is not there to the end of the file. NULL: text is not
 * TOML, or has the table in a form that has no place for a line (an inline table, dotted keys); the line is in err.
 */
char *toml_set(const char *text, toml_path table, const char *key, const char *value,
	       struct error *err);

/* The value's text as it stands there (malloc'd), or NULL: not there, or not TOML (then err is set). */
char *toml_get(const char *text, toml_path table, const char *key, struct error *err);

/* Is there a header of this table? False too if text is not TOML. */
bool toml_has_table(const char *text, toml_path table);

#endif
