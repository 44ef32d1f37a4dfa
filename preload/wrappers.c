/* SPDX-License-Identifier: MIT */
/*
 * The wrappers of system calls that are only counted: ask the time, forward, count. All may be cancellation points and run in signal
 * handlers, so nothing is held and nothing is left behind. errno is the callee's.
 */
#undef _FORTIFY_SOURCE /* its inline functions have the names of these */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/io.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>
#include <utime.h>

#include "call_counts.h"
#include "lookup.h"
#include "traffic.h"
#include "wrappers_table.h"

#define NEXT(name) ({ \
	static void *place; \
	void *function = __atomic_load_n(&place, __ATOMIC_RELAXED); \
	(__typeof__(&(name)))(likely(function != NULL) ? function : lookup_once(&place, #name)); \
})

/* What a call returns is a number of bytes, if anything that it counts in its row is: see report/syscalls.h. */
#define BYTES_OF(returns, result) (__builtin_types_compatible_p(returns, ssize_t) && (long)(result) > 0 ? (uint64_t)(long)(result) : 0)

/* Of a list of arguments, as registers hold them. */
#define FOUR(...) FOUR_OF(__VA_ARGS__ __VA_OPT__(,) 0, 0, 0, 0, 0)
#define FOUR_OF(a, b, c, d, ...) ((const long[]){ (long)(a), (long)(b), (long)(c), (long)(d) })

/* The wrapper's second half. @error: an errno, or 0 */
#define COUNT(number, begun, error, arguments, result, bytes) do { \
	int failed = error; \
	uint64_t ticks = call_ends(number, begun, failed, bytes); \
\
	if (traffic_way(number) && likely(!dispatch_on)) \
		traffic_count(number, FOUR arguments, unlikely(failed) ? -failed : (long)(result), ticks); \
} while (0)

#define FORWARD(returns, name, parameters, arguments, number, absent, error) \
EXPORT returns name parameters; \
EXPORT returns name parameters \
{ \
	returns (*next_one) parameters = NEXT(name); \
	uint64_t begun; \
	returns result; \
\
	if (unlikely(!next_one)) \
		return absent; \
	begun = call_begins(); \
	result = next_one arguments; \
	COUNT(number, begun, error, arguments, result, BYTES_OF(returns, result)); \
	return result; \
}

#define W(returns, name, parameters, arguments, number) \
	FORWARD(returns, name, parameters, arguments, number, -1, unlikely(result == -1) ? errno : 0)
#define E(returns, name, parameters, arguments, number) FORWARD(returns, name, parameters, arguments, number, ENOSYS, result)
#define N(returns, name, parameters, arguments, number) FORWARD(returns, name, parameters, arguments, number, (returns)-1, 0)
#define P(returns, name, parameters, arguments, number) \
	FORWARD(returns, name, parameters, arguments, number, NULL, result ? 0 : errno)
#define Z(returns, name, parameters, arguments, number) \
	FORWARD(returns, name, parameters, arguments, number, 0, result ? 0 : errno)
#define S(returns, name, parameters, arguments, number) \
	FORWARD(returns, name, parameters, arguments, number, SIG_ERR, result == SIG_ERR ? errno : 0)
WRAPPERS_TABLE(W, E, N, P, Z, S)

/* Counts what returned -1 and errno, or something else. */
static long counted(unsigned number, uint64_t begun, long result)
{
	call_ends(number, begun, unlikely(result == -1) ? errno : 0, 0);
	return result;
}

EXPORT void sync(void)
{
	void (*next_one)(void) = NEXT(sync);
	uint64_t begun = call_begins();

	if (unlikely(!next_one))
		return;
	next_one();
	call_ends(SYS_sync, begun, 0, 0);
}

/* -1 is a priority too: getpriority(2), "Return value". */
EXPORT int getpriority(__priority_which_t which, id_t who)
{
	int (*next_one)(__priority_which_t, id_t) = NEXT(getpriority), error = errno, result;
	uint64_t begun;

	if (unlikely(!next_one))
		return -1;
	begun = call_begins();
	errno = 0;
	result = next_one(which, who);
	call_ends(SYS_getpriority, begun, result == -1 ? errno : 0, 0);
	if (!errno)
		errno = error;
	return result;
}

/* Opening: the mode is there where a file may be made (open(2)). What is not there is read as whatever stands in its place. */
#define OPENING(name, parameters, last, ...) \
EXPORT int name parameters \
{ \
	int (*next_one) parameters = (int (*) parameters)NEXT(name); \
	mode_t mode; \
	va_list list; \
\
	va_start(list, last); \
	mode = va_arg(list, mode_t); \
	va_end(list); \
	if (unlikely(!next_one)) \
		return -1; \
	uint64_t begun = call_begins(); \
	int result = next_one(__VA_ARGS__, mode); \
	COUNT(SYS_openat, begun, unlikely(result == -1) ? errno : 0, (), result, 0); \
	return result; \
}
OPENING(open, (const char *path, int flags, ...), flags, path, flags)
OPENING(open64, (const char *path, int flags, ...), flags, path, flags)
OPENING(openat, (int directory, const char *path, int flags, ...), flags, directory, path, flags)
OPENING(openat64, (int directory, const char *path, int flags, ...), flags, directory, path, flags)
extern int __open(const char *path, int flags, ...);
extern int __open64(const char *path, int flags, ...);
OPENING(__open, (const char *path, int flags, ...), flags, path, flags)
OPENING(__open64, (const char *path, int flags, ...), flags, path, flags)

/* Without a mode, as programs compiled with _FORTIFY_SOURCE call them. */
W(int, __open_2, (const char *path, int flags), (path, flags), SYS_openat)
W(int, __open64_2, (const char *path, int flags), (path, flags), SYS_openat)
W(int, __openat_2, (int directory, const char *path, int flags), (directory, path, flags), SYS_openat)
W(int, __openat64_2, (int directory, const char *path, int flags), (directory, path, flags), SYS_openat)

EXPORT mqd_t mq_open(const char *name, int flags, ...)
{
	mqd_t (*next_one)(const char *, int, ...) = NEXT(mq_open);
	struct mq_attr *attributes;
	uint64_t begun;
	mode_t mode;
	va_list list;

	va_start(list, flags);
	mode = va_arg(list, mode_t);
	attributes = va_arg(list, struct mq_attr *);
	va_end(list);
	if (unlikely(!next_one))
		return -1;
	begun = call_begins();
	return (mqd_t)counted(SYS_mq_open, begun, next_one(name, flags, mode, attributes));
}

/* One argument of any kind: an int, a long, a pointer, or a union of these, is one register (System V ABI, x86-64, 3.2.3). */
#define CONTROLLING(name, number, parameters, last, ...) \
EXPORT int name parameters \
{ \
	int (*next_one) parameters = (int (*) parameters)NEXT(name); \
	long argument; \
	va_list list; \
\
	va_start(list, last); \
	argument = va_arg(list, long); \
	va_end(list); \
	if (unlikely(!next_one)) \
		return -1; \
	uint64_t begun = call_begins(); \
	int result = (int)counted(number, begun, next_one(__VA_ARGS__, argument)); \
	if (number == SYS_fcntl && (command == F_DUPFD || command == F_DUPFD_CLOEXEC) && result >= 0 && likely(!dispatch_on)) \
		traffic_count(SYS_dup, (long[4]){ 0 }, result, 0); \
	return result; \
}
CONTROLLING(fcntl, SYS_fcntl, (int fd, int command, ...), command, fd, command)
CONTROLLING(fcntl64, SYS_fcntl, (int fd, int command, ...), command, fd, command)
extern int __fcntl(int fd, int command, ...);
CONTROLLING(__fcntl, SYS_fcntl, (int fd, int command, ...), command, fd, command)
CONTROLLING(semctl, SYS_semctl, (int set, int number, int command, ...), command, set, number, command)

/* -1 may be what was peeked at; then libc leaves errno 0 (ptrace(2), "Return value"). */
EXPORT long ptrace(enum __ptrace_request request, ...)
{
	long (*next_one)(enum __ptrace_request, ...) = NEXT(ptrace);
	void *address, *data;
	uint64_t begun;
	va_list list;
	long result;
	pid_t pid;

	va_start(list, request);
	pid = va_arg(list, pid_t);
	address = va_arg(list, void *);
	data = va_arg(list, void *);
	va_end(list);
	if (unlikely(!next_one))
		return -1;
	begun = call_begins();
	result = next_one(request, pid, address, data);
	call_ends(SYS_ptrace, begun, result == -1 ? errno : 0, 0);
	return result;
}
