/* SPDX-License-Identifier: MIT */
/* Reads /proc/PID/smaps (or maps) one mapping at a time, in a small fixed buffer: proc(5). */
#ifndef PAGEGAP_SMAPS_H
#define PAGEGAP_SMAPS_H

#include <stdbool.h>
#include <stdint.h>

#define SMAPS_NAME_BYTES 512

struct mapping {
	uint64_t start, end;            /* addresses */
	uint32_t protection;            /* PROT_READ | PROT_WRITE | PROT_EXEC */
	bool     shared;                /* MAP_SHARED */
	bool     thp_eligible;
	bool     locked;                /* mlock */
	bool     hugetlb;               /* of explicit huge pages */
	uint64_t offset;                /* bytes into the file */
	uint64_t device, inode;         /* inode 0: anonymous */
	/* bytes; all 0 when only maps is read */
	uint64_t resident, dirty, shared_resident, anonymous, swap, huge;
	uint64_t hugetlb_bytes;         /* in explicit huge pages: not in resident */
	char     name[SMAPS_NAME_BYTES]; /* the end of it when it is longer; empty: anonymous without a name */
};

struct smaps {
	int      fd;
	bool     detailed;              /* smaps rather than maps */
	bool     finished;
	uint32_t used, next;            /* bytes in the buffer, and how many of them are consumed */
	int      error;                 /* negated errno of a read that failed, else 0 */
	uint32_t most;                  /* bytes to read at once */
	char     buffer[4096];
};

/* @fd: an open /proc/PID/smaps, or maps when not @detailed, at its start. The caller closes it. */
void smaps_begin(struct smaps *smaps, int fd, bool detailed);

/*
 * Reads one mapping at a time from here on: for a process with much memory. The kernel walks a mapping's pages to write its text, and
 * once more when that did not fit behind the others' in what was read at once (fs/seq_file.c, seq_read_iter).
 */
void smaps_singly(struct smaps *smaps);

/* Returns false at the end or after an error. */
bool smaps_next(struct smaps *smaps, struct mapping *mapping);

/* Opens a file of /proc/PID, or of /proc/self for pid 0. Returns a descriptor or a negated errno. */
int proc_open(int pid, const char *name);

/* Scans an unsigned number; moves *text behind it. */
uint64_t scan_hex(const char **text);
uint64_t scan_decimal(const char **text);

#endif
