/* SPDX-License-Identifier: MIT */
/*
 * A slot of counters goes from thread to thread, with what it holds: one that had one owner is that thread's, one that had several stands for all of them
 * together. Slot 0 is everybody's who found no other.
 */
#include "threads.h"

#include <stdlib.h>

#include "calls.h"
#include "figures.h"

static bool used(const struct capture *c, size_t slot)
{
	return c->counters[slot].thread.threads || c->counters[slot].tid;
}

/* No call of the slot's threads is counted in somebody else's cell. */
static bool is_complete(const struct capture *c, size_t slot)
{
	for (size_t number = 0; number < CAPTURE_NUMBERS; number++) {
		uint16_t at = c->counters[slot].cells[number];

		if (at && (at > CAPTURE_CELLS || c->calls[at - 1].slot != slot))
			return false;
	}
	return true;
}

static void add_calls(const struct capture *c, size_t slot, struct thread_figures *t)
{
	double tick = call_tick_ns(&c->call_clock);
	uint64_t ticks = 0, most_ticks = 0, most_calls = 0;

	for (size_t i = 0; i < c->cells_used; i++) {
		const struct capture_call *cell = &c->calls[i];

		if (cell->slot != slot)
			continue;
		t->calls = figure_sum(t->calls, cell->calls);
		t->errors = figure_sum(t->errors, cell->errors);
		t->timed = figure_sum(t->timed, cell->timed);
		if (cell->timed)
			ticks = figure_sum(ticks, cell->ticks);
		if (cell->ticks > most_ticks || (cell->ticks == most_ticks && cell->calls > most_calls)) {
			most_ticks = cell->ticks;
			most_calls = cell->calls;
			t->busiest = cell->number;
		}
	}
	t->time_ns = !t->timed || tick == 0 || ticks == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : (uint64_t)((double)ticks * tick + 0.5);
}

/* Alive or not is known when the image's threads were asked at its end. */
static void add_life(const struct capture *c, const struct capture_thread *thread, struct thread_figures *t)
{
	struct capture_thread_time time = accounting_slot(thread);
	struct accounting *a = &t->life;
	uint64_t awake;

	t->ended = !thread->alive && !thread->lost && time.lived_ns;
	a->threads = thread->threads;
	a->lived_ns = time.lived_ns;
	a->user_ns = time.user_ns;
	a->system_ns = time.system_ns;
	a->wait_ns = time.unread_ns > time.lived_ns / 100 ? CAPTURE_UNKNOWN : time.wait_ns; /* the error would show */
	a->bound_ns = figure_sum(time.unread_ns, thread->alive ? c->threads_asked_ns : 0);
	awake = figure_sum(figure_sum(a->user_ns, a->system_ns), a->wait_ns);
	a->asleep_ns = a->least_in_calls_ns = a->most_in_calls_ns = CAPTURE_UNKNOWN;
	if (!time.lived_ns || thread->lost) {
		a->lived_ns = a->user_ns = a->system_ns = a->wait_ns = CAPTURE_UNKNOWN;
		return;
	}
	if (awake == CAPTURE_UNKNOWN || a->bound_ns == CAPTURE_UNKNOWN || awake > figure_sum(a->lived_ns, a->bound_ns))
		return;
	a->known = true;
	a->lived_ns = awake > a->lived_ns ? awake : a->lived_ns;
	a->asleep_ns = a->lived_ns - awake;
	if (t->complete)
		accounting_add_calls(a, t->timed, t->time_ns);
}

static int more_time(const void *a, const void *b)
{
	const struct thread_figures *first = a, *second = b;
	bool first_timed = first->time_ns != CAPTURE_UNKNOWN, second_timed = second->time_ns != CAPTURE_UNKNOWN;

	if ((first->kind == THREAD_SHARED) != (second->kind == THREAD_SHARED))
		return first->kind == THREAD_SHARED ? 1 : -1;
	if (first_timed != second_timed)
		return first_timed ? -1 : 1;
	if (first->time_ns != second->time_ns)
		return first->time_ns > second->time_ns ? -1 : 1;
	if (first->calls != second->calls)
		return first->calls > second->calls ? -1 : 1;
	return first->tid < second->tid ? -1 : first->tid > second->tid;
}

size_t threads_of(const struct capture *c, struct thread_figures *figures)
{
	size_t count = 0;

	for (size_t slot = 0; slot < CAPTURE_COUNTERS; slot++) {
		const struct capture_thread *thread = &c->counters[slot].thread;
		struct thread_figures t = { .name = "", .complete = true };

		add_calls(c, slot, &t);
		if (!slot) {
			if (!t.calls && !thread->threads)
				continue;
			t.kind = THREAD_SHARED;
			t.threads = t.life.lived_ns = t.life.user_ns = t.life.system_ns = t.life.wait_ns = CAPTURE_UNKNOWN;
			t.life.asleep_ns = t.life.least_in_calls_ns = t.life.most_in_calls_ns = CAPTURE_UNKNOWN;
		} else if (!used(c, slot)) {
			continue;
		} else {
			t.kind = thread->threads > 1 ? THREAD_SEQUENCE : THREAD_ONE;
			t.threads = thread->threads;
			t.tid = t.kind == THREAD_ONE ? thread->tid : 0;
			t.name = thread->name;
			t.complete = is_complete(c, slot);
			add_life(c, thread, &t);
		}
		figures[count++] = t;
	}
	qsort(figures, count, sizeof(figures[0]), more_time);
	return count;
}
