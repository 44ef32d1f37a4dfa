/* SPDX-License-Identifier: MIT */
/*
 * The functions that the wrappers stand in front of: for each name the definition that comes after this library in the program's
 * link order, be it libc's or another allocator's. NEXT_TABLE is the list of all wrapped functions that are looked up by name.
 */
#ifndef PAGEGAP_NEXT_H
#define PAGEGAP_NEXT_H

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <sys/ioctl.h>
#include <wordexp.h>

#include "sys.h"

struct rusage;

/* X(name, returns, parameters) */
#define NEXT_HEAP_TABLE(X) \
	X(malloc, void *, (size_t)) \
	X(calloc, void *, (size_t, size_t)) \
	X(realloc, void *, (void *, size_t)) \
	X(free, void, (void *)) \
	X(malloc_usable_size, size_t, (void *)) \
	X(reallocarray, void *, (void *, size_t, size_t)) \
	X(posix_memalign, int, (void **, size_t, size_t)) \
	X(aligned_alloc, void *, (size_t, size_t)) \
	X(memalign, void *, (size_t, size_t)) \
	X(valloc, void *, (size_t)) \
	X(pvalloc, void *, (size_t)) \
	X(malloc_trim, int, (size_t))

#define NEXT_OTHER_TABLE(X) \
	X(mmap, void *, (void *, size_t, int, int, int, off_t)) \
	X(munmap, int, (void *, size_t)) \
	X(mremap, void *, (void *, size_t, size_t, int, ...)) \
	X(mprotect, int, (void *, size_t, int)) \
	X(madvise, int, (void *, size_t, int)) \
	X(brk, int, (void *)) \
	X(sbrk, void *, (intptr_t)) \
	X(mlock, int, (const void *, size_t)) \
	X(mlock2, int, (const void *, size_t, unsigned)) \
	X(munlock, int, (const void *, size_t)) \
	X(mlockall, int, (int)) \
	X(munlockall, int, (void)) \
	X(shmat, void *, (int, const void *, int)) \
	X(shmdt, int, (const void *)) \
	X(close, int, (int)) \
	X(close_range, int, (unsigned, unsigned, int)) \
	X(closefrom, void, (int)) \
	X(dup2, int, (int, int)) \
	X(dup3, int, (int, int, int)) \
	X(ioctl, int, (int, unsigned long, ...)) \
	X(syscall, long, (long, ...)) \
	X(prctl, int, (int, ...)) \
	X(chroot, int, (const char *)) \
	X(setrlimit, int, (__rlimit_resource_t, const struct rlimit *)) \
	X(prlimit, int, (pid_t, enum __rlimit_resource, const struct rlimit *, struct rlimit *)) \
	X(fork, pid_t, (void)) \
	X(_Fork, pid_t, (void)) \
	X(clone, int, (int (*)(void *), void *, int, void *, ...)) \
	X(daemon, int, (int, int)) \
	X(forkpty, int, (int *, char *, const struct termios *, const struct winsize *)) \
	X(system, int, (const char *)) \
	X(popen, FILE *, (const char *, const char *)) \
	X(wordexp, int, (const char *, wordexp_t *, int)) \
	X(posix_spawn, int, (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[])) \
	X(posix_spawnp, int, (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[])) \
	X(execve, int, (const char *, char *const[], char *const[])) \
	X(execvpe, int, (const char *, char *const[], char *const[])) \
	X(execveat, int, (int, const char *, char *const[], char *const[], int)) \
	X(fexecve, int, (int, char *const[], char *const[])) \
	X(wait, pid_t, (int *)) \
	X(waitpid, pid_t, (pid_t, int *, int)) \
	X(wait3, pid_t, (int *, int, struct rusage *)) \
	X(wait4, pid_t, (pid_t, int *, int, struct rusage *)) \
	X(waitid, int, (idtype_t, id_t, siginfo_t *, int)) \
	X(pthread_create, int, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)) \
	X(exit, void, (int)) \
	X(_exit, void, (int)) \
	X(_Exit, void, (int)) \
	X(quick_exit, void, (int)) \
	X(abort, void, (void))

#define NEXT_FIELD(name, returns, parameters) returns (*name) parameters;
struct next {
	NEXT_HEAP_TABLE(NEXT_FIELD)
	NEXT_OTHER_TABLE(NEXT_FIELD)
};
#undef NEXT_FIELD

extern struct next next HIDDEN;

/* The allocator behind `next`. */
struct allocator {
	bool     glibc;                 /* libc's own: its chunk headers and arenas can be read */
	bool     usable_known;          /* malloc_usable_size belongs to it */
	bool     operators;             /* it defines operator new itself */
	uint64_t start, end;            /* addresses of the object that defines malloc */
	const char *path;               /* of that object; NUL-terminated, lives as long as the process */
	size_t (*statistics)(void *, size_t); /* pagepool_statistics_1 of that object, or NULL: see holdings.c */
};

extern struct allocator allocator HIDDEN;

/* Looks all of them up. A function that libc lacks stays NULL: its wrapper is then called by nobody. */
void next_resolve(void);

#endif
