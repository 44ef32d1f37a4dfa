/* SPDX-License-Identifier: MIT */
/* Numbers in words: one of several, flags, and the families in which both share a number. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/ioprio.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/seccomp.h>
#include <linux/shm.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>

#include "decode_internal.h"

const char *decode_word_name(const struct decode_words *words, uint64_t value)
{
	for (size_t i = 0; i < words->count; i++)
		if (words->rows[i].name && words->rows[i].value == value)
			return words->rows[i].name;
	return NULL;
}

static void unknown(FILE *out, const struct decode_words *words, uint64_t value)
{
	if (words->unknown[0])
		fprintf(out, "%#lx /* %s */", value, words->unknown);
	else
		fprintf(out, "%#lx", value);
}

void decode_word(FILE *out, const struct decode_words *words, uint64_t value)
{
	const char *name = decode_word_name(words, value);

	if (name)
		fputs(name, out);
	else
		unknown(out, words, value);
}

/* Those that have a name, the first behind a | where @begun; returns the rest. */
static uint64_t known_flags(FILE *out, const struct decode_words *words, uint64_t value, bool *begun)
{
	for (size_t i = 0; i < words->count; i++) {
		uint64_t bits = words->rows[i].value;

		if (!bits || !words->rows[i].name || (value & bits) != bits)
			continue;
		fprintf(out, "%s%s", *begun ? "|" : "", words->rows[i].name);
		*begun = true;
		value &= ~bits;
	}
	return value;
}

void decode_flags(FILE *out, const struct decode_words *words, uint64_t value)
{
	const char *zero = value ? NULL : decode_word_name(words, 0);
	bool begun = false;
	uint64_t rest;

	if (!value) {
		fputs(zero ? zero : "0", out);
		return;
	}
	rest = known_flags(out, words, value, &begun);
	if (!begun)
		unknown(out, words, value);
	else if (rest)
		fprintf(out, "|%#lx", rest);
}

void decode_more_flags(FILE *out, const struct decode_words *words, uint64_t value)
{
	bool begun = true;
	uint64_t rest = known_flags(out, words, value, &begun);

	if (rest)
		fprintf(out, "|%#lx", rest);
}

/* The same, but where none of them is known that is said too. */
static void more_flags_said(FILE *out, const struct decode_words *words, uint64_t value)
{
	if (value) {
		fputc('|', out);
		decode_flags(out, words, value);
	}
}

/* A word that shares its number with flags: "SOCK_STREAM|SOCK_CLOEXEC". */
static void word_and_flags(FILE *out, const struct decode_words *words, uint64_t word, const struct decode_words *flags, uint64_t value)
{
	decode_word(out, words, word);
	decode_more_flags(out, flags, value);
}

void decode_open_flags(FILE *out, uint32_t flags)
{
	word_and_flags(out, &words_open_access, flags & O_ACCMODE, &words_open, flags & ~(uint32_t)O_ACCMODE);
}

void decode_clone_flags(FILE *out, const struct decode_words *words, uint64_t flags, uint64_t signal)
{
	if (flags || !signal)
		decode_flags(out, words, flags);
	if (!signal)
		return;
	if (flags)
		fputc('|', out);
	decode_signal_name(out, (int)signal);
}

static void map_flags(FILE *out, uint64_t flags)
{
	const uint64_t huge = (uint64_t)MAP_HUGE_MASK << MAP_HUGE_SHIFT;
	bool begun = true;
	uint64_t rest;

	decode_word(out, &words_map_type, flags & MAP_TYPE);
	rest = known_flags(out, &words_mmap, flags & ~(uint64_t)MAP_TYPE & ~huge, &begun);
	if (rest)
		fprintf(out, "|%#lx", rest);
	if (flags & huge)
		fprintf(out, "|%lu<<MAP_HUGE_SHIFT", flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK);
}

/* IPC_CREAT|IPC_EXCL|0600: what the call makes, and with what permissions */
static void ipc_flags(FILE *out, const struct decode_words *words, uint32_t flags, bool huge_too)
{
	uint32_t huge = huge_too ? (uint32_t)SHM_HUGE_MASK << SHM_HUGE_SHIFT : 0;
	bool begun = false;
	uint64_t rest = known_flags(out, words, flags & ~0777U & ~huge, &begun);

	if (rest)
		fprintf(out, "%s%#lx", begun ? "|" : "", rest);
	begun |= rest != 0;
	if (flags & huge) {
		fprintf(out, "%s%u<<SHM_HUGE_SHIFT", begun ? "|" : "", flags >> SHM_HUGE_SHIFT & SHM_HUGE_MASK);
		begun = true;
	}
	if (begun)
		fputc('|', out);
	decode_mode(out, flags & 0777);
}

static void ipc_command(FILE *out, const struct decode_words *words, uint32_t command)
{
	const uint32_t ipc_64 = 0x100;

	if (command & ipc_64)
		fputs("IPC_64|", out);
	decode_word(out, words, command & ~ipc_64);
}

static void socket_type(FILE *out, uint32_t type)
{
	const char *name = decode_word_name(&words_socket_type, type & 0xf);

	if (name) {
		fputs(name, out);
		more_flags_said(out, &words_socket_flags, type & ~0xfU);
	} else
		decode_flags(out, &words_socket_flags, type);
}

static void socket_protocol(const struct decoding *d, uint64_t value)
{
	uint32_t protocol = (uint32_t)value;

	if (d->call->number == SYS_socketpair) {
		fprintf(d->out, "%lu", value);
		return;
	}
	switch ((uint32_t)d->call->arguments[0]) {
	case AF_INET:
	case AF_INET6:
		decode_word(d->out, &words_inet_protocol, protocol);
		break;
	case AF_NETLINK:
		decode_word(d->out, &words_netlink_protocol, protocol);
		break;
	case AF_PACKET:
		fputs("htons(", d->out);
		decode_word(d->out, &words_ethernet, ntohs((uint16_t)protocol));
		fputc(')', d->out);
		break;
	default:
		fprintf(d->out, "%lu", value);
	}
}

void decode_socket_option(FILE *out, unsigned level, unsigned option)
{
	const struct decode_words *words = NULL;
	const char *name = decode_word_name(&words_socket_level, level);

	if (level == SOL_SOCKET)
		words = &words_socket_options;
	else if (name) {
		static const struct { const char *level; const struct decode_words *words; } families[] = {
			{ "SOL_IP", &words_ip_options }, { "SOL_IPV6", &words_ipv6_options }, { "SOL_TCP", &words_tcp_options },
			{ "SOL_UDP", &words_udp_options }, { "SOL_NETLINK", &words_netlink_options }, { "SOL_PACKET", &words_packet_options },
		};
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			if (!strcmp(name, families[i].level))
				words = families[i].words;
	}
	if (words)
		decode_word(out, words, option);
	else
		fprintf(out, "%u", option);
}

static void futex_operation(FILE *out, uint32_t operation)
{
	uint32_t base = operation & (uint32_t)FUTEX_CMD_MASK;
	const char *name = decode_word_name(&words_futex_operation, base);

	if (!name || (operation & FUTEX_CLOCK_REALTIME && base != FUTEX_WAIT && base != FUTEX_WAIT_BITSET && base != FUTEX_WAIT_REQUEUE_PI)) {
		unknown(out, &words_futex_operation, operation);
		return;
	}
	fputs(name, out);
	if (operation & FUTEX_PRIVATE_FLAG)
		fputs(base == FUTEX_FD ? "|FUTEX_PRIVATE_FLAG" : "_PRIVATE", out);
	if (operation & FUTEX_CLOCK_REALTIME)
		fputs("|FUTEX_CLOCK_REALTIME", out);
}

static void at_flags(const struct decoding *d, uint32_t flags)
{
	if (d->call->number == SYS_statx && (flags & 0x6000) == 0x6000)
		decode_flags(d->out, &words_statx_flags, flags);
	else if (d->call->number == SYS_statx)
		word_and_flags(d->out, &words_statx_sync, flags & 0x6000 /* AT_STATX_SYNC_TYPE */, &words_at, flags & ~0x6000U);
	else
		decode_flags(d->out, &words_at, flags);
}

enum style { NOT_A_FAMILY, WORD, WORD_LONG, FLAGS, FLAGS_LONG };

static const struct family {
	const struct decode_words *words;
	enum style style;
} families[ARGUMENT_KINDS] = {
	[KIND_CLOCK] = { &words_clock, WORD },
	[KIND_WHENCE] = { &words_whence, WORD },
	[KIND_MADVICE] = { &words_madvice, WORD },
	[KIND_FADVICE] = { &words_fadvice, WORD },
	[KIND_SIGNAL_HOW] = { &words_signal_how, WORD },
	[KIND_FCNTL_COMMAND] = { &words_fcntl_command, WORD },
	[KIND_FLOCK] = { &words_flock, FLAGS },
	[KIND_SOCKET_DOMAIN] = { &words_socket_domain, WORD },
	[KIND_SOCKET_LEVEL] = { &words_socket_level, WORD },
	[KIND_SHUTDOWN] = { &words_shutdown, WORD },
	[KIND_RESOURCE] = { &words_resource, WORD },
	[KIND_RUSAGE_WHO] = { &words_rusage_who, WORD },
	[KIND_PRIORITY_WHICH] = { &words_priority_which, WORD },
	[KIND_IOPRIO_WHICH] = { &words_ioprio_which, WORD },
	[KIND_ITIMER] = { &words_itimer, WORD },
	[KIND_WAITID_TYPE] = { &words_waitid_type, WORD },
	[KIND_PTRACE_REQUEST] = { &words_ptrace_request, WORD_LONG },
	[KIND_PRCTL_OPTION] = { &words_prctl_option, WORD },
	[KIND_ARCH_PRCTL] = { &words_arch_prctl, WORD },
	[KIND_EPOLL_OPERATION] = { &words_epoll_operation, WORD },
	[KIND_REBOOT_COMMAND] = { &words_reboot_command, WORD },
	[KIND_KEYCTL_OPERATION] = { &words_keyctl_operation, WORD },
	[KIND_KCMP_TYPE] = { &words_kcmp_type, WORD },
	[KIND_SECCOMP_OPERATION] = { &words_seccomp_operation, WORD },
	[KIND_BPF_COMMAND] = { &words_bpf_command, WORD },
	[KIND_MEMBARRIER_COMMAND] = { &words_membarrier_command, WORD },
	[KIND_URING_OPCODE] = { &words_uring_opcode, WORD },
	[KIND_FSCONFIG_COMMAND] = { &words_fsconfig_command, WORD },
	[KIND_LANDLOCK_RULE] = { &words_landlock_rule, WORD },
	[KIND_LSM_ATTRIBUTE] = { &words_lsm_attribute, WORD },
	[KIND_FLAGS_UNLINK] = { &words_at, FLAGS },
	[KIND_FLAGS_FACCESS] = { &words_faccess, FLAGS },
	[KIND_FLAGS_HANDLE] = { &words_handle, FLAGS },
	[KIND_FLAGS_ACCESS] = { &words_access, FLAGS },
	[KIND_FLAGS_PROT] = { &words_prot, FLAGS_LONG },
	[KIND_FLAGS_MREMAP] = { &words_mremap, FLAGS_LONG },
	[KIND_FLAGS_MSYNC] = { &words_msync, FLAGS },
	[KIND_FLAGS_MLOCK] = { &words_mlock, FLAGS },
	[KIND_FLAGS_MLOCKALL] = { &words_mlockall, FLAGS },
	[KIND_FLAGS_GET_MEMPOLICY] = { &words_get_mempolicy, FLAGS_LONG },
	[KIND_FLAGS_PKEY] = { &words_pkey, FLAGS_LONG },
	[KIND_FLAGS_SHADOW_STACK] = { &words_shadow_stack, FLAGS },
	[KIND_FLAGS_USERFAULTFD] = { &words_userfaultfd, FLAGS },
	[KIND_FLAGS_WAIT] = { &words_wait, FLAGS },
	[KIND_FLAGS_PIDFD] = { &words_pidfd, FLAGS },
	[KIND_FLAGS_PIDFD_SIGNAL] = { &words_pidfd_signal, FLAGS },
	[KIND_FLAGS_LANDLOCK_CREATE] = { &words_landlock_create, FLAGS },
	[KIND_FLAGS_LANDLOCK_RESTRICT] = { &words_landlock_restrict, FLAGS },
	[KIND_FLAGS_MEMBARRIER] = { &words_membarrier, FLAGS },
	[KIND_FLAGS_RSEQ] = { &words_rseq, FLAGS },
	[KIND_FLAGS_SHMAT] = { &words_shmat, FLAGS },
	[KIND_FLAGS_MSG_QUEUE] = { &words_msg_queue, FLAGS },
	[KIND_FLAGS_FUTEX2] = { &words_futex2, FLAGS },
	[KIND_FLAGS_EVENTFD] = { &words_eventfd, FLAGS },
	[KIND_FLAGS_SIGNALFD] = { &words_signalfd, FLAGS },
	[KIND_FLAGS_TIMERFD] = { &words_timerfd, FLAGS },
	[KIND_FLAGS_TIMERFD_SET] = { &words_timerfd, FLAGS },
	[KIND_FLAGS_TIMER] = { &words_timer, FLAGS },
	[KIND_FLAGS_EPOLL] = { &words_epoll, FLAGS },
	[KIND_FLAGS_SOCKET] = { &words_socket_flags, FLAGS },
	[KIND_FLAGS_MSG] = { &words_msg, FLAGS },
	[KIND_FLAGS_SPLICE] = { &words_splice, FLAGS },
	[KIND_FLAGS_RWF] = { &words_rwf, FLAGS },
	[KIND_FLAGS_FALLOCATE] = { &words_fallocate, FLAGS },
	[KIND_FLAGS_SYNC_RANGE] = { &words_sync_range, FLAGS },
	[KIND_FLAGS_RENAME] = { &words_rename, FLAGS },
	[KIND_FLAGS_STATX] = { &words_statx, FLAGS },
	[KIND_FLAGS_XATTR] = { &words_xattr, FLAGS },
	[KIND_FLAGS_CLOSE_RANGE] = { &words_close_range, FLAGS },
	[KIND_FLAGS_INOTIFY] = { &words_inotify, FLAGS },
	[KIND_FLAGS_INOTIFY_WATCH] = { &words_inotify_watch, FLAGS },
	[KIND_FLAGS_FANOTIFY_MARK] = { &words_fanotify_mark, FLAGS },
	[KIND_FLAGS_FANOTIFY_EVENTS] = { &words_fanotify_events, FLAGS_LONG },
	[KIND_FLAGS_MOUNT] = { &words_mount, FLAGS_LONG },
	[KIND_FLAGS_UMOUNT] = { &words_umount, FLAGS },
	[KIND_FLAGS_MOVE_MOUNT] = { &words_move_mount, FLAGS },
	[KIND_FLAGS_FSOPEN] = { &words_fsopen, FLAGS },
	[KIND_FLAGS_FSMOUNT] = { &words_fsmount, FLAGS },
	[KIND_FLAGS_FSPICK] = { &words_fspick, FLAGS },
	[KIND_FLAGS_MOUNT_ATTR] = { &words_mount_attr, FLAGS },
	[KIND_FLAGS_LISTMOUNT] = { &words_listmount, FLAGS },
	[KIND_FLAGS_URING_ENTER] = { &words_uring_enter, FLAGS },
	[KIND_FLAGS_RANDOM] = { &words_random, FLAGS },
	[KIND_FLAGS_MODULE] = { &words_module, FLAGS },
	[KIND_FLAGS_KEXEC_FILE] = { &words_kexec_file, FLAGS_LONG },
	[KIND_FLAGS_PERF] = { &words_perf, FLAGS_LONG },
	[KIND_FLAGS_LSM] = { &words_lsm, FLAGS },
};

/* Those that have rules of their own. */
static bool special(const struct decoding *d, unsigned kind, uint64_t value)
{
	FILE *out = d->out;
	uint32_t low = (uint32_t)value;
	int number = d->call->number;

	switch (kind) {
	case KIND_FLAGS_OPEN:
		if (number == SYS_delete_module)
			decode_flags(out, &words_delete_module, low);
		else if (number == SYS_pipe2 || number == SYS_dup3)
			decode_flags(out, &words_open, low);
		else if (number == SYS_memfd_secret)
			decode_flags(out, &words_memfd_secret, low);
		else
			decode_open_flags(out, low);
		return true;
	case KIND_FLAGS_AT:
		at_flags(d, low);
		return true;
	case KIND_FLAGS_MMAP:
		map_flags(out, low);
		return true;
	case KIND_FLAGS_CLONE:
		decode_clone_flags(out, &words_clone, value & ~0xffUL, value & 0xff);
		return true;
	case KIND_FLAGS_NAMESPACES:
		decode_flags(out, number == SYS_setns ? &words_setns : &words_unshare, number == SYS_setns ? low : value);
		return true;
	case KIND_FLAGS_IPC_GET:
		ipc_flags(out, &words_ipc_get, low, false);
		return true;
	case KIND_FLAGS_SHMGET:
		ipc_flags(out, &words_shmget, low, true);
		return true;
	case KIND_IPC_KEY:
		if (low)
			fprintf(out, "%#x", low);
		else
			fputs("IPC_PRIVATE", out);
		return true;
	case KIND_SHM_COMMAND:
		ipc_command(out, &words_shm_command, low);
		return true;
	case KIND_SEM_COMMAND:
		ipc_command(out, &words_sem_command, low);
		return true;
	case KIND_MSG_COMMAND:
		ipc_command(out, &words_msg_command, low);
		return true;
	case KIND_SOCKET_TYPE:
		socket_type(out, low);
		return true;
	case KIND_SOCKET_PROTOCOL:
		socket_protocol(d, value);
		return true;
	case KIND_SOCKET_OPTION:
		decode_socket_option(out, (unsigned)d->call->arguments[1], low);
		return true;
	case KIND_IOCTL_REQUEST:
		decode_ioctl_name(out, low);
		return true;
	case KIND_FUTEX_OPERATION:
		futex_operation(out, low);
		return true;
	case KIND_SCHED_POLICY:
		word_and_flags(out, &words_sched_policy, low & ~(uint32_t)SCHED_RESET_ON_FORK, &words_sched_policy, 0);
		if (low & SCHED_RESET_ON_FORK)
			fputs("|SCHED_RESET_ON_FORK", out);
		return true;
	case KIND_MEMPOLICY: {
		const uint64_t flags = 0xe000;  /* MPOL_MODE_FLAGS */
		uint64_t policy = number == SYS_mbind ? value : low;

		if (decode_word_name(&words_mempolicy, policy & ~flags))
			word_and_flags(out, &words_mempolicy, policy & ~flags, &words_mempolicy_flags, policy & flags);
		else
			decode_flags(out, &words_mempolicy_flags, policy);
		return true;
	}
	case KIND_FLAGS_MBIND:
		decode_flags(out, number == SYS_move_pages ? &words_move_pages : &words_mbind, low);
		return true;
	case KIND_FLAGS_SECCOMP:
		if ((uint32_t)d->call->arguments[0] == SECCOMP_SET_MODE_FILTER)
			decode_flags(out, &words_seccomp, low);
		else
			fprintf(out, "%#x", low);
		return true;
	case KIND_FLAGS_MEMFD: {
		uint32_t huge = (uint32_t)MFD_HUGE_MASK << MFD_HUGE_SHIFT;

		if (!(low & huge) || low & ~huge)
			decode_flags(out, &words_memfd, low & ~huge);
		if (low & huge)
			fprintf(out, "%s%u<<MFD_HUGE_SHIFT", low & ~huge ? "|" : "", low >> MFD_HUGE_SHIFT & MFD_HUGE_MASK);
		return true;
	}
	case KIND_FLAGS_SWAP:
		if (low & ~(uint32_t)SWAP_FLAG_PRIO_MASK) {
			decode_flags(out, &words_swap, low & ~(uint32_t)SWAP_FLAG_PRIO_MASK);
			fputc('|', out);
		}
		fprintf(out, "%u", low & SWAP_FLAG_PRIO_MASK);
		return true;
	case KIND_PERSONALITY:
		if (low == UINT32_MAX)
			fputs("0xffffffff", out);
		else
			word_and_flags(out, &words_personality, low & 0xff, &words_personality_flags, low & ~0xffU);
		return true;
	case KIND_IOPRIO:
		fputs("IOPRIO_PRIO_VALUE(", out);
		decode_word(out, &words_ioprio_class, low >> IOPRIO_CLASS_SHIFT);
		fprintf(out, ", %u)", low & ((1U << IOPRIO_CLASS_SHIFT) - 1));
		return true;
	case KIND_SYSLOG_ACTION: {
		static const char *const actions[] = { "CLOSE", "OPEN", "READ", "READ_ALL", "READ_CLEAR", "CLEAR", "CONSOLE_OFF", "CONSOLE_ON",
						       "CONSOLE_LEVEL", "SIZE_UNREAD", "SIZE_BUFFER" };
		fprintf(out, "%d /* SYSLOG_ACTION_%s */", (int)low, low < sizeof(actions) / sizeof(actions[0]) ? actions[low] : "???");
		return true;
	}
	case KIND_QUOTA_COMMAND:
		fputs("QCMD(", out);
		decode_word(out, &words_quota_command, low >> SUBCMDSHIFT);
		fputs(", ", out);
		decode_word(out, &words_quota_type, low & SUBCMDMASK);
		fputc(')', out);
		return true;
	case KIND_KEY: {
		const char *name = decode_word_name(&words_key, low);

		if (name)
			fputs(name, out);
		else
			fprintf(out, "%d", (int)low);
		return true;
	}
	case KIND_FLAGS_FANOTIFY:
		decode_word(out, &words_fanotify_class, low & 0xc);
		more_flags_said(out, &words_fanotify, low & ~0xcU);
		return true;
	case KIND_FLAGS_OPEN_TREE:
		decode_flags(out, number == SYS_mount_setattr ? &words_mount_setattr : &words_open_tree, low);
		return true;
	case KIND_FLAGS_KEXEC:
		decode_word(out, &words_kexec_arch, value & 0xffff0000);
		more_flags_said(out, &words_kexec, value & ~0xffff0000UL);
		return true;
	}
	return false;
}

bool decode_is_family(unsigned kind)
{
	return kind >= KIND_CLOCK && kind <= KIND_FLAGS_LSM && kind != KIND_ARGUMENT;
}

void decode_family(const struct decoding *d, unsigned kind, uint64_t value)
{
	const struct family *f = &families[kind];

	switch (f->style) {
	case WORD:
		decode_word(d->out, f->words, (uint32_t)value);
		break;
	case WORD_LONG:
		decode_word(d->out, f->words, value);
		break;
	case FLAGS:
		decode_flags(d->out, f->words, (uint32_t)value);
		break;
	case FLAGS_LONG:
		decode_flags(d->out, f->words, value);
		break;
	case NOT_A_FAMILY:
		if (!special(d, kind, value))
			fprintf(d->out, "%#lx", value);
	}
}
