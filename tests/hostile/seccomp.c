/* SPDX-License-Identifier: MIT */
/*
 * Forbids itself open, openat, openat2, creat and mmap of files, as sandboxes do, with EPERM or with death, then
 * allocates, forks and ends. An instrument that opens a file late, at a fork or for its last look at itself, is
 * refused, or kills the program.
 *
 * run: errno => exit 0; exit 9
 * run: kill => exit 0; exit 9
 * run: errno-syscall => exit 0; exit 9
 * run: kill-syscall => exit 0; exit 9
 * ledger: none
 * says: preloaded alone, that the report cannot be printed from behind the filter
 */
#include "hostile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LOAD(field)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define REFUSE(nr, back) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, (back))

static long forbid_files(unsigned verdict, int by_syscall)
{
	struct sock_filter code[] = {
		LOAD(nr),
		REFUSE(SYS_open, verdict),
		REFUSE(SYS_openat, verdict),
		REFUSE(SYS_openat2, verdict),
		REFUSE(SYS_creat, verdict),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
		LOAD(args[4]), /* the descriptor: low half, -1 for none */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffffu, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, verdict),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	if (by_syscall)
		return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "errno";
	int kills = !strncmp(way, "kill", 4);

	say_heap("before the filter");
	say_result("filter", forbid_files(kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM,
					  strstr(way, "syscall") != NULL));
	say_heap("behind the filter");
	say_pointer("anonymous mmap", mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	if (!kills)
		say_result("open", open("/dev/null", O_RDONLY));

	pid_t child = fork();
	if (!child) {
		say_heap("forked behind the filter");
		_exit(9);
	}
	reap("forked", child);
	/* More than the break had room for: the allocator must grow, and whatever watches it too. */
	char *blocks[64];
	for (int i = 0; i < 64; i++)
		memset(blocks[i] = (char *)kept(malloc(200000)), i, 200000);
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	say("grown and shrunk");
	return 0;
}
