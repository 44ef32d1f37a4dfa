/* SPDX-License-Identifier: MIT */
/* Walking up a stack by rules, each read once; what is read of the stack is known to be mapped. */
#include "unwind.h"

#include "ranges.h"
#include "sandbox.h"
#include "sys.h"
#include "unwind_rules.h"

#define HIDDEN_SYMBOL __attribute__((visibility("hidden")))
extern const char dispatch_restore[] __asm__("__restore_rt") HIDDEN_SYMBOL; /* its bytes are what unwinders look for, so it has no table */

/*
 * The table of rules. An entry has two words, which two threads may write at once: the second holds 17 bits of the first one's hash, so that
 * words of different entries do not pass for one.
 */
#define ADDRESS_BITS 47

static struct entry {
	uint64_t key;                   /* the address, the generation of code above it */
	uint64_t rule;                  /* 3 bits frame, 2 base, 21 and 21 the offsets / 8, 17 of the key's hash */
} *entries;                             /* mapped when walks are wanted: mlockall counts what a process has mapped */
static uint32_t entries_shift;          /* of a hash, to an index */

static uint64_t code_generation = 1;
static uint32_t stacks_generation;

void unwind_forget_code(void)
{
	__atomic_add_fetch(&code_generation, 1, __ATOMIC_RELAXED);
}

void unwind_forget_stacks(void)
{
	__atomic_add_fetch(&stacks_generation, 1, __ATOMIC_RELAXED);
}

static inline uint64_t hash_of(uint64_t key)
{
	return key * 0x9e3779b97f4a7c15ULL;
}

static inline uint64_t pack(struct unwind_rule rule, uint64_t hash)
{
	return (uint64_t)rule.frame | (uint64_t)rule.base << 3 | ((uint64_t)(rule.frame_offset / 8) & 0x1fffff) << 5 |
	       ((uint64_t)(rule.base_offset / 8) & 0x1fffff) << 26 | (hash & 0x1ffff) << 47;
}

static inline int64_t packed_frame_offset(uint64_t word)
{
	return ((int64_t)(word << 38) >> 43) * 8;
}

static inline int64_t packed_base_offset(uint64_t word)
{
	return ((int64_t)(word << 17) >> 43) * 8;
}

static COLD uint64_t find_rule(uint64_t address, uint64_t key, uint64_t hash)
{
	struct entry *entry = &entries[hash >> entries_shift];
	bool known;
	struct unwind_rule rule = unwind_rule(address, &known);
	uint64_t word;

	if (address - (uint64_t)(dispatch_restore) + 1 <= 1)
		rule = (struct unwind_rule){ .frame = FRAME_OF_SIGNAL };
	if (rule.frame_offset % 8 || rule.base_offset % 8)
		rule = (struct unwind_rule){ .frame = FRAME_LOST };
	word = pack(rule, hash);
	if (known) {
		__atomic_store_n(&entry->rule, word, __ATOMIC_RELAXED);
		__atomic_store_n(&entry->key, key, __ATOMIC_RELEASE);
	}
	return word;
}

static inline uint64_t rule_at(uint64_t address)
{
	uint64_t key = address | __atomic_load_n(&code_generation, __ATOMIC_RELAXED) << ADDRESS_BITS, hash = hash_of(key);
	const struct entry *entry = &entries[hash >> entries_shift];
	uint64_t word;

	if (likely(__atomic_load_n(&entry->key, __ATOMIC_ACQUIRE) == key)) {
		word = __atomic_load_n(&entry->rule, __ATOMIC_RELAXED);
		if (likely(word >> 47 == (hash & 0x1ffff)))
			return word;
	}
	return find_rule(address, key, hash);
}

/* A part of the address space that was found to be readable. */
struct readable {
	uint64_t low, high;             /* whole pages */
	uint32_t generation;            /* of stacks */
};

#define PAGES_AT_ONCE 32

/* How many pages from @start on can be read, of so many. */
static COLD uint64_t readable_pages(uint64_t start, uint64_t pages)
{
	struct iovec there[PAGES_AT_ONCE], here;
	char bytes[PAGES_AT_ONCE];
	long got;

	if (sandbox_active)
		return 0;
	for (uint64_t i = 0; i < pages; i++)
		there[i] = (struct iovec){ (void *)(start + i * PAGE_BYTES), 1 };
	here = (struct iovec){ bytes, pages };
	got = sys_call6(SYS_process_vm_readv, sys_gettid(), SYS_A(&here), 1, SYS_A(there), (long)pages, 0);
	return got < 0 ? 0 : (uint64_t)got;
}

static COLD bool make_readable(struct readable *r, uint64_t address)
{
	uint64_t page = page_down(address), below = (r->low - page) / PAGE_BYTES;

	if (page < r->low && below <= PAGES_AT_ONCE && readable_pages(page, below) == below) {
		r->low = page;
		return true;
	}
	if (page != r->high || r->low == r->high)
		r->low = r->high = page;
	r->high += readable_pages(page, PAGES_AT_ONCE) * PAGE_BYTES;
	return address >= r->low && address < r->high;
}

/* Words are aligned, so none reaches from one page into the next. They are other functions', which a sanitizer takes amiss. */
static inline __attribute__((no_sanitize("address", "thread"))) bool read_word(struct readable *r, uint64_t address, uint64_t *word)
{
	if (unlikely(address & 7) || (unlikely(address - r->low >= r->high - r->low) && !make_readable(r, address)))
		return false;
	*word = *(const uint64_t *)address;
	return true;
}

/* What the thread has read before. */
static __thread struct readable this_stack __attribute__((tls_model("initial-exec")));
static __thread uint64_t walker __attribute__((tls_model("initial-exec"))); /* the stack pointer of the walk that has it; 0: none */

struct registers {
	uint64_t address;               /* to look the rule up for */
	uint64_t stack, base;
};

/* Offsets in the kernel's struct ucontext, at which the stack pointer stands when the handler has returned: arch/x86/include/uapi/asm/sigcontext.h. */
enum { CONTEXT_BASE = 120, CONTEXT_STACK = 160, CONTEXT_INSTRUCTION = 168 };

static COLD bool leave_signal(struct readable *r, struct registers *of)
{
	uint64_t context = of->stack;

	return read_word(r, context + CONTEXT_BASE, &of->base) && read_word(r, context + CONTEXT_STACK, &of->stack) &&
	       read_word(r, context + CONTEXT_INSTRUCTION, &of->address);
}

/* To the caller's frame. */
static inline bool step(struct readable *r, struct registers *of, uint64_t word)
{
	enum unwind_frame kind = (enum unwind_frame)(word & 7);
	enum unwind_base base = (enum unwind_base)(word >> 3 & 3);
	uint64_t frame, back;

	if (likely(kind == FRAME_BY_STACK)) {
		frame = of->stack + (uint64_t)packed_frame_offset(word);
	} else if (kind == FRAME_BY_BASE) {
		frame = of->base + (uint64_t)packed_frame_offset(word);
	} else if (kind == FRAME_BEHIND_BASE) {
		if (!read_word(r, of->base + (uint64_t)packed_frame_offset(word), &frame))
			return false;
	} else {
		return kind == FRAME_OF_SIGNAL && leave_signal(r, of);
	}
	if (unlikely(frame <= of->stack) || !read_word(r, frame - 8, &back)) /* callers lie above */
		return false;
	if (base == BASE_IN_FRAME) {
		if (!read_word(r, frame + (uint64_t)packed_base_offset(word), &of->base))
			return false;
	} else if (base == BASE_AT_BASE) {
		if (!read_word(r, of->base, &of->base))
			return false;
	} else if (base == BASE_LOST) {
		of->base = 1; /* no address of a word: whoever needs it is lost */
	}
	of->stack = frame;
	of->address = back - 1;
	return true;
}

static uint64_t own_start, own_bytes;   /* code whose frames are left out */

bool unwind_begin(const void *start, const void *end, uint32_t rules_bits)
{
	const uint64_t rules = 1UL << rules_bits;

	entries = sys_reserve(rules * sizeof(*entries));
	entries_shift = 64 - rules_bits;
	own_start = (uint64_t)start;
	own_bytes = (uint64_t)end - (uint64_t)start;
	if (entries)
		ranges_claim_instrument((uint64_t)entries, (uint64_t)(entries + rules));
	return entries;
}

static inline bool is_own(uint64_t address)
{
	return address - own_start < own_bytes;
}

static unsigned walk(struct readable *r, struct registers of, uint64_t *addresses, unsigned most, enum unwind_end *end)
{
	unsigned used = 0;

	*end = UNWIND_LOST;
	for (;;) {
		uint64_t word;

		if (used || !is_own(of.address)) {
			if (used == most) {
				*end = UNWIND_DEEP;
				return used;
			}
			addresses[used++] = of.address;
		}
		if (of.address >> ADDRESS_BITS)
			return used;
		word = rule_at(of.address);
		if (!step(r, &of, word)) {
			if ((word & 7) == FRAME_OUTERMOST)
				*end = UNWIND_COMPLETE;
			return used;
		}
	}
}

/* Does this walk get what the thread has read before? Not inside another one, unless that was left by a longjmp and its stack pointer was below. */
static inline bool may_take(uint64_t stack)
{
	return !walker || (walker <= stack && walker >= this_stack.low && stack < this_stack.high);
}

__attribute__((noinline)) unsigned unwind(uint64_t *addresses, unsigned most, enum unwind_end *end)
{
	uint32_t generation = __atomic_load_n(&stacks_generation, __ATOMIC_RELAXED);
	struct readable r = { .generation = generation };
	struct registers start;
	bool takes;
	unsigned used;

	__asm__ volatile("lea 0(%%rip), %0; mov %%rsp, %1; mov %%rbp, %2" : "=a" (start.address), "=d" (start.stack), "=c" (start.base));
	takes = likely(may_take(start.stack));
	if (takes) {
		walker = start.stack;
		__asm__ volatile("" ::: "memory");
		if (likely(this_stack.generation == generation))
			r = this_stack;
	}
	used = walk(&r, start, addresses, most, end);
	if (takes) {
		this_stack = r;
		__asm__ volatile("" ::: "memory");
		walker = 0;
	}
	return used;
}
