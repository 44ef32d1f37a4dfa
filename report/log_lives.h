/* SPDX-License-Identifier: MIT */
/*
 * When the processes of a recording began, executed and ended, as their captures say, for those who read its calls: by time, and never
 * before a call of the image that ends there or after one of the image that begins. A capture notes its end before the program's last
 * call is made.
 */
#ifndef PAGEGAP_LOG_LIVES_H
#define PAGEGAP_LOG_LIVES_H

#include "log_file.h"
#include "recording.h"

enum life_kind { LIFE_ENDED, LIFE_EXECUTED, LIFE_BEGAN };

struct log_life {
	uint64_t at_ns;
	enum life_kind kind;
	size_t   image;                 /* that ends, or that begins */
};

struct log_lives {
	struct log_life *lives;
	size_t   used;
	const struct recording *recording; /* NULL: there is none, and nothing is known */
	size_t  *order;                 /* images by pid and beginning */
	uint64_t *first_ns, *last_ns;   /* by image: of its calls; LOG_NEVER, 0: it has none */
};

void log_lives_open(struct log_lives *lives, const struct log_file *log, const struct recording *recording);
void log_lives_close(struct log_lives *lives);

/* The image that made a call then; NO_IMAGE: not known. */
size_t log_lives_image(const struct log_lives *lives, uint32_t pid, uint32_t number, uint64_t at_ns);

/* A process with this pid that began not before then, the first of them. */
size_t log_lives_born(const struct log_lives *lives, uint32_t pid, uint64_t since_ns);

#endif
