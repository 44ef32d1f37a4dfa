/* SPDX-License-Identifier: MIT */
/*
 * The kernel's samples of page faults, and of what explains them: fork, exec, exit, mmap. The runner opens one pair of
 * software events for each processor on itself, switched off; the program inherits them, and its exec switches them on
 * (perf_event_open(2), inherit and enable_on_exec). So every process of the tree is sampled from its first instruction
 * on, and the runner itself never. Works for an ordinary user where perf_event_paranoid is 2 or less: faults taken in
 * user mode then carry their address, those inside system calls are not reported. A sample costs 0.4 to 0.6 us, which is a
 * third of a first touch on a fast machine: that is why there can be a pause.
 */
#ifndef PAGEGAP_FAULT_RINGS_H
#define PAGEGAP_FAULT_RINGS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum fault_event_kind { FAULT_MINOR, FAULT_MAJOR, FAULT_FORK, FAULT_EXEC, FAULT_EXIT, FAULT_MAP, FAULT_LOST };

struct fault_event {
	uint64_t time_ns;               /* CLOCK_MONOTONIC */
	enum fault_event_kind kind;
	pid_t    pid, tid;
	pid_t    parent;                /* FAULT_FORK: process that forked; the same as pid for a thread */
	uint64_t address;               /* of a fault; start of what was mapped */
	uint64_t size;                  /* bytes mapped; samples lost */
	bool     is_break;              /* FAULT_MAP: the break grew */
	bool     is_capture;            /* FAULT_MAP: a file of the instrument's */
	bool     executable;            /* FAULT_MAP */
	bool     is_32bit;              /* of a fault: the code that took it */
	pid_t    parent_tid;            /* FAULT_FORK: the thread that forked */
	uint64_t ip;                    /* of a fault: the instruction that took it */
	uint64_t page_bytes;            /* of a fault: of the page that is there now; 0: not known */
	uint64_t source, target, stack; /* of a fault: the registers that instructions on strings and the stack use (rsi, rdi, rsp) */
	uint64_t protection;            /* FAULT_MAP: as in struct capture_mapping */
	uint64_t offset, device, inode; /* FAULT_MAP */
	char    *name;                  /* the same; only while it is handed over */
};

struct fault_rings;

/*
 * fault_rings_may_be_asked_for - do this before all else
 *
 * The runner may have been started under a seccomp filter that kills who asks for perf events, as service managers
 * install them. Then it lets a child ask first. False with errno: the child was killed.
 */
bool fault_rings_may_be_asked_for(void);

/* fault_rings_open - ask for the samples of a program that is about to be started. NULL with errno: the kernel refuses. */
struct fault_rings *fault_rings_open(void);

/* The kernel tells how large the page is that a fault has brought in: Linux 5.11. */
bool fault_rings_know_sizes(const struct fault_rings *rings);

/* Minor faults are sampled, or not for a while; all else always is. For everything that runs, and what it will start. */
void fault_rings_pause(struct fault_rings *rings, bool pause);

/* Calls a function while each minor fault of the calling thread is sampled, and returns what it returns. */
uint64_t fault_rings_under(uint64_t (*function)(void));

/* Descriptors that become readable when a ring is a quarter full. @polls: NULL only counts them. */
size_t fault_rings_polls(const struct fault_rings *rings, struct pollfd *polls);

/*
 * fault_rings_drain - hand over what has come, in the order in which it happened
 * @all: also the newest, for which another processor may still have something earlier; for the last time
 * @take: false: not yet; this one comes first the next time
 */
void fault_rings_drain(struct fault_rings *rings, bool all, bool (*take)(void *context, const struct fault_event *event),
		       void *context);

void fault_rings_close(struct fault_rings *rings);

#endif
