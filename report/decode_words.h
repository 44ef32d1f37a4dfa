/* SPDX-License-Identifier: MIT */
/*
 * Names of constants, by family: tables of what the system's headers call them, and how a number is said with their help. A table's order is
 * that in which flags are shown.
 */
#ifndef PAGEGAP_DECODE_WORDS_H
#define PAGEGAP_DECODE_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct decode_word {
	uint64_t value;
	const char *name;               /* NULL: a table that has nothing else, which C wants not to be empty */
};

struct decode_words {
	const struct decode_word *rows;
	size_t count;
	const char *unknown;            /* "SEEK_???": what is said of a number that none of them has; empty: nothing */
};

/* An int that is negative is one of 32 bits, whose upper half says nothing. */
#define W(name) { sizeof(name) == 4 ? (uint32_t)(name) : (uint64_t)(name), #name }
#define WORDS(name, unknown_) \
	const struct decode_words words_##name = { name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0]), unknown_ }

/* Name of exactly this value; NULL: none */
const char *decode_word_name(const struct decode_words *words, uint64_t value);

/* One of several: "SEEK_SET", or its number and what family it would be of. */
void decode_word(FILE *out, const struct decode_words *words, uint64_t value);

/* Joined with |, the rest in hexadecimal: "O_CREAT|0x40"; 0: the word for it, or "0"; nothing known: as decode_word. */
void decode_flags(FILE *out, const struct decode_words *words, uint64_t value);

/* Behind a word that is already there: "|O_CREAT|0x40"; 0: nothing. */
void decode_more_flags(FILE *out, const struct decode_words *words, uint64_t value);

/* decode_words_open.c */
extern const struct decode_words words_open, words_open_access, words_delete_module, words_memfd_secret, words_mq_flags, words_statx_flags, words_at, words_faccess, words_handle;
extern const struct decode_words words_fcntl_command, words_fd_flags, words_lock_type, words_lease, words_notify, words_seals;
/* decode_words_file.c */
extern const struct decode_words words_statx_sync, words_access, words_whence, words_fadvice, words_flock, words_fallocate;
extern const struct decode_words words_sync_range, words_rename, words_statx, words_statx_attributes, words_xattr, words_close_range;
extern const struct decode_words words_resolve, words_inotify, words_inotify_watch, words_fanotify_class, words_fanotify;
extern const struct decode_words words_fanotify_mark, words_fanotify_events, words_splice, words_rwf, words_epoll_operation;
extern const struct decode_words words_epoll, words_epoll_events, words_poll_events;
/* decode_words_mount.c */
extern const struct decode_words words_mount, words_umount, words_open_tree, words_mount_setattr, words_move_mount, words_fsopen;
extern const struct decode_words words_fsmount, words_fspick, words_mount_attr, words_fsconfig_command, words_quota_command;
extern const struct decode_words words_quota_type, words_statfs_type;
/* decode_words_memory.c */
extern const struct decode_words words_prot, words_map_type, words_mmap, words_mremap, words_msync, words_madvice, words_mlock;
extern const struct decode_words words_mlockall, words_mempolicy, words_mempolicy_flags, words_mbind, words_move_pages, words_get_mempolicy, words_pkey;
extern const struct decode_words words_shadow_stack, words_memfd, words_userfaultfd, words_swap;
/* decode_words_process.c */
extern const struct decode_words words_clone, words_clone3, words_unshare, words_setns, words_wait, words_waitid_type, words_resource;
extern const struct decode_words words_rusage_who, words_priority_which, words_ioprio_which, words_ioprio_class, words_sched_flags;
extern const struct decode_words words_ptrace_request, words_ptrace_options, words_prctl_option, words_prctl_vma, words_prctl_ambient;
extern const struct decode_words words_arch_prctl, words_personality, words_personality_flags, words_seccomp_operation;
extern const struct decode_words words_seccomp_mode, words_seccomp_action, words_seccomp, words_pidfd, words_pidfd_signal;
extern const struct decode_words words_kcmp_type, words_membarrier_command, words_membarrier, words_rseq, words_landlock_create;
extern const struct decode_words words_landlock_rule, words_landlock_restrict, words_landlock_access, words_capability_version;
extern const struct decode_words words_capability;
/* decode_words_ipc.c */
extern const struct decode_words words_ipc_get, words_shmget, words_shmat, words_shm_command, words_sem_command, words_msg_command;
extern const struct decode_words words_msg_queue, words_sem_flags, words_futex_operation, words_futex_wake_op;
extern const struct decode_words words_futex_wake_compare, words_futex_waiter, words_futex2, words_eventfd, words_signalfd;
extern const struct decode_words words_sigstack_flags, words_timerfd, words_timer, words_itimer, words_clock, words_timex_modes;
extern const struct decode_words words_timex_status, words_timex_state, words_key, words_keyctl_operation;
/* decode_words_socket.c */
extern const struct decode_words words_socket_domain, words_socket_type, words_socket_flags, words_inet_protocol;
extern const struct decode_words words_netlink_protocol, words_ethernet, words_socket_level, words_socket_options, words_ip_options;
extern const struct decode_words words_ipv6_options, words_tcp_options, words_udp_options, words_netlink_options;
extern const struct decode_words words_packet_options, words_socket_messages, words_msg, words_shutdown, words_arp_hardware;
extern const struct decode_words words_packet_type;
/* decode_words_other.c */
extern const struct decode_words words_sched_policy, words_reboot_magic, words_reboot_magic2, words_reboot_command, words_bpf_command;
extern const struct decode_words words_uring_opcode, words_uring_enter, words_uring_setup, words_uring_features, words_kexec_arch;
extern const struct decode_words words_kexec, words_kexec_file, words_module, words_random, words_perf, words_perf_type;
extern const struct decode_words words_aio_command, words_lsm_attribute, words_listmount, words_lsm;
/* decode_words_signal.c */
extern const struct decode_words words_signal_how, words_sigaction_flags, words_sigev_notify;
/* decode_words_terminal.c */
extern const struct decode_words words_terminal_input, words_terminal_newline, words_terminal_return, words_terminal_tab;
extern const struct decode_words words_terminal_backspace, words_terminal_vertical, words_terminal_form, words_terminal_output;
extern const struct decode_words words_terminal_speed, words_terminal_size, words_terminal_control, words_terminal_local;
/* decode_words_ioctl.c */
extern const struct decode_words words_ioctl_request;

#endif
