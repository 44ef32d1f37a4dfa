/* SPDX-License-Identifier: MIT */
/*
 * Whose a mapping is: memory of every kind is mapped with known pages resident, and each row of this process's ledger
 * must grow by exactly that; what nobody claims must show as unexplained. A forked child must have the same ledger from
 * inside and from outside.
 *
 * links: preload/ledger.c preload/ledger_blocks.c preload/blockmap.c preload/ranges.c preload/pages.c preload/smaps.c
 * links: preload/sandbox.c preload/kept.c
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "child.h"
#include "ledger_rows.h"

static struct capture_mapping largest[CAPTURE_MAPPINGS];

/* The line of smaps that begins the heap says where the break began. */
static uint64_t break_start(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned long start = 0, found = 0;
	char line[4400];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-", &start) == 1 && strstr(line, "[heap]"))
			found = start;
	fclose(file);
	return found;
}

static int prepare(void **state)
{
	(void)state;
	about.has_heap = 1;
	about.anatomy.glibc = 1;
	about.anatomy.blockmap_address = (uint64_t)&blockmap;
	about.anatomy.ranges_address = ranges_address();
	about.anatomy.start_brk = break_start();
	return ledger_of(&about, 0, &first, NULL, NULL, NULL);
}

/* The kernel has one line for them: only the set of ranges knows. The first pages of each part are resident. */
static const struct { size_t from, to, touched; enum range_kind kind; } parts[] = {
	{ 0, 10, 3, RANGE_OWN_ANON }, { 10, 30, 20, RANGE_ALLOCATOR }, { 30, 34, 4, RANGE_INSTRUMENT },
	{ 34, 40, 0, RANGE_LOADER },  { 40, 50, 2, RANGE_FREE },       { 50, 64, 14, RANGE_OWN_FILE },
};

/* Two ledgers, between them the parts with a block in one of them; then they are gone again. Where they were. */
static char *ledgers_around_parts(void)
{
	struct block block = { .requested = 3 * PAGE_BYTES - 16, .usable = 4 * PAGE_BYTES - 16 };
	char *place;

	take(&first);
	place = map_pages(64, PROT_READ | PROT_WRITE, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].kind != RANGE_FREE)
			claim(place, parts[i].from, parts[i].to, parts[i].kind);
		for (size_t page = parts[i].from; page < parts[i].from + parts[i].touched; page++)
			place[page * PAGE_BYTES] = 1;
	}
	block.address = (uint64_t)place + 10 * PAGE_BYTES + 16;
	assert_true(blockmap_set(block.address, block.requested, block.usable));
	take(&second);
	blockmap_erase(blockmap_leaf(block.address) + blockmap_granule(block.address), &block);
	ranges_drop((uint64_t)place, (uint64_t)place + 64 * PAGE_BYTES);
	unmap_pages(place, 64);
	return place;
}

static void parts_of_one_mapping_go_to_their_owners_rows(void **state)
{
	char *place;

	(void)state;
	skip_under_sanitizer();
	place = ledgers_around_parts(); /* brings in what the ledger and the map need for it */
	assert_ptr_equal(ledgers_around_parts(), place);
	assert_grown(ROW_ANON, 10, 3);
	assert_grown(ROW_INSTRUMENT, 4, 4);
	assert_grown(ROW_IMAGE, 6, 0);
	assert_grown(ROW_FILE, 14, 14);
	assert_grown(ROW_RESERVE, 2, 0); /* the guards around it */
	assert_unexplained_grown(10, 2);
	assert_int_equal(mapped_more(ROW_HEAP_LIVE), 3 * PAGE_BYTES - 16);
	assert_int_equal(resident_more(ROW_HEAP_LIVE), 3 * PAGE_BYTES - 16);
	assert_int_equal(mapped_more(ROW_HEAP_SLACK), PAGE_BYTES);
	assert_int_equal(mapped_more(ROW_HEAP_FREE), 16 * PAGE_BYTES + 16);
	assert_int_equal(second.live_blocks - first.live_blocks, 1);
}

static void memory_without_access_is_reserve_whoever_mapped_it(void **state)
{
	char *place;

	(void)state;
	take(&first);
	place = map_pages(30, PROT_READ | PROT_WRITE, 5);
	claim(place, 0, 30, RANGE_OWN_ANON);
	assert_int_equal(mprotect(place, 30 * PAGE_BYTES, PROT_NONE), 0); /* five pages are still there */
	take(&second);
	assert_grown(ROW_RESERVE, 32, 5);
	assert_grown(ROW_ANON, 0, 0);
	assert_unexplained_grown(0, 0);
	ranges_drop((uint64_t)place, (uint64_t)place + 30 * PAGE_BYTES);
	unmap_pages(place, 30);
}

static int file_of_pages(size_t pages)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC);

	assert_true(fd >= 0 && !ftruncate(fd, (off_t)(pages * PAGE_BYTES)));
	for (size_t page = 0; page < pages; page++)
		assert_int_equal(pwrite(fd, "x", 1, (off_t)(page * PAGE_BYTES)), 1);
	return fd;
}

/* Pages [from, to) of it, and touches each. */
static char *map_file(int fd, char *at, size_t from, size_t to, int protection, int flags)
{
	char *place = mmap(at, (to - from) * PAGE_BYTES, protection, flags | (at ? MAP_FIXED : 0), fd,
			   (off_t)(from * PAGE_BYTES));

	assert_true(place != MAP_FAILED);
	for (size_t page = 0; page < to - from; page++)
		(void)((volatile char *)place)[page * PAGE_BYTES];
	return place;
}

static void a_file_is_an_image_when_part_of_it_was_mapped_to_execute(void **state)
{
	char *place = map_pages(20, PROT_NONE, 0);
	int fd = file_of_pages(6);

	(void)state;
	take(&first);
	map_file(fd, place, 0, 2, PROT_READ, MAP_PRIVATE);
	map_file(fd, place + 2 * PAGE_BYTES, 2, 4, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	map_file(fd, place + 4 * PAGE_BYTES, 4, 6, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	place[5 * PAGE_BYTES] = 2; /* a page of its data is the process's own now */
	take(&second);
	assert_grown(ROW_IMAGE, 6, 6);
	assert_grown(ROW_FILE, 0, 0);
	assert_unexplained_grown(0, 0);
	first = second;
	map_file(fd, place + 10 * PAGE_BYTES, 0, 3, PROT_READ, MAP_SHARED);
	take(&second);
	assert_grown(ROW_IMAGE, 3, 3); /* the same file, right after its image but for what has no access */
	assert_grown(ROW_RESERVE, -3, 0);
	close(fd);
	unmap_pages(place, 20);
}

static void files_and_shared_memory_are_in_the_file_row(void **state)
{
	int fd = file_of_pages(8);
	char *private, *shared, *anonymous;

	(void)state;
	take(&first);
	private = map_file(fd, NULL, 0, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	shared = map_file(fd, NULL, 0, 8, PROT_READ | PROT_WRITE, MAP_SHARED);
	claim(shared, 0, 8, RANGE_OWN_FILE);
	anonymous = mmap(NULL, 5 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	anonymous[0] = 1;
	take(&second);
	assert_grown(ROW_FILE, 8 + 8 + 5, 8 + 8 + 1);
	assert_unexplained_grown(0, 0);
	ranges_drop((uint64_t)shared, (uint64_t)shared + 8 * PAGE_BYTES);
	munmap(private, 8 * PAGE_BYTES);
	munmap(shared, 8 * PAGE_BYTES);
	munmap(anonymous, 5 * PAGE_BYTES);
	close(fd);
}

static pthread_barrier_t barrier;

static void *wait_twice(void *unused)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return unused;
}

static void a_threads_stack_is_known_by_its_descriptor(void **state)
{
	enum { STACK = 1 << 20 };
	pthread_attr_t attributes;
	pthread_t thread;

	(void)state;
	skip_under_sanitizer();
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	take(&first);
	assert_int_equal(pthread_create(&thread, &attributes, wait_twice, NULL), 0);
	pthread_barrier_wait(&barrier);
	take(&second);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	assert_true(mapped_more(ROW_STACK) >= STACK - 64 * (int64_t)PAGE_BYTES);
	assert_true(mapped_more(ROW_STACK) <= STACK);
	assert_true(second.rows[ROW_STACK].resident_bytes > first.rows[ROW_STACK].resident_bytes);
	assert_true(second.rows[ROW_RESERVE].mapped_bytes > first.rows[ROW_RESERVE].mapped_bytes); /* its guard */
	assert_unexplained_grown(0, 0);
}

/* Holds 1 MiB of its arena, and has given 8 MiB back. */
static void *use_an_arena(void *unused)
{
	enum { BLOCK = 64 << 10, MANY = 144 };
	char *blocks[MANY];

	for (int i = 0; i < MANY; i++)
		blocks[i] = memset(malloc(BLOCK), 1, BLOCK);
	for (int i = MANY - 1; i >= 16; i--)
		free(blocks[i]);
	wait_twice(unused);
	for (int i = 0; i < 16; i++)
		free(blocks[i]);
	return NULL;
}

static void a_threads_arena_is_heap_and_what_it_gave_back_is_reserve(void **state)
{
	pthread_t thread;

	(void)state;
	skip_under_sanitizer();
	pthread_barrier_init(&barrier, NULL, 2);
	take(&first);
	assert_int_equal(pthread_create(&thread, NULL, use_an_arena, NULL), 0);
	pthread_barrier_wait(&barrier);
	take(&second);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	assert_unexplained_grown(0, 0);
	assert_true(resident_more(ROW_HEAP_FREE) > 1 << 20);
	assert_true(mapped_more(ROW_HEAP_FREE) < 3 << 20);
	assert_true(mapped_more(ROW_RESERVE) > 60 << 20);
	assert_int_equal(second.rows[ROW_RESERVE].resident_bytes, first.rows[ROW_RESERVE].resident_bytes);
}

/* The break, and a chunk that glibc mapped for one block: libc maps both without telling anybody. */
static void what_libc_holds_is_heap(void **state)
{
	char *small, *large;

	(void)state;
	skip_under_sanitizer();
	take(&first);
	small = sbrk(40 * (intptr_t)PAGE_BYTES);
	memset(small, 1, 40 * PAGE_BYTES);
	take(&second);
	assert_grown(ROW_HEAP_FREE, 40, 40);
	assert_int_equal((intptr_t)sbrk(-40 * (intptr_t)PAGE_BYTES), (intptr_t)small + 40 * (intptr_t)PAGE_BYTES);
	take(&first);
	large = malloc(300 * PAGE_BYTES); /* above M_MMAP_THRESHOLD */
	memset(large, 1, 10 * PAGE_BYTES);
	assert_true(blockmap_set((uint64_t)large, 300 * PAGE_BYTES, 301 * PAGE_BYTES - 16));
	take(&second);
	assert_int_equal(mapped_more(ROW_HEAP_LIVE), 300 * PAGE_BYTES);
	assert_int_equal(mapped_more(ROW_HEAP_SLACK), PAGE_BYTES - 16);
	assert_int_equal(mapped_more(ROW_HEAP_FREE), 16);
	assert_unexplained_grown(0, 0);
	blockmap_erase(blockmap_leaf((uint64_t)large) + blockmap_granule((uint64_t)large),
		       &(struct block){ (uint64_t)large, 300 * PAGE_BYTES, 301 * PAGE_BYTES - 16 });
	free(large);
}

/* Memory that nobody has claimed may hold anything: the header of a chunk of no size, for instance. */
static void a_chunk_of_no_size_is_none(void **state)
{
	uint64_t *page = (uint64_t *)map_pages(3, PROT_READ | PROT_WRITE, 0);

	(void)state;
	take(&first);
	page[0] = 0;
	page[1] = 2;
	take(&second);
	assert_int_equal(mapped_more(ROW_HEAP_FREE), 0);
	assert_unexplained_grown(0, 1);
	unmap_pages((char *)page, 3);
}

/*
 * The kernel merges it with whatever lies beside it: its size is told by the block in it, which begins behind a header
 * of 16 bytes.
 */
static void a_chunk_of_glibcs_in_a_larger_mapping_ends_where_its_block_does(void **state)
{
	char *place = map_pages(40, PROT_READ | PROT_WRITE, 0), *chunk = place + 10 * PAGE_BYTES;
	uint64_t aligned = (uint64_t)place + 22 * PAGE_BYTES;

	(void)state;
	assert_true(blockmap_set((uint64_t)chunk + 16, 100, 3 * PAGE_BYTES - 16));
	/* of memalign: its header says how far below its mapping's start is */
	assert_true(blockmap_set(aligned, 4 * PAGE_BYTES, 4 * PAGE_BYTES));
	unmap_pages(place, 40);
	take(&first); /* the map's own memory is there from now on */
	assert_ptr_equal(map_pages(40, PROT_READ | PROT_WRITE, 0), place);
	chunk[0] = 1;
	*(uint64_t *)(aligned - 16) = 2 * PAGE_BYTES - 16;
	take(&second);
	assert_int_equal(second.live_blocks - first.live_blocks, 2);
	assert_unexplained_grown(40 - 3 - 6, 0);
	assert_int_equal(mapped_more(ROW_HEAP_LIVE), 100 + 4 * PAGE_BYTES);
	assert_int_equal(mapped_more(ROW_HEAP_SLACK), 3 * PAGE_BYTES - 116);
	assert_int_equal(mapped_more(ROW_HEAP_FREE), 16 + 2 * PAGE_BYTES);
	memset(blockmap_leaf(aligned) + blockmap_granule(aligned), 0, 8);
	memset(blockmap_leaf((uint64_t)chunk) + blockmap_granule((uint64_t)chunk + 16), 0, 8);
	unmap_pages(place, 40);
}

static void without_a_block_map_the_heap_rows_are_unknown(void **state)
{
	(void)state;
	about.has_heap = 0;
	about.anatomy.glibc = 0;
	take(&second);
	about.has_heap = 1;
	about.anatomy.glibc = 1;
	for (int row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE; row++)
		assert_true(second.rows[row].mapped_bytes == CAPTURE_UNKNOWN &&
			    second.rows[row].huge_bytes == CAPTURE_UNKNOWN);
	assert_true(second.rows[ROW_IMAGE].mapped_bytes != CAPTURE_UNKNOWN);
}

static void more_mappings_than_are_kept_leave_the_most_resident_ones(void **state)
{
	enum { MANY = 200 };
	char *place = map_pages(2 * MANY, PROT_NONE, 0);
	uint32_t used = 0, found = 0;
	uint64_t dropped = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(mprotect(place + 2 * i * PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
		place[2 * i * PAGE_BYTES] = 1;
	}
	claim(place, 0, 2 * MANY, RANGE_OWN_ANON);
	assert_int_equal(ledger_of(&about, 0, &second, largest, &used, &dropped), 0);
	assert_int_equal(used, CAPTURE_MAPPINGS);
	assert_true(dropped >= 2 * MANY - CAPTURE_MAPPINGS);
	for (uint32_t i = 0; i < used; i++)
		found += !strncmp(largest[i].name, "[stack]", 8);
	assert_int_equal(found, 1);
	ranges_drop((uint64_t)place, (uint64_t)place + 2 * MANY * PAGE_BYTES);
	unmap_pages(place, 2 * MANY);
}

/*
 * The set of ranges of a large program does not fit the ledger's own array: it maps one, and that is the instrument's.
 */
static void a_large_set_of_ranges_costs_what_the_instrument_row_says(void **state)
{
	const uint64_t place = 0x300000000000UL;

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		ranges_claim(place + 2 * i * PAGE_BYTES, place + (2 * i + 1) * PAGE_BYTES, RANGE_OWN_ANON, i);
	take(&first);
	take(&second);
	assert_int_equal(second.vm_size_bytes, first.vm_size_bytes);
	for (int row = 0; row < CAPTURE_ROWS; row++)
		assert_int_equal(second.rows[row].mapped_bytes, first.rows[row].mapped_bytes);
	assert_int_equal(second.unexplained_mapped_bytes, first.unexplained_mapped_bytes);
	ranges_drop(place, place + 10000 * PAGE_BYTES);
}

/*
 * Looking for evidence where nothing can be must not bring pages in: sanitizers, for one, map terabytes that they
 * hardly touch.
 */
static void a_vast_mapping_that_was_hardly_touched_gets_no_page_tables(void **state)
{
	const uint64_t bytes = 1UL << 40;
	char *vast = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	if (vast == MAP_FAILED)
		skip();
	madvise(vast, bytes, MADV_NOHUGEPAGE);
	vast[0] = vast[bytes / 3] = vast[bytes - 1] = 1;
	take(&first);
	take(&second);
	munmap(vast, bytes);
	assert_true(second.page_table_bytes < first.page_table_bytes + 64 * PAGE_BYTES);
	assert_true(second.unexplained_mapped_bytes >= (int64_t)bytes);
}

/* Another process */

static void a_childs_ledger_is_the_same_from_inside_and_from_outside(void **state)
{
	struct capture_snapshot *inside = mmap(NULL, sizeof(*inside), PROT_READ | PROT_WRITE,
					       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *place = map_pages(50, PROT_READ | PROT_WRITE, 50), byte;
	int ready[2], leave[2], status;
	pid_t child;

	(void)state;
	skip_under_sanitizer();
	assert_true(inside != MAP_FAILED && !pipe(ready) && !pipe(leave));
	claim(place, 0, 30, RANGE_ALLOCATOR);
	memset(inside, 1, sizeof(*inside));
	fflush(NULL);
	child = fork();
	if (child == 0) {
		claim(place, 30, 50, RANGE_OWN_ANON); /* the parent does not know of this, nor of the blocks */
		for (uint64_t at = 16; at < 20 * PAGE_BYTES; at += 64)
			must(blockmap_set((uint64_t)place + at, 50, 56));
		for (int i = 0; i < 3; i++) { /* the first times both sides bring in and copy what they need for it */
			must(ledger_of(&about, 0, inside, NULL, NULL, NULL) == 0);
			must(write(ready[1], "r", 1) == 1);
			must(read(leave[0], &byte, 1) == 1);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read(ready[0], &byte, 1), 1);
		assert_int_equal(ledger_of(&about, child, &second, NULL, NULL, NULL), 0);
		assert_int_equal(ledger_of(&about, child, &first, NULL, NULL, NULL), 0);
		assert_int_equal(write(leave[1], "l", 1), 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(leave[i]);
	}
	assert_int_equal(status, 0);
	assert_memory_equal(&first, &second, sizeof(first));
	for (int row = 0; row < CAPTURE_ROWS; row++)
		if (memcmp(&inside->rows[row], &second.rows[row], sizeof(second.rows[row])))
			fail_msg("row %d: mapped %lu and %lu, resident %lu and %lu, dirty %lu and %lu, shared "
				 "%lu and %lu", row, inside->rows[row].mapped_bytes, second.rows[row].mapped_bytes,
				 inside->rows[row].resident_bytes, second.rows[row].resident_bytes,
				 inside->rows[row].dirty_bytes, second.rows[row].dirty_bytes,
				 inside->rows[row].shared_bytes, second.rows[row].shared_bytes);
	assert_memory_equal(inside, &second, sizeof(second));
	assert_int_equal(second.live_blocks, 20 * PAGE_BYTES / 64);
	ranges_drop((uint64_t)place, (uint64_t)place + 50 * PAGE_BYTES);
	unmap_pages(place, 50);
	munmap(inside, sizeof(*inside));
}

static void a_process_that_is_gone_or_a_zombie_has_no_ledger(void **state)
{
	pid_t child = fork();
	siginfo_t info;

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ledger_of(&about, child, &second, NULL, NULL, NULL), ESRCH);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(ledger_of(&about, child, &second, NULL, NULL, NULL), ESRCH);
	assert_int_equal(ledger_of(&about, 0, &second, NULL, NULL, NULL), 0); /* it is not left busy */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_one_mapping_go_to_their_owners_rows),
		cmocka_unit_test(memory_without_access_is_reserve_whoever_mapped_it),
		cmocka_unit_test(a_file_is_an_image_when_part_of_it_was_mapped_to_execute),
		cmocka_unit_test(files_and_shared_memory_are_in_the_file_row),
		cmocka_unit_test(a_threads_stack_is_known_by_its_descriptor),
		cmocka_unit_test(a_threads_arena_is_heap_and_what_it_gave_back_is_reserve),
		cmocka_unit_test(what_libc_holds_is_heap),
		cmocka_unit_test(a_chunk_of_no_size_is_none),
		cmocka_unit_test(a_chunk_of_glibcs_in_a_larger_mapping_ends_where_its_block_does),
		cmocka_unit_test(without_a_block_map_the_heap_rows_are_unknown),
		cmocka_unit_test(more_mappings_than_are_kept_leave_the_most_resident_ones),
		cmocka_unit_test(a_vast_mapping_that_was_hardly_touched_gets_no_page_tables),
		cmocka_unit_test(a_childs_ledger_is_the_same_from_inside_and_from_outside),
		cmocka_unit_test(a_process_that_is_gone_or_a_zombie_has_no_ledger),
		cmocka_unit_test(a_large_set_of_ranges_costs_what_the_instrument_row_says),
	};

	return cmocka_run_group_tests_name("ledger_rows", tests, prepare, NULL);
}
