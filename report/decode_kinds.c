/* SPDX-License-Identifier: MIT */
/* One argument in words, by its kind. */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "decode_internal.h"
#include "log_argument.h"

static bool is(const struct decoding *d, int number)
{
	return d->call->number == number;
}

/* What the kernel fills is there when the call has succeeded; else the address is all. */
static bool done(const struct decoding *d)
{
	return d->returned && !d->error;
}

static uint64_t length_of(const struct decoding *d, unsigned i)
{
	uint64_t next = i + 1 < SYSCALL_ARGUMENTS ? d->call->arguments[i + 1] : 0;

	return i + 1 < SYSCALL_ARGUMENTS && d->kinds[i + 1] == KIND_LENGTH ? (uint32_t)next : next;
}

/* An attribute's value may be a text with its 0, which is not shown. */
static uint64_t without_end(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t bytes)
{
	size_t kept;
	const unsigned char *at;

	switch (d->call->number) {
	case SYS_setxattr: case SYS_lsetxattr: case SYS_fsetxattr: case SYS_getxattr: case SYS_lgetxattr: case SYS_fgetxattr:
		at = log_memory_at(memory, address, &kept, NULL);
		return at && bytes && kept >= bytes && !at[bytes - 1] ? bytes - 1 : bytes;
	}
	return bytes;
}

static void buffer_filled(const struct decoding *d, uint64_t address, uint64_t asked)
{
	uint64_t bytes = (uint64_t)d->call->result;
	size_t kept;
	const unsigned char *at;

	if (!done(d) || !address || (!asked && bytes)) {
		decode_address(d->out, address);
		return;
	}
	if (!is(d, SYS_getrandom)) {
		decode_buffer(d, &d->call->after, address, without_end(d, &d->call->after, address, bytes));
		return;
	}
	at = log_memory_at(&d->call->after, address, &kept, NULL);
	if (kept > bytes)
		kept = (size_t)bytes;
	if (d->options.string_bytes && kept > d->options.string_bytes)
		kept = d->options.string_bytes;
	if (at || !bytes)
		decode_quoted_hex(d->out, at, kept, kept < bytes); /* it is no text, surely */
	else
		decode_address(d->out, address);
}

static void path_filled(const struct decoding *d, uint64_t address)
{
	size_t kept;
	const unsigned char *at = log_memory_at(&d->call->after, address, &kept, NULL);

	if (!done(d)) {
		decode_address(d->out, address);
	} else if (!is(d, SYS_getcwd)) {
		decode_buffer(d, &d->call->after, address, (uint64_t)d->call->result);
	} else if (at) {
		size_t length = strnlen((const char *)at, kept);

		decode_quoted(d->out, at, length, length == kept);
	} else
		decode_address(d->out, address);
}

static void counted(const struct decoding *d, const struct log_memory *memory, unsigned i, const char *one, const char *several)
{
	uint64_t n;

	decode_address(d->out, d->call->arguments[i]);
	if (log_memory_read(memory, LOG_COUNT + i, &n, sizeof(n), NULL) == sizeof(n))
		fprintf(d->out, " /* %lu %s%s */", (uint64_t)(n & ~LOG_COUNT_CUT), n == 1 ? one : several, n & LOG_COUNT_CUT ? ", unterminated" : "");
}

/* "[128 => 16]": room for so many bytes, and so many were there. */
static void length_at(const struct decoding *d, uint64_t address)
{
	int before, after;

	if (!decode_before(d, address, &before, sizeof(before)))
		decode_address(d->out, address);
	else if (done(d) && decode_after(d, address, &after, sizeof(after)) && after != before)
		fprintf(d->out, "[%d => %d]", before, after);
	else
		fprintf(d->out, "[%d]", before);
}

static void offset_at(const struct decoding *d, uint64_t address)
{
	uint64_t before, after;

	if (!decode_before(d, address, &before, sizeof(before))) {
		decode_address(d->out, address);
		return;
	}
	fprintf(d->out, is(d, SYS_sendfile) ? "[%lu]" : "[%ld]", before);
	if (is(d, SYS_sendfile) && done(d) && d->call->result && decode_after(d, address, &after, sizeof(after)))
		fprintf(d->out, " => [%lu]", after);
}

static void sockaddr_filled(const struct decoding *d, unsigned i)
{
	uint64_t address = d->call->arguments[i];
	size_t kept;
	const unsigned char *at = log_memory_at(&d->call->after, address, &kept, NULL);
	int length, room;

	if (!done(d) || !at || kept < 2 || i + 1 >= SYSCALL_ARGUMENTS || !decode_after(d, d->call->arguments[i + 1], &length, sizeof(length)) || length < 2) {
		decode_address(d->out, address);
		return;
	}
	if (decode_before(d, d->call->arguments[i + 1], &room, sizeof(room)) && room < length)
		length = room;
	decode_sockaddr(d->out, at, length > 0 && (size_t)length < kept ? (size_t)length : kept);
}

static void sockaddr(const struct decoding *d, unsigned i)
{
	uint64_t address = d->call->arguments[i];
	size_t kept, length = (size_t)length_of(d, i);
	const unsigned char *at = log_memory_at(&d->call->before, address, &kept, NULL);

	if (!at || kept < 2 || length < 2)
		decode_address(d->out, address);
	else
		decode_sockaddr(d->out, at, length < kept ? length : kept);
}

/* struct msgbuf: a type, and then the text. */
static void ipc_message(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t bytes)
{
	int64_t type;

	if (log_memory_read(memory, address, &type, sizeof(type), NULL) < sizeof(type)) {
		decode_address(d->out, address);
		return;
	}
	fprintf(d->out, "{mtype=%ld, mtext=", type);
	decode_buffer(d, memory, address + 8, bytes);
	fputc('}', d->out);
}

static void futex_value(const struct decoding *d, uint32_t value)
{
	uint32_t operation = (uint32_t)d->call->arguments[1] & (uint32_t)FUTEX_CMD_MASK;

	if (operation == FUTEX_WAKE_OP) {
		decode_word(d->out, &words_futex_wake_op, value >> 28 & 7);
		fputs("<<28|", d->out);
		if (value >> 31)
			fputs("FUTEX_OP_OPARG_SHIFT<<28|", d->out);
		fprintf(d->out, value >> 12 & 0xfff ? "%#x<<12|" : "%u<<12|", value >> 12 & 0xfff);
		decode_word(d->out, &words_futex_wake_compare, value >> 24 & 0xf);
		fprintf(d->out, "<<24|%#x", value & 0xfff);
	} else if (operation == FUTEX_WAIT_BITSET || operation == FUTEX_WAKE_BITSET) {
		if (value == FUTEX_BITSET_MATCH_ANY)
			fputs("FUTEX_BITSET_MATCH_ANY", d->out);
		else
			fprintf(d->out, "%#x", value);
	} else if (operation == FUTEX_CMP_REQUEUE || operation == FUTEX_CMP_REQUEUE_PI)
		fprintf(d->out, "%u", value);
	else
		fprintf(d->out, "%#x", value);
}

/* Lengths that their calls have as an int: a negative one is seen to be wrong. */
static bool signed_length(const struct decoding *d)
{
	switch (d->call->number) {
	case SYS_connect: case SYS_bind: case SYS_sendto: case SYS_setsockopt: case SYS_getgroups: case SYS_setgroups:
	case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_epoll_pwait2: case SYS_syslog: case SYS_sethostname: case SYS_setdomainname:
		return true;
	}
	return false;
}

/* Numbers, as the call would have them. */
static bool number(const struct decoding *d, unsigned i, unsigned kind)
{
	uint64_t value = d->call->arguments[i];
	FILE *out = d->out;

	switch (kind) {
	case KIND_INT:
	case KIND_PID:
	case KIND_EXIT_STATUS:
	case KIND_MILLISECONDS:
		fprintf(out, "%d", (int)value);
		return true;
	case KIND_LENGTH:
		if (is(d, SYS_readlink) || is(d, SYS_readlinkat))
			fprintf(out, "%lu", value);
		else
			fprintf(out, signed_length(d) ? "%d" : "%u", (uint32_t)value);
		return true;
	case KIND_UNSIGNED:
	case KIND_SECONDS:
		fprintf(out, is(d, SYS_iopl) ? "%d" : "%u", (uint32_t)value);
		return true;
	case KIND_LONG:
	case KIND_OFFSET:
		fprintf(out, is(d, SYS_mmap) ? "%#lx" : is(d, SYS_truncate) || is(d, SYS_ftruncate) ? "%lu" : "%ld", value);
		return true;
	case KIND_HEX:
		if ((is(d, SYS_kcmp) && i == 4 && (uint32_t)d->call->arguments[2] == KCMP_EPOLL_TFD) || is(d, SYS_io_destroy) || is(d, SYS_io_getevents) || is(d, SYS_io_pgetevents) || is(d, SYS_io_submit) || is(d, SYS_io_cancel))
			decode_address(out, value);
		else
			fprintf(out, is(d, SYS_process_vm_readv) || is(d, SYS_process_vm_writev) || is(d, SYS_lookup_dcookie) ? "%lu" : "%#lx", value);
		return true;
	case KIND_HEX_INT:
		if (is(d, SYS_futex))
			futex_value(d, (uint32_t)value);
		else if (is(d, SYS_reboot))
			decode_word(out, i ? &words_reboot_magic2 : &words_reboot_magic, (uint32_t)value);
		else
			fprintf(out, is(d, SYS_sched_setattr) || is(d, SYS_sched_getattr) || is(d, SYS_copy_file_range) ? "%u" : "%#x", (uint32_t)value);
		return true;
	case KIND_SIZE:
		fprintf(out, is(d, SYS_ioperm) ? "%#lx" : "%lu", value);
		return true;
	case KIND_POINTER:
	case KIND_FUTEX:
	case KIND_IGNORED:
		decode_address(out, value);
		return true;
	case KIND_FD:
		decode_descriptor(d, (int)value, false);
		return true;
	case KIND_AT_FD:
		if (is(d, SYS_fanotify_mark) && (int)value == -1)
			fputs("FAN_NOFD", out);
		else if ((int)value == AT_FDCWD && !is(d, SYS_open_by_handle_at))
			fputs("AT_FDCWD", out);
		else
			decode_descriptor(d, (int)value, false);
		return true;
	case KIND_MODE:
		if (is(d, SYS_mknod) || is(d, SYS_mknodat))
			decode_mode_type(out, (uint16_t)value);
		else
			decode_mode(out, (uint16_t)value);
		return true;
	case KIND_DEV:
		decode_device(out, value);
		return true;
	case KIND_UID:
	case KIND_GID:
		decode_uid(out, (uint32_t)value);
		return true;
	case KIND_SIGNAL:
		decode_signal_name(out, (int)value);
		return true;
	}
	return false;
}

/* A set of signals counts when its length is right, which is the last argument of its kind: others may stand between. */
static void signals(const struct decoding *d, unsigned i, const struct log_memory *memory)
{
	uint64_t set, size = sizeof(set);

	for (unsigned k = i + 1; k < SYSCALL_ARGUMENTS; k++)
		if (d->kinds[k] == KIND_SIZE)
			size = d->call->arguments[k];
	if ((memory == &d->call->after && !done(d)) || (is(d, SYS_rt_sigpending) ? size > sizeof(set) : size != sizeof(set)) ||
	    log_memory_read(memory, d->call->arguments[i], &set, sizeof(set), NULL) < sizeof(set))
		decode_address(d->out, d->call->arguments[i]);
	else
		decode_signal_set(d->out, size < sizeof(set) ? set & ((1UL << size * 8) - 1) : set);
}

/* The kernel takes 15 bytes of it. */
static void thread_name(const struct decoding *d, uint64_t address)
{
	size_t kept, length;
	const unsigned char *at = log_memory_at(&d->call->before, address, &kept, NULL);

	if (!at) {
		decode_address(d->out, address);
		return;
	}
	length = strnlen((const char *)at, kept);
	decode_quoted(d->out, at, length < 15 ? length : 15, length > 15);
}

/* Bytes and texts. */
static bool text(const struct decoding *d, unsigned i, unsigned kind)
{
	uint64_t address = d->call->arguments[i];
	const struct log_memory *before = &d->call->before, *after = &d->call->after;

	switch (kind) {
	case KIND_PATH:
		decode_text(d, before, address, true);
		return true;
	case KIND_STRING:
		if (is(d, SYS_prctl) && (uint32_t)d->call->arguments[0] == PR_SET_NAME)
			thread_name(d, address);
		else
			decode_text(d, before, address, false);
		return true;
	case KIND_BUFFER:
		if (is(d, SYS_setsockopt))
			decode_option_value(d, i);
		else if (is(d, SYS_init_module))
			decode_address(d->out, address);
		else
			decode_buffer(d, before, address, without_end(d, before, address, length_of(d, i)));
		return true;
	case KIND_BUFFER_FILLED:
		buffer_filled(d, address, length_of(d, i));
		return true;
	case KIND_BUFFER_FILLED_AT:
		if (is(d, SYS_getsockopt))
			decode_option_value(d, i);
		else if (done(d)) {
			int bytes = 0;

			decode_after(d, d->call->arguments[i + 1], &bytes, sizeof(bytes));
			decode_buffer(d, after, address, bytes > 0 ? (uint64_t)bytes : 0);
		} else
			decode_address(d->out, address);
		return true;
	case KIND_PATH_FILLED:
		path_filled(d, address);
		return true;
	case KIND_ENVIRONMENT:
		counted(d, before, i, "var", "vars");
		return true;
	case KIND_DIRENTS:
	case KIND_DIRENTS64:
		counted(d, after, i, "entries", "entries");
		return true;
	case KIND_SOCKADDR:
		sockaddr(d, i);
		return true;
	case KIND_SOCKADDR_FILLED:
		sockaddr_filled(d, i);
		return true;
	case KIND_MSGHDR:
	case KIND_MSGHDR_FILLED:
		decode_msghdr(d, kind, address);
		return true;
	case KIND_MMSGHDRS:
	case KIND_MMSGHDRS_FILLED:
		decode_mmsghdrs(d, kind, address, (uint32_t)d->call->arguments[i + 1]);
		return true;
	case KIND_MSGBUF:
		ipc_message(d, before, address, length_of(d, i));
		return true;
	case KIND_MSGBUF_FILLED:
		if (done(d))
			ipc_message(d, after, address, (uint64_t)d->call->result);
		else
			decode_address(d->out, address);
		return true;
	case KIND_LENGTH_AT:
		length_at(d, address);
		return true;
	case KIND_OFFSET_AT:
		offset_at(d, address);
		return true;
	case KIND_SIGSET:
		signals(d, i, before);
		return true;
	case KIND_SIGSET_FILLED:
		signals(d, i, after);
		return true;
	case KIND_SIGACTION:
		decode_sigaction(d, before, address);
		return true;
	case KIND_SIGACTION_FILLED:
		decode_sigaction(d, after, address);
		return true;
	}
	return false;
}

/* What some calls fill is a word, or better in hexadecimal. */
static bool filled_word(const struct decoding *d, unsigned i, unsigned kind)
{
	uint64_t address = d->call->arguments[i], value = 0;
	size_t bytes = kind == KIND_LONG_FILLED ? 8 : 4;

	if ((kind != KIND_LONG_FILLED && kind != KIND_INT_FILLED) || !done(d) || !decode_after(d, address, &value, bytes))
		return false;
	if (is(d, SYS_get_mempolicy)) {
		fputc('[', d->out);
		decode_word(d->out, &words_mempolicy, value);
		fputc(']', d->out);
	} else if (is(d, SYS_time)) {
		fprintf(d->out, "[%lu", value);
		decode_moment(d->out, (int64_t)value, 0, 0);
		fputc(']', d->out);
	} else if (is(d, SYS_mq_timedreceive) || is(d, SYS_getcpu) || (is(d, SYS_get_robust_list) && i == 2))
		fprintf(d->out, "[%lu]", value);
	else
		return false;
	return true;
}

/* In these, strace 6.1 looks at no argument. */
static bool raw(const struct decoding *d)
{
	return is(d, SYS_rseq) || is(d, SYS_sysfs) || is(d, SYS_set_tid_address) || is(d, SYS_create_module) || is(d, SYS_get_kernel_syms) ||
		is(d, SYS_query_module) || is(d, SYS_nfsservctl) ;
}

void decode_kind(const struct decoding *d, unsigned i)
{
	struct log_argument a = log_argument(d->kinds, d->call->arguments, i);
	uint64_t value = d->call->arguments[i];
	const struct log_memory *memory = a.kind >= KIND_FIRST_FILLED || a.kind == KIND_TIMEX ? &d->call->after : &d->call->before;

	if (raw(d))
		fprintf(d->out, "%#lx", value);
	else if (a.kind == KIND_ARGUMENT)
		decode_command_argument(d, i);
	else if (decode_is_family(a.kind))
		decode_family(d, a.kind, value);
	else if (number(d, i, a.kind) || text(d, i, a.kind) || filled_word(d, i, a.kind) || decode_list(d, i, a.kind) || decode_sized(d, i, a.kind))
		return;
	else if (a.kind == KIND_RUSAGE && is(d, SYS_wait4) && !d->call->result)
		decode_address(d->out, value); /* nobody was waited for */
	else if (a.kind == KIND_EPOLL_EVENT && d->call->arguments[1] == EPOLL_CTL_DEL)
		decode_address(d->out, value); /* the kernel does not look at it */
	else if ((a.kind >= KIND_FIRST_FILLED || a.kind == KIND_TIMEX) && a.kind != KIND_TIMESPEC_LEFT && !done(d))
		decode_address(d->out, value);
	else if (!decode_struct(d, a.kind, memory, value))
		fprintf(d->out, "%#lx", value);
}
