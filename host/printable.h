/*
 * printable.h - text from the sandbox on its way to the user's terminal.
 */
#ifndef MOAT_HOST_PRINTABLE_H
#define MOAT_HOST_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Replace in s each byte that a terminal could take for a command by '?': C0 controls but TAB (and LF with lines), DEL, C1
 * controls however they are written, and bytes that are no UTF-8. The length stays.
 */
void printable(uint8_t *s, size_t n, bool lines);

#endif
