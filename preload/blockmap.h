/* SPDX-License-Identifier: MIT */
/*
 * The block map: which bytes of the address space are live blocks, and how much of each the program asked for.
 *
 * Two levels. The root has one entry for each 64 MiB of address space; a leaf has one byte for each 16-byte granule in them and is
 * mapped when the first block needs it. A block of g granules owns the g bytes of the map that lie over it, so the length is written
 * there and no allocator is ever asked about a block that another thread may be freeing. A block is written by the thread that
 * received it from the allocator and erased by the thread that gives it back, before it does: whoever owns the block owns its bytes,
 * and no lock is needed. The one exception are two 8-byte blocks in one granule: they share a byte, which is changed by
 * compare-and-swap.
 *
 * A first byte has its top bit set, all others have it clear, so that a reader can start anywhere:
 *
 *   0x80 + r          one granule: usable 16, requested r <= 16
 *   0x90 + 10*l + h   two blocks of 8 bytes in a granule, low and high half: 0 none, else requested + 1 <= 9; not both 0
 *   0xf4 + h, l       two granules and more, usable = 24 + 16 * k <= 520, slack < 32: ten bits h:l (3 and 7) = k * 32 + slack
 *   0xfc x            what else has two or three granules: x = requested of usable 32; 33 + requested of 48; 82 + requested of 40
 *   0xfd u v s        four granules and more: usable / 8 in fourteen bits, low seven first; s = usable - requested < 128
 *   0xfe 7 bytes      eight granules and more, seven bits a byte, low first: usable / 8 in 21 bits, requested in 27, 0
 *   0xfe 14 bytes     16 MiB and more: usable / 8 in 48 bits, 1; then requested in 49 bits
 *
 *   0xff c ...       two granules and more, of a block that is sampled (sites_sampled.c); what follows is told at blockmap_mark
 *
 * Each is written and erased by one store of two, four or eight bytes. The first of the longer ones holds nearly every small block of glibc's, so that the hot path has one branch for all of them: sizes come in no
 * order that a processor could predict. Usable sizes are kept in units of 8 bytes, rounded up.
 * The last block of a leaf may write a few bytes beyond the leaf's granules: LEAF_SLOP is there for them.
 */
#ifndef PAGEGAP_BLOCKMAP_H
#define PAGEGAP_BLOCKMAP_H

#include <stdbool.h>
#include <string.h>

#include "sys.h"

#define GRANULE_SHIFT  4
#define LEAF_SHIFT     26                               /* 64 MiB of address space to a leaf */
#define LEAF_GRANULES  (1UL << (LEAF_SHIFT - GRANULE_SHIFT))
#define LEAF_SLOP      PAGE_BYTES
#define LEAF_BYTES     (LEAF_GRANULES + LEAF_SLOP)
#define ROOT_ENTRIES   (1UL << (47 - LEAF_SHIFT))       /* user half of a 48-bit address space */
#define LEAVES_MAX     8192                             /* 512 GiB of heap; index 0 means "no leaf" */

struct blockmap {
	uint8_t *leaf[LEAVES_MAX];      /* LEAF_BYTES each */
	uint32_t key[LEAVES_MAX];       /* address >> LEAF_SHIFT of each leaf */
	uint32_t leaves;                /* leaves in use, index 0 not counted: 1 … leaves */
	uint32_t lock;                  /* held while a leaf is added */
	uint16_t root[ROOT_ENTRIES];    /* address >> LEAF_SHIFT -> index into leaf, 0: none */
};

/* One live block as the program sees it. Blocks never overlap. */
struct block {
	uint64_t address;               /* what malloc returned */
	uint64_t requested;             /* bytes the program asked for */
	uint64_t usable;                /* bytes it may touch, a multiple of 8; requested <= usable */
};

enum {
	CODE_16 = 0x80, CODE_PAIR = 0x90, CODE_PAIR_LAST = 0xf3,
	CODE_SMALL = 0xf4, CODE_ODD = 0xfc, CODE_MID = 0xfd, CODE_LARGE = 0xfe, CODE_MARKED = 0xff
};

extern struct blockmap blockmap HIDDEN;        /* its pages are touched as they are needed */

/* Only in the one thread of a forked child: whoever held the lock does not exist here. */
void blockmap_forked(void);

/* Around a fork: a leaf is then either in the map and claimed, or not there. */
void blockmap_lock_for_fork(void);
void blockmap_unlock_after_fork(void);

/* Puts a leaf over an address. Returns its first byte, or NULL when there is no memory. Any thread, also in a signal handler. */
uint8_t *blockmap_add_leaf(uint64_t address) COLD;

/* The leaf over an address, NULL if there is none; of an address that no user memory can have, any. */
static inline uint8_t *blockmap_leaf(uint64_t address)
{
	return blockmap.leaf[__atomic_load_n(&blockmap.root[address << 17 >> (17 + LEAF_SHIFT)], __ATOMIC_ACQUIRE)];
}

static inline uint64_t blockmap_granule(uint64_t address)
{
	return (address >> GRANULE_SHIFT) & (LEAF_GRANULES - 1);
}

/* 49 bits to seven bytes with a clear top bit, above a first byte. */
static inline uint64_t blockmap_spread(uint64_t bits)
{
	bits <<= 7;
	bits = (bits & 0x000000000fffffffULL) | ((bits & 0x00fffffff0000000ULL) << 4);
	bits = (bits & 0x00003fff00003fffULL) | ((bits & 0x0fffc0000fffc000ULL) << 2);
	bits = (bits & 0x007f007f007f007fULL) | ((bits & 0x3f803f803f803f80ULL) << 1);
	return bits;
}

static inline uint64_t blockmap_gather(uint64_t bytes)
{
	bytes = (bytes & 0x007f007f007f007fULL) | ((bytes & 0x7f007f007f007f00ULL) >> 1);
	bytes = (bytes & 0x00003fff00003fffULL) | ((bytes & 0x3fff00003fff0000ULL) >> 2);
	bytes = (bytes & 0x000000000fffffffULL) | ((bytes & 0x0fffffff00000000ULL) >> 4);
	return bytes >> 7;
}

static inline uint64_t blockmap_load(const uint8_t *byte)
{
	uint64_t word;

	__builtin_memcpy(&word, byte, sizeof(word));
	return word;
}

static inline uint32_t blockmap_load32(const uint8_t *byte)
{
	uint32_t word;

	__builtin_memcpy(&word, byte, sizeof(word));
	return word;
}

/* Of a block of two or three granules: the bytes behind these are another's. */
static inline uint16_t blockmap_load16(const uint8_t *byte)
{
	uint16_t word;

	__builtin_memcpy(&word, byte, sizeof(word));
	return word;
}

static inline void blockmap_store(uint8_t *byte, uint64_t word)
{
	__builtin_memcpy(byte, &word, sizeof(word));
}

/* Changes one half of a granule that two 8-byte blocks share. @half: 0 low, 1 high. @value: requested + 1, or 0 to erase. */
static inline unsigned blockmap_set_half(uint8_t *byte, unsigned half, unsigned value)
{
	uint8_t old = __atomic_load_n(byte, __ATOMIC_RELAXED), new;
	unsigned low, high, pair;

	do {
		pair = old > CODE_PAIR && old <= CODE_PAIR_LAST ? (unsigned)(old - CODE_PAIR) : 0;
		low = pair / 10;
		high = pair % 10;
		pair = half ? low * 10 + value : value * 10 + high;
		new = pair ? (uint8_t)(CODE_PAIR + pair) : 0;
	} while (!__atomic_compare_exchange_n(byte, &old, new, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return half ? high : low;
}

static inline void blockmap_store16(uint8_t *byte, uint16_t word)
{
	__builtin_memcpy(byte, &word, sizeof(word));
}

static inline void blockmap_store32(uint8_t *byte, uint32_t word)
{
	__builtin_memcpy(byte, &word, sizeof(word));
}

/* May a block be written as a small one? @usable: 24 + a multiple of 16. */
#define SMALL_BYTES 520UL

static inline bool blockmap_is_small(uint64_t requested, uint64_t usable)
{
	return !((usable - 24) >> 9 | (usable - requested) >> 5);
}

static inline uint16_t blockmap_small_word(uint64_t requested, uint64_t usable)
{
	uint64_t bits = (usable - 24) * 2 | (usable - requested);

	return (uint16_t)((CODE_SMALL + (bits >> 7)) | (bits & 127) << 8);
}

/* The four bytes of a block below MID_BYTES and with little slack. */
#define MID_BYTES (1UL << 17)
#define MID_SLACK 128

static inline uint32_t blockmap_mid_word(uint64_t requested, uint64_t usable)
{
	return (uint32_t)(CODE_MID | (usable & 0x3f8) << 5 | (usable & 0x1fc00) << 6 | (usable - requested) << 24);
}

static inline bool blockmap_is_mid(uint64_t requested, uint64_t usable)
{
	return usable - 56 < MID_BYTES - 56 && usable - requested < MID_SLACK;
}

/* The byte that tells what else has two or three granules. */
static inline uint64_t blockmap_odd_byte(uint64_t requested, uint64_t usable)
{
	return requested + (usable == 32 ? 0 : usable == 48 ? 33 : 82);
}

/*
 * What the two bytes of a small block, or the four of a middling one, say; returns how many bytes, 0 for another kind or no block.
 * The load is as narrow as the store was: a processor forwards no two stored bytes to a load of four.
 */
static inline unsigned blockmap_read_short(const uint8_t *byte, uint64_t *requested, uint64_t *usable)
{
	uint32_t word = blockmap_load16(byte), bits = (word & 0xff) - CODE_SMALL;

	if (likely(bits < CODE_ODD - CODE_SMALL)) {
		bits = bits << 7 | (word >> 8 & 127);
		*usable = 24 + (bits >> 5 << 4);
		*requested = *usable - (bits & 31);
		return 2;
	}
	if (bits == CODE_MID - CODE_SMALL) {
		word = blockmap_load32(byte);
		*usable = (word >> 5 & 0x3f8) | (word >> 6 & 0x1fc00);
		*requested = *usable - (word >> 24);
		return 4;
	}
	return 0;
}

/* Writes a block of more than eight usable bytes whose first byte is at @byte. */
static inline void blockmap_write(uint8_t *byte, uint64_t requested, uint64_t usable)
{
	if (usable % 16 == 8 && blockmap_is_small(requested, usable)) {
		blockmap_store16(byte, blockmap_small_word(requested, usable));
	} else if (blockmap_is_mid(requested, usable)) {
		blockmap_store32(byte, blockmap_mid_word(requested, usable));
	} else if (usable <= 16) {
		*byte = (uint8_t)(CODE_16 + requested);
	} else if (usable < 56) {
		blockmap_store16(byte, (uint16_t)(CODE_ODD | blockmap_odd_byte(requested, usable) << 8));
	} else if (usable < 1UL << 24) {
		blockmap_store(byte, CODE_LARGE | blockmap_spread(usable >> 3 | requested << 21));
	} else {
		blockmap_store(byte + 8, blockmap_spread(requested) >> 8);
		blockmap_store(byte, CODE_LARGE | blockmap_spread(usable >> 3 | 1UL << 48));
	}
}

/*
 * blockmap_set - enter a block that the calling thread has just received
 * @address: multiple of 8; a multiple of 16 unless @usable <= 8
 * @usable: multiple of 8, at least 8
 *
 * Returns false when the map cannot hold it: no memory for a leaf, or an alignment that no known allocator has.
 */
static inline bool blockmap_set(uint64_t address, uint64_t requested, uint64_t usable)
{
	uint8_t *byte = blockmap_leaf(address);

	if (unlikely(!byte)) {
		byte = blockmap_add_leaf(address);
		if (!byte)
			return false;
	}
	byte += blockmap_granule(address);
	if (unlikely(usable <= 8)) {
		blockmap_set_half(byte, (address >> 3) & 1, (unsigned)requested + 1);
		return true;
	}
	if (unlikely(address & 15))
		return false;
	blockmap_write(byte, requested, usable);
	return true;
}

/* What the second byte of a marked block says; below these: requested of usable 24, or 25 + requested of 32. */
enum { MARKED_32 = 25, MARKED_40 = 58, MARKED_48, MARKED_SHORT, MARKED_LONG, MARKED_HUGE };

static inline bool blockmap_is_long(uint64_t requested, uint64_t usable)
{
	return usable < 1UL << 24 && usable - requested < 1UL << 21;
}

/*
 * blockmap_mark - writes a block anew, so that whoever takes it out sees that it is a special one
 * @byte: its first one, as blockmap_find told
 *
 * False: it is too short or too long to be marked. By the owner of the block.
 *
 *   0xff c            two granules: c = requested of usable 24; 25 + requested of 32
 *   0xff 58 r         usable 40, r requested
 *   0xff 59 r         usable 48
 *   0xff 60 u r       four to seven granules: usable = 8 * u
 *   0xff 61 6 bytes   eight granules and more: usable / 8 and slack in 21 bits each
 *   0xff 62 14 bytes  the others: usable / 8 in 42 bits, requested in 49
 */
static inline bool blockmap_mark(uint8_t *byte, const struct block *block)
{
	uint64_t requested = block->requested, usable = block->usable;

	if (usable <= 16 || usable >= 1UL << 45)
		return false;
	if (usable <= 32) {
		blockmap_store16(byte, (uint16_t)(CODE_MARKED | (requested + (usable == 24 ? 0 : MARKED_32)) << 8));
	} else if (usable <= 48) {
		byte[2] = (uint8_t)requested;
		blockmap_store16(byte, (uint16_t)(CODE_MARKED | (usable == 40 ? MARKED_40 : MARKED_48) << 8));
	} else if (usable <= 112) {
		blockmap_store32(byte, (uint32_t)(CODE_MARKED | MARKED_SHORT << 8 | usable / 8 << 16 | requested << 24));
	} else if (blockmap_is_long(requested, usable)) {
		blockmap_store(byte, CODE_MARKED | blockmap_spread(MARKED_LONG | usable / 8 << 7 | (usable - requested) << 28));
	} else {
		blockmap_store(byte + 8, blockmap_spread(requested) >> 8);
		blockmap_store(byte, CODE_MARKED | blockmap_spread(MARKED_HUGE | usable / 8 << 7));
	}
	return true;
}

static inline bool blockmap_decode_marked(const uint8_t *byte, struct block *block)
{
	uint64_t bits, code = byte[1];

	if (code < MARKED_40) {
		block->usable = code < MARKED_32 ? 24 : 32;
		block->requested = code < MARKED_32 ? code : code - MARKED_32;
	} else if (code <= MARKED_48) {
		block->usable = code == MARKED_40 ? 40 : 48;
		block->requested = byte[2];
	} else if (code == MARKED_SHORT) {
		block->usable = byte[2] * 8UL;
		block->requested = byte[3];
	} else if (code <= MARKED_HUGE) {
		bits = blockmap_gather(blockmap_load(byte)) >> 7;
		if (code == MARKED_HUGE) {
			block->usable = bits * 8;
			block->requested = blockmap_gather(blockmap_load(byte + 8) << 8);
		} else {
			block->usable = (bits & ((1UL << 21) - 1)) * 8;
			block->requested = block->usable - (bits >> 21);
		}
	} else {
		return false;
	}
	return true;
}

static inline void blockmap_erase_marked(uint8_t *byte, const struct block *block)
{
	if (block->usable <= 48) {
		blockmap_store16(byte, 0);
		if (block->usable > 32)
			byte[2] = 0;
	} else if (block->usable <= 112) {
		blockmap_store32(byte, 0);
	} else {
		blockmap_store(byte, 0);
		if (!blockmap_is_long(block->requested, block->usable))
			blockmap_store(byte + 8, 0);
	}
}

/* Reads the block whose first byte is at @byte. @half matters for shared granules alone. False: no block starts there. */
static inline bool blockmap_decode(const uint8_t *byte, uint64_t address, struct block *block)
{
	uint8_t code = __atomic_load_n(byte, __ATOMIC_RELAXED);
	uint64_t bits;

	block->address = address;
	switch (code) {
	case CODE_16 ... CODE_16 + 16 - 1:
		block->requested = (uint64_t)(code - CODE_16);
		block->usable = 16;
		return !(address & 15);
	case CODE_PAIR ... CODE_PAIR_LAST:
		if (code == CODE_PAIR) { /* requested 16 of 16: the one code below the pairs */
			block->requested = block->usable = 16;
			return !(address & 15);
		}
		code = (uint8_t)(code - CODE_PAIR);
		code = address & 8 ? code % 10 : code / 10;
		block->requested = code - 1UL;
		block->usable = 8;
		return code != 0;
	case CODE_SMALL ... CODE_ODD - 1:
	case CODE_MID:
		return blockmap_read_short(byte, &block->requested, &block->usable) && !(address & 15);
	case CODE_ODD:
		bits = blockmap_load16(byte) >> 8 & 127;
		block->usable = bits < 33 ? 32 : bits < 82 ? 48 : 40;
		block->requested = bits - (bits < 33 ? 0 : bits < 82 ? 33 : 82);
		break;
	case CODE_LARGE:
		bits = blockmap_gather(blockmap_load(byte));
		if (bits >> 48) {
			block->usable = (bits & ((1UL << 48) - 1)) << 3;
			block->requested = blockmap_gather(blockmap_load(byte + 8) << 8);
		} else {
			block->usable = (bits & ((1UL << 21) - 1)) << 3;
			block->requested = bits >> 21;
		}
		break;
	case CODE_MARKED:
		return blockmap_decode_marked(byte, block) && !(address & 15);
	default:
		return false;
	}
	return !(address & 15);
}

/* Erases the block that blockmap_decode found at @byte. */
static inline void blockmap_erase(uint8_t *byte, const struct block *block)
{
	if (block->usable == 8) {
		blockmap_set_half(byte, (block->address >> 3) & 1, 0);
	} else if (unlikely(*byte == CODE_MARKED)) {
		blockmap_erase_marked(byte, block);
	} else if (block->usable == 16) {
		*byte = 0;
	} else if (block->usable < 56 || (block->usable % 16 == 8 && blockmap_is_small(block->requested, block->usable))) {
		blockmap_store16(byte, 0);
	} else if (blockmap_is_mid(block->requested, block->usable)) {
		blockmap_store32(byte, 0);
	} else {
		blockmap_store(byte, 0);
		if (block->usable >= 1UL << 24)
			blockmap_store(byte + 8, 0);
	}
}

/*
 * blockmap_find - look up a block that the calling thread owns
 *
 * Returns its first byte of the map, for blockmap_erase, or NULL for an address where no block starts.
 */
static inline uint8_t *blockmap_find(uint64_t address, struct block *block)
{
	uint8_t *byte = blockmap_leaf(address);

	if (unlikely(!byte))
		return NULL;
	byte += blockmap_granule(address);
	return likely(blockmap_decode(byte, address, block)) ? byte : NULL;
}

#endif
