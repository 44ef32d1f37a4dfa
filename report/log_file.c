/* SPDX-License-Identifier: MIT */
/*
 * Opening a log: all of it is read once, thread by thread. Results come in the opposite order of their calls, for what runs while a call
 * waits is a handler of signals; but a handler may be left by longjmp(3), and then its calls and those below never return. So calls
 * without a result are kept on a stack, where a result finds its own from the top. Most results follow their call at once. The others,
 * and those whose call is lost, are written down.
 */
#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"
#include "progress.h"

#define LOAD_TRIES 4
#define OPEN_MOST  1024          /* calls without a result, of one thread; of more, the older half is given up */

struct open_call {
	log_position at;
	uint64_t at_ns;
	uint32_t call;
	bool     withdrawn;
};

/* What is known while a thread is read. */
struct walk {
	struct log_file *log;
	struct open_call open[OPEN_MOST];
	size_t open_used;
	log_position before;            /* the record before, if it is a call */
};

static bool read_at(int fd, void *to, size_t bytes, off_t offset)
{
	size_t have = 0;

	while (have < bytes) {
		ssize_t got = pread(fd, (char *)to + have, bytes - have, offset + (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got ? errno : ENODATA;
			return false;
		}
		have += (size_t)got;
	}
	return true;
}

static off_t chunk_offset(uint32_t number)
{
	return LOG_HEADER_BYTES + (off_t)number * LOG_CHUNK_BYTES;
}

/* Records that begin this far from the end are not the last one, which alone may still be given another length, or be taken back. */
static uint32_t settled(const unsigned char *chunk, uint32_t used)
{
	const struct log_record *record;
	uint32_t at = sizeof(struct log_chunk);
	bool bad;

	while (at + LOG_RECORD_BYTES < used && (record = log_record_at(chunk, used, at, &bad)))
		at += record->bytes;
	return at;
}

/*
 * A chunk that nobody owns is not written, or its order changes. In one that somebody owns the last record may be in the making; what is
 * behind it then, up to what it had reserved, is old and means nothing. Such a chunk is what it was as long as two looks find the same.
 */
uint32_t log_file_load(const struct log_file *log, const struct log_place *place, unsigned char chunk[LOG_CHUNK_BYTES])
{
	const struct log_chunk *copy = (const void *)chunk;
	off_t at = chunk_offset(place->number);
	struct log_chunk before, after;
	uint32_t used = 0;

	for (int i = 0; i < LOAD_TRIES; i++) {
		if (!read_at(log->fd, &before, sizeof(before), at) || before.order != place->order || before.used < sizeof(before) ||
		    before.used > LOG_CHUNK_BYTES || !read_at(log->fd, chunk, before.used, at) ||
		    !read_at(log->fd, &after, sizeof(after), at) || after.order != place->order)
			return 0;
		if (copy->pid != place->pid || copy->tid != place->tid || copy->image_number != place->image_number)
			return 0;
		used = before.used;
		if ((!before.owner && !copy->owner && !after.owner) ||
		    (read_at(log->fd, log->again, used, at) && !memcmp(log->again, chunk, used) && after.used == used))
			break;
		if (i == LOAD_TRIES - 1)
			used = settled(chunk, used);
	}
	return used < place->used ? used : place->used;
}

static int by_place(const void *a, const void *b)
{
	const struct log_pair *first = a, *second = b;

	return first->at < second->at ? -1 : first->at > second->at;
}

const struct log_pair *log_file_pair(const struct log_file *log, log_position at)
{
	struct log_pair key = { .at = at };

	return log->pairs_used ? bsearch(&key, log->pairs, log->pairs_used, sizeof(key), by_place) : NULL;
}

static void add_pair(struct log_file *log, log_position at, log_position result)
{
	if (log->pairs_used == log->pairs_room) {
		log->pairs_room = log->pairs_room ? log->pairs_room * 2 : 64;
		log->pairs = memory_more(log->pairs, log->pairs_room * sizeof(log->pairs[0]));
	}
	log->pairs[log->pairs_used++] = (struct log_pair){ at, result };
	log->some_not_meant |= result == LOG_NOT_MEANT;
}

static void push(struct walk *walk, log_position at, const struct log_record *record)
{
	if (walk->open_used == OPEN_MOST) {
		memmove(walk->open, walk->open + OPEN_MOST / 2, sizeof(walk->open) / 2);
		walk->open_used /= 2;
	}
	walk->open[walk->open_used++] = (struct open_call){ at, record->at_ns, record->call, record->state == LOG_WITHDRAWN };
}

static void shown(struct walk *walk, struct log_place *place, const struct log_record *record)
{
	if (place->first_ns == LOG_NEVER)
		place->first_ns = place->last_ns = record->at_ns;
	if (record->at_ns > place->last_ns)
		place->last_ns = record->at_ns;
	if (record->at_ns > walk->log->last_ns)
		walk->log->last_ns = record->at_ns;
}

/* A fork that returns in the child: the call is its parent's. */
static bool is_birth(const struct log_record *record)
{
	return (record->number == SYS_fork || record->number == SYS_vfork || record->number == SYS_clone || record->number == SYS_clone3) &&
	       record->result_known && !record->values[0];
}

/* What a result says of its call. */
static void take_answer(struct walk *walk, struct log_place *place, log_position at, const struct log_record *record,
			const struct open_call *call)
{
	struct log_file *log = walk->log;

	if (call->withdrawn)
		return;
	log->counts.unfinished--;
	if (record->state == LOG_WITHDRAWN) {
		log->counts.calls--;
		add_pair(log, call->at, LOG_NOT_MEANT);
		return;
	}
	if (call->at != walk->before)
		add_pair(log, call->at, at);
	if (record->at_ns > log->last_ns)
		log->last_ns = record->at_ns;
	if (record->at_ns > place->last_ns)
		place->last_ns = record->at_ns;
}

static void take_result(struct walk *walk, struct log_place *place, log_position at, const struct log_record *record)
{
	struct log_file *log = walk->log;
	size_t i = walk->open_used;

	while (i && walk->open[i - 1].call != record->call)
		i--;
	if (!i && (record->state == LOG_WITHDRAWN || is_birth(record)))
		return;
	if (!i) {
		log->counts.orphans++;
		add_pair(log, at, LOG_ORPHAN);
		shown(walk, place, record);
		return;
	}
	i--;
	if (record->at_ns < walk->open[i].at_ns) {
		log->counts.bad_records++;
		return;
	}
	take_answer(walk, place, at, record, &walk->open[i]);
	memmove(walk->open + i, walk->open + i + 1, (walk->open_used - i - 1) * sizeof(walk->open[0]));
	walk->open_used--;
}

static void take_record(struct walk *walk, struct log_place *place, log_position at, const struct log_record *record)
{
	struct log_file *log = walk->log;
	bool bad = false;

	if (record->state == LOG_UNFINISHED)
		return;
	if (!log_record_is_sound(record)) {
		log->counts.bad_records++;
		return;
	}
	log_record_memory(record, &bad);
	log->counts.bad_records += bad;
	if (record->kind == LOG_CALL) {
		push(walk, at, record);
		if (record->state == LOG_WITHDRAWN)
			return;
		log->counts.calls++;
		log->counts.unfinished++;
		shown(walk, place, record);
		walk->before = at;
	} else if (record->kind == LOG_RESULT) {
		take_result(walk, place, at, record);
	} else if (record->state == LOG_COMPLETE) {
		log->counts.signals++;
		shown(walk, place, record);
	}
}

static void walk_chunk(struct walk *walk, size_t index, const unsigned char *chunk, uint32_t used)
{
	struct log_place *place = &walk->log->places[index];
	const struct log_record *record;
	bool bad = false;

	for (uint32_t at = sizeof(struct log_chunk); (record = log_record_at(chunk, used, at, &bad)); at += record->bytes) {
		log_position before = walk->before;

		take_record(walk, place, log_position_of(index, at), record);
		if (walk->before == before)
			walk->before = LOG_ORPHAN;
	}
	walk->before = LOG_ORPHAN;
	walk->log->counts.bad_records += bad;
}

/* Numbers of calls begin again with an image, whose first result may be that of the exec that began it. */
static void new_image(struct walk *walk)
{
	if (walk->open_used > 1) {
		walk->open[0] = walk->open[walk->open_used - 1];
		walk->open_used = 1;
	}
}

static void walk_thread(struct walk *walk, struct log_thread *thread, unsigned char *chunk)
{
	struct log_file *log = walk->log;

	walk->open_used = 0;
	walk->before = LOG_ORPHAN;
	for (size_t i = thread->first; i < thread->first + thread->count; i++) {
		uint32_t used;

		if (i > thread->first && log->places[i].image_number != log->places[i - 1].image_number)
			new_image(walk);
		used = log_file_load(log, &log->places[i], chunk);
		if (!used) /* whoever has used it again has counted these calls as lost */
			continue;
		/* What comes to it from now on is not shown. */
		log->places[i].used = used;
		memcpy(thread->comm, ((const struct log_chunk *)chunk)->comm, sizeof(thread->comm) - 1);
		walk_chunk(walk, i, chunk, used);
		progress_at(i);
	}
}

static int by_thread(const void *a, const void *b)
{
	const struct log_place *first = a, *second = b;

	if (first->pid != second->pid)
		return first->pid < second->pid ? -1 : 1;
	if (first->tid != second->tid)
		return first->tid < second->tid ? -1 : 1;
	return first->order < second->order ? -1 : first->order > second->order;
}

/* A chunk is handed out as its number, and then as that and so many more, again and again. */
static bool is_chunk(const struct log_file *log, uint32_t number, const struct log_chunk *chunk)
{
	return (chunk->order - 1) % log->header.chunks == number && chunk->order < LOG_NEVER && chunk->used >= sizeof(*chunk) &&
	       chunk->used <= LOG_CHUNK_BYTES && chunk->pid && chunk->tid;
}

static void find_chunks(struct log_file *log, uint32_t chunks)
{
	size_t room = 0;

	for (uint32_t number = 0; number < chunks; number++) {
		struct log_chunk chunk;

		if (!read_at(log->fd, &chunk, sizeof(chunk), chunk_offset(number)) || !chunk.order)
			continue;
		/* Whoever has got it may not have said yet who that is. */
		if (chunk.used == sizeof(chunk))
			continue;
		if (!is_chunk(log, number, &chunk)) {
			log->counts.bad_chunks++;
			continue;
		}
		if (log->places_used == room) {
			room = room ? room * 2 : 64;
			log->places = memory_more(log->places, room * sizeof(log->places[0]));
		}
		log->places[log->places_used++] = (struct log_place){
			.order = chunk.order, .first_ns = LOG_NEVER, .number = number, .pid = chunk.pid, .tid = chunk.tid,
			.image_number = chunk.image_number, .used = LOG_CHUNK_BYTES,
			.calls = chunk.calls < LOG_CHUNK_BYTES / sizeof(struct log_record) ? chunk.calls : 0,
		};
	}
	if (log->places_used)
		qsort(log->places, log->places_used, sizeof(log->places[0]), by_thread);
}

static void find_threads(struct log_file *log)
{
	for (size_t i = 0; i < log->places_used; i++) {
		const struct log_place *place = &log->places[i], *before = i ? place - 1 : NULL;

		if (before && before->pid == place->pid && before->tid == place->tid) {
			log->threads[log->threads_used - 1].count++;
			continue;
		}
		if (!(log->threads_used & (log->threads_used - 1)))
			log->threads = memory_more(log->threads, (log->threads_used ? log->threads_used * 2 : 1) * sizeof(log->threads[0]));
		log->threads[log->threads_used++] = (struct log_thread){ .pid = place->pid, .tid = place->tid, .first = i, .count = 1 };
	}
}

static void walk_all(struct log_file *log)
{
	struct walk *walk = memory_get(sizeof(*walk));
	unsigned char *chunk = memory_get(LOG_CHUNK_BYTES);

	walk->log = log;
	progress_begin("reading the call log", log->places_used);
	for (size_t i = 0; i < log->threads_used; i++)
		walk_thread(walk, &log->threads[i], chunk);
	progress_end();
	if (log->pairs_used)
		qsort(log->pairs, log->pairs_used, sizeof(log->pairs[0]), by_place);
	free(chunk);
	free(walk);
}

/* Why it is no log; NULL: it is one. */
static const char *check_header(const struct log_header *header, off_t bytes)
{
	if (memcmp(header->magic, LOG_MAGIC, sizeof(header->magic)))
		return "not a call log of pagegap";
	if (header->version != LOG_VERSION)
		return "written by another version of pagegap";
	if (!header->chunks || !header->begun_ns || header->begun_ns >> 62 || header->begun_realtime_ns >> 62)
		return "damaged: its header makes no sense";
	if (bytes <= LOG_HEADER_BYTES)
		return "damaged: there is nothing behind its header";
	return NULL;
}

static const char *read_header(struct log_file *log, uint32_t *chunks, off_t *bytes)
{
	struct stat status;
	const char *wrong;

	if (fstat(log->fd, &status))
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "not a regular file";
	*bytes = status.st_size;
	if (status.st_size < (off_t)sizeof(log->header))
		return status.st_size ? "damaged: too short for a call log" : "empty: the disk was full, or its program was killed at once";
	if (!read_at(log->fd, &log->header, sizeof(log->header), 0))
		return strerror(errno);
	wrong = check_header(&log->header, status.st_size);
	if (wrong)
		return wrong;
	*chunks = log->header.chunks;
	if ((status.st_size - LOG_HEADER_BYTES) / LOG_CHUNK_BYTES < *chunks)
		*chunks = (uint32_t)((status.st_size - LOG_HEADER_BYTES) / LOG_CHUNK_BYTES);
	return NULL;
}

struct log_file *log_file_read(int fd, const char *name)
{
	struct log_file *log = memory_get(sizeof(*log));
	struct log_header again;
	uint32_t chunks = 0;
	off_t bytes = 0;
	const char *wrong;

	log->fd = fd;
	log->again = memory_get(LOG_CHUNK_BYTES);
	wrong = read_header(log, &chunks, &bytes);
	if (wrong) {
		complain("%s: %s", name, wrong);
		log_file_close(log);
		return NULL;
	}
	if (chunks < log->header.chunks) {
		complain("%s: damaged: %u of its %u chunks are missing; the rest is shown", name, log->header.chunks - chunks, log->header.chunks);
		log->counts.bad_chunks += log->header.chunks - chunks;
	}
	find_chunks(log, chunks);
	find_threads(log);
	walk_all(log);
	/* It may be written meanwhile. */
	if (!read_at(fd, &again, sizeof(again), 0))
		again = log->header;
	log->counts.lost += again.lost_calls;
	log->counts.skipped += again.skipped_calls;
	return log;
}

struct log_file *log_file_open(const char *directory)
{
	char *name = memory_format("%s/%s", directory, LOG_FILE);
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct log_file *log = NULL;

	if (fd >= 0)
		log = log_file_read(fd, name);
	else if (errno == ENOENT)
		complain("%s: there is no call log in this recording; 'pagegap run --log' makes one", directory);
	else
		complain("%s: %s", name, errno == ELOOP ? "a symbolic link, which a recording has none of" : strerror(errno));
	free(name);
	return log;
}

void log_file_close(struct log_file *log)
{
	if (!log)
		return;
	close(log->fd);
	free(log->places);
	free(log->threads);
	free(log->pairs);
	free(log->again);
	free(log);
}
