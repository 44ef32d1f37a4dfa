/* SPDX-License-Identifier: MIT */
/*
 * Lives on page faults that the kernel refuses, as garbage collectors, emulators and debuggers do: pages protected
 * against writing are opened by the handler of SIGSEGV, ends of files that were cut off are noticed by that of SIGBUS;
 * in the parent, in a child after a fork, and in the parent beside it. What the handlers are told must be what they are
 * told bare, and a fault too many must still be death.
 *
 * run: => exit 0; exit 21, signal 11, signal 7
 */
#include "hostile.h"

#include <setjmp.h>

#define PAGES 400

static char *barrier, *file, *volatile nowhere;
static sigjmp_buf back;
static volatile sig_atomic_t opened, refused, strange, cut;

/* A write to a page of the barrier that may be read: SEGV_ACCERR. */
static void on_segv(int number, siginfo_t *info, void *context)
{
	const uintptr_t at = (uintptr_t)info->si_addr, page = at & ~4095UL;

	(void)number;
	(void)context;
	if (page < (uintptr_t)barrier || page >= (uintptr_t)barrier + PAGES * 4096UL) {
		refused += info->si_code == SEGV_MAPERR;
		siglongjmp(back, 1);
	}
	strange += info->si_code != SEGV_ACCERR || at % 4096 != 8;
	mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
	opened++;
}

static void on_bus(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	cut += info->si_code == BUS_ADRERR && (char *)info->si_addr == file + 4096;
	siglongjmp(back, 1);
}

static void write_through(void)
{
	opened = strange = 0;
	for (int page = 0; page < PAGES; page += 2)
		((volatile char *)barrier)[page * 4096 + 8]++;
}

static void protect_again(const char *who)
{
	say("%s: %d opened, %d strange", who, (int)opened, (int)strange);
	say_result("protected again", mprotect(barrier, PAGES * 4096, PROT_READ));
}

static void go_astray(const char *who)
{
	refused = cut = 0;
	for (volatile int i = 0; i < 3; i++) {
		if (!sigsetjmp(back, 1))
			((volatile char *)nowhere)[i]++;
		if (!sigsetjmp(back, 1))
			((volatile char *)file)[4096]++;
	}
	say("%s: %d times nowhere, %d times behind the end", who, (int)refused, (int)cut);
	say_result("the handler of it", sigaction(SIGSEGV, NULL, NULL));
}

/* The default is death, on the spot. */
static void die(int number)
{
	signal(number, SIG_DFL);
	if (number == SIGBUS)
		((volatile char *)file)[4096]++;
	((volatile char *)barrier)[8]++;
}

int main(void)
{
	struct sigaction segv = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction bus = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	char name[] = "/tmp/cut.XXXXXX";
	pid_t child;
	int fd = mkstemp(name);

	if (fd < 0 || unlink(name) || ftruncate(fd, 8192))
		return 1;
	barrier = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memset(barrier, 'b', PAGES * 4096);
	say_result("cut", ftruncate(fd, 4096));
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	say_result("protected", mprotect(barrier, PAGES * 4096, PROT_READ));
	write_through();
	protect_again("alone");
	go_astray("alone");

	child = fork();
	if (!child) {
		write_through();
		protect_again("child");
		go_astray("child");
		say_heap("child");
		_exit(21);
	}
	write_through();
	reap("child", child);
	protect_again("beside the child");
	go_astray("parent");
	for (int i = 0; i < 2; i++) {
		child = fork();
		if (!child)
			die(i ? SIGBUS : SIGSEGV);
		reap("reckless child", child);
	}
	write_through();
	protect_again("in the end");
	say_heap("in the end");
	return 0;
}
