/* SPDX-License-Identifier: MIT */
/*
 * Bytes by descriptor: where a descriptor leads is looked up at its first call, when that can be afforded, and again after a call that made it lead elsewhere. From then on a call finds
 * its counters by two table look-ups, a thread's own, so that it adds to them without a lock. See traffic.c.
 */
#ifndef PAGEGAP_TRAFFIC_H
#define PAGEGAP_TRAFFIC_H

#include <errno.h>

#include "call_counts.h"
#include "dispatch.h"
#include "instrument.h"

/* What a call does with descriptors. The arguments that are some are the first, and the one that traffic_second says. */
enum traffic_way {
	TRAFFIC_NONE,
	TRAFFIC_IN, TRAFFIC_OUT,        /* moves bytes between one and the program */
	TRAFFIC_FROM_FIRST, TRAFFIC_TO_FIRST, /* moves bytes between two */
	TRAFFIC_CLOSES,                 /* the first leads nowhere any more */
	TRAFFIC_CLOSES_RANGE,           /* from the first to the second argument */
	TRAFFIC_REPLACES,               /* the second leads where the first does */
	TRAFFIC_OPENS,                  /* the result leads somewhere else now */
	TRAFFIC_OPENS_PAIR,             /* the two that the argument traffic_second points to */
};

/* Of calls that are caught wherever they are made, those that open need no attention: what was closed is known. */
#define TRAFFIC_TABLE(X, Y) \
	X(read, IN) X(readv, IN) X(pread64, IN) X(preadv, IN) X(preadv2, IN) X(recvfrom, IN) X(recvmsg, IN) X(getdents64, IN) \
	X(write, OUT) X(writev, OUT) X(pwrite64, OUT) X(pwritev, OUT) X(pwritev2, OUT) X(sendto, OUT) X(sendmsg, OUT) X(vmsplice, OUT) \
	X(sendfile, TO_FIRST) X(splice, FROM_FIRST) X(tee, FROM_FIRST) X(copy_file_range, FROM_FIRST) \
	X(close, CLOSES) X(close_range, CLOSES_RANGE) X(dup2, REPLACES) X(dup3, REPLACES) \
	Y(open, OPENS) Y(openat, OPENS) Y(openat2, OPENS) Y(creat, OPENS) Y(socket, OPENS) Y(accept, OPENS) \
	Y(accept4, OPENS) Y(dup, OPENS) Y(epoll_create, OPENS) Y(epoll_create1, OPENS) Y(eventfd, OPENS) Y(eventfd2, OPENS) \
	Y(timerfd_create, OPENS) Y(signalfd, OPENS) Y(signalfd4, OPENS) Y(inotify_init, OPENS) Y(inotify_init1, OPENS) \
	Y(memfd_create, OPENS) Y(pidfd_open, OPENS) Y(mq_open, OPENS) Y(fanotify_init, OPENS) \
	Y(pipe, OPENS_PAIR) Y(pipe2, OPENS_PAIR) Y(socketpair, OPENS_PAIR)

static inline __attribute__((always_inline)) GENERAL_REGISTERS enum traffic_way traffic_way(unsigned number)
{
#define TRAFFIC_CASE(name, way) case SYS_##name: return TRAFFIC_##way;
	switch (number) { TRAFFIC_TABLE(TRAFFIC_CASE, TRAFFIC_CASE) }
#undef TRAFFIC_CASE
	return TRAFFIC_NONE;
}

static inline __attribute__((always_inline)) GENERAL_REGISTERS unsigned traffic_second(unsigned number)
{
	return number == SYS_splice || number == SYS_copy_file_range ? 2 : number == SYS_socketpair ? 3 : number == SYS_pipe || number == SYS_pipe2 ? 0 : 1;
}

/* The slow part of a call that has been made: finds counters, counts; or forgets where descriptors led. Async-signal-safe, leaves errno alone. */
void traffic_slowly(struct thread *thread, unsigned number, const long arguments[4], long result, uint64_t ticks) COLD;

void traffic_add_shared(struct capture_traffic *traffic, enum traffic_way way, uint64_t bytes, uint64_t ticks) COLD GENERAL_REGISTERS;

/* The calling thread's counters for a descriptor; NULL: they have to be found first. */
static inline GENERAL_REGISTERS struct capture_traffic *traffic_find(const struct thread *thread, long fd)
{
	unsigned target = likely((unsigned)fd < CAPTURE_FDS) ? __atomic_load_n(&capture->target_of[(unsigned)fd], __ATOMIC_RELAXED) : TARGET_UNKNOWN;
	unsigned at = thread->counters->traffic[target];

	return likely(at && target) ? &capture->traffic[at - 1] : NULL;
}

/*
 * Looking up where a descriptor leads is rationed, for a program may open one for every second call: so many at once, and then no more than
 * take one part in TRAFFIC_LOOK_SHARE of the time. Who makes many calls on a descriptor gets his turn; till then they count as unknown.
 */
#define TRAFFIC_LOOKS      256
#define TRAFFIC_LOOK_SHARE 256
extern uint32_t traffic_looks_left HIDDEN, traffic_looks_refused HIDDEN;
extern uint64_t traffic_next_look HIDDEN; /* in ticks, when none is left */

static inline GENERAL_REGISTERS bool traffic_may_look(void)
{
	if (__atomic_load_n(&traffic_looks_left, __ATOMIC_RELAXED))
		return true;
	if (likely(call_clock == CALL_CLOCK_TSC))
		return __rdtsc() >= __atomic_load_n(&traffic_next_look, __ATOMIC_RELAXED);
	return !(__atomic_add_fetch(&traffic_looks_refused, 1, __ATOMIC_RELAXED) % (4 * TRAFFIC_LOOK_SHARE));
}

/* Counters for a call on a descriptor that may not be looked up now; NULL: it may, or has been. */
static inline GENERAL_REGISTERS struct capture_traffic *traffic_refused(const struct thread *thread, unsigned long fd)
{
	unsigned at = thread->counters->traffic[TARGET_UNKNOWN];

	if ((unsigned)fd >= CAPTURE_FDS || __atomic_load_n(&capture->target_of[(unsigned)fd], __ATOMIC_RELAXED) || traffic_may_look())
		return NULL;
	return &capture->traffic[at ? at - 1 : CAPTURE_TRAFFIC - 1 - TARGET_UNKNOWN];
}

/* @way: TRAFFIC_IN or TRAFFIC_OUT, as seen from the program */
static inline GENERAL_REGISTERS void traffic_add(struct capture_traffic *traffic, enum traffic_way way, long result, uint64_t ticks)
{
	uint64_t bytes = result > 0 ? (uint64_t)result : 0;

	if (unlikely(result < 0))
		__atomic_fetch_add(&traffic->errors, 1, __ATOMIC_RELAXED);
	if (unlikely(!traffic->slot)) {
		traffic_add_shared(traffic, way, bytes, ticks);
		return;
	}
	traffic->calls++;
	*(way == TRAFFIC_IN ? &traffic->bytes_in : &traffic->bytes_out) += bytes;
	if (!ticks || (int64_t)ticks < 0)
		return;
	traffic->timed++;
	traffic->ticks += ticks;
}

/*
 * traffic_count - count a call on descriptors that has returned, or forget what it changed
 * @result: as the kernel gives it
 * @ticks: that it took; 0: not known
 *
 * Where @number is a constant, there is nothing left of it for all other calls.
 */
static inline __attribute__((always_inline)) void traffic_count(unsigned number, const long arguments[4], long result, uint64_t ticks)
{
	struct thread *thread = &this_thread;
	enum traffic_way way = traffic_way(number);
	struct capture_traffic *traffic;

	if (way == TRAFFIC_NONE || unlikely(!thread->counters || !fork_sentinel[0]))
		return;
	if (way <= TRAFFIC_OUT && likely(result != -EBADF) && likely((traffic = traffic_find(thread, arguments[0])) != NULL))
		traffic_add(traffic, way, result, ticks);
	else
		traffic_slowly(thread, number, arguments, result, ticks);
}

static inline GENERAL_REGISTERS void traffic_forget(unsigned long fd)
{
	if ((unsigned)fd < CAPTURE_FDS)
		__atomic_store_n(&capture->target_of[(unsigned)fd], TARGET_NONE, __ATOMIC_RELAXED);
}

extern const uint8_t traffic_ways[CAPTURE_NUMBERS] HIDDEN; /* by number: enum traffic_way, but for calls that open */

/* For the hub, before the call: false, and only the handler can count it. @found: for traffic_done */
static inline GENERAL_REGISTERS bool traffic_ready(const struct thread *thread, uint64_t number, uint64_t fd, struct capture_traffic **found)
{
	unsigned way = traffic_ways[number];

	*found = NULL;
	if (likely(!way))
		return true;
	if (way <= TRAFFIC_OUT)
		return (*found = traffic_find(thread, (long)fd)) != NULL || (*found = traffic_refused(thread, fd)) != NULL;
	return way == TRAFFIC_CLOSES || way == TRAFFIC_REPLACES;
}

/* And after it. */
static inline GENERAL_REGISTERS void traffic_done(struct capture_traffic *found, uint64_t number, uint64_t first, uint64_t second, long result, uint64_t ticks)
{
	unsigned way = traffic_ways[number];

	if (likely(!way))
		return;
	if (!found)
		traffic_forget(way == TRAFFIC_CLOSES ? first : second);
	else if (likely(result != -EBADF))
		traffic_add(found, (enum traffic_way)way, result, ticks);
}

#endif
