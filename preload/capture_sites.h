/* SPDX-License-Identifier: MIT */
/*
 * Call sites: who asked for the blocks. One file beside the capture of each image whose stacks are taken, `<pid>.<image number>.sites`: exactly
 * one `struct capture_sites`, mapped MAP_SHARED, sparse, backed with disk blocks as it fills. What capture.h says of
 * readers and writers holds here too.
 */
#ifndef PAGEGAP_CAPTURE_SITES_H
#define PAGEGAP_CAPTURE_SITES_H

#include <stddef.h>
#include <stdint.h>

#define SITES_MAGIC      "pgsites\n"    /* 8 bytes, no terminator */
#define SITES_VERSION    2
#define SITES_SUFFIX     ".sites"
#define SITES_MOST       32768          /* the others among them */
#define SITES_FRAMES     (1U << 20)     /* of all sites together */
#define SITES_DEPTH_MOST 256
#define SITES_MODULES    512
#define SITES_PATH_BYTES 464
#define SITES_BUILD_ID_BYTES 32
#define SITES_TAGS       128            /* names, and none: number 0 */
#define SITES_TAG_BYTES  64             /* of a name, with the NUL */

/* A stretch of address space that was one object's when a site was first seen in it. */
struct capture_module {
	uint64_t start, end;            /* addresses */
	uint64_t bias;                  /* address - bias: virtual address in the ELF file */
	uint32_t unloaded;              /* 1: something else may have lain there later; sites from then on have a module of their own */
	uint32_t build_id_bytes;        /* 0: none */
	uint8_t  build_id[SITES_BUILD_ID_BYTES];
	char     path[SITES_PATH_BYTES]; /* NUL-terminated; empty: the executable */
};

enum capture_site_kind { SITE_HEAP, CAPTURE_SITE_KINDS };

/*
 * Counts are of this image, by atomic adds. Live: inherited + allocations - frees, requested and usable bytes likewise.
 * Site 0 is all others: what found no place in the table, and blocks that cannot carry a site.
 *
 * Where blocks are sampled (sample_bytes), all counts are estimates: sums of what each sample stands for (sampling.h), and those of blocks
 * (allocations, frees, temporary, inherited_blocks) are in 1 / SITES_FRACTION.
 */
struct capture_site {
	uint32_t frames_at;             /* in frames */
	uint16_t depth;                 /* frames; innermost first */
	uint8_t  end;                   /* enum unwind_end: 0 complete, 1 there were more, 2 could not be followed further */
	uint8_t  kind;                  /* enum capture_site_kind */
	uint64_t key;                   /* hash of its frames */
	uint64_t allocations;           /* blocks, as valgrind counts them; a realloc is one, at its own site */
	uint64_t frees;
	uint64_t requested_bytes;       /* of allocations */
	uint64_t freed_bytes;           /* requested bytes of frees */
	int64_t  usable_live_bytes;     /* of allocations - of frees */
	uint64_t temporary;             /* of frees: the block was the last one that its thread had allocated */
	uint64_t inherited_blocks;      /* live at the fork that began this image */
	uint64_t inherited_bytes;       /* requested */
	uint64_t inherited_usable_bytes;
	uint32_t modules_at;            /* modules that were known when it was entered: a frame lies in the last of these that covers it */
	uint32_t tag;                   /* under which it was reached: number in tags; 0: none */
	uint64_t padding[4];
};
_Static_assert(sizeof(struct capture_site) == 128, "whole sites in a page");

/* How sure the estimates of a site are, where blocks are sampled. Live: inherited ones included. */
struct capture_site_samples {
	uint64_t samples;               /* blocks of this image that were samples */
	uint64_t bytes;                 /* requested by these */
	uint64_t variance;              /* of requested_bytes as an estimate; in sample_bytes^2 / SITES_VARIANCE */
	int64_t  live_samples;
	int64_t  live_bytes;
	int64_t  live_variance;
	uint64_t padding[2];
};
_Static_assert(sizeof(struct capture_site_samples) == 64, "whole ones in a page");

#define SITES_MEAN_LEAST (1UL << 10)    /* of sample_bytes */
#define SITES_MEAN_MOST  (1UL << 32)
#define SITES_FRACTION 1024
#define SITES_VARIANCE (1U << 20)

struct capture_sites_head {
	char     magic[8];
	uint32_t version;
	uint32_t header_bytes;          /* sizeof(struct capture_sites) */
	uint32_t pid, image_number;
	uint32_t depth_most;            /* frames of a site at most, as it was asked for */
	uint32_t sites_used;            /* with the others; a site that is counted here is whole */
	uint32_t frames_used;
	uint32_t modules_used;
	uint64_t modules_dropped;       /* of objects that found no place: their frames have no module */
	uint64_t sites_dropped;         /* times that a new site found no place: its block is the others' */
	uint64_t sample_bytes;          /* one byte in so many was a sample; 0: the stack of every block was taken */
	uint32_t tags_used;             /* without number 0 */
	uint32_t tags_dropped;          /* times that a new name found no place: what was done under it has none */
	uint64_t samples_dropped;       /* samples whose release could not be seen: they count as released at once */
};

struct capture_sites {
	struct capture_sites_head head;
	_Alignas(64) char tags[SITES_TAGS][SITES_TAG_BYTES]; /* NUL-terminated */
	_Alignas(4096) struct capture_module modules[SITES_MODULES];
	_Alignas(4096) struct capture_site sites[SITES_MOST];
	_Alignas(4096) struct capture_site_samples samples[SITES_MOST];
	_Alignas(4096) uint64_t frames[SITES_FRAMES]; /* code addresses: the last byte of a call, or what a signal interrupted */
};

/*
 * Behind the tables, for each of the capture's snapshots in its place: what each site held then, as the ledger's walk over the heap found it. Not
 * mapped but written, after the ledger: it holds when it was taken at the snapshot's moment.
 */
struct capture_site_moment {
	uint64_t live_blocks;
	uint64_t live_bytes;            /* requested */
	uint64_t resident_bytes;        /* requested and slack bytes of its blocks that lie on resident pages */
	uint32_t pinned_pages;          /* resident pages on which no other site has a live block */
	uint32_t sparse_pages;          /* resident pages with a block of its on which all live blocks together asked for less than a tenth */
};
struct capture_sites_moment_head {
	uint64_t at_ns;
	uint32_t sites;                 /* that were known */
	uint32_t reserved;
};
#define SITES_MOMENT_HEAD_BYTES 4096
#define SITES_MOMENT_BYTES (SITES_MOMENT_HEAD_BYTES + SITES_MOST * sizeof(struct capture_site_moment))
#define SITES_MOMENT_AT(number) (sizeof(struct capture_sites) + (number) * SITES_MOMENT_BYTES)

#define SITES_EAGER_BYTES offsetof(struct capture_sites, modules)

#endif
