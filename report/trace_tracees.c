/* SPDX-License-Identifier: MIT */
/* A hash of threads by their numbers; there may be thousands. */
#include "trace_tracees.h"

#include <stdlib.h>

#include "memory.h"

#define BUCKETS 4096

static struct tracee *buckets[BUCKETS];

static struct tracee **place(pid_t tid)
{
	struct tracee **at = &buckets[(unsigned)tid % BUCKETS];

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

struct tracee *tracee_find(pid_t tid)
{
	return *place(tid);
}

struct tracee *tracee_new(pid_t tid, struct traced *process)
{
	struct tracee *tracee = memory_get(sizeof(*tracee)), **at = place(tid);

	tracee->tid = tid;
	tracee->process = process;
	*at = tracee;
	return tracee;
}

static void unlink_it(struct tracee *tracee)
{
	struct tracee **at = place(tracee->tid);

	if (*at == tracee)
		*at = tracee->next;
	tracee->next = NULL;
}

void tracee_drop(struct tracee *tracee)
{
	struct traced *process = tracee->process;

	unlink_it(tracee);
	free(tracee);
	if (process && !--process->threads)
		free(process);
}

void tracee_rename(struct tracee *tracee, pid_t tid)
{
	unlink_it(tracee);
	tracee->tid = tid;
	*place(tid) = tracee;
}
