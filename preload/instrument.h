/* SPDX-License-Identifier: MIT */
/*
 * The instrument as a whole: its state, the thread at hand, and what the wrappers call. Everything in here may run on any thread at
 * any moment, before main and after it, in signal handlers and in the child of a fork.
 */
#ifndef PAGEGAP_INSTRUMENT_H
#define PAGEGAP_INSTRUMENT_H

#include <stdbool.h>

#include "capture.h"
#include "log.h"
#include "sys.h"

/* Of the calling thread. */
struct thread {
	struct capture_counters *fast;          /* counters, where malloc and free may take their short way: see heap.c */
	struct capture_counters *counters;      /* NULL until the thread's first counted call */
	int64_t  countdown;                     /* bytes to be asked for until the next look at the clock, or sample; each block is one byte longer */
	uint64_t beyond;                        /* so many more until the next sample: sites_sampled.c */
	uint64_t random;                        /* state of the thread's random numbers; 0: not seeded yet */
	uint32_t inside;                        /* in a call of the allocator's: what it calls in turn is its own business */
	bool     shared;                        /* counters are slot 0, which needs atomic adds */
	uint64_t start_ns;                      /* when it was made; 0: not known yet */
	uint32_t tid;                           /* when it was last asked, for the log */
};

extern __thread struct thread this_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The capture of this process image; NULL while there is none. A forked child's lies at the same address. */
extern struct capture *capture HIDDEN;

enum instrument_state { INSTRUMENT_NEW, INSTRUMENT_STARTING, INSTRUMENT_ON, INSTRUMENT_OFF };
extern uint32_t instrument_state HIDDEN;

/*
 * Reads 1 in the process that wrote it and 0 in every child born by fork, whoever forked and how (MADV_WIPEONFORK, madvise(2));
 * unchanged in a vfork child, which shares its parent's memory.
 */
extern unsigned char fork_sentinel[4096] HIDDEN;

/* Once per image, by whichever comes first: a wrapper's first call or the library's constructor. */
void instrument_start(void) COLD;

/* Gives the calling thread its counters, starts the instrument, gives a forked child its capture: whatever is missing. False: off. */
bool instrument_attend(struct thread *thread) COLD;

/* True when this thread may count. The hot path's whole overhead when all is as usual. */
static inline bool instrument_ready(struct thread *thread)
{
	if (likely(thread->counters && fork_sentinel[0]))
		return true;
	return instrument_attend(thread);
}

/* Notes for the report; async-signal-safe. */
void instrument_note(enum capture_note kind, int error) COLD;

/* The process itself, and not a vfork child in its memory: only then may the capture's life story be written. */
bool instrument_is_own_process(void);

/* False in a PID namespace of the program's own: the numbers of its children are not those under which they are recorded. */
bool instrument_sees_outer_pids(void);

/* Birth of a forked child: its own capture, at once. */
void instrument_forked(void) COLD;

/* snapshots.c */
bool snapshot_take(enum capture_why why, const char *name) COLD; /* false: it was not taken */
void snapshot_tick(struct thread *thread) COLD;                 /* publishes what is pending; now and then samples and looks for a peak */
void snapshot_before_release(uint64_t bytes) COLD;              /* memory is about to go: was this the peak? */
bool snapshot_read_statm(uint64_t *mapped, uint64_t *resident);  /* bytes: proc(5), /proc/pid/statm */
/* Bytes, or CAPTURE_UNKNOWN. Only around a fork, which one thread is in at a time. */
uint64_t snapshot_read_page_tables(void);
void snapshot_forked(void);
void snapshot_prepare_fork(void);                               /* in the parent, before it forks */
void snapshot_fork_done(void);
void snapshot_inherit(struct capture *child);                   /* in the child: what was live when it was born */

/* ending.c */
void ending(enum capture_ended kind, int code) COLD;            /* the last ledger, the last figures */
void ending_undone(void) COLD;                                  /* the exec failed, the program goes on */
void ending_register(void);
extern uint32_t ending_begun;                                  /* the thread that takes the last ledger, 0: none */
void ending_forked(void);

/* recording.c: where captures go */
struct capture *recording_begin(uint32_t born, uint32_t image_number);
struct capture *recording_begin_child(uint32_t parent_pid);
bool recording_is_first(void);                                  /* this process prints the report, there being no runner */
bool recording_back(uint64_t start, uint64_t end);              /* disk blocks for these bytes of the capture; false: no */
/*
 * Another file of this image's, beside its capture. @bytes: how long it is or will be; @flags: O_CREAT | O_EXCL for a new one.
 * Returns a descriptor or a negated errno. One thread at a time.
 */
long recording_open(const char *suffix, uint64_t bytes, int flags) COLD;
long recording_back_file(int fd, uint64_t start, uint64_t end) COLD; /* disk blocks for these bytes of it; 0 or a negated errno */
void recording_report(void) COLD;                               /* the first process of a recording without a runner prints it */

/* threads.c */
extern uint32_t threads_started HIDDEN;                                /* beyond the first */
uint32_t threads_slots(void);                                          /* of counters that are backed: no others may be touched */
bool thread_attach(struct thread *thread);
void thread_detach(void);
void threads_forked(void);

/* heap.c: whether this thread may take the short way now; called whenever one of the conditions changes. */
void heap_choose_way(struct thread *thread);

/* One counter of the thread's, by whoever writes it. */
#define count(thread, field, amount) do { \
	if (likely(!(thread)->shared)) \
		(thread)->counters->field += (amount); \
	else \
		__atomic_fetch_add(&(thread)->counters->field, (amount), __ATOMIC_RELAXED); \
} while (0)

#endif
