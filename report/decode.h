/* SPDX-License-Identifier: MIT */
/*
 * A call in words, as strace(1) writes it: flags by name, paths in quotes, structures field by field. What was not kept is shown as the
 * number that the register held. Everything that comes from the program is escaped.
 */
#ifndef PAGEGAP_DECODE_H
#define PAGEGAP_DECODE_H

#include "log_call.h"

struct decode_options {
	bool descriptors;               /* 3</etc/passwd> instead of 3 */
	unsigned string_bytes;          /* of buffers and texts that are no paths, show at most so many; 0: all that was kept */
};

/* Each returns a text that the caller frees. */

/* "openat" or "syscall_600"; "--- SIGCHLD" lines are decode_signal's. */
char *decode_name(unsigned number);

/* One argument, 0 to 5: `"/etc/passwd"`. NULL: the call has no such argument. */
char *decode_argument(const struct log_call *call, unsigned index, const struct decode_options *options);

/* `3`, `-1 ENOENT (No such file or directory)`, `0x7f…`, `?`. */
char *decode_result(const struct log_call *call, const struct decode_options *options);

/* All of it: `openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3`. */
char *decode_call(const struct log_call *call, const struct decode_options *options);

/* `SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, …}` */
char *decode_signal(const struct log_call *call);

#endif
