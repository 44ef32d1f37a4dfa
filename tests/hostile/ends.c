/* SPDX-License-Identifier: MIT */
/*
 * Ends in every way there is. The status must be the program's and the record must say which it was.
 *
 * run: return 0 => exit 0
 * run: return 255 => exit 255
 * run: exit 256 => exit 0
 * run: exit -1 => exit 255
 * run: _exit 41 => exit 41
 * run: _Exit 42 => exit 42
 * run: quick_exit 43 => exit 43
 * run: syscall 44 => exit 44
 * run: thread 45 => exit 45
 * run: kill 9 => signal 9|lost
 * run: kill 15 => signal 15|lost
 * run: kill 11 => signal 11|lost
 * run: kill 13 => signal 13|lost
 * run: fault 11 => signal 11|lost
 * run: trap 4 => signal 4|lost
 * run: divide 8 => signal 8|lost
 * run: overflow 11 => signal 11|lost
 * run: alarm 14 => signal 14|lost
 * ledger: none
 */
#include "hostile.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int code;
static volatile int zero;

static void *leave(void *unused)
{
	(void)unused;
	exit(code);
}

__attribute__((noinline)) static int overflow(volatile char *before)
{
	volatile char frame[1024];

	frame[0] = before[0];
	return zero ? 0 : overflow(frame) + frame[0];
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	static const struct rlimit no_core;
	char start[1] = { 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	code = argc > 2 ? atoi(argv[2]) : 0;
	say_heap("before");
	if (!strcmp(way, "exit"))
		exit(code);
	if (!strcmp(way, "_exit"))
		_exit(code);
	if (!strcmp(way, "_Exit"))
		_Exit(code);
	if (!strcmp(way, "quick_exit"))
		quick_exit(code);
	if (!strcmp(way, "syscall"))
		syscall(SYS_exit_group, code);
	if (!strcmp(way, "thread")) {
		pthread_t thread;
		pthread_create(&thread, NULL, leave, NULL);
		pthread_join(thread, NULL);
	}
	if (!strcmp(way, "kill"))
		kill(getpid(), code);
	if (!strcmp(way, "fault"))
		*(volatile int *)(uintptr_t)(zero + 8) = 1;
	if (!strcmp(way, "trap"))
		__builtin_trap();
	if (!strcmp(way, "divide"))
		code = code / zero;
	if (!strcmp(way, "overflow"))
		return overflow(start);
	if (!strcmp(way, "alarm")) {
		alarm(1);
		pause();
	}
	return code;
}
