/* SPDX-License-Identifier: MIT */
/*
 * One misuse of malloc's blocks, named by the argument, under whatever malloc it runs with. An allocator that notices
 * ends the program by a signal. Otherwise it prints what came of it, and ends with
 *   0  nothing that this program can see
 *   3  memory was handed out that is not free: a live block again, or where the misuse said
 * Without arguments it lists the misuses.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FEW  8
#define MANY 300

/* The optimiser is told nothing of what is done here. */
static void *hide(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

static void *get(size_t bytes)
{
	unsigned char *block = hide(malloc(bytes));

	if (!block)
		_exit(125);
	memset(block, 0x11, bytes);
	return block;
}

/* Ends the program when, of so many blocks, two are one, or one is @taken. */
static void look_for_overlap(size_t bytes, const void *taken)
{
	static void *blocks[MANY];

	for (size_t i = 0; i < MANY; i++) {
		blocks[i] = hide(malloc(bytes));
		for (size_t j = 0; j <= i; j++) {
			if (blocks[i] != (j < i ? blocks[j] : taken))
				continue;
			puts(j < i ? "handed out twice" : "handed out where the misuse said");
			fflush(stdout);
			_exit(3);
		}
	}
}

static void free_twice(size_t bytes)
{
	void *block = get(bytes);

	free(block);
	free(hide(block));
	look_for_overlap(bytes, NULL);
}

static void twice_small(void) { free_twice(100); }
static void twice_middling(void) { free_twice(100000); }
static void twice_large(void) { free_twice(8 << 20); }

static void twice_with_one_between(void)
{
	void *block = get(100), *other = get(100);

	free(block);
	free(other);
	free(hide(block));
	look_for_overlap(100, NULL);
}

static void twice_with_many_between(void)
{
	void *block = get(100), *others[MANY];

	for (size_t i = 0; i < MANY; i++)
		others[i] = get(100);
	free(block);
	for (size_t i = 0; i < MANY; i += 2)
		free(others[i]);
	free(hide(block));
	look_for_overlap(100, NULL);
}

/* Meanwhile the same size was asked for: without a quarantine, the block belongs to somebody else. */
static void twice_after_reuse(void)
{
	void *block = get(100), *owner;

	free(block);
	owner = get(100);
	free(hide(block));
	look_for_overlap(100, owner);
}

static void resize_freed(void)
{
	void *block = get(100);

	free(block);
	block = hide(realloc(hide(block), 3000));
	look_for_overlap(100, block);
}

static void inside_a_block(void)
{
	char *block = get(200);

	free(hide(block + 48));
	look_for_overlap(100, block + 48);
}

static void inside_a_large_block(void)
{
	char *block = get(8 << 20);

	free(hide(block + 4096));
}

/* What looks like the header that some allocators expect before a block is left before it. */
static void not_a_block(uintptr_t *memory)
{
	memory[1] = 0x71;
	memory[15] = 0x71;
	free(hide(&memory[2]));
	look_for_overlap(100, &memory[2]);
}

static void on_the_stack(void)
{
	_Alignas(16) uintptr_t local[64] = { 0 };

	not_a_block(local);
}

static void in_static_memory(void)
{
	static _Alignas(16) uintptr_t memory[64];

	not_a_block(memory);
}

static void in_another_mapping(void)
{
	not_a_block(mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void nonsense(void)
{
	free(hide((void *)0x414141414140));
}

/* Writes @count bytes at @from of a block of @bytes, with blocks before and behind it, and frees all. */
static void write_outside(size_t bytes, ptrdiff_t from, size_t count)
{
	unsigned char *blocks[FEW];

	for (size_t i = 0; i < FEW; i++)
		blocks[i] = get(bytes);
	for (size_t i = 0; i < count; i++)
		*(volatile unsigned char *)(blocks[FEW / 2] + from + (ptrdiff_t)i) ^= 0x41;
	for (size_t i = 0; i < FEW; i++)
		free(blocks[i]);
	look_for_overlap(bytes, NULL);
}

static void one_byte_behind_24(void) { write_outside(24, 24, 1); }
static void one_byte_behind_100(void) { write_outside(100, 100, 1); }
static void one_byte_behind_1000(void) { write_outside(1000, 1000, 1); }
static void eight_bytes_behind_100(void) { write_outside(100, 100, 8); }
static void forty_bytes_behind_100(void) { write_outside(100, 100, 40); }
static void eight_bytes_before_100(void) { write_outside(100, -8, 8); }
static void a_page_behind_8_mib(void) { write_outside(8 << 20, 8 << 20, 4096); }

/* Over all that follows, for as far as there is memory: what is noticed is the end of it, or what lay in between. */
static void megabytes_behind_100(void)
{
	write_outside(100, 100, 32 << 20);
}

static void write_after_free(size_t bytes)
{
	unsigned char *block = get(bytes);

	free(block);
	memset(hide(block), 0x41, bytes);
	for (size_t i = 0; i < 100000 && bytes < 4096; i++)
		free(hide(malloc(bytes)));
	look_for_overlap(bytes, (void *)0x4141414141414141);
}

static void write_after_free_100(void) { write_after_free(100); }
static void write_after_free_8_mib(void) { write_after_free(8 << 20); }

/* Where the next free block is, stands in the freed one, in some allocators: whoever writes there, says what comes next. */
static void a_link_written_after_free(void)
{
	static _Alignas(16) uintptr_t wanted[64];
	uintptr_t *blocks[FEW];

	wanted[1] = 0x71;
	for (size_t i = 0; i < FEW; i++)
		blocks[i] = get(100);
	for (size_t i = 0; i < FEW; i++)
		free(blocks[i]);
	for (size_t i = 0; i < FEW; i++)
		*(uintptr_t *)hide(blocks[i]) = (uintptr_t)&wanted[2];
	look_for_overlap(100, &wanted[2]);
}

/* The same, with the address mixed with where it stands, as glibc does it since 2.32. */
static void a_mixed_link_written_after_free(void)
{
	static _Alignas(16) uintptr_t wanted[64];
	uintptr_t *blocks[FEW];

	wanted[1] = 0x71;
	for (size_t i = 0; i < FEW; i++)
		blocks[i] = get(100);
	for (size_t i = 0; i < FEW; i++)
		free(blocks[i]);
	for (size_t i = 0; i < FEW; i++)
		*(uintptr_t *)hide(blocks[i]) = (uintptr_t)&wanted[2] ^ (uintptr_t)blocks[i] >> 12;
	look_for_overlap(100, &wanted[2]);
}

static const struct { const char *name; void (*run)(void); } misuses[] = {
	{ "freed twice, 100 bytes", twice_small },
	{ "freed twice, 100,000 bytes", twice_middling },
	{ "freed twice, 8 MiB", twice_large },
	{ "freed twice, another block between", twice_with_one_between },
	{ "freed twice, 150 blocks between", twice_with_many_between },
	{ "freed twice, the second time after its size was asked for again", twice_after_reuse },
	{ "resized after it was freed", resize_freed },
	{ "free of a pointer into a block", inside_a_block },
	{ "free of a pointer into a block of 8 MiB", inside_a_large_block },
	{ "free of a pointer to the stack", on_the_stack },
	{ "free of a pointer to static memory", in_static_memory },
	{ "free of a pointer to another mapping", in_another_mapping },
	{ "free of nonsense", nonsense },
	{ "1 byte behind 24", one_byte_behind_24 },
	{ "1 byte behind 100", one_byte_behind_100 },
	{ "1 byte behind 1,000", one_byte_behind_1000 },
	{ "8 bytes behind 100", eight_bytes_behind_100 },
	{ "40 bytes behind 100", forty_bytes_behind_100 },
	{ "8 bytes before 100", eight_bytes_before_100 },
	{ "32 MiB behind 100", megabytes_behind_100 },
	{ "a page behind 8 MiB", a_page_behind_8_mib },
	{ "a freed block of 100 bytes overwritten", write_after_free_100 },
	{ "a freed block of 8 MiB overwritten", write_after_free_8_mib },
	{ "a pointer written into freed blocks", a_link_written_after_free },
	{ "the same, mixed as glibc does", a_mixed_link_written_after_free },
};
#define MISUSES (sizeof(misuses) / sizeof(misuses[0]))

int main(int argc, char **argv)
{
	for (size_t i = 0; i < MISUSES; i++) {
		if (argc < 2) {
			puts(misuses[i].name);
		} else if (strcmp(argv[1], misuses[i].name) == 0) {
			misuses[i].run();
			puts("nothing noticed");
			return 0;
		}
	}
	return argc < 2 ? 0 : 125;
}
