/* SPDX-License-Identifier: MIT */
/* Lists of things: vectors of buffers, programs' arguments, descriptors that are waited for, sets of bits. */
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include "decode_internal.h"

void decode_iovec(const struct decoding *d, const struct log_memory *structures, const struct log_memory *contents, uint64_t address,
		  uint64_t count, uint64_t bytes, bool follow)
{
	struct decode_array array = { .memory = structures, .address = address, .count = count, .size = sizeof(struct iovec) };
	struct iovec v;

	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &v)) {
		uint64_t base = (uint64_t)(uintptr_t)v.iov_base, length = v.iov_len < bytes ? v.iov_len : bytes;

		fputs("{iov_base=", d->out);
		if (follow)
			decode_buffer(d, contents, base, length);
		else
			decode_address(d->out, base);
		fprintf(d->out, ", iov_len=%lu}", v.iov_len);
		bytes -= bytes == UINT64_MAX ? 0 : length;
	}
	decode_array_end(d->out, &array);
}

void decode_strings(const struct decoding *d, uint64_t address)
{
	size_t bytes, n = 0;
	const unsigned char *at = log_memory_at(&d->call->before, address, &bytes, NULL);
	uint64_t pointer = 0;

	if (!at) {
		decode_address(d->out, address);
		return;
	}
	fputc('[', d->out);
	for (; (n + 1) * 8 <= bytes; n++) {
		memcpy(&pointer, at + n * 8, 8);
		if (!pointer || n >= LOG_TAKE_ELEMENTS)
			break;
		fputs(n ? ", " : "", d->out);
		decode_text(d, &d->call->before, pointer, false);
	}
	if (pointer) {
		fputs(n ? ", " DECODE_MORE : DECODE_MORE, d->out);
		if (n < LOG_TAKE_ELEMENTS)
			fprintf(d->out, " /* %#lx */", (uint64_t)(address + n * 8));
	}
	fputc(']', d->out);
}

void decode_pollfds(const struct decoding *d, uint64_t address, uint64_t count)
{
	struct decode_array array = { .memory = &d->call->before, .address = address, .count = count, .size = sizeof(struct pollfd) };
	struct pollfd p;

	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &p)) {
		fprintf(d->out, "{fd=%d", p.fd);
		if (p.fd >= 0) {
			fputs(", events=", d->out);
			decode_flags(d->out, &words_poll_events, (uint16_t)p.events);
		}
		fputc('}', d->out);
	}
	decode_array_end(d->out, &array);
}

static void pollfds_told(const struct decoding *d, FILE *out, uint64_t address, uint64_t count)
{
	unsigned shown = 0;
	struct pollfd p;

	fputc('[', out);
	for (uint64_t i = 0; i < count && decode_after(d, address + i * sizeof(p), &p, sizeof(p)); i++) {
		if (!p.revents)
			continue;
		fputs(shown ? ", " : "", out);
		if (shown++ >= LOG_TAKE_ELEMENTS) {
			fputs(DECODE_MORE, out);
			break;
		}
		fprintf(out, "{fd=%d, revents=", p.fd);
		decode_flags(out, &words_poll_events, (uint16_t)p.revents);
		fputc('}', out);
	}
	fputc(']', out);
}

static bool bit(const unsigned char *bytes, size_t kept, unsigned n)
{
	return n / 8 < kept && bytes[n / 8] >> n % 8 & 1;
}

/* "[3 4]"; false: nothing is set */
static bool fd_list(FILE *out, const unsigned char *bytes, size_t kept, int bits)
{
	bool begun = false;

	for (int i = 0; i < bits && (size_t)i / 8 < kept; i++)
		if (bit(bytes, kept, (unsigned)i)) {
			fprintf(out, begun ? " %d" : "[%d", i);
			begun = true;
		}
	if (begun)
		fputc(']', out);
	return begun;
}

void decode_fd_set(const struct decoding *d, const struct log_memory *memory, uint64_t address, int bits)
{
	size_t kept;
	const unsigned char *at = log_memory_at(memory, address, &kept, NULL);

	if (bits < 0 || (!at && !(address && !bits)))
		decode_address(d->out, address);
	else if (!at || !fd_list(d->out, at, kept, bits))
		fputs("[]", d->out);
}

void decode_epoll_list(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t count, bool list)
{
	struct decode_array array = { .memory = memory, .address = address, .count = count, .size = sizeof(struct epoll_event) };
	struct epoll_event e;

	if (!list) {
		decode_struct(d, KIND_EPOLL_EVENT, memory, address);
		return;
	}
	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &e))
		decode_struct(d, KIND_EPOLL_EVENT, memory, address + (array.at - 1) * sizeof(e));
	decode_array_end(d->out, &array);
}

/* The processors of an affinity: "[0 1 5]" */
static void bit_list(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t bytes)
{
	size_t kept;
	const unsigned char *at = log_memory_at(memory, address, &kept, NULL);

	if (!at) {
		if (address && !bytes)
			fputs("[]", d->out);
		else
			decode_address(d->out, address);
		return;
	}
	if (kept > bytes)
		kept = (size_t)bytes;
	if (!fd_list(d->out, at, kept, (int)kept * 8))
		fputs("[]", d->out);
}

/* A mask of memory nodes, in words: "[0x0000000000000001]" */
static void node_mask(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t bits)
{
	struct decode_array array = { .memory = memory, .address = address, .count = bits / 64 + (bits % 64 != 0), .size = 8 };
	uint64_t word;

	if (!bits || !decode_array_begin(d->out, &array)) {
		if (!bits)
			fputs(address ? "[]" : "NULL", d->out);
		return;
	}
	while (decode_next(d->out, &array, &word))
		fprintf(d->out, "%#018lx", word);
	decode_array_end(d->out, &array);
}

static void numbers(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t count, size_t size)
{
	struct decode_array array = { .memory = memory, .address = address, .count = count, .size = size };
	uint64_t element = 0;

	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &element))
		fprintf(d->out, size == 8 ? "%#lx" : "%lu", size == 1 ? element & 1 : element);
	decode_array_end(d->out, &array);
}

static void semaphores(const struct decoding *d, uint64_t address, uint64_t count)
{
	struct decode_array array = { .memory = &d->call->before, .address = address, .count = count, .size = sizeof(struct sembuf) };
	struct sembuf s;

	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &s)) {
		fprintf(d->out, "{sem_num=%u, sem_op=%d, sem_flg=", s.sem_num, s.sem_op);
		decode_flags(d->out, &words_sem_flags, (uint16_t)s.sem_flg);
		fputc('}', d->out);
	}
	decode_array_end(d->out, &array);
}

static void waiters(const struct decoding *d, uint64_t address, uint64_t count)
{
	struct decode_array array = { .memory = &d->call->before, .address = address, .count = count, .size = sizeof(struct futex_waitv) };
	struct futex_waitv w;

	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &w)) {
		fprintf(d->out, "{val=%#lx, uaddr=", (uint64_t)w.val);
		decode_address(d->out, w.uaddr);
		fputs(", flags=", d->out);
		decode_flags(d->out, &words_futex_waiter, w.flags);
		if (w.__reserved)
			fprintf(d->out, ", __reserved=%#x", w.__reserved);
		fputc('}', d->out);
	}
	decode_array_end(d->out, &array);
}

static void control_blocks(const struct decoding *d, uint64_t address, uint64_t count)
{
	struct decode_array array = { .memory = &d->call->before, .address = address, .count = count, .size = 8 };
	uint64_t pointer;

	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &pointer)) {
		struct iocb b;

		if (!decode_before(d, pointer, &b, sizeof(b))) {
			decode_address(d->out, pointer);
			continue;
		}
		fprintf(d->out, "{aio_data=%#lx, ", (uint64_t)b.aio_data);
		if (b.aio_key)
			fprintf(d->out, "aio_key=%u, ", b.aio_key);
		fputs("aio_lio_opcode=", d->out);
		decode_word(d->out, &words_aio_command, b.aio_lio_opcode);
		if (b.aio_reqprio)
			fprintf(d->out, ", aio_reqprio=%d", b.aio_reqprio);
		fprintf(d->out, ", aio_fildes=%d", (int)b.aio_fildes);
		switch (b.aio_lio_opcode) {
		case IOCB_CMD_PREAD:
		case IOCB_CMD_PWRITE:
			fputs(", aio_buf=", d->out);
			if (b.aio_lio_opcode == IOCB_CMD_PWRITE)
				decode_buffer(d, &d->call->before, b.aio_buf, b.aio_nbytes);
			else
				decode_address(d->out, b.aio_buf);
			fprintf(d->out, ", aio_nbytes=%lu, aio_offset=%ld", (uint64_t)b.aio_nbytes, (int64_t)b.aio_offset);
			break;
		case IOCB_CMD_PREADV:
		case IOCB_CMD_PWRITEV:
			fputs(", aio_buf=", d->out);
			decode_iovec(d, &d->call->before, &d->call->before, b.aio_buf, b.aio_nbytes, UINT64_MAX, b.aio_lio_opcode == IOCB_CMD_PWRITEV);
			fprintf(d->out, ", aio_offset=%ld", (int64_t)b.aio_offset);
			break;
		}
		fputc('}', d->out);
	}
	decode_array_end(d->out, &array);
}

static void io_events(const struct decoding *d, uint64_t address, uint64_t count, bool list)
{
	struct decode_array array = { .memory = &d->call->after, .address = address, .count = count, .size = sizeof(struct io_event) };
	struct io_event e;

	if (!list) {
		if (!decode_after(d, address, &e, sizeof(e)))
			decode_address(d->out, address);
		else
			fprintf(d->out, "{data=%#lx, obj=%#lx, res=%ld, res2=%ld}", (uint64_t)e.data, (uint64_t)e.obj, (int64_t)e.res, (int64_t)e.res2);
		return;
	}
	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &e))
		fprintf(d->out, "{data=%#lx, obj=%#lx, res=%ld, res2=%ld}", (uint64_t)e.data, (uint64_t)e.obj, (int64_t)e.res, (int64_t)e.res2);
	decode_array_end(d->out, &array);
}

static uint64_t size_beside(const struct decoding *d, unsigned i)
{
	for (unsigned next = i + 1; next < SYSCALL_ARGUMENTS; next++)
		if (d->kinds[next] == KIND_SIZE)
			return d->call->arguments[next];
	while (i-- > 0)
		if (d->kinds[i] == KIND_SIZE)
			return d->call->arguments[i];
	return 0;
}

bool decode_list(const struct decoding *d, unsigned i, unsigned kind)
{
	const uint64_t *a = d->call->arguments;
	const struct log_memory *before = &d->call->before, *after = &d->call->after;
	uint64_t next = i + 1 < SYSCALL_ARGUMENTS ? a[i + 1] : 0, previous = i ? a[i - 1] : 0, result = (uint64_t)d->call->result;
	bool done = d->returned && !d->error;

	if (kind >= KIND_FIRST_FILLED && !done) {
		switch (kind) {
		case KIND_EPOLL_EVENTS: case KIND_IO_EVENTS: case KIND_CPU_SET_FILLED: case KIND_NODE_MASK_FILLED: case KIND_GIDS_FILLED:
		case KIND_RESIDENCY: case KIND_MOUNTS:
			decode_address(d->out, a[i]);
			return true;
		}
		return false;
	}
	switch (kind) {
	case KIND_IOVEC:
		decode_iovec(d, before, before, a[i], next, UINT64_MAX, true);
		return true;
	case KIND_RANGES:
		decode_iovec(d, before, before, a[i], next, 0, false);
		return true;
	case KIND_IOVEC_FILLED:
		decode_iovec(d, before, after, a[i], next, done ? result : UINT64_MAX, done);
		return true;
	case KIND_STRINGS:
		decode_strings(d, a[i]);
		return true;
	case KIND_POLLFDS:
		decode_pollfds(d, a[i], (uint32_t)next);
		return true;
	case KIND_FD_SET:
		decode_fd_set(d, before, a[i], (int)a[0]);
		return true;
	case KIND_EPOLL_EVENTS:
		decode_epoll_list(d, after, a[i], result, true);
		return true;
	case KIND_IO_EVENTS:
		io_events(d, a[i], result, i + 1 < SYSCALL_ARGUMENTS && d->kinds[i + 1]);
		return true;
	case KIND_IOCBS:
		control_blocks(d, a[i], previous);
		return true;
	case KIND_CPU_SET:
		bit_list(d, before, a[i], (uint32_t)previous);
		return true;
	case KIND_CPU_SET_FILLED:
		bit_list(d, after, a[i], result);
		return true;
	case KIND_NODE_MASK:
		node_mask(d, before, a[i], size_beside(d, i));
		return true;
	case KIND_NODE_MASK_FILLED:
		node_mask(d, after, a[i], next);
		return true;
	case KIND_GIDS:
		numbers(d, before, a[i], (uint32_t)previous, 4);
		return true;
	case KIND_GIDS_FILLED:
		if (previous)
			numbers(d, after, a[i], result, 4);
		else
			decode_address(d->out, a[i]);
		return true;
	case KIND_RESIDENCY:
		numbers(d, after, a[i], (previous + 4095) / 4096, 1);
		return true;
	case KIND_MOUNTS:
		numbers(d, after, a[i], result, 8);
		return true;
	case KIND_SEMBUF:
		semaphores(d, a[i], (uint32_t)next);
		return true;
	case KIND_FUTEX_WAITERS:
		waiters(d, a[i], d->kinds[1] == KIND_LENGTH ? (uint32_t)next : 2);
		return true;
	}
	return false;
}

static void time_left(const struct decoding *d, FILE *out, unsigned index, bool *begun)
{
	uint64_t address = d->call->arguments[index];
	struct timespec t;

	if (!address || !decode_after(d, address, &t, sizeof(t)))
		return;
	fputs(*begun ? ", left " : "left ", out);
	if (d->kinds[index] == KIND_TIMEVAL_WAIT)
		decode_timeval(out, t.tv_sec, t.tv_nsec);
	else
		decode_timespec(out, t.tv_sec, t.tv_nsec);
	*begun = true;
}

static bool select_told(const struct decoding *d, FILE *out)
{
	static const char *const names[] = { "in", "out", "except" };
	const uint64_t *a = d->call->arguments;
	bool begun = false;

	for (int i = 0; i < 3; i++) {
		size_t kept;
		const unsigned char *at = log_memory_at(&d->call->after, a[i + 1], &kept, NULL);
		bool any = false;

		for (int fd = 0; at && fd < (int)a[0] && (size_t)fd / 8 < kept && !any; fd++)
			any = bit(at, kept, (unsigned)fd);
		if (!any)
			continue;
		fprintf(out, "%s%s ", begun ? ", " : "", names[i]);
		fd_list(out, at, kept, (int)a[0]);
		begun = true;
	}
	time_left(d, out, 4, &begun);
	return begun;
}

bool decode_told(const struct decoding *d, FILE *out)
{
	const uint64_t *a = d->call->arguments;
	bool begun = false;

	if (!d->returned || d->error)
		return false;
	switch (d->call->number) {
	case SYS_poll:
	case SYS_ppoll:
		if (!d->call->result) {
			fputs("Timeout", out);
			return true;
		}
		pollfds_told(d, out, a[0], (uint32_t)a[1]);
		begun = true;
		if (d->call->number == SYS_ppoll)
			time_left(d, out, 2, &begun);
		return true;
	case SYS_select:
	case SYS_pselect6:
		if (!d->call->result) {
			fputs("Timeout", out);
			return true;
		}
		return select_told(d, out);
	case SYS_recvmmsg:
		if (!d->call->result) {
			fputs("Timeout", out);
			return true;
		}
		time_left(d, out, 4, &begun);
		return begun;
	}
	return false;
}
