/* SPDX-License-Identifier: MIT */
/* What a KIND_ARGUMENT is, by the command beside it. Runs inside programs: no memory, no calls, no state. */
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/reboot.h>
#include <linux/sockios.h>

#include "log_argument.h"

#define IS(kind_)       ((struct log_argument){ .kind = (kind_) })
#define READS(bytes_)   ((struct log_argument){ .kind = KIND_ARGUMENT, .read = true, .bytes = (bytes_) })
#define FILLS(bytes_)   ((struct log_argument){ .kind = KIND_ARGUMENT, .written = true, .bytes = (bytes_) })
#define CHANGES(bytes_) ((struct log_argument){ .kind = KIND_ARGUMENT, .read = true, .written = true, .bytes = (bytes_) })
#define NUMBER          IS(KIND_ARGUMENT)

static struct log_argument of_fcntl(unsigned command)
{
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_SETPIPE_SZ:
		return IS(KIND_SIZE);
	case F_SETFL:
		return IS(KIND_FLAGS_OPEN);
	case F_SETOWN:
		return IS(KIND_PID);
	case F_SETSIG:
		return IS(KIND_SIGNAL);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return READS(sizeof(struct flock));
	case F_GETLK:
	case F_OFD_GETLK:
		return CHANGES(sizeof(struct flock));
	case F_SETOWN_EX:
		return READS(sizeof(struct f_owner_ex));
	case F_GETOWN_EX:
		return FILLS(sizeof(struct f_owner_ex));
	case F_SET_RW_HINT:
	case F_SET_FILE_RW_HINT:
		return READS(8);
	case F_GET_RW_HINT:
	case F_GET_FILE_RW_HINT:
		return FILLS(8);
	}
	return NUMBER;
}

/* The old requests say neither their direction nor their size; the others do, and are believed as far as that goes. */
static struct log_argument of_ioctl(uint32_t request)
{
	switch (request) {
	case TCGETS:
		return FILLS(36);               /* the kernel's struct termios, which has 19 control characters */
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return READS(36);
	case TIOCGWINSZ:
		return FILLS(sizeof(struct winsize));
	case TIOCSWINSZ:
		return READS(sizeof(struct winsize));
	case FIONREAD:
	case TIOCOUTQ:
	case TIOCGPGRP:
	case TIOCGSID:
	case TIOCGETD:
	case TIOCMGET:
	case TIOCGEXCL:
	case FIGETBSZ:
	case FIOQSIZE:
	case BLKSECTGET:
	case BLKROGET:
	case BLKSSZGET:
		return FILLS(4);
	case BLKGETSIZE:
		return FILLS(8);
	case FIBMAP:
		return CHANGES(4);
	case FIONBIO:
	case FIOASYNC:
	case TIOCSPGRP:
	case TIOCPKT:
	case TIOCSETD:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return READS(4);
	case FICLONE:
	case TCXONC:
	case TCFLSH:
	case TCSBRK:
	case TCSBRKP:
	case TIOCSCTTY:
		return NUMBER;
	case SIOCGIFCONF:
		return CHANGES(sizeof(struct ifconf));
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCGIFMAP:
		return CHANGES(sizeof(struct ifreq));
	case SIOCSIFFLAGS:
	case SIOCSIFADDR:
	case SIOCSIFMTU:
	case SIOCSIFNAME:
		return READS(sizeof(struct ifreq));
	}
	struct log_argument a = { .kind = KIND_ARGUMENT, .read = _IOC_DIR(request) & _IOC_WRITE, .written = _IOC_DIR(request) & _IOC_READ };
	if (a.read || a.written)
		a.bytes = _IOC_SIZE(request) < 256 ? (uint16_t)_IOC_SIZE(request) : 256;
	return a;
}

static struct log_argument of_ipc(uint8_t kind, unsigned command)
{
	uint16_t bytes = kind == KIND_SHM_COMMAND ? sizeof(struct shmid_ds) : kind == KIND_SEM_COMMAND ? sizeof(struct semid_ds) : sizeof(struct msqid_ds);
	unsigned one = kind == KIND_SHM_COMMAND ? SHM_STAT : kind == KIND_SEM_COMMAND ? SEM_STAT : MSG_STAT;
	unsigned any = kind == KIND_SHM_COMMAND ? SHM_STAT_ANY : kind == KIND_SEM_COMMAND ? SEM_STAT_ANY : MSG_STAT_ANY;

	command &= ~0x100U;                     /* IPC_64, which old libraries add */
	if (command == IPC_SET)
		return READS(bytes);
	return command == IPC_STAT || command == one || command == any ? FILLS(bytes) : NUMBER;
}

static struct log_argument of_prctl(unsigned option, unsigned nth)
{
	if (nth == 1) {
		switch (option) {
		case PR_SET_NAME:
			return IS(KIND_STRING);
		case PR_GET_NAME:
			return FILLS(16);
		case PR_GET_PDEATHSIG:
		case PR_GET_CHILD_SUBREAPER:
		case PR_GET_ENDIAN:
		case PR_GET_FPEMU:
		case PR_GET_FPEXC:
		case PR_GET_TSC:
		case PR_GET_UNALIGN:
			return FILLS(4);
		case PR_GET_TID_ADDRESS:
			return FILLS(8);
		case PR_SET_PDEATHSIG:
			return IS(KIND_SIGNAL);
		}
	} else if (nth == 2 && option == PR_SET_SECCOMP) {
		return READS(16);               /* struct sock_fprog */
#ifdef PR_SET_VMA
	} else if (nth == 4 && option == PR_SET_VMA) {
		return IS(KIND_STRING);
#endif
	}
	return NUMBER;
}

static struct log_argument of_ptrace(unsigned request)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSER:
	case PTRACE_GETEVENTMSG:
		return FILLS(8);
	case PTRACE_GETSIGINFO:
		return IS(KIND_SIGINFO_FILLED);
	case PTRACE_SETSIGINFO:
		return IS(KIND_SIGINFO);
	case PTRACE_GETSIGMASK:
		return IS(KIND_SIGSET_FILLED);
	case PTRACE_SETSIGMASK:
		return IS(KIND_SIGSET);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return READS(16);               /* struct iovec */
	}
	return NUMBER;
}

static struct log_argument of_futex(unsigned operation)
{
	switch (operation & 0x7f) {     /* without FUTEX_PRIVATE_FLAG and its like */
	case FUTEX_WAIT:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
		return IS(KIND_TIMESPEC);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
	case FUTEX_CMP_REQUEUE_PI:
		return IS(KIND_UNSIGNED);
	}
	return IS(KIND_POINTER);
}

static struct log_argument of_keyctl(unsigned operation, unsigned nth)
{
	switch (operation) {
	case KEYCTL_JOIN_SESSION_KEYRING:
		return nth == 1 ? IS(KIND_STRING) : NUMBER;
	case KEYCTL_SEARCH:
		return nth == 1 ? IS(KIND_KEY) : nth < 4 ? IS(KIND_STRING) : IS(KIND_KEY);
	case KEYCTL_LINK:
	case KEYCTL_UNLINK:
		return IS(KIND_KEY);
	}
	if (operation == KEYCTL_UPDATE && nth == 2)
		return IS(KIND_BUFFER);
	return nth == 1 && operation <= KEYCTL_WATCH_KEY ? IS(KIND_KEY) : NUMBER;
}

struct log_argument log_argument(const uint8_t kinds[SYSCALL_ARGUMENTS], const uint64_t arguments[6], unsigned index)
{
	if (kinds[index] != KIND_ARGUMENT)
		return IS(kinds[index]);
	for (unsigned i = index; i-- > 0;) {
		unsigned command = (unsigned)arguments[i];

		switch (kinds[i]) {
		case KIND_FCNTL_COMMAND:
			return of_fcntl(command);
		case KIND_IOCTL_REQUEST:
			return of_ioctl(command);
		case KIND_SHM_COMMAND:
		case KIND_SEM_COMMAND:
		case KIND_MSG_COMMAND:
			return of_ipc(kinds[i], command);
		case KIND_PRCTL_OPTION:
			return of_prctl(command, index);
		case KIND_ARCH_PRCTL:
			return command == ARCH_GET_FS || command == ARCH_GET_GS || command == ARCH_GET_XCOMP_SUPP || command == ARCH_GET_XCOMP_PERM ||
				command == ARCH_GET_XCOMP_GUEST_PERM ? IS(KIND_LONG_FILLED) : NUMBER;
		case KIND_PTRACE_REQUEST:
			return of_ptrace(command);
		case KIND_FUTEX_OPERATION:
			return of_futex(command);
		case KIND_SECCOMP_OPERATION:
			return command == SECCOMP_SET_MODE_FILTER ? READS(16) : command == SECCOMP_GET_ACTION_AVAIL ? READS(4) :
				command == SECCOMP_GET_NOTIF_SIZES ? FILLS(sizeof(struct seccomp_notif_sizes)) : NUMBER;
		case KIND_KEYCTL_OPERATION:
			return of_keyctl(command, index);
		case KIND_REBOOT_COMMAND:
			return command == LINUX_REBOOT_CMD_RESTART2 ? IS(KIND_STRING) : IS(KIND_POINTER);
		case KIND_LANDLOCK_RULE:
			return READS(sizeof(struct landlock_path_beneath_attr));
		case KIND_FSCONFIG_COMMAND:
			return command == FSCONFIG_SET_STRING || command == FSCONFIG_SET_PATH || command == FSCONFIG_SET_PATH_EMPTY ?
				IS(KIND_STRING) : NUMBER;
		}
	}
	return NUMBER;
}
