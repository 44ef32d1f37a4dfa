/* SPDX-License-Identifier: MIT */
/*
 * The wrappers of mmap and its relatives keep the set of ranges. A range enters the set after the kernel has mapped it and leaves it
 * before the kernel unmaps it: in between, another thread may already be given the same addresses.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "call_counts.h"
#include "cow.h"
#include "exhaustion.h"
#include "heap.h"
#include "instrument.h"
#include "next.h"
#include "ranges.h"
#include "sites.h"
#include "unwind.h"
#include "signals.h"

/* Called by the object that defines malloc, when that is neither libc nor unknown: then what it maps is the allocator's. */
static bool by_allocator(const void *caller)
{
	return this_thread.inside ||
	       (!allocator.glibc && (uint64_t)caller >= allocator.start && (uint64_t)caller < allocator.end);
}

static enum range_kind kind_of(int flags, const void *caller)
{
	if (!(flags & MAP_ANONYMOUS) || (flags & MAP_TYPE) != MAP_PRIVATE)
		return RANGE_OWN_FILE;
	return by_allocator(caller) ? RANGE_ALLOCATOR : RANGE_OWN_ANON;
}

/* What an allocator is refused shows when malloc is. */
static void note_refused(enum capture_request request, uint64_t bytes, const void *caller)
{
	if (!by_allocator(caller))
		exhaustion_note_errno(request, bytes);
}

static enum capture_request map_request(int flags)
{
	return flags & MAP_HUGETLB ? REQUEST_HUGE_PAGES : REQUEST_MMAP;
}

/* Memory that is to have its pages at once: mmap(2), madvise(2). */
static void note_populated(uint64_t bytes)
{
	if (!instrument_ready(&this_thread) || this_thread.inside)
		return;
	__atomic_fetch_add(&capture->populate_calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&capture->populate_bytes, bytes, __ATOMIC_RELAXED);
}

/* A thread that never counted may be the first to map: bring it, or a forked child, up to date. */
static bool ready(void)
{
	return instrument_ready(&this_thread) && heap_next_ready();
}

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset, const void *caller)
{
	bool counted = ready();
	uint64_t begun;
	void *result;

	if (!heap_next_ready()) /* while the next mmap is being looked up: the kernel's own */
		return (void *)sys_call6(SYS_mmap, SYS_A(address), SYS_A(length), protection, flags, fd, offset);
	if (!counted)
		return next.mmap(address, length, protection, flags, fd, offset);
	if (unlikely(flags & MAP_FIXED) && (flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE) {
		cow_left((uint64_t)address, (uint64_t)address + length);
		cow_unmapped((uint64_t)address, (uint64_t)address + length);
	}
	signals_block(); /* no handler may leave between the two */
	begun = call_begins();
	result = next.mmap(address, length, protection, flags, fd, offset);
	call_ends(SYS_mmap, begun, result == MAP_FAILED ? errno : 0, 0);
	if (result != MAP_FAILED && length)
		ranges_claim((uint64_t)result, (uint64_t)result + length, kind_of(flags, caller), 0);
	signals_restore();
	if (unlikely(result == MAP_FAILED))
		note_refused(map_request(flags), length, caller);
	else if (unlikely(flags & MAP_POPULATE))
		note_populated(page_up(length));
	return result;
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return map(address, length, protection, flags, fd, offset, __builtin_return_address(0));
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
	return map(address, length, protection, flags, fd, offset, __builtin_return_address(0));
}

/* Takes ranges out before the kernel does, unless it is sure to refuse (mm/mmap.c, do_vmi_munmap). */
static void forget(uint64_t address, uint64_t length)
{
	const uint64_t top = 1UL << 47;

	unwind_forget_stacks();
	if (!length || address % PAGE_BYTES || address > top || length > top - address)
		return;
	snapshot_before_release(length);
	cow_left(address, address + length);
	cow_unmapped(address, address + length);
	ranges_drop(address, address + length);
}

EXPORT int munmap(void *address, size_t length)
{
	bool counted = ready();
	uint64_t begun;
	int result;

	if (!counted)
		return heap_next_ready() ? next.munmap(address, length) : (int)sys_call2(SYS_munmap, address, length);
	signals_block();
	forget((uint64_t)address, length);
	begun = call_begins();
	result = next.munmap(address, length);
	call_ends(SYS_munmap, begun, result ? errno : 0, 0);
	signals_restore();
	return result;
}

/* What an mremap takes away from where it was. What is made larger is moved only if it has to be, so that is tried first. */
static bool grows(uint64_t old_length, uint64_t new_length, int flags)
{
	return flags == MREMAP_MAYMOVE && new_length > old_length && cow_watches();
}

static void leave_by_mremap(uint64_t address, uint64_t old_length, uint64_t new_length, int flags)
{
	if (flags & (MREMAP_FIXED | 4 /* MREMAP_DONTUNMAP */) || (flags & MREMAP_MAYMOVE && new_length > old_length))
		cow_moved(address, address + old_length);
	else if (new_length < old_length)
		cow_left(address + page_up(new_length), address + old_length);
}

/* A try of the instrument's own: as long as it fails, nobody has made a call. */
static void *remap_in_place(void *address, size_t old_length, size_t new_length, uint64_t begun)
{
	long result = sys_call4(SYS_mremap, address, old_length, new_length, 0);

	if (sys_failed(result))
		return MAP_FAILED;
	if (dispatch_on)
		call_count(SYS_mremap, begun, 0, 0);
	return (void *)result;
}

EXPORT void *mremap(void *address, size_t old_length, size_t new_length, int flags, ...)
{
	bool counted = ready();
	struct range range;
	bool known = counted && ranges_find((uint64_t)address, &range) && range.start <= (uint64_t)address;
	void *wanted = NULL, *result;
	int error = errno;
	uint64_t begun;
	va_list arguments;

	if (flags & (MREMAP_FIXED | 4 /* MREMAP_DONTUNMAP */)) {
		va_start(arguments, flags);
		wanted = va_arg(arguments, void *);
		va_end(arguments);
		if (!(flags & MREMAP_FIXED) && (uint64_t)wanted % PAGE_BYTES)
			wanted = NULL; /* a wish that nobody made: what our wrappers leave in registers must not matter (glibc before 2.41 reads it) */
	}
	begun = call_begins();
	result = counted && grows(old_length, new_length, flags) ? remap_in_place(address, old_length, new_length, begun) : MAP_FAILED;
	if (result == MAP_FAILED) {
		errno = error;
		if (counted)
			leave_by_mremap((uint64_t)address, old_length, new_length, flags);
		if (counted && flags & MREMAP_FIXED) {
			cow_left((uint64_t)wanted, (uint64_t)wanted + new_length);
			cow_unmapped((uint64_t)wanted, (uint64_t)wanted + new_length);
		}
		if (known && !(flags & 4))
			ranges_drop((uint64_t)address, (uint64_t)address + old_length);
		unwind_forget_stacks();
		result = next.mremap(address, old_length, new_length, flags, wanted);
	}
	if (known && result != MAP_FAILED)
		ranges_claim((uint64_t)result, (uint64_t)result + new_length, range.kind, range.tag);
	else if (known && !(flags & 4))
		ranges_claim((uint64_t)address, (uint64_t)address + old_length, range.kind, range.tag);
	if (counted)
		call_ends(SYS_mremap, begun, result == MAP_FAILED ? errno : 0, 0);
	if (counted && unlikely(result == MAP_FAILED))
		note_refused(REQUEST_MREMAP, new_length, __builtin_return_address(0));
	return result;
}

EXPORT int mprotect(void *address, size_t length, int protection)
{
	uint64_t begun = call_begins();
	int result;

	if (!heap_next_ready())
		return (int)sys_call3(SYS_mprotect, address, length, protection);
	unwind_forget_stacks();
	result = next.mprotect(address, length, protection);
	call_ends(SYS_mprotect, begun, result ? errno : 0, 0);
	return result;
}

EXPORT int madvise(void *address, size_t length, int advice)
{
	uint64_t begun;
	int result;

	if (!heap_next_ready())
		return (int)sys_call3(SYS_madvise, address, length, advice);
	if (advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE)
		snapshot_before_release(length);
	if (advice == MADV_DONTNEED || advice == 24 /* MADV_DONTNEED_LOCKED */)
		cow_given_back((uint64_t)address, (uint64_t)address + length);
	begun = call_begins();
	result = next.madvise(address, length, advice);
	call_ends(SYS_madvise, begun, result ? errno : 0, 0);
	if (!result && (advice == MADV_DONTFORK || advice == MADV_DOFORK || advice == MADV_WIPEONFORK ||
			advice == MADV_KEEPONFORK))
		cow_advised((uint64_t)address, (uint64_t)address + length, advice);
	if (!result && (advice == 22 /* MADV_POPULATE_READ */ || advice == 23 /* MADV_POPULATE_WRITE */))
		note_populated(page_up(length));
	return result;
}

/* The break, when the program or an allocator other than libc's moves it. */
static void note_break(uint64_t before, uint64_t after, const void *caller)
{
	if (after > before)
		ranges_claim(before, after, by_allocator(caller) ? RANGE_ALLOCATOR : RANGE_OWN_ANON, 0);
	else if (after < before)
		ranges_drop(page_up(after), before);
}

EXPORT void *sbrk(intptr_t increment)
{
	bool counted = ready();
	uint64_t begun;
	void *before;

	if (counted && increment < 0) {
		uint64_t now = (uint64_t)sys_call1(SYS_brk, 0);

		snapshot_before_release((uint64_t)-increment);
		cow_left(page_up(now - (uint64_t)-increment), now);
	}
	begun = call_begins();
	before = next.sbrk(increment);
	if (counted) {
		if (before != (void *)-1 && increment)
			note_break((uint64_t)before, (uint64_t)before + (uint64_t)increment, __builtin_return_address(0));
		if (increment)
			call_ends(SYS_brk, begun, before == (void *)-1 ? errno : 0, 0);
		if (unlikely(before == (void *)-1))
			note_refused(REQUEST_BREAK, (uint64_t)increment, __builtin_return_address(0));
	}
	return before;
}

EXPORT int brk(void *address)
{
	bool counted = ready();
	uint64_t before = counted ? (uint64_t)sys_call1(SYS_brk, 0) : 0, begun;
	int result;

	if (counted && (uint64_t)address < before)
		cow_left(page_up((uint64_t)address), before);
	begun = call_begins();
	result = next.brk(address);
	if (counted) {
		if (!result)
			note_break(before, (uint64_t)address, __builtin_return_address(0));
		call_ends(SYS_brk, begun, result ? errno : 0, 0);
		if (unlikely(result != 0))
			note_refused(REQUEST_BREAK, (uint64_t)address - before, __builtin_return_address(0));
	}
	return result;
}

/* Shared memory bears its name in smaps: these are only counted. */
EXPORT void *shmat(int id, const void *address, int flags)
{
	uint64_t begun = call_begins();
	void *result;

	heap_next_ready();
	result = next.shmat(id, address, flags);
	call_ends(SYS_shmat, begun, result == (void *)-1 ? errno : 0, 0);
	return result;
}

#define COUNTED(name, parameters, arguments) \
EXPORT int name parameters \
{ \
	uint64_t begun = call_begins(); \
	int result; \
\
	heap_next_ready(); \
	result = next.name arguments; \
	call_ends(SYS_##name, begun, result ? errno : 0, 0); \
	return result; \
}
COUNTED(shmdt, (const void *address), (address))
COUNTED(mlock, (const void *address, size_t length), (address, length))
COUNTED(mlock2, (const void *address, size_t length, unsigned flags), (address, length, flags))
COUNTED(munlock, (const void *address, size_t length), (address, length))

/* A limit on locked memory is for the program's own: what the instrument has mapped would leave it little (setrlimit(2), RLIMIT_MEMLOCK). */
static void unlock_own(void)
{
	struct range range;

	for (uint64_t at = 0; ranges_find(at, &range); at = range.end)
		if (range.kind == RANGE_INSTRUMENT)
			sys_call2(SYS_munlock, range.start, range.end - range.start);
}

EXPORT int mlockall(int flags)
{
	uint64_t begun = call_begins();
	int result;

	heap_next_ready();
	sites_before_lock();
	result = next.mlockall(flags);
	call_ends(SYS_mlockall, begun, result ? errno : 0, 0);
	if (!result)
		unlock_own();
	return result;
}

COUNTED(munlockall, (void), ())

/*
 * Through syscall(2). It must end there and not in the next mmap: that may be an allocator's, whose own mmap is this very call.
 * Then the wrapper above counts it, and has the last word about its kind.
 */
long mappings_by_syscall(const long *a, const void *caller);

long mappings_by_syscall(const long *a, const void *caller)
{
	bool counted = ready(), known = false;
	uint64_t address = (uint64_t)a[1], length = (uint64_t)a[2];
	struct range range;
	uint64_t begun;
	long result;

	if (counted && a[0] == SYS_mremap)
		known = ranges_find(address, &range) && range.start <= address;
	if (counted && a[0] == SYS_munmap)
		forget(address, length);
	else if (counted && a[0] == SYS_mremap)
		leave_by_mremap(address, length, (uint64_t)a[3], (int)a[4]);
	if (known && !(a[4] & 4))
		ranges_drop(address, address + length);
	begun = call_begins();
	result = next.syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (!counted)
		return result;
	if (a[0] == SYS_mmap && result != -1)
		ranges_claim((uint64_t)result, (uint64_t)result + length, kind_of((int)a[4], caller), 0);
	else if (known && result != -1)
		ranges_claim((uint64_t)result, (uint64_t)result + (uint64_t)a[3], range.kind, range.tag);
	else if (known && !(a[4] & 4))
		ranges_claim(address, address + length, range.kind, range.tag);
	call_ends((unsigned)a[0], begun, result == -1 ? errno : 0, 0);
	if (result == -1 && a[0] != SYS_munmap)
		note_refused(a[0] == SYS_mmap ? map_request((int)a[4]) : REQUEST_MREMAP,
			     a[0] == SYS_mmap ? length : (uint64_t)a[3], caller);
	else if (a[0] == SYS_mmap && a[4] & MAP_POPULATE)
		note_populated(page_up(length));
	return result;
}
