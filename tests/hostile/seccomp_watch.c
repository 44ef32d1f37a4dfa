/* SPDX-License-Identifier: MIT */
/*
 * Forbids itself what watches memory, userfaultfd, perf_event_open and ioctl on anything but a terminal, with an error
 * or with death; forks, writes on both sides, and executes itself to do the same again, unobserved, for the next image
 * does not know the filter. "late": it has forked before, so that a watch may be under way.
 *
 * run: errno => exit 0|lost; exit 5
 * run: kill => exit 0|lost; exit 5
 * run: kill late => exit 0|lost; exit 4, exit 5
 * run: trap late => exit 0|lost; exit 4, exit 5
 * ledger: none
 * traced: exit 6
 * says: preloaded alone, that the report cannot be printed from behind the filter
 */
#include "hostile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PAGES 600
#define LOAD(field)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define REFUSE(nr, back) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, (back))

static char *memory;

static void forbid_watching(unsigned verdict)
{
	struct sock_filter code[] = {
		LOAD(nr),
		REFUSE(SYS_userfaultfd, verdict),
		REFUSE(SYS_perf_event_open, verdict),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		LOAD(args[1]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCGETS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, verdict),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	say_result("no new privileges", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	say_result("filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void write_pages(int every)
{
	for (int page = 0; page < PAGES; page += every)
		memory[page * 4096]++;
}

static unsigned sum_pages(void)
{
	unsigned sum = 0;

	for (int page = 0; page < PAGES; page++)
		sum += (unsigned char)memory[page * 4096];
	return sum;
}

static void fork_and_write(const char *who, int status)
{
	pid_t child = fork();

	if (!child) {
		write_pages(2);
		say("%s: %u, %u blocks", who, sum_pages(), heap_work(3));
		_exit(status);
	}
	write_pages(3);
	reap(who, child);
	say("beside %s: %u", who, sum_pages());
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "errno";

	memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	write_pages(1);
	if (!strcmp(way, "behind")) {
		fork_and_write("forked by the next program", 6);
		return 0;
	}
	if (argc > 2)
		fork_and_write("forked before the filter", 4);
	forbid_watching(!strcmp(way, "kill") ? SECCOMP_RET_KILL_PROCESS :
			!strcmp(way, "trap") ? SECCOMP_RET_TRAP : SECCOMP_RET_ERRNO | EACCES);
	fork_and_write("forked behind the filter", 5);
	say_heap("behind the filter");
	execl(argv[0], argv[0], "behind", (char *)NULL);
	return 126;
}
