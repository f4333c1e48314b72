/*
 * clients.h - the 9P clients all together, for the layers above fs/.
 */
#ifndef MOAT_FS_P9_CLIENTS_H
#define MOAT_FS_P9_CLIENTS_H

/* All changes that were posted have reached the hosts' files. */
void p9_settle_all(void);
/* Requests to the gofers so far, by type, to the log. */
void p9_log_totals(void);

#endif
