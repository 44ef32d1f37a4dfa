/* SPDX-License-Identifier: MIT */
/*
 * What the captures of a recording know the time of, in order: the samples of their series, marks, ledgers, a refused access, the first
 * request for memory that was refused. A capture is read when its image begins and forgotten after its last moment.
 */
#ifndef PAGEGAP_LOG_MOMENTS_H
#define PAGEGAP_LOG_MOMENTS_H

#include "recording.h"

struct log_moment {
	uint64_t at_ns;
	uint32_t pid;
	char    *name;                  /* NULL: it is a sample */
	const char *category;
	struct capture_sample sample;
};

/* Of one image. */
struct log_moments_image {
	uint64_t at_ns;                 /* of the next of them */
	size_t   image;
	struct log_moment *moments;     /* NULL: its capture has not been read yet */
	size_t   at, used;
};

struct log_moments {
	const struct recording *recording;
	struct log_moments_image *heap; /* the earliest first */
	size_t   used;
	bool     given;                 /* the first one's moment is with the caller */
};

/* @recording: NULL: there are none */
void log_moments_open(struct log_moments *moments, const struct recording *recording);
void log_moments_close(struct log_moments *moments);

/* The next one up to this time, there until the one after it is asked for; NULL: there is none. */
const struct log_moment *log_moments_next(struct log_moments *moments, uint64_t until_ns);

#endif
