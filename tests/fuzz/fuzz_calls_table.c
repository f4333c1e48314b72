/*
 * fuzz_calls_table.c - the calls that are made: those of syscalls.def that do something, but for the
 * ones with which a thread would end, freeze or lose itself.
 */
#include <string.h>
#include <sys/syscall.h>

#include "tests/fuzz/fuzz_calls.h"

enum level { none, refused, partial, full };

static const struct {
	struct call call;
	enum level level;
} rows[] = {
/* clang-format off */
#define SYSCALL0(nr, name, level, note) { { nr, #name, { no_a } }, level },
#define SYSCALL1(nr, name, level, note, t1, a1) { { nr, #name, { t1 } }, level },
#define SYSCALL2(nr, name, level, note, t1, a1, t2, a2) { { nr, #name, { t1, t2 } }, level },
#define SYSCALL3(nr, name, level, note, t1, a1, t2, a2, t3, a3) { { nr, #name, { t1, t2, t3 } }, level },
#define SYSCALL4(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4) \
	{ { nr, #name, { t1, t2, t3, t4 } }, level },
#define SYSCALL5(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	{ { nr, #name, { t1, t2, t3, t4, t5 } }, level },
#define SYSCALL6(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	{ { nr, #name, { t1, t2, t3, t4, t5, t6 } }, level },
#include "guest/sys/syscalls.def"
	/* clang-format on */
};

/* Those for processes are made by fuzz_calls_make.c, in ways that end. */
static const int left_out[] = {
	SYS_exit,
	SYS_exit_group,
	SYS_fork,
	SYS_vfork,
	SYS_clone,
	SYS_clone3,
	SYS_execve,
	SYS_execveat,
	SYS_rt_sigreturn,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_sigaltstack,
	SYS_brk,
	SYS_arch_prctl,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_reboot,
	SYS_kill,
	SYS_tkill,
	SYS_tgkill,
	SYS_setrlimit,
	SYS_prlimit64,
	SYS_alarm,
	SYS_setitimer,
};

static const struct call *chosen[N_OF(rows)];
static size_t chosen_n;

static bool is_safe(size_t row)
{
	if (rows[row].level == none || rows[row].level == refused)
		return false;
	for (size_t i = 0; i < N_OF(left_out); i++)
		if (rows[row].call.nr == left_out[i])
			return false;
	return true;
}

static bool choose_name(const char *name)
{
	for (size_t i = 0; i < N_OF(rows); i++) {
		if (strcmp(rows[i].call.name, name) || !is_safe(i) || chosen_n == N_OF(chosen))
			continue;
		chosen[chosen_n++] = &rows[i].call;
		return true;
	}
	return false;
}

bool calls_choose(char **names)
{
	for (char **n = names; *n; n++)
		if (!choose_name(*n))
			return false;
	for (size_t i = 0; i < N_OF(rows) && !*names; i++)
		if (is_safe(i))
			chosen[chosen_n++] = &rows[i].call;
	return true;
}

const struct call *calls_pick(void)
{
	return chosen[below(chosen_n)];
}
