/* SPDX-License-Identifier: MIT */
/*
 * Own mappings whose bytes are known by construction: each scenario maps, cuts, moves, protects or drops ranges, and
 * says by how many bytes each row of the ledger must have changed since the mark before it. Nothing is allocated from
 * the heap, so every other row must stand still, and nothing may be left unexplained.
 * usage: mappings SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "../zero_page.h"
#include "oracle.h"

/* What the program's own mappings amount to since the mark "before", in bytes. */
struct own {
	int64_t anon, anon_resident, file, file_resident, reserve, reserve_resident;
};

static void mark_before(void)
{
	pagegap_mark("before");
}

static void mark_change(const char *name, struct own own, const char *what)
{
	char at[80];
	const struct { const char *figure; int64_t bytes; } figures[] = {
		{ "anon mapped", own.anon }, { "anon resident", own.anon_resident }, { "file mapped", own.file },
		{ "file resident", own.file_resident }, { "reserve mapped", own.reserve },
		{ "reserve resident", own.reserve_resident }, { "heap mapped", 0 }, { "stack mapped", 0 },
	};

	pagegap_mark(name);
	snprintf(at, sizeof(at), "mark:%s", name);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		expect(at, "mark:before", figures[i].figure, figures[i].bytes, figures[i].bytes, what);
	expect_exact(at, NULL, "unexplained_mapped_bytes", 0, what);
	expect_exact(at, NULL, "unexplained_resident_bytes", 0, what);
}

static char *map(size_t bytes, int protection, int flags, int fd)
{
	char *p = mmap(NULL, bytes, protection, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

static char *map_anon(size_t bytes)
{
	return map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, -1);
}

/* Private memory over whatever is there. */
static void map_over(char *p, size_t bytes, int protection)
{
	REQUIRE(mmap(p, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == p);
}

/* A file of that many bytes of nonzero data in the current directory, already unlinked. */
static int scratch_file(size_t bytes)
{
	static char page[PAGE];
	int fd = open("oracle.scratch", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && unlink("oracle.scratch") == 0);
	memset(page, 7, sizeof(page));
	for (size_t at = 0; at < bytes; at += PAGE)
		REQUIRE(write(fd, page, PAGE) == (ssize_t)PAGE);
	return fd;
}

/* Touches of a bare range: mapped is what was asked for, resident what was written. */
static void plain(void)
{
	char *p;

	mark_before();
	expect_exact("mark:before", NULL, "anon mapped", 0, "a program without own mappings has no anon row");
	p = map_anon(8 * MIB);
	mark_change("mapped", (struct own){ .anon = 8 * MIB }, "a fresh mapping is mapped and not resident");
	touch(p + MIB, 100 * PAGE);
	mark_change("touched", (struct own){ .anon = 8 * MIB, .anon_resident = 100 * PAGE },
		    "written pages are resident");
	expect_exact("mark:touched", "mark:before", "anon dirty", 100 * PAGE, "written pages are dirty");
	REQUIRE(munmap(p, 8 * MIB) == 0);
	mark_change("unmapped", (struct own){ 0 }, "munmap takes all of it away");
}

static void split(void)
{
	char *p;

	mark_before();
	p = map_anon(8 * MIB);
	touch(p, 8 * MIB);
	REQUIRE(munmap(p + 3 * MIB, MIB) == 0);
	mark_change("hole", (struct own){ .anon = 7 * MIB, .anon_resident = 7 * MIB },
		    "munmap in the middle leaves both ends");
	REQUIRE(munmap(p, PAGE) == 0 && munmap(p + 8 * MIB - PAGE, PAGE) == 0);
	mark_change("trimmed", (struct own){ .anon = 7 * MIB - 2 * PAGE, .anon_resident = 7 * MIB - 2 * PAGE },
		    "munmap of the first and the last page leaves the rest");
	REQUIRE(munmap(p + 2 * MIB, 3 * MIB) == 0);
	mark_change("wider", (struct own){ .anon = 5 * MIB - 2 * PAGE, .anon_resident = 5 * MIB - 2 * PAGE },
		    "munmap over a hole takes what is on both sides of it");
	REQUIRE(munmap(p, 8 * MIB) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap over pieces and holes takes every piece");
}

static void moved(void)
{
	char *p, *q, *room;

	mark_before();
	room = map(64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE, -1);
	p = map_anon(4 * MIB);
	touch(p, 4 * MIB);
	q = mremap(p, 4 * MIB, 12 * MIB, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	mark_change("grown", (struct own){ .anon = 12 * MIB, .anon_resident = 4 * MIB, .reserve = 64 * MIB },
		    "mremap grows a mapping");
	p = mremap(q, 12 * MIB, 2 * MIB, 0);
	REQUIRE(p == q);
	mark_change("shrunk", (struct own){ .anon = 2 * MIB, .anon_resident = 2 * MIB, .reserve = 64 * MIB },
		    "mremap shrinks a mapping in place");
	q = mremap(p, 2 * MIB, 6 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, room + 16 * MIB);
	REQUIRE(q == room + 16 * MIB);
	mark_change("placed", (struct own){ .anon = 6 * MIB, .anon_resident = 2 * MIB, .reserve = 58 * MIB },
		    "mremap to a fixed address replaces what was there");
	REQUIRE(mremap(q, 2 * MIB, 3 * MIB, 0) == MAP_FAILED);
	mark_change("refused", (struct own){ .anon = 6 * MIB, .anon_resident = 2 * MIB, .reserve = 58 * MIB },
		    "a refused mremap changes nothing");
	p = mremap(q + MIB, MIB, MIB, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	REQUIRE(p != MAP_FAILED);
	mark_change("kept", (struct own){ .anon = 7 * MIB, .anon_resident = 2 * MIB, .reserve = 58 * MIB },
		    "mremap with MREMAP_DONTUNMAP leaves the old range mapped and moves its pages");
	REQUIRE(munmap(p, MIB) == 0 && munmap(room, 64 * MIB) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap takes moved mappings away");
}

static void protect(void)
{
	char *p;

	mark_before();
	p = map_anon(8 * MIB);
	touch(p, 2 * MIB);
	REQUIRE(mprotect(p + MIB, 2 * MIB, PROT_NONE) == 0);
	mark_change("closed",
		    (struct own){ .anon = 6 * MIB, .anon_resident = MIB, .reserve = 2 * MIB, .reserve_resident = MIB },
		    "memory without access goes to reserve");
	REQUIRE(mprotect(p, 8 * MIB, PROT_READ) == 0);
	mark_change("read", (struct own){ .anon = 8 * MIB, .anon_resident = 2 * MIB }, "and comes back with its pages");
	REQUIRE(munmap(p, 8 * MIB) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap takes it away");
}

/* Address space taken in advance and opened piece by piece, as runtimes do. */
static void reserve(void)
{
	char *p;

	mark_before();
	p = map(1024 * MIB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE, -1);
	mark_change("taken", (struct own){ .reserve = 1024 * MIB }, "a reservation is reserve");
	REQUIRE(mprotect(p + 64 * MIB, 2 * MIB, PROT_READ | PROT_WRITE) == 0);
	touch(p + 64 * MIB, MIB);
	mark_change("opened", (struct own){ .anon = 2 * MIB, .anon_resident = MIB, .reserve = 1022 * MIB },
		    "an opened piece of it is anon");
	map_over(p + 64 * MIB, 2 * MIB, PROT_NONE);
	mark_change("closed", (struct own){ .reserve = 1024 * MIB }, "mapped over without access it is reserve again");
	REQUIRE(munmap(p, 1024 * MIB) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap takes it away");
}

static void fixed_over(void)
{
	int fd = scratch_file(MIB);
	struct own own;
	char *p;

	mark_before();
	p = map_anon(4 * MIB);
	touch(p, 4 * MIB);
	REQUIRE(mmap(p + MIB, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == p + MIB);
	mark_change("file", (struct own){ .anon = 3 * MIB, .anon_resident = 3 * MIB, .file = MIB },
		    "a file mapped over memory is file");
	touch(p + MIB, MIB);
	own = (struct own){ .anon = 3 * MIB, .anon_resident = 3 * MIB, .file = MIB, .file_resident = MIB };
	mark_change("written", own, "its written pages are resident");
	map_over(p + MIB + 64 * PAGE, 64 * PAGE, PROT_READ | PROT_WRITE);
	own = (struct own){ .anon = 3 * MIB + 64 * PAGE, .anon_resident = 3 * MIB, .file = MIB - 64 * PAGE,
			    .file_resident = MIB - 64 * PAGE };
	mark_change("memory", own, "memory mapped over a file is anon");
	REQUIRE(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
	mark_change("refused", own, "a refused mmap changes nothing");
	close(fd);
	REQUIRE(munmap(p, 4 * MIB) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap takes all kinds away at once");
}

static void dontneed(void)
{
	char *p;

	mark_before();
	p = map_anon(4 * MIB);
	touch(p, 4 * MIB);
	REQUIRE(madvise(p + MIB, 2 * MIB, MADV_DONTNEED) == 0);
	mark_change("given", (struct own){ .anon = 4 * MIB, .anon_resident = 2 * MIB },
		    "MADV_DONTNEED gives pages back, not addresses");
	touch(p + MIB, PAGE);
	mark_change("again", (struct own){ .anon = 4 * MIB, .anon_resident = 2 * MIB + PAGE },
		    "and a touch brings one again");
	REQUIRE(madvise(p, 4 * MIB, MADV_POPULATE_WRITE) == 0 || errno == EINVAL);
	touch(p, 4 * MIB);
	mark_change("populated", (struct own){ .anon = 4 * MIB, .anon_resident = 4 * MIB },
		    "populated memory is resident");
}

static void shared_anon(void)
{
	int64_t bytes = 2 * MIB;
	char *p;

	mark_before();
	p = map((size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, -1);
	touch(p, 32 * PAGE);
	mark_change("shared", (struct own){ .file = bytes, .file_resident = 32 * PAGE },
		    "shared anonymous memory is file");
	REQUIRE(munmap(p, (size_t)bytes) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap takes it away");
}

static void system_v(void)
{
	int id = shmget(IPC_PRIVATE, 2 * MIB, IPC_CREAT | 0600);
	char *p;

	REQUIRE(id >= 0);
	mark_before();
	p = shmat(id, NULL, 0);
	REQUIRE(shmctl(id, IPC_RMID, NULL) == 0 && p != (void *)-1);
	touch(p, 16 * PAGE);
	mark_change("attached", (struct own){ .file = 2 * MIB, .file_resident = 16 * PAGE },
		    "an attached segment is file");
	REQUIRE(shmdt(p) == 0);
	mark_change("gone", (struct own){ 0 }, "shmdt takes it away");
}

static void file(void)
{
	int fd = scratch_file(MIB);
	volatile char seen = 0;
	char *private, *shared;

	mark_before();
	private = map(2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	mark_change("private", (struct own){ .file = 2 * MIB },
		    "a private file mapping, half of it beyond the end, is file");
	touch(private, 10 * PAGE);
	mark_change("copied", (struct own){ .file = 2 * MIB, .file_resident = 10 * PAGE },
		    "its written pages are resident");
	shared = map(MIB, PROT_READ, MAP_SHARED, fd);
	for (size_t at = 0; at < MIB; at += PAGE)
		seen = (char)(seen + shared[at]);
	mark_change("shared", (struct own){ .file = 3 * MIB, .file_resident = 10 * PAGE + MIB },
		    "and pages read from the cache");
	close(fd);
	REQUIRE(munmap(private, 2 * MIB) == 0 && munmap(shared, MIB) == 0);
	mark_change("gone", (struct own){ 0 }, "munmap takes them away");
}

static void memory_file(void)
{
	int fd = memfd_create("oracle", MFD_CLOEXEC);
	char *p, *q;

	REQUIRE(fd >= 0 && ftruncate(fd, MIB) == 0);
	mark_before();
	p = map(MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	q = map(MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	touch(p, 20 * PAGE);
	touch(q, 30 * PAGE);
	mark_change("twice", (struct own){ .file = 2 * MIB, .file_resident = 50 * PAGE },
		    "a page mapped twice is resident twice");
}

/* The kernel joins neighbours with equal rights into one line of smaps; the ledger must not. */
static void adjacent(void)
{
	char *p;

	mark_before();
	p = map(16 * MIB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE, -1);
	map_over(p + 4 * MIB, MIB, PROT_READ | PROT_WRITE);
	map_over(p + 5 * MIB, MIB, PROT_READ | PROT_WRITE);
	map_over(p + 6 * MIB, MIB, PROT_READ);
	touch(p + 4 * MIB, 2 * MIB);
	mark_change("joined", (struct own){ .anon = 3 * MIB, .anon_resident = 2 * MIB, .reserve = 13 * MIB },
		    "neighbours that the kernel joins count once each");
	REQUIRE(munmap(p + 4 * MIB + 128 * PAGE, 2 * MIB) == 0);
	mark_change("across", (struct own){ .anon = MIB, .anon_resident = 128 * PAGE, .reserve = 13 * MIB },
		    "munmap across the border of two mappings");
	REQUIRE(munmap(p, 16 * MIB) == 0);
}

/* Maps right beside something, where the address is free. Returns the bytes mapped. */
static int64_t map_beside(char *p, size_t bytes)
{
	if (mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != p)
		return 0;
	touch(p, bytes);
	return (int64_t)bytes;
}

/* A block that malloc maps for itself with own mappings on both sides, which the kernel makes one line of smaps. */
static void beside_a_block(void)
{
	int64_t heap = 0, own = 0;

	free(opaque(malloc(24)));               /* so that the arena and the thread's cache are there */
	mark_before();
	for (int i = 0; i < 8; i++) {
		char *block = opaque(malloc(MIB)), *chunk = block - 2 * sizeof(size_t);
		int64_t bytes = (int64_t)chunk_bytes(block);

		REQUIRE(block != NULL && chunk_is_mapped(block) && chunk_skipped(block) == 0);
		touch(block, (size_t)bytes - 2 * sizeof(size_t));
		heap += bytes;
		own += map_beside(chunk - 16 * PAGE, 16 * PAGE) + map_beside(chunk + bytes, 16 * PAGE);
	}
	REQUIRE(own > 0);
	pagegap_mark("block");
	expect("mark:block", "mark:before", "anon mapped", own, own, "own mappings beside a mapped block stay anon");
	expect("mark:block", "mark:before", "anon resident", own, own, "with their resident pages");
	expect("mark:block", "mark:before", "heap mapped", heap, heap, "and the block between them stays heap");
	expect("mark:block", "mark:before", "heap resident", heap, heap, "with its resident pages");
	expect_exact("mark:block", NULL, "unexplained_mapped_bytes", 0, "and nothing is unexplained");
}

/* Without a zero page, a read brings a page of memory, and the write after it no other. */
static void zero_page(void)
{
	const bool exists = zero_page_exists();
	volatile char seen = 0;
	char *p;

	mark_before();
	p = map_anon(4 * MIB);
	for (size_t at = 0; at < 64 * PAGE; at += PAGE)
		seen = (char)(seen + p[at]);
	mark_change("read", (struct own){ .anon = 4 * MIB, .anon_resident = exists ? 0 : 64 * PAGE },
		    exists ? "a page that was only read is the zero page, mapped and not resident" :
			     "a page that was only read is resident on a kernel without the zero page");
	touch(p, 8 * PAGE);
	mark_change("written", (struct own){ .anon = 4 * MIB, .anon_resident = exists ? 8 * PAGE : 64 * PAGE },
		    exists ? "until it is written" : "and stays the same page when it is written");
}

static void refused(void)
{
	char *p;

	mark_before();
	p = map_anon(MIB);
	REQUIRE(mmap(NULL, 1UL << 47, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	REQUIRE(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	REQUIRE(munmap(p + 1, PAGE) == -1 && munmap(p, 0) == -1);
	REQUIRE(mprotect(p + 1, PAGE, PROT_NONE) == -1);
	mark_change("refused", (struct own){ .anon = MIB }, "calls that fail change nothing");
	REQUIRE(munmap(p, MIB - PAGE - 1) == 0);
	mark_change("rounded", (struct own){ .anon = PAGE }, "a length is rounded up to whole pages");
	REQUIRE(mmap(p, 100, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	mark_change("bytes", (struct own){ .anon = 2 * PAGE }, "a mapping of 100 bytes is one page");
	REQUIRE(mlock(p, PAGE) == 0);
	mark_change("locked", (struct own){ .anon = 2 * PAGE, .anon_resident = PAGE }, "a locked page is resident");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "plain", plain }, { "split", split }, { "moved", moved }, { "protect", protect }, { "reserve", reserve },
	{ "fixed_over", fixed_over }, { "dontneed", dontneed }, { "shared_anon", shared_anon },
	{ "system_v", system_v }, { "file", file }, { "memory_file", memory_file }, { "adjacent", adjacent },
	{ "beside_a_block", beside_a_block }, { "zero_page", zero_page }, { "refused", refused },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2) {
			oracle_print("%s\n", scenarios[i].name);
		} else if (strcmp(argv[1], scenarios[i].name) == 0) {
			scenarios[i].run();
			oracle_flush();
			return 0;
		}
	}
	oracle_flush();
	return argc < 2 ? 0 : 2;
}
