/* SPDX-License-Identifier: MIT */
/* Calls whose command says what their other arguments are: which of them there are, and what KIND_ARGUMENT means. */
#include <asm/prctl.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/ipc.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/membarrier.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/msg.h>
#include <linux/prctl.h>
#include <asm/ptrace.h>
#include <linux/ptrace.h>
#include <linux/quota.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <string.h>
#include <sys/syscall.h>

#include "decode_internal.h"
#include "log_argument.h"

#define ARGUMENTS(n) ((1U << (n)) - 1)  /* the first n, a bit each */

static unsigned fcntl_arguments(uint32_t command)
{
	switch (command) {
	case F_GETFD:
	case F_GETFL:
	case F_GETOWN:
	case F_GETSIG:
	case F_GETLEASE:
	case F_GETPIPE_SZ:
	case F_GET_SEALS:
		return ARGUMENTS(2);
	}
	return ARGUMENTS(3);
}

static unsigned prctl_arguments(uint32_t option, uint64_t second)
{
	switch (option) {
	case PR_GET_DUMPABLE: case PR_GET_KEEPCAPS: case PR_GET_TIMING: case PR_GET_SECCOMP: case PR_GET_SECUREBITS: case PR_GET_TIMERSLACK:
	case PR_TASK_PERF_EVENTS_DISABLE: case PR_TASK_PERF_EVENTS_ENABLE: case PR_GET_FP_MODE: case PR_SVE_GET_VL: case PR_SME_GET_VL:
		return ARGUMENTS(1);
	case PR_SET_PDEATHSIG: case PR_GET_PDEATHSIG: case PR_SET_DUMPABLE: case PR_GET_UNALIGN: case PR_SET_UNALIGN: case PR_SET_KEEPCAPS:
	case PR_GET_FPEMU: case PR_SET_FPEMU: case PR_GET_FPEXC: case PR_SET_FPEXC: case PR_SET_TIMING: case PR_SET_NAME: case PR_GET_NAME:
	case PR_GET_ENDIAN: case PR_SET_ENDIAN: case PR_CAPBSET_READ: case PR_CAPBSET_DROP: case PR_GET_TSC: case PR_SET_TSC:
	case PR_SET_SECUREBITS: case PR_SET_TIMERSLACK: case PR_SET_CHILD_SUBREAPER: case PR_GET_CHILD_SUBREAPER: case PR_GET_TID_ADDRESS:
	case PR_SET_FP_MODE: case PR_SVE_SET_VL: case PR_SME_SET_VL: case PR_GET_SPECULATION_CTRL: case PR_SET_PTRACER:
		return ARGUMENTS(2);
	case PR_SET_SECCOMP:
		return second == SECCOMP_MODE_FILTER ? ARGUMENTS(3) : second == SECCOMP_MODE_STRICT ? ARGUMENTS(2) : ARGUMENTS(5);
	case PR_SET_SPECULATION_CTRL:
		return ARGUMENTS(3);
	}
	return ARGUMENTS(5);
}

static unsigned ptrace_arguments(uint64_t request)
{
	switch (request) {
	case PTRACE_TRACEME:
		return ARGUMENTS(1);
	case PTRACE_KILL:
	case PTRACE_ATTACH:
	case PTRACE_INTERRUPT:
	case PTRACE_LISTEN:
		return ARGUMENTS(2);
	case PTRACE_GETREGS: case PTRACE_SETREGS: case PTRACE_GETFPREGS: case PTRACE_SETFPREGS:
		return 0xb;             /* without the address */
	}
	return ARGUMENTS(4);
}

static unsigned futex_arguments(uint32_t operation)
{
	switch (operation & 0x7f) {
	case FUTEX_WAIT:
		return 0xf;
	case FUTEX_WAKE:
	case FUTEX_FD:
		return 0x7;
	case FUTEX_REQUEUE:
	case FUTEX_WAIT_REQUEUE_PI:
		return 0x1f;
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return 0xb;
	case FUTEX_UNLOCK_PI:
	case FUTEX_TRYLOCK_PI:
		return 0x3;
	case FUTEX_WAIT_BITSET:
		return 0x2f;
	case FUTEX_WAKE_BITSET:
		return 0x27;
	}
	return 0x3f;
}

static unsigned keyctl_arguments(uint32_t operation)
{
	switch (operation) {
	case KEYCTL_JOIN_SESSION_KEYRING: case KEYCTL_REVOKE: case KEYCTL_CLEAR: case KEYCTL_SET_REQKEY_KEYRING: case KEYCTL_ASSUME_AUTHORITY:
	case KEYCTL_INVALIDATE:
		return ARGUMENTS(2);
	case KEYCTL_SESSION_TO_PARENT:
		return ARGUMENTS(1);
	case KEYCTL_GET_KEYRING_ID: case KEYCTL_SETPERM: case KEYCTL_LINK: case KEYCTL_UNLINK: case KEYCTL_SET_TIMEOUT:
	case KEYCTL_GET_PERSISTENT: case KEYCTL_CAPABILITIES:
		return ARGUMENTS(3);
	case KEYCTL_UPDATE: case KEYCTL_CHOWN: case KEYCTL_DESCRIBE: case KEYCTL_READ: case KEYCTL_NEGATE: case KEYCTL_GET_SECURITY:
	case KEYCTL_RESTRICT_KEYRING: case KEYCTL_WATCH_KEY:
		return ARGUMENTS(4);
	}
	return ARGUMENTS(5);
}

static unsigned ioctl_arguments(uint32_t request)
{
	static const char *const bare[] = { "TIOCEXCL", "TIOCNXCL", "TIOCCONS", "TIOCNOTTY", "TIOCSBRK", "TIOCCBRK", "TIOCVHANGUP", "FIONCLEX", "FIOCLEX",
					    "BLKRRPART", "BLKFLSBUF", "BLKTRACESTART", "BLKTRACESTOP", "BLKTRACETEARDOWN" };
	const char *name = decode_word_name(&words_ioctl_request, request);

	for (size_t i = 0; name && i < sizeof(bare) / sizeof(bare[0]); i++)
		if (!strcmp(name, bare[i]))
			return ARGUMENTS(2);
	return ARGUMENTS(3);
}

unsigned decode_arguments_shown(const struct log_call *call, const uint8_t kinds[SYSCALL_ARGUMENTS])
{
	const uint64_t *a = call->arguments;
	unsigned shown = 0;

	for (unsigned i = 0; i < SYSCALL_ARGUMENTS && kinds[i]; i++)
		if (kinds[i] != KIND_IGNORED || call->number == SYS_getcpu)
			shown |= 1U << i;
	switch (call->number) {
	case SYS_open:
		return a[1] & (O_CREAT | __O_TMPFILE) ? shown : ARGUMENTS(2);
	case SYS_openat:
		return a[2] & (O_CREAT | __O_TMPFILE) ? shown : ARGUMENTS(3);
	case SYS_mq_open:
		return a[1] & O_CREAT ? shown : ARGUMENTS(2);
	case SYS_mknod:
		return (a[1] & 0170000) == 0020000 || (a[1] & 0170000) == 0060000 ? shown : ARGUMENTS(2);
	case SYS_mknodat:
		return (a[2] & 0170000) == 0020000 || (a[2] & 0170000) == 0060000 ? shown : ARGUMENTS(3);
	case SYS_mremap:
		return (a[3] & (MREMAP_FIXED | MREMAP_MAYMOVE)) == (MREMAP_FIXED | MREMAP_MAYMOVE) ? shown : ARGUMENTS(4);
	case SYS_fcntl:
		return fcntl_arguments((uint32_t)a[1]);
	case SYS_ioctl:
		return ioctl_arguments((uint32_t)a[1]);
	case SYS_prctl:
		return prctl_arguments((uint32_t)a[0], a[1]);
	case SYS_arch_prctl:
		return (uint32_t)a[0] == ARCH_GET_CPUID ? ARGUMENTS(1) : shown;
	case SYS_ptrace:
		return ptrace_arguments(a[0]);
	case SYS_futex:
		return futex_arguments((uint32_t)a[1]);
	case SYS_keyctl:
		return keyctl_arguments((uint32_t)a[0]);
	case SYS_reboot:
		return (uint32_t)a[2] == LINUX_REBOOT_CMD_RESTART2 ? shown : ARGUMENTS(3);
	case SYS_syslog:
		switch ((uint32_t)a[0]) {
		case 0: case 1: case 5: case 6: case 7: case 9: case 10: /* SYSLOG_ACTION_CLOSE, OPEN, CLEAR, CONSOLE_OFF and _ON, SIZE_* */
			return ARGUMENTS(1);
		}
		return shown;
	case SYS_membarrier:
		return a[1] & MEMBARRIER_CMD_FLAG_CPU ? shown : ARGUMENTS(2);
	case SYS_kcmp:
		return (uint32_t)a[2] > KCMP_FILE && (uint32_t)a[2] < KCMP_EPOLL_TFD ? ARGUMENTS(3) : shown;
	}
	return shown;
}

static void lock(const struct decoding *d, uint64_t address, bool answered)
{
	struct flock l;

	if (!(answered ? decode_after(d, address, &l, sizeof(l)) : decode_before(d, address, &l, sizeof(l)))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{l_type=", d->out);
	decode_word(d->out, &words_lock_type, (uint16_t)l.l_type);
	fputs(", l_whence=", d->out);
	decode_word(d->out, &words_whence, (uint16_t)l.l_whence);
	fprintf(d->out, ", l_start=%ld, l_len=%ld", (long)l.l_start, (long)l.l_len);
	if (answered)
		fprintf(d->out, ", l_pid=%d", l.l_pid);
	fputc('}', d->out);
}

static void owner(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	static const char *const types[] = { "F_OWNER_TID", "F_OWNER_PID", "F_OWNER_PGRP" };
	struct { int type, pid; } o;

	if (log_memory_read(memory, address, &o, sizeof(o), NULL) < sizeof(o))
		decode_address(d->out, address);
	else if (o.type >= 0 && o.type < 3)
		fprintf(d->out, "{type=%s, pid=%d}", types[o.type], o.pid);
	else
		fprintf(d->out, "{type=%#x /* F_OWNER_??? */, pid=%d}", (unsigned)o.type, o.pid);
}

static void fcntl_argument(const struct decoding *d, uint64_t argument)
{
	bool done = d->returned && !d->error;

	switch ((uint32_t)d->call->arguments[1]) {
	case F_SETFD:
		decode_flags(d->out, &words_fd_flags, (uint32_t)argument);
		break;
	case F_SETLEASE:
		decode_word(d->out, &words_lease, (uint32_t)argument);
		break;
	case F_NOTIFY:
		decode_flags(d->out, &words_notify, (uint32_t)argument);
		break;
	case F_ADD_SEALS:
		decode_flags(d->out, &words_seals, (uint32_t)argument);
		break;
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		lock(d, argument, false);
		break;
	case F_GETLK:
	case F_OFD_GETLK:
		if (done)
			lock(d, argument, true);
		else
			decode_address(d->out, argument);
		break;
	case F_SETOWN_EX:
		owner(d, &d->call->before, argument);
		break;
	case F_GETOWN_EX:
		owner(d, &d->call->after, argument);
		break;
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
	case F_GET_FILE_RW_HINT:
	case F_SET_FILE_RW_HINT: {
		static const char *const hints[] = { "RWH_WRITE_LIFE_NOT_SET", "RWH_WRITE_LIFE_NONE", "RWH_WRITE_LIFE_SHORT", "RWH_WRITE_LIFE_MEDIUM",
						     "RWH_WRITE_LIFE_LONG", "RWH_WRITE_LIFE_EXTREME" };
		uint64_t hint;

		if (decode_either(d, argument, &hint, sizeof(hint)) && hint < sizeof(hints) / sizeof(hints[0]))
			fprintf(d->out, "[%s]", hints[hint]);
		else
			decode_address(d->out, argument);
		break;
	}
	default:
		fprintf(d->out, "%#lx", argument);
	}
}

static void filter(const struct decoding *d, uint64_t address)
{
	struct { uint16_t length; uint16_t padding[3]; uint64_t program; } f;

	if (!decode_before(d, address, &f, sizeof(f))) {
		decode_address(d->out, address);
		return;
	}
	fprintf(d->out, "{len=%u, filter=", f.length);
	decode_address(d->out, f.program);
	fputc('}', d->out);
}

static void filled(const struct decoding *d, uint64_t address, size_t bytes, bool signal)
{
	uint64_t value = 0;

	if (!decode_after(d, address, &value, bytes)) {
		decode_address(d->out, address);
		return;
	}
	fputc('[', d->out);
	if (signal)
		decode_signal_name(d->out, (int)value);
	else if (bytes == 8)
		fprintf(d->out, "%#lx", value);
	else
		fprintf(d->out, "%u", (uint32_t)value);
	fputc(']', d->out);
}

static void prctl_argument(const struct decoding *d, unsigned index, uint64_t argument)
{
	static const char *const dumpable[] = { "SUID_DUMP_DISABLE", "SUID_DUMP_USER", "SUID_DUMP_ROOT" };
	uint32_t option = (uint32_t)d->call->arguments[0];

	switch (option) {
	case PR_GET_NAME:
		decode_text(d, &d->call->after, argument, false);
		return;
	case PR_GET_PDEATHSIG:
		filled(d, argument, 4, true);
		return;
	case PR_GET_CHILD_SUBREAPER: case PR_GET_ENDIAN: case PR_GET_FPEMU: case PR_GET_FPEXC: case PR_GET_TSC: case PR_GET_UNALIGN:
		filled(d, argument, 4, false);
		return;
	case PR_GET_TID_ADDRESS:
		filled(d, argument, 8, false);
		return;
	case PR_SET_DUMPABLE:
		if (argument < 3)
			fputs(dumpable[argument], d->out);
		else
			fprintf(d->out, "%#lx /* SUID_DUMP_??? */", argument);
		return;
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
		decode_word(d->out, &words_capability, argument);
		return;
	case PR_CAP_AMBIENT:
		if (index == 1)
			decode_word(d->out, &words_prctl_ambient, argument);
		else if (index == 2 && d->call->arguments[1] >= PR_CAP_AMBIENT_IS_SET && d->call->arguments[1] <= PR_CAP_AMBIENT_LOWER)
			decode_word(d->out, &words_capability, argument);
		else
			fprintf(d->out, "%#lx", argument);
		return;
	case PR_SET_SECCOMP:
		if (index == 1)
			decode_word(d->out, &words_seccomp_mode, argument);
		else if (index == 2 && d->call->arguments[1] == SECCOMP_MODE_FILTER)
			filter(d, argument);
		else
			fprintf(d->out, "%#lx", argument);
		return;
	case PR_SET_VMA:
		if (index == 1)
			decode_word(d->out, &words_prctl_vma, argument);
		else
			fprintf(d->out, index == 3 ? "%lu" : "%#lx", argument);
		return;
	case PR_SET_TSC:
		if (argument == PR_TSC_ENABLE || argument == PR_TSC_SIGSEGV)
			fputs(argument == PR_TSC_ENABLE ? "PR_TSC_ENABLE" : "PR_TSC_SIGSEGV", d->out);
		else
			fprintf(d->out, "%#lx /* PR_TSC_??? */", argument);
		return;
	case PR_SET_PTRACER:
		if (argument == PR_SET_PTRACER_ANY)
			fputs("PR_SET_PTRACER_ANY", d->out);
		else
			fprintf(d->out, "%lu", argument);
		return;
	case PR_SET_KEEPCAPS: case PR_SET_TIMERSLACK: case PR_SET_CHILD_SUBREAPER: case PR_SET_NO_NEW_PRIVS: case PR_SET_IO_FLUSHER:
	case PR_SET_TIMING: case PR_SET_THP_DISABLE:
		fprintf(d->out, index == 1 ? "%lu" : "%#lx", argument);
		return;
	}
	fprintf(d->out, "%#lx", argument);
}

static void ptrace_argument(const struct decoding *d, uint64_t argument)
{
	switch (d->call->arguments[0]) {
	case PTRACE_OLDSETOPTIONS:
	case PTRACE_SETOPTIONS:
	case PTRACE_SEIZE:
		decode_flags(d->out, &words_ptrace_options, argument);
		break;
	case PTRACE_CONT:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSCALL:
	case PTRACE_DETACH:
	case PTRACE_SINGLEBLOCK:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		decode_signal_name(d->out, (int)argument);
		break;
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSR:
	case PTRACE_GETEVENTMSG:
		filled(d, argument, 8, false);
		break;
	default:
		decode_address(d->out, argument);
	}
}

/* struct ipc64_perm, with which all three begin; strace shows what can be set (IPC_SET), or all of it. */
static void ipc_permissions(FILE *out, const char *name, const struct ipc64_perm *p, bool set)
{
	fprintf(out, "{%s={uid=%u, gid=%u, mode=%#03o", name, p->uid, p->gid, p->mode);
	if (!set)
		fprintf(out, ", key=%u, cuid=%u, cgid=%u", (unsigned)p->key, p->cuid, p->cgid);
	fputc('}', out);
}

static void ipc_argument(const struct decoding *d, unsigned kind, uint32_t command, uint64_t address)
{
	union {
		struct ipc64_perm permissions;
		struct shmid64_ds shm;
		struct semid64_ds sem;
		struct msqid64_ds msg;
	} u;
	size_t bytes = kind == KIND_SHM_COMMAND ? sizeof(u.shm) : kind == KIND_SEM_COMMAND ? sizeof(u.sem) : sizeof(u.msg);
	bool set = (command & ~0x100U) == IPC_SET;

	if ((!log_argument(d->kinds, d->call->arguments, kind == KIND_SEM_COMMAND ? 3 : 2).written && !set) || !(set ? decode_before(d, address, &u, bytes) : decode_after(d, address, &u, bytes))) {
		decode_address(d->out, address);
		return;
	}
	switch (kind) {
	case KIND_SHM_COMMAND:
		ipc_permissions(d->out, "shm_perm", &u.permissions, set);
		if (!set)
			fprintf(d->out, ", shm_segsz=%lu, shm_cpid=%d, shm_lpid=%d, shm_nattch=%lu, shm_atime=%lu, shm_dtime=%lu, shm_ctime=%lu",
				(uint64_t)u.shm.shm_segsz, u.shm.shm_cpid, u.shm.shm_lpid, (uint64_t)u.shm.shm_nattch, (uint64_t)u.shm.shm_atime,
				(uint64_t)u.shm.shm_dtime, (uint64_t)u.shm.shm_ctime);
		break;
	case KIND_SEM_COMMAND:
		ipc_permissions(d->out, "sem_perm", &u.permissions, set);
		if (!set)
			fprintf(d->out, ", sem_otime=%lu, sem_ctime=%lu, sem_nsems=%lu", (uint64_t)u.sem.sem_otime, (uint64_t)u.sem.sem_ctime,
				(uint64_t)u.sem.sem_nsems);
		break;
	default:
		ipc_permissions(d->out, "msg_perm", &u.permissions, set);
		if (!set)
			fprintf(d->out, ", msg_stime=%lu, msg_rtime=%lu, msg_ctime=%lu, msg_qnum=%lu, msg_qbytes=%lu, msg_lspid=%d, msg_lrpid=%d",
				(uint64_t)u.msg.msg_stime, (uint64_t)u.msg.msg_rtime, (uint64_t)u.msg.msg_ctime, (uint64_t)u.msg.msg_qnum,
				(uint64_t)u.msg.msg_qbytes, u.msg.msg_lspid, u.msg.msg_lrpid);
		else
			fprintf(d->out, ", msg_qbytes=%lu", (uint64_t)u.msg.msg_qbytes);
	}
	fputc('}', d->out);
}

static void seccomp_argument(const struct decoding *d, uint64_t address)
{
	struct seccomp_notif_sizes sizes;
	uint32_t action;

	switch ((uint32_t)d->call->arguments[0]) {
	case SECCOMP_SET_MODE_FILTER:
		filter(d, address);
		break;
	case SECCOMP_GET_ACTION_AVAIL:
		if (!decode_before(d, address, &action, sizeof(action))) {
			decode_address(d->out, address);
			break;
		}
		fputc('[', d->out);
		decode_word(d->out, &words_seccomp_action, action);
		fputc(']', d->out);
		break;
	case SECCOMP_GET_NOTIF_SIZES:
		if (decode_after(d, address, &sizes, sizeof(sizes)))
			fprintf(d->out, "{seccomp_notif=%u, seccomp_notif_resp=%u, seccomp_data=%u}", sizes.seccomp_notif, sizes.seccomp_notif_resp,
				sizes.seccomp_data);
		else
			decode_address(d->out, address);
		break;
	default:
		decode_address(d->out, address);
	}
}

static void landlock_rule(const struct decoding *d, uint64_t address)
{
	struct landlock_path_beneath_attr r;

	if (!decode_before(d, address, &r, sizeof(r))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{allowed_access=", d->out);
	decode_flags(d->out, &words_landlock_access, r.allowed_access);
	fprintf(d->out, ", parent_fd=%d}", (int)r.parent_fd);
}

void decode_command_argument(const struct decoding *d, unsigned index)
{
	uint64_t argument = d->call->arguments[index];

	for (unsigned i = index; i-- > 0;) {
		uint32_t command = (uint32_t)d->call->arguments[i];

		switch (d->kinds[i]) {
		case KIND_FCNTL_COMMAND:
			fcntl_argument(d, argument);
			return;
		case KIND_IOCTL_REQUEST:
			decode_ioctl_argument(d, argument);
			return;
		case KIND_PRCTL_OPTION:
			prctl_argument(d, index, argument);
			return;
		case KIND_PTRACE_REQUEST:
			ptrace_argument(d, argument);
			return;
		case KIND_SEM_COMMAND:
			ipc_argument(d, d->kinds[i], command, argument);
			return;
		case KIND_SHM_COMMAND:
		case KIND_MSG_COMMAND:
			ipc_argument(d, d->kinds[i], command, argument);
			return;
		case KIND_SECCOMP_OPERATION:
			seccomp_argument(d, argument);
			return;
		case KIND_LANDLOCK_RULE:
			if (command == LANDLOCK_RULE_PATH_BENEATH)
				landlock_rule(d, argument);
			else
				decode_address(d->out, argument);
			return;
		case KIND_QUOTA_COMMAND:
		case KIND_FSCONFIG_COMMAND:
			decode_address(d->out, argument);
			return;
		}
	}
	fprintf(d->out, "%#lx", argument);
}
