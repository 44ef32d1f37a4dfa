/* SPDX-License-Identifier: MIT */
/*
 * Of a fork, no event tells whether the child has a copy of the memory (fork) or the memory itself (vfork, posix_spawn, system). A write
 * fault on a page that had been written before the fork tells: where memory is shared as it is, nothing protects such a page from
 * being written; unless an earlier fork does, and it has not been written since. A forked child has one at once, on its
 * stack if nowhere else. Its parent may have one earlier, in the thread that
 * forked, which a vfork would hold until the child is another program or gone.
 */
#include "fault_kinds.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault_code.h"
#include "memory.h"
#include "sharing.h"

#define HUGE_BYTES    (2ULL << 20)
#define RECENT        4
#define UNSEEN_SHARE  20                /* of writes to pages never seen, 1/20 may be something else */

enum { HUGE_NOT, HUGE_YES, HUGE_UNKNOWN };

struct fault_eye {
	struct fault_modules *modules;
	struct fault_machine machine;
	fault_recall *recall;
	void *context;
};

struct fault_kinds {
	uint32_t holders;
	pid_t pid;
	struct fault_pages *pages;      /* NULL: the image has ended, only what its children ask for is kept */
	struct fault_code *code;
	bool forked;                    /* since then, what was written has been shared with a relative */
	bool fresh_child;               /* its pages are still as its parent left them */
	struct fault_kinds *parent;     /* NULL: none, or no longer needed */
	pid_t parent_tid;               /* that forked it */
	struct fault_kinds *open;       /* its children of which it is not known whether they share its memory; and … */
	struct fault_kinds *next_open;  /* … the next one of its parent's; both are not held */
	bool is_open;
	bool is_copy;                   /* by its own faults: a parent's page may fault once more without a fork */
	uint64_t samples;               /* of the process's minor faults, and what else is known of them */
	uint64_t unseen;                /* of the image and its ancestors, when it has ended */
	struct { uint64_t page; pid_t tid; } recent[RECENT];
	uint32_t at_recent;
	uint64_t blind[CAPTURE_KINDS], again[CAPTURE_KINDS]; /* of these kinds, unless they turn out to be unknown */
	uint64_t break_end, break_lowest; /* the highest end; the lowest page that came again */
	bool break_moved;               /* down, and up again */
};

static bool read_number(const char *path, uint64_t *number)
{
	char text[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	*number = strtoull(text, NULL, 10);
	return true;
}

/* Nearly every kernel has a page of zeros. Where there is none, the write after a read is no fault. */
static bool has_zero_page(void)
{
	const size_t bytes = 4 * 4096;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage before, after;
	char read = 0;

	if (memory == MAP_FAILED)
		return true;
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < bytes; at += 4096)
		read = (char)(read + ((volatile char *)memory)[at]);
	getrusage(RUSAGE_SELF, &before);
	for (size_t at = 0; at < bytes; at += 4096)
		((volatile char *)memory)[at] = read;
	getrusage(RUSAGE_SELF, &after);
	munmap(memory, bytes);
	return after.ru_minflt - before.ru_minflt >= 4;
}

/* Wherever to: a device, compressed memory, or, of zeros, nowhere at all. CAPTURE_UNKNOWN: /proc cannot be read. */
static uint64_t pages_swapped_out(void)
{
	static const char *const names[] = { "pswpout ", "zswpout ", "swpout_zero " };
	FILE *file = fopen("/proc/vmstat", "re");
	uint64_t pages = 0;
	char line[128];

	if (!file)
		return CAPTURE_UNKNOWN;
	while (fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!strncmp(line, names[i], strlen(names[i])))
				pages += strtoull(line + strlen(names[i]), NULL, 10);
	fclose(file);
	return pages;
}

struct fault_machine fault_machine_here(bool sizes)
{
	struct fault_machine machine = { .sizes = sizes, .zero_page = has_zero_page(), .swapped_out = pages_swapped_out() };
	uint64_t number;

	machine.huge_zero_page =
		machine.zero_page && read_number("/sys/kernel/mm/transparent_hugepage/use_zero_page", &number) && number;
	machine.hints = read_number("/proc/sys/kernel/numa_balancing", &number) && number;
	return machine;
}

struct fault_eye *fault_eye_open(const struct fault_machine *machine, fault_recall *recall, void *context)
{
	struct fault_eye *eye = memory_get(sizeof(*eye));

	eye->recall = recall;
	eye->context = context;
	eye->machine = *machine;
	eye->modules = fault_modules_new();
	return eye;
}

void fault_eye_close(struct fault_eye *eye)
{
	fault_modules_free(eye->modules);
	free(eye);
}

/* Images */

static struct fault_kinds *new_kinds(pid_t pid)
{
	struct fault_kinds *kinds = memory_get(sizeof(*kinds));

	kinds->holders = 1;
	kinds->pid = pid;
	return kinds;
}

struct fault_kinds *fault_kinds_begin(const struct fault_eye *eye, pid_t pid, const struct fault_kinds *before, uint64_t unsampled)
{
	struct fault_kinds *kinds = new_kinds(pid);

	kinds->pages = fault_pages_new(!eye->machine.zero_page);
	kinds->code = fault_code_new();
	kinds->samples = unsampled + (before ? before->samples : 0);
	return kinds;
}

struct fault_kinds *fault_kinds_fork(struct fault_kinds *parent, const struct fault_event *event)
{
	struct fault_kinds *kinds = new_kinds(event->pid);

	kinds->pages = fault_pages_share(parent->pages);
	kinds->code = fault_code_share(parent->code);
	kinds->forked = parent->forked;
	kinds->fresh_child = true;
	kinds->parent = parent;
	parent->holders++;
	kinds->parent_tid = event->parent_tid;
	kinds->is_open = true;
	kinds->next_open = parent->open;
	parent->open = kinds;
	kinds->break_end = parent->break_end;
	return kinds;
}

/* It is known of a child how it was born, or there will be no more of it. */
static void leave_open(struct fault_kinds *kinds)
{
	struct fault_kinds **link;

	if (!kinds->is_open)
		return;
	kinds->is_open = false;
	link = &kinds->parent->open;
	while (*link != kinds)
		link = &(*link)->next_open;
	*link = kinds->next_open;
}

static void drop(struct fault_kinds *kinds)
{
	while (kinds && !--kinds->holders) {
		struct fault_kinds *parent = kinds->parent;

		free(kinds);
		kinds = parent;
	}
}

void fault_kinds_end(struct fault_kinds *kinds)
{
	struct fault_kinds *parent = kinds->parent;

	leave_open(kinds);
	while (kinds->open) { /* a child that outlives it was not waited for */
		kinds->open->forked = true;
		leave_open(kinds->open);
	}
	fault_pages_drop(kinds->pages);
	fault_code_drop(kinds->code);
	kinds->pages = NULL;
	kinds->code = NULL;
	kinds->parent = NULL; /* its count has been added to this one's: see fault_kinds_finish */
	drop(parent);
	drop(kinds);
}

/* The child has a copy: its parent's pages are shared since then too. */
static void prove(struct fault_kinds *child)
{
	struct fault_kinds *parent = child->parent;

	leave_open(child);
	child->forked = parent->forked = true;
	fault_pages_forked(&parent->pages);
}

bool fault_kinds_is_copy(const struct fault_kinds *kinds)
{
	return kinds->is_copy;
}

void fault_kinds_prove_copy(struct fault_kinds *kinds)
{
	kinds->is_copy = true;
	if (kinds->is_open)
		prove(kinds);
}

/* Samples */

/* Two threads that touch a page at the same moment have a fault each. */
static bool is_double(struct fault_kinds *kinds, const struct fault_event *event)
{
	uint64_t page = event->address & ~4095ULL;
	bool found = false;

	for (size_t i = 0; i < RECENT; i++)
		found |= kinds->recent[i].page == page && kinds->recent[i].tid != event->tid;
	kinds->recent[kinds->at_recent].page = page;
	kinds->recent[kinds->at_recent].tid = event->tid;
	kinds->at_recent = (kinds->at_recent + 1) % RECENT;
	return found;
}

/* A thread that forked goes on, and finds a page protected that it had written. */
static void look_for_proof(struct fault_kinds *kinds, const struct fault_event *event)
{
	struct fault_kinds *child = kinds->open;

	while (child && child->parent_tid != event->tid)
		child = child->next_open;
	if (child && fault_pages_seen(kinds->pages, event->address) == SEEN_WRITTEN)
		prove(child);
}

enum fault_access fault_kinds_access(struct fault_eye *eye, const struct fault_kinds *kinds,
				     const struct fault_event *event)
{
	return fault_code_access(eye->modules, kinds->code, event);
}

struct fault_traits fault_kinds_note(struct fault_eye *eye, struct fault_kinds *kinds, const struct fault_event *event)
{
	enum fault_access access = fault_code_access(eye->modules, kinds->code, event);
	bool twice = is_double(kinds, event), write = access == ACCESS_WRITE;
	struct fault_page page;

	kinds->samples += event->kind == FAULT_MINOR;
	if (kinds->fresh_child)
		fault_pages_forked(&kinds->pages);
	kinds->fresh_child = false;
	if (kinds->open && write)
		look_for_proof(kinds, event);
	page = fault_pages_note(&kinds->pages, event->address, event->page_bytes, access);
	if (page.seen == SEEN_SHARED && write && kinds->is_open &&
	    fault_pages_seen(kinds->parent->pages, event->address) == SEEN_WRITTEN)
		fault_kinds_prove_copy(kinds);
	return (struct fault_traits){
		.access = (uint8_t)access,
		.seen = (uint8_t)page.seen,
		.major = event->kind == FAULT_MAJOR,
		.huge = !eye->machine.sizes ? HUGE_UNKNOWN : event->page_bytes >= HUGE_BYTES ? HUGE_YES : HUGE_NOT,
		.twice = twice,
		.blind = write && kinds->forked && (page.seen == SEEN_NEVER || page.seen == SEEN_UNKNOWN),
		.fresh = (uint16_t)page.fresh,
	};
}

void fault_kinds_map(struct fault_eye *eye, struct fault_kinds *kinds, const struct fault_event *event)
{
	uint64_t end = event->address + event->size;

	fault_code_map(eye->modules, &kinds->code, event);
	if (!event->is_break)
		return;
	if (end <= kinds->break_end) /* it has grown, and still ends no higher: it had shrunk */
		kinds->break_moved = true;
	else
		kinds->break_end = end;
}

/* Kinds */

static bool is_anonymous(enum ledger_backing backing)
{
	return backing >= BACKING_ANONYMOUS && backing <= BACKING_BLOCK;
}

/* Where a read brings a page of anonymous memory, it is as good as a write. */
static enum fault_seen seen_as(const struct fault_eye *eye, struct fault_traits traits, enum ledger_backing backing)
{
	if (eye->machine.zero_page || !is_anonymous(backing))
		return traits.seen;
	return traits.seen == SEEN_READ ? SEEN_WRITTEN : traits.seen == SEEN_READ_BEFORE ? SEEN_SHARED : traits.seen;
}

bool fault_eye_saw_shared(const struct fault_eye *eye, struct fault_traits traits, enum ledger_backing backing)
{
	return seen_as(eye, traits, backing) == SEEN_SHARED;
}

/* Nothing but giving it back explains that the page was not there. */
static bool came_again(struct fault_traits traits, enum ledger_backing backing)
{
	return is_anonymous(backing) && !traits.twice && !traits.major &&
	       (traits.seen == SEEN_WRITTEN || (traits.seen == SEEN_READ && traits.access == ACCESS_READ));
}

static enum capture_kind kind_of_major(struct fault_traits traits, enum ledger_backing backing)
{
	bool copied = backing == BACKING_PRIVATE_FILE && (traits.seen == SEEN_WRITTEN || traits.seen == SEEN_SHARED);

	if (backing == BACKING_UNKNOWN)
		return KIND_UNKNOWN;
	return is_anonymous(backing) || copied ? KIND_MAJOR_SWAP : KIND_MAJOR_FILE;
}

static enum capture_kind kind_of_write(struct fault_traits traits, enum ledger_backing backing)
{
	if (backing == BACKING_SHARED)
		return traits.seen == SEEN_NEVER ? KIND_FILE_TOUCH :
		       traits.seen == SEEN_UNKNOWN ? KIND_UNKNOWN : KIND_SHARED_FILE_WRITE;
	if (traits.seen == SEEN_SHARED)
		return traits.sharing == SHARING_COPIED ? KIND_COPIED_AFTER_FORK :
		       traits.sharing == SHARING_REUSED ? KIND_REUSED_AFTER_FORK : KIND_AFTER_FORK;
	return is_anonymous(backing) ? KIND_FIRST_TOUCH : KIND_PRIVATE_FILE_WRITE;
}

static enum capture_kind kind_of(const struct fault_eye *eye, struct fault_traits traits, enum ledger_backing backing)
{
	bool write = traits.access == ACCESS_WRITE, huge_zero = eye->machine.huge_zero_page && traits.access == ACCESS_READ;

	if (traits.major)
		return kind_of_major(traits, backing);
	if (backing == BACKING_UNKNOWN)
		return KIND_UNKNOWN;
	if (backing == BACKING_KERNEL)
		return KIND_FILE_TOUCH;
	if (traits.huge == HUGE_YES && !(write && traits.seen == SEEN_SHARED) && !(is_anonymous(backing) && huge_zero))
		return KIND_HUGE;
	if (traits.access == ACCESS_UNKNOWN || (traits.huge == HUGE_UNKNOWN && is_anonymous(backing) && traits.seen != SEEN_SHARED))
		return KIND_UNKNOWN;
	if (write)
		return kind_of_write(traits, backing);
	if (!is_anonymous(backing))
		return KIND_FILE_TOUCH;
	return eye->machine.zero_page ? KIND_ZERO_PAGE : KIND_FIRST_TOUCH;
}

static void count_churn(struct fault_kinds *kinds, struct fault_traits traits, uint64_t address, const struct fault_part *part,
			struct capture_faults *counts)
{
	counts->churn_faults[part->row]++;
	counts->churn_pages[part->row] += traits.fresh;
	if (part->row != ROW_HEAP_LIVE)
		return;
	if (part->backing == BACKING_BREAK && kinds->break_moved) {
		counts->churn_break_faults++;
		if (!kinds->break_lowest || address < kinds->break_lowest)
			kinds->break_lowest = address;
	} else if (part->backing == BACKING_ARENA) {
		counts->churn_arena_faults++;
	} else if (part->backing == BACKING_BLOCK) {
		counts->churn_block_faults++;
		if (counts->churn_block_bytes < part->end - part->start)
			counts->churn_block_bytes = part->end - part->start;
	}
}

void fault_kinds_count(const struct fault_eye *eye, struct fault_kinds *kinds, struct fault_traits traits, uint64_t address,
		       const struct fault_part *part, struct capture_faults *counts)
{
	enum ledger_backing backing = part->row < CAPTURE_ROWS ? part->backing : BACKING_UNKNOWN;
	enum capture_kind kind;
	bool again;

	traits.seen = (uint8_t)seen_as(eye, traits, backing);
	kind = kind_of(eye, traits, backing);
	again = came_again(traits, backing);

	if (traits.blind && (kind == KIND_FIRST_TOUCH || kind == KIND_PRIVATE_FILE_WRITE || kind == KIND_HUGE))
		kinds->blind[kind]++;
	else if (again)
		kinds->again[kind]++;
	else
		counts->kinds[kind]++;
	if (again)
		count_churn(kinds, traits, address, part, counts);
}

/* The end */

/* Minor faults of a running process: the tenth field of its stat, the second of which may hold anything: proc(5). */
static uint64_t running_faults(pid_t pid)
{
	char *path = memory_format("/proc/%d/stat", pid), text[1024], *at;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	uint64_t faults;

	free(path);
	if (fd >= 0)
		close(fd);
	text[got < 0 ? 0 : got] = '\0';
	at = strrchr(text, ')');
	if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %" SCNu64, &faults) != 1)
		return CAPTURE_UNKNOWN;
	return faults;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a == CAPTURE_UNKNOWN || a > b ? a - (a == CAPTURE_UNKNOWN ? 0 : b) : 0;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a == CAPTURE_UNKNOWN || b == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : a + b;
}

uint64_t fault_kinds_unsampled(const struct fault_kinds *kinds, uint64_t minor_faults)
{
	return less(minor_faults, kinds->samples);
}

/* Faults that no sample was of, of an image and those that it is a copy of. Of one that runs, some may be yet to come. */
static uint64_t unseen(const struct fault_eye *eye, const struct fault_kinds *kinds)
{
	uint64_t faults;

	if (!kinds->pages)
		return kinds->unseen;
	faults = running_faults(kinds->pid);
	if (faults == CAPTURE_UNKNOWN && eye->recall)
		faults = eye->recall(eye->context, kinds->pid);
	return sum(less(faults, kinds->samples), kinds->parent ? unseen(eye, kinds->parent) : 0);
}

static void settle_kinds(uint64_t kinds[CAPTURE_KINDS], const uint64_t open[CAPTURE_KINDS], bool known)
{
	for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
		kinds[known ? kind : KIND_UNKNOWN] += open[kind];
}

static bool any(const uint64_t numbers[CAPTURE_KINDS])
{
	for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
		if (numbers[kind])
			return true;
	return false;
}

/*
 * A page that was on its way to swap space, or that was taken away to see who uses it, comes back by a minor fault as one that was
 * given back does.
 */
static bool again_is_told(const struct fault_eye *eye, const struct capture_faults *counts)
{
	return !eye->machine.hints && !counts->kinds[KIND_MAJOR_SWAP] && eye->machine.swapped_out != CAPTURE_UNKNOWN &&
	       pages_swapped_out() == eye->machine.swapped_out;
}

void fault_kinds_finish(const struct fault_eye *eye, struct fault_kinds *kinds, uint64_t minor_faults,
			struct capture_faults *counts)
{
	bool told = !any(kinds->again) || again_is_told(eye, counts);
	uint64_t blind = 0;

	kinds->unseen = sum(less(minor_faults, kinds->samples), kinds->parent ? unseen(eye, kinds->parent) : 0);
	for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
		blind += kinds->blind[kind];
	if (any(kinds->blind))
		settle_kinds(counts->kinds, kinds->blind,
			     kinds->unseen != CAPTURE_UNKNOWN && kinds->unseen <= blind / UNSEEN_SHARE);
	settle_kinds(counts->kinds, kinds->again, told);
	if (!eye->machine.sizes)
		counts->kinds[KIND_HUGE] = counts->kinds[KIND_FIRST_TOUCH] = counts->kinds[KIND_ZERO_PAGE] = CAPTURE_UNKNOWN;
	if (kinds->break_lowest)
		counts->churn_break_bytes = kinds->break_end - kinds->break_lowest;
	counts->churn_cut = fault_pages_cut(kinds->pages);
	if (told)
		return;
	for (uint64_t *number = counts->churn_pages; number <= &counts->churn_block_bytes; number++)
		*number = CAPTURE_UNKNOWN;
}
