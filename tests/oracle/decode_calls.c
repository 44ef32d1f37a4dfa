/* SPDX-License-Identifier: MIT */
/*
 * Makes every call of the table, over and over with other arguments, and none of them happens: a filter answers for the kernel, with an error
 * or with 0. Tracers see the arguments before that. So a decoder can be shown whatever a program might ever say, of every kind of
 * argument: plain values, NULL, pointers to nowhere, structures that end where the page does, rubbish.
 *   decode_calls plain|rubbish ERRNO [FIRST [LAST]]   ERRNO: what the kernel is to answer, 0: that it went well; only calls with these numbers
 * links: report/syscalls.c
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../report/syscalls.h"

#define NOWHERE 0xdead000UL
#define BLOB    512

/* A page of which nothing is behind it; what is put at its end ends there. */
static unsigned char *page;
static unsigned char rubbish[4][BLOB];

enum variant { ZERO, PLAIN, OTHER, NOT_THERE, CUT, RUBBISH_1, RUBBISH_2, ALL_BITS, VARIANTS };

static void answer(int error)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(program[0]), program };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		exit(1);
}

static uint64_t at(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static char text_short[] = "user.name \"quoted\\\" \1\t\n\177\377" "9\0" "7", text_exact[] = "exactly thirty-two bytes of text";
static char text_long[] = "more than thirty-two bytes of text, which are cut in what is no path", path[] = "/tmp/a path\twith\n\"all\"/of/it/and/longer/than/32";
static struct iovec iov[] = { { text_short, 5 }, { NULL, 0 }, { text_long, sizeof(text_long) }, { (void *)NOWHERE, 3 } };
static char *arguments[] = { text_short, text_exact, text_long, "", NULL };
static struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = 0x5000, .sin_addr.s_addr = 0x0100007f };
static struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 0x5000, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
static struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/a socket" };
static struct { struct cmsghdr h; int fds[2]; } control = { { sizeof(control), SOL_SOCKET, SCM_RIGHTS }, { 3, 4 } };
static struct { struct cmsghdr h; struct ucred user; } credentials = { { sizeof(struct cmsghdr) + sizeof(struct ucred), SOL_SOCKET, SCM_CREDENTIALS }, { 1, 2, 3 } };
static struct msghdr message = { &in, sizeof(in), iov, 3, &control, sizeof(control), MSG_EOR };
static struct msghdr message_other = { &un, sizeof(un), iov, 0, &credentials, sizeof(credentials), 0 };
static struct mmsghdr messages[2];
static uint64_t set = 1 << (SIGINT - 1) | 1UL << (SIGCHLD - 1) | 1UL << 33, set_most = ~(1UL << 5);
static struct { uint64_t *set; uint64_t size; } set_sized = { &set, 8 }, set_sized_other = { NULL, 8 };
static struct clone_args clone_plain = { .flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_SETTLS, .parent_tid = 0x1000000, .exit_signal = SIGCHLD, .stack = 0x2000000,
					 .stack_size = 0x10000, .tls = 0x3000000 };
static struct clone_args clone_other = { .flags = CLONE_PIDFD | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID, .pidfd = 0x1000000, .child_tid = 0x4000000,
					 .exit_signal = 0, .set_tid = 0x5000000, .set_tid_size = 1, .cgroup = 3 };
static struct { uint64_t flags, mode, resolve; } how = { O_CREAT | O_RDWR | O_CLOEXEC, 0640, 9 }, how_other = { 0, 0, 0x100 };
static struct timespec times[2] = { { 1, 500000000 }, { 1600000000, 123456789 } }, times_other[2] = { { 0, UTIME_NOW }, { 7, UTIME_OMIT } };
static struct timeval timevals[2] = { { 1, 500000 }, { 1600000000, 123456 } }, timevals_other[2] = { { 0, 0 }, { 5, 2000000 } };
static uint64_t action[] = { 0x400000, SA_RESTART | SA_SIGINFO | 0x04000000, 0x500000, 1 << (SIGTERM - 1) }, action_other[] = { 1, 0xffffffff, 0, ~0UL };
static siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_pid = 12, .si_uid = 13, .si_int = 5 };
static siginfo_t info_other = { .si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = (void *)0x10 };
static struct pollfd polled[] = { { 3, POLLIN | POLLPRI, POLLIN }, { -1, POLLOUT, 0 }, { 5, 0, POLLHUP | POLLERR } };
static fd_set descriptors;
static struct epoll_event event = { EPOLLIN | EPOLLET, { .u64 = 0x100000005 } }, event_other = { 0, { .u64 = 0 } };
static struct sembuf semaphores[] = { { 0, -1, SEM_UNDO | IPC_NOWAIT }, { 1, 2, 0 }, { 2, 0, 4 } };
static struct { uint32_t bytes; int32_t type; unsigned char handle[8]; } handle = { 8, 1, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static struct futex_waitv waiters[] = { { 1, 0x1000000, FUTEX_32 | FUTEX_PRIVATE_FLAG, 0 }, { 2, 0x2000000, 0x40, 0 } };
static struct { long type; char text[40]; } ipc_message = { 7, "a message of a queue" };
static uint64_t limits[] = { 8192 * 1024, ~0UL }, limits_other[] = { 1024, 1025 };
static int32_t number_at = 16, number_other = 128;
static uint64_t offset_at = 1000;
static struct stat regular = { .st_mode = S_IFREG | S_ISUID | 0644, .st_size = 123 }, device = { .st_mode = S_IFCHR | 0620, .st_rdev = 0x8803 };
static struct { uint32_t version; int pid; } capability_header = { 0x20080522, 5 };
static uint32_t capability_data[] = { 1, 0xffffffff, 0, 0x100, 0x1ff, 0 };
static struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t least, most; }
	scheduling = { 56, 6, 1, -5, 0, 1, 2, 3, 4, 5 };
static uint64_t processors[] = { 0x13, 0 };
static struct { uint16_t length; void *filter; } filter_program = { 4, &processors };
static struct sigevent sigevent_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = 9 };
static struct sigevent sigevent_thread = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = 34, ._sigev_un._tid = 77 };
static uint32_t groups[] = { 0, 4, 1000 };
static int status_word = 0x0300, status_other = SIGKILL | 0x80;

static const struct value {
	const void *plain, *other;
	size_t bytes;
} values[ARGUMENT_KINDS] = {
#define V(kind, plain, other) [KIND_##kind] = { plain, other, sizeof(*(plain)) }
	[KIND_PATH] = { path, text_exact, sizeof(path) }, [KIND_STRING] = { text_short, text_long, sizeof(text_short) },
	[KIND_BUFFER] = { text_short, text_long, 16 }, [KIND_IOVEC] = { iov, iov + 1, sizeof(iov) }, [KIND_RANGES] = { iov, iov, sizeof(iov) },
	[KIND_STRINGS] = { arguments, arguments + 3, sizeof(arguments) }, [KIND_ENVIRONMENT] = { arguments, arguments + 3, sizeof(arguments) },
	V(SOCKADDR, &in, (void *)&in6), V(MSGHDR, &message, &message_other), V(SIGSET, &set, &set_most), V(SIGSET_SIZED, &set_sized, &set_sized_other),
	[KIND_SIGACTION] = { action, action_other, sizeof(action) }, V(SIGINFO, &info, &info_other), [KIND_SIGEVENT] = { &sigevent_signal, &sigevent_thread, 16 },
	V(TIMESPEC, times, times_other), [KIND_TIMESPECS] = { times, times_other, sizeof(times) }, V(TIMEVAL, timevals, timevals_other),
	[KIND_TIMEVALS] = { timevals, timevals_other, sizeof(timevals) }, [KIND_ITIMERVAL] = { timevals, timevals_other, sizeof(timevals) },
	[KIND_ITIMERSPEC] = { times, times_other, sizeof(times) }, [KIND_UTIMBUF] = { &times[1], times, 16 }, [KIND_TIMEZONE] = { &polled, &polled, 8 },
	[KIND_RLIMIT] = { limits, limits_other, sizeof(limits) }, [KIND_GIDS] = { groups, groups, sizeof(groups) }, V(EPOLL_EVENT, &event, &event_other),
	[KIND_SEMBUF] = { semaphores, semaphores, sizeof(semaphores) }, [KIND_CPU_SET] = { processors, processors, sizeof(processors) },
	[KIND_NODE_MASK] = { processors, processors, sizeof(processors) }, [KIND_SCHED_PARAM] = { &number_at, &number_other, 4 },
	V(SCHED_ATTR, &scheduling, &scheduling), V(CLONE_ARGS, &clone_plain, &clone_other), V(OPEN_HOW, &how, &how_other),
	V(FILE_HANDLE, &handle, &handle), [KIND_FUTEX_WAITERS] = { waiters, waiters, sizeof(waiters) }, V(MSGBUF, &ipc_message, &ipc_message),
	[KIND_CAP_DATA] = { capability_data, capability_data, sizeof(capability_data) }, [KIND_POLLFDS] = { polled, polled + 1, sizeof(polled) },
	V(FD_SET, &descriptors, &descriptors), V(OFFSET_AT, &offset_at, &offset_at), V(LENGTH_AT, &number_at, &number_other),
	V(MSGHDR_FILLED, &message, &message_other), [KIND_MMSGHDRS] = { messages, messages, sizeof(messages) },
	[KIND_MMSGHDRS_FILLED] = { messages, messages, sizeof(messages) }, [KIND_IOVEC_FILLED] = { iov, iov + 1, sizeof(iov) },
	V(TIMEVAL_WAIT, timevals, timevals_other), V(TIMESPEC_WAIT, times, times_other), V(CAP_HEADER, &capability_header, &capability_header),
	V(FILE_HANDLE_FILLED, &handle, &handle), V(STAT, &regular, &device), [KIND_SOCKADDR_FILLED] = { &un, &in6, 16 },
	[KIND_INT_FILLED] = { &number_at, &number_other, 4 }, [KIND_LONG_FILLED] = { limits_other, limits_other, 8 }, [KIND_FDS] = { groups, groups, 8 },
	[KIND_UID_FILLED] = { &number_at, &number_other, 4 }, [KIND_GID_FILLED] = { &number_at, &number_other, 4 },
	[KIND_WAIT_STATUS] = { &status_word, &status_other, 4 }, [KIND_RLIMIT_FILLED] = { limits, limits_other, sizeof(limits) },
	V(SIGSET_FILLED, &set, &set_most), [KIND_SIGACTION_FILLED] = { action, action_other, sizeof(action) }, V(SIGINFO_FILLED, &info, &info_other),
	V(TIMESPEC_FILLED, times, times_other), V(TIMESPEC_LEFT, times, times_other), V(TIMEVAL_FILLED, timevals, timevals_other),
	[KIND_ITIMERVAL_FILLED] = { timevals, timevals_other, sizeof(timevals) }, [KIND_ITIMERSPEC_FILLED] = { times, times_other, sizeof(times) },
	[KIND_SCHED_PARAM_FILLED] = { &number_at, &number_other, 4 }, V(SCHED_ATTR_FILLED, &scheduling, &scheduling),
	[KIND_CAP_DATA_FILLED] = { capability_data, capability_data, sizeof(capability_data) },
	[KIND_BUFFER_FILLED_AT] = { &number_at, text_short, 16 }, [KIND_PATH_FILLED] = { path, path, sizeof(path) },
};

/* A number of a kind that is not followed; commands go through all of theirs elsewhere. */
static uint64_t number(unsigned kind, enum variant v)
{
	switch (kind) {
	case KIND_FD: case KIND_AT_FD:
		return v == PLAIN ? (kind == KIND_AT_FD ? (uint64_t)AT_FDCWD : 5) : v == OTHER ? 1UL << 32 | 3 : ~0UL;
	case KIND_SIZE: case KIND_LENGTH:
		return v == PLAIN ? 3 : v == OTHER ? 56 : v == ALL_BITS ? ~0UL : 16;
	case KIND_MODE:
		return v == PLAIN ? 0640 : v == OTHER ? S_IFCHR | 04755 : 07777;
	case KIND_DEV:
		return v == PLAIN ? 0x103 : 0x12345678;
	case KIND_SIGNAL:
		return v == PLAIN ? SIGTERM : v == OTHER ? 34 : 99;
	case KIND_PERSONALITY:
		return v == PLAIN ? 0x0040000 : 0xffffffff;
	}
	if (v == ALL_BITS)
		return ~0UL;
	if (v == RUBBISH_1)
		return 0x123456789abcdefUL;
	return v == PLAIN ? 1 : v == OTHER ? 2 : 3;
}

static uint64_t value(const struct syscall_row *row, unsigned i, enum variant v)
{
	unsigned kind = row->kinds[i];
	const struct value *known = &values[kind];

	if (v == ZERO || !kind)
		return 0;
	if (kind <= KIND_FLAGS_LSM && kind != KIND_ARGUMENT)
		return number(kind, v);
	switch (v) {
	case PLAIN:
		return at(known->plain ? known->plain : rubbish[0]);
	case OTHER:
		return at(known->other ? known->other : rubbish[1]);
	case NOT_THERE:
	case ALL_BITS:
		return NOWHERE;
	case CUT: {                     /* of a structure, its first half, and then no page */
		size_t bytes = known->bytes ? known->bytes / 2 : 7;
		memcpy(page + 4096 - bytes, known->plain ? known->plain : rubbish[0], bytes);
		return at(page + 4096 - bytes);
	}
	case RUBBISH_1:
		return at(rubbish[2]);
	default:
		return at(rubbish[3]);
	}
}

static void make(int n, const uint64_t *a)
{
	syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void words(int n, const struct syscall_row *row)
{
	for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++) {
		unsigned kind = row->kinds[i];
		uint64_t a[6];

		if (kind < KIND_CLOCK || kind > KIND_FLAGS_LSM || kind == KIND_ARGUMENT)
			continue;
		for (unsigned k = 0; k < SYSCALL_ARGUMENTS; k++)
			a[k] = value(row, k, ZERO);
		if (kind < KIND_ARGUMENT)
			for (int64_t word = -9; word < 80; word++) {
				a[i] = (uint64_t)word;
				make(n, a);
			}
		for (unsigned bit = 0; bit < 40; bit++) {
			a[i] = 1UL << bit;
			make(n, a);
			a[i] |= a[i] >> 1 | 0x80;
			make(n, a);
		}
	}
}

/* Commands and what they lead to: each with a pointer to something, and with a number. */
static void commands(void)
{
	static const unsigned requests[] = { 0x5401, 0x5402, 0x5403, 0x5405, 0x540a, 0x540b, 0x540e, 0x540f, 0x5413, 0x5414, 0x541b, 0x5421, 0x5422, 0x5429,
					     0x5450, 0x5451, 0x80045430, 0x40045431, 0x40049409, 0x4020940d, 0x80086601, 0x40086602, 0x8910, 0x8912,
					     0x8913, 0x8915, 0x8921, 0x8927, 0x8933, 0x8942, 0x80041272, 0x1260, 0x80081272, 0xc0185879, 0x12345678 };
	uint64_t pointers[] = { 0, 1, at(rubbish[2]), at(text_short), at(processors), at(limits_other), at(&filter_program), NOWHERE };

	for (size_t p = 0; p < sizeof(pointers) / sizeof(pointers[0]); p++) {
		for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
			make(SYS_ioctl, (uint64_t[]){ 4, requests[i], pointers[p], 0, 0, 0 });
		for (unsigned i = 0; i < 1050; i = i == 45 ? 1024 : i + 1)
			make(SYS_fcntl, (uint64_t[]){ 4, i, pointers[p], 0, 0, 0 });
		for (unsigned i = 1; i < 66; i++)
			if (i != PR_SET_MM)
				make(SYS_prctl, (uint64_t[]){ i, pointers[p], pointers[(p + 1) % 8], 0, 0, 0 });
		for (unsigned i = 0x1001; i < 0x1030; i++)
			make(SYS_arch_prctl, (uint64_t[]){ i, pointers[p], 0, 0, 0, 0 });
		for (unsigned i = 0; i < 14; i++)
			for (unsigned flags = 0; flags < 3; flags++)
				make(SYS_futex, (uint64_t[]){ 0x1000000, i | flags << 7, 5, pointers[p], 0x2000000, p & 1 ? 0xffffffff : 0x51002007, 0 });
		for (unsigned i = 0; i < 24; i++) {
			make(SYS_shmctl, (uint64_t[]){ 1, i, pointers[p], 0, 0, 0 });
			make(SYS_msgctl, (uint64_t[]){ 1, i, pointers[p], 0, 0, 0 });
			make(SYS_semctl, (uint64_t[]){ 1, 2, i, pointers[p], 0, 0 });
		}
		for (unsigned i = 0; i < 5; i++) {
			make(SYS_seccomp, (uint64_t[]){ i, 0, pointers[p], 0, 0, 0 });
			make(SYS_fcntl, (uint64_t[]){ 4, 15 + i, pointers[p], 0, 0, 0 });
		}
		for (unsigned level = 0; level < 300; level = level == 41 ? 263 : level == 270 ? 300 : level + 1)
			for (unsigned i = 0; i < 80; i++) {
				make(SYS_setsockopt, (uint64_t[]){ 4, level, i, pointers[p], p & 1 ? 4 : 16, 0 });
				if (p == 3 || i % 8 == p)
					make(SYS_getsockopt, (uint64_t[]){ 4, level, i, pointers[p], at(&number_at), 0 });
			}
	}
}

static void prepare(void)
{
	unsigned seed = 1;

	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + 4096, 4096);
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < BLOB; i++) {
			seed = seed * 1103515245 + 12345;
			/* Half of it is 0, as in what programs have in memory; the last is of all that there is. */
			rubbish[k][i] = (unsigned char)(k < 3 && seed >> 20 & 1 ? 0 : seed >> 16);
		}
	FD_SET(3, &descriptors);
	FD_SET(60, &descriptors);
	messages[0].msg_hdr = message;
	messages[0].msg_len = 4;
	messages[1].msg_hdr = message_other;
}

int main(int argc, char **argv)
{
	int first = argc > 3 ? atoi(argv[3]) : 0, last = argc > 4 ? atoi(argv[4]) : argc > 3 ? first : SYSCALL_NUMBERS - 1;
	bool plain = argc > 2 && !strcmp(argv[1], "plain");

	if (argc < 3)
		return 1;
	prepare();
	answer(atoi(argv[2]));
	for (int n = first; n <= last && n < SYSCALL_NUMBERS; n++) {
		const struct syscall_row *row = &syscall_rows[n];

		if (!row->name || n == SYS_exit || n == SYS_exit_group || n == SYS_rt_sigreturn || row->result == RESULT_NONE)
			continue;
		for (enum variant v = plain ? ZERO : RUBBISH_1; v < (plain ? RUBBISH_1 : VARIANTS); v++) {
			uint64_t a[6];

			for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++)
				a[i] = value(row, i, v);
			make(n, a);
		}
		if (plain)
			words(n, row);
	}
	if (argc == 3 && plain)
		commands();
	syscall(SYS_exit_group, 0);
}
