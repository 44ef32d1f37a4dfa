/* SPDX-License-Identifier: MIT */
/* Takes the parts of the time from the whole, and says how far the difference can be trusted. */
#include "accounting.h"

#include "calls.h"
#include "figures.h"

#define ROUNDING_NS 4000ULL     /* getrusage(2) counts microseconds: two figures, at the beginning and at the end */
#define INSIDE_NS   100ULL      /* in user mode within a call as it is timed: the wrapper's end and libc's part */

static void add(struct capture_thread_time *to, const struct capture_thread_time *time)
{
	to->lived_ns = figure_sum(to->lived_ns, time->lived_ns);
	to->user_ns = figure_sum(to->user_ns, time->user_ns);
	to->system_ns = figure_sum(to->system_ns, time->system_ns);
	to->wait_ns = figure_sum(to->wait_ns, time->wait_ns);
	to->unread_ns = figure_sum(to->unread_ns, time->unread_ns);
}

struct capture_thread_time accounting_slot(const struct capture_thread *thread)
{
	struct capture_thread_time sum = thread->ended;

	if (thread->alive)
		add(&sum, &thread->now);
	return sum;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	if (a == CAPTURE_UNKNOWN || b == CAPTURE_UNKNOWN)
		return CAPTURE_UNKNOWN;
	return a < b ? b - a : a - b;
}

/*
 * What the parts of the lives that were asked for do not have of the processor time of the process: threads before and after these, threads that
 * nobody knows of. And what may have changed while they were asked, one after the other.
 */
static uint64_t bound(const struct capture *c, const struct accounting *a, const struct capture_thread_time *asked, uint64_t alive)
{
	uint64_t computed = figure_sum(a->user_ns, a->system_ns), sum;

	sum = figure_sum(difference(computed, figure_sum(asked->user_ns, asked->system_ns)), asked->unread_ns);
	if (c->threads_asked_ns > UINT32_MAX * 1000ULL) /* it went to sleep itself meanwhile, or it is nonsense */
		return CAPTURE_UNKNOWN;
	return figure_sum(figure_sum(sum, c->threads_asked_ns * alive), ROUNDING_NS);
}

void accounting_add_calls(struct accounting *a, uint64_t timed, uint64_t calls_ns)
{
	uint64_t awake;

	a->least_in_calls_ns = a->most_in_calls_ns = CAPTURE_UNKNOWN;
	if (!a->known || !timed || calls_ns == CAPTURE_UNKNOWN)
		return;
	awake = figure_sum(figure_sum(a->system_ns, a->wait_ns), figure_sum(a->bound_ns, timed < UINT32_MAX * 1000ULL ? timed * INSIDE_NS : CAPTURE_UNKNOWN));
	a->most_in_calls_ns = calls_ns < a->asleep_ns ? calls_ns : a->asleep_ns;
	a->least_in_calls_ns = calls_ns > awake ? calls_ns - awake : 0;
	if (a->least_in_calls_ns > a->most_in_calls_ns)
		a->least_in_calls_ns = a->most_in_calls_ns;
}

struct accounting accounting_of(const struct capture *c)
{
	static struct call_figures calls[CAPTURE_NUMBERS];
	struct capture_thread_time asked = { 0 };
	struct accounting a = { .lived_ns = c->threads_lived_ns };
	struct call_figures sum;
	uint64_t alive = 0, awake;

	if (!c->threads_lived_ns || c->threads_lived_ns == CAPTURE_UNKNOWN)
		return a;
	for (size_t i = 0; i < CAPTURE_COUNTERS; i++) {
		struct capture_thread_time slot = accounting_slot(&c->counters[i].thread);

		a.threads += c->counters[i].thread.threads;
		alive += c->counters[i].thread.alive;
		add(&asked, &slot);
	}
	a.user_ns = figure_less(c->user_ns, c->begun_user_ns);
	a.system_ns = figure_less(c->system_ns, c->begun_system_ns);
	a.wait_ns = figure_less(c->runnable_wait_ns, c->begun_wait_ns);
	a.bound_ns = bound(c, &a, &asked, alive);
	awake = figure_sum(figure_sum(a.user_ns, a.system_ns), a.wait_ns);
	if (awake == CAPTURE_UNKNOWN || a.bound_ns == CAPTURE_UNKNOWN || awake > figure_sum(a.lived_ns, a.bound_ns))
		return a;
	a.known = true;
	if (awake > a.lived_ns) /* by less than the bound: the parts that are known make the whole */
		a.lived_ns = awake;
	a.asleep_ns = a.lived_ns - awake;
	sum = calls_sum(calls, calls_of(c, calls));
	accounting_add_calls(&a, sum.timed, sum.time_ns);
	return a;
}
