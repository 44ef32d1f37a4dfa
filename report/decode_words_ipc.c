/* SPDX-License-Identifier: MIT */
/* Words of calls between processes, of clocks and of signals: System V, futexes, timers, keys. */
#include <linux/futex.h>
#include <linux/ipc.h>
#include <linux/keyctl.h>
#include <linux/msg.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

#include "decode_words.h"

static const struct decode_word ipc_get_rows[] = {
	W(IPC_CREAT), W(IPC_EXCL), W(IPC_NOWAIT),
};
WORDS(ipc_get, "");

static const struct decode_word shmget_rows[] = {
	W(IPC_CREAT), W(IPC_EXCL), W(SHM_HUGETLB), W(SHM_NORESERVE),
};
WORDS(shmget, "");

static const struct decode_word shmat_rows[] = {
	W(SHM_RDONLY), W(SHM_RND), W(SHM_REMAP), W(SHM_EXEC),
};
WORDS(shmat, "SHM_???");

static const struct decode_word shm_command_rows[] = {
	W(IPC_RMID), W(IPC_SET), W(IPC_STAT), W(IPC_INFO), W(SHM_LOCK), W(SHM_UNLOCK), W(SHM_STAT), W(SHM_INFO), W(SHM_STAT_ANY),
};
WORDS(shm_command, "SHM_???");

static const struct decode_word sem_command_rows[] = {
	W(IPC_RMID), W(IPC_SET), W(IPC_STAT), W(IPC_INFO), W(GETPID), W(GETVAL), W(GETALL), W(GETNCNT), W(GETZCNT), W(SETVAL),
	W(SETALL), W(SEM_STAT), W(SEM_INFO), W(SEM_STAT_ANY),
};
WORDS(sem_command, "SEM_???");

static const struct decode_word msg_command_rows[] = {
	W(IPC_RMID), W(IPC_SET), W(IPC_STAT), W(IPC_INFO), W(MSG_STAT), W(MSG_INFO), W(MSG_STAT_ANY),
};
WORDS(msg_command, "MSG_???");

static const struct decode_word msg_queue_rows[] = {
	W(MSG_NOERROR), W(MSG_EXCEPT), W(MSG_COPY), W(IPC_NOWAIT),
};
WORDS(msg_queue, "MSG_???");

static const struct decode_word sem_flags_rows[] = {
	W(SEM_UNDO), W(IPC_NOWAIT),
};
WORDS(sem_flags, "SEM_???");

static const struct decode_word futex_operation_rows[] = {
	W(FUTEX_WAIT), W(FUTEX_WAKE), W(FUTEX_FD), W(FUTEX_REQUEUE), W(FUTEX_CMP_REQUEUE), W(FUTEX_WAKE_OP), W(FUTEX_LOCK_PI),
	W(FUTEX_UNLOCK_PI), W(FUTEX_TRYLOCK_PI), W(FUTEX_WAIT_BITSET), W(FUTEX_WAKE_BITSET), W(FUTEX_WAIT_REQUEUE_PI),
	W(FUTEX_CMP_REQUEUE_PI), W(FUTEX_LOCK_PI2),
};
WORDS(futex_operation, "FUTEX_???");

static const struct decode_word futex_wake_op_rows[] = {
	W(FUTEX_OP_SET), W(FUTEX_OP_ADD), W(FUTEX_OP_OR), W(FUTEX_OP_ANDN), W(FUTEX_OP_XOR),
};
WORDS(futex_wake_op, "FUTEX_OP_???");

static const struct decode_word futex_wake_compare_rows[] = {
	W(FUTEX_OP_CMP_EQ), W(FUTEX_OP_CMP_NE), W(FUTEX_OP_CMP_LT), W(FUTEX_OP_CMP_LE), W(FUTEX_OP_CMP_GT), W(FUTEX_OP_CMP_GE),
};
WORDS(futex_wake_compare, "FUTEX_OP_CMP_???");

static const struct decode_word futex_waiter_rows[] = {
	W(FUTEX_32), W(FUTEX_PRIVATE_FLAG),
};
WORDS(futex_waiter, "FUTEX_???");

static const struct decode_word futex2_rows[] = {
#ifdef FUTEX2_SIZE_U8
	W(FUTEX2_SIZE_U8),
#endif
#ifdef FUTEX2_SIZE_U16
	W(FUTEX2_SIZE_U16),
#endif
#ifdef FUTEX2_SIZE_U32
	W(FUTEX2_SIZE_U32),
#endif
#ifdef FUTEX2_NUMA
	W(FUTEX2_NUMA),
#endif
#ifdef FUTEX2_PRIVATE
	W(FUTEX2_PRIVATE),
#endif
	{ 0, NULL },
};
WORDS(futex2, "FUTEX2_???");

static const struct decode_word eventfd_rows[] = {
	W(EFD_SEMAPHORE), W(EFD_CLOEXEC), W(EFD_NONBLOCK),
};
WORDS(eventfd, "EFD_???");

static const struct decode_word signalfd_rows[] = {
	W(SFD_CLOEXEC), W(SFD_NONBLOCK),
};
WORDS(signalfd, "SFD_???");

static const struct decode_word timerfd_rows[] = {
	W(TFD_TIMER_ABSTIME), W(TFD_TIMER_CANCEL_ON_SET), W(TFD_CLOEXEC), W(TFD_NONBLOCK),
};
WORDS(timerfd, "TFD_???");

static const struct decode_word timer_rows[] = {
	W(TIMER_ABSTIME),
};
WORDS(timer, "TIMER_???");

static const struct decode_word itimer_rows[] = {
	W(ITIMER_REAL), W(ITIMER_VIRTUAL), W(ITIMER_PROF),
};
WORDS(itimer, "ITIMER_???");

static const struct decode_word clock_rows[] = {
	W(CLOCK_REALTIME), W(CLOCK_MONOTONIC), W(CLOCK_PROCESS_CPUTIME_ID), W(CLOCK_THREAD_CPUTIME_ID), W(CLOCK_MONOTONIC_RAW),
	W(CLOCK_REALTIME_COARSE), W(CLOCK_MONOTONIC_COARSE), W(CLOCK_BOOTTIME), W(CLOCK_REALTIME_ALARM), W(CLOCK_BOOTTIME_ALARM),
	W(CLOCK_TAI),
};
WORDS(clock, "CLOCK_???");

static const struct decode_word timex_modes_rows[] = {
	W(ADJ_OFFSET), W(ADJ_FREQUENCY), W(ADJ_MAXERROR), W(ADJ_ESTERROR), W(ADJ_STATUS), W(ADJ_TIMECONST), W(ADJ_TAI),
	W(ADJ_SETOFFSET), W(ADJ_MICRO), W(ADJ_NANO), W(ADJ_TICK),
};
WORDS(timex_modes, "ADJ_???");

static const struct decode_word timex_status_rows[] = {
	W(STA_PLL), W(STA_PPSFREQ), W(STA_PPSTIME), W(STA_FLL), W(STA_INS), W(STA_DEL), W(STA_UNSYNC), W(STA_FREQHOLD),
	W(STA_PPSSIGNAL), W(STA_PPSJITTER), W(STA_PPSWANDER), W(STA_PPSERROR), W(STA_CLOCKERR), W(STA_NANO), W(STA_MODE), W(STA_CLK),
};
WORDS(timex_status, "STA_???");

static const struct decode_word timex_state_rows[] = {
	W(TIME_OK), W(TIME_INS), W(TIME_DEL), W(TIME_OOP), W(TIME_WAIT), W(TIME_ERROR),
};
WORDS(timex_state, "TIME_???");

static const struct decode_word key_rows[] = {
	W(KEY_SPEC_REQUESTOR_KEYRING), W(KEY_SPEC_REQKEY_AUTH_KEY), W(KEY_SPEC_GROUP_KEYRING), W(KEY_SPEC_USER_SESSION_KEYRING),
	W(KEY_SPEC_USER_KEYRING), W(KEY_SPEC_SESSION_KEYRING), W(KEY_SPEC_PROCESS_KEYRING), W(KEY_SPEC_THREAD_KEYRING),
};
WORDS(key, "");

static const struct decode_word keyctl_operation_rows[] = {
	W(KEYCTL_GET_KEYRING_ID), W(KEYCTL_JOIN_SESSION_KEYRING), W(KEYCTL_UPDATE), W(KEYCTL_REVOKE), W(KEYCTL_CHOWN),
	W(KEYCTL_SETPERM), W(KEYCTL_DESCRIBE), W(KEYCTL_CLEAR), W(KEYCTL_LINK), W(KEYCTL_UNLINK), W(KEYCTL_SEARCH), W(KEYCTL_READ),
	W(KEYCTL_INSTANTIATE), W(KEYCTL_NEGATE), W(KEYCTL_SET_REQKEY_KEYRING), W(KEYCTL_SET_TIMEOUT), W(KEYCTL_ASSUME_AUTHORITY),
	W(KEYCTL_GET_SECURITY), W(KEYCTL_SESSION_TO_PARENT), W(KEYCTL_REJECT), W(KEYCTL_INSTANTIATE_IOV), W(KEYCTL_INVALIDATE),
	W(KEYCTL_GET_PERSISTENT), W(KEYCTL_DH_COMPUTE), W(KEYCTL_PKEY_QUERY), W(KEYCTL_PKEY_ENCRYPT), W(KEYCTL_PKEY_DECRYPT),
	W(KEYCTL_PKEY_SIGN), W(KEYCTL_PKEY_VERIFY), W(KEYCTL_RESTRICT_KEYRING), W(KEYCTL_MOVE), W(KEYCTL_CAPABILITIES),
	W(KEYCTL_WATCH_KEY),
};
WORDS(keyctl_operation, "KEYCTL_???");
