/* SPDX-License-Identifier: MIT */
/*
 * The kernel's system calls, one row each: name, service, what the result means, what each argument is.
 *
 * The rows themselves stand in one file per architecture (syscalls_x86_64.h); everything else that is said of a call is derived
 * from them. A call that the table does not know has no name: it is counted and shown by its number.
 *
 * An argument arrives as a register of 64 bits. Of a kind that is an int for the kernel (descriptors, identities, most flags) only
 * the lower 32 bits mean anything: a decoder must cut before it prints. A pointer may be NULL wherever the kernel allows it, and
 * may point nowhere.
 */
#ifndef PAGEGAP_SYSCALLS_H
#define PAGEGAP_SYSCALLS_H

#include <stdint.h>

#define SYSCALL_NUMBERS   512           /* above the highest number of any architecture; x32 begins here */
#define SYSCALL_ARGUMENTS 6

/* The kernel's services, as notes on Linux group them. */
enum syscall_category {
	CATEGORY_PROCESS,               /* processes and threads: birth, end, identity, limits, what they may do */
	CATEGORY_MEMORY,                /* address space, page placement, swap */
	CATEGORY_IPC,                   /* between processes: pipes, futexes, System V and POSIX queues, the memory of others */
	CATEGORY_NETWORK,               /* sockets */
	CATEGORY_FILE,                  /* files, directories, mounts, and waiting for descriptors */
	CATEGORY_DEVICE,                /* ioctl, ports, terminals */
	CATEGORY_SIGNAL,                /* sending, catching and waiting for signals */
	CATEGORY_TIME,                  /* clocks, timers, sleep */
	CATEGORY_SCHED,                 /* who runs where, and before whom */
	CATEGORY_OTHER,                 /* the machine and the kernel itself: names, modules, keys, tracing */
	SYSCALL_CATEGORIES
};

/* Except where it says otherwise, a result from -4095 to -1 is an error, negated. */
enum syscall_result {
	RESULT_PLAIN,                   /* a number: 0, a count, something that the call itself explains */
	RESULT_BYTES_IN,                /* bytes that the program got (read, recvfrom, getrandom); getxattr and its like, asked with size 0,
					   say how many there would be and give none */
	RESULT_BYTES_OUT,               /* bytes that the program gave (write, sendto) */
	RESULT_BYTES_MOVED,             /* bytes that went from one descriptor to another and never were in the program (sendfile, splice) */
	RESULT_FD,                      /* a new descriptor */
	RESULT_POINTER,                 /* an address; brk gives the old break when it fails */
	RESULT_PID,                     /* a process or thread, a group, a session; 0: the child's side of a fork, or nobody to wait for */
	RESULT_NEVER_FAILS,             /* a number in which -1 is a value like others (getpid, umask, alarm) */
	RESULT_NONE,                    /* none: does not return (exit), or with the registers of another moment (rt_sigreturn, uretprobe) */
	SYSCALL_RESULTS
};

/*
 * What an argument is. In four parts, in this order: what the register itself says; what it points to and the kernel reads, so that a
 * decoder may look before the call; from KIND_FIRST_BOTH on, what the kernel reads and writes; from KIND_FIRST_FILLED on, what
 * the kernel writes, so that there is something to see after a call that succeeded, and only then.
 */
enum argument_kind {
	KIND_NONE,                      /* the call has no such argument */
	KIND_IGNORED,                   /* it has, but this architecture's kernel does not look at it */

	/* numbers */
	KIND_INT,                       /* int */
	KIND_UNSIGNED,                  /* unsigned int */
	KIND_LONG,                      /* long, 64 bits */
	KIND_HEX,                       /* 64 bits, best read in hexadecimal: bits without a name, magic numbers, masks */
	KIND_HEX_INT,                   /* the same in 32 bits */
	KIND_SIZE,                      /* unsigned, 64 bits: bytes, or elements of the array beside it */
	KIND_LENGTH,                    /* the same in 32 bits */
	KIND_OFFSET,                    /* a position in a file, in bytes; signed */
	KIND_POINTER,                   /* an address, not to be followed */
	KIND_FUTEX,                     /* the address of a futex, not to be followed */
	KIND_FD,                        /* a descriptor; -1: none */
	KIND_AT_FD,                     /* a directory's descriptor, or AT_FDCWD: where the path that follows begins */
	KIND_MODE,                      /* permissions, in octal, with the file's type where there is one (mknod) */
	KIND_DEV,                       /* a device: major, minor */
	KIND_PID,                       /* a process or thread, or, as the call has it, a group; 0: the caller, -1: all */
	KIND_UID,                       /* a user; -1: unchanged */
	KIND_GID,                       /* a group of users; -1: unchanged */
	KIND_SIGNAL,                    /* a signal's number; 0: none */
	KIND_EXIT_STATUS,               /* what exit is given */
	KIND_SECONDS,                   /* unsigned */
	KIND_MILLISECONDS,              /* int; -1: for ever */
	KIND_CLOCK,                     /* CLOCK_* */

	/* one of several words */
	KIND_WHENCE,                    /* SEEK_* */
	KIND_MADVICE,                   /* MADV_* */
	KIND_FADVICE,                   /* POSIX_FADV_* */
	KIND_SIGNAL_HOW,                /* SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK */
	KIND_FCNTL_COMMAND,             /* F_* */
	KIND_FLOCK,                     /* LOCK_* */
	KIND_IOCTL_REQUEST,             /* a driver's request: direction, type, number, size */
	KIND_IPC_KEY,                   /* key_t; IPC_PRIVATE */
	KIND_SHM_COMMAND,               /* IPC_* and SHM_* of shmctl */
	KIND_SEM_COMMAND,               /* IPC_*, SEM_*, GETVAL, … of semctl */
	KIND_MSG_COMMAND,               /* IPC_* and MSG_* of msgctl */
	KIND_SOCKET_DOMAIN,             /* AF_* */
	KIND_SOCKET_TYPE,               /* SOCK_*, with SOCK_CLOEXEC and SOCK_NONBLOCK as flags */
	KIND_SOCKET_PROTOCOL,           /* IPPROTO_*, NETLINK_*, …, as the domain two before it has it */
	KIND_SOCKET_LEVEL,              /* SOL_* */
	KIND_SOCKET_OPTION,             /* SO_*, TCP_*, …, as the level before it has it */
	KIND_SHUTDOWN,                  /* SHUT_* */
	KIND_RESOURCE,                  /* RLIMIT_* */
	KIND_RUSAGE_WHO,                /* RUSAGE_* */
	KIND_PRIORITY_WHICH,            /* PRIO_* */
	KIND_IOPRIO_WHICH,              /* IOPRIO_WHO_* */
	KIND_IOPRIO,                    /* class and level of I/O priority */
	KIND_ITIMER,                    /* ITIMER_* */
	KIND_WAITID_TYPE,               /* P_PID, P_PGID, P_PIDFD, P_ALL */
	KIND_PTRACE_REQUEST,            /* PTRACE_* */
	KIND_PRCTL_OPTION,              /* PR_* */
	KIND_ARCH_PRCTL,                /* ARCH_* */
	KIND_PERSONALITY,               /* PER_* and flags; 0xffffffff: only asks */
	KIND_SCHED_POLICY,              /* SCHED_*, with SCHED_RESET_ON_FORK as a flag */
	KIND_MEMPOLICY,                 /* MPOL_*, with MPOL_F_* as flags */
	KIND_FUTEX_OPERATION,           /* FUTEX_*, with FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME as flags */
	KIND_EPOLL_OPERATION,           /* EPOLL_CTL_* */
	KIND_SYSLOG_ACTION,             /* SYSLOG_ACTION_* */
	KIND_REBOOT_COMMAND,            /* LINUX_REBOOT_CMD_* */
	KIND_QUOTA_COMMAND,             /* Q_*, with the quota's type in the low byte */
	KIND_KEY,                       /* a key's serial number, KEY_SPEC_* */
	KIND_KEYCTL_OPERATION,          /* KEYCTL_* */
	KIND_KCMP_TYPE,                 /* KCMP_* */
	KIND_SECCOMP_OPERATION,         /* SECCOMP_SET_*, SECCOMP_GET_* */
	KIND_BPF_COMMAND,               /* BPF_* */
	KIND_MEMBARRIER_COMMAND,        /* MEMBARRIER_CMD_* */
	KIND_URING_OPCODE,              /* IORING_REGISTER_*, IORING_UNREGISTER_* */
	KIND_FSCONFIG_COMMAND,          /* FSCONFIG_* */
	KIND_LANDLOCK_RULE,             /* LANDLOCK_RULE_* */
	KIND_LSM_ATTRIBUTE,             /* LSM_ATTR_* */

	KIND_ARGUMENT,                  /* by such a word before it: a number or a pointer, read or written (fcntl, ioctl, semctl, prctl, ptrace) */

	/* flags, by family */
	KIND_FLAGS_OPEN,                /* O_*; also of calls that take some of these alone: pipe2, dup3, memfd_secret */
	KIND_FLAGS_AT,                  /* AT_* */
	KIND_FLAGS_UNLINK,              /* AT_REMOVEDIR, which as a number is another call's AT_EACCESS */
	KIND_FLAGS_FACCESS,             /* AT_EACCESS and AT_* */
	KIND_FLAGS_HANDLE,              /* AT_HANDLE_FID and AT_* */
	KIND_FLAGS_ACCESS,              /* R_OK, W_OK, X_OK; F_OK is 0 */
	KIND_FLAGS_PROT,                /* PROT_* */
	KIND_FLAGS_MMAP,                /* MAP_* */
	KIND_FLAGS_MREMAP,              /* MREMAP_* */
	KIND_FLAGS_MSYNC,               /* MS_ASYNC, MS_INVALIDATE, MS_SYNC */
	KIND_FLAGS_MLOCK,               /* MLOCK_ONFAULT */
	KIND_FLAGS_MLOCKALL,            /* MCL_* */
	KIND_FLAGS_MBIND,               /* MPOL_MF_* */
	KIND_FLAGS_GET_MEMPOLICY,       /* MPOL_F_NODE, MPOL_F_ADDR, MPOL_F_MEMS_ALLOWED */
	KIND_FLAGS_PKEY,                /* PKEY_DISABLE_* */
	KIND_FLAGS_SHADOW_STACK,        /* SHADOW_STACK_SET_TOKEN */
	KIND_FLAGS_MEMFD,               /* MFD_*, with the logarithm of the huge page's size */
	KIND_FLAGS_USERFAULTFD,         /* UFFD_USER_MODE_ONLY, O_CLOEXEC, O_NONBLOCK */
	KIND_FLAGS_CLONE,               /* CLONE_*, with the signal of the child's end in the low byte */
	KIND_FLAGS_NAMESPACES,          /* CLONE_* without a signal: unshare, setns */
	KIND_FLAGS_WAIT,                /* WNOHANG, WUNTRACED, WEXITED, … */
	KIND_FLAGS_PIDFD,               /* PIDFD_NONBLOCK, PIDFD_THREAD */
	KIND_FLAGS_PIDFD_SIGNAL,        /* PIDFD_SIGNAL_* */
	KIND_FLAGS_SECCOMP,             /* SECCOMP_FILTER_FLAG_* */
	KIND_FLAGS_LANDLOCK_CREATE,     /* LANDLOCK_CREATE_RULESET_* */
	KIND_FLAGS_LANDLOCK_RESTRICT,   /* LANDLOCK_RESTRICT_SELF_* */
	KIND_FLAGS_MEMBARRIER,          /* MEMBARRIER_CMD_FLAG_CPU */
	KIND_FLAGS_RSEQ,                /* RSEQ_FLAG_* */
	KIND_FLAGS_IPC_GET,             /* IPC_CREAT, IPC_EXCL, and permissions */
	KIND_FLAGS_SHMGET,              /* these and SHM_HUGETLB, SHM_NORESERVE */
	KIND_FLAGS_SHMAT,               /* SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC */
	KIND_FLAGS_MSG_QUEUE,           /* IPC_NOWAIT, MSG_NOERROR, MSG_EXCEPT, MSG_COPY: msgsnd, msgrcv */
	KIND_FLAGS_FUTEX2,              /* FUTEX2_* */
	KIND_FLAGS_EVENTFD,             /* EFD_* */
	KIND_FLAGS_SIGNALFD,            /* SFD_* */
	KIND_FLAGS_TIMERFD,             /* TFD_CLOEXEC, TFD_NONBLOCK */
	KIND_FLAGS_TIMERFD_SET,         /* TFD_TIMER_* */
	KIND_FLAGS_TIMER,               /* TIMER_ABSTIME */
	KIND_FLAGS_EPOLL,               /* EPOLL_CLOEXEC */
	KIND_FLAGS_SOCKET,              /* SOCK_CLOEXEC, SOCK_NONBLOCK: accept4 */
	KIND_FLAGS_MSG,                 /* MSG_* of sockets */
	KIND_FLAGS_SPLICE,              /* SPLICE_F_* */
	KIND_FLAGS_RWF,                 /* RWF_* */
	KIND_FLAGS_FALLOCATE,           /* FALLOC_FL_* */
	KIND_FLAGS_SYNC_RANGE,          /* SYNC_FILE_RANGE_* */
	KIND_FLAGS_RENAME,              /* RENAME_* */
	KIND_FLAGS_STATX,               /* STATX_*: what is asked for */
	KIND_FLAGS_XATTR,               /* XATTR_CREATE, XATTR_REPLACE */
	KIND_FLAGS_CLOSE_RANGE,         /* CLOSE_RANGE_* */
	KIND_FLAGS_INOTIFY,             /* IN_CLOEXEC, IN_NONBLOCK */
	KIND_FLAGS_INOTIFY_WATCH,       /* IN_*: events and how to watch */
	KIND_FLAGS_FANOTIFY,            /* FAN_CLASS_*, FAN_REPORT_*, … of fanotify_init */
	KIND_FLAGS_FANOTIFY_MARK,       /* FAN_MARK_* */
	KIND_FLAGS_FANOTIFY_EVENTS,     /* FAN_*: events, 64 bits */
	KIND_FLAGS_MOUNT,               /* MS_* of mount */
	KIND_FLAGS_UMOUNT,              /* MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW */
	KIND_FLAGS_OPEN_TREE,           /* OPEN_TREE_* and AT_* */
	KIND_FLAGS_MOVE_MOUNT,          /* MOVE_MOUNT_* */
	KIND_FLAGS_FSOPEN,              /* FSOPEN_CLOEXEC */
	KIND_FLAGS_FSMOUNT,             /* FSMOUNT_CLOEXEC */
	KIND_FLAGS_FSPICK,              /* FSPICK_* */
	KIND_FLAGS_MOUNT_ATTR,          /* MOUNT_ATTR_* */
	KIND_FLAGS_LISTMOUNT,           /* LISTMOUNT_REVERSE */
	KIND_FLAGS_URING_ENTER,         /* IORING_ENTER_* */
	KIND_FLAGS_SWAP,                /* SWAP_FLAG_*, with a priority */
	KIND_FLAGS_RANDOM,              /* GRND_* */
	KIND_FLAGS_MODULE,              /* MODULE_INIT_* */
	KIND_FLAGS_KEXEC,               /* KEXEC_*, with an architecture in the high half */
	KIND_FLAGS_KEXEC_FILE,          /* KEXEC_FILE_* */
	KIND_FLAGS_PERF,                /* PERF_FLAG_* */
	KIND_FLAGS_LSM,                 /* LSM_FLAG_SINGLE */

	/* what the kernel reads */
	KIND_PATH,                      /* a file's name, up to its 0 */
	KIND_STRING,                    /* another text, up to its 0 */
	KIND_STRINGS,                   /* texts, up to a NULL pointer: the arguments of a program */
	KIND_ENVIRONMENT,               /* the same: its environment, of which the number says enough */
	KIND_BUFFER,                    /* bytes; how many, the next argument says */
	KIND_IOVEC,                     /* struct iovec of bytes the program gives; how many vectors, the next argument says */
	KIND_RANGES,                    /* struct iovec of addresses, not to be followed; how many, the next argument says */
	KIND_SOCKADDR,                  /* struct sockaddr; its bytes are the next argument */
	KIND_MSGHDR,                    /* struct msghdr of a message to send */
	KIND_MSGBUF,                    /* struct msgbuf: a long and then bytes; how many, the next argument says */
	KIND_SIGSET,                    /* the kernel's sigset_t, of 64 bits; its bytes are an argument of their own, later in the call */
	KIND_SIGSET_SIZED,              /* a pointer to a sigset_t, and its bytes: pselect6, io_pgetevents */
	KIND_SIGACTION,                 /* the kernel's struct sigaction */
	KIND_SIGINFO,                   /* siginfo_t */
	KIND_SIGSTACK,                  /* stack_t */
	KIND_SIGEVENT,                  /* struct sigevent */
	KIND_TIMESPEC,                  /* struct timespec */
	KIND_TIMESPECS,                 /* two of them: last access, last change */
	KIND_TIMEVAL,                   /* struct timeval */
	KIND_TIMEVALS,                  /* two of them: last access, last change */
	KIND_UTIMBUF,                   /* struct utimbuf */
	KIND_TIMEZONE,                  /* struct timezone */
	KIND_ITIMERVAL,                 /* struct itimerval */
	KIND_ITIMERSPEC,                /* struct itimerspec */
	KIND_RLIMIT,                    /* struct rlimit, 64 bits each */
	KIND_GIDS,                      /* gid_t; how many, the argument before it says */
	KIND_EPOLL_EVENT,               /* struct epoll_event */
	KIND_SEMBUF,                    /* struct sembuf; how many, the next argument says */
	KIND_CPU_SET,                   /* bits of processors; its bytes are the argument before it */
	KIND_NODE_MASK,                 /* bits of memory nodes; how many, the first size after it says, else the last before it */
	KIND_SCHED_PARAM,               /* struct sched_param */
	KIND_SCHED_ATTR,                /* struct sched_attr, which says its size itself */
	KIND_CLONE_ARGS,                /* struct clone_args; its bytes are the next argument */
	KIND_OPEN_HOW,                  /* struct open_how; its bytes are the next argument */
	KIND_FILE_HANDLE,               /* struct file_handle */
	KIND_FILE_ATTR,                 /* struct file_attr; its bytes are the next argument */
	KIND_XATTR_ARGS,                /* struct xattr_args with the value to set; its bytes are the next argument */
	KIND_MOUNT_ATTR,                /* struct mount_attr; its bytes are the next argument */
	KIND_MOUNT_REQUEST,             /* struct mnt_id_req */
	KIND_MQ_ATTR,                   /* struct mq_attr */
	KIND_IOCBS,                     /* pointers to struct iocb; how many, the argument before it says */
	KIND_FUTEX_WAITERS,             /* struct futex_waitv; how many, the next argument says, of futex_requeue two */
	KIND_CAP_DATA,                  /* struct __user_cap_data_struct, one or two */
	KIND_LANDLOCK_RULESET,          /* struct landlock_ruleset_attr; its bytes are the next argument */
	KIND_PERF_ATTR,                 /* struct perf_event_attr, which says its size itself */
	KIND_CACHESTAT_RANGE,           /* struct cachestat_range: offset, length */

	/* what it reads and writes */
	KIND_POLLFDS,                   /* struct pollfd; how many, the next argument says */
	KIND_FIRST_BOTH = KIND_POLLFDS,
	KIND_FD_SET,                    /* fd_set; how many bits, the first argument says */
	KIND_OFFSET_AT,                 /* a pointer to a position in a file, moved on */
	KIND_LENGTH_AT,                 /* a pointer to an int: bytes that there is room for, and then those that there were */
	KIND_MSGHDR_FILLED,             /* struct msghdr of a message to receive */
	KIND_MMSGHDRS,                  /* struct mmsghdr to send, each told what was sent of it; how many, the next argument says */
	KIND_MMSGHDRS_FILLED,           /* struct mmsghdr to receive, likewise; how many, the result says */
	KIND_IOVEC_FILLED,              /* struct iovec that is filled; vectors: the next argument, bytes: the result */
	KIND_TIMEVAL_WAIT,              /* struct timeval: how long to wait, and then what is left of it */
	KIND_TIMESPEC_WAIT,             /* struct timespec, likewise */
	KIND_TIMEX,                     /* struct timex */
	KIND_CAP_HEADER,                /* struct __user_cap_header_struct */
	KIND_XATTR_ARGS_FILLED,         /* struct xattr_args, whose value is filled; its bytes: the next argument, the value's: the result */
	KIND_URING_PARAMS,              /* struct io_uring_params */
	KIND_BPF_ATTR,                  /* union bpf_attr; its bytes are the next argument */
	KIND_FILE_HANDLE_FILLED,        /* struct file_handle with its room given */

	/* what it writes */
	KIND_BUFFER_FILLED,             /* bytes; how many, the result says */
	KIND_FIRST_FILLED = KIND_BUFFER_FILLED,
	KIND_BUFFER_FILLED_AT,          /* bytes; how many, the next argument points to */
	KIND_PATH_FILLED,               /* a file's name without its 0 (getcwd: with it); its bytes are the result */
	KIND_DIRENTS,                   /* struct linux_dirent; their bytes are the result */
	KIND_DIRENTS64,                 /* struct linux_dirent64; their bytes are the result */
	KIND_SOCKADDR_FILLED,           /* struct sockaddr; its bytes, the next argument points to */
	KIND_MSGBUF_FILLED,             /* struct msgbuf: a long and then bytes; how many, the result says */
	KIND_STAT,                      /* struct stat */
	KIND_STATX,                     /* struct statx */
	KIND_STATFS,                    /* struct statfs */
	KIND_STATMOUNT,                 /* struct statmount; its bytes are the next argument */
	KIND_MOUNTS,                    /* 64 bits per mount; how many, the result says */
	KIND_FILE_ATTR_FILLED,          /* struct file_attr; its bytes are the next argument */
	KIND_CACHESTAT,                 /* struct cachestat */
	KIND_RESIDENCY,                 /* a byte per page of the range before it */
	KIND_INT_FILLED,                /* an int, or an unsigned one */
	KIND_LONG_FILLED,               /* 64 bits: a size, a time, a pointer */
	KIND_FDS,                       /* two new descriptors */
	KIND_UID_FILLED,                /* uid_t */
	KIND_GID_FILLED,                /* gid_t */
	KIND_GIDS_FILLED,               /* gid_t; how many, the result says */
	KIND_WAIT_STATUS,               /* an int: how a child ended or why it stopped */
	KIND_RUSAGE,                    /* struct rusage */
	KIND_RLIMIT_FILLED,             /* struct rlimit, 64 bits each */
	KIND_UTSNAME,                   /* struct utsname */
	KIND_SYSINFO,                   /* struct sysinfo */
	KIND_TMS,                       /* struct tms */
	KIND_SIGSET_FILLED,             /* the kernel's sigset_t, of 64 bits */
	KIND_SIGACTION_FILLED,          /* the kernel's struct sigaction */
	KIND_SIGINFO_FILLED,            /* siginfo_t */
	KIND_SIGSTACK_FILLED,           /* stack_t */
	KIND_TIMESPEC_FILLED,           /* struct timespec */
	KIND_TIMESPEC_LEFT,             /* struct timespec: what is left of a sleep; only if a signal ended it (EINTR) */
	KIND_TIMEVAL_FILLED,            /* struct timeval */
	KIND_TIMEZONE_FILLED,           /* struct timezone */
	KIND_ITIMERVAL_FILLED,          /* struct itimerval */
	KIND_ITIMERSPEC_FILLED,         /* struct itimerspec */
	KIND_EPOLL_EVENTS,              /* struct epoll_event; how many, the result says */
	KIND_IO_EVENTS,                 /* struct io_event; how many, the result says, of io_cancel one */
	KIND_CPU_SET_FILLED,            /* bits of processors; its bytes are the result */
	KIND_NODE_MASK_FILLED,          /* bits of memory nodes; how many, the next argument says */
	KIND_SCHED_PARAM_FILLED,        /* struct sched_param */
	KIND_SCHED_ATTR_FILLED,         /* struct sched_attr; its bytes are the next argument */
	KIND_MQ_ATTR_FILLED,            /* struct mq_attr */
	KIND_CAP_DATA_FILLED,           /* struct __user_cap_data_struct, one or two */
	ARGUMENT_KINDS
};
_Static_assert(ARGUMENT_KINDS <= 256, "a row has a byte for each kind");

struct syscall_row {
	const char *name;               /* as the kernel's table has it; NULL: no call has this number */
	uint8_t category;               /* enum syscall_category */
	uint8_t result;                 /* enum syscall_result */
	uint8_t kinds[SYSCALL_ARGUMENTS];       /* enum argument_kind; KIND_NONE from the first that the call does not have */
};

extern const struct syscall_row syscall_rows[SYSCALL_NUMBERS];
extern const char *const syscall_category_names[SYSCALL_CATEGORIES];

#endif
