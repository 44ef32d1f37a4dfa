/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the decoder. What they have in common: they print onto a stream, and whatever they want of the program's memory
 * may not be there, or be cut, or be nonsense; then the address is printed that led to it.
 */
#ifndef PAGEGAP_DECODE_INTERNAL_H
#define PAGEGAP_DECODE_INTERNAL_H

#include <stdio.h>
#include <sys/types.h>

#include "decode.h"
#include "decode_words.h"
#include "log_take.h"
#include "syscalls.h"

struct decoding {
	FILE *out;
	const struct log_call *call;
	const uint8_t *kinds;
	unsigned result_kind;
	struct decode_options options;
	bool returned;                  /* and its result is known */
	int  error;                     /* an errno, or 512 and above where the call is to be restarted; 0: none */
};

#define DECODE_MORE "..."

/* decode_print.c: the letters and numbers of it */

/* Bytes in quotes, escaped; @more: there were more than these. */
void decode_quoted(FILE *out, const unsigned char *bytes, size_t length, bool more);
void decode_quoted_hex(FILE *out, const unsigned char *bytes, size_t length, bool more);
void decode_address(FILE *out, uint64_t address);       /* "0x7f…", "NULL" */
void decode_mode(FILE *out, unsigned mode);             /* "0644" */
void decode_mode_type(FILE *out, unsigned mode);        /* "S_IFREG|0644" */
void decode_device(FILE *out, uint64_t device);         /* "makedev(0x8, 0x1)" */
void decode_descriptor(const struct decoding *d, int fd, bool after);
void decode_ticks(FILE *out, uint64_t ticks);             /* 5, and that it is 0.05 s */
void decode_uid(FILE *out, uint32_t id);                /* "-1" for none */

/* What the call was made with, and what there was afterwards: false when not all of it was kept, and then nothing is changed. */
bool decode_before(const struct decoding *d, uint64_t address, void *to, size_t bytes);
bool decode_after(const struct decoding *d, uint64_t address, void *to, size_t bytes);
/* As it was after the call where it is known, else before. */
bool decode_either(const struct decoding *d, uint64_t address, void *to, size_t bytes);

/* A text up to its 0, or @bytes bytes, as far as they were kept; the address where they were not. */
void decode_text(const struct decoding *d, const struct log_memory *memory, uint64_t address, bool path);
void decode_buffer(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t bytes);

/* Elements of an array, one after the other, as decode_before; *@at counts up. False when there is no other one, or it was not kept. */
struct decode_array {
	const struct log_memory *memory;
	uint64_t address, count;
	size_t size;
	uint64_t at;
};
bool decode_next(FILE *out, struct decode_array *array, void *element);
/* Opens; false: nothing was kept, the address has been printed, and there is nothing to close. */
bool decode_array_begin(FILE *out, const struct decode_array *array);
void decode_array_end(FILE *out, const struct decode_array *array);

/* decode_words.c */
bool decode_is_family(unsigned kind);
void decode_family(const struct decoding *d, unsigned kind, uint64_t value);
void decode_open_flags(FILE *out, uint32_t flags);
void decode_clone_flags(FILE *out, const struct decode_words *words, uint64_t flags, uint64_t signal);
void decode_socket_option(FILE *out, unsigned level, unsigned option);

/* decode_signals.c */
void decode_signal_name(FILE *out, int number);
void decode_signal_set(FILE *out, uint64_t set);
void decode_siginfo(FILE *out, const void *siginfo);
void decode_sigaction(const struct decoding *d, const struct log_memory *memory, uint64_t address);
void decode_sigevent(FILE *out, const void *sigevent);
void decode_wait_status(FILE *out, int status);

/* decode_structs.c: structures of one size, by the kind that has them. False: the kind is none of these. */
bool decode_struct(const struct decoding *d, unsigned kind, const struct log_memory *memory, uint64_t address);
void decode_timespec(FILE *out, int64_t seconds, int64_t nanoseconds);
/* Behind a time, as a comment, which moment of the calendar it is, in the reader's time zone. @digits: of the fraction, 0, 6 or 9 */
void decode_moment(FILE *out, int64_t seconds, uint64_t fraction, int digits);
void decode_date(FILE *out, int64_t seconds);          /* the moment alone */
void decode_timeval(FILE *out, int64_t seconds, int64_t microseconds);

/* decode_sockets.c */
void decode_sockaddr(FILE *out, const void *bytes, size_t length);
void decode_msghdr(const struct decoding *d, unsigned kind, uint64_t address);
void decode_mmsghdrs(const struct decoding *d, unsigned kind, uint64_t address, uint64_t count);
void decode_option_value(const struct decoding *d, unsigned index);

/* decode_vectors.c: lists of things */
void decode_iovec(const struct decoding *d, const struct log_memory *structures, const struct log_memory *contents, uint64_t address,
		  uint64_t count, uint64_t bytes, bool follow);
void decode_strings(const struct decoding *d, uint64_t address);
void decode_pollfds(const struct decoding *d, uint64_t address, uint64_t count);
void decode_fd_set(const struct decoding *d, const struct log_memory *memory, uint64_t address, int bits);
void decode_epoll_list(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t count, bool list);
bool decode_list(const struct decoding *d, unsigned index, unsigned kind);
/* What poll, select and their like are told, which strace shows behind the result; false: nothing */
bool decode_told(const struct decoding *d, FILE *out);

/* decode_sized.c: structures that say how long they are, or an argument does */
bool decode_sized(const struct decoding *d, unsigned index, unsigned kind);

/* decode_ioctl.c */
void decode_ioctl_name(FILE *out, uint32_t request);
void decode_ioctl_argument(const struct decoding *d, uint64_t address);

/* decode_commands.c: KIND_ARGUMENT, and which arguments a call has by its command */
void decode_command_argument(const struct decoding *d, unsigned index);
/* A bit for each that is there. */
unsigned decode_arguments_shown(const struct log_call *call, const uint8_t kinds[SYSCALL_ARGUMENTS]);

/* decode_kinds.c */
void decode_kind(const struct decoding *d, unsigned index);

/* decode_result.c */
void decode_result_words(const struct decoding *d);

#endif
