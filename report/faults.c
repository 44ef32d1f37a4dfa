/* SPDX-License-Identifier: MIT */
/*
 * A sample costs a good part of a fault. A program that faults now and then has every fault sampled; one that does little
 * else soon has most of them only counted, and one that starts processes by the thousand has the later ones' only counted;
 * the recording says so.
 *
 * Whose memory an address is, is asked of the running process while it can be; many are gone before their samples are
 * read, and then their last ledger tells. Looking at a process costs what reading its maps costs, so it is done for
 * addresses that are not known yet, and never for more than a small share of the time.
 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../preload/capture.h"
#include "complain.h"
#include "fault_kinds.h"
#include "fault_order.h"
#include "fault_pages.h"
#include "fault_rings.h"
#include "fault_space.h"
#include "figures.h"
#include "invalid_access.h"
#include "last_faults.h"
#include "memory.h"

#define LOOK_SHARE   100                /* looking at processes may take 1/100 of the time; … */
#define LOOK_SHARE_OF_ALL 20            /* … 1/20 where every fault is to be placed */
#define SAMPLE_SHARE 200                /* samples may cost 1/200 of the time, … */
#define BURST_NS     3000000ULL         /* … and so much at once: what a program does while it starts */
#define SAMPLE_NS    250ULL             /* at least, whatever the noise of a measurement says */
#define PAUSE_NS     1000000ULL         /* worth of samples that must have been saved up before a pause ends */
#define LAST_BURST_NS 2000000ULL        /* the same for the last page faults, … */
#define LAST_PAUSE_NS 500000ULL         /* … and for the end of a pause of theirs */
#define PROCESS_NS   1000000ULL         /* what a process costs that inherits events and is followed: measured, at most */
#define PROCESSES    100                /* so many are followed in any case, beyond that those that take … */
#define PROCESS_SHARE 50                /* … 1/50 of the time */
#define PENDING_MOST 65536              /* samples of one image whose row is not known yet */
#define FORK_NS      5000000ULL         /* a fork takes at most so long, unless the process is very large */
#define LATEST       256                /* of an image, that are remembered one by one */
#define THREADS      64                 /* of an image, whose last sample is remembered; a power of two */
#define ATTEMPTS     256                /* of an image's last page faults, that are looked at */
#define BIRTH_NS     500000000ULL       /* so long the first writes beside a fork wait for what the child is */
#define STALE_MOST   64                 /* mappings since the last look */
#define BUCKETS      4096
#define HUGE_BYTES   (2ULL << 20)
#define ORDER_BYTES  offsetof(struct capture_order, parent_known) /* what an image knows of itself */
#define FAULT_TIMES  4                  /* a fault takes so many times a first touch, unless it loses its processor */
#define KILLED_NS    10000000ULL        /* what the kernel takes at most to take away the memory of a killed process */

struct pending { uint64_t address; struct fault_traits traits; struct sharing_write write; };
struct stretch { uint64_t start, end; enum capture_row row; };

/* A process image that is alive. */
struct life {
	struct life *next;             /* in its bucket */
	pid_t    pid;
	uint32_t number;                /* at least that of its capture */
	uint32_t threads;
	uint64_t threaded_ns;           /* since when there has been more than one */
	uint64_t begin_ns;              /* fork or exec */
	struct capture_faults counts;
	struct fault_kinds *kinds;
	struct sharer *sharer;          /* NULL: it has shared nothing yet */
	bool     birth_known;
	enum sharing_birth birth;
	struct capture_order order;
	uint64_t lefts, trims;          /* when it was asked last what it let go: lefts_noted, trims */
	uint64_t break_start, break_end; /* where it has been: the end is the highest */
	struct fault_space *space;      /* as of the last look; NULL: none */
	struct stretch stale[STALE_MOST]; /* mapped since then */
	size_t   stale_used;
	struct pending *pending;
	size_t   pending_used, pending_room;
	uint64_t looked_ns;
	struct { uint64_t time_ns, address; pid_t tid; bool major; } latest[LATEST]; /* a ring */
	struct { uint64_t time_ns, address; pid_t tid; } by_thread[THREADS]; /* the last of each, by its number */
	struct address_map *map;        /* NULL: its beginning was not seen */
	bool     exited;                /* the process has */
	bool     threaded;              /* it had more than one thread at some time */
	uint64_t minors, majors;        /* samples */
};

struct faults {
	struct fault_rings *rings;      /* NULL: given up */
	struct fault_eye *eye;
	struct sharing *sharing;
	struct huge_places *huge;
	int      directory;             /* -1: none yet */
	uint64_t opened_ns, looking_ns; /* when, and how long was spent on looking at processes */
	uint64_t minor_fault_ns, sample_ns; /* what a first touch costs, and its sample in addition */
	bool     every;                 /* whatever it costs */
	uint64_t taken;                 /* samples of minor faults */
	uint64_t forks;                 /* processes since the first */
	pid_t    newborn;               /* the last one */
	bool     closing;               /* nothing can be waited for any more */
	bool     paused;
	uint64_t paused_ns, resumed_ns; /* beginning of the last pause, and its end */
	struct last_faults *last;       /* NULL: they cannot be had */
	bool     last_read;             /* since the newest exit came */
	bool     last_paused;
	uint64_t last_paused_ns, last_resumed_ns;
	bool     started;               /* the first program has been executed */
	uint64_t early_minor, early_major;
	struct capture *buffer, *other; /* captures that are looked at; the second one by the sharing's means */
	struct life *buckets[BUCKETS];
};

/* Captures */

static int open_capture(const struct faults *faults, pid_t pid, uint32_t number, int flags)
{
	char *name = memory_format("%d.%" PRIu32 CAPTURE_SUFFIX, pid, number);
	int fd = openat(faults->directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	free(name);
	return fd;
}

static bool is_capture(const struct capture *c, pid_t pid)
{
	return !memcmp(c->magic, CAPTURE_MAGIC, sizeof(c->magic)) && c->version == CAPTURE_VERSION &&
	       c->header_bytes == sizeof(*c) && c->pid == (uint32_t)pid;
}

static bool read_part(int fd, struct capture *c, size_t from, size_t to)
{
	return pread(fd, (char *)c + from, to - from, (off_t)from) == (ssize_t)(to - from);
}

/*
 * Finds the capture that a process began between two times, from a number on, and reads its identity. Not mapped, for
 * the program may cut its file short. Returns its descriptor; -1: there is none, or none yet.
 */
static int find_capture(const struct faults *faults, pid_t pid, uint32_t *number, uint64_t begin_ns, uint64_t end_ns,
			int flags, struct capture *c)
{
	for (;; ++*number) { /* those before belong to what this pid was earlier */
		int file = open_capture(faults, pid, *number, flags);
		bool sound;

		if (file < 0)
			return -1;
		sound = read_part(file, c, 0, offsetof(struct capture, exe)) && is_capture(c, pid);
		if (sound && c->start_ns >= begin_ns && c->start_ns <= end_ns)
			return file;
		close(file);
		if (!sound || c->start_ns >= begin_ns)
			return -1;
	}
}

/*
 * The capture of an image: the one of its process that was begun while the image lived. Its identity, how it went and
 * its anatomy are read; NULL: it has none, or none yet. @fd: left open for writing, unless NULL.
 */
static struct capture *read_capture(struct faults *faults, struct life *image, uint64_t end_ns, int *fd)
{
	struct capture *c = faults->buffer;
	int file = find_capture(faults, image->pid, &image->number, image->begin_ns, end_ns, fd ? O_RDWR : O_RDONLY, c);
	bool good;

	if (file < 0)
		return NULL;
	good = read_part(file, c, offsetof(struct capture, ended), offsetof(struct capture, mappings));
	if (good && fd)
		*fd = file;
	else
		close(file);
	return good ? c : NULL;
}

/* What the last ledger said of the image's mappings, for samples that are still to be placed. */
static struct fault_space *recorded_space(int fd, struct capture *c)
{
	if (!read_part(fd, c, offsetof(struct capture, mappings), offsetof(struct capture, snapshots)) ||
	    !read_part(fd, c, offsetof(struct capture, mappings_used), offsetof(struct capture, mappings_dropped)))
		return NULL;
	return fault_space_recorded(c);
}

/* The order of writes */

static bool read_lefts(int fd, struct capture *c)
{
	return read_part(fd, c, offsetof(struct capture, cow.lefts_noted), offsetof(struct capture, cow.left_pages)) &&
	       read_part(fd, c, offsetof(struct capture, trims), offsetof(struct capture, anatomy));
}

/* Tells of what an image has let go since it was asked last. The ring may go on while it is read. */
static void refresh(void *context, void *of)
{
	struct faults *faults = context;
	struct capture *c = faults->other;
	struct life *image = of;
	uint64_t from, lefts;
	int fd = find_capture(faults, image->pid, &image->number, image->begin_ns, UINT64_MAX, O_RDONLY, c);

	if (fd < 0)
		return;
	if (!read_lefts(fd, c)) {
		close(fd);
		return;
	}
	lefts = c->cow.lefts_noted;
	from = lefts > CAPTURE_LEFTS ? lefts - CAPTURE_LEFTS : 0;
	if (from > image->lefts || c->trims != image->trims || c->cow.unasked_pages)
		sharing_left_unknown(image->sharer);
	for (uint64_t i = from > image->lefts ? from : image->lefts; i < lefts; i++) {
		const struct capture_left *left = &c->cow.left[i % CAPTURE_LEFTS];

		sharing_left(image->sharer, left->start, left->end, left->at_ns, left->moved);
	}
	image->lefts = lefts;
	image->trims = c->trims;
	if (!read_part(fd, c, offsetof(struct capture, cow.lefts_noted), offsetof(struct capture, cow.left)) ||
	    c->cow.lefts_noted > from + CAPTURE_LEFTS)
		sharing_left_unknown(image->sharer);
	close(fd);
}

/* The first capture since its birth tells: a fork begins one, a vfork does not. While there is none, its faults may. */
static enum sharing_birth birth_of(void *context, void *of)
{
	struct faults *faults = context;
	struct life *image = of;
	int fd;

	if (image->birth_known)
		return image->birth;
	fd = find_capture(faults, image->pid, &image->number, image->begin_ns, UINT64_MAX, O_RDONLY, faults->other);
	if (fd < 0)
		return fault_kinds_is_copy(image->kinds) ? SHARING_BY_COPY : SHARING_NOT_KNOWN;
	close(fd);
	image->birth_known = true;
	image->birth = faults->other->born == BORN_FORK ? SHARING_BY_COPY : SHARING_OF_ALL;
	if (image->birth == SHARING_BY_COPY)
		fault_kinds_prove_copy(image->kinds);
	return image->birth;
}

/* Writes down, with the child, what its parent did. */
static void finish_fork(void *context, const struct sharing_fork *fork)
{
	struct faults *faults = context;
	struct capture_order order = { .parent_known = 1, .by_parent = fork->by_parent };
	const size_t at = offsetof(struct capture_order, parent_known), bytes = sizeof(order) - at;
	uint32_t number = 0;
	int fd = find_capture(faults, fork->child, &number, fork->at_ns, UINT64_MAX, O_RDWR, faults->other);

	if (fd < 0)
		return;
	if (faults->other->born == BORN_FORK &&
	    pwrite(fd, (const char *)&order + at, bytes, (off_t)(offsetof(struct capture, cow.order) + at)) !=
		    (ssize_t)bytes)
		complain("%d.%" PRIu32 CAPTURE_SUFFIX ": its parent's writes could not be recorded: %s", fork->child,
			 number, strerror(errno));
	close(fd);
}

/*
 * A write that may be the first one since a fork. After it, further ones to the page need not be looked at, whatever is
 * mapped there by then; so the sharing hears of each, even of a major fault.
 */
static struct sharing_write judge(struct faults *faults, struct life *image, const struct fault_event *event,
				  const struct fault_traits *traits)
{
	bool huge = huge_places_have(faults->huge, event->address), known = traits->seen == SEEN_SHARED;

	if (!image->sharer || traits->access != ACCESS_WRITE || traits->seen == SEEN_WRITTEN)
		return (struct sharing_write){ .verdict = SHARING_NONE };
	if (traits->major) {
		sharing_write_unjudged(faults->sharing, image->sharer, event->address, event->page_bytes, event->time_ns);
		return (struct sharing_write){ .verdict = SHARING_NONE };
	}
	return sharing_write(faults->sharing, image->sharer, event->address, event->page_bytes, known, huge,
			     event->time_ns);
}

/* Counting */

static void place(const struct faults *faults, struct life *image, const struct fault_part *part, struct pending sample)
{
	struct capture_faults *counts = &image->counts;
	bool major = sample.traits.major;

	fault_kinds_count(faults->eye, image->kinds, sample.traits, sample.address, part, counts);
	if (part->row < CAPTURE_ROWS)
		(major ? counts->major : counts->minor)[part->row]++;
	else
		*(major ? &counts->unplaced_major : &counts->unplaced_minor) += 1;
	sample.write.known |= fault_eye_saw_shared(faults->eye, sample.traits, part->backing);
	fault_order_count(&image->order, &sample.write, part);
	sharing_release(faults->sharing, sample.write.fork);
}

/* The break may have shrunk since, but what lay there was its, for nothing else is mapped there. */
static struct fault_part part_in(const struct life *image, const struct fault_space *space, uint64_t address)
{
	struct fault_part part = fault_space_part(space, address);

	if (part.row < CAPTURE_ROWS || address < image->break_start || address >= image->break_end)
		return part;
	part = fault_space_part(space, image->break_start);
	return part.backing == BACKING_BREAK ? part : (struct fault_part){ .row = CAPTURE_ROWS };
}

/* Places what is pending as far as a space tells; @last: nothing more will be known of the rest. */
static void settle(const struct faults *faults, struct life *image, const struct fault_space *space, bool last)
{
	size_t kept = 0;

	for (size_t i = 0; i < image->pending_used; i++) {
		struct pending pending = image->pending[i];
		struct fault_part part = part_in(image, space, pending.address);

		if (part.row < CAPTURE_ROWS || last)
			place(faults, image, &part, pending);
		else
			image->pending[kept++] = pending;
	}
	image->pending_used = kept;
}

/* Looks at the running process, when that can be afforded. */
static void look(struct faults *faults, struct life *image)
{
	uint64_t now = now_ns();
	struct fault_space *space;
	const struct capture *c;

	if (faults->looking_ns * (faults->every ? LOOK_SHARE_OF_ALL : LOOK_SHARE) > now - faults->opened_ns || now - image->looked_ns < 2000000)
		return;
	image->looked_ns = now;
	c = read_capture(faults, image, UINT64_MAX, NULL);
	space = c ? fault_space_of(c, image->pid) : NULL;
	if (space) {
		fault_space_drop(image->space);
		image->space = space;
		image->stale_used = 0;
		settle(faults, image, space, false);
	}
	faults->looking_ns += now_ns() - now;
}

/* What an address belongs to, by the last look and by what was mapped since. */
static struct fault_part part_of(const struct life *image, uint64_t address)
{
	for (size_t i = image->stale_used; i--;) {
		const struct stretch *stretch = &image->stale[i];

		if (address >= stretch->start && address < stretch->end)
			return (struct fault_part){ stretch->start, stretch->end, stretch->row, BACKING_SHARED };
	}
	return part_in(image, image->space, address);
}

static void note_sample(struct life *image, const struct fault_event *event, bool major)
{
	size_t at = (image->minors + image->majors) % LATEST;

	image->latest[at].time_ns = event->time_ns;
	image->latest[at].address = event->address;
	image->latest[at].tid = event->tid;
	image->latest[at].major = major;
	*(major ? &image->majors : &image->minors) += 1;
	at = (uint32_t)event->tid % THREADS;
	image->by_thread[at].time_ns = event->time_ns;
	image->by_thread[at].address = event->address;
	image->by_thread[at].tid = event->tid;
}

static void count(struct faults *faults, struct life *image, const struct fault_event *event)
{
	bool major = event->kind == FAULT_MAJOR;
	struct pending sample = {
		.address = event->address, .traits = fault_kinds_note(faults->eye, image->kinds, event),
	};
	struct fault_part part = part_of(image, event->address);

	sample.write = judge(faults, image, event, &sample.traits);
	sample.traits.sharing = sample.write.verdict;
	if (event->page_bytes >= HUGE_BYTES)
		huge_places_add(faults->huge, event->address);
	faults->taken += !major;
	note_sample(image, event, major);
	if (part.row == CAPTURE_ROWS && image->pending_used == PENDING_MOST)
		look(faults, image);
	if (part.row < CAPTURE_ROWS || image->pending_used == PENDING_MOST) {
		place(faults, image, &part, sample);
		return;
	}
	if (image->pending_used == image->pending_room) {
		image->pending_room = image->pending_room ? image->pending_room * 2 : 64;
		image->pending = memory_more(image->pending, image->pending_room * sizeof(image->pending[0]));
	}
	image->pending[image->pending_used++] = sample;
}

/* Of the samples, those after the image read the kernel's counts for the last time. */
static void count_late(struct life *image, uint64_t usage_at_ns)
{
	uint64_t late[2] = { 0, 0 }, seen = 0, samples = image->minors + image->majors;

	for (; seen < samples && seen < LATEST; seen++) {
		size_t i = (samples - 1 - seen) % LATEST;

		if (image->latest[i].time_ns <= usage_at_ns)
			break;
		late[image->latest[i].major]++;
	}
	if (seen == LATEST && samples > LATEST)
		late[0] = late[1] = CAPTURE_UNKNOWN;
	image->counts.late_minor = late[0];
	image->counts.late_major = late[1];
}

/* The kernel's count of the process's minor faults up to the image's end; CAPTURE_UNKNOWN while that has not come. */
static uint64_t whole_count(const struct life *image, const struct capture *c)
{
	uint64_t late = image->counts.late_minor;

	return late == CAPTURE_UNKNOWN || !c->usage_at_ns || c->minor_faults == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : c->minor_faults + late;
}

/* Images */

static struct life **bucket(struct faults *faults, pid_t pid)
{
	return &faults->buckets[(uint32_t)pid % BUCKETS];
}

static struct life *find(struct faults *faults, pid_t pid)
{
	struct life *image = *bucket(faults, pid);

	while (image && image->pid != pid)
		image = image->next;
	return image;
}

/* Of a process that was waited for before its last events came. Its capture is complete by then. */
static uint64_t recall(void *context, pid_t pid)
{
	struct faults *faults = context;
	struct life *image = find(faults, pid);
	struct capture *c = image ? read_capture(faults, image, UINT64_MAX, NULL) : NULL;

	if (!c)
		return CAPTURE_UNKNOWN;
	count_late(image, c->usage_at_ns);
	return whole_count(image, c);
}

static struct life *begin(struct faults *faults, pid_t pid, uint64_t begin_ns, struct fault_kinds *kinds,
			  struct address_map *map)
{
	struct life *image = memory_get(sizeof(*image)), **first = bucket(faults, pid);

	*image = (struct life){
		.pid = pid, .threads = 1, .begin_ns = begin_ns, .next = *first, .kinds = kinds, .map = map
	};
	image->counts.partial = faults->paused || begin_ns < faults->resumed_ns;
	*first = image;
	return image;
}

/* What is known of the order of its writes when it ends. */
static void finish_order(struct faults *faults, struct life *image, const struct capture *c, uint64_t end_ns,
			 bool ended)
{
	struct capture_order *order = &image->order;
	bool by_itself = c->ended == ENDED_EXIT || c->ended == ENDED_EXEC;

	order->method = ORDER_SAMPLED;
	order->partial = image->counts.partial || image->counts.lost ||
			 (image->sharer && sharing_is_unsure(faults->sharing, image->sharer));
	order->unsampled_faults = CAPTURE_UNKNOWN;
	if (ended && by_itself)
		order->unsampled_faults = fault_kinds_unsampled(image->kinds, whole_count(image, c));
	if (image->sharer && ended)
		order->doubtful_pages = sharing_doubtful(image->sharer, by_itself ? c->end_ns : end_ns - KILLED_NS);
}

/* The last access */

/* A served one of the same thread and page that came with it or after it is it. */
static bool is_it(uint64_t time_ns, uint64_t address, pid_t tid, const struct fault_event *event)
{
	return time_ns >= event->time_ns && tid == event->tid && address / 4096 == event->address / 4096;
}

/* Whether a page fault was served: then it has been counted, unless samples are missing. */
static enum access_served served(const struct faults *faults, const struct life *image, const struct fault_event *event)
{
	uint64_t samples = image->minors + image->majors, seen = 0;
	size_t thread = (uint32_t)event->tid % THREADS;
	bool last_known = image->by_thread[thread].tid == event->tid;
	uint64_t last_ns = image->by_thread[thread].time_ns;

	if (is_it(last_ns, image->by_thread[thread].address, image->by_thread[thread].tid, event))
		return SERVED;
	for (; (!last_known || last_ns >= event->time_ns) && seen < samples && seen < LATEST; seen++) {
		size_t i = (samples - 1 - seen) % LATEST;

		if (image->latest[i].time_ns < event->time_ns)
			break;
		if (is_it(image->latest[i].time_ns, image->latest[i].address, image->latest[i].tid, event))
			return SERVED;
	}
	if (seen == LATEST || image->counts.lost || event->time_ns < faults->resumed_ns ||
	    (faults->paused && event->time_ns >= faults->paused_ns))
		return SERVED_UNKNOWN;
	return SERVED_NOT;
}

/* From the newest page fault that was written down to the end, others may have been missed. */
static bool was_last_paused(const struct faults *faults, uint64_t newest_ns, uint64_t end_ns)
{
	return newest_ns < faults->last_resumed_ns || (faults->last_paused && end_ns >= faults->last_paused_ns);
}

/* What the image's last page faults were. Its samples have all been counted. */
static struct capture_invalid_access find_invalid_access(struct faults *faults, const struct life *image,
							 uint64_t end_ns)
{
	struct capture_invalid_access found = { .state = ACCESS_NOT_WATCHED };
	struct access_attempt attempts[ATTEMPTS];
	struct fault_event newest[ATTEMPTS];
	uint64_t complete_since_ns;
	size_t count;

	if (!faults->last)
		return found;
	if (!faults->last_read)
		last_faults_read(faults->last);
	faults->last_read = true;
	count = last_faults_of(faults->last, image->pid, end_ns, newest, ATTEMPTS, &complete_since_ns);
	while (count && newest[count - 1].time_ns < image->begin_ns)
		count--; /* of another image in the same process */
	if (!count || newest[0].time_ns < complete_since_ns || was_last_paused(faults, newest[0].time_ns, end_ns))
		return found;
	for (size_t i = 0; i < count; i++) {
		attempts[i] =
			(struct access_attempt){ .event = newest[i], .served = served(faults, image, &newest[i]) };
		if (attempts[i].served != SERVED)
			attempts[i].access = fault_kinds_access(faults->eye, image->kinds, &newest[i]);
	}
	invalid_access_find(attempts, count, image->map, &found);
	if (found.state == ACCESS_ALL_SERVED && image->threaded && complete_since_ns > image->begin_ns)
		found.state = ACCESS_NOT_WATCHED; /* another thread's last one may have been overwritten */
	return found;
}

static void record_invalid_access(struct faults *faults, const struct life *image, uint64_t end_ns, int fd)
{
	struct capture_invalid_access found = find_invalid_access(faults, image, end_ns);

	if (found.state == ACCESS_NOT_WATCHED)
		return;
	if (pwrite(fd, &found, sizeof(found), offsetof(struct capture, invalid_access)) != (ssize_t)sizeof(found))
		complain("%d.%" PRIu32 CAPTURE_SUFFIX ": its last access could not be recorded: %s", image->pid,
			 image->number, strerror(errno));
}

/* Writes the counts of an image down. @ended: it has. False: it has no capture. */
static bool record(struct faults *faults, struct life *image, uint64_t end_ns, bool ended)
{
	struct capture_faults *counts = &image->counts;
	struct fault_space *space;
	struct capture *c;
	int fd;

	if (image->pending_used && !ended)
		look(faults, image);
	c = read_capture(faults, image, end_ns, &fd);
	if (!c)
		return false;
	if (image->pending_used) {
		space = recorded_space(fd, c);
		settle(faults, image, space, true);
		fault_space_drop(space);
	}
	if (image->exited)
		record_invalid_access(faults, image, end_ns, fd);
	counts->method = FAULTS_SAMPLED;
	counts->minor_fault_ns = faults->minor_fault_ns;
	counts->late_minor = counts->late_major = CAPTURE_UNKNOWN;
	if (ended)
		count_late(image, c->usage_at_ns);
	finish_order(faults, image, c, end_ns, ended);
	fault_kinds_finish(faults->eye, image->kinds, whole_count(image, c), counts);
	if (pwrite(fd, counts, sizeof(*counts), offsetof(struct capture, faults)) != (ssize_t)sizeof(*counts) ||
	    pwrite(fd, &image->order, ORDER_BYTES, offsetof(struct capture, cow.order)) != (ssize_t)ORDER_BYTES)
		complain("%d.%" PRIu32 CAPTURE_SUFFIX ": its page faults could not be recorded: %s", image->pid,
			 image->number, strerror(errno));
	close(fd);
	return true;
}

/* Removes an image. False: its counts are in no capture. */
static bool end(struct faults *faults, struct life *image, uint64_t end_ns, bool ended)
{
	struct life **link = bucket(faults, image->pid);
	bool recorded = record(faults, image, end_ns, ended);

	while (*link != image)
		link = &(*link)->next;
	*link = image->next;
	for (size_t i = 0; i < image->pending_used; i++)
		sharing_release(faults->sharing, image->pending[i].write.fork);
	if (image->sharer) {
		refresh(faults, image);
		sharing_end(faults->sharing, image->sharer, end_ns);
	}
	fault_space_drop(image->space);
	address_map_drop(image->map);
	fault_kinds_end(image->kinds);
	free(image->pending);
	free(image);
	return recorded;
}

/* Events */

/*
 * Page tables are copied before the event of the fork comes: what other threads wrote meanwhile, which may have been after
 * the copy, looks earlier. LATEST: so many or more.
 */
static uint64_t written_beside(const struct life *parent, const struct fault_event *fork)
{
	uint64_t samples = parent->minors + parent->majors, seen = 0, beside = 0;

	for (; parent->threads > 1 && seen < samples && seen < LATEST; seen++) {
		size_t i = (samples - 1 - seen) % LATEST;

		if (parent->latest[i].time_ns < parent->threaded_ns || parent->latest[i].time_ns + FORK_NS < fork->time_ns)
			return beside;
		beside += parent->latest[i].tid != fork->parent_tid;
	}
	return seen == LATEST ? LATEST : beside;
}

static void fork_process(struct faults *faults, const struct fault_event *event)
{
	struct life *parent = find(faults, event->parent), *child = find(faults, event->pid);
	uint64_t beside;

	faults->forks++;
	if (child) /* its exit was lost */
		end(faults, child, event->time_ns, true);
	child = begin(faults, event->pid, event->time_ns,
		      parent ? fault_kinds_fork(parent->kinds, event)
			     : fault_kinds_begin(faults->eye, event->pid, NULL, 0),
		      parent ? address_map_share(parent->map) : NULL);
	if (!parent)
		return;
	faults->newborn = event->pid;
	child->sharer = sharing_fork(&parent->sharer, parent, child, event->pid, event->time_ns);
	beside = written_beside(parent, event);
	sharing_doubt(child->sharer, beside);
	if (beside == LATEST)
		sharing_left_unknown(parent->sharer);
	if (!parent->space)
		look(faults, parent);
	child->space = fault_space_share(parent->space);
	memcpy(child->stale, parent->stale, sizeof(child->stale));
	child->stale_used = parent->stale_used;
	child->break_start = parent->break_start;
	child->break_end = parent->break_end;
}

/* The kernel counts a process from its fork on: what no capture has of it is taken off the next image's count. */
static void exec_image(struct faults *faults, struct life *image, const struct fault_event *event)
{
	struct life *next, before = { 0 };
	struct fault_kinds *kinds = fault_kinds_begin(faults->eye, event->pid, image ? image->kinds : NULL,
						      faults->started ? 0 : faults->early_minor);

	if (image) {
		before = *image;
		if (end(faults, image, event->time_ns, true))
			before.minors = before.majors = before.counts.early_minor = before.counts.early_major = 0;
	} else if (!faults->started) { /* the first program: what the runner did before it became that */
		before.counts.early_minor = faults->early_minor;
		before.counts.early_major = faults->early_major;
	}
	faults->started = true;
	next = begin(faults, event->pid, event->time_ns, kinds, address_map_new());
	next->number = before.number;
	next->counts.early_minor = before.counts.early_minor + before.minors;
	next->counts.early_major = before.counts.early_major + before.majors;
}

static void map_memory(struct faults *faults, struct life *image, const struct fault_event *event)
{
	uint64_t map_end = event->address + event->size;

	fault_kinds_map(faults->eye, image->kinds, event);
	if (image->map)
		address_map_note(&image->map, event);
	if (event->is_break) {
		image->break_start = event->address;
		image->break_end = map_end > image->break_end ? map_end : image->break_end;
	}
	if (!image->space)
		return;
	if (event->is_break && fault_space_part(image->space, event->address).row < CAPTURE_ROWS)
		return; /* it grew where it was: what is new is not in the space yet, what is old has not changed */
	if (image->stale_used == STALE_MOST) { /* too much has changed */
		fault_space_drop(image->space);
		image->space = NULL;
		image->stale_used = 0;
		return;
	}
	image->stale[image->stale_used++] = (struct stretch){
		event->address, map_end, event->is_capture ? ROW_INSTRUMENT : CAPTURE_ROWS,
	};
}

static void note_lost(struct faults *faults, uint64_t samples, uint64_t at_ns)
{
	if (!faults->paused)
		sharing_missing(faults->sharing, at_ns);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct life *image = faults->buckets[i]; image; image = image->next)
			image->counts.lost += samples;
}

/*
 * Whether a child has a copy of its parent's memory, or that memory itself, is known when it has run for a moment.
 * What others write meanwhile is looked at then.
 */
static bool is_too_early(struct faults *faults, const struct life *image)
{
	struct life *newborn = faults->newborn && image && image->sharer ? find(faults, faults->newborn) : NULL;

	if (!newborn || newborn == image)
		return false;
	if (!faults->closing && birth_of(faults, newborn) == SHARING_NOT_KNOWN && now_ns() - newborn->begin_ns < BIRTH_NS)
		return true;
	faults->newborn = 0;
	return false;
}

static bool take(void *context, const struct fault_event *event)
{
	struct faults *faults = context;
	struct life *image = find(faults, event->pid);

	switch (event->kind) {
	case FAULT_MINOR:
	case FAULT_MAJOR:
		if (is_too_early(faults, image))
			return false;
		if (!image)
			image = begin(faults, event->pid, event->time_ns,
				      fault_kinds_begin(faults->eye, event->pid, NULL, 0), NULL);
		count(faults, image, event);
		break;
	case FAULT_FORK:
		if (event->pid != event->parent) {
			fork_process(faults, event);
		} else if (image) {
			if (image->threads++ == 1)
				image->threaded_ns = event->time_ns;
			image->threaded = true;
		}
		break;
	case FAULT_EXEC:
		exec_image(faults, image, event);
		break;
	case FAULT_EXIT:
		if (image && !--image->threads) {
			image->exited = true;
			end(faults, image, event->time_ns, true);
		}
		break;
	case FAULT_MAP:
		if (image)
			map_memory(faults, image, event);
		break;
	case FAULT_LOST:
		note_lost(faults, event->size, event->time_ns);
		break;
	}
	return true;
}

/* What a first touch of fresh memory costs: the least of some tries, since what disturbs only adds. */
static uint64_t measure_fault(void)
{
	const size_t pages = 16, page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		char *memory = mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		uint64_t start, spent;

		if (memory == MAP_FAILED)
			return 0;
		madvise(memory, pages * page_bytes, MADV_NOHUGEPAGE);
		start = now_ns();
		for (size_t page = 0; page < pages; page++)
			((volatile char *)memory)[page * page_bytes] = 1;
		spent = (now_ns() - start) / pages;
		least = spent < least ? spent : least;
		munmap(memory, pages * page_bytes);
	}
	return least;
}

/* A huge page mapped in pieces, of which nobody else has any: Linux 6.15 takes the pieces over, older ones copy them. */
static struct sharing *sharing_here(struct faults *faults)
{
	struct sharing_means means = {
		.context = faults, .birth_of = birth_of, .refresh = refresh, .finished = finish_fork,
		.fault_ns = FAULT_TIMES * faults->minor_fault_ns,
	};
	struct utsname name;
	int major, minor;

	means.pieces_are_copied = uname(&name) || sscanf(name.release, "%d.%d", &major, &minor) != 2 ||
				  major < 6 || (major == 6 && minor < 15);
	return sharing_new(&means);
}

struct faults *faults_open(enum faults_mode mode, bool asked)
{
	struct fault_machine machine;
	struct fault_rings *rings = NULL;
	struct faults *faults;
	uint64_t fault_ns = 0, sampled_ns = 0;

	if (mode < FAULTS_SAMPLE)
		return NULL;
	if (fault_rings_may_be_asked_for()) {
		fault_ns = measure_fault();
		sampled_ns = fault_rings_under(measure_fault);
		rings = fault_rings_open();
	}
	if (!rings) {
		if (asked)
			complain("--faults: the kernel gives no samples of page faults: %s (see perf_event_paranoid in "
				 "perf_event_open(2)); they are only counted", strerror(errno));
		return NULL;
	}
	faults = memory_get(sizeof(*faults));
	faults->rings = rings;
	faults->last = last_faults_open();
	machine = fault_machine_here(fault_rings_know_sizes(rings));
	faults->eye = fault_eye_open(&machine, recall, faults);
	faults->directory = -1;
	faults->opened_ns = now_ns();
	faults->minor_fault_ns = fault_ns;
	faults->sample_ns = sampled_ns > fault_ns + SAMPLE_NS ? sampled_ns - fault_ns : SAMPLE_NS;
	faults->every = mode == FAULTS_ALL;
	faults->buffer = memory_get(sizeof(*faults->buffer));
	faults->other = memory_get(sizeof(*faults->other));
	faults->sharing = sharing_here(faults);
	faults->huge = huge_places_new();
	return faults;
}

void faults_begin(struct faults *faults, const struct launch *launch)
{
	if (!faults)
		return;
	faults->directory = open(launch->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	faults->early_minor = launch->minor_faults;
	faults->early_major = launch->major_faults;
}

size_t faults_polls(const struct faults *faults, struct pollfd *polls)
{
	size_t used = faults && faults->rings ? fault_rings_polls(faults->rings, polls) : 0;

	return used + (faults && faults->last ? last_faults_polls(faults->last, polls ? polls + used : NULL) : 0);
}

static void look_at_pending(struct faults *faults)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct life *image = faults->buckets[i]; image; image = image->next)
			if (image->pending_used)
				look(faults, image);
}

static void mark_partial(struct faults *faults)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct life *image = faults->buckets[i]; image; image = image->next)
			image->counts.partial = true;
}

static void give_up(struct faults *faults)
{
	if (faults->rings)
		fault_rings_close(faults->rings);
	if (faults->last)
		last_faults_close(faults->last);
	faults->rings = NULL;
	faults->last = NULL;
}

/* The last page faults have a budget of their own: without it, they would be the first to go. */
static void keep_last_to_budget(struct faults *faults)
{
	uint64_t now = now_ns(), allowed = LAST_BURST_NS + (now - faults->opened_ns) / SAMPLE_SHARE;
	uint64_t spent = faults->last ? last_faults_taken(faults->last) * faults->sample_ns : 0;

	if (!faults->last || (faults->last_paused ? spent + LAST_PAUSE_NS > allowed : spent <= allowed))
		return;
	if (!faults->last_paused)
		faults->last_paused_ns = now;
	last_faults_pause(faults->last, !faults->last_paused);
	faults->last_resumed_ns = faults->last_paused ? now_ns() : faults->last_resumed_ns;
	faults->last_paused = !faults->last_paused;
}

/* Samples are what the time allows: so much at the beginning, and a share of it as it goes by. */
static void keep_to_budget(struct faults *faults)
{
	uint64_t elapsed = now_ns() - faults->opened_ns, allowed = BURST_NS + elapsed / SAMPLE_SHARE;
	uint64_t spent = faults->taken * faults->sample_ns;

	if (faults->forks > PROCESSES + elapsed / PROCESS_SHARE / PROCESS_NS) {
		mark_partial(faults);
		sharing_missing(faults->sharing, UINT64_MAX);
		give_up(faults);
		return;
	}
	if (faults->paused ? spent + PAUSE_NS > allowed : spent <= allowed)
		return;
	if (!faults->paused)
		faults->paused_ns = now_ns();
	fault_rings_pause(faults->rings, !faults->paused);
	faults->resumed_ns = faults->paused ? now_ns() : faults->resumed_ns;
	faults->paused = !faults->paused;
	sharing_missing(faults->sharing, faults->paused ? UINT64_MAX : faults->resumed_ns);
	mark_partial(faults);
}

void faults_drain(struct faults *faults)
{
	if (!faults || !faults->rings)
		return;
	sharing_next_round(faults->sharing);
	faults->last_read = false;
	fault_rings_drain(faults->rings, false, take, faults);
	look_at_pending(faults);
	if (faults->every)
		return;
	keep_last_to_budget(faults);
	keep_to_budget(faults);
}

void faults_close(struct faults *faults)
{
	if (!faults)
		return;
	sharing_next_round(faults->sharing);
	faults->last_read = false;
	faults->closing = true;
	if (faults->rings)
		fault_rings_drain(faults->rings, true, take, faults);
	for (size_t i = 0; i < BUCKETS; i++)
		while (faults->buckets[i]) /* those that live on */
			end(faults, faults->buckets[i], UINT64_MAX, false);
	give_up(faults);
	fault_eye_close(faults->eye);
	sharing_free(faults->sharing);
	huge_places_free(faults->huge);
	free(faults->buffer);
	free(faults->other);
	if (faults->directory >= 0)
		close(faults->directory);
	free(faults);
}
