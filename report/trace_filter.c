/* SPDX-License-Identifier: MIT */
/*
 * The seccomp filter of a traced program: the kernel asks the tracer at the calls that are wanted and lets all others pass at their full
 * speed (seccomp(2)). A filter of the program's own may refuse calls before ours is heard, so the calls that install one are always
 * asked about: from there on the program is followed by PTRACE_SYSCALL.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"
#include "trace.h"

#define FIELD(name) ((unsigned)offsetof(struct seccomp_data, name))
#define JUMP(test, value, yes, no) ((struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), (yes), (no)))
#define DO(code, value) ((struct sock_filter)BPF_STMT((code), (value)))
#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define GIVE (BPF_RET | BPF_K)

struct sock_filter *trace_filter(const struct trace_set *set, unsigned short *used)
{
	struct sock_filter *filter = memory_get((16 + 3 * (CAPTURE_NUMBERS / 2 + 1)) * sizeof(*filter));
	bool wanted[CAPTURE_NUMBERS];
	unsigned short n = 0;

	memcpy(wanted, set->wanted, sizeof(wanted));
	wanted[SYS_seccomp] = true;
	filter[n++] = DO(LOAD, FIELD(arch));
	filter[n++] = JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	filter[n++] = DO(GIVE, SECCOMP_RET_ALLOW);
	filter[n++] = DO(LOAD, FIELD(nr));
	for (unsigned from = 0; from < CAPTURE_NUMBERS; from++) {
		unsigned to = from;

		if (!wanted[from])
			continue;
		while (to + 1 < CAPTURE_NUMBERS && wanted[to + 1])
			to++;
		filter[n++] = JUMP(BPF_JGE, from, 0, 2);
		filter[n++] = JUMP(BPF_JGT, to, 1, 0);
		filter[n++] = DO(GIVE, SECCOMP_RET_TRACE);
		from = to;
	}
	filter[n++] = JUMP(BPF_JEQ, SYS_prctl, 0, 3);
	filter[n++] = DO(LOAD, FIELD(args));
	filter[n++] = JUMP(BPF_JEQ, PR_SET_SECCOMP, 0, 1);
	filter[n++] = DO(GIVE, SECCOMP_RET_TRACE);
	filter[n++] = DO(GIVE, SECCOMP_RET_ALLOW);
	*used = n;
	return filter;
}

bool trace_filter_allowed(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[2];
	unsigned action = SECCOMP_RET_TRACE;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return false;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return true;
	return !syscall(SYS_capget, &header, have) && have[0].effective >> CAP_SYS_ADMIN & 1;
}

int trace_filter_install(const struct trace *trace)
{
	struct sock_fprog program = { trace->filter_used, trace->filter };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? errno : 0;
}
