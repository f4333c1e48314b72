/*
 * hostile.h - what the platform half of the hostile image gives to the common half.
 *
 * The image stands in for the Sentry in a test build of the launcher (mk/hostile.mk): it is started in the same way, has
 * the same memory and doorbells, and uses them as badly as it can.
 */
#ifndef MOAT_TESTS_GUEST_HOSTILE_H
#define MOAT_TESTS_GUEST_HOSTILE_H

#include <stdint.h>

struct machine {
	uint8_t *arena;
	uint64_t arena_size;
	const uint8_t *boot_tree; /* BOOT_FDT_MAX bytes */
	void (*bell)(unsigned queue);
	void (*halt)(void);	     /* as after CTL_EXIT; does not return */
	void (*crash)(void);	     /* as after a crash record was filled; does not return */
	void (*abuse)(unsigned way); /* of the processor itself; NULL: there is nothing to abuse */
};

void hostile_main(const struct machine *m) __attribute__((noreturn));

#endif
