/* SPDX-License-Identifier: MIT */
/*
 * close and its relatives pass by the few descriptors that the instrument keeps (kept.h): the program did not open them, so to it they
 * are not there. All of these are cancellation points or async-signal-safe, so nothing is held across the call.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "call_counts.h"
#include "heap.h"
#include "next.h"
#include "traffic.h"
#include "write_protect.h"

/* True, with errno, for a descriptor that the program does not know of. */
static bool is_hidden(int fd)
{
	if (likely(!kept_owns(fd)) || !kept_hides(fd))
		return false;
	errno = EBADF;
	return true;
}

/* The result of a call that returns 0 or more, or -1 and errno. */
static int counted(unsigned number, uint64_t begun, int result)
{
	call_ends(number, begun, result < 0 ? errno : 0, 0);
	return result;
}

/* The same of one that makes descriptors lead elsewhere. */
static int changed(unsigned number, uint64_t begun, int first, int second, int flags, int result)
{
	counted(number, begun, result);
	if (!dispatch_on)
		traffic_count(number, (long[]){ first, second, flags, 0 }, result, 0);
	return result;
}

EXPORT int close(int fd)
{
	uint64_t begun;

	heap_next_ready();
	begun = call_begins();
	return changed(SYS_close, begun, fd, 0, 0, is_hidden(fd) ? -1 : next.close(fd));
}

/* In pieces around what is kept. What is closed before the last piece fails stays closed, as it would in one call. */
static int close_around(unsigned first, unsigned last, int flags)
{
	int kept, result;

	while ((kept = kept_first(first, last)) >= 0) {
		if ((unsigned)kept > first) {
			result = next.close_range(first, (unsigned)kept - 1, flags);
			if (result)
				return result;
		}
		if ((unsigned)kept == last)
			return 0;
		first = (unsigned)kept + 1;
	}
	return next.close_range(first, last, flags);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	uint64_t begun;

	heap_next_ready();
	begun = call_begins();
	return changed(SYS_close_range, begun, (int)first, (int)last, flags, close_around(first, last, flags));
}

EXPORT void closefrom(int low)
{
	unsigned first = low < 0 ? 0 : (unsigned)low;
	int kept;

	heap_next_ready();
	while ((kept = kept_first(first, ~0U)) >= 0) {
		for (; (unsigned)kept > first && next.close_range(first, (unsigned)kept - 1, 0); first++)
			next.close((int)first); /* a kernel before 5.9 */
		first = (unsigned)kept + 1;
	}
	next.closefrom((int)first);
	changed(SYS_close_range, 0, low < 0 ? 0 : low, -1, 0, 0);
}

/* False: nothing can be duplicated from there. Else the place is free. */
static bool ready_to_duplicate(int old, int new)
{
	heap_next_ready();
	if (is_hidden(old))
		return false;
	if (unlikely(kept_owns(new)))
		kept_make_way(new);
	return true;
}

EXPORT int dup2(int old, int new)
{
	uint64_t begun = call_begins();

	return changed(SYS_dup2, begun, old, new, 0, ready_to_duplicate(old, new) ? next.dup2(old, new) : -1);
}

EXPORT int dup3(int old, int new, int flags)
{
	uint64_t begun = call_begins();

	return changed(SYS_dup3, begun, old, new, 0, ready_to_duplicate(old, new) ? next.dup3(old, new, flags) : -1);
}

/* A userfaultfd of the program's own may also come from /dev/userfaultfd (<linux/userfaultfd.h>, USERFAULTFD_IOC_NEW). */
EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	uint64_t begun;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	heap_next_ready();
	if (unlikely(request == 0xaa00))
		write_protect_step_back();
	begun = call_begins();
	return counted(SYS_ioctl, begun, next.ioctl(fd, request, argument));
}
