/* SPDX-License-Identifier: MIT */
/* The capture of a process that is traced: kept by the tracer, written when the image ends. */
#ifndef PAGEGAP_TRACE_IMAGE_H
#define PAGEGAP_TRACE_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "../preload/capture.h"

struct trace_image {
	struct capture *capture;
	int      directory;
	uint16_t cells[CAPTURE_NUMBERS]; /* 1 + index in capture.calls; 0: not made yet */
	uint16_t more[CAPTURE_NUMBERS]; /* a second one, for errors of many kinds */
};

/* The image that a process is now. */
struct trace_image *trace_image_begin(int directory, pid_t pid, uint32_t number, enum capture_born born);

/* A call that has ended. @error: errno or 0; @ns: that it took, 0: it never returned */
void trace_image_count(struct trace_image *image, unsigned number, unsigned error, uint64_t bytes, uint64_t ns);

void trace_image_note(struct trace_image *image, enum capture_note kind, int error);

/* Memory as it is now. @tid: a thread that has not left its memory */
void trace_image_ledger(struct trace_image *image, pid_t tid, enum capture_why why);

/* Times and faults so far. */
void trace_image_usage(struct trace_image *image, pid_t tid);

/* Writes it down and frees it. @ended, @code: as in struct capture */
void trace_image_end(struct trace_image *image, enum capture_ended ended, int code);

/* Another end than was written down. */
void trace_image_correct(int directory, pid_t pid, uint32_t number, enum capture_ended ended, int code);

#endif
