/* SPDX-License-Identifier: MIT */
/*
 * Takes the memory that a call is about. It runs inside programs, in signal handlers and between a fork and an exec: nothing is allocated,
 * nothing is kept from call to call, and the record's own room is the only buffer. What the program says of lengths is believed only as far
 * as there is room for it.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>
#include <utime.h>

#include "log_argument.h"
#include "log_take.h"

#define STRUCT_MAX  512                 /* of a structure that says its own size */
#define NAME_MAX_BYTES 128              /* struct sockaddr_storage */
#define POLL_MAX    256
#define PAGE        4096                /* the smallest: reads within one cannot end half-way */

struct take {
	int tid;
	unsigned string_bytes;
	const uint8_t *kinds;
	const uint64_t *arguments;
	struct log_room *room;
	bool after;
	long result;                    /* after */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Bytes that a piece could have; 0: none. */
static size_t left(const struct take *t)
{
	size_t room = (size_t)(t->room->end - t->room->at) & ~(size_t)7;

	return room > sizeof(struct log_piece) ? room - sizeof(struct log_piece) : 0;
}

static unsigned char *place(const struct take *t)
{
	return t->room->at + sizeof(struct log_piece);
}

/* The bytes stand in their place: now they are a piece. */
static void keep(struct take *t, uint64_t address, size_t bytes, bool cut)
{
	struct log_piece piece = { .address = address, .bytes = (uint32_t)bytes, .cut = cut };
	size_t padded = (bytes + 7) & ~(size_t)7;

	memcpy(t->room->at, &piece, sizeof(piece));
	memset(place(t) + bytes, 0, padded - bytes);
	t->room->at = place(t) + padded;
}

/*
 * Returns the bytes where they were kept, for a look at what they lead to; NULL: nothing was. @more: there are some that nobody wants.
 * Where the memory ends before they do, the kernel will find none either (EFAULT), and nothing is kept.
 */
static const unsigned char *bytes_at(struct take *t, uint64_t address, size_t bytes, bool more)
{
	size_t wanted = least(bytes, left(t));
	unsigned char *to = place(t);

	if (!address || !wanted || log_take_memory(t->tid, address, to, wanted) != (long)wanted)
		return NULL;
	keep(t, address, wanted, more || wanted < bytes);
	return to;
}

static void fixed(struct take *t, uint64_t address, size_t bytes)
{
	bytes_at(t, address, bytes, false);
}

/* An array, of which @most elements are kept, or those that are there; returns how many. */
static size_t array(struct take *t, uint64_t address, uint64_t count, size_t size, size_t most, const unsigned char **elements)
{
	size_t wanted = count < most ? (size_t)count : most, bytes = least(wanted * size, left(t));
	long got;

	*elements = place(t);
	if (!address || !bytes || (got = log_take_memory(t->tid, address, place(t), bytes)) <= 0)
		return 0;
	keep(t, address, (size_t)got, count > most || (size_t)got < wanted * size);
	return (size_t)got / size;
}

static void buffer(struct take *t, uint64_t address, uint64_t bytes)
{
	bytes_at(t, address, bytes < t->string_bytes ? (size_t)bytes : t->string_bytes, bytes > t->string_bytes);
}

/* Up to its 0, which is kept too and for which there is one byte more than @most. No read goes over the end of a page. */
static void text(struct take *t, uint64_t address, size_t most)
{
	size_t bytes = 0, room = left(t), step;
	bool ended = false;

	if (!address)
		return;
	if (room > most + 1)
		room = most + 1;
	for (step = 256; bytes < room && !ended; step = PAGE) {
		unsigned char *to = place(t) + bytes;
		size_t wanted = least(least(step, room - bytes), PAGE - (size_t)((address + bytes) % PAGE));
		long got = log_take_memory(t->tid, address + bytes, to, wanted);

		if (got <= 0)
			return;         /* no text: the kernel will not read it either */
		for (long i = 0; i < got && !ended; i++, bytes++)
			ended = !to[i];
	}
	if (!ended && bytes > most)
		bytes = most;
	if (bytes)
		keep(t, address, bytes, !ended);
}

/* A number read aside; 0 where there is none. */
static uint64_t number_at(const struct take *t, uint64_t address, size_t bytes)
{
	uint64_t number = 0;

	if (!address || log_take_memory(t->tid, address, &number, bytes) != (long)bytes)
		return 0;
	return number;
}

static void count(struct take *t, unsigned index, uint64_t n)
{
	if (left(t) < sizeof(n))
		return;
	memcpy(place(t), &n, sizeof(n));
	keep(t, LOG_COUNT + index, sizeof(n), false);
}

/* The room that is left is where a longer thing is looked through. */
static size_t look(struct take *t, uint64_t address, size_t bytes)
{
	size_t wanted = least(bytes, left(t));
	long got = wanted ? log_take_memory(t->tid, address, place(t), wanted) : 0;

	return got > 0 ? (size_t)got : 0;
}

static void environment(struct take *t, unsigned index)
{
	uint64_t address = t->arguments[index], n = 0, pointer = 1;

	if (left(t) < 8)
		return;
	while (address && pointer && n < 1 << 20) {
		size_t got = look(t, address + n * 8, PAGE - (size_t)((address + n * 8) % PAGE)) / 8;

		if (!got && (got = look(t, address + n * 8, 8) / 8) == 0) {
			if (n)
				count(t, index, n | LOG_COUNT_CUT);
			return;
		}
		for (size_t i = 0; i < got && pointer; i++) {
			memcpy(&pointer, place(t) + i * 8, sizeof(pointer));
			n += pointer != 0;
		}
	}
	if (address)
		count(t, index, n);
}

/* struct linux_dirent and linux_dirent64 both have an entry's length in bytes 16 and 17. */
static void directory(struct take *t, unsigned index)
{
	uint64_t bytes = (uint64_t)t->result, at = 0, entries = 0;

	while (at + 18 <= bytes) {
		size_t got = look(t, t->arguments[index] + at, (size_t)(bytes - at)), in = 0;
		uint16_t length = 0;

		for (; in + 18 <= got; in += length, entries++) {
			memcpy(&length, place(t) + in + 16, sizeof(length));
			if (length < 18)
				return;
		}
		if (!in)
			return;
		at += in;
	}
	count(t, index, entries);
}

/* The pointer array up to its NULL, and the texts. */
static void texts(struct take *t, uint64_t address)
{
	uint64_t pointers[LOG_TAKE_ELEMENTS + 1];
	size_t n = 0, bytes;
	long got;

	if (!address)
		return;
	got = log_take_memory(t->tid, address, pointers, least(sizeof(pointers), PAGE - (size_t)(address % PAGE)));
	if (got < 0)
		return;
	if ((size_t)got < sizeof(pointers)) {   /* it goes on in the next page, perhaps */
		long more = log_take_memory(t->tid, address + (uint64_t)got, (char *)pointers + got, sizeof(pointers) - (size_t)got);
		got += more > 0 ? more : 0;
	}
	while (n < (size_t)got / 8 && n < LOG_TAKE_ELEMENTS && pointers[n])
		n++;
	bytes = least((n < (size_t)got / 8 ? n + 1 : n) * 8, left(t) & ~(size_t)7);
	if (!bytes)
		return;
	memcpy(place(t), pointers, bytes);
	keep(t, address, bytes, bytes / 8 <= n || pointers[n]);
	for (size_t i = 0; i < n && i < bytes / 8; i++)
		text(t, pointers[i], t->string_bytes);
}

/* @bytes: that all vectors have together, UINT64_MAX: as many as they say */
static void vectors(struct take *t, uint64_t address, uint64_t n, uint64_t bytes, bool contents)
{
	const unsigned char *elements;
	size_t kept = array(t, address, n, sizeof(struct iovec), LOG_TAKE_ELEMENTS, &elements);

	for (size_t i = 0; contents && i < kept && bytes; i++) {
		struct iovec v;
		uint64_t length;

		memcpy(&v, elements + i * sizeof(v), sizeof(v));
		length = v.iov_len < bytes ? v.iov_len : bytes;
		buffer(t, (uint64_t)(uintptr_t)v.iov_base, length);
		bytes -= bytes == UINT64_MAX ? 0 : length;
	}
}

static void name(struct take *t, uint64_t address, uint64_t length)
{
	bytes_at(t, address, length < NAME_MAX_BYTES ? (size_t)length : NAME_MAX_BYTES, length > NAME_MAX_BYTES);
}

/* What a struct msghdr leads to; @bytes: of the message */
static void message_parts(struct take *t, const unsigned char *at, uint64_t bytes)
{
	struct msghdr m;

	memcpy(&m, at, sizeof(m));
	if (m.msg_name)
		name(t, (uint64_t)(uintptr_t)m.msg_name, m.msg_namelen);
	vectors(t, (uint64_t)(uintptr_t)m.msg_iov, m.msg_iovlen, bytes, true);
	if (m.msg_control && m.msg_controllen)
		bytes_at(t, (uint64_t)(uintptr_t)m.msg_control, least(m.msg_controllen, STRUCT_MAX), m.msg_controllen > STRUCT_MAX);
}

static void message(struct take *t, uint64_t address, bool filled)
{
	const unsigned char *at = bytes_at(t, address, sizeof(struct msghdr), false);

	if (at && (!filled || t->after))
		message_parts(t, at, filled ? (uint64_t)t->result : UINT64_MAX);
}

static void messages(struct take *t, uint64_t address, uint64_t n, bool filled)
{
	const unsigned char *elements;
	size_t kept = array(t, address, n, sizeof(struct mmsghdr), LOG_TAKE_ELEMENTS, &elements);

	for (size_t i = 0; i < kept && filled == t->after; i++) {
		struct mmsghdr m;

		memcpy(&m, elements + i * sizeof(m), sizeof(m));
		message_parts(t, elements + i * sizeof(m), filled ? m.msg_len : UINT64_MAX);
	}
}

static void control_blocks(struct take *t, uint64_t address, uint64_t n)
{
	const unsigned char *elements;
	size_t kept = array(t, address, n, 8, LOG_TAKE_ELEMENTS, &elements);

	for (size_t i = 0; i < kept; i++) {
		uint64_t pointer;
		struct iocb block;
		const unsigned char *at;

		memcpy(&pointer, elements + i * 8, 8);
		at = bytes_at(t, pointer, sizeof(block), false);
		if (!at)
			continue;
		memcpy(&block, at, sizeof(block));
		if (block.aio_lio_opcode == IOCB_CMD_PWRITE)
			buffer(t, block.aio_buf, block.aio_nbytes);
		else if (block.aio_lio_opcode == IOCB_CMD_PWRITEV || block.aio_lio_opcode == IOCB_CMD_PREADV)
			vectors(t, block.aio_buf, block.aio_nbytes, UINT64_MAX, block.aio_lio_opcode == IOCB_CMD_PWRITEV);
	}
}

/* A structure whose bytes are an argument. */
static void sized(struct take *t, uint64_t address, uint64_t bytes)
{
	bytes_at(t, address, bytes < STRUCT_MAX ? (size_t)bytes : STRUCT_MAX, bytes > STRUCT_MAX);
}

/* clone3 tells its caller of the child through pointers in its structure. */
static void child(struct take *t, uint64_t address)
{
	struct clone_args a = { 0 };

	if (t->result <= 0 || log_take_memory(t->tid, address, &a, CLONE_ARGS_SIZE_VER0) < CLONE_ARGS_SIZE_VER0)
		return;
	if (a.flags & CLONE_PIDFD)
		fixed(t, a.pidfd, sizeof(int));
	if (a.flags & CLONE_PARENT_SETTID)
		fixed(t, a.parent_tid, sizeof(int));
}

/* Structures of one size. What is not here has a case of its own below. */
static const uint16_t struct_bytes[ARGUMENT_KINDS] = {
	[KIND_SIGSET] = 8,                      [KIND_SIGSET_FILLED] = 8,
	[KIND_SIGACTION] = 32,                  [KIND_SIGACTION_FILLED] = 32,
	[KIND_SIGINFO] = sizeof(siginfo_t),     [KIND_SIGINFO_FILLED] = sizeof(siginfo_t),
	[KIND_SIGSTACK] = sizeof(stack_t),      [KIND_SIGSTACK_FILLED] = sizeof(stack_t),
	[KIND_SIGEVENT] = sizeof(struct sigevent),
	[KIND_TIMESPEC] = sizeof(struct timespec),
	[KIND_TIMESPEC_WAIT] = sizeof(struct timespec),
	[KIND_TIMESPEC_FILLED] = sizeof(struct timespec),
	[KIND_TIMESPEC_LEFT] = sizeof(struct timespec),
	[KIND_TIMESPECS] = 2 * sizeof(struct timespec),
	[KIND_TIMEVAL] = sizeof(struct timeval),
	[KIND_TIMEVAL_WAIT] = sizeof(struct timeval),
	[KIND_TIMEVAL_FILLED] = sizeof(struct timeval),
	[KIND_TIMEVALS] = 2 * sizeof(struct timeval),
	[KIND_UTIMBUF] = sizeof(struct utimbuf),
	[KIND_TIMEZONE] = sizeof(struct timezone), [KIND_TIMEZONE_FILLED] = sizeof(struct timezone),
	[KIND_ITIMERVAL] = sizeof(struct itimerval), [KIND_ITIMERVAL_FILLED] = sizeof(struct itimerval),
	[KIND_ITIMERSPEC] = sizeof(struct itimerspec), [KIND_ITIMERSPEC_FILLED] = sizeof(struct itimerspec),
	[KIND_RLIMIT] = sizeof(struct rlimit64), [KIND_RLIMIT_FILLED] = sizeof(struct rlimit64),
	[KIND_EPOLL_EVENT] = sizeof(struct epoll_event),
	[KIND_SCHED_PARAM] = sizeof(struct sched_param), [KIND_SCHED_PARAM_FILLED] = sizeof(struct sched_param),
	[KIND_SCHED_ATTR] = 56,
	[KIND_MOUNT_REQUEST] = 24,
	[KIND_MQ_ATTR] = sizeof(struct mq_attr), [KIND_MQ_ATTR_FILLED] = sizeof(struct mq_attr),
	[KIND_CAP_DATA] = _LINUX_CAPABILITY_U32S_3 * sizeof(struct __user_cap_data_struct),
	[KIND_CAP_DATA_FILLED] = _LINUX_CAPABILITY_U32S_3 * sizeof(struct __user_cap_data_struct),
	[KIND_CAP_HEADER] = sizeof(struct __user_cap_header_struct),
	[KIND_PERF_ATTR] = sizeof(struct perf_event_attr),
	[KIND_CACHESTAT_RANGE] = 16,            [KIND_CACHESTAT] = 40,
	[KIND_OFFSET_AT] = 8,                   [KIND_LENGTH_AT] = 4,
	[KIND_TIMEX] = sizeof(struct timex),
	[KIND_URING_PARAMS] = sizeof(struct io_uring_params),
	[KIND_STAT] = sizeof(struct stat),      [KIND_STATX] = sizeof(struct statx),
	[KIND_STATFS] = sizeof(struct statfs),
	[KIND_INT_FILLED] = 4,                  [KIND_LONG_FILLED] = 8,
	[KIND_FDS] = 2 * sizeof(int),
	[KIND_UID_FILLED] = 4,                  [KIND_GID_FILLED] = 4,
	[KIND_WAIT_STATUS] = 4,
	[KIND_RUSAGE] = sizeof(struct rusage),
	[KIND_UTSNAME] = 6 * 65,                /* struct new_utsname */
	[KIND_SYSINFO] = sizeof(struct sysinfo),
	[KIND_TMS] = sizeof(struct tms),
};

/* Argument @i, or what stands for it where it does not exist. */
static uint64_t argument(const struct take *t, unsigned i)
{
	return i < SYSCALL_ARGUMENTS ? t->arguments[i] : 0;
}

static uint64_t mask_bits(const struct take *t, unsigned i)
{
	for (unsigned next = i + 1; next < SYSCALL_ARGUMENTS; next++)
		if (t->kinds[next] == KIND_SIZE)
			return t->arguments[next];
	while (i-- > 0)
		if (t->kinds[i] == KIND_SIZE)
			return t->arguments[i];
	return 0;
}

static void bits(struct take *t, uint64_t address, uint64_t n)
{
	sized(t, address, n / 64 * 8 + (n % 64 ? 8 : 0));
}

/* What the kernel reads. */
static void take_read(struct take *t, unsigned i, unsigned kind)
{
	uint64_t address = t->arguments[i], next = argument(t, i + 1), before = i ? t->arguments[i - 1] : 0;
	const unsigned char *elements;

	switch (kind) {
	case KIND_PATH:
		text(t, address, LOG_TAKE_PATH - 1);
		break;
	case KIND_STRING:
		text(t, address, t->string_bytes);
		break;
	case KIND_STRINGS:
		texts(t, address);
		break;
	case KIND_ENVIRONMENT:
		environment(t, i);
		break;
	case KIND_BUFFER:
		buffer(t, address, i + 1 < SYSCALL_ARGUMENTS && t->kinds[i + 1] == KIND_LENGTH ? (uint32_t)next : next);
		break;
	case KIND_IOVEC:
		vectors(t, address, next, UINT64_MAX, true);
		break;
	case KIND_IOVEC_FILLED:
	case KIND_RANGES:
		vectors(t, address, next, 0, false);
		break;
	case KIND_SOCKADDR:
		name(t, address, (uint32_t)next);
		break;
	case KIND_MSGHDR:
	case KIND_MSGHDR_FILLED:
		message(t, address, kind == KIND_MSGHDR_FILLED);
		break;
	case KIND_MMSGHDRS:
	case KIND_MMSGHDRS_FILLED:
		messages(t, address, (uint32_t)next, kind == KIND_MMSGHDRS_FILLED);
		break;
	case KIND_MSGBUF:
		bytes_at(t, address, 8 + least((size_t)next, t->string_bytes), next > t->string_bytes);
		break;
	case KIND_SIGSET_SIZED:
		fixed(t, address, 16);
		fixed(t, number_at(t, address, 8), 8);
		break;
	case KIND_GIDS:
		array(t, address, (uint32_t)before, sizeof(gid_t), LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_SEMBUF:
		array(t, address, (uint32_t)next, sizeof(struct sembuf), LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_CPU_SET:
		sized(t, address, (uint32_t)before);
		break;
	case KIND_NODE_MASK:
		bits(t, address, mask_bits(t, i));
		break;
	case KIND_CLONE_ARGS:
	case KIND_OPEN_HOW:
	case KIND_FILE_ATTR:
	case KIND_MOUNT_ATTR:
	case KIND_LANDLOCK_RULESET:
		sized(t, address, next);
		break;
	case KIND_BPF_ATTR:
		sized(t, address, (uint32_t)next);
		break;
	case KIND_XATTR_ARGS:
	case KIND_XATTR_ARGS_FILLED:            /* struct xattr_args: pointer, 32 bits of size, flags */
		sized(t, address, next);
		if (kind == KIND_XATTR_ARGS)
			buffer(t, number_at(t, address, 8), number_at(t, address + 8, 4));
		break;
	case KIND_FILE_HANDLE:
		sized(t, address, 8 + number_at(t, address, 4));
		break;
	case KIND_FILE_HANDLE_FILLED:
		fixed(t, address, 8);
		break;
	case KIND_IOCBS:
		control_blocks(t, address, before);
		break;
	case KIND_FUTEX_WAITERS:                /* futex_requeue has two, and flags where the number would be */
		array(t, address, t->kinds[1] == KIND_LENGTH ? (uint32_t)next : 2, sizeof(struct futex_waitv), LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_POLLFDS:
		array(t, address, (uint32_t)next, sizeof(struct pollfd), POLL_MAX, &elements);
		break;
	case KIND_FD_SET:
		bits(t, address, (uint32_t)t->arguments[0] < 1 << 16 ? (uint32_t)t->arguments[0] : 0);
		break;
	default:
		if (struct_bytes[kind])
			fixed(t, address, struct_bytes[kind]);
	}
}

static bool interrupted(long result)
{
	return result == -EINTR || (result <= -512 && result >= -516);
}

/* What the kernel has written. @result is not an error, but of those few kinds that are told of one. */
static void take_written(struct take *t, unsigned i, unsigned kind)
{
	uint64_t address = t->arguments[i], next = argument(t, i + 1), result = (uint64_t)t->result;
	const unsigned char *elements;

	switch (kind) {
	case KIND_CLONE_ARGS:
		child(t, address);
		break;
	case KIND_BUFFER_FILLED:
		if (next || (i + 1 < SYSCALL_ARGUMENTS && t->kinds[i + 1] != KIND_SIZE && t->kinds[i + 1] != KIND_LENGTH))
			buffer(t, address, result); /* getxattr asked with size 0 says how many there would be, and gives none */
		break;
	case KIND_BUFFER_FILLED_AT:
		buffer(t, address, number_at(t, next, 4));
		break;
	case KIND_PATH_FILLED:
		bytes_at(t, address, least((size_t)result, LOG_TAKE_PATH), result > LOG_TAKE_PATH);
		break;
	case KIND_DIRENTS:
	case KIND_DIRENTS64:
		directory(t, i);
		break;
	case KIND_SOCKADDR_FILLED:
		if (address)
			name(t, address, number_at(t, next, 4));
		break;
	case KIND_MSGHDR_FILLED:
		message(t, address, true);
		break;
	case KIND_MMSGHDRS:
		messages(t, address, result, false);
		break;
	case KIND_MMSGHDRS_FILLED:
		messages(t, address, result, true);
		break;
	case KIND_IOVEC_FILLED:
		vectors(t, address, next, result, true);
		break;
	case KIND_MSGBUF_FILLED:
		bytes_at(t, address, 8 + least((size_t)result, t->string_bytes), result > t->string_bytes);
		break;
	case KIND_XATTR_ARGS_FILLED:
		if (number_at(t, address + 8, 4))
			buffer(t, number_at(t, address, 8), result);
		break;
	case KIND_FILE_HANDLE_FILLED:
		sized(t, address, 8 + number_at(t, address, 4));
		break;
	case KIND_STATMOUNT:
	case KIND_FILE_ATTR_FILLED:
		sized(t, address, next);
		break;
	case KIND_SCHED_ATTR_FILLED:
	case KIND_BPF_ATTR:
		sized(t, address, (uint32_t)next);
		break;
	case KIND_MOUNTS:
		array(t, address, result, 8, LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_RESIDENCY:
		array(t, address, i ? (t->arguments[i - 1] + PAGE - 1) / PAGE : 0, 1, LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_GIDS_FILLED:
		if (i && t->arguments[i - 1])
			array(t, address, result, sizeof(gid_t), LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_EPOLL_EVENTS:
		array(t, address, result, sizeof(struct epoll_event), LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_IO_EVENTS:
		array(t, address, i + 1 < SYSCALL_ARGUMENTS && t->kinds[i + 1] ? result : 1, sizeof(struct io_event), LOG_TAKE_ELEMENTS, &elements);
		break;
	case KIND_CPU_SET_FILLED:
		sized(t, address, result);
		break;
	case KIND_NODE_MASK_FILLED:
		bits(t, address, next);
		break;
	case KIND_POLLFDS:
	case KIND_FD_SET:
		if (result)
			take_read(t, i, kind);
		break;
	case KIND_WAIT_STATUS:
		if (result)
			fixed(t, address, struct_bytes[kind]);
		break;
	default:
		if (struct_bytes[kind])
			fixed(t, address, struct_bytes[kind]);
	}
}

static void descriptor(struct take *t, int fd)
{
	long bytes;

	if (fd < 0 || !left(t) || (bytes = log_take_descriptor(t->tid, fd, (char *)place(t), least(left(t), LOG_TAKE_PATH))) <= 0)
		return;
	keep(t, LOG_DESCRIPTOR + (unsigned)fd, (size_t)bytes, false);
}

void log_take_before(int tid, const uint8_t kinds[SYSCALL_ARGUMENTS], const uint64_t arguments[6], unsigned string_bytes, struct log_room *room)
{
	struct take t = { .tid = tid, .string_bytes = string_bytes, .kinds = kinds, .arguments = arguments, .room = room };

	for (unsigned i = 0; i < SYSCALL_ARGUMENTS && kinds[i]; i++) {
		struct log_argument a = log_argument(kinds, arguments, i);

		if (a.kind == KIND_ARGUMENT && a.read)
			fixed(&t, arguments[i], a.bytes);
		else if (a.kind > KIND_FLAGS_LSM && a.kind < KIND_FIRST_FILLED)
			take_read(&t, i, a.kind);
	}
	/* Last: where there is no room for all, the memory says more. */
	for (unsigned i = 0; i < SYSCALL_ARGUMENTS && kinds[i]; i++)
		if (kinds[i] == KIND_FD || kinds[i] == KIND_AT_FD)
			descriptor(&t, (int)arguments[i]);
}

void log_take_after(int tid, const uint8_t kinds[SYSCALL_ARGUMENTS], unsigned result_kind, const uint64_t arguments[6], long result,
		    unsigned string_bytes, struct log_room *room)
{
	struct take t = { .tid = tid, .string_bytes = string_bytes, .kinds = kinds, .arguments = arguments, .room = room,
			  .after = true, .result = result };
	bool failed = result < 0 && result >= -4095;

	for (unsigned i = 0; i < SYSCALL_ARGUMENTS && kinds[i]; i++) {
		struct log_argument a = log_argument(kinds, arguments, i);

		if (a.kind == KIND_TIMESPEC_LEFT ? !interrupted(result) : a.kind == KIND_FILE_HANDLE_FILLED ? failed && result != -EOVERFLOW : failed)
			continue;
		if (a.kind == KIND_ARGUMENT && a.written)
			fixed(&t, arguments[i], a.bytes);
		else if (a.kind == KIND_CLONE_ARGS || a.kind >= KIND_FIRST_BOTH)
			take_written(&t, i, a.kind);
	}
	if (failed)
		return;
	if (result_kind == RESULT_FD)
		descriptor(&t, (int)result);
	for (unsigned i = 0; i < SYSCALL_ARGUMENTS && kinds[i]; i++)
		if (kinds[i] == KIND_FDS) {
			uint64_t both = number_at(&t, arguments[i], 8);

			descriptor(&t, (int)(uint32_t)both);
			descriptor(&t, (int)(uint32_t)(both >> 32));
		}
}
