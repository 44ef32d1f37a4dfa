/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls. The instrument never goes through libc for what it does itself: libc's functions set errno, may be interposed
 * by the program, may lock, and would be counted as the program's own. Every call here returns what the kernel returns: a value,
 * or a negated errno. x86-64 calling convention: syscall(2), "Architecture calling conventions".
 */
#ifndef PAGEGAP_SYS_H
#define PAGEGAP_SYS_H

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "kept.h"
#include "sandbox.h"

/* The instruction itself. */
static inline long sys_enter(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	if (__builtin_expect(sandbox_active, 0))
		return sandbox_call(number, a, b, c, d, e, f);
	return sys_enter(number, a, b, c, d, e, f);
}

#define SYS_A(x) ((long)(x))
#define sys_call0(n)                sys_call6(n, 0, 0, 0, 0, 0, 0)
#define sys_call1(n, a)             sys_call6(n, SYS_A(a), 0, 0, 0, 0, 0)
#define sys_call2(n, a, b)          sys_call6(n, SYS_A(a), SYS_A(b), 0, 0, 0, 0)
#define sys_call3(n, a, b, c)       sys_call6(n, SYS_A(a), SYS_A(b), SYS_A(c), 0, 0, 0)
#define sys_call4(n, a, b, c, d)    sys_call6(n, SYS_A(a), SYS_A(b), SYS_A(c), SYS_A(d), 0, 0)
#define sys_call5(n, a, b, c, d, e) sys_call6(n, SYS_A(a), SYS_A(b), SYS_A(c), SYS_A(d), SYS_A(e), 0)

static inline int sys_failed(long result)
{
	return (unsigned long)result > -4096UL;
}

static inline int sys_open(const char *path, int flags, unsigned mode)
{
	return (int)sys_call4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static inline void sys_close(int fd)
{
	if (kept_owns(fd))
		return;
	sys_call1(SYS_close, fd);
}

/*
 * Before the kernel writes to memory that a fork may have shared: it is the program's own page fault then, and not one
 * inside a system call, which nobody is told of. Of a large buffer only the beginning: what /proc gives at a time is no
 * more than a page.
 */
static inline void sys_touch(void *buffer, size_t bytes)
{
	volatile char *first = buffer, *last = first + (bytes < 4096 ? bytes : 4096) - 1;

	char value;

	if (!bytes)
		return;
	value = *first;
	*first = value;
	value = *last;
	*last = value;
}

extern uint64_t sys_own_reads, sys_own_writes; /* calls of ours that the kernel counts with the program's: proc(5), /proc/pid/io */

static inline long sys_read(int fd, void *buffer, size_t bytes)
{
	__atomic_fetch_add(&sys_own_reads, 1, __ATOMIC_RELAXED);
	sys_touch(buffer, bytes);
	return sys_call3(SYS_read, fd, buffer, bytes);
}

static inline long sys_pread(int fd, void *buffer, size_t bytes, uint64_t offset)
{
	__atomic_fetch_add(&sys_own_reads, 1, __ATOMIC_RELAXED);
	sys_touch(buffer, bytes);
	return sys_call4(SYS_pread64, fd, buffer, bytes, offset);
}

static inline long sys_pwrite(int fd, const void *buffer, size_t bytes, uint64_t offset)
{
	__atomic_fetch_add(&sys_own_writes, 1, __ATOMIC_RELAXED);
	return sys_call4(SYS_pwrite64, fd, buffer, bytes, offset);
}

/* Anonymous private memory without commitment where the system allows it; NULL when there is none. */
static inline void *sys_reserve(size_t bytes)
{
	long result = sys_call6(SYS_mmap, 0, SYS_A(bytes), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return sys_failed(result) ? NULL : (void *)result;
}

static inline void sys_unmap(const void *address, size_t bytes)
{
	sys_call2(SYS_munmap, address, bytes);
}

static inline int sys_getpid(void)
{
	return (int)sys_call0(SYS_getpid);
}

static inline int sys_gettid(void)
{
	return (int)sys_call0(SYS_gettid);
}

/* All signals but those that cannot be blocked: what runs between block and restore cannot be left by a longjmp. */
static inline uint64_t sys_block_signals(void)
{
	uint64_t all = ~(1ULL << (SIGSYS - 1)), old = 0; /* dispatch.h: that one must never be blocked */

	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	return old;
}

static inline void sys_restore_signals(uint64_t old)
{
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
}

/*
 * libc's clock_gettime, which the vDSO answers: no system call, no lock, async-signal-safe (clock_gettime(2), signal-safety(7)). The
 * library has a function of that name itself, vdso.c, which finds libc's; until then, and outside of the library, a system call.
 */
extern int (*sys_clock)(clockid_t clock, struct timespec *now) HIDDEN;

static inline uint64_t sys_now_ns(clockid_t clock)
{
	struct timespec now;

	if (sys_clock(clock, &now))
		return 0;
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* Reads another process's memory, or the caller's own without risking a fault. Returns bytes read or a negated errno. */
static inline long sys_read_memory(int pid, uint64_t address, void *buffer, size_t bytes)
{
	struct iovec here = { buffer, bytes }, there = { (void *)(uintptr_t)address, bytes };

	return sys_call6(SYS_process_vm_readv, pid, SYS_A(&here), 1, SYS_A(&there), 1, 0);
}

static inline void sys_pause(void)
{
	__asm__ volatile("pause");
}

/* For loops that wait for a lock: after some tries, sleep, since the holder may need this very processor and have a lower priority. */
static inline void sys_wait(uint32_t *tries)
{
	struct timespec moment = { 0, 20000 };

	if (++*tries < 100)
		sys_pause();
	else
		sys_call2(SYS_nanosleep, &moment, NULL);
}

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define EXPORT      __attribute__((visibility("default")))
#define COLD        __attribute__((cold, noinline))
#define PAGE_BYTES  4096UL

static inline uint64_t page_down(uint64_t address)
{
	return address & ~(PAGE_BYTES - 1);
}

static inline uint64_t page_up(uint64_t address)
{
	return (address + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
