/* SPDX-License-Identifier: MIT */
/*
 * Patched sites that are executed: to the program nothing changes but that the hub is told, from any thread, at any moment.
 *
 * links: preload/rewrite.c preload/rewrite_room.c preload/rewrite_enter.S
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include <cmocka.h>

#include "../../preload/rewrite.h"

#define PAGE     4096
#define SITES    64                     /* functions on a page */
#define GOOD     (SITE_FILE | SITE_PROVEN)
#define AREA     (32UL << 20)           /* free space around generated code */

static struct rewrite_room room;
static struct address_range mapped[4096];
static uint64_t ranges;
static uint64_t told;                   /* calls that went through the hub */
static bool leaves;                     /* the hub lets the trampoline make the call */
static uint64_t number_told;
static bool unwinds;
static uint64_t unwound_site;           /* the unwinder came past where the call returns to, and … */
static uint32_t unwound_below;          /* … so many frames further */

static _Unwind_Reason_Code see_frame(struct _Unwind_Context *context, void *site_after)
{
	if (unwound_site)
		unwound_below++;
	if (_Unwind_GetIP(context) == (uint64_t)site_after)
		unwound_site = (uint64_t)site_after;
	return _URC_NO_REASON;
}

__attribute__((target("general-regs-only"), no_sanitize_address))
static bool hub(struct rewrite_frame *frame)
{
	__atomic_fetch_add(&told, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&number_told, frame->rax, __ATOMIC_RELAXED);
	if (unwinds)
		_Unwind_Backtrace(see_frame, (void *)frame->site_after);
	if (leaves)
		return false;
	register uint64_t r10 __asm__("r10") = frame->r10;
	register uint64_t r8 __asm__("r8") = frame->r8;
	register uint64_t r9 __asm__("r9") = frame->r9;
	__asm__ volatile("syscall" : "+a"(frame->rax) : "D"(frame->rdi), "S"(frame->rsi), "d"(frame->rdx), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return true;
}

/* What is mapped, as the kernel says. */
static void look(struct rewrite_space *space)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[4096];

	assert_non_null(maps);
	ranges = 0;
	while (fgets(line, sizeof(line), maps) && ranges < 4096)
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			mapped[ranges++] = (struct address_range){ start, end };
	fclose(maps);
	*space = (struct rewrite_space){ .mapped = mapped, .ranges = ranges };
}

static void put_trampoline(const struct rewrite_plan *plan)
{
	uint64_t start = plan->trampoline.start & -(uint64_t)PAGE, end = (plan->trampoline.start + plan->trampoline.bytes + PAGE - 1) & -(uint64_t)PAGE;
	uint8_t code[TRAMPOLINE_BYTES_MOST];
	uint32_t length = rewrite_trampoline(plan, (uint64_t)rewrite_enter, code);

	for (uint64_t page = start; page < end; page += PAGE)
		if (!room_has_page(&room, page))
			assert_ptr_equal(mmap((void *)page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
					      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), page);
	memcpy((void *)plan->trampoline.start, code, length);
	room_enter(&room, plan->trampoline);
}

static void write_in_place(const struct rewrite_write *write)
{
	void *page = (void *)(write->address & -(uint64_t)PAGE);

	assert_int_equal(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	if (write->bytes == 1)
		__atomic_store_n((uint8_t *)write->address, write->code[0], __ATOMIC_SEQ_CST);
	else
		memcpy((void *)write->address, write->code, write->bytes);
	assert_int_equal(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
}

static void replace_page(const struct rewrite_write *write)
{
	void *page = (void *)(write->address & -(uint64_t)PAGE);
	char *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(copy, page, PAGE);
	memcpy(copy + write->address % PAGE, write->code, write->bytes);
	assert_int_equal(mprotect(copy, PAGE, PROT_READ | PROT_EXEC), 0);
	assert_ptr_equal(mremap(copy, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page), page);
}

static void patch_site(void *address, uint32_t before, uint32_t form)
{
	static const int8_t hop = 7; /* behind cmp and ret of the functions below */
	struct rewrite_site site = { (uint64_t)address, address, before, 8, GOOD, &hop, 1 };
	struct rewrite_space space;
	struct rewrite_plan plan;

	look(&space);
	plan = rewrite_plan(&site, &space, &room, 1u << form);
	if (rewrite_refused(&plan))
		fail_msg("%s", rewrite_refusal_sentences[plan.refusals[form]]);
	put_trampoline(&plan);
	if (plan.first.bytes)
		write_in_place(&plan.first);
	if (plan.last.bytes == 1)
		write_in_place(&plan.last);
	else
		replace_page(&plan.last);
}

/* Functions on a page of their own, in the middle of free space: mov $number,%eax; syscall; cmp $-4096,%rax; ret; unused. */
#define FUNCTION_BYTES (PAGE / SITES)
#define SITE_OFFSET    5

static long call(char *code, uint32_t index, long a, long b, long c)
{
	long (*function)(long, long, long) = (void *)(code + index * FUNCTION_BYTES);

	return function(a, b, c);
}

static char *make_functions(uint32_t number)
{
	static const uint8_t function[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc };
	char *area = mmap(NULL, AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *code = area + PAGE;

	assert_ptr_not_equal(area, MAP_FAILED);
	munmap(area, AREA);
	assert_ptr_equal(mmap(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), code);
	for (uint32_t i = 0; i < SITES; i++) {
		memcpy(code + i * FUNCTION_BYTES, function, sizeof(function));
		memcpy(code + i * FUNCTION_BYTES + 1, &number, sizeof(number));
	}
	assert_int_equal(mprotect(code, PAGE, PROT_READ | PROT_EXEC), 0);
	return code;
}

/*
 * All registers, the flags, the red zone and the vectors as they are behind a call of getppid; rax is the last of the registers.
 */
struct state { uint64_t registers[16], flags, red_zone[16]; uint8_t vectors[16][16]; };
void probe(struct state *state);
extern const char probe_site[];
__asm__(
"	.pushsection .text.probe, \"ax\", @progbits\n"
"	.balign 4096\n"
"	.globl probe, probe_site\n"
"	.type probe, @function\n"
"probe:	.cfi_startproc\n"
"	push %rbx\n	.cfi_adjust_cfa_offset 8\n	.cfi_rel_offset rbx, 0\n"
"	push %rbp\n	.cfi_adjust_cfa_offset 8\n	.cfi_rel_offset rbp, 0\n"
"	push %r12\n	.cfi_adjust_cfa_offset 8\n	.cfi_rel_offset r12, 0\n"
"	push %r13\n	.cfi_adjust_cfa_offset 8\n	.cfi_rel_offset r13, 0\n"
"	push %r14\n	.cfi_adjust_cfa_offset 8\n	.cfi_rel_offset r14, 0\n"
"	push %r15\n	.cfi_adjust_cfa_offset 8\n	.cfi_rel_offset r15, 0\n"
"	push %rdi\n	.cfi_adjust_cfa_offset 8\n"
"	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
"	mov $(0x1234567 * (\\n + 1)), %rax\n"
"	mov %rax, -8 - 8 * \\n(%rsp)\n"
"	movq %rax, %xmm\\n\n	punpcklqdq %xmm\\n, %xmm\\n\n"
"	.endr\n"
"	mov $0x1111, %ebx\n	mov $0x2222, %edx\n	mov $0x3333, %esi\n	mov $0x4444, %ebp\n	mov $0x5555, %r8d\n"
"	mov $0x6666, %r9d\n	mov $0x7777, %r10d\n	mov $0x8888, %r12d\n	mov $0x9999, %r13d\n	mov $0xaaaa, %r14d\n	mov $0xbbbb, %r15d\n"
"	cmp $0x2223, %ebx\n	std\n	stc\n"
"	mov $110, %eax\n"		/* getppid */
"probe_site:\n"
"	syscall\n"
"	xchg %rax, (%rsp)\n"
"	.set i, 0\n"
"	.irp r, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15\n"
"	mov %\\r, i(%rax)\n"
"	.set i, i + 8\n"
"	.endr\n"
"	mov (%rsp), %rcx\n	mov %rcx, 120(%rax)\n"
"	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
"	mov -8 - 8 * \\n(%rsp), %rcx\n	mov %rcx, 136 + 8 * \\n(%rax)\n"
"	movups %xmm\\n, 264 + 16 * \\n(%rax)\n"
"	.endr\n"
"	pushfq\n	.cfi_adjust_cfa_offset 8\n	pop 128(%rax)\n	.cfi_adjust_cfa_offset -8\n"
"	cld\n"
"	pop %rcx\n	.cfi_adjust_cfa_offset -8\n"
"	pop %r15\n	.cfi_adjust_cfa_offset -8\n	pop %r14\n	.cfi_adjust_cfa_offset -8\n	pop %r13\n	.cfi_adjust_cfa_offset -8\n"
"	pop %r12\n	.cfi_adjust_cfa_offset -8\n	pop %rbp\n	.cfi_adjust_cfa_offset -8\n	pop %rbx\n	.cfi_adjust_cfa_offset -8\n"
"	ret\n"
"	.cfi_endproc\n"
"	.size probe, . - probe\n"
"	.balign 4096\n"
"	.popsection\n");

_Static_assert(offsetof(struct state, flags) == 128 && offsetof(struct state, red_zone) == 136 && offsetof(struct state, vectors) == 264, "probe stores there");

static void all_but_the_count_is_as_before(void **state)
{
	static struct state bare, now;

	(void)state;
	probe(&now);
	bare = now;
	assert_int_equal(bare.registers[15], getppid());
	assert_int_equal(bare.registers[0], (uint64_t)probe_site + 2); /* rcx: where it returned to */
	assert_int_equal(bare.registers[10], bare.flags); /* r11 */
	assert_int_equal(bare.flags & 0x401, 0x401); /* direction and carry */
	patch_site((void *)probe_site, 5, TRAMPOLINE_MOV);
	told = 0;
	for (uint64_t calls = 1; calls <= 2; calls++) {
		memset(&now, 0, sizeof(now));
		probe(&now);
		leaves = calls == 1; /* the second time, the trampoline makes it */
		assert_int_equal(told, calls);
		assert_memory_equal(&now, &bare, sizeof(bare));
	}
}

static void the_hub_can_be_unwound_past_the_site(void **state)
{
	static struct state unused;

	(void)state;
	told = 0;
	unwinds = true;
	unwound_site = unwound_below = 0;
	probe(&unused); /* patched by the test before */
	unwinds = false;
	assert_int_equal(told, 1);
	assert_int_equal(unwound_site, (uint64_t)probe_site + 2);
	assert_true(unwound_below >= 3); /* this test, cmocka, main, the start */
}

static void every_form_makes_the_call(void **state)
{
	char *code = make_functions(SYS_write), text[2] = "";
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (uint32_t i = 0; i < SITES; i++) {
		patch_site(code + i * FUNCTION_BYTES + SITE_OFFSET, SITE_OFFSET, i % TRAMPOLINE_FORMS);
		told = 0;
		assert_int_equal(call(code, i, pipes[1], (long)"x", 1), 1);
		assert_int_equal(call(code, i, -1, (long)"x", 1), -9); /* EBADF */
		assert_int_equal(told, 2);
		assert_int_equal(read(pipes[0], text, 2), 1);
		assert_int_equal(text[0], 'x');
	}
	close(pipes[0]);
	close(pipes[1]);
}

static char *raced;
static bool stop;
static uint64_t wrong, signals_seen;

static void on_signal(int signal)
{
	(void)signal;
	__atomic_fetch_add(&signals_seen, 1, __ATOMIC_RELAXED);
	if (call(raced, (uint32_t)signals_seen % SITES, 0, 0, 0) != getpid())
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void *call_all(void *calls)
{
	uint64_t *made = calls;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (uint32_t i = 0; i < SITES; i++, ++*made)
			if (call(raced, i, 0, 0, 0) != getpid())
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void threads_and_handlers_may_call_while_sites_are_patched(void **state)
{
	const struct timespec while_they_run = { 0, 200000 };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	uint64_t made[2] = { 0 };
	pthread_t threads[2];

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	for (uint32_t round = 0; round < 20; round++) {
		room.used = 0; /* pages of rounds before are mapped still, and not used any more */
		raced = make_functions(SYS_getpid);
		stop = false;
		for (uint32_t i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, call_all, &made[i]), 0);
		for (uint32_t i = 0; i < SITES; i++) {
			patch_site(raced + i * FUNCTION_BYTES + SITE_OFFSET, SITE_OFFSET, (i + round) % TRAMPOLINE_FORMS);
			pthread_kill(threads[i % 2], SIGUSR1);
			nanosleep(&while_they_run, NULL);
		}
		__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		for (uint32_t i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		told = 0;
		for (uint32_t i = 0; i < SITES; i++)
			assert_int_equal(call(raced, i, 0, 0, 0), getpid());
		assert_int_equal(told, SITES);
	}
	assert_int_equal(wrong, 0);
	assert_true(made[0] > 0 && made[1] > 0 && signals_seen > SITES);
}

static pid_t waiting;

/* Until the thread that called last sleeps in the kernel: state in proc(5). */
static void until_it_waits(void)
{
	char path[64], text[512], *state = NULL;

	do {
		const struct timespec moment = { 0, 1000000 };
		FILE *stat;

		nanosleep(&moment, NULL);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", __atomic_load_n(&waiting, __ATOMIC_ACQUIRE));
		stat = fopen(path, "re");
		if (!stat)
			continue;
		state = fgets(text, sizeof(text), stat) ? strrchr(text, ')') : NULL;
		fclose(stat);
	} while (!state || state[2] != 'S');
}

struct reading { char *code; uint32_t index; int fd; long result; char byte; };

static void *read_byte(void *context)
{
	struct reading *reading = context;

	__atomic_store_n(&waiting, gettid(), __ATOMIC_RELEASE);
	reading->result = call(reading->code, reading->index, reading->fd, (long)&reading->byte, 1);
	return NULL;
}

static void just_count(int signal)
{
	(void)signal;
	signals_seen++;
}

/* Interrupted before or after the site is patched, a call that waits is made again, and goes on waiting. */
static void an_interrupted_call_is_restarted(void **state)
{
	struct sigaction action = { .sa_handler = just_count, .sa_flags = SA_RESTART };
	char *code = make_functions(SYS_read);
	pthread_t thread;
	int pipes[2];

	(void)state;
	room.used = 0;
	sigaction(SIGUSR2, &action, NULL);
	assert_int_equal(pipe(pipes), 0);
	for (uint32_t i = 0; i < 2 * TRAMPOLINE_FORMS; i++) {
		struct reading reading = { code, i, pipes[0], 0, 0 };

		if (i < TRAMPOLINE_FORMS)
			patch_site(code + i * FUNCTION_BYTES + SITE_OFFSET, SITE_OFFSET, i % TRAMPOLINE_FORMS);
		waiting = 0;
		assert_int_equal(pthread_create(&thread, NULL, read_byte, &reading), 0);
		until_it_waits();
		if (i >= TRAMPOLINE_FORMS)
			patch_site(code + i * FUNCTION_BYTES + SITE_OFFSET, SITE_OFFSET, i % TRAMPOLINE_FORMS);
		signals_seen = told = 0;
		pthread_kill(thread, SIGUSR2);
		while (!__atomic_load_n(&signals_seen, __ATOMIC_ACQUIRE))
			sched_yield();
		until_it_waits();
		/* The kernel goes back to the site, which is a jump now, but for the form that leaves it. */
		assert_int_equal(told, i >= TRAMPOLINE_FORMS && i % TRAMPOLINE_FORMS != TRAMPOLINE_MOV);
		assert_int_equal(write(pipes[1], "y", 1), 1);
		pthread_join(thread, NULL);
		assert_int_equal(reading.result, 1);
		assert_int_equal(reading.byte, 'y');
	}
	close(pipes[0]);
	close(pipes[1]);
}

static void *sleep_long(void *code)
{
	const struct timespec long_enough = { 0, 300000000 };

	__atomic_store_n(&waiting, gettid(), __ATOMIC_RELEASE);
	return (void *)call(code, 0, (long)&long_enough, 0, 0);
}

/* In a child, which its parent stops: calls with a deadline that are stopped go on as restart_syscall(2). */
static int sleep_at_a_site(int told_parent)
{
	char *code = make_functions(SYS_nanosleep);
	pthread_t thread;
	void *result;

	waiting = 0;
	if (pthread_create(&thread, NULL, sleep_long, code))
		return 1;
	until_it_waits();
	patch_site(code + SITE_OFFSET, SITE_OFFSET, TRAMPOLINE_ONE_BYTE);
	if (write(told_parent, "p", 1) != 1 || pthread_join(thread, &result) || result)
		return 2;
	return !told ? 3 : told != 1 || number_told != SYS_restart_syscall;
}

static void a_call_that_was_stopped_goes_on_by_the_patched_site(void **state)
{
	int status = -1, pipes[2];

	(void)state;
	room.used = told = 0;
	for (int tries = 0; tries < 10 && status; tries++) { /* 3: it was over before it was stopped */
		char byte;
		pid_t child;

		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (!child)
			_exit(sleep_at_a_site(pipes[1]));
		assert_int_equal(read(pipes[0], &byte, 1), 1);
		kill(child, SIGSTOP);
		assert_int_equal(waitpid(child, &status, WUNTRACED), child);
		if (WIFSTOPPED(status)) {
			kill(child, SIGCONT);
			assert_int_equal(waitpid(child, &status, 0), child);
		}
		close(pipes[0]);
		close(pipes[1]);
		assert_true(WIFEXITED(status) && (!WEXITSTATUS(status) || WEXITSTATUS(status) == 3));
	}
	assert_int_equal(status, 0);
}

static int set_hub(void **state)
{
	(void)state;
	rewrite_hub = hub;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_the_count_is_as_before),
		cmocka_unit_test(the_hub_can_be_unwound_past_the_site),
		cmocka_unit_test(every_form_makes_the_call),
		cmocka_unit_test(threads_and_handlers_may_call_while_sites_are_patched),
		cmocka_unit_test(an_interrupted_call_is_restarted),
		cmocka_unit_test(a_call_that_was_stopped_goes_on_by_the_patched_site),
	};

	return cmocka_run_group_tests(tests, set_hub, NULL);
}
