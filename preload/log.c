/* SPDX-License-Identifier: MIT */
/*
 * Who writes is known by the number that the kernel has for the thread, and not by its memory: threads that clone(2) made may share all of
 * that, a child of vfork has its parent's, a child of fork a copy. Each has a window of its own on the file, which lies on the chunk
 * that it fills. A handler that interrupts the writing of a record writes its own behind it, in the same chunk.
 */
#include "log.h"

#include <errno.h>
#include <sys/prctl.h>

#include "../report/log_take.h"
#include "../report/log_wish.h"
#include "call_counts.h"
#include "instrument.h"
#include "ranges.h"

struct log_header *log_file;

/* Only what is taken is of interest here, not names. Nothing is expanded before it is pasted. */
#define KINDS(result, a, b, c, d, e, f, ...) { RESULT_##result, { KIND_##a, KIND_##b, KIND_##c, KIND_##d, KIND_##e, KIND_##f } }
#define X(number, name, category, result, ...) [number] = KINDS(result, ##__VA_ARGS__, NONE, NONE, NONE, NONE, NONE, NONE, ),
static const struct {
	uint8_t result;
	uint8_t arguments[SYSCALL_ARGUMENTS];
} kinds[LOG_NUMBERS] = {
#include "../report/syscalls_x86_64.h"
};
#undef X

long log_take_memory(int tid, uint64_t address, void *to, size_t bytes)
{
	return sys_read_memory(tid, address, to, bytes);
}

long log_take_descriptor(int tid, int descriptor, char *to, size_t bytes)
{
	char path[] = "/proc/thread-self/fd/          ", digits[10] = "";
	size_t used = sizeof("/proc/thread-self/fd/") - 1, count = 0;

	(void)tid; /* its own, also where it is a child of vfork */
	if (descriptor < 0 || !log_file->descriptors)
		return -EBADF;
	do
		digits[count++] = (char)('0' + descriptor % 10);
	while (descriptor /= 10);
	while (count)
		path[used++] = digits[--count];
	path[used] = '\0';
	return sys_call4(SYS_readlinkat, AT_FDCWD, path, to, bytes);
}

/* libc's memcpy and the vDSO may use vector registers. */
static void copy(void *to, const void *from, size_t bytes)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

struct writer {
	uint32_t tid;                   /* 0: nobody's */
	uint32_t writing;               /* records that it is in, one interrupted by the other */
	uint32_t calls;                 /* logged so far */
	uint32_t claimed;               /* the window is known to be ours */
	struct log_chunk *chunk;        /* it fills this one; NULL: none */
	struct log_chunk *window;       /* mapped for it, and for whoever comes after it; NULL: not yet */
	uint64_t last_ns;
	uint64_t asked_ns, asked_ticks; /* when the kernel was last asked for the time */
	struct log_entry birth;         /* of the call that it makes a child by */
	long birth_arguments[6];
	uint32_t birth_number;
};

/* Hash tables by tid: one is looked for up to the first place that nobody ever had. The next table is for when those before it are full. */
#define TABLES 3
static const uint32_t rooms[TABLES] = { 16, 512, 8192 };
static struct writer *tables[TABLES];

static uint32_t own_tid(void)
{
	long tid = sys_call0(SYS_gettid);

	return tid > 0 ? (uint32_t)tid : this_thread.tid; /* a filter forbids to ask */
}

static struct writer *look_up(struct writer *table, uint32_t room, uint32_t tid)
{
	struct writer *unused;
	uint32_t nobody;

	do {
		nobody = 0;
		unused = NULL;
		for (uint32_t i = 0; i < room; i++) {
			struct writer *writer = &table[(tid + i) % room];
			uint32_t who = __atomic_load_n(&writer->tid, __ATOMIC_RELAXED);

			if (who == tid)
				return writer;
			if (!who && !unused)
				unused = writer;
			if (!who && !writer->window)
				break;
		}
		if (!unused)
			return NULL;
	} while (!__atomic_compare_exchange_n(&unused->tid, &nobody, tid, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	unused->chunk = NULL;
	unused->writing = unused->calls = 0;
	unused->birth.record = NULL;
	unused->last_ns = unused->asked_ticks = 0;
	this_thread.tid = tid;
	return unused;
}

static struct writer *make_table(unsigned number)
{
	struct writer *table = sys_reserve(rooms[number] * sizeof(*table)), *none = NULL;

	if (table && !__atomic_compare_exchange_n(&tables[number], &none, table, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
		sys_unmap(table, rooms[number] * sizeof(*table));
		table = none;
	}
	return table;
}

/* The calling thread's; NULL: too many. */
static struct writer *writer_of(uint32_t tid)
{
	struct writer *writer = NULL;

	for (unsigned i = 0; i < TABLES && !writer; i++) {
		struct writer *table = __atomic_load_n(&tables[i], __ATOMIC_ACQUIRE);

		if (!table)
			table = make_table(i);
		writer = table ? look_up(table, rooms[i], tid) : NULL;
	}
	return writer;
}

static bool lives(uint32_t tid)
{
	return sys_call2(SYS_tkill, tid, 0) != -ESRCH;
}

static struct log_chunk *reach(void *context, uint64_t offset)
{
	struct writer *writer = context;
	struct log_chunk *chunk = log_window(writer->window, offset);

	if (chunk && !writer->window && !log_whole)
		writer->window = chunk;
	return chunk;
}

/*
 * The kernel is asked for the time once in a while; in between, the processor's counter tells how much of it has passed. How fast that runs is known
 * from two moments of the process that lie at least RATE_NS apart, each right to half of MOMENT_TICKS; the clock itself may be slewed by 1 in 2000
 * (adjtimex(2)): so that what is told is right to 1 us, it is asked again after ASK_NS.
 */
#define RATE_NS      20000000ULL
#define ASK_NS       1000000ULL
#define MOMENT_TICKS 4000               /* that the question takes at most: a thread that had to wait meanwhile knows no moment */
static struct {
	uint64_t first_ns, first_ticks; /* 0: none yet */
	uint64_t rate;                  /* nanoseconds in 2^32 ticks; 0: not known yet */
} counter;

/* @part * 2^32 / @whole, which is larger than @part / 2^32: without libgcc's division of 128 bits. */
static uint64_t ratio(uint64_t part, uint64_t whole)
{
	uint64_t high = part >> 32, low = part << 32;

	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(whole) : "cc");
	return low;
}

static void learn_rate(uint64_t ns, uint64_t ticks)
{
	uint64_t none = 0, first = __atomic_load_n(&counter.first_ticks, __ATOMIC_ACQUIRE), passed_ns;

	if (!first && __atomic_compare_exchange_n(&counter.first_ns, &none, ns, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store_n(&counter.first_ticks, ticks, __ATOMIC_RELEASE);
	if (!first)
		return;
	passed_ns = ns - counter.first_ns;
	if ((int64_t)passed_ns > (int64_t)RATE_NS && (int64_t)(ticks - first) > (int64_t)(RATE_NS / 16))
		__atomic_store_n(&counter.rate, ratio(passed_ns, ticks - first), __ATOMIC_RELAXED);
}

/* What is not to be asked any more stands still. */
static uint64_t asked_ns(struct writer *writer)
{
	bool counts = call_clock == CALL_CLOCK_TSC;
	uint64_t before = counts ? __rdtsc() : 0, took;
	struct timespec now = { 0 };

	if (sys_failed(sys_call2(SYS_clock_gettime, CLOCK_MONOTONIC, &now)))
		return writer->last_ns;
	took = counts ? __rdtsc() - before : UINT64_MAX;
	writer->asked_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	writer->asked_ticks = took < MOMENT_TICKS ? before + took / 2 : 0;
	if (writer->asked_ticks)
		learn_rate(writer->asked_ns, writer->asked_ticks);
	return writer->asked_ns;
}

/* Not earlier than before. */
static uint64_t now_ns(struct writer *writer)
{
	uint64_t rate = __atomic_load_n(&counter.rate, __ATOMIC_RELAXED), passed, now;

	passed = rate && writer->asked_ticks && call_clock == CALL_CLOCK_TSC ? __rdtsc() - writer->asked_ticks : UINT64_MAX;
	if (passed < 1ULL << 28 && passed * rate >> 32 < ASK_NS)
		now = writer->asked_ns + (passed * rate >> 32);
	else
		now = asked_ns(writer);
	if (now > writer->last_ns)
		writer->last_ns = now;
	return writer->last_ns;
}

/*
 * To find that all chunks are owned takes a walk through all of them. Where more threads run than there are chunks, each of their calls would take
 * one: so after a walk in vain, none is taken for so many times as long.
 */
#define WALKS_SHARE      64
#define WALKS_PAUSE_MOST 100000000ULL   /* nanoseconds */
static uint64_t next_walk_ns;

static void take_chunk(struct writer *writer)
{
	const struct log_writer how = { reach, lives, writer };
	bool own = instrument_is_own_process();
	struct log_chunk *chunk;
	uint64_t now;

	if (writer->chunk)
		log_chunk_leave(writer->chunk, writer->tid);
	writer->chunk = NULL;
	now = now_ns(writer);
	if (now < __atomic_load_n(&next_walk_ns, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&log_file->skipped_calls, 1, __ATOMIC_RELAXED);
		return;
	}
	chunk = log_chunk_take(log_file, writer->tid, &how);
	if (!chunk) {
		__atomic_store_n(&next_walk_ns, now + min_u64((now_ns(writer) - now) * WALKS_SHARE, WALKS_PAUSE_MOST), __ATOMIC_RELAXED);
		return;
	}
	chunk->pid = own ? capture->pid : (uint32_t)sys_getpid();
	chunk->tid = own && !instrument_sees_outer_pids() && (int)writer->tid == sys_getpid() ? capture->pid : writer->tid;
	chunk->image_number = own ? capture->image_number : 0;
	sys_call2(SYS_prctl, PR_GET_NAME, chunk->comm);
	writer->chunk = chunk;
}

/* Begins a record. While an interrupted one is being written, its chunk must stay where it is. */
static struct log_record *begin_record(struct writer *writer, const struct log_record *as)
{
	uint32_t interrupted = __atomic_fetch_add(&writer->writing, 1, __ATOMIC_RELAXED);
	struct log_record *record = writer->chunk ? log_record_begin(writer->chunk, as) : NULL;

	if (!record && !interrupted) {
		take_chunk(writer);
		record = writer->chunk ? log_record_begin(writer->chunk, as) : NULL;
	} else if (!record) {
		__atomic_fetch_add(&log_file->skipped_calls, 1, __ATOMIC_RELAXED);
	}
	if (!record)
		__atomic_fetch_sub(&writer->writing, 1, __ATOMIC_RELAXED);
	return record;
}

static void end_record(struct writer *writer, struct log_record *record, const unsigned char *end)
{
	log_record_end(writer->chunk, record, end);
	__atomic_fetch_sub(&writer->writing, 1, __ATOMIC_RELAXED);
}

/* A process that locks itself in, or out of its privileges, could not open the file any more. */
static bool locks_itself_in(unsigned number, const long arguments[6])
{
	switch (number) {
	case SYS_prctl:
		return arguments[0] == PR_SET_SECCOMP;
	case SYS_prlimit64:
	case SYS_setrlimit:
		return arguments[number == SYS_prlimit64] == RLIMIT_NOFILE;
	case SYS_seccomp: case SYS_chroot: case SYS_pivot_root: case SYS_unshare: case SYS_setns: case SYS_setuid: case SYS_setgid:
	case SYS_setreuid: case SYS_setregid: case SYS_setresuid: case SYS_setresgid: case SYS_setfsuid: case SYS_setfsgid: case SYS_capset:
		return true;
	}
	return false;
}

/* Between a filter's coming and our knowing of it, no call of our own may be made: not even to ask the time. */
static bool installs_filter(unsigned number, const long arguments[6])
{
	return number == SYS_seccomp || (number == SYS_prctl && arguments[0] == PR_SET_SECCOMP);
}

void log_call(struct log_entry *entry, unsigned number, const long arguments[6])
{
	struct writer *writer;
	struct log_record as = { .kind = LOG_CALL };
	struct log_room room;

	entry->record = NULL;
	number = (unsigned)min_u64(number, LOG_NUMBERS - 1);
	if (locks_itself_in(number, arguments))
		log_keep();
	if (!log_wanted(&log_file->wish, number))
		return;
	writer = writer_of(own_tid());
	if (!writer) {
		__atomic_fetch_add(&log_file->skipped_calls, 1, __ATOMIC_RELAXED);
		return;
	}
	entry->at_ns = as.at_ns = now_ns(writer);
	entry->call = as.call = __atomic_add_fetch(&writer->calls, 1, __ATOMIC_RELAXED);
	as.number = (uint16_t)number;
	copy(as.values, arguments, sizeof(as.values));
	entry->record = begin_record(writer, &as);
	if (!entry->record)
		return;
	entry->order = writer->chunk->order;
	room = log_record_room(entry->record);
	log_take_before((int)writer->tid, kinds[number].arguments, entry->record->values, log_file->string_bytes, &room);
	end_record(writer, entry->record, room.at);
	if (log_file->wish.path_length && !log_path_is_meant(&log_file->wish, entry->record, kinds[number].arguments)) {
		log_record_withdraw(writer->chunk, entry->record);
		entry->record = NULL;
	}
}

void log_result(const struct log_entry *entry, unsigned number, const long arguments[6], long result)
{
	bool quietly = installs_filter(number, arguments), meant;
	struct writer *writer = entry->record ? writer_of(quietly ? this_thread.tid : own_tid()) : NULL;
	struct log_record as = { .kind = LOG_RESULT, .result_known = 1, .call = entry->call }, *record;
	struct log_room room;

	if (!writer)
		return;
	number = (unsigned)min_u64(number, LOG_NUMBERS - 1);
	as.number = (uint16_t)number;
	as.at_ns = quietly ? entry->at_ns : now_ns(writer);
	as.values[0] = (uint64_t)result;
	meant = log_result_is_meant(&log_file->wish, result, as.at_ns - entry->at_ns);
	if (!meant && writer->chunk && writer->chunk->order == entry->order) {
		log_record_withdraw(writer->chunk, entry->record);
		return;
	}
	if (quietly && (!writer->chunk || writer->chunk->used > LOG_CHUNK_BYTES - LOG_RECORD_BYTES))
		return;
	record = begin_record(writer, &as);
	if (!record)
		return;
	room = log_record_room(record);
	if (meant && !quietly)
		log_take_after((int)writer->tid, kinds[number].arguments, kinds[number].result, (const uint64_t *)arguments, result,
			       log_file->string_bytes, &room);
	end_record(writer, record, room.at);
	if (!meant) /* its beginning lies where others may write by now: this says that it is not meant either */
		__atomic_store_n(&record->state, LOG_WITHDRAWN, __ATOMIC_RELEASE);
}

void log_birth(unsigned number, const long arguments[6])
{
	struct log_entry entry;
	struct writer *writer;

	log_call(&entry, number, arguments);
	writer = entry.record ? writer_of(own_tid()) : NULL;
	if (!writer)
		return;
	writer->birth = entry;
	writer->birth_number = number;
	copy(writer->birth_arguments, arguments, sizeof(writer->birth_arguments));
}

void log_born(long result)
{
	struct writer *writer = writer_of(own_tid());
	struct log_entry entry;

	if (!writer || !writer->birth.record)
		return;
	entry = writer->birth;
	writer->birth.record = NULL;
	log_result(&entry, writer->birth_number, writer->birth_arguments, result);
}

/* Gives a writer's place back; its window stays for the next one. */
static void leave(struct writer *writer)
{
	if (writer->chunk)
		log_chunk_leave(writer->chunk, writer->tid);
	writer->chunk = NULL;
	__atomic_store_n(&writer->tid, 0, __ATOMIC_RELEASE);
}

void log_leave(void)
{
	struct writer *writer = writer_of(own_tid());

	if (writer && !writer->writing)
		leave(writer);
}

void log_forked(void)
{
	uint32_t tid = log_file ? own_tid() : 0;

	for (unsigned number = 0; log_file && number < TABLES; number++)
		for (uint32_t i = 0; tables[number] && i < rooms[number]; i++) {
			struct writer *writer = &tables[number][i];

			if (writer->tid == tid)
				continue;
			writer->chunk = NULL;
			writer->writing = 0;
			writer->tid = 0;
		}
	this_thread.tid = tid;
}

static void claim(const void *start, uint64_t bytes, uint32_t *claimed)
{
	if (start && !__atomic_exchange_n(claimed, 1, __ATOMIC_RELAXED))
		ranges_claim_instrument((uint64_t)start, page_up((uint64_t)start + bytes));
}

void log_claim(void)
{
	static uint32_t whole_claimed, tables_claimed[TABLES];

	if (!log_file)
		return;
	claim(log_whole, log_whole_bytes, &whole_claimed);
	for (unsigned number = 0; number < TABLES; number++) {
		struct writer *table = __atomic_load_n(&tables[number], __ATOMIC_ACQUIRE);

		claim(table, rooms[number] * sizeof(*table), &tables_claimed[number]);
		for (uint32_t i = 0; table && i < rooms[number]; i++)
			claim(table[i].window, LOG_CHUNK_BYTES, &table[i].claimed);
	}
}
