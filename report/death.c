/* SPDX-License-Identifier: MIT */
/* The signal, the access and the mapping together. */
#include "death.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define NULL_BYTES   65536              /* nothing is ever mapped so low: vm.mmap_min_addr */
#define GUARD_BYTES  (64ULL << 10)      /* at most */
#define RED_ZONE     256                /* bytes below the stack pointer that code may use (x86-64 psABI), and a push */

const char *const finding_keys[ACCESS_FINDINGS] = {
	[FINDING_UNKNOWN] = "unknown", [FINDING_NO_FAULT] = "no_page_fault", [FINDING_NULL] = "null_pointer",
	[FINDING_NOTHING] = "nothing_mapped", [FINDING_UNMAPPED] = "unmapped_since", [FINDING_STACK] = "stack_overflow",
	[FINDING_GUARD] = "guard_page", [FINDING_NO_ACCESS] = "no_access", [FINDING_READ_ONLY] = "read_only",
	[FINDING_NOT_EXECUTABLE] = "not_executable", [FINDING_PAST_END] = "past_end_of_file",
	[FINDING_FILE_ERROR] = "file_error",
};

static bool is_mapped(const struct capture_place *place)
{
	return place->end > place->start;
}

static uint64_t access_of(const struct capture_place *place)
{
	return place->protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/*
 * The kernel lets the stack grow to where the stack pointer is, as far as its limit goes: setrlimit(2), RLIMIT_STACK.
 */
static enum access_finding of_nothing(const struct capture_invalid_access *a)
{
	if (a->address < NULL_BYTES)
		return FINDING_NULL;
	if (!strcmp(a->above.name, "[stack]") && a->address + RED_ZONE >= a->stack_pointer)
		return FINDING_STACK;
	return a->map_known ? FINDING_NOTHING : FINDING_UNKNOWN;
}

static enum access_finding of_no_access(const struct capture_invalid_access *a)
{
	bool touches_above = a->above.start == a->at.end && access_of(&a->above);
	bool touches_below = a->below.end == a->at.start && access_of(&a->below);

	return a->at.end - a->at.start <= GUARD_BYTES && (touches_above || touches_below) ? FINDING_GUARD
											  : FINDING_NO_ACCESS;
}

static enum access_finding of_segv(const struct capture_invalid_access *a)
{
	uint64_t access = access_of(&a->at);

	if (!is_mapped(&a->at))
		return of_nothing(a);
	if (!access)
		return of_no_access(a);
	switch (a->kind) {
	case TOUCH_WRITE:
		return access & PROT_WRITE ? FINDING_UNMAPPED : FINDING_READ_ONLY;
	case TOUCH_EXECUTE:
		return access & PROT_EXEC ? FINDING_UNMAPPED : FINDING_NOT_EXECUTABLE;
	case TOUCH_READ:
		return FINDING_UNMAPPED;
	default:
		return access & PROT_WRITE ? FINDING_UNMAPPED : FINDING_UNKNOWN;
	}
}

static enum access_finding of_bus(const struct capture_invalid_access *a, uint64_t page)
{
	uint64_t end;

	if (!is_mapped(&a->at) || a->file_offset == CAPTURE_UNKNOWN)
		return FINDING_UNKNOWN;
	if (a->file_bytes == CAPTURE_UNKNOWN)
		return FINDING_FILE_ERROR;
	end = (a->file_bytes + page - 1) / page * page; /* what follows the end in its page can be read: mmap(2) */
	return a->file_offset >= end ? FINDING_PAST_END : FINDING_FILE_ERROR;
}

enum access_finding death_access(const struct image *image, const struct capture_invalid_access *a)
{
	if (image->end != END_SIGNAL || (image->code != SIGSEGV && image->code != SIGBUS))
		return FINDING_NONE;
	if (a->state == ACCESS_NOT_WATCHED)
		return FINDING_UNKNOWN;
	if (a->state == ACCESS_ALL_SERVED)
		return FINDING_NO_FAULT;
	return image->code == SIGBUS ? of_bus(a, image->page_size) : of_segv(a);
}

static uint64_t killed_images(const struct recording *recording)
{
	uint64_t killed = 0;

	for (size_t i = 0; i < recording->count; i++)
		killed += recording->images[i].end == END_SIGNAL && recording->images[i].code == SIGKILL;
	return killed;
}

enum oom_word death_oom(const struct recording *recording, const struct image *image)
{
	const struct capture_oom *oom = &recording->oom;

	if (image->end != END_SIGNAL || image->code != SIGKILL)
		return OOM_NONE;
	if (!oom->watched)
		return OOM_UNKNOWN;
	if (oom->cgroup_kills != CAPTURE_UNKNOWN && oom->cgroup_kills)
		return oom->cgroup_kills >= killed_images(recording) ? OOM_KILLED : OOM_PERHAPS;
	if (oom->machine_kills == CAPTURE_UNKNOWN)
		return OOM_UNKNOWN;
	return oom->machine_kills ? OOM_PERHAPS : OOM_NOT;
}
