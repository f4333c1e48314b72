/*
 * abi_asserts.c - what the Sentry takes for Linux's ABI, against the headers of this system. `scripts/lint.sh abi` compiles
 * it twice, once as the guest is compiled (SIDE_GUEST) and once with the system's headers, since both sides use the same
 * names, links the halves and runs them: every row of abi_layout.def must come out alike. System call numbers are checked
 * by the compiler.
 */
#ifdef SIDE_GUEST

#include <stddef.h>
#include "task/signal/signal.h"
#include "abi/ring.h"

#define VALUE(a, b)	   (a),
#define SIZE(a, b)	   sizeof(a),
#define OFFSET(a, f, b, g) offsetof(a, f),
#define FIELD(a, f, b, g)  offsetof(a, f) << 16 | sizeof(((a *)0)->f),

extern const unsigned long guest_values[];
const unsigned long guest_values[] = {
#include "tests/lint/abi_layout.def"
};

#else

#include <linux/virtio_ring.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ROW(number, name)	    _Static_assert(SYS_##name == number, "number of " #name);
#define SYSCALL0(number, name, ...) ROW(number, name)
#define SYSCALL1(number, name, ...) ROW(number, name)
#define SYSCALL2(number, name, ...) ROW(number, name)
#define SYSCALL3(number, name, ...) ROW(number, name)
#define SYSCALL4(number, name, ...) ROW(number, name)
#define SYSCALL5(number, name, ...) ROW(number, name)
#define SYSCALL6(number, name, ...) ROW(number, name)

/* Younger than the headers of Debian 12. */
enum {
	SYS_uretprobe = 335,
	SYS_cachestat = 451,
	SYS_fchmodat2,
	SYS_map_shadow_stack,
	SYS_futex_wake,
	SYS_futex_wait,
	SYS_futex_requeue,
	SYS_statmount,
	SYS_listmount,
	SYS_lsm_get_self_attr,
	SYS_lsm_set_self_attr,
	SYS_lsm_list_modules,
	SYS_mseal,
};
#include "guest/sys/syscalls.def"

#define VALUE(a, b)	   { #a " " #b, (b) },
#define SIZE(a, b)	   { "size of " #a " " #b, sizeof(b) },
#define OFFSET(a, f, b, g) { "offset of " #a "." #f " " #b "." #g, offsetof(b, g) },
#define FIELD(a, f, b, g)                                    \
	{ "offset << 16 | size of " #a "." #f " " #b "." #g, \
	  offsetof(b, g) << 16 | sizeof(((b *)0)->g) },

static const struct {
	const char *what;
	unsigned long value;
} theirs[] = {
#include "tests/lint/abi_layout.def"
};

extern const unsigned long guest_values[];

int main(void)
{
	int bad = 0;

	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		if (guest_values[i] == theirs[i].value)
			continue;
		printf("%s: %#lx here, %#lx in the system headers\n", theirs[i].what,
		       guest_values[i], theirs[i].value);
		bad = 1;
	}
	return bad;
}

#endif
