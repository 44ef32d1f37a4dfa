/* SPDX-License-Identifier: MIT */
/*
 * A recording as the reporter sees it: a directory of captures, read one at a time into a compact model of its process
 * images, which are then linked into the process tree. What a page needs of one image beyond that is loaded again when
 * it is printed, so that the memory needed does not grow with what is printed.
 */
#ifndef PAGEGAP_RECORDING_H
#define PAGEGAP_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/capture.h"

#define NO_IMAGE SIZE_MAX

enum end_kind { END_EXIT, END_SIGNAL, END_EXEC, END_RUNNING, END_LOST };

/* Of one image or of a process up to a moment; each may be CAPTURE_UNKNOWN. */
struct usage {
	uint64_t user_ns, system_ns, runnable_wait_ns;
	uint64_t voluntary_switches, involuntary_switches, migrations;
	uint64_t minor_faults, major_faults;
};

struct image {
	char    *file;                  /* name in the directory; NULL: no capture, known from its relatives alone */
	char    *command;               /* its arguments, for one line, escaped */
	uint32_t pid, parent_pid, number;
	uint32_t born;                  /* enum capture_born */
	uint64_t start_ns;              /* CLOCK_MONOTONIC; CAPTURE_UNKNOWN: not known */
	uint64_t since_ns; /* the same, but for an executed image the moment of the exec, when its usage begins */
	uint64_t end_ns;                /* CAPTURE_UNKNOWN: not known or not yet */
	enum end_kind end;
	int      code;                  /* exit status or signal */
	bool     end_by_parent;         /* known from whoever waited for it: end_ns is when that was */
	struct usage total;             /* of the process since it was forked, as the kernel counts */
	struct usage own;               /* of this image: without what its predecessors used before their exec */
	uint64_t late_minor_faults;     /* after total was read: the next image's own has them; CAPTURE_UNKNOWN */
	uint64_t late_major_faults;
	struct capture_invalid_access *access; /* NULL: none is known that was refused */
	uint32_t page_size;
	struct capture_cow *cow;        /* of its birth by fork; NULL: not recorded */
	uint64_t frees;                 /* of blocks, where cow is known */
	uint64_t moves;                 /* of memory, by mremap; the same */
	uint64_t peak_resident_bytes;   /* of this image; CAPTURE_UNKNOWN where a predecessor's hides it */
	uint64_t max_rss_bytes;         /* of the process, predecessors included */
	uint64_t exited_rss_bytes;      /* of its last ledger; CAPTURE_UNKNOWN: none */
	bool     traced;                /* from outside: it has no capture mapped itself */
	enum capture_note reason;       /* why it was not recorded; NOTE_NONE: it was, or nobody knows */
	int      reason_error;
	uint64_t device, inode;         /* of the capture */
	struct capture_child *children; /* as it saw them */
	size_t   children_used;
	char    *exe;                   /* of an image without a capture: the file, where it is known; else NULL */
	char    *exec_path;             /* what its last exec was given, raw; NULL: none */

	size_t   previous, next;        /* images of the same process, by exec */
	size_t   parent;                /* an image of the process that bore this one */
	size_t   first_child, last_child, sibling; /* first images of processes, in order of birth */
};

struct recording {
	char   *path;                   /* as the user gave it */
	int     directory;              /* descriptor; -1: none, captures are in memory */
	struct image *images;
	size_t  count, room;
	size_t  bad;                    /* captures that could not be used, or not wholly */
	char  **hollow;                 /* names of empty files, while the recording is read */
	size_t  hollow_count;
	size_t  root;                   /* the first process's first image; NO_IMAGE: the recording is empty */
	size_t  first_root;             /* images without a parent here, linked by sibling */
	struct capture_oom oom;         /* of the capture that has it */
	struct capture *buffer;         /* for one capture at a time; whoever loads one there uses it until the next */
	/* Where captures are that are not in a directory; else NULL. */
	const struct capture *(*memory)(const char *file);
};

/*
 * recording_open - read a recording
 * @path: its directory
 *
 * Says one line on standard error for every capture that is bad. Returns NULL, after a line that says why, if there is
 * no recording.
 */
struct recording *recording_open(const char *path);

/* An empty one; its captures come by recording_add, and from its memory function when a page needs them again. */
struct recording *recording_new(const char *path);

/* The newest recording in the current directory, or NULL after a line that says that there is none. */
char *recording_newest(void);

/*
 * Adds a capture that was read into memory; it is cleaned in place. Returns false, and has said why, when it cannot be
 * used at all.
 */
bool recording_add(struct recording *recording, const char *file, struct capture *capture);

/*
 * recording_load - the capture of an image, checked and cleaned
 * @capture: filled; for an image that was not recorded, with what is known of it
 *
 * Returns false when the file has gone or gone bad since; it has said so.
 */
bool recording_load(const struct recording *recording, size_t index, struct capture *capture);

void recording_close(struct recording *recording);

/* tree.c: ends, predecessors, parents, and the processes that nobody recorded. Once, after all captures were added. */
void recording_link(struct recording *recording);

/* A new image of which nothing is known. Moves recording->images. Returns its index. */
size_t recording_new_image(struct recording *recording);

/* The last image of the process whose first image this is. */
size_t recording_last(const struct recording *recording, size_t index);

/* The last image of the newest process with this pid; NO_IMAGE: there is none. */
size_t recording_find(const struct recording *recording, uint32_t pid);

#endif
