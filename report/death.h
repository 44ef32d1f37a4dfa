/* SPDX-License-Identifier: MIT */
/* What killed a process, as far as it was its memory. */
#ifndef PAGEGAP_DEATH_H
#define PAGEGAP_DEATH_H

#include "report.h"

/* What lay where a process that was killed by SIGSEGV or SIGBUS wanted to read, write or execute. */
enum access_finding {
	FINDING_NONE,                   /* it was not killed by one of these signals */
	FINDING_UNKNOWN,                /* it was, and no more is known */
	FINDING_NO_FAULT,               /* no page fault was refused */
	FINDING_NULL,                   /* nothing was mapped, near address 0 */
	FINDING_NOTHING,                /* nothing was mapped */
	FINDING_UNMAPPED,               /* what had been mapped allowed it: unmapped since, or guarded by madvise */
	FINDING_STACK,                  /* below the main thread's stack, which could not grow so far */
	FINDING_GUARD,                  /* a guard: a small mapping without access, next to one with */
	FINDING_NO_ACCESS,              /* a mapping without access */
	FINDING_READ_ONLY,
	FINDING_NOT_EXECUTABLE,
	FINDING_PAST_END,               /* of the file that is mapped there */
	FINDING_FILE_ERROR,             /* a file's page that could not be had, and is not known to be past the end */
	ACCESS_FINDINGS
};
enum access_finding death_access(const struct image *image, const struct capture_invalid_access *access);

/* For the JSON document; NULL for FINDING_NONE. */
extern const char *const finding_keys[ACCESS_FINDINGS];

/* Whether the kernel's OOM killer sent the SIGKILL that ended a process: by counts, of the run as a whole. */
enum oom_word {
	OOM_NONE,                       /* it was not killed by SIGKILL */
	OOM_UNKNOWN,
	OOM_NOT,                        /* the OOM killer killed nothing on the machine meanwhile */
	OOM_PERHAPS,                    /* it killed some process, or some of those that were killed */
	OOM_KILLED,                     /* it killed as many of the cgroup's as were killed */
};
enum oom_word death_oom(const struct recording *recording, const struct image *image);

#endif
