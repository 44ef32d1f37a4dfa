/* SPDX-License-Identifier: MIT */
/* Words of calls about files: opening, paths, locks, notification, copying. */
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/fanotify.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "decode_words.h"

static const struct decode_word statx_sync_rows[] = {
	W(AT_STATX_SYNC_AS_STAT), W(AT_STATX_FORCE_SYNC), W(AT_STATX_DONT_SYNC),
};
WORDS(statx_sync, "");

static const struct decode_word access_rows[] = {
	W(R_OK), W(W_OK), W(X_OK), W(F_OK),
};
WORDS(access, "?_OK");

static const struct decode_word whence_rows[] = {
	W(SEEK_SET), W(SEEK_CUR), W(SEEK_END), W(SEEK_DATA), W(SEEK_HOLE),
};
WORDS(whence, "SEEK_???");

static const struct decode_word fadvice_rows[] = {
	W(POSIX_FADV_NORMAL), W(POSIX_FADV_RANDOM), W(POSIX_FADV_SEQUENTIAL), W(POSIX_FADV_WILLNEED), W(POSIX_FADV_DONTNEED),
	W(POSIX_FADV_NOREUSE),
};
WORDS(fadvice, "POSIX_FADV_???");

static const struct decode_word flock_rows[] = {
	W(LOCK_SH), W(LOCK_EX), W(LOCK_NB), W(LOCK_UN), W(LOCK_MAND), W(LOCK_RW), W(LOCK_READ), W(LOCK_WRITE),
};
WORDS(flock, "LOCK_???");

static const struct decode_word fallocate_rows[] = {
	W(FALLOC_FL_KEEP_SIZE), W(FALLOC_FL_PUNCH_HOLE), W(FALLOC_FL_NO_HIDE_STALE), W(FALLOC_FL_COLLAPSE_RANGE),
	W(FALLOC_FL_ZERO_RANGE), W(FALLOC_FL_INSERT_RANGE), W(FALLOC_FL_UNSHARE_RANGE),
};
WORDS(fallocate, "FALLOC_FL_???");

static const struct decode_word sync_range_rows[] = {
	W(SYNC_FILE_RANGE_WAIT_BEFORE), W(SYNC_FILE_RANGE_WRITE), W(SYNC_FILE_RANGE_WAIT_AFTER),
};
WORDS(sync_range, "SYNC_FILE_RANGE_???");

static const struct decode_word rename_rows[] = {
	W(RENAME_NOREPLACE), W(RENAME_EXCHANGE), W(RENAME_WHITEOUT),
};
WORDS(rename, "RENAME_??");

static const struct decode_word statx_rows[] = {
	W(STATX_ALL), W(STATX_BASIC_STATS), W(STATX_TYPE), W(STATX_MODE), W(STATX_NLINK), W(STATX_UID), W(STATX_GID),
	W(STATX_ATIME), W(STATX_MTIME), W(STATX_CTIME), W(STATX_INO), W(STATX_SIZE), W(STATX_BLOCKS), W(STATX_BTIME), W(STATX_MNT_ID), W(STATX_DIOALIGN),
};
WORDS(statx, "STATX_???");

static const struct decode_word statx_attributes_rows[] = {
	W(STATX_ATTR_COMPRESSED), W(STATX_ATTR_IMMUTABLE), W(STATX_ATTR_APPEND), W(STATX_ATTR_NODUMP), W(STATX_ATTR_ENCRYPTED),
	W(STATX_ATTR_AUTOMOUNT), W(STATX_ATTR_MOUNT_ROOT), W(STATX_ATTR_VERITY), W(STATX_ATTR_DAX),
};
WORDS(statx_attributes, "STATX_ATTR_???");

static const struct decode_word xattr_rows[] = {
	W(XATTR_CREATE), W(XATTR_REPLACE),
};
WORDS(xattr, "XATTR_???");

static const struct decode_word close_range_rows[] = {
	W(CLOSE_RANGE_UNSHARE), W(CLOSE_RANGE_CLOEXEC),
};
WORDS(close_range, "CLOSE_RANGE_???");

static const struct decode_word resolve_rows[] = {
	W(RESOLVE_NO_XDEV), W(RESOLVE_NO_MAGICLINKS), W(RESOLVE_NO_SYMLINKS), W(RESOLVE_BENEATH), W(RESOLVE_IN_ROOT), W(RESOLVE_CACHED),
};
WORDS(resolve, "RESOLVE_???");

static const struct decode_word inotify_rows[] = {
	W(IN_NONBLOCK), W(IN_CLOEXEC),
};
WORDS(inotify, "IN_???");

static const struct decode_word inotify_watch_rows[] = {
	W(IN_ACCESS), W(IN_MODIFY), W(IN_ATTRIB), W(IN_CLOSE_WRITE), W(IN_CLOSE_NOWRITE), W(IN_OPEN), W(IN_MOVED_FROM), W(IN_MOVED_TO),
	W(IN_CREATE), W(IN_DELETE), W(IN_DELETE_SELF), W(IN_MOVE_SELF), W(IN_UNMOUNT), W(IN_Q_OVERFLOW), W(IN_IGNORED), W(IN_ONLYDIR),
	W(IN_DONT_FOLLOW), W(IN_EXCL_UNLINK), W(IN_MASK_CREATE), W(IN_MASK_ADD), W(IN_ISDIR), W(IN_ONESHOT),
};
WORDS(inotify_watch, "IN_???");

static const struct decode_word fanotify_class_rows[] = {
	W(FAN_CLASS_NOTIF), W(FAN_CLASS_CONTENT), W(FAN_CLASS_PRE_CONTENT),
};
WORDS(fanotify_class, "FAN_CLASS_???");

static const struct decode_word fanotify_rows[] = {
	W(FAN_CLOEXEC), W(FAN_NONBLOCK), W(FAN_UNLIMITED_QUEUE), W(FAN_UNLIMITED_MARKS), W(FAN_ENABLE_AUDIT), W(FAN_REPORT_PIDFD),
	W(FAN_REPORT_TID), W(FAN_REPORT_FID), W(FAN_REPORT_DIR_FID), W(FAN_REPORT_NAME), W(FAN_REPORT_TARGET_FID),
};
WORDS(fanotify, "FAN_???");

static const struct decode_word fanotify_mark_rows[] = {
	W(FAN_MARK_ADD), W(FAN_MARK_REMOVE), W(FAN_MARK_DONT_FOLLOW), W(FAN_MARK_ONLYDIR), W(FAN_MARK_MOUNT), W(FAN_MARK_IGNORED_MASK),
	W(FAN_MARK_IGNORED_SURV_MODIFY), W(FAN_MARK_FLUSH), W(FAN_MARK_FILESYSTEM), W(FAN_MARK_EVICTABLE), W(FAN_MARK_IGNORE),
};
WORDS(fanotify_mark, "FAN_MARK_???");

static const struct decode_word fanotify_events_rows[] = {
	W(FAN_ACCESS), W(FAN_MODIFY), W(FAN_ATTRIB), W(FAN_CLOSE_WRITE), W(FAN_CLOSE_NOWRITE), W(FAN_OPEN), W(FAN_MOVED_FROM),
	W(FAN_MOVED_TO), W(FAN_CREATE), W(FAN_DELETE), W(FAN_DELETE_SELF), W(FAN_MOVE_SELF), W(FAN_OPEN_EXEC), W(FAN_Q_OVERFLOW),
	W(FAN_FS_ERROR), W(FAN_OPEN_PERM), W(FAN_ACCESS_PERM), W(FAN_OPEN_EXEC_PERM), W(FAN_ONDIR), W(FAN_EVENT_ON_CHILD),
	W(FAN_RENAME),
};
WORDS(fanotify_events, "FAN_???");

static const struct decode_word splice_rows[] = {
	W(SPLICE_F_MOVE), W(SPLICE_F_NONBLOCK), W(SPLICE_F_MORE), W(SPLICE_F_GIFT),
};
WORDS(splice, "SPLICE_F_???");

static const struct decode_word rwf_rows[] = {
	W(RWF_HIPRI), W(RWF_DSYNC), W(RWF_SYNC), W(RWF_NOWAIT), W(RWF_APPEND),
};
WORDS(rwf, "RWF_???");

static const struct decode_word epoll_operation_rows[] = {
	W(EPOLL_CTL_ADD), W(EPOLL_CTL_DEL), W(EPOLL_CTL_MOD),
};
WORDS(epoll_operation, "EPOLL_CTL_???");

static const struct decode_word epoll_rows[] = {
	W(EPOLL_CLOEXEC),
};
WORDS(epoll, "EPOLL_???");

static const struct decode_word epoll_events_rows[] = {
	W(EPOLLIN), W(EPOLLPRI), W(EPOLLOUT), W(EPOLLERR), W(EPOLLHUP), W(EPOLLRDNORM), W(EPOLLRDBAND), W(EPOLLWRNORM), W(EPOLLWRBAND),
	W(EPOLLMSG), W(EPOLLRDHUP), W(EPOLLEXCLUSIVE), W(EPOLLWAKEUP), W(EPOLLONESHOT), W(EPOLLET),
};
WORDS(epoll_events, "EPOLL???");

static const struct decode_word poll_events_rows[] = {
	W(POLLIN), W(POLLPRI), W(POLLOUT), W(POLLERR), W(POLLHUP), W(POLLNVAL), W(POLLRDNORM), W(POLLRDBAND), W(POLLWRNORM),
	W(POLLWRBAND), W(POLLMSG), W(POLLREMOVE), W(POLLRDHUP),
};
WORDS(poll_events, "POLL???");
