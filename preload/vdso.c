/* SPDX-License-Identifier: MIT */
/*
 * Functions that the kernel's vDSO answers without a system call: counted where --vdso asks for it, apart from system calls. For clocks that
 * the vDSO does not know, those of processor time, clock_gettime is a system call after all, and counted as one.
 */
#include "vdso.h"

#include <errno.h>
#include <sched.h>
#include <sys/time.h>

#include "call_counts.h"
#include "environment.h"
#include "lookup.h"

static bool counted;

void vdso_forked(void)
{
	capture->vdso_counted = counted;
}

void vdso_begin(void)
{
	int (*clock)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))lookup("clock_gettime");
	char value[8];

	if (clock)
		sys_clock = clock;
	counted = environment_option("vdso", value, sizeof(value));
	vdso_forked();
}

static COLD void count_one(enum capture_vdso which)
{
	struct thread *thread = &this_thread;

	if (instrument_ready(thread))
		count(thread, vdso[which], 1);
}

/* include/vdso/datapage.h, VDSO_HRES, VDSO_COARSE, VDSO_RAW */
static bool is_known(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_REALTIME_COARSE: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: case CLOCK_TAI:
		return true;
	}
	return false;
}

static COLD int count_clock(int (*next_one)(clockid_t, struct timespec *), clockid_t clock, struct timespec *now)
{
	uint64_t begun;
	int result;

	if (is_known(clock)) {
		count_one(VDSO_CLOCK_GETTIME);
		return next_one(clock, now);
	}
	begun = call_begins();
	result = next_one(clock, now);
	call_ends(SYS_clock_gettime, begun, result ? errno : 0, 0);
	return result;
}

#define NEXT(name) ({ \
	static void *place; \
	void *function = __atomic_load_n(&place, __ATOMIC_RELAXED); \
	(__typeof__(&(name)))(likely(function != NULL) ? function : lookup_once(&place, #name)); \
})

EXPORT int clock_gettime(clockid_t clock, struct timespec *now)
{
	int (*next_one)(clockid_t, struct timespec *) = NEXT(clock_gettime);

	if (unlikely(!next_one))
		return -1;
	return unlikely(counted) ? count_clock(next_one, clock, now) : next_one(clock, now);
}

EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int (*next_one)(struct timeval *, void *) = (int (*)(struct timeval *, void *))NEXT(gettimeofday);

	if (unlikely(!next_one))
		return -1;
	if (unlikely(counted))
		count_one(VDSO_GETTIMEOFDAY);
	return next_one(now, zone);
}

EXPORT time_t time(time_t *now)
{
	time_t (*next_one)(time_t *) = NEXT(time);

	if (unlikely(!next_one))
		return -1;
	if (unlikely(counted))
		count_one(VDSO_TIME);
	return next_one(now);
}

EXPORT int getcpu(unsigned *processor, unsigned *node)
{
	int (*next_one)(unsigned *, unsigned *) = NEXT(getcpu);

	if (unlikely(!next_one))
		return -1;
	if (unlikely(counted))
		count_one(VDSO_GETCPU);
	return next_one(processor, node);
}
