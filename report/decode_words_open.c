/* SPDX-License-Identifier: MIT */
/*
 * Words of calls that open files, of fcntl, and of what begins with AT_. Apart from the rest: these are the kernel's own values, and to libc
 * O_LARGEFILE is 0.
 */
#include <linux/fcntl.h>

#include "decode_words.h"

static const struct decode_word open_rows[] = {
	W(O_CREAT), W(O_EXCL), W(O_NOCTTY), W(O_TRUNC), W(O_APPEND), W(O_NONBLOCK), W(O_SYNC), W(O_DSYNC), W(__O_SYNC), W(O_DIRECT), W(O_LARGEFILE),
	W(O_NOFOLLOW), W(O_NOATIME), W(O_CLOEXEC), W(O_PATH), W(O_TMPFILE), W(O_DIRECTORY), W(__O_TMPFILE), W(FASYNC),
};
WORDS(open, "O_???");

static const struct decode_word open_access_rows[] = {
	W(O_RDONLY), W(O_WRONLY), W(O_RDWR), W(O_ACCMODE),
};
WORDS(open_access, "");

static const struct decode_word delete_module_rows[] = {
	W(O_NONBLOCK), W(O_TRUNC),
};
WORDS(delete_module, "O_???");

static const struct decode_word mq_flags_rows[] = {
	W(O_NONBLOCK),
};
WORDS(mq_flags, "O_???");

static const struct decode_word memfd_secret_rows[] = {
	W(O_CLOEXEC),
};
WORDS(memfd_secret, "");

static const struct decode_word statx_flags_rows[] = {
	W(AT_STATX_FORCE_SYNC), W(AT_STATX_DONT_SYNC), W(AT_SYMLINK_NOFOLLOW), W(AT_REMOVEDIR), W(AT_SYMLINK_FOLLOW),
	W(AT_NO_AUTOMOUNT), W(AT_EMPTY_PATH), W(AT_RECURSIVE),
};
WORDS(statx_flags, "");

static const struct decode_word at_rows[] = {
	W(AT_SYMLINK_NOFOLLOW), W(AT_REMOVEDIR), W(AT_SYMLINK_FOLLOW), W(AT_NO_AUTOMOUNT), W(AT_EMPTY_PATH), W(AT_RECURSIVE),
};
WORDS(at, "AT_???");

static const struct decode_word faccess_rows[] = {
	W(AT_SYMLINK_NOFOLLOW), W(AT_EACCESS), W(AT_EMPTY_PATH),
};
WORDS(faccess, "AT_???");

static const struct decode_word handle_rows[] = {
	W(AT_SYMLINK_FOLLOW), W(AT_EMPTY_PATH),
};
WORDS(handle, "AT_???");

static const struct decode_word fcntl_command_rows[] = {
	W(F_DUPFD), W(F_GETFD), W(F_SETFD), W(F_GETFL), W(F_SETFL), W(F_GETLK), W(F_SETLK), W(F_SETLKW), W(F_SETOWN), W(F_GETOWN),
	W(F_SETSIG), W(F_GETSIG), W(F_SETOWN_EX), W(F_GETOWN_EX), W(F_GETOWNER_UIDS), W(F_OFD_GETLK), W(F_OFD_SETLK), W(F_OFD_SETLKW),
	W(F_SETLEASE), W(F_GETLEASE), W(F_NOTIFY), W(F_CANCELLK), W(F_DUPFD_CLOEXEC), W(F_SETPIPE_SZ), W(F_GETPIPE_SZ), W(F_ADD_SEALS),
	W(F_GET_SEALS), W(F_GET_RW_HINT), W(F_SET_RW_HINT), W(F_GET_FILE_RW_HINT), W(F_SET_FILE_RW_HINT),
};
WORDS(fcntl_command, "F_???");

static const struct decode_word fd_flags_rows[] = {
	W(FD_CLOEXEC),
};
WORDS(fd_flags, "FD_???");

static const struct decode_word lock_type_rows[] = {
	W(F_RDLCK), W(F_WRLCK), W(F_UNLCK), W(F_EXLCK), W(F_SHLCK),
};
WORDS(lock_type, "F_???");

static const struct decode_word lease_rows[] = {
	W(F_RDLCK), W(F_WRLCK), W(F_UNLCK),
};
WORDS(lease, "F_???");

static const struct decode_word notify_rows[] = {
	W(DN_ACCESS), W(DN_MODIFY), W(DN_CREATE), W(DN_DELETE), W(DN_RENAME), W(DN_ATTRIB), W(DN_MULTISHOT),
};
WORDS(notify, "DN_???");

static const struct decode_word seals_rows[] = {
	W(F_SEAL_SEAL), W(F_SEAL_SHRINK), W(F_SEAL_GROW), W(F_SEAL_WRITE), W(F_SEAL_FUTURE_WRITE),
#ifdef F_SEAL_EXEC
	W(F_SEAL_EXEC),
#endif
};
WORDS(seals, "F_SEAL_???");
