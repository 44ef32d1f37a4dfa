/* SPDX-License-Identifier: MIT */
/*
 * Finding the counters of a descriptor. There is room for so many targets; when it is used up, one that no descriptor leads to any more, that
 * only this thread has used, and that has seen the fewest calls, gives way: what it counted goes to the rest of its kind, so that the
 * busiest stay. Targets are told apart by descriptor and name: what is opened again under the same number is the same one.
 */
#include "traffic.h"

#include <string.h>

#include "signals.h"
#include "text.h"

#define TRIES 20000     /* while another thread looks something up, which takes a microsecond or two */

const uint8_t traffic_ways[CAPTURE_NUMBERS] = {
#define WAY(name, way) [SYS_##name] = TRAFFIC_##way,
#define NO_WAY(name, way)
	TRAFFIC_TABLE(WAY, NO_WAY)
};

/* With all signals blocked, so that the holder gets on. False: he does not. */
static bool lock(void)
{
	uint32_t tries = 0;

	while (__atomic_exchange_n(&capture->traffic_lock, 1, __ATOMIC_ACQUIRE)) {
		if (++tries > TRIES)
			return false;
		sys_pause();
	}
	return true;
}

static void unlock(void)
{
	__atomic_store_n(&capture->traffic_lock, 0, __ATOMIC_RELEASE);
}

/* proc(5), /proc/pid/fd: pipe:[INODE], socket:[INODE], anon_inode:NAME, a path. */
static unsigned rest_of(const char *name)
{
	return !strncmp(name, "socket:[", 8) ? TARGET_SOCKETS : !strncmp(name, "pipe:[", 6) ? TARGET_PIPES : TARGET_FILES;
}

/* False: nowhere, or nobody may know. Under the lock; not on a stack that may be small. */
static bool read_name(unsigned fd, char name[CAPTURE_TARGET_BYTES])
{
	static char whole[4096];
	char path[32];
	struct text text = text_begin(path, sizeof(path));
	long length;

	text_add(&text, "/proc/self/fd/");
	text_add_number(&text, fd);
	length = sys_call4(SYS_readlinkat, AT_FDCWD, path, whole, sizeof(whole));
	if (length <= 0)
		return false;
	if (length >= CAPTURE_TARGET_BYTES) {
		memmove(whole, whole + length - (CAPTURE_TARGET_BYTES - 1), CAPTURE_TARGET_BYTES - 1);
		length = CAPTURE_TARGET_BYTES - 1;
	}
	memset(name, 0, CAPTURE_TARGET_BYTES);
	memcpy(name, whole, (size_t)length);
	return true;
}

static void add(struct capture_traffic *to, const struct capture_traffic *from)
{
	__atomic_fetch_add(&to->calls, from->calls, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->errors, from->errors, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->bytes_in, from->bytes_in, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->bytes_out, from->bytes_out, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->timed, from->timed, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->ticks, from->ticks, __ATOMIC_RELAXED);
}

/* The counters that all share who have none of their own. */
static struct capture_traffic *shared(unsigned target)
{
	struct capture_traffic *traffic = &capture->traffic[CAPTURE_TRAFFIC - 1 - target];

	__atomic_store_n(&traffic->target, (uint16_t)target, __ATOMIC_RELAXED);
	return traffic;
}
_Static_assert(CAPTURE_TRAFFIC < 256 && CAPTURE_DESCRIPTORS < 256, "an index is a byte");
_Static_assert(CAPTURE_TRAFFIC_SHARED == CAPTURE_DESCRIPTORS, "a shared one for each target");

static struct capture_traffic *counters_of(struct thread *thread, unsigned target)
{
	uint8_t *place = &thread->counters->traffic[target];
	struct capture_traffic *traffic;

	if (*place)
		return &capture->traffic[*place - 1];
	if (thread->shared || capture->traffic_used == CAPTURE_TRAFFIC - CAPTURE_TRAFFIC_SHARED) {
		traffic = shared(target);
	} else {
		traffic = &capture->traffic[capture->traffic_used++];
		traffic->slot = (uint16_t)(thread->counters - capture->counters);
		traffic->target = (uint16_t)target;
	}
	*place = (uint8_t)(1 + (traffic - capture->traffic));
	return traffic;
}

/* Notes which targets a descriptor leads to, and which are not this thread's alone. */
static void find_kept(const struct thread *thread, bool kept[CAPTURE_DESCRIPTORS])
{
	const uint64_t *words = (const uint64_t *)(const void *)capture->target_of;

	for (size_t i = 0; i < sizeof(capture->target_of) / sizeof(words[0]); i++)
		for (uint64_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED); word; word >>= 8)
			kept[word & (CAPTURE_DESCRIPTORS - 1)] = true;
	for (uint32_t i = 0; i < capture->traffic_used; i++)
		if (&capture->counters[capture->traffic[i].slot] != thread->counters)
			kept[capture->traffic[i].target] = true;
	for (unsigned target = TARGET_FIRST; target < CAPTURE_DESCRIPTORS; target++)
		if (!thread->counters->traffic[target] || __atomic_load_n(&shared(target)->calls, __ATOMIC_RELAXED))
			kept[target] = true;
}

/* A target that can give way; 0: none. */
static unsigned take_place(struct thread *thread)
{
	bool kept[CAPTURE_DESCRIPTORS] = { false };
	uint64_t fewest = UINT64_MAX;
	unsigned place = 0;
	struct capture_traffic *traffic;

	if (thread->shared)
		return 0;
	find_kept(thread, kept);
	for (unsigned target = TARGET_FIRST; target < CAPTURE_DESCRIPTORS; target++) {
		if (kept[target])
			continue;
		traffic = &capture->traffic[thread->counters->traffic[target] - 1];
		if (traffic->calls < fewest) {
			fewest = traffic->calls;
			place = target;
		}
	}
	if (!place)
		return 0;
	traffic = &capture->traffic[thread->counters->traffic[place] - 1];
	add(counters_of(thread, rest_of(capture->targets[place].name)), traffic);
	memset(&traffic->calls, 0, sizeof(*traffic) - offsetof(struct capture_traffic, calls));
	capture->targets_dropped++;
	return place;
}

uint32_t traffic_looks_left = TRAFFIC_LOOKS, traffic_looks_refused;
uint64_t traffic_next_look;

static void pay_for_look(uint64_t begun)
{
	uint64_t now = call_clock == CALL_CLOCK_TSC ? __rdtsc() : 0;

	if (traffic_looks_left)         /* read by others without the lock */
		__atomic_store_n(&traffic_looks_left, traffic_looks_left - 1, __ATOMIC_RELAXED);
	shared(TARGET_UNKNOWN); /* is there, for those who are refused */
	__atomic_store_n(&traffic_next_look, now + (now - begun) * TRAFFIC_LOOK_SHARE, __ATOMIC_RELAXED);
}

static unsigned find_target(struct thread *thread, unsigned fd)
{
	char name[CAPTURE_TARGET_BYTES];
	struct capture_target *target = &capture->targets[TARGET_FIRST];
	uint64_t begun = call_clock == CALL_CLOCK_TSC ? __rdtsc() : 0;
	bool known = read_name(fd, name);
	unsigned place;

	pay_for_look(begun);
	if (!known)
		return TARGET_UNKNOWN;
	for (; target < &capture->targets[TARGET_FIRST + capture->targets_used]; target++)
		if (target->fd == fd && !memcmp(target->name, name, sizeof(name)))
			return (unsigned)(target - capture->targets);
	if (capture->targets_used < CAPTURE_DESCRIPTORS - TARGET_FIRST)
		place = TARGET_FIRST + capture->targets_used++;
	else
		place = take_place(thread);
	if (!place) {
		capture->targets_dropped++;
		return rest_of(name);
	}
	capture->targets[place].fd = fd;
	memcpy(capture->targets[place].name, name, sizeof(name));
	return place;
}

/* Finds a descriptor's counters, which from then on are found fast; or, where that cannot be now, some. */
static struct capture_traffic *find(struct thread *thread, long descriptor)
{
	unsigned fd = (unsigned)descriptor, target = TARGET_UNKNOWN;
	struct capture_traffic *traffic = shared(TARGET_UNKNOWN);

	if (!sys_failed(sys_getpid()) && !instrument_is_own_process()) /* after vfork, a child's descriptors are not its parent's */
		return traffic;
	signals_block();
	if (lock()) {
		if (fd < CAPTURE_FDS) {
			target = __atomic_load_n(&capture->target_of[fd], __ATOMIC_RELAXED);
			if (!target)
				target = find_target(thread, fd);
			__atomic_store_n(&capture->target_of[fd], (uint8_t)target, __ATOMIC_RELAXED);
		}
		traffic = counters_of(thread, target);
		unlock();
	}
	signals_restore();
	return traffic;
}

static void count_on(struct thread *thread, long fd, enum traffic_way way, long result, uint64_t ticks)
{
	struct capture_traffic *traffic = traffic_find(thread, fd);

	if (!traffic)
		traffic = traffic_refused(thread, (unsigned long)fd);
	if (!traffic)
		traffic = find(thread, fd);
	traffic_add(traffic, way, result, ticks);
}

static void forget_range(unsigned first, unsigned last)
{
	for (; first <= last && first < CAPTURE_FDS; first++)
		traffic_forget(first);
}

void traffic_slowly(struct thread *thread, unsigned number, const long a[4], long result, uint64_t ticks)
{
	enum { CLOSE_ON_EXEC = 4 };     /* CLOSE_RANGE_CLOEXEC: close_range(2) */
	enum traffic_way way = traffic_way(number);
	const int *pair = (const int *)a[traffic_second(number)];

	switch (way) {
	case TRAFFIC_NONE:
		return;
	case TRAFFIC_IN:
	case TRAFFIC_OUT:
		if (result != -EBADF)
			count_on(thread, a[0], way, result, ticks);
		return;
	case TRAFFIC_FROM_FIRST:
	case TRAFFIC_TO_FIRST:
		if (result == -EBADF)
			return;
		count_on(thread, a[0], way == TRAFFIC_FROM_FIRST ? TRAFFIC_IN : TRAFFIC_OUT, result, ticks);
		count_on(thread, a[traffic_second(number)], way == TRAFFIC_FROM_FIRST ? TRAFFIC_OUT : TRAFFIC_IN, result, ticks);
		return;
	case TRAFFIC_CLOSES:
		traffic_forget((unsigned long)a[0]);
		return;
	case TRAFFIC_CLOSES_RANGE:
		if (!(a[2] & CLOSE_ON_EXEC))
			forget_range((unsigned)a[0], (unsigned)a[1]);
		return;
	case TRAFFIC_REPLACES:
		traffic_forget((unsigned long)a[1]);
		return;
	case TRAFFIC_OPENS:
		if (result >= 0)
			traffic_forget((unsigned long)result);
		return;
	case TRAFFIC_OPENS_PAIR:
		if (result)
			return;
		traffic_forget((unsigned long)pair[0]);
		traffic_forget((unsigned long)pair[1]);
	}
}

GENERAL_REGISTERS void traffic_add_shared(struct capture_traffic *traffic, enum traffic_way way, uint64_t bytes, uint64_t ticks)
{
	__atomic_fetch_add(&traffic->calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(way == TRAFFIC_IN ? &traffic->bytes_in : &traffic->bytes_out, bytes, __ATOMIC_RELAXED);
	if (!ticks || (int64_t)ticks < 0)
		return;
	__atomic_fetch_add(&traffic->timed, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&traffic->ticks, ticks, __ATOMIC_RELAXED);
}
