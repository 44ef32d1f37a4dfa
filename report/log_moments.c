/* SPDX-License-Identifier: MIT */
/* A heap of images, by the time of what each has next. */
#include "log_moments.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "figures.h"
#include "memory.h"

#define MOST (CAPTURE_SAMPLES + CAPTURE_SNAPSHOTS + 2) /* of one capture */

static void sift_down(struct log_moments *moments, size_t at)
{
	struct log_moments_image moved = moments->heap[at];

	for (size_t child; (child = 2 * at + 1) < moments->used; at = child) {
		if (child + 1 < moments->used && moments->heap[child + 1].at_ns < moments->heap[child].at_ns)
			child++;
		if (moments->heap[child].at_ns >= moved.at_ns)
			break;
		moments->heap[at] = moments->heap[child];
	}
	moments->heap[at] = moved;
}

static int by_time(const void *a, const void *b)
{
	const struct log_moment *first = a, *second = b;

	return first->at_ns < second->at_ns ? -1 : first->at_ns > second->at_ns;
}

/* @name: of its own memory; NULL: a sample, which the caller fills */
static struct log_moment *add(struct log_moments_image *image, const struct capture *c, uint64_t at_ns, char *name, const char *category)
{
	struct log_moment *moment = &image->moments[image->used++];

	*moment = (struct log_moment){ .at_ns = at_ns, .pid = c->pid, .name = name, .category = category };
	return moment;
}

static char *ledger_name(const struct capture_snapshot *ledger)
{
	static const char *const why[] = {
		[WHY_PEAK] = "ledger at the peak", [WHY_EXIT] = "ledger at exit", [WHY_EXEC] = "ledger before exec",
		[WHY_REQUEST] = "ledger on request", [WHY_MARK] = "mark", [WHY_REFUSED] = "ledger when memory was refused",
	};
	const char *word = ledger->why < CAPTURE_WHY && why[ledger->why] ? why[ledger->why] : "ledger";
	char *name, *mark;

	if (ledger->why != WHY_MARK)
		return memory_copy(word, strlen(word));
	mark = escape_text(ledger->name, strnlen(ledger->name, sizeof(ledger->name)));
	name = memory_format("mark: %s", mark);
	free(mark);
	return name;
}

static void read_capture(struct log_moments_image *image, const struct capture *c)
{
	const struct capture_snapshot *ledgers[CAPTURE_SNAPSHOTS];
	size_t count = figures_snapshots(c, ledgers);

	image->moments = memory_get(MOST * sizeof(image->moments[0]));
	for (size_t i = 0; i < c->samples_used; i++)
		add(image, c, c->samples[i].at_ns, NULL, NULL)->sample = c->samples[i];
	for (size_t i = 0; i < count; i++)
		add(image, c, ledgers[i]->at_ns, ledger_name(ledgers[i]), "memory");
	if (c->invalid_access.state == ACCESS_REFUSED)
		add(image, c, c->invalid_access.at_ns, memory_format("refused access to 0x%" PRIx64, c->invalid_access.address), "fault");
	if (c->exhaustion.noted && c->exhaustion.first_request < CAPTURE_REQUESTS)
		add(image, c, c->exhaustion.refused[c->exhaustion.first_request].first_ns,
		    memory_format("memory was refused for the first time"), "memory");
	qsort(image->moments, image->used, sizeof(image->moments[0]), by_time);
	image->moments = memory_more(image->moments, image->used * sizeof(image->moments[0]));
}

static void forget(struct log_moments_image *image)
{
	for (size_t i = 0; i < image->used; i++)
		free(image->moments[i].name);
	free(image->moments);
}

/* The first one has something else next, or nothing. */
static void settle(struct log_moments *moments)
{
	struct log_moments_image *first = &moments->heap[0];

	if (first->moments && first->at < first->used && first->moments[first->at].at_ns != CAPTURE_UNKNOWN) {
		first->at_ns = first->moments[first->at].at_ns;
	} else {
		forget(first);
		moments->heap[0] = moments->heap[--moments->used];
	}
	if (moments->used)
		sift_down(moments, 0);
}

void log_moments_open(struct log_moments *moments, const struct recording *recording)
{
	*moments = (struct log_moments){ .recording = recording };
	if (!recording)
		return;
	moments->heap = memory_get(recording->count * sizeof(moments->heap[0]));
	for (size_t i = 0; i < recording->count; i++)
		if (recording->images[i].file && recording->images[i].start_ns != CAPTURE_UNKNOWN)
			moments->heap[moments->used++] =
				(struct log_moments_image){ .at_ns = recording->images[i].start_ns, .image = i };
	for (size_t i = moments->used / 2; i--;)
		sift_down(moments, i);
}

void log_moments_close(struct log_moments *moments)
{
	for (size_t i = 0; i < moments->used; i++)
		forget(&moments->heap[i]);
	free(moments->heap);
}

const struct log_moment *log_moments_next(struct log_moments *moments, uint64_t until_ns)
{
	if (moments->given) {
		moments->heap[0].at++;
		settle(moments);
	}
	moments->given = false;
	while (moments->used && moments->heap[0].at_ns <= until_ns) {
		struct log_moments_image *first = &moments->heap[0];

		if (first->moments) {
			moments->given = true;
			return &first->moments[first->at];
		}
		if (recording_load(moments->recording, first->image, moments->recording->buffer))
			read_capture(first, moments->recording->buffer);
		settle(moments);
	}
	return NULL;
}
