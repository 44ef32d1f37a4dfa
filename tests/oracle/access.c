/* SPDX-License-Identifier: MIT */
/*
 * Programs that are killed by an access to memory, and say beforehand by which: the address, the kind of access, and
 * what lies there. And some that are not, though they look like it.
 * usage: access SCENARIO; without one it lists them. access child SCENARIO has a child do it, and ends well.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "oracle.h"

#define NOWHERE ((volatile char *)0x100000000000UL) /* 16 TiB: nothing is mapped near it */

static volatile char sink;
static volatile char *volatile null;    /* volatile: it might be any address */
static sigjmp_buf back;

/* What the report must say. @access: read, write, execute; "null" where no instruction tells or there was no access */
static void say(const char *finding, const volatile void *address, const char *access)
{
	oracle_print("{\"fact\":\"pid\",\"value\":%d}\n", getpid());
	oracle_print("{\"fact\":\"finding\",\"value\":\"%s\"}\n", finding);
	if (address || !strcmp(finding, "null_pointer"))
		oracle_print("{\"fact\":\"address\",\"value\":%llu}\n", (unsigned long long)(uintptr_t)address);
	oracle_print("{\"fact\":\"access\",\"value\":\"%s\"}\n", access);
	oracle_flush();
}

static volatile char *map(size_t bytes, int protection)
{
	void *p = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

static void null_read(void)
{
	say("null_pointer", NULL, "read");
	sink = *null;
}

static void null_write(void)
{
	say("null_pointer", null + 24, "write");
	null[24] = 1;
}

static void null_call(void)
{
	say("null_pointer", NULL, "execute");
	((void (*)(void))(uintptr_t)null)();
}

static void nothing_mapped(void)
{
	say("nothing_mapped", NOWHERE, "write");
	*NOWHERE = 1;
}

static void given_back(void)
{
	volatile char *p = map(16 * PAGE, PROT_READ | PROT_WRITE);

	p[3 * PAGE] = 1;
	REQUIRE(munmap((void *)p, 16 * PAGE) == 0);
	say("unmapped_since", p + 3 * PAGE, "read");
	sink = p[3 * PAGE];
}

static void no_access(void)
{
	volatile char *p = map(MIB, PROT_NONE);

	say("no_access", p + 100, "read");
	sink = p[100];
}

static void guard_page(void)
{
	volatile char *p = map(17 * PAGE, PROT_READ | PROT_WRITE);

	REQUIRE(mprotect((void *)(p + 16 * PAGE), PAGE, PROT_NONE) == 0);
	for (size_t i = 0; i < 16 * PAGE; i++)
		p[i] = 1;
	say("guard_page", p + 16 * PAGE, "write");
	p[16 * PAGE] = 1;
}

static void read_only(void)
{
	volatile char *p = map(16 * PAGE, PROT_READ | PROT_WRITE);

	p[PAGE] = 1;
	REQUIRE(mprotect((void *)p, 16 * PAGE, PROT_READ) == 0);
	say("read_only", p + PAGE, "write");
	p[PAGE] = 2;
}

static void own_code(void)
{
	volatile char *p = (volatile char *)(uintptr_t)own_code;

	say("read_only", p, "write");
	*p = 1;
}

/* Neither side of the instruction alone tells which of the two it was. */
static void string_target(void)
{
	volatile char *from = map(PAGE, PROT_READ | PROT_WRITE), *to = map(PAGE, PROT_READ);
	size_t bytes = 100;

	from[0] = 1;
	sink = *to;
	say("read_only", to, "write");
	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(bytes) : : "memory");
}

static void string_source(void)
{
	volatile char *from = NOWHERE, *to = map(PAGE, PROT_READ | PROT_WRITE);
	size_t bytes = 100;

	to[0] = 1;
	say("nothing_mapped", from, "read");
	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(bytes) : : "memory");
}

static void not_executable(void)
{
	volatile char *p = map(PAGE, PROT_READ | PROT_WRITE);

	*p = (char)0xc3; /* ret */
	say("not_executable", p, "execute");
	((void (*)(void))(uintptr_t)p)();
}

static volatile char *map_file(size_t bytes, size_t mapped, int *fd)
{
	static char name[] = "access.XXXXXX";
	volatile char *p;

	*fd = mkstemp(name);
	REQUIRE(*fd >= 0 && ftruncate(*fd, (off_t)bytes) == 0);
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	REQUIRE(p != MAP_FAILED);
	return p;
}

static void past_end(void)
{
	int fd;
	volatile char *p = map_file(PAGE + 100, 4 * PAGE, &fd);

	sink = p[2 * PAGE - 1]; /* the rest of the last page is there, and zero */
	fact("file_bytes", PAGE + 100);
	say("past_end_of_file", p + 2 * PAGE + 5, "read");
	sink = p[2 * PAGE + 5];
}

static void cut_short(void)
{
	int fd;
	volatile char *p = map_file(4 * PAGE, 4 * PAGE, &fd);

	p[3 * PAGE] = 1;
	REQUIRE(ftruncate(fd, PAGE) == 0);
	fact("file_bytes", PAGE);
	say("past_end_of_file", p + 3 * PAGE, "write");
	p[3 * PAGE] = 1;
}

static int deeper(int depth)
{
	volatile char frame[2000];

	frame[depth % 2000] = (char)depth;
	if (depth < 0)
		return 0;
	return deeper(depth + 1) + frame[depth % 1999];
}

static void stack_overflow(void)
{
	struct rlimit limit = { MIB, MIB };

	REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
	say("stack_overflow", NULL, "write");
	deeper(0);
}

static void *overflow(void *unused)
{
	say("guard_page", NULL, "write");
	deeper(0);
	return unused;
}

static void thread_stack(void)
{
	pthread_t thread;

	REQUIRE(pthread_create(&thread, NULL, overflow, NULL) == 0);
	pthread_join(thread, NULL);
}

static void *touch_forever(void *unused)
{
	for (;;) {
		volatile char *p = map(MIB, PROT_READ | PROT_WRITE);

		touch((void *)p, MIB);
		munmap((void *)p, MIB);
	}
	return unused;
}

/* Others are in the middle of page faults when this one is killed. */
static void among_threads(void)
{
	pthread_t thread[3];

	for (size_t i = 0; i < 3; i++)
		REQUIRE(pthread_create(&thread[i], NULL, touch_forever, NULL) == 0);
	touch((void *)map(MIB, PROT_READ | PROT_WRITE), MIB);
	say("null_pointer", NULL, "write");
	*null = 1;
}

/* Its page faults cost more than the budget for watching them. */
static void after_many(void)
{
	for (int i = 0; i < 20; i++) {
		volatile char *p = map(16 * MIB, PROT_READ | PROT_WRITE);

		REQUIRE(madvise((void *)p, 16 * MIB, MADV_NOHUGEPAGE) == 0);
		touch((void *)p, 16 * MIB);
		munmap((void *)p, 16 * MIB);
	}
	null_read();
}

/* Signals that are sent, and addresses for which there is no page fault. */

static void sent(void)
{
	say("no_page_fault", NULL, "null");
	raise(SIGSEGV);
}

static void not_canonical(void)
{
	say("no_page_fault", NULL, "null");
	sink = *(volatile char *)0x8000000000000000UL;
}

/* Handlers */

static void leave(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static void handle(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
}

static void handled(void)
{
	handle(leave, 0);
	for (volatile int i = 0; i < 100; i++)
		if (!sigsetjmp(back, 1))
			*NOWHERE = 1;
	say("none", NULL, "null");
}

/* Another signal, later. */
static void handled_and_killed(void)
{
	handled();
	kill(getpid(), SIGTERM);
}

static void let_it_happen(int number)
{
	signal(number, SIG_DFL);
}

static void handler_returns(void)
{
	handle(let_it_happen, 0);
	say("nothing_mapped", NOWHERE, "write");
	*NOWHERE = 1;
}

static void report_and_raise(int number)
{
	static char fresh[64 * 4096];

	touch(fresh, sizeof(fresh)); /* page faults after the one that counts */
	signal(number, SIG_DFL);
	raise(number);
}

static void handler_raises(void)
{
	handle(report_and_raise, SA_NODEFER);
	say("nothing_mapped", NOWHERE, "write");
	*NOWHERE = 1;
}

static const struct scenario { const char *name; void (*run)(void); } scenarios[] = {
	{ "null_read", null_read }, { "null_write", null_write }, { "null_call", null_call },
	{ "nothing_mapped", nothing_mapped }, { "given_back", given_back }, { "no_access", no_access },
	{ "guard_page", guard_page }, { "read_only", read_only },
	{ "own_code", own_code }, { "string_target", string_target }, { "string_source", string_source },
	{ "not_executable", not_executable }, { "past_end", past_end }, { "cut_short", cut_short },
	{ "stack_overflow", stack_overflow }, { "thread_stack", thread_stack }, { "among_threads", among_threads },
	{ "after_many", after_many }, { "sent", sent }, { "not_canonical", not_canonical }, { "handled", handled },
	{ "handled_and_killed", handled_and_killed }, { "handler_returns", handler_returns },
	{ "handler_raises", handler_raises },
};

static void run(const char *name)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (!strcmp(scenarios[i].name, name)) {
			scenarios[i].run();
			exit(0);
		}
	oracle_give_up("such a scenario");
}

int main(int argc, char **argv)
{
	pid_t child;
	int status;

	for (size_t i = 0; argc < 2 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		dprintf(1, "%s\n", scenarios[i].name);
	if (argc == 2)
		run(argv[1]);
	if (argc < 3)
		return 0;
	child = fork();
	if (!child)
		run(argv[2]);
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
	return 0;
}
