/*
 * split.c - where a thread's host task runs: on its worker's host CPU, each sleeping while the other runs ("paired",
 * 2.5 to 4 us a round), or on another one with both sides spinning ("split", a few hundred ns).
 *
 * Split pays only while rounds are short on both sides and another host CPU is really free: a missed wake-up of an idle
 * CPU costs 20 to 60 us, and spinning against someone else's work costs more. So a thread splits after a streak of
 * short rounds without another thread on its worker, and only while there are two host CPUs for each busy worker. A
 * round in which either side lets the other one wait too long is a miss: an interrupt causes one now and then, a host
 * CPU that is not free many. Two within FORGIVE rounds end the split, and double the streak that the next try needs if
 * it was the thread's side that did not answer.
 */
#include "platform/systrap/systrap.h"

#define SHORT_CYCLES 40000 /* about 15 us */
#define NEED_MIN     64U
#define NEED_MAX     65536U
#define PROVEN	     4096 /* rounds of a split after which its price is forgotten */
#define FORGIVE	     512  /* rounds after a miss in which a second one ends the split */

u32 split_pauses;

/* PAUSE takes 10 to 150 cycles, by model. */
void split_init(void)
{
	u64 start = clock_cycles(), i;

	for (i = 0; i < 1000; i++)
		cpu_relax();
	split_pauses = SPLIT_SPIN_CYCLES * 1000UL / (clock_cycles() - start + 1);
}

void split_end(struct utask *u)
{
	u->streak = 0;
	if (u->split) {
		u->split = false;
		u->stub->ctx->spin = 0; /* so that its host task goes to sleep at once */
	}
}

/* Is this one miss too many? */
static bool miss(struct utask *u)
{
	bool again = u->streak < u->missed + FORGIVE;

	u->missed = u->streak;
	return again;
}

void split_missed(struct utask *u)
{
	if (!miss(u))
		return;
	u->need = MIN(u->need * 2, NEED_MAX);
	split_end(u);
}

void split_left(struct utask *u)
{
	u->left = clock_cycles();
	if (!u->split && u->left - u->entered > SHORT_CYCLES)
		u->streak = 0;
}

bool split_decide(struct sys_cpu *c, struct utask *u)
{
	struct stub *s = u->stub;

	u->entered = clock_cycles();
	if (!u->need)
		u->need = NEED_MIN;
	if (c->last != u || 2 * atomic_load(&cpus_busy) > host_cpus)
		split_end(u);
	else if (u->entered - u->left > SHORT_CYCLES && (!u->split || miss(u)))
		split_end(u);
	c->last = u;
	u->streak++;
	if (u->split && u->streak > u->need + PROVEN)
		u->need = NEED_MIN;
	cpu_bind(c);
	if (!u->split && u->streak > u->need) {
		u->split = true;
		u->missed = u->streak - FORGIVE; /* the move itself may cost one */
	}
	cpu_bind_task(s->tid, &s->host_cpu, u->split ? host_cpu_other(c->host_cpu) : c->host_cpu);
	return u->split;
}
