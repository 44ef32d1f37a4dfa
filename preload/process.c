/* SPDX-License-Identifier: MIT */
/*
 * fork and its relatives, and the wait family. A child gets its capture in the atfork handler, the first thing that runs in it after
 * libc's own; where no handler runs (_Fork, clone, a raw system call) the wrapper does it, and where there is no wrapper either, the
 * first counted call in the child finds the wiped sentinel. The parent keeps a table of its children, so that a death by signal,
 * which the dead cannot record, is known from whoever waited.
 */
#include "process.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "call_counts.h"
#include "cow.h"
#include "heap.h"
#include "instrument.h"
#include "kept.h"
#include "next.h"
#include "ranges.h"
#include "traffic.h"
#include "write_protect.h"

#define LONG_FORK_NS 1000000ULL         /* beside so long a fork, reading the page tables' size is nothing */

static uint64_t fork_begins_ns;         /* under the lock that snapshot_prepare_fork takes */

/* What this thread's last fork took, for the entry of the child. */
static __thread struct { uint64_t ns, page_table_bytes; } last_fork;

static bool prepared;                   /* for a fork; under the same lock */

static void prepare(void)
{
	if (instrument_state != INSTRUMENT_ON)
		return;
	instrument_ready(&this_thread);
	snapshot_prepare_fork();
	cow_prepare_fork();
	sites_prepare_fork();
	blockmap_lock_for_fork();
	ranges_lock_for_fork();
	fork_begins_ns = sys_now_ns(CLOCK_MONOTONIC);
	prepared = true;
}

static void parent(void)
{
	if (instrument_state != INSTRUMENT_ON)
		return;
	prepared = false;
	last_fork.ns = sys_now_ns(CLOCK_MONOTONIC) - fork_begins_ns;
	last_fork.page_table_bytes = last_fork.ns < LONG_FORK_NS ? 0 : snapshot_read_page_tables();
	ranges_unlock_after_fork();
	blockmap_unlock_after_fork();
	sites_fork_done();
	cow_fork_done();
	snapshot_fork_done();
}

static void child(void)
{
	if (instrument_state != INSTRUMENT_ON || !prepared)
		return;
	prepared = false;
	ranges_unlock_after_fork();
	blockmap_unlock_after_fork();
	instrument_forked();
	sites_fork_done();
	if (instrument_state == INSTRUMENT_ON)
		capture->born_page_table_bytes = snapshot_read_page_tables();
	snapshot_fork_done();
	call_counts_born();
}

bool process_child_begins(void)
{
	if (prepared) /* libc is still at it, and its handler will come */
		return false;
	instrument_forked();
	return true;
}

void process_register(void)
{
	pthread_atfork(prepare, parent, child);
}

/* A place in the table: an empty one, else the oldest of a child that is not known to have died by a signal, else just the oldest. */
static struct capture_child *child_place(void)
{
	uint64_t first = __atomic_fetch_add(&capture->children_born, 1, __ATOMIC_RELAXED);

	for (uint64_t i = 0; i < CAPTURE_CHILDREN; i++) {
		struct capture_child *place = &capture->children[(first + i) % CAPTURE_CHILDREN];

		if (!place->pid || !place->waited_at_ns || !WIFSIGNALED(place->status))
			return place;
	}
	return &capture->children[first % CAPTURE_CHILDREN];
}

void process_born(pid_t pid, enum capture_born how)
{
	struct capture_child *place;

	if (instrument_state != INSTRUMENT_ON || !instrument_is_own_process() || !instrument_sees_outer_pids())
		return;
	place = child_place();
	place->pid = (uint32_t)pid;
	place->born = how;
	place->born_at_ns = sys_now_ns(CLOCK_MONOTONIC);
	place->waited_at_ns = 0;
	place->fork_ns = how == BORN_FORK ? last_fork.ns : 0;
	place->fork_page_table_bytes = how == BORN_FORK ? last_fork.page_table_bytes : 0;
	if (how == BORN_FORK)
		cow_child_born();
}

void process_waited(pid_t pid, int status)
{
	struct capture_child *place = NULL;

	if (instrument_state != INSTRUMENT_ON || pid <= 0 || !(WIFEXITED(status) || WIFSIGNALED(status)) ||
	    !instrument_is_own_process() || !instrument_sees_outer_pids())
		return;
	for (struct capture_child *c = capture->children; c < capture->children + CAPTURE_CHILDREN; c++)
		if (c->pid == (uint32_t)pid && !c->waited_at_ns)
			place = c;
	if (place && place->born == BORN_FORK)
		cow_child_gone();
	if (!place) { /* crowded out, or born unseen: worth a place only if it died */
		if (!WIFSIGNALED(status))
			return;
		place = child_place();
		__atomic_fetch_sub(&capture->children_born, 1, __ATOMIC_RELAXED);
		place->pid = (uint32_t)pid;
		place->born = BORN_UNKNOWN;
		place->born_at_ns = place->fork_ns = place->fork_page_table_bytes = 0;
	}
	place->status = status;
	__atomic_store_n(&place->waited_at_ns, sys_now_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
}

/* Births */

static pid_t born(pid_t pid, unsigned number, uint64_t begun, enum capture_born how)
{
	int error = errno;

	if (pid) {
		call_ends(number, begun, pid < 0 ? error : 0, 0);
		if (pid > 0)
			process_born(pid, how);
	}
	errno = error;
	return pid;
}

EXPORT pid_t fork(void)
{
	uint64_t begun;

	heap_next_ready();
	begun = call_begins();
	return born(next.fork(), SYS_clone, begun, BORN_FORK);
}

EXPORT pid_t _Fork(void)
{
	uint64_t begun;
	pid_t pid;

	heap_next_ready();
	prepare();
	begun = call_begins();
	pid = next._Fork();
	if (pid)
		parent();
	else
		child();
	return born(pid, SYS_clone, begun, BORN_FORK);
}

/* calls.S: before vfork, its parent's side, and its failure */
void vfork_begins(void);
void vfork_noted(pid_t pid);
int vfork_failed(int error);

static __thread uint64_t own_reads, own_writes; /* what the child adds to sys_own_reads, in this memory, is not this process's */

void vfork_begins(void)
{
	instrument_ready(&this_thread);
	if (log_file && dispatch_on)
		log_birth(SYS_vfork, (long[6]){ 0 });
	own_reads = sys_own_reads;
	own_writes = sys_own_writes;
}

void vfork_noted(pid_t pid)
{
	sys_own_reads = own_reads;
	sys_own_writes = own_writes;
	if (dispatch_on) /* the call came from this library, and was not caught */
		call_count(SYS_vfork, 0, 0, 0);
	if (log_file && dispatch_on)
		log_born(pid);
	born(pid, SYS_vfork, 0, BORN_VFORK);
}

int vfork_failed(int error)
{
	call_count(SYS_vfork, 0, error, 0);
	if (log_file && dispatch_on)
		log_born(-error);
	errno = error;
	return -1;
}

struct clone_start {
	int (*function)(void *);
	void *argument;
};

static int clone_main(void *pointer)
{
	struct clone_start *start = pointer; /* in the child's copy of its parent's stack */

	child();
	return start->function(start->argument);
}

EXPORT int clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
	struct clone_start start = { function, argument };
	bool process = !(flags & CLONE_VM);
	void *parent_tid, *tls, *child_tid;
	va_list arguments;
	uint64_t begun;
	int pid;

	va_start(arguments, argument);
	parent_tid = va_arg(arguments, void *);
	tls = va_arg(arguments, void *);
	child_tid = va_arg(arguments, void *);
	va_end(arguments);
	heap_next_ready();
	begun = call_begins();
	if (!process || instrument_state != INSTRUMENT_ON) {
		pid = next.clone(function, stack, flags, argument, parent_tid, tls, child_tid);
		if (!(flags & CLONE_THREAD))
			return born(pid, SYS_clone, begun, BORN_VFORK);
		call_ends(SYS_clone, begun, pid < 0 ? errno : 0, 0);
		return pid;
	}
	prepare();
	pid = next.clone(clone_main, stack, flags, &start, parent_tid, tls, child_tid);
	parent();
	return born(pid, SYS_clone, begun, BORN_FORK);
}

/* The process that calls daemon() leaves inside libc, where no wrapper sees it. */
EXPORT int daemon(int keep_directory, int keep_files)
{
	pid_t before = sys_getpid();
	int result;

	heap_next_ready();
	if (instrument_ready(&this_thread))
		ending(ENDED_EXIT, 0);
	result = next.daemon(keep_directory, keep_files);
	if (before == sys_getpid())
		ending_undone();
	return result;
}

EXPORT int forkpty(int *master, char *name, const struct termios *terminal, const struct winsize *size)
{
	heap_next_ready();
	return born(next.forkpty(master, name, terminal, size), SYS_clone, 0, BORN_FORK);
}

/* Filters on system calls: what goes in here binds the instrument too. */

static long install(long (*call)(const long *), const long *arguments, unsigned number, const void *program)
{
	long result;
	int error;

	sandbox_prepare(program);
	if (!program)
		call_clock_stop(); /* strict mode forbids the time-stamp counter too (kernel/seccomp.c) */
	result = call(arguments);
	error = errno;
	sandbox_enter(result == 0);
	if (!program && result)
		call_clock_start();
	call_made(number, result ? error : 0);
	errno = error;
	return result;
}

static long call_prctl(const long *a)
{
	return next.prctl((int)a[0], a[1], a[2], a[3], a[4]);
}

static long call_syscall(const long *a)
{
	return next.syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
}

EXPORT int prctl(int option, ...)
{
	long arguments[5] = { option };
	uint64_t begun;
	va_list list;
	int result;

	va_start(list, option);
	for (int i = 1; i < 5; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	heap_next_ready();
	if (option == PR_SET_SECCOMP && instrument_state == INSTRUMENT_ON)
		return (int)install(call_prctl, arguments, SYS_prctl,
				    arguments[1] == SECCOMP_MODE_STRICT ? NULL : (const void *)arguments[2]);
	if (option == PR_SET_TSC && arguments[1] != PR_TSC_ENABLE)
		call_clock_stop();
	begun = call_begins();
	result = (int)call_prctl(arguments);
	call_ends(SYS_prctl, begun, result == -1 ? errno : 0, 0);
	return result;
}

/* syscall(2): calls.S sends everything here but what makes a process or a thread that returns on a stack of its own. */
long syscall_counted(long number, long a, long b, long c, long d, long e, long f);
void syscall_leaves(long number); /* that one, beforehand */
long mappings_by_syscall(const long *a, const void *caller); /* mappings.c */
void *next_syscall; /* for calls.S */

void syscall_leaves(long number)
{
	int error = errno;

	call_made((unsigned)number, 0);
	errno = error;
}

long syscall_counted(long number, long a, long b, long c, long d, long e, long f)
{
	uint64_t begun;
	long result;
	int error;

	heap_next_ready();
	switch (number) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
		return mappings_by_syscall((const long[]){ number, a, b, c, d, e, f }, __builtin_return_address(0));
	case SYS_exit_group:
		_exit((int)a);
	case SYS_exit:
		call_made(SYS_exit, 0);
		break;
	case SYS_prctl:
		return prctl((int)a, b, c, d, e);
	case SYS_seccomp:
		if (instrument_state == INSTRUMENT_ON && (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER))
			return install(call_syscall, (const long[]){ number, a, b, c, d, e, f }, SYS_seccomp,
				       a == SECCOMP_SET_MODE_STRICT ? NULL : (const void *)c);
		break;
	case SYS_userfaultfd:
		write_protect_step_back();
		break;
	case SYS_clone:
		if (a & CLONE_VM)
			break;
		/* fall through */
	case SYS_fork:
		prepare();
		begun = call_begins();
		result = next.syscall(number, a, b, c, d, e, f);
		if (result)
			parent();
		else
			child();
		return born((pid_t)result, (unsigned)number, begun, BORN_FORK);
	}
	begun = call_begins();
	result = next.syscall(number, a, b, c, d, e, f);
	error = result == -1 ? errno : 0;
	begun = call_ends((unsigned)min_u64((uint64_t)number, CAPTURE_NUMBERS - 1), begun, error, result > 0 ? (uint64_t)result : 0);
	if (!dispatch_on)
		traffic_count((unsigned)number, (long[]){ a, b, c, d }, error ? -error : result, begun);
	return result;
}

/* What a program does before it can no longer open the files of /proc that its last ledger needs. */

EXPORT int chroot(const char *path)
{
	uint64_t begun;
	int result;

	heap_next_ready();
	if (instrument_ready(&this_thread))
		kept_open();
	begun = call_begins();
	result = next.chroot(path);
	call_ends(SYS_chroot, begun, result ? errno : 0, 0);
	return result;
}

static void before_limit(int resource, const struct rlimit *limit)
{
	if (resource == RLIMIT_NOFILE && limit && instrument_ready(&this_thread))
		kept_open();
}

EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	uint64_t begun;
	int result;

	heap_next_ready();
	before_limit((int)resource, limit);
	begun = call_begins();
	result = next.setrlimit(resource, limit);
	call_ends(SYS_prlimit64, begun, result ? errno : 0, 0);
	return result;
}

EXPORT int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit, struct rlimit *old)
{
	uint64_t begun;
	int result;

	heap_next_ready();
	before_limit((int)resource, limit);
	begun = call_begins();
	result = next.prlimit(pid, resource, limit, old);
	call_ends(SYS_prlimit64, begun, result ? errno : 0, 0);
	return result;
}

EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
	return setrlimit(resource, (const struct rlimit *)limit); /* the same type on x86-64 */
}

EXPORT int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limit, struct rlimit64 *old)
{
	return prlimit(pid, resource, (const struct rlimit *)limit, (struct rlimit *)old);
}

/* Deaths: cancellation points all of them, so nothing is held across the call. */

static pid_t waited(pid_t pid, const int *status, uint64_t begun)
{
	int error = errno;

	call_ends(SYS_wait4, begun, pid < 0 ? error : 0, 0);
	if (pid > 0) /* else nothing was stored, and the pointer may be a bad one */
		process_waited(pid, *status);
	errno = error;
	return pid;
}

EXPORT pid_t wait(int *status)
{
	uint64_t begun;
	int own = 0;

	heap_next_ready();
	begun = call_begins();
	return waited(next.wait(status ? status : &own), status ? status : &own, begun);
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	uint64_t begun;
	int own = 0;

	heap_next_ready();
	begun = call_begins();
	return waited(next.waitpid(pid, status ? status : &own, options), status ? status : &own, begun);
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	uint64_t begun;
	int own = 0;

	heap_next_ready();
	begun = call_begins();
	return waited(next.wait3(status ? status : &own, options, usage), status ? status : &own, begun);
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	uint64_t begun;
	int own = 0;

	heap_next_ready();
	begun = call_begins();
	return waited(next.wait4(pid, status ? status : &own, options, usage), status ? status : &own, begun);
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	uint64_t begun;
	int result, error;

	heap_next_ready();
	begun = call_begins();
	result = next.waitid(type, id, info, options);
	error = errno;
	call_ends(SYS_waitid, begun, result ? error : 0, 0);
	if (!result && info && info->si_pid && !(options & WNOWAIT)) {
		if (info->si_code == CLD_EXITED)
			process_waited(info->si_pid, info->si_status << 8);
		else if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
			process_waited(info->si_pid, info->si_status);
	}
	errno = error;
	return result;
}
