/* SPDX-License-Identifier: MIT */
/*
 * The capture: one file per process image, shared by the instrument that writes it and the reporter that reads it.
 *
 * The file is exactly one `struct capture`, mapped MAP_SHARED by the observed program from its first moment, so that what was
 * counted outlives SIGKILL. It never grows with the number of events. It is created sparse; only the part before
 * `counters[CAPTURE_COUNTERS_EAGER]`, and the first of `calls`, are backed with disk blocks at once, the rest when it is needed.
 *
 * Units: `_bytes` bytes, `_ns` nanoseconds, `_pages` pages of `page_size` bytes; times called `at_ns` are CLOCK_MONOTONIC.
 * CAPTURE_UNKNOWN stands for "not known" wherever a number could be asked for; 0 means zero.
 * A reader must treat every field as hostile: check magic, version and size, then bound every index, count and string.
 * A writer may be in the middle of anything: see `sequence` in struct capture_snapshot.
 */
#ifndef PAGEGAP_CAPTURE_H
#define PAGEGAP_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CAPTURE_MAGIC   "pagegap\n"     /* 8 bytes, no terminator */
#define CAPTURE_VERSION 2
#define CAPTURE_UNKNOWN UINT64_MAX
#define CAPTURE_SUFFIX  ".capture"      /* files are called <pid>.<image number>.capture */

#define CAPTURE_PATH_BYTES    1024
#define CAPTURE_ARGV_BYTES    4096
#define CAPTURE_NAME_BYTES    64
#define CAPTURE_SIZE_CLASSES  48
#define CAPTURE_FILL_BUCKETS  11
#define CAPTURE_SAMPLES       128
#define CAPTURE_MAPPINGS      64
#define CAPTURE_COW_SAMPLES   64
#define CAPTURE_COW_REGIONS   16
#define CAPTURE_CHILDREN      256
#define CAPTURE_NOTES         16
#define CAPTURE_LEFTS         64
#define CAPTURE_COUNTERS      128
#define CAPTURE_COUNTERS_EAGER 4
#define CAPTURE_NUMBERS       512       /* of system calls: what is above has no number of its own */
#define CAPTURE_CELLS         576
#define CAPTURE_CELLS_SHARED  256       /* of these: more than programs have kinds of calls */
#define CAPTURE_CELLS_EAGER   32
#define CAPTURE_ERRORS        8
#define CAPTURE_FDS           1024      /* descriptors whose target is known; those above are all one */
#define CAPTURE_DESCRIPTORS   64        /* targets */
#define CAPTURE_TRAFFIC       192
#define CAPTURE_TRAFFIC_SHARED 64       /* of these, from the end: one for each target, from TARGET_NONE */
#define CAPTURE_TARGET_BYTES  120
#define CAPTURE_LATENCIES     108

/* The rows of the ledger, in the order in which they are printed. X(constant, JSON name) */
#define CAPTURE_ROWS_TABLE(X) \
	X(ROW_HEAP_LIVE,  "heap.live")  \
	X(ROW_HEAP_SLACK, "heap.slack") \
	X(ROW_HEAP_FREE,  "heap.free")  \
	X(ROW_RESERVE,    "reserve")    \
	X(ROW_ANON,       "anon")       \
	X(ROW_FILE,       "file")       \
	X(ROW_IMAGE,      "image")      \
	X(ROW_STACK,      "stack")      \
	X(ROW_INSTRUMENT, "instrument") \
	X(ROW_KERNEL,     "kernel")
#define CAPTURE_ROW_CONSTANT(constant, name) constant,
enum capture_row { CAPTURE_ROWS_TABLE(CAPTURE_ROW_CONSTANT) CAPTURE_ROWS };
#undef CAPTURE_ROW_CONSTANT

enum capture_born  { BORN_UNKNOWN, BORN_START, BORN_FORK, BORN_VFORK, BORN_SPAWN, BORN_EXEC, CAPTURE_BORN };
/* ENDED_NOT is what a capture says of a process that runs or that died unseen; the reader tells these two apart. */
enum capture_ended { ENDED_NOT, ENDED_EXIT, ENDED_SIGNAL, ENDED_EXEC, CAPTURE_ENDED };
/* WHY_REFUSED: memory was, for the first time. */
enum capture_why   { WHY_NONE, WHY_PEAK, WHY_EXIT, WHY_EXEC, WHY_REQUEST, WHY_MARK, WHY_REFUSED, CAPTURE_WHY };

/*
 * What the report must say about the recording itself. `error` is an errno or 0; `count` how often.
 * X(constant, sentence for the report; "%s" never occurs in it)
 */
#define CAPTURE_NOTES_TABLE(X) \
	X(NOTE_NONE,            "") \
	X(NOTE_OWN_MALLOC,      "the executable brings its own malloc: its heap rows are unknown, its memory stands under own mappings") \
	X(NOTE_STATIC,          "a static executable cannot be preloaded: what it did is unknown") \
	X(NOTE_SETUID,          "a set-uid or set-gid executable is not preloaded: what it did is unknown") \
	X(NOTE_ARCHITECTURE,    "an executable of another architecture cannot be preloaded: what it did is unknown") \
	X(NOTE_LIBC,            "the executable uses another C library, which does not load this one: what it did is unknown") \
	X(NOTE_NO_MAP_MEMORY,   "no memory for the block map: some blocks are counted when allocated but are missing from the heap rows") \
	X(NOTE_NO_SNAPSHOT,     "a ledger could not be taken") \
	X(NOTE_NO_EXEC_FOLLOW,  "a program executed from here could not be followed: the library is out of its reach") \
	X(NOTE_PEAK_BOUND,      "several threads allocated: the peak of live bytes may be off, either way, by the figure beside it") \
	X(NOTE_RANGES_LOST,     "some of the program's own mappings could not be tracked") \
	X(NOTE_SHARED_COUNTERS, "more threads at once than there is room for counters: the surplus shares one slot, still exact") \
	X(NOTE_USERFAULTFD,     "the program uses userfaultfd itself: its memory after a fork is watched by other means") \
	X(NOTE_MERGED,          "the kernel merged equal pages of the program (KSM): what was copied after a fork is known less exactly") \
	X(NOTE_NO_DISPATCH,     "not every system call could be caught here: those through libc's functions are counted") \
	X(NOTE_NOT_PRELOADED,   "the program did not load the library: only its time and status are known") \
	X(NOTE_TRACED,          "traced from outside: its calls, times and memory are known, not what its malloc did") \
	X(NOTE_SOME_CALLS,      "of the system calls, only those that --trace=LIST asked for are counted") \
	X(NOTE_NO_LOG,          "no log of calls could be written here") \
	X(NOTE_NO_TRACING,      "the program traces others, which is refused to it while it is traced itself") \
	X(NOTE_NO_SITES,        "call sites could not be recorded here")
#define CAPTURE_NOTE_CONSTANT(constant, text) constant,
enum capture_note { CAPTURE_NOTES_TABLE(CAPTURE_NOTE_CONSTANT) CAPTURE_NOTE_KINDS };
#undef CAPTURE_NOTE_CONSTANT

struct capture_noted {
	uint32_t kind;                  /* enum capture_note */
	int32_t  error;                 /* errno of the first time, or 0 */
	uint64_t count;                 /* times it happened */
};

/*
 * Functions that the kernel's vDSO answers, so that they are no system calls (vdso(7)): of clock_gettime, those for clocks that it knows.
 * X(constant, name)
 */
#define CAPTURE_VDSO_TABLE(X) \
	X(VDSO_CLOCK_GETTIME, "clock_gettime") \
	X(VDSO_GETTIMEOFDAY,  "gettimeofday") \
	X(VDSO_TIME,          "time") \
	X(VDSO_GETCPU,        "getcpu")
#define CAPTURE_VDSO_CONSTANT(constant, name) constant,
enum capture_vdso { CAPTURE_VDSO_TABLE(CAPTURE_VDSO_CONSTANT) CAPTURE_VDSO };
#undef CAPTURE_VDSO_CONSTANT

/* What threads did with the time that they lived; what is in none of the others they slept, or were kept from running by the machine. */
struct capture_thread_time {
	uint64_t lived_ns;              /* from the call that made the thread, or the beginning of the image, to its end or the moment of this */
	uint64_t user_ns, system_ns;    /* their sum is exact, the kernel splits it */
	uint64_t wait_ns;               /* ready to run, waiting for a processor: schedstat; CAPTURE_UNKNOWN */
	uint64_t unread_ns;             /* part of lived_ns that is in no wait_ns: of threads that lived too short to be asked */
};

/* The threads of a slot of counters: one, or several one after the other. Those of slot 0 are all that found no other. */
struct capture_thread {
	uint32_t threads;               /* how many there have been */
	uint32_t lost;                  /* of these, whose end nobody saw: their times are in nothing below */
	uint32_t tid;                   /* of the last one */
	uint32_t alive;                 /* 1: that one was alive when the image's times were read, and `now` is its share */
	uint64_t since_ns;              /* when that one was made */
	struct capture_thread_time ended, now;
	char     name[16];              /* of the last: pthread_setname_np(3), NUL-terminated; empty: not known */
};

/*
 * What one thread counted. A slot outlives its thread and goes to the next one with its counts: only the sum over all slots
 * means something. A slot has one writer, plain stores; slot 0 is shared by all threads without a slot of their own, atomic adds.
 */
struct capture_counters {
	uint32_t tid;                   /* the thread that writes here now; 0: free */
	uint32_t reserved;
	uint64_t frees;                 /* of live blocks; a realloc is one */
	uint64_t reallocations;         /* calls of realloc and reallocarray that returned a block for a block */
	uint64_t failed;                /* allocation calls that returned no memory */
	uint64_t requested_bytes;       /* asked for, summed over allocations */
	int64_t  live_bytes;            /* requested bytes allocated minus requested bytes freed, by whoever writes here */
	int64_t  usable_live_bytes;     /* usable bytes, likewise */
	int64_t  published_bytes;       /* part of live_bytes that is in capture.live_bytes already */
	int64_t  peak_bytes;            /* highest live_bytes since the last publication */
	uint64_t untracked;             /* allocations that the block map could not hold: not in the live figures, their frees unknown */
	uint64_t untracked_bytes;       /* requested bytes of these */
	uint64_t unknown_frees;         /* frees of blocks never seen (allocated before the instrument, or untracked) */
	/*
	 * Successful allocations by requested size: [0] size 0; [i] 2^(i-1) … 2^i - 1; last: and above. Their sum is the number of
	 * allocations, as valgrind's "total heap usage" counts them: a realloc that returns a block is one.
	 */
	uint64_t size_class[CAPTURE_SIZE_CLASSES];
	uint16_t cells[CAPTURE_NUMBERS]; /* by number of the system call: 1 + where it is counted in capture.calls; 0: nowhere yet */
	struct capture_thread thread;
	uint8_t  traffic[CAPTURE_DESCRIPTORS]; /* by target: 1 + where calls on it are counted in capture.traffic; 0: nowhere yet */
	uint64_t vdso[CAPTURE_VDSO];    /* calls of these functions, where they were asked for: enum capture_vdso */
	uint64_t padding[1];            /* to 64 bytes: no line is written by two threads */
};
_Static_assert(sizeof(struct capture_counters) % 64 == 0, "one writer per cache line");

/*
 * A system call, as the threads of one slot made it; those of slot 0 are shared, with atomic adds. Times are in ticks of struct
 * capture_clock and those of the calls that were timed.
 */
struct capture_call {
	uint16_t number;                /* the kernel's; CAPTURE_NUMBERS - 1: any above */
	uint16_t slot;                  /* of the counters */
	uint16_t errnos[CAPTURE_ERRORS]; /* with how often each was the result; 0: none */
	uint32_t reserved;
	uint64_t error_counts[CAPTURE_ERRORS];
	uint64_t calls;
	uint64_t errors;                /* of these; those whose errno found no place above included */
	uint64_t bytes;                 /* sum of the results that are a number of bytes */
	uint64_t timed;
	uint64_t ticks;                 /* sum */
	uint64_t least_ticks, most_ticks; /* of one; as of the last that was timed */
	/* Timed calls by duration: see capture_latency. */
	uint64_t latencies[CAPTURE_LATENCIES];
	uint64_t padding[2];            /* to 64 bytes */
};
_Static_assert(sizeof(struct capture_call) == 1024, "whole cells in a page");

/*
 * Class of a duration: four to an octave, from 2^6 ticks on. Class 0 is all below, the last one all above. capture_latency_from is the
 * least duration of a class but for class 0.
 */
static inline unsigned capture_latency(uint64_t ticks)
{
	unsigned octave, class;

	if (ticks < 80)
		return 0;
	octave = 63 - (unsigned)__builtin_clzll(ticks);
	class = (octave - 6) * 4 + ((unsigned)(ticks >> (octave - 2)) & 3);
	return class < CAPTURE_LATENCIES ? class : CAPTURE_LATENCIES - 1;
}

static inline uint64_t capture_latency_from(unsigned class)
{
	return (uint64_t)(4 + class % 4) << (class / 4 + 4);
}

/* Where a descriptor leads. The first TARGET_FIRST stand for all those of a kind that have no place of their own. */
enum { TARGET_NONE, TARGET_UNKNOWN, TARGET_FILES, TARGET_PIPES, TARGET_SOCKETS, TARGET_FIRST };

struct capture_target {
	uint32_t fd;
	uint32_t reserved;
	char     name[CAPTURE_TARGET_BYTES]; /* as /proc/self/fd has it, its end when it is too long, NUL-terminated */
};

/* Calls that moved bytes through a descriptor, by the threads of one slot; those of slot 0 are shared, with atomic adds. */
struct capture_traffic {
	uint16_t slot;                  /* of the counters */
	uint16_t target;                /* in capture.targets */
	uint32_t reserved;
	uint64_t calls;                 /* a call between two descriptors is counted with both */
	uint64_t errors;                /* of these; that the descriptor is none (EBADF) is not counted */
	uint64_t bytes_in, bytes_out;
	uint64_t timed;
	uint64_t ticks;                 /* of struct capture_clock */
	uint64_t padding;
};
_Static_assert(sizeof(struct capture_traffic) == 64, "one writer per cache line");

enum capture_calls_mode { CALLS_WRAPPED, CALLS_ALL, CALLS_TRACED, CALLS_OFF, CAPTURE_CALLS_MODES };

enum capture_clock_kind { CALL_CLOCK_NONE, CALL_CLOCK_TSC, CALL_CLOCK_MONOTONIC, CALL_CLOCKS };

/* What a tick is: between two moments at which both were read. */
struct capture_clock {
	uint32_t kind;                  /* enum capture_clock_kind: the processor's time-stamp counter, or nanoseconds */
	uint32_t reserved;
	uint64_t first_ticks, first_ns; /* CLOCK_MONOTONIC */
	uint64_t last_ticks, last_ns;
};

/* One row of one ledger. A field may be CAPTURE_UNKNOWN. */
struct capture_amounts {
	uint64_t mapped_bytes;
	uint64_t resident_bytes;
	uint64_t dirty_bytes;
	uint64_t shared_bytes;          /* mapped by another process too */
	uint64_t swap_bytes;
	uint64_t huge_bytes;            /* in transparent huge pages */
};

/*
 * The parts of heap.free, where the allocator names them: all that it holds beyond live blocks.
 * X(constant, JSON name)
 */
#define CAPTURE_FREE_PARTS_TABLE(X) \
	X(FREE_SLOTS,        "free_slots")      /* between live blocks of the same size class */ \
	X(FREE_CACHED_SLOTS, "cached_slots")    /* in the caches of threads */ \
	X(FREE_SLAB_ENDS,    "slab_ends")       /* behind the last slot of a run of slots */ \
	X(FREE_KEPT_PAGES,   "kept_pages")      /* free pages that have not gone back to the kernel: they may be resident */ \
	X(FREE_RETURNED_PAGES, "returned_pages") /* free pages that have, or were never touched */ \
	X(FREE_KEPT_BLOCKS,  "kept_blocks")     /* mappings of freed large blocks, kept for the next one */ \
	X(FREE_TABLES,       "tables")          /* the allocator's own */ \
	X(FREE_POOLS,        "pools")           /* pools that the program made through an interface of their own */
#define CAPTURE_FREE_PART_CONSTANT(constant, name) constant,
enum capture_free_part { CAPTURE_FREE_PARTS_TABLE(CAPTURE_FREE_PART_CONSTANT) CAPTURE_FREE_PARTS };
#undef CAPTURE_FREE_PART_CONSTANT

/* What the allocator says of itself, asked just after a ledger. All CAPTURE_UNKNOWN: it does not say. */
struct capture_holdings {
	uint64_t mapped_bytes;          /* with access, whatever for */
	uint64_t live_bytes;            /* usable bytes of blocks that the program has */
	uint64_t free_bytes[CAPTURE_FREE_PARTS];
};

/* A ledger. Valid when `sequence` is even, not 0, and the same before and after it was read. */
struct capture_snapshot {
	uint32_t sequence;              /* odd while it is being written */
	uint32_t why;                   /* enum capture_why */
	uint64_t at_ns;
	uint64_t cost_ns;               /* processor time that taking it cost */
	uint64_t vm_size_bytes;         /* VmSize of /proc/PID/status */
	uint64_t rss_bytes;             /* sum of Rss over /proc/PID/smaps, same pass as the rows */
	uint64_t page_table_bytes;      /* VmPTE */
	uint64_t live_blocks;           /* blocks found in the block map */
	uint64_t thp_eligible_bytes;    /* mapped bytes of ranges with THPeligible */
	struct capture_amounts rows[CAPTURE_ROWS];
	int64_t  unexplained_mapped_bytes;
	int64_t  unexplained_resident_bytes;
	uint64_t fill_pages[CAPTURE_FILL_BUCKETS]; /* resident heap pages by requested bytes on them: [0] none at all;
	                                              [1] above 0 and below 10 %; [i] (i-1)*10 % … below i*10 %; [10] 90 … 100 % */
	uint64_t free_on_empty_bytes;   /* resident heap.free bytes on pages without any live block */
	/* Below the line: of the whole process, in none of the rows' columns. */
	uint64_t locked_bytes;          /* VmLck: mapped bytes that mlock and its relatives keep in memory */
	uint64_t locked_resident_bytes; /* the resident part of locked mappings */
	uint64_t hugetlb_mapped_bytes;  /* mapped bytes of explicit huge pages: MAP_HUGETLB, hugetlbfs */
	uint64_t hugetlb_bytes;         /* HugetlbPages: what of that is there; not counted as resident */
	struct capture_holdings holdings;
	char     name[CAPTURE_NAME_BYTES]; /* WHY_MARK: the mark's name, NUL-terminated */
};

/* Where snapshots lie: the best peak is written into the older of two, so that one is always whole. */
enum {
	SNAPSHOT_END,                   /* exit or exec */
	SNAPSHOT_PEAK,                  /* two of them */
	SNAPSHOT_REQUEST = SNAPSHOT_PEAK + 2, /* written by `pagegap snapshot` from outside, under flock of the file */
	SNAPSHOT_MARK = SNAPSHOT_REQUEST + 4, /* the newest marks, in a ring */
	SNAPSHOT_REFUSED = SNAPSHOT_MARK + 16, /* when memory was refused for the first time */
	CAPTURE_SNAPSHOTS,
};

/* A point of the time series. */
struct capture_sample {
	uint64_t at_ns;
	uint64_t live_bytes;            /* requested bytes of live blocks */
	uint64_t usable_bytes;          /* usable bytes of live blocks */
	uint64_t mapped_bytes;          /* VmSize */
	uint64_t resident_bytes;        /* VmRSS of /proc/PID/statm: lags by some pages per processor */
	uint64_t minor_faults;
	uint64_t major_faults;
};

#define CAPTURE_SHARED (1U << 31)       /* MAP_SHARED */
#define CAPTURE_LOCKED (1U << 30)       /* mlock */

/* One of the largest mappings of the last snapshot taken from inside; of one that belongs to several rows, a part. */
struct capture_mapping {
	uint64_t start, end;            /* addresses */
	uint32_t row;                   /* enum capture_row; ROW_HEAP_LIVE: the heap as a whole */
	uint32_t protection;            /* PROT_READ | PROT_WRITE | PROT_EXEC | CAPTURE_SHARED | CAPTURE_LOCKED */
	uint64_t resident_bytes;
	uint64_t dirty_bytes;
	uint64_t shared_bytes;
	uint64_t swap_bytes;
	uint64_t huge_bytes;            /* in transparent huge pages */
	uint64_t hugetlb_bytes;         /* in explicit ones, beside resident_bytes; of the whole mapping */
	char     name[CAPTURE_NAME_BYTES]; /* the end of the name when it is too long, NUL-terminated; empty: anonymous */
};

/* A child as its parent saw it. */
struct capture_child {
	uint32_t pid;
	uint32_t born;                  /* enum capture_born */
	uint64_t born_at_ns;
	uint64_t waited_at_ns;          /* 0: not waited for */
	int32_t  status;                /* wait status, when waited for */
	uint32_t reserved;
	uint64_t fork_ns;               /* what the fork itself took its parent; 0: not known, or no fork */
	uint64_t fork_page_table_bytes; /* VmPTE of the parent right after a fork that took long; 0: not read */
};

/* Where a process outside finds the instrument's tables in the observed program (process_vm_readv). */
struct capture_anatomy {
	uint64_t blockmap_address;      /* struct blockmap, 0: none */
	uint64_t ranges_address;        /* pointer to the array of struct range */
	uint64_t start_brk;             /* where the break began, 0: unknown */
	uint64_t code_address;          /* in the instrument's own text */
	uint64_t thread_stack_bytes;    /* as libc makes them by default: the limit on the stack when the program began */
	uint64_t glibc;                 /* 1: look for glibc's arena headers and mapped chunks, and take the break for its heap */
};

/*
 * What a fault in user mode did. X(constant, JSON name). What the split cannot tell of a fault makes it KIND_UNKNOWN; a kind that could not
 * be told at all has CAPTURE_UNKNOWN faults. Together, they are all samples of the image: the rows' and the unplaced ones.
 */
#define CAPTURE_KINDS_TABLE(X) \
	X(KIND_FIRST_TOUCH,        "first_touch")        /* a page of anonymous memory was brought in: at its first write, read before or not */ \
	X(KIND_ZERO_PAGE,          "zero_page")          /* a read of anonymous memory that got the shared page of zeros */ \
	X(KIND_FILE_TOUCH,         "file_touch")         /* a page of a file, or of shared memory, that was in memory already */ \
	X(KIND_PRIVATE_FILE_WRITE, "private_file_write") /* a write to a private file's page, which is copied */ \
	X(KIND_SHARED_FILE_WRITE,  "shared_file_write")  /* a write to a shared page that had been touched: the kernel notes it as dirty */ \
	X(KIND_AFTER_FORK,         "after_fork")         /* a write to a page that a fork had shared: one of the next two */ \
	X(KIND_COPIED_AFTER_FORK,  "copied_after_fork")  /* one that copied the page, for a relative still had it */ \
	X(KIND_REUSED_AFTER_FORK,  "reused_after_fork")  /* one that re-used it in place, for none had it any more */ \
	X(KIND_MAJOR_FILE,         "major_file")         /* a page was read from a file */ \
	X(KIND_MAJOR_SWAP,         "major_swap")         /* or from swap space */ \
	X(KIND_HUGE,               "huge")               /* a huge page was brought in: one fault for all its pages */ \
	X(KIND_UNKNOWN,            "unknown")
#define CAPTURE_KIND_CONSTANT(constant, name) constant,
enum capture_kind { CAPTURE_KINDS_TABLE(CAPTURE_KIND_CONSTANT) CAPTURE_KINDS };
#undef CAPTURE_KIND_CONSTANT

/*
 * Page faults of an image by whose memory it was: the samples that `pagegap run` drains for the whole tree and writes down when an
 * image ends. They are those taken in user mode; those inside system calls are the rest of the kernel's count.
 */
struct capture_faults {
	uint32_t method;                /* enum capture_faults_method */
	uint32_t partial;               /* 1: minor faults were not sampled all the time, to save time */
	uint64_t minor[CAPTURE_ROWS];   /* [ROW_HEAP_LIVE] is the heap as a whole, the other two heap rows are 0 */
	uint64_t major[CAPTURE_ROWS];
	uint64_t unplaced_minor;        /* whose memory it was could not be told any more */
	uint64_t unplaced_major;
	uint64_t late_minor;            /* of all these, after usage_at_ns; CAPTURE_UNKNOWN: too many, or the image has not ended */
	uint64_t late_major;
	uint64_t early_minor;           /* not among these, though in the kernel's count: of the process before its first capture */
	uint64_t early_major;
	uint64_t lost;                  /* samples that the kernel dropped meanwhile, of any process */
	uint64_t minor_fault_ns;        /* what a first touch of fresh memory costs here, as the runner measured it; 0: not measured */
	uint64_t kinds[CAPTURE_KINDS];
	/*
	 * Churn: faults on pages of anonymous memory that the image had faulted in before, without a fork in between: they had been
	 * given back. Pages are those, each once. At least so many: not where samples are missing. CAPTURE_UNKNOWN: it cannot be told here.
	 */
	uint64_t churn_pages[CAPTURE_ROWS];
	uint64_t churn_faults[CAPTURE_ROWS];
	uint64_t churn_break_faults;    /* of the heap's: on the break, which shrank and grew in between */
	uint64_t churn_break_bytes;     /* from the lowest of these pages to the highest end of the break */
	uint64_t churn_arena_faults;    /* of the heap's: in glibc's arenas for threads */
	uint64_t churn_block_faults;    /* of the heap's: in mappings that glibc makes for one block */
	uint64_t churn_block_bytes;     /* the largest of these mappings */
	uint64_t churn_cut;             /* 1: the pages were too many for all of them to be followed */
};

/*
 * Pages that a forked child inherited, of one row, as the last look found them; a page of the heap is in the heap row that most of its
 * bytes are in, and one that was unmapped is gone from the row that it was in. The rows add up to inherited_pages, but for what was
 * unmapped without telling, as libc does by itself: that is in none.
 */
struct capture_cow_row {
	uint64_t inherited_pages;
	uint64_t shared_pages;          /* mapped by a relative too, as they were */
	uint64_t unshared_pages;        /* there, and nobody else's: this process or a relative has copied them, or the relatives' are gone */
	uint64_t gone_pages;            /* given back or swapped out by the child */
	uint64_t written_pages;         /* of all these, written by the child since it was born; CAPTURE_UNKNOWN: not watched */
	uint64_t written_gone_pages;    /* of these, gone since; 0 where they are unknown */
};

/* Memory that is about to be let go. */
struct capture_left {
	uint64_t at_ns;
	uint64_t start, end;            /* addresses */
	uint64_t moved;                 /* 1: it is somewhere else after that */
};

/*
 * First writes since a fork, of one side of it, to pages of one row. Pages that samples had seen written before the
 * fork; an unseen one may have been there all the same, brought in by a system call, or be new.
 */
struct capture_order_row {
	uint64_t copied_pages;          /* a relative still had the page */
	uint64_t reused_pages;          /* no relative had it any more: it was taken over in place */
	uint64_t ambiguous_pages;       /* either */
	uint64_t unseen_copied_pages;   /* of unseen pages, if they were there */
	uint64_t unseen_reused_pages;
};

struct capture_order_side {
	struct capture_order_row rows[CAPTURE_ROWS]; /* [ROW_HEAP_LIVE] is the heap as a whole */
	struct capture_order_row unplaced; /* whose memory it was could not be told any more */
};

/* In which order the two sides of a fork wrote, as `pagegap run` tells by the samples of the whole family. */
struct capture_order {
	uint32_t method;                /* enum capture_order_method */
	uint32_t partial;               /* 1: samples of its family were missing for a while */
	uint64_t unsampled_faults;      /* minor ones inside system calls: it wrote at most so many pages unseen */
	uint64_t doubtful_pages;        /* relatives' writes judged by what this image had, which is not certain */
	struct capture_order_side by_child; /* of the fork that the image began with, by itself */
	struct capture_order_row as_parent; /* of all its own forks, by itself */
	uint32_t parent_known;          /* 1: the following is filled, once nobody will count in it any more */
	uint32_t reserved;
	struct capture_order_side by_parent; /* of the fork that the image began with, by its parent */
};

enum capture_order_method { ORDER_UNKNOWN, ORDER_SAMPLED, CAPTURE_ORDER_METHODS };

/* Copy-on-write: of an image that began with a fork, and of one that forked. */
struct capture_cow {
	uint32_t method;                /* enum capture_cow_method */
	uint32_t looked;                /* 1: the rows are filled */
	uint64_t inherited_pages;       /* anonymous pages that the child had when it was born, in all rows */
	uint64_t looked_at_ns;          /* at the end of the image; of one that was killed, before that */
	struct capture_cow_row rows[CAPTURE_ROWS];
	/*
	 * Pages shared at a fork, the one that it began with or one of its own, that it wrote before its next fork or until it was last
	 * looked at: a page counts once after each fork. By write protection, system calls included. CAPTURE_UNKNOWN: not watched, or
	 * not all the time.
	 */
	uint64_t written_pages;
	uint64_t early_faults;          /* of the child before it was watched: it wrote at most so many pages unseen */
	uint64_t faults_beside_children; /* minor ones while a child that it had forked lived, as far as it knew: they bound what it
	                                    wrote beside them; complete when the image has ended */
	uint64_t own_forks;
	uint32_t heap_split;            /* 1: the heap's pages are in its three rows; 0: all are in ROW_HEAP_LIVE */
	uint32_t watch_ended;           /* 1: written_pages lacks what was written after the last child had ended */
	uint64_t lefts;                 /* how often it unmapped, moved away or gave back memory while a child shared it */
	uint64_t written_unmapped_pages; /* inherited, written, and in no row; 0 where written pages are unknown */
	uint64_t moved_pages;           /* inherited and not written before it moved them: what of them it wrote then is not known */
	uint64_t unlogged_pages;        /* let go while children lived, written or not, and it was not watched */
	uint64_t lefts_noted;           /* the following, and those before them */
	struct capture_left left[CAPTURE_LEFTS]; /* the newest, in a ring */
	uint64_t unasked_pages;         /* given back, and in none of these: nobody asked whether they had been written, for that takes long */
	uint64_t unasked_written;       /* of these, at most so many had been written and are not in written_pages */
	uint64_t left_pages;            /* of the pages that a child inherited, those that went this way */
	struct capture_order order;
};

/* A look at a child: all that it had inherited, in rows or not. */
struct capture_cow_sample {
	uint64_t at_ns;
	struct capture_cow_row pages;
};

/*
 * Memory side by side that a look found in one row, or that was unmapped before, and that had been inherited in part or
 * as a whole.
 */
struct capture_cow_region {
	uint64_t start, end;            /* addresses */
	uint32_t row;                   /* enum capture_row; ROW_HEAP_LIVE: the heap as a whole */
	uint32_t reserved;
	struct capture_cow_row pages;
};

/* How copy-on-write went, of an image that began with a fork and whose pages are known one by one. */
struct capture_cow_course {
	uint64_t interval_ns;           /* at least between two samples, but for the last; 0: there is none */
	uint32_t samples_used;
	uint32_t regions_used;
	struct capture_cow_region regions[CAPTURE_COW_REGIONS]; /* those of which most is shared no longer, of the last look */
	struct capture_cow_sample samples[CAPTURE_COW_SAMPLES]; /* behind them: few images have many */
};

/* A mapping as the kernel reported it when it was made or changed; what was unmapped since, it does not report. */
struct capture_place {
	uint64_t start, end;            /* addresses; both 0: none */
	uint64_t protection;            /* PROT_READ | PROT_WRITE | PROT_EXEC | CAPTURE_SHARED */
	char     name[CAPTURE_NAME_BYTES]; /* as in struct capture_mapping */
};

enum capture_access_state {
	ACCESS_NOT_WATCHED,             /* or not well enough to say */
	ACCESS_ALL_SERVED,              /* the last page faults of the image were all served */
	ACCESS_REFUSED,                 /* one was not */
	CAPTURE_ACCESS_STATES
};

enum capture_access_kind { TOUCH_UNKNOWN, TOUCH_READ, TOUCH_WRITE, TOUCH_EXECUTE, CAPTURE_ACCESS_KINDS };

/*
 * The last access in user mode that the kernel would not serve, as the runner found it when the image had ended. It
 * explains a death by SIGSEGV or SIGBUS; before another end it was handled.
 */
struct capture_invalid_access {
	uint32_t state;                 /* enum capture_access_state */
	uint32_t kind;                  /* enum capture_access_kind; by the instruction */
	uint32_t map_known;             /* 1: the image's mappings are known, and where none is there was none */
	uint32_t reserved;
	uint64_t at_ns;
	uint64_t address;
	uint64_t instruction;           /* address of it */
	uint64_t stack_pointer;
	uint64_t faults_after;          /* of the same thread, as far as known: 0 when it was killed by this one */
	struct capture_place at, below, above; /* what was mapped there, and next to it */
	uint64_t file_offset;           /* of the address in the file that was mapped there, else CAPTURE_UNKNOWN */
	uint64_t file_bytes;            /* size of that file then, else CAPTURE_UNKNOWN */
	struct capture_place code;      /* what the instruction lies in */
	uint64_t code_offset;           /* in that file */
};

/*
 * Of the run as a whole, in the capture of its first process's last image: what the kernel's OOM killer did
 * meanwhile.
 */
struct capture_oom {
	uint32_t watched;               /* 1: the rest means something */
	uint32_t reserved;
	uint64_t cgroup_kills;          /* processes of the program's memory cgroup that it killed; CAPTURE_UNKNOWN */
	uint64_t machine_kills;         /* of the machine; CAPTURE_UNKNOWN */
	uint64_t limit_bytes;           /* the lowest of the cgroup and those above it; or CAPTURE_UNKNOWN */
	char     cgroup[CAPTURE_NAME_BYTES]; /* as in struct capture_mapping */
};

/*
 * Requests for memory that were refused for want of it (ENOMEM). X(constant, name of the call for the report and the
 * JSON document)
 */
#define CAPTURE_REQUESTS_TABLE(X) \
	X(REQUEST_MALLOC, "malloc") /* and its relatives, whatever the allocator was refused in turn */ \
	X(REQUEST_MMAP,   "mmap") \
	X(REQUEST_HUGE_PAGES, "mmap of huge pages") /* MAP_HUGETLB: programs try that, and do without */ \
	X(REQUEST_MREMAP, "mremap") \
	X(REQUEST_BREAK,  "brk")
#define CAPTURE_REQUEST_CONSTANT(constant, name) constant,
enum capture_request { CAPTURE_REQUESTS_TABLE(CAPTURE_REQUEST_CONSTANT) CAPTURE_REQUESTS };
#undef CAPTURE_REQUEST_CONSTANT

struct capture_refused {
	uint64_t count;
	uint64_t least_bytes, most_bytes; /* of one request; at most CAPTURE_MOST_BYTES is noted */
	uint64_t first_ns, last_ns;     /* CLOCK_MONOTONIC */
};
#define CAPTURE_MOST_BYTES (UINT64_MAX >> 2)

/*
 * What was refused, and, as of the first time, what there was and which limits there were. CAPTURE_UNKNOWN: not
 * known, or no limit.
 */
struct capture_exhaustion {
	uint32_t noted;                 /* 1: something was refused */
	uint32_t first_request;         /* enum capture_request */
	struct capture_refused refused[CAPTURE_REQUESTS];
	uint64_t first_bytes;           /* asked for, that first time */
	uint64_t mapped_bytes;          /* VmSize */
	uint64_t data_bytes;            /* VmData: what RLIMIT_DATA bounds */
	uint64_t address_limit_bytes;   /* RLIMIT_AS */
	uint64_t data_limit_bytes;      /* RLIMIT_DATA */
	uint64_t overcommit;            /* vm.overcommit_memory: 0, 1, 2 */
	uint64_t commit_limit_bytes;    /* CommitLimit and Committed_AS of the machine: proc(5), /proc/meminfo */
	uint64_t committed_bytes;
	uint64_t memory_bytes;          /* the machine's memory and swap space */
	uint64_t mappings, mappings_limit; /* of the process; vm.max_map_count */
};

/* COW_SMAPS: only the total of inherited_pages is known, and in the rows the pages that are still shared. */
enum capture_cow_method { COW_UNKNOWN, COW_PAGEMAP, COW_WRITE_PROTECT, COW_SMAPS, CAPTURE_COW_METHODS };

enum capture_faults_method { FAULTS_NOT_SAMPLED, FAULTS_SAMPLED, CAPTURE_FAULTS_METHODS };

struct capture {
	/* identity, written once */
	char     magic[8];
	uint32_t version;
	uint32_t header_bytes;          /* sizeof(struct capture) */
	uint32_t page_size;
	uint32_t pid;
	uint32_t parent_pid;
	uint32_t image_number;          /* 0 for the first image of this pid, then +1 by each exec */
	uint32_t born;                  /* enum capture_born */
	uint32_t uid;
	uint64_t start_ns;              /* CLOCK_MONOTONIC */
	uint64_t start_realtime_ns;     /* CLOCK_REALTIME, same moment */
	uint32_t argc;                  /* arguments in argv, complete or not */
	uint32_t argv_bytes;            /* used bytes of argv; each argument ends with NUL; the last may be cut */
	uint32_t argv_cut;              /* 1: arguments are missing */
	uint32_t has_heap;              /* 1: malloc is interposed, the heap figures mean something */
	char     exe[CAPTURE_PATH_BYTES];       /* NUL-terminated; /proc/self/exe */
	char     allocator[CAPTURE_PATH_BYTES]; /* object that defines malloc, NUL-terminated path; "glibc" when libc's */
	char     exec_path[CAPTURE_PATH_BYTES]; /* what the last exec, successful or not, was given; empty: none */
	char     argv[CAPTURE_ARGV_BYTES];

	/* how it went, written as it happens */
	uint32_t ended;                 /* enum capture_ended */
	int32_t  end_code;              /* exit status or signal number */
	uint64_t end_ns;
	uint64_t user_ns;               /* of the process, threads that are gone included; as of the last snapshot or the end */
	uint64_t system_ns;
	uint64_t runnable_wait_ns;      /* waiting for a processor: schedstat, summed over threads */
	uint64_t voluntary_switches;
	uint64_t involuntary_switches;
	uint64_t migrations;
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t max_rss_bytes;         /* ru_maxrss: of the process, exec'd predecessors included */
	uint64_t usage_at_ns;           /* when these were read */
	/*
	 * The lives of all threads until then, added up; CAPTURE_UNKNOWN: not known, or the threads were not asked at that time. To be
	 * compared with what the process used since the moment at which the library found it, which is:
	 */
	uint64_t threads_lived_ns;
	uint64_t threads_asked_ns;      /* how long it took to ask them */
	uint64_t begun_ns;
	uint64_t begun_user_ns, begun_system_ns, begun_wait_ns;
	/*
	 * Calls that read and that write files, pipes and the like, as the kernel counts them, seen here or not; from the beginning of the image until
	 * usage_at_ns, without the instrument's own: proc(5), /proc/pid/io. CAPTURE_UNKNOWN: not known, as
	 * when there were several threads.
	 */
	uint64_t kernel_reads, kernel_writes;
	struct capture_noted notes[CAPTURE_NOTES];
	struct capture_faults faults;   /* of this image */
	struct capture_cow cow;
	struct capture_cow_course cow_course;
	struct capture_invalid_access invalid_access;
	struct capture_oom oom;
	struct capture_exhaustion exhaustion;
	uint64_t born_page_table_bytes; /* VmPTE of a forked child at its birth, that the fork copied */
	uint64_t populate_calls;        /* MAP_POPULATE, MADV_POPULATE_READ, MADV_POPULATE_WRITE that succeeded */
	uint64_t populate_bytes;        /* asked for with them */

	/* heap, beside the counters */
	uint64_t inherited_blocks;      /* live at the fork that began this image */
	uint64_t inherited_live_bytes;
	uint64_t inherited_usable_bytes;
	int64_t  live_bytes;            /* inherited + the published part of the counters' live bytes */
	int64_t  peak_live_bytes;       /* highest value of it, as published: see capture_totals */
	uint64_t peak_bound_bytes;      /* the true peak differs by at most this; 0: exact */
	uint64_t own_thread_ns_spent;   /* processor time in snapshots and samples */
	uint64_t trims;                 /* calls of malloc_trim */

	/* system calls */
	struct capture_clock call_clock;
	uint64_t uncounted_calls;       /* that found no place at all */
	uint32_t cells_used;            /* of calls, in order */
	uint32_t calls_mode;            /* enum capture_calls_mode */
	uint64_t patched_sites;         /* of system calls, by this image; and those that could not be patched, for good */
	uint64_t refused_sites;
	uint64_t caught_calls;          /* by a signal; the others came from patched sites */

	struct capture_anatomy anatomy;
	struct capture_mapping mappings[CAPTURE_MAPPINGS]; /* of the last snapshot taken from inside */
	struct capture_snapshot snapshots[CAPTURE_SNAPSHOTS];
	uint64_t marks;                 /* marks passed; the ring keeps the newest */

	uint64_t sample_interval_ns;
	uint32_t samples_used;
	uint32_t mappings_used;
	uint64_t mappings_dropped;      /* smaller ones that found no place */
	struct capture_sample  samples[CAPTURE_SAMPLES];

	uint64_t children_born;         /* the table keeps the newest, and those that died by a signal before others */
	struct capture_child children[CAPTURE_CHILDREN];

	/* traffic by descriptor */
	uint32_t traffic_lock;          /* of whoever looks up where a descriptor leads */
	uint32_t targets_used;          /* of targets, from TARGET_FIRST */
	uint32_t traffic_used;          /* of traffic, but for the shared ones */
	uint32_t vdso_counted;          /* 1: calls that the vDSO answers were to be counted */
	uint64_t targets_dropped;       /* that gave way to others: their figures are with the rest of their kind */
	_Alignas(8) uint8_t target_of[CAPTURE_FDS]; /* by descriptor: where it leads; TARGET_NONE: not looked up */
	struct capture_target targets[CAPTURE_DESCRIPTORS];
	_Alignas(64) struct capture_traffic traffic[CAPTURE_TRAFFIC];

	_Alignas(64) struct capture_counters counters[CAPTURE_COUNTERS];
	_Alignas(1024) struct capture_call calls[CAPTURE_CELLS]; /* the last CAPTURE_CELLS_SHARED are left to slot 0 */
};

/* Of that part, what every image writes: the beginning, up to the first ledger; and the counters. */
#define CAPTURE_HEAD_BYTES offsetof(struct capture, snapshots[1])

/* What the counters of a capture say together. */
struct capture_totals {
	uint64_t allocations, frees, reallocations, failed, requested_bytes, freed_bytes;
	uint64_t live_blocks, live_bytes, usable_live_bytes; /* with what was inherited; CAPTURE_UNKNOWN: an unannounced fork */
	uint64_t peak_live_bytes;       /* exact when one thread allocated, else see capture.peak_bound_bytes */
	uint64_t untracked, untracked_bytes, unknown_frees;
	uint64_t size_class[CAPTURE_SIZE_CLASSES];
	uint32_t writers;               /* slots that counted anything */
};

/*
 * capture_totals - sum the counters of a capture, live or left behind
 *
 * Between the stores of a running writer the figures may differ by the operation at hand. Reads only within the structure.
 */
static inline void capture_totals(const struct capture *c, struct capture_totals *t)
{
	int64_t live = 0, usable = 0, peak = c->peak_live_bytes;
	int known = c->inherited_live_bytes != CAPTURE_UNKNOWN;

	*t = (struct capture_totals){ 0 };
	for (int i = 0; i < CAPTURE_COUNTERS; i++) {
		const struct capture_counters *s = &c->counters[i];
		uint64_t allocations = 0;

		for (int j = 0; j < CAPTURE_SIZE_CLASSES; j++) {
			t->size_class[j] += s->size_class[j];
			allocations += s->size_class[j];
		}
		t->writers += allocations || s->frees;
		t->allocations += allocations;
		t->frees += s->frees;
		t->reallocations += s->reallocations;
		t->failed += s->failed;
		t->requested_bytes += s->requested_bytes;
		t->untracked += s->untracked;
		t->untracked_bytes += s->untracked_bytes;
		t->unknown_frees += s->unknown_frees;
		live += s->live_bytes;
		usable += s->usable_live_bytes;
		if (s->peak_bytes - s->published_bytes + c->live_bytes > peak)
			peak = s->peak_bytes - s->published_bytes + c->live_bytes;
	}
	t->freed_bytes = t->requested_bytes - t->untracked_bytes - (uint64_t)live;
	t->live_blocks = known ? c->inherited_blocks + t->allocations - t->untracked - t->frees : CAPTURE_UNKNOWN;
	t->live_bytes = known ? c->inherited_live_bytes + (uint64_t)live : CAPTURE_UNKNOWN;
	t->usable_live_bytes = known ? c->inherited_usable_bytes + (uint64_t)usable : CAPTURE_UNKNOWN;
	t->peak_live_bytes = known ? (uint64_t)peak : CAPTURE_UNKNOWN;
}

/* Parts of the file that have disk blocks from the start. Beyond them, memory of the mapping must not be touched before it is backed. */
#define CAPTURE_EAGER_BYTES (offsetof(struct capture, counters) + CAPTURE_COUNTERS_EAGER * sizeof(struct capture_counters))
#define CAPTURE_EAGER_CALLS (offsetof(struct capture, calls) + CAPTURE_CELLS_EAGER * sizeof(struct capture_call))

/*
 * ledger_of - take a ledger of a process, from inside or from outside
 * @capture: its capture, mapped; only read
 * @pid: the process, or 0 for the calling one
 * @out: filled but for sequence, why and name; holdings as unknown
 * @mappings: CAPTURE_MAPPINGS entries for its largest mappings, or NULL
 * @mappings_used: set with @mappings
 * @mappings_dropped: set with @mappings
 *
 * Returns 0 or an errno: EBUSY another thread is in it, EACCES or ESRCH /proc/PID cannot be read, ENOMEM no memory for its work.
 * Takes no lock that the program can hold, allocates with raw mmap alone. Needs ptrace access to another process (ptrace(2),
 * "ptrace access mode checking"). Sources: proc(5), Documentation/admin-guide/mm/pagemap.rst.
 * Linked into both the instrument and the reporter: the ledger has one implementation.
 */
int ledger_of(const struct capture *capture, pid_t pid, struct capture_snapshot *out,
	      struct capture_mapping *mappings, uint32_t *mappings_used, uint64_t *mappings_dropped);

/* What is behind addresses. The three parts of glibc's heap are anonymous memory too. */
enum ledger_backing {
	BACKING_UNKNOWN, BACKING_ANONYMOUS, BACKING_BREAK, BACKING_ARENA, BACKING_BLOCK /* mapped for one block */,
	BACKING_PRIVATE_FILE, BACKING_SHARED /* a file, or shared memory */, BACKING_KERNEL,
};

/* Told of a part of an address space and its row; ROW_HEAP_FREE stands for the heap as a whole. In ascending order but for files. */
typedef void ledger_claimed(void *context, uint64_t start, uint64_t end, enum capture_row row, enum ledger_backing backing);

/*
 * ledger_claims - whose each part of a process's address space is, by the evidence of the ledger and without its amounts
 * @capture: its capture, mapped; only read
 * @pid: the process, or 0 for the calling one
 *
 * Returns as ledger_of does. Costs what reading /proc/PID/maps costs, and a few reads of memory for each mapping of libc's.
 */
int ledger_claims(const struct capture *capture, pid_t pid, ledger_claimed *claimed, void *context);

#endif
