/*
 * gofer_messages.h - the subjects of test_gofer_messages.c, a file for each group. They run in the order of this list, in
 * the served directory as current directory; each may use what those before it made.
 */
#ifndef MOAT_UNIT_GOFER_MESSAGES_H
#define MOAT_UNIT_GOFER_MESSAGES_H

#include "tests/unit/p9_client.h"

/* gofer_messages_files.c */
void gofer_data(struct p9c *c);
void gofer_attributes(struct p9c *c);
/* gofer_messages_names.c */
void gofer_names(struct p9c *c);
void gofer_directories(struct p9c *c);
/* gofer_messages_files.c */
void gofer_locks(struct p9c *c);
void gofer_xattrs(struct p9c *c);
/* gofer_messages_names.c */
void gofer_owners(struct p9c *c);

/* test_gofer_messages.c: the host's side; what Tgetattr says of a fid. */
void gofer_put_file(const char *name, const char *text);
void gofer_get_qid(struct p9c *c, struct p9_qid *qid);
void gofer_get_attr(struct p9c *c, uint32_t fid, struct p9_attr *a);

#endif
