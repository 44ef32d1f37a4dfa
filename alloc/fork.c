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

uint32_t fork_epoch;

/* Zero in every child (MADV_WIPEONFORK, Linux 4.14), one where the handlers have run. */
static uint32_t *wiped;
/* A page that every child shares until it execs or ends. */
static char *witness;

static struct lock looking;             /* held while somebody looks whether relatives are left */
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

static void prepare(void)
{
	int error = errno;

	/* Where there is no other thread, nothing can be half done; and a lock that is written to is a page to copy. */
	if (!__libc_single_threaded) {
		take_all();
		holds_all_locks = true;
	}
	leave_alone();
	errno = error;
}

static void release_all(void)
{
	if (!holds_all_locks)
		return;
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
	if (this_cache != &no_cache && this_cache->epoch != fork_epoch)
		cache_empty(this_cache);
}

static void parent(void)
{
	int error = errno;

	release_all();
	empty_own_cache();
	errno = error;
}

static void child(void)
{
	int error = errno;

	release_all();
	looking.state = 0;
	if (wiped)
		*wiped = 1;
	cache_forget_others();
	empty_own_cache();
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
}

void fork_watch(void)
{
	char *pages = wiped ? NULL : metadata_map(2 * PAGE_SIZE);

	if (!pages)
		return;
	witness = pages + PAGE_SIZE;
	*(uint32_t *)(void *)pages = 1; /* before others see it: a zero there means a fork to them */
	if (madvise(pages, PAGE_SIZE, MADV_WIPEONFORK) == 0)
		__atomic_store_n(&wiped, (uint32_t *)(void *)pages, __ATOMIC_RELEASE);
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
