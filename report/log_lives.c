/* SPDX-License-Identifier: MIT */
/* Beginnings and ends of images, put between their calls. */
#include "log_lives.h"

#include <stdlib.h>

#include "memory.h"

static const struct recording *sorting; /* qsort passes nothing */

static int by_pid_and_beginning(const void *a, const void *b)
{
	const struct image *first = &sorting->images[*(const size_t *)a], *second = &sorting->images[*(const size_t *)b];

	if (first->pid != second->pid)
		return first->pid < second->pid ? -1 : 1;
	if (first->since_ns != second->since_ns)
		return first->since_ns < second->since_ns ? -1 : 1;
	return first->number < second->number ? -1 : first->number > second->number;
}

static int by_time(const void *a, const void *b)
{
	const struct log_life *first = a, *second = b;

	if (first->at_ns != second->at_ns)
		return first->at_ns < second->at_ns ? -1 : 1;
	if (first->kind != second->kind)
		return first->kind < second->kind ? -1 : 1;
	return first->image < second->image ? -1 : first->image > second->image;
}

static const struct image *image_at(const struct log_lives *lives, size_t at)
{
	return &lives->recording->images[lives->order[at]];
}

/* The first of the order with this pid. */
static size_t first_of(const struct log_lives *lives, uint32_t pid)
{
	size_t low = 0, high = lives->recording->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image_at(lives, middle)->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of several processes that had the pid, the last that had begun; the first may have made calls before its capture was there. */
size_t log_lives_image(const struct log_lives *lives, uint32_t pid, uint32_t number, uint64_t at_ns)
{
	size_t found = NO_IMAGE;

	if (!lives->recording)
		return NO_IMAGE;
	for (size_t i = first_of(lives, pid); i < lives->recording->count && image_at(lives, i)->pid == pid; i++) {
		const struct image *image = image_at(lives, i);

		if (image->number != number)
			continue;
		if (found == NO_IMAGE || image->since_ns <= at_ns)
			found = lives->order[i];
	}
	return found;
}

size_t log_lives_born(const struct log_lives *lives, uint32_t pid, uint64_t since_ns)
{
	if (!lives->recording)
		return NO_IMAGE;
	for (size_t i = first_of(lives, pid); i < lives->recording->count && image_at(lives, i)->pid == pid; i++) {
		const struct image *image = image_at(lives, i);

		if (image->previous == NO_IMAGE && image->start_ns != CAPTURE_UNKNOWN && image->start_ns >= since_ns)
			return lives->order[i];
	}
	return NO_IMAGE;
}

static void note_calls(struct log_lives *lives, const struct log_file *log)
{
	for (size_t i = 0; i < lives->recording->count; i++)
		lives->first_ns[i] = LOG_NEVER;
	for (size_t i = 0; i < log->places_used; i++) {
		const struct log_place *place = &log->places[i];
		size_t image = place->first_ns == LOG_NEVER ? NO_IMAGE : log_lives_image(lives, place->pid, place->image_number, place->first_ns);

		if (image == NO_IMAGE)
			continue;
		if (place->first_ns < lives->first_ns[image])
			lives->first_ns[image] = place->first_ns;
		if (place->last_ns > lives->last_ns[image])
			lives->last_ns[image] = place->last_ns;
	}
}

static void add(struct log_lives *lives, enum life_kind kind, size_t image, uint64_t at_ns)
{
	if (at_ns != CAPTURE_UNKNOWN)
		lives->lives[lives->used++] = (struct log_life){ at_ns, kind, image };
}

/* Two for each image at most. */
static void add_image(struct log_lives *lives, size_t index)
{
	const struct image *image = &lives->recording->images[index];
	uint64_t began_ns = image->since_ns, ended_ns = image->end_ns;

	if (began_ns > lives->first_ns[index])
		began_ns = lives->first_ns[index];
	if (image->previous != NO_IMAGE && began_ns != CAPTURE_UNKNOWN && began_ns <= lives->last_ns[image->previous] &&
	    lives->last_ns[image->previous] < lives->first_ns[index])
		began_ns = lives->last_ns[image->previous] + 1;
	add(lives, image->previous == NO_IMAGE ? LIFE_BEGAN : LIFE_EXECUTED, index, began_ns);
	if (image->end != END_EXIT && image->end != END_SIGNAL)
		return;
	if (ended_ns <= lives->last_ns[index])
		ended_ns = lives->last_ns[index] + 1;
	add(lives, LIFE_ENDED, index, ended_ns);
}

void log_lives_open(struct log_lives *lives, const struct log_file *log, const struct recording *recording)
{
	size_t count = recording ? recording->count : 0;

	*lives = (struct log_lives){ .recording = recording };
	if (!count) {
		lives->recording = NULL;
		return;
	}
	lives->lives = memory_get(2 * count * sizeof(lives->lives[0]));
	lives->order = memory_get(count * sizeof(lives->order[0]));
	lives->first_ns = memory_get(count * sizeof(lives->first_ns[0]));
	lives->last_ns = memory_get(count * sizeof(lives->last_ns[0]));
	for (size_t i = 0; i < count; i++)
		lives->order[i] = i;
	sorting = recording;
	qsort(lives->order, count, sizeof(lives->order[0]), by_pid_and_beginning);
	note_calls(lives, log);
	for (size_t i = 0; i < count; i++)
		add_image(lives, i);
	qsort(lives->lives, lives->used, sizeof(lives->lives[0]), by_time);
}

void log_lives_close(struct log_lives *lives)
{
	free(lives->lives);
	free(lives->order);
	free(lives->first_ns);
	free(lives->last_ns);
}
