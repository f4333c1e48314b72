/*
 * trace_filter.h - the FILTER of `moat do --trace`: which system calls are shown, as a bitmap by their numbers.
 */
#ifndef MOAT_HOST_TRACE_FILTER_H
#define MOAT_HOST_TRACE_FILTER_H

#include <stdint.h>

#define TRACE_FILTER_BYTES 64

struct error;

/*
 * text: "open,close", "file,process", "!memory,futex" (all but these), "all"; NULL: all. Fills calls. -1 with a message
 * that names the word which is no call and no family.
 */
int trace_filter_parse(uint8_t calls[TRACE_FILTER_BYTES], const char *text, struct error *err);

#endif
