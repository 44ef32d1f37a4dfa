/* SPDX-License-Identifier: MIT */
/* What killed the process, when it was an access to memory that the kernel refused, or the want of memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "death.h"
#include "escape.h"
#include "memory.h"
#include "report_text.h"

#define LONG_BEFORE_NS 50000000ULL      /* a core dump can take that; or else a handler went on */

/* The last part of a path is enough here. To be freed. */
static char *name_of(const struct capture_place *place)
{
	const char *slash = place->name[0] == '[' ? NULL : strrchr(place->name, '/');
	const char *name = slash && slash[1] ? slash + 1 : place->name;

	return *name ? escape_text(name, strlen(name)) : memory_copy("anonymous memory", strlen("anonymous memory"));
}

/* "memory of NAME". To be freed. */
static char *memory_of(const struct capture_place *place)
{
	char *name = name_of(place), *text = memory_format("%s%s", *place->name ? "memory of " : "", name);

	free(name);
	return text;
}

static const char *touch_word(const struct capture_invalid_access *a)
{
	static const char *const words[] = {
		[TOUCH_UNKNOWN] = "an access to", [TOUCH_READ] = "a read of", [TOUCH_WRITE] = "a write to",
		[TOUCH_EXECUTE] = "an execution of",
	};

	return words[a->kind];
}

/* Whichever is nearer. */
static void add_neighbour(char **line, const struct page *page, const struct capture_invalid_access *a)
{
	uint64_t down = a->below.end ? a->address - a->below.end : UINT64_MAX;
	uint64_t up = a->above.end ? a->above.start - a->address : UINT64_MAX;
	const struct capture_place *nearest = down <= up ? &a->below : &a->above;
	uint64_t distance = down <= up ? down : up;
	char *name;

	if (distance >= 1ULL << 30)
		return;
	name = name_of(nearest);
	memory_append(line, "; the nearest mapping is %s, %s %s", name, BYTES(distance),
		      down <= up ? "below" : "above");
	free(name);
}

static char *describe_finding(const struct page *page, const struct capture_invalid_access *a,
			      enum access_finding finding)
{
	char *name = name_of(&a->at), *memory = memory_of(&a->at), *line = NULL;

	switch (finding) {
	case FINDING_NULL:
		line = memory_format("where nothing is mapped: a null pointer");
		break;
	case FINDING_NOTHING:
		line = memory_format("where nothing is mapped");
		add_neighbour(&line, page, a);
		break;
	case FINDING_UNMAPPED:
		line = memory_format(
			"where %s had been mapped that allowed it: it was unmapped since, or guarded by madvise",
			memory);
		break;
	case FINDING_STACK:
		line = memory_format("%s below the stack, which could not grow so far (ulimit -s): a stack overflow",
				     BYTES(a->above.start - a->address));
		break;
	case FINDING_GUARD:
		line = memory_format("a guard page (%s without access)", BYTES(a->at.end - a->at.start));
		add_neighbour(&line, page, a);
		break;
	case FINDING_NO_ACCESS:
		line = memory_format("%s without access (PROT_NONE), %s of it", memory, BYTES(a->at.end - a->at.start));
		break;
	case FINDING_READ_ONLY:
		line = memory_format("read-only %s", memory);
		break;
	case FINDING_NOT_EXECUTABLE:
		line = memory_format("%s that is not executable", memory);
		break;
	case FINDING_PAST_END:
		line = memory_format("past the end of the file %s: it has %s, this is at %s", name,
				     BYTES(a->file_bytes), BYTES(a->file_offset));
		break;
	case FINDING_FILE_ERROR:
		line = memory_format("a page of the file %s, at %s, that could not be had: past its end at that time, "
				     "or an error of reading",
				     name, BYTES(a->file_offset));
		break;
	default:
		line = memory_format("for a reason that is not known");
	}
	free(memory);
	free(name);
	return line;
}

static void add_code(char **line, const struct capture_invalid_access *a)
{
	char *name;

	if (a->kind == TOUCH_EXECUTE)
		return;
	name = name_of(&a->code);
	if (a->code.end && *a->code.name)
		memory_append(line, "; by %s+0x%" PRIx64, name, a->code_offset);
	else
		memory_append(line, "; by the instruction at 0x%" PRIx64, a->instruction);
	free(name);
}

/* To be freed. */
static char *describe_access(const struct page *page, const struct image *image, const struct capture_invalid_access *a)
{
	uint64_t before_end = figure_less(image->end_ns, a->at_ns);
	char *what = describe_finding(page, a, death_access(image, a));
	char *line = memory_format("%s %s 0x%" PRIx64 ", %s",
				   a->faults_after ? "the last access that was refused:" : "killed by", touch_word(a),
				   a->address, what);

	add_code(&line, a);
	if (before_end >= LONG_BEFORE_NS && before_end != CAPTURE_UNKNOWN)
		memory_append(&line, "; %s before the end", TIME(before_end));
	if (a->faults_after)
		memory_append(&line, "; %s page faults came after it, so it may have been handled",
			      COUNT(a->faults_after));
	free(what);
	return line;
}

/* NULL: nothing is known to say. To be freed. */
static char *describe_oom(const struct page *page, const struct recording *recording, const struct image *image)
{
	const struct capture_oom *oom = &recording->oom;
	bool in_cgroup = oom->cgroup_kills && oom->cgroup_kills != CAPTURE_UNKNOWN;
	char *line, *cgroup;

	switch (death_oom(recording, image)) {
	case OOM_KILLED:
		cgroup = escape_text(oom->cgroup, strlen(oom->cgroup));
		line = memory_format("killed by the kernel's OOM killer: the oom_kill count of its memory cgroup %s "
				     "rose by %s during the run",
				     cgroup, COUNT(oom->cgroup_kills));
		free(cgroup);
		if (oom->limit_bytes != CAPTURE_UNKNOWN)
			memory_append(&line, "; the limit there is %s", BYTES(oom->limit_bytes));
		return line;
	case OOM_PERHAPS:
		return memory_format("perhaps killed by the kernel's OOM killer, which killed %s during the run, %s",
				     COUNT(in_cgroup ? oom->cgroup_kills : oom->machine_kills),
				     in_cgroup ? "but not all that SIGKILL killed" : "somewhere on the machine");
	default:
		return NULL;
	}
}

char *text_death_reason(const struct page *page, const struct recording *recording, const struct image *image)
{
	enum access_finding finding = image->access ? death_access(image, image->access) : FINDING_NONE;

	if (finding == FINDING_NONE)
		return describe_oom(page, recording, image);
	return describe_access(page, image, image->access);
}

void text_death(struct page *page, const struct subject *subject)
{
	const struct image *image = subject->image;
	enum access_finding finding = death_access(image, &subject->capture->invalid_access);
	char *reason = text_death_reason(page, subject->recording, image);

	if (reason)
		page_unusual_paragraph(page, 0, 2, "%s", reason);
	else if (death_oom(subject->recording, image) == OOM_NOT)
		page_paragraph(page, 0, 2,
			       "the signal was sent by a process: the OOM killer killed none during the run");
	else if (finding == FINDING_NO_FAULT)
		page_paragraph(page, 0, 2,
			       "none of its last page faults was refused: it used an address that no page of a program "
			       "can have, or was sent the signal");
	else if (finding == FINDING_UNKNOWN)
		page_paragraph(page, 0, 2, "which access killed it is not known");
	free(reason);
}
