/* SPDX-License-Identifier: MIT */
/* What happens around a fork, and how its end is noticed: no wrapper tells when a child has gone. */
#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include "cache.h"
#include "large.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"
#include "pool.h"
#include "quarantine.h"

#define LIMIT_MIN       ((size_t)16 << 20)      /* bytes that may be fresh, however small the process was */
#define LOOK_FIRST_MS   20
#define LOOK_LAST_MS    2000
#define PAGEMAP_EXCLUSIVE (1UL << 56)           /* the page is mapped once: Documentation/admin-guide/mm/pagemap.rst */

/*
 * glibc's lock of the list of streams, which fork takes after the handlers and resets in the child. It comes before the
 * allocator's: fflush(NULL) holds it and waits for a stream, whose thread may be about to allocate.
 */
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));

uint32_t fork_epoch;

/* Zero in every child (MADV_WIPEONFORK, Linux 4.14), one where the handlers have run. */
static uint32_t *wiped;
/* The kernel, or a filter of system calls, has refused such a page; it will do so in children too. */
static bool is_refused;
/* A page that every child shares until it execs or ends; the one before it is for wiped. */
static char *witness;

static struct lock looking;             /* held while somebody looks whether relatives are left */
static bool is_late;                    /* what the last fork asks for is still to be done */
static size_t fresh_bytes, limit_bytes;
static uint64_t look_at_ms, look_after_ms;

static void leave_alone(void)
{
	size_t in_use = main_arena.taken_pages * PAGE_SIZE;

	if (in_use < options.fork_from_bytes)
		return;
	if (!shared_below)
		fresh_bytes = 0;
	limit_bytes = in_use / 100 * options.fork_limit_percent;
	if (limit_bytes < LIMIT_MIN)
		limit_bytes = LIMIT_MIN;
	look_after_ms = LOOK_FIRST_MS;
	look_at_ms = os_now_ms() + look_after_ms;
	if (witness)
		*(volatile char *)witness = 1;
	if (!holds_all_locks && slab_is_locked())
		__atomic_store_n(&is_late, true, __ATOMIC_RELAXED);
	else
		slab_leave_alone(++fork_epoch);
}

COLD static void leave_alone_late(void)
{
	if (__atomic_exchange_n(&is_late, false, __ATOMIC_ACQ_REL))
		slab_leave_alone(++fork_epoch);
}

/* In this order everywhere: a lock is taken before those below it. */
static void take_all(void)
{
	pool_lock_all();
	lock_take(&quarantine_lock);
	lock_take(&caches_lock);
	slab_lock_all();
	lock_take(&main_arena.lock);
	lock_take(&large_lock);
	lock_take(&metadata_lock);
	lock_take(&pagemap_lock);
}

/*
 * Where there is no other thread, no lock is needed, and one that is written to is a page to copy. But such a process may
 * fork in a signal's handler (signal-safety(7)), which may have interrupted the allocator anywhere: what is half done
 * stays as it is, and the rest waits until this thread comes by the long way.
 */
static void prepare(void)
{
	int error = errno;

	if (!__libc_single_threaded) {
		if (_IO_list_lock)
			_IO_list_lock();
		take_all();
		holds_all_locks = true;
	}
	leave_alone();
	errno = error;
}

static void release_all(void)
{
	holds_all_locks = false;
	lock_release(&pagemap_lock);
	lock_release(&metadata_lock);
	lock_release(&large_lock);
	lock_release(&main_arena.lock);
	slab_unlock_all();
	lock_release(&caches_lock);
	lock_release(&quarantine_lock);
	pool_unlock_all();
}

/* What this thread has cached lies on shared pages. */
static void empty_own_cache(void)
{
	if (own_cache && own_cache->epoch != fork_epoch)
		cache_empty(own_cache);
}

static void empty_own_cache_later(void)
{
	if (own_cache && (is_late || own_cache->epoch != fork_epoch))
		cache_set_aside();
}

static void parent(void)
{
	int error = errno;

	if (holds_all_locks) {
		release_all();
		if (_IO_list_unlock)
			_IO_list_unlock();
		empty_own_cache();
	} else {
		empty_own_cache_later();
	}
	errno = error;
}

static void child(void)
{
	int error = errno;

	looking.state = 0;
	if (wiped)
		*wiped = 1;
	if (holds_all_locks) {
		release_all();
		cache_forget_others();
		empty_own_cache();
	} else {
		empty_own_cache_later();
	}
	errno = error;
}

static void forget_locks(void)
{
	looking.state = quarantine_lock.state = caches_lock.state = main_arena.lock.state = 0;
	large_lock.state = metadata_lock.state = pagemap_lock.state = 0;
	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		size_bins[class].lock.state = 0;
	pool_forget_locks();
}

COLD static void born_without_handlers(void)
{
	if (__atomic_exchange_n(wiped, 1, __ATOMIC_ACQ_REL))
		return;
	forget_locks();
	leave_alone();
	cache_forget_others();
	empty_own_cache();
}

void fork_notice(void)
{
	const uint32_t *word = __atomic_load_n(&wiped, __ATOMIC_ACQUIRE);

	if (UNLIKELY(word && !__atomic_load_n(word, __ATOMIC_RELAXED) && !holds_all_locks))
		born_without_handlers();
	if (UNLIKELY(__atomic_load_n(&is_late, __ATOMIC_RELAXED)))
		leave_alone_late();
}

/* What was begun is known to a child that is born meanwhile: it goes on from there, with pages that it has too. */
void fork_watch(void)
{
	int error = errno;
	uint32_t *word;

	if (wiped || is_refused)
		return;
	if (!witness) {
		char *pages = metadata_map(2 * PAGE_SIZE);

		if (!pages)
			return;
		witness = pages + PAGE_SIZE;
	}
	word = (uint32_t *)(void *)(witness - PAGE_SIZE);
	*word = 1; /* before others see it: a zero there means a fork to them */
	if (madvise(word, PAGE_SIZE, MADV_WIPEONFORK) == 0)
		__atomic_store_n(&wiped, word, __ATOMIC_RELEASE);
	else
		is_refused = errno != ENOMEM && errno != EAGAIN;
	errno = error;
}

void fork_register(void)
{
	pthread_atfork(prepare, parent, child);
}

void fork_slab_wanted(size_t pages)
{
	if (shared_below)
		__atomic_fetch_add(&fresh_bytes, pages * PAGE_SIZE, __ATOMIC_RELAXED);
}

/* Whether no other process maps the witness: all children and the parent have ended or have executed something else. */
static bool is_alone(void)
{
	uint64_t entry = 0;
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (file < 0)
		return false;
	got = pread(file, &entry, sizeof(entry), (off_t)((uintptr_t)witness / PAGE_SIZE * sizeof(entry)));
	close(file);
	return got == sizeof(entry) && entry & PAGEMAP_EXCLUSIVE;
}

COLD void fork_look_again(void)
{
	int error = errno, state;
	uint64_t now = os_now_ms();

	if (holds_all_locks || !lock_try(&looking))
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* is_alone has cancellation points; malloc is none */
	if (__atomic_load_n(&fresh_bytes, __ATOMIC_RELAXED) > limit_bytes) {
		slab_fill_again();
	} else if (now >= look_at_ms) {
		look_after_ms = look_after_ms * 2 < LOOK_LAST_MS ? look_after_ms * 2 : LOOK_LAST_MS;
		look_at_ms = now + look_after_ms;
		if (witness && is_alone())
			slab_fill_again();
	}
	pthread_setcancelstate(state, NULL);
	lock_release(&looking);
	errno = error;
}
