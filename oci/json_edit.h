/*
 * json_edit.h - set a value in a JSON file and leave every other byte of it as it was.
 */
#ifndef MOAT_OCI_JSON_EDIT_H
#define MOAT_OCI_JSON_EDIT_H

struct error;

/*
 * A copy of text (malloc'd) in which the string at `path` (names from the top, NULL-ended) is `value`. Objects on the way are
 * made where there are none; an empty text counts as one. NULL: text is not a JSON object, or something on the way is no
 * object; the line is in err. Names and value must need no escapes.
 */
char *json_set(const char *text, const char *const *path, const char *value, struct error *err);

#endif
