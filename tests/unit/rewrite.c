/* SPDX-License-Identifier: MIT */
/*
 * Plans of patches by pairs: code before, code after, or why there is none.
 *
 * links: preload/rewrite.c preload/rewrite_room.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <Zydis/Zydis.h>

#include "../../preload/rewrite.h"

#define MIB      (1ULL << 20)
#define BASE     0x7f0000000000ULL
#define SITE     (BASE + 0x1100)
#define ONE_BYTE (1u << TRAMPOLINE_ONE_BYTE)
#define MOV      (1u << TRAMPOLINE_MOV)
#define HOP      (1u << TRAMPOLINE_HOP)
#define GOOD     (SITE_FILE | SITE_PROVEN)

/* 2 MiB of code, 2 MiB free, something else up to 8 MiB, and two zones. The page below the code is the nearest free one. */
static const struct address_range mapped[] = { { BASE, BASE + 2 * MIB }, { BASE + 4 * MIB, BASE + 8 * MIB } };
static const struct rewrite_space space = {
	mapped, 2, { BASE + 64 * MIB, BASE + 72 * MIB }, { BASE + 80 * MIB, BASE + 96 * MIB },
};
static struct rewrite_room room;
static bool seen[REWRITE_REFUSED];

struct pattern {
	const char *before;             /* in hexadecimal; ">" stands before the site */
	const char *after;              /* NULL: refused */
	uint32_t wanted, facts;
	enum rewrite_refusal refusals[TRAMPOLINE_FORMS];
	int8_t hop;                     /* to what is never executed; 0: there is none */
};

#define NOT                              REFUSE_NOT_WANTED
#define PLAIN(before, after)             { before, after, ONE_BYTE, SITE_FILE, { REFUSE_ACCEPTED, NOT, NOT }, 0 }
#define BY_MOV(before, after)            { before, after, MOV, GOOD, { NOT, REFUSE_ACCEPTED, NOT }, 0 }
#define BY_HOP(before, after, hop)       { before, after, HOP, SITE_FILE, { NOT, NOT, REFUSE_ACCEPTED }, hop }
#define SECOND(before, after, why)       { before, after, ONE_BYTE | MOV, GOOD, { REFUSE_##why, REFUSE_ACCEPTED, NOT }, 0 }
#define THIRD(before, after, hop, why)   { before, after, ONE_BYTE | MOV | HOP, SITE_FILE, { REFUSE_##why, REFUSE_NO_MOV, REFUSE_ACCEPTED }, hop }
#define REFUSED(before, facts, why)      { before, NULL, ONE_BYTE | MOV | HOP, facts, { REFUSE_##why, REFUSE_##why, REFUSE_##why }, 0 }
#define ONE_REFUSED(before, why)         { before, NULL, ONE_BYTE, GOOD, { REFUSE_##why, NOT, NOT }, 0 }
#define MOV_REFUSED(before, facts, why)  { before, NULL, MOV, facts, { NOT, REFUSE_##why, NOT }, 0 }
#define HOP_REFUSED(before, why)         { before, NULL, HOP, GOOD, { NOT, NOT, REFUSE_##why }, 0 }

static const struct pattern patterns[] = {
	/* One byte: the four bytes behind it are a distance to free space, upwards or downwards. */
	PLAIN(">0f 05 48 3d 00 f0 ff ff", "e9 05 48 3d 00 f0 ff ff"),        /* cmp $-4096,%rax */
	PLAIN(">0f 05 48 3d 01 f0 ff ff", "e9 05 48 3d 01 f0 ff ff"),        /* cmp $-4095,%rax */
	PLAIN(">0f 05 48 3d 00", "e9 05 48 3d 00"),                          /* no more than is read of it */
	PLAIN(">0f 05 3d 00 f0 ff ff", "e9 05 3d 00 f0 ff ff"),              /* cmp $-4096,%eax */
	PLAIN(">0f 05 c3 90 90 90", "e9 05 c3 90 90 90"),                    /* ret, padding */
	PLAIN(">0f 05 c3 0f 1f 00", "e9 05 c3 0f 1f 00"),
	PLAIN(">0f 05 c3 0f 1f 44 00 00", "e9 05 c3 0f 1f 44 00 00"),
	PLAIN(">0f 05 c3 66 90", "e9 05 c3 66 90"),
	PLAIN(">0f 05 c3 66 66 2e 0f 1f 84", "e9 05 c3 66 66 2e 0f 1f 84"),
	PLAIN(">0f 05 c3 cc cc cc", "e9 05 c3 cc cc cc"),
	PLAIN(">0f 05 c3 f3 0f 1e fa", "e9 05 c3 f3 0f 1e fa"),              /* ret; endbr64 */
	PLAIN(">0f 05 48 89 c3", "e9 05 48 89 c3"),                          /* mov %rax,%rbx */
	PLAIN(">0f 05 48 89 44 24 08", "e9 05 48 89 44 24 08"),
	PLAIN(">0f 05 41 89 c4", "e9 05 41 89 c4"),                          /* mov %eax,%r12d */
	PLAIN(">0f 05 89 c5 85 ed", "e9 05 89 c5 85 ed"),                    /* mov %eax,%ebp; test */
	PLAIN(">0f 05 85 c0 78 10", "e9 05 85 c0 78 10"),                    /* test %eax,%eax; js */
	PLAIN(">0f 05 48 85 c0 7c 0d", "e9 05 48 85 c0 7c 0d"),
	PLAIN(">0f 05 48 83 f8 da", "e9 05 48 83 f8 da"),                    /* cmp $-ENOSYS,%rax */
	PLAIN(">0f 05 83 f8 fc 74 02", "e9 05 83 f8 fc 74 02"),              /* cmp $-EINTR,%eax */
	PLAIN(">0f 05 57 48 85 c0", "e9 05 57 48 85 c0"),                    /* vfork's push */
	PLAIN(">0f 05 f4 eb fd 90", "e9 05 f4 eb fd 90"),                    /* exit's hlt */
	PLAIN(">0f 05 0f 0b 66 90", "e9 05 0f 0b 66 90"),
	PLAIN(">0f 05 eb fc 0f 1f", "e9 05 eb fc 0f 1f"),
	PLAIN(">0f 05 ff ff 7f", "e9 05 ff ff 7f"),                          /* as far as there is */
	PLAIN(">0f 05 00 00 80", "e9 05 00 00 80"),
	PLAIN(">0f 05 5b 5d c3 90", "e9 05 5b 5d c3 90"),
	PLAIN(">0f 05 4c 89 f0 5d", "e9 05 4c 89 f0 5d"),
	PLAIN("31 c0 >0f 05 48 3d 00 f0 ff ff", "31 c0 e9 05 48 3d 00 f0 ff ff"),
	PLAIN("89 d0 >0f 05 48 3d 00 f0", "89 d0 e9 05 48 3d 00 f0"),
	PLAIN("b8 27 00 00 00 >0f 05 c3 0f 1f 00", "b8 27 00 00 00 e9 05 c3 0f 1f 00"),
	PLAIN("48 c7 c0 e6 00 00 00 >0f 05 48 89 c3", "48 c7 c0 e6 00 00 00 e9 05 48 89 c3"),
	PLAIN("41 ba 08 00 00 00 >0f 05 48 3d 00 f0", "41 ba 08 00 00 00 e9 05 48 3d 00 f0"),
	PLAIN("4c 89 5c 24 08 >0f 05 48 3d 00", "4c 89 5c 24 08 e9 05 48 3d 00"), /* looks like cancellation, but goes on */
	/* The mov before it: alone, or since the first form is refused. */
	BY_MOV("b8 27 00 00 00 >0f 05", "e9 00 df ff ff 0f 05"),
	BY_MOV("b8 00 00 00 00 >0f 05 c3", "e9 00 df ff ff 0f 05 c3"),
	BY_MOV("b8 ff ff ff ff >0f 05 c3", "e9 00 df ff ff 0f 05 c3"),
	BY_MOV("89 fb b8 ca 00 00 00 >0f 05 48 3d 00 f0 ff ff", "89 fb e9 00 df ff ff 0f 05 48 3d 00 f0 ff ff"),
	BY_MOV("b8 0f 05 00 00 >0f 05 c3", "e9 00 df ff ff 0f 05 c3"),       /* the number looks like a syscall */
	SECOND("b8 27 00 00 00 >0f 05", "e9 00 df ff ff 0f 05", CUT),
	SECOND("b8 27 00 00 00 >0f 05 c3 0f 00", "e9 00 df ff ff 0f 05 c3 0f 00", TAKEN), /* within the code */
	SECOND("b8 27 00 00 00 >0f 05 90 5b 00", "e9 00 df ff ff 0f 05 90 5b 00", TAKEN), /* in the other mapping */
	SECOND("b8 27 00 00 00 >0f 05 90 1f 04", "e9 00 df ff ff 0f 05 90 1f 04", BREAK),
	SECOND("b8 27 00 00 00 >0f 05 90 1f 05", "e9 00 df ff ff 0f 05 90 1f 05", STACK),
	/* By what is between functions: behind it, before it, or since the others are refused. */
	BY_HOP(">0f 05 c3 0f 1f 84 00 00 00 00 00", "eb 01 c3 e9 f8 de ff ff 00 00 00", 1),
	BY_HOP(">0f 05 48 3d 00 f0 ff ff c3 cc cc cc cc cc", "eb 07 48 3d 00 f0 ff ff c3 e9 f2 de ff ff", 7),
	BY_HOP("90 90 90 90 90 31 c0 >0f 05 c3", "e9 02 df ff ff 31 c0 eb f7 c3", -9),
	BY_HOP("66 2e 0f 1f 84 00 00 00 00 00 b8 27 00 00 00 >0f 05 c3", "e9 0a df ff ff 00 00 00 00 00 b8 27 00 00 00 eb ef c3", -17),
	THIRD("31 c0 >0f 05 c3 0f 00 90 90 90", "31 c0 eb 01 c3 e9 f8 de ff ff", 1, TAKEN),
	/* Refusals of the site. */
	REFUSED(">", GOOD, NOT_SYSCALL),
	REFUSED(">0f", GOOD, NOT_SYSCALL),
	REFUSED(">0f 34 c3 90 90 90", GOOD, NOT_SYSCALL),                    /* sysenter */
	REFUSED(">cd 80 c3 90 90 90", GOOD, NOT_SYSCALL),
	REFUSED(">e9 05 48 3d 00 f0", GOOD, NOT_SYSCALL),                    /* patched already */
	REFUSED(">0f 05 48 3d 00 f0", SITE_PROVEN, NO_FILE),
	REFUSED(">0f 05 48 3d 00 f0", GOOD | SITE_WRITABLE, WRITABLE),
	REFUSED(">0f 05 48 3d 00 f0", SITE_WRITABLE, WRITABLE),              /* just-in-time code */
	REFUSED(">0f 05 48 3d 00 f0", GOOD | SITE_SHARED, SHARED),
	REFUSED(">0f 05 48 3d 00 f0", GOOD | SITE_SHARED | SITE_WRITABLE, SHARED),
	REFUSED(">0f 05 48 3d 00 f0", GOOD | SITE_SMALL_STACK, SMALL_STACK),
	REFUSED(">0f 05 48 3d 00 f0", GOOD | SITE_CANCELLATION, CANCELLATION),
	REFUSED("4c 89 5c 24 08 >0f 05 c3", GOOD, CANCELLATION),
	REFUSED("4c 89 5c 24 08 >0f 05 c3 90 90 90", SITE_FILE, CANCELLATION),
	REFUSED("48 c7 c0 0f 00 00 00 >0f 05 0f 1f 80", GOOD, SIGNAL_RETURN),
	REFUSED("b8 0f 00 00 00 >0f 05 c3 90 90 90", GOOD, SIGNAL_RETURN),
	/* Of the first form. */
	ONE_REFUSED(">0f 05", CUT),
	ONE_REFUSED(">0f 05 c3 90", CUT),
	ONE_REFUSED(">0f 05 c3 0f 00 00", TAKEN),
	ONE_REFUSED(">0f 05 e0 1f 00 00", TAKEN),                            /* its last bytes on a page that is taken */
	ONE_REFUSED(">0f 05 90 0f 04", BREAK),
	ONE_REFUSED(">0f 05 90 7f 05", STACK),
	/* Of the second. */
	MOV_REFUSED(">0f 05 48 3d 00 f0", GOOD, NO_MOV),
	MOV_REFUSED("27 00 00 00 >0f 05 48 3d", GOOD, NO_MOV),               /* the view begins behind its first byte */
	MOV_REFUSED("31 c0 >0f 05 48 3d 00 f0", GOOD, NO_MOV),
	MOV_REFUSED("bf 02 00 00 00 >0f 05 c3", GOOD, NO_MOV),               /* mov to edi */
	MOV_REFUSED("b8 27 00 00 00 90 >0f 05 c3", GOOD, NO_MOV),
	MOV_REFUSED("41 b8 08 00 00 00 >0f 05 c3", SITE_FILE, UNPROVEN),     /* mov to r8d */
	MOV_REFUSED("b8 27 00 00 00 >0f 05 c3", SITE_FILE, UNPROVEN),
	MOV_REFUSED("b8 27 00 00 00 >0f 05 c3", GOOD | SITE_JUMP_INSIDE, JUMP_INSIDE),
	/* Of the third. */
	HOP_REFUSED("b8 27 00 00 00 >0f 05 c3", NO_PADDING),
};
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

/* Returns how many bytes; *site: how many come before it. */
static uint32_t parse(const char *text, uint8_t *code, uint32_t *site)
{
	uint32_t count = 0;
	unsigned byte;

	while (*text) {
		if (*text == '>' && site)
			*site = count;
		if (*text == '>' || *text == ' ') {
			text++;
			continue;
		}
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		code[count++] = (uint8_t)byte;
		text += 2;
	}
	return count;
}

static struct rewrite_plan plan_hops(struct rewrite_site site, uint32_t wanted)
{
	struct rewrite_plan plan = rewrite_plan(&site, &space, &room, wanted);

	for (uint32_t form = 0; form < TRAMPOLINE_FORMS; form++)
		seen[plan.refusals[form]] = true;
	return plan;
}

static struct rewrite_plan plan_of(uint64_t address, const uint8_t *code, uint32_t before, uint32_t after, uint32_t facts, uint32_t wanted)
{
	return plan_hops((struct rewrite_site){ address, code, before, after, facts, NULL, 0 }, wanted);
}

/* Where a jump of five or of two bytes leads. */
static uint64_t jumps_to(uint64_t address, const uint8_t *code)
{
	int32_t distance;

	if (code[0] == 0xeb)
		return address + 2 + (uint64_t)(int64_t)(int8_t)code[1];
	assert_int_equal(code[0], 0xe9);
	memcpy(&distance, code + 1, sizeof(distance));
	return address + 5 + (uint64_t)(int64_t)distance;
}

static void write_code(uint8_t *site, uint32_t before, uint32_t after, const struct rewrite_write *write)
{
	if (!write->bytes)
		return;
	assert_true(write->address >= SITE - before && write->address + write->bytes <= SITE + after);
	memcpy(site + (write->address - SITE), write->code, write->bytes);
}

static void each_pattern_is_patched_or_refused_as_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < PATTERNS; i++) {
		const struct pattern *pattern = &patterns[i];
		uint8_t code[32], expected[32];
		uint32_t before = 0, count = parse(pattern->before, code, &before);
		uint8_t *at = code + before;
		struct rewrite_plan plan = plan_hops((struct rewrite_site){ SITE, at, before, count - before, pattern->facts, &pattern->hop, pattern->hop != 0 },
						     pattern->wanted);
		uint64_t leads_to;

		for (uint32_t form = 0; form < TRAMPOLINE_FORMS; form++)
			if (plan.refusals[form] != pattern->refusals[form])
				fail_msg("%s: form %u: %s", pattern->before, form, rewrite_refusal_names[plan.refusals[form]]);
		assert_int_equal(rewrite_refused(&plan), !pattern->after);
		if (!pattern->after)
			continue;
		write_code(at, before, count - before, &plan.first);
		write_code(at, before, count - before, &plan.last);
		assert_int_equal(parse(pattern->after, expected, NULL), count);
		assert_memory_equal(code, expected, count);
		leads_to = jumps_to(plan.last.address, at + (plan.last.address - SITE));
		if (plan.first.bytes) {
			assert_int_equal(leads_to, plan.first.address);
			leads_to = jumps_to(leads_to, at + (leads_to - SITE));
		}
		assert_int_equal(leads_to, plan.trampoline.start);
	}
}

static void all_patterns_are_code_as_they_say(void **state)
{
	ZydisDecodedInstruction instruction;
	ZydisDecoder decoder;

	(void)state;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (size_t i = 0; i < PATTERNS; i++) {
		uint8_t code[48] = { 0 };
		uint32_t before = 0, at = 0;

		parse(patterns[i].before, code, &before);
		if (!(patterns[i].facts & SITE_PROVEN) || code[0] == 0x27)
			continue;
		while (at < before) {
			assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code + at, sizeof(code) - at, &instruction)));
			at += instruction.length;
		}
		assert_int_equal(at, before);
	}
}

static void a_mov_on_two_pages_is_refused(void **state)
{
	static const uint8_t code[] = { 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90 };

	(void)state;
	for (uint64_t into = 0; into <= 6; into++) {
		struct rewrite_plan plan = plan_of(BASE + 0x2000 + into, code + 5, 5, 5, GOOD, MOV);

		assert_int_equal(plan.refusals[TRAMPOLINE_MOV], into > 0 && into < 5 ? REFUSE_STRADDLES : REFUSE_ACCEPTED);
	}
}

static void a_hop_from_or_to_two_pages_is_refused(void **state)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0xc3, 0x90, 0x90, 0x90, 0x90, 0x90 };
	static const int8_t hop = 1;

	(void)state;
	for (uint64_t into = 0; into <= 9; into++) {
		struct rewrite_site site = { BASE + 0x1ff7 + into, code, 0, 8, SITE_FILE, &hop, 1 };
		enum rewrite_refusal expected = into == 8 ? REFUSE_STRADDLES : into >= 2 && into <= 5 ? REFUSE_NO_PADDING : REFUSE_ACCEPTED;

		assert_int_equal(plan_hops(site, HOP).refusals[TRAMPOLINE_HOP], expected);
	}
}

static void what_one_site_hops_to_is_not_given_to_another(void **state)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x0f, 0x05, 0x48, 0x89, 0xc3 };
	static const int8_t hops[] = { 1, 6 }, hops_back[] = { -12, -11, -8, -7, -14 };
	struct rewrite_site first = { SITE, code, 0, 18, SITE_FILE, hops, 2 }, second = { SITE + 13, code + 13, 13, 5, SITE_FILE, hops_back, 2 };
	struct rewrite_plan plan = plan_hops(first, HOP);

	(void)state;
	assert_int_equal(plan.trampoline.hop, 1);
	room_enter(&room, plan.trampoline);
	assert_int_equal(plan_hops(second, HOP).refusals[TRAMPOLINE_HOP], REFUSE_NO_PADDING);
	second.hop_count = 3; /* of the third, the first byte is the others' last */
	assert_int_equal(plan_hops(second, HOP).refusals[TRAMPOLINE_HOP], REFUSE_NO_PADDING);
	second.hop_count = 5;
	assert_int_equal(plan_hops(second, HOP).trampoline.hop, -7);
	/* A distance that is made of them keeps them as well. */
	room.used = 0;
	room_enter(&room, (struct trampoline){ BASE - 0x1000, SITE, 34, TRAMPOLINE_ONE_BYTE, 0 });
	second.hops = (const int8_t[]){ -14, -11, -10 };
	second.hop_count = 3;
	assert_int_equal(plan_hops(second, HOP).trampoline.hop, -10);
}

static void no_place_is_outside_of_what_programs_may_map(void **state)
{
	static const uint8_t down[] = { 0x0f, 0x05, 0x00, 0x00, 0xff }, up[] = { 0x0f, 0x05, 0x00, 0x00, 0x01 };

	(void)state;
	assert_int_equal(plan_of(0x400000, down, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_RANGE);
	assert_int_equal(plan_of(USER_END - 0x1000, up, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_RANGE);
	assert_int_equal(plan_of(USER_END - 0x1000005 - 5 - 33, up, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_RANGE);
	assert_int_equal(plan_of(USER_END - 0x1000005 - 5 - 34, up, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_ACCEPTED);
}

static void a_trampoline_on_two_pages_needs_both(void **state)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0xee, 0x3f, 0x00 }; /* 0x3fee05: something is mapped from 0x400000 on */

	(void)state;
	assert_int_equal(plan_of(BASE + 0x11f6 - 34, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_ACCEPTED);
	assert_int_equal(plan_of(BASE + 0x11f6 - 33, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_TAKEN);
	assert_int_equal(plan_of(BASE + 0x11f6, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_TAKEN);
}

static void trampolines_do_not_overlap(void **state)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0x48, 0x3d, 0x00 };

	(void)state;
	room_enter(&room, plan_of(SITE, code, 0, 5, GOOD, ONE_BYTE).trampoline);
	assert_int_equal(plan_of(SITE + 33, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_OVERLAP);
	assert_int_equal(plan_of(SITE - 33, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_OVERLAP);
	assert_int_equal(plan_of(SITE + 34, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_ACCEPTED);
	assert_int_equal(plan_of(SITE - 34, code, 0, 5, GOOD, ONE_BYTE).refusals[0], REFUSE_ACCEPTED);
}

static void the_distance_of_a_patched_site_is_not_overwritten(void **state)
{
	/* syscall; mov $39,%eax; syscall; and syscall; syscall */
	static const uint8_t with_mov[] = { 0x0f, 0x05, 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90 };
	static const uint8_t side_by_side[] = { 0x0f, 0x05, 0x0f, 0x05, 0xc3, 0x90, 0x90 };

	(void)state;
	assert_int_equal(plan_of(SITE + 7, with_mov + 7, 7, 5, GOOD, MOV).refusals[TRAMPOLINE_MOV], REFUSE_ACCEPTED);
	assert_int_equal(plan_of(SITE + 4, side_by_side + 2, 2, 5, GOOD, ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_ACCEPTED);
	room_enter(&room, (struct trampoline){ BASE + 3 * MIB, SITE, 34, TRAMPOLINE_ONE_BYTE, 0 });
	assert_int_equal(plan_of(SITE + 4, side_by_side + 2, 2, 5, GOOD, ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_NEIGHBOUR); /* its last byte */
	assert_int_equal(plan_of(SITE + 5, side_by_side + 2, 2, 5, GOOD, ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_ACCEPTED);
	assert_int_equal(plan_of(SITE + 7, with_mov + 7, 7, 5, GOOD, MOV).refusals[TRAMPOLINE_MOV], REFUSE_NEIGHBOUR);
	assert_int_equal(plan_of(SITE + 7, with_mov + 7, 7, 5, GOOD, ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_ACCEPTED);
	assert_int_equal(plan_of(SITE + 2, side_by_side + 2, 2, 5, GOOD, ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_NEIGHBOUR);
	assert_int_equal(plan_of(SITE + 2, side_by_side + 2, 2, 5, GOOD, HOP).refusals[TRAMPOLINE_HOP], REFUSE_NEIGHBOUR);
	/* A mov that was replaced leaves the others free. */
	room.trampolines[0].form = TRAMPOLINE_MOV;
	assert_int_equal(plan_of(SITE + 2, side_by_side + 2, 2, 5, GOOD, ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_ACCEPTED);
}

static void trampolines_of_movs_share_pages_near_their_sites(void **state)
{
	static const uint8_t code[] = { 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90 };
	uint64_t pages = 0, page = 0;

	(void)state;
	for (uint64_t i = 0; i < 400; i++) {
		struct rewrite_plan plan = plan_of(BASE + 0x1010 + i * 16, code + 5, 5, 5, GOOD, MOV);

		assert_false(rewrite_refused(&plan));
		pages += !room_has_page(&room, plan.trampoline.start & ~(ROOM_PAGE - 1));
		room_enter(&room, plan.trampoline);
		assert_true(room_has_page(&room, plan.trampoline.start & ~(ROOM_PAGE - 1)));
	}
	assert_int_equal(pages, 4); /* of 105 each */
	for (uint64_t i = 0; i < room.used; i++) {
		assert_true(i == 0 || room.trampolines[i - 1].start + room.trampolines[i - 1].bytes <= room.trampolines[i].start);
		assert_true(room.trampolines[i].start + room.trampolines[i].bytes <= BASE);
		page += room.trampolines[i].start / ROOM_PAGE != (room.trampolines[i].start + room.trampolines[i].bytes - 1) / ROOM_PAGE;
	}
	assert_int_equal(page, 0);
}

static void a_site_without_free_space_around_it_is_refused(void **state)
{
	static const uint8_t code[] = { 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90 };
	static const struct address_range all = { BASE - (4ULL << 30), BASE + (4ULL << 30) };
	struct rewrite_site site = { SITE, code + 5, 5, 5, GOOD, NULL, 0 };
	struct rewrite_space full = space;
	struct rewrite_plan plan;

	(void)state;
	full.mapped = &all;
	full.ranges = 1;
	plan = rewrite_plan(&site, &full, &room, MOV);
	assert_int_equal(plan.refusals[TRAMPOLINE_MOV], REFUSE_FAR);
	seen[REFUSE_FAR] = true;
	room_enter(&room, (struct trampoline){ BASE - 0x1000, SITE + 0x1000, 39, TRAMPOLINE_MOV, 0 }); /* a page of ours is within it */
	plan = rewrite_plan(&site, &full, &room, MOV);
	assert_int_equal(plan.trampoline.start, BASE - 0x1000 + 39);
}

static void a_full_room_refuses(void **state)
{
	static const uint8_t code[] = { 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 0x00 };

	(void)state;
	for (uint64_t i = 0; i < ROOM_MOST; i++)
		room_enter(&room, (struct trampoline){ BASE - (i + 1) * 64, BASE + 0x2000 + i * 64, 39, TRAMPOLINE_MOV, 0 });
	assert_int_equal(plan_of(SITE, code + 5, 5, 5, GOOD, MOV | ONE_BYTE).refusals[TRAMPOLINE_ONE_BYTE], REFUSE_FULL);
	assert_int_equal(plan_of(SITE, code + 5, 5, 5, GOOD, MOV).refusals[TRAMPOLINE_MOV], REFUSE_FULL);
	room_forget(&room, BASE + 0x2000, BASE + 0x2000 + 64 * (ROOM_MOST - 1)); /* all but one */
	assert_int_equal(room.used, 1);
	assert_int_equal(plan_of(SITE, code + 5, 5, 5, GOOD, MOV).refusals[TRAMPOLINE_MOV], REFUSE_ACCEPTED);
}

static void a_trampoline_decodes_to_what_it_is_for(void **state)
{
	static const char *const expected[] = { "mov eax, 0x27", "lea rcx, [0x00007EFFFFFFF019]", "mov r11, 0x123456789ABC", "jmp r11",
						"syscall", "lea rcx, [0x00007F0000001102]", "jmp 0x00007F0000001102" };
	static const uint8_t code[] = { 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 0x00 };

	(void)state;
	for (uint32_t form = 0; form < TRAMPOLINE_FORMS; form++) {
		static const int8_t hop = 100;
		struct rewrite_plan plan = plan_hops((struct rewrite_site){ SITE, code + 5, 5, 5, GOOD, &hop, 1 }, 1u << form);
		uint8_t bytes[TRAMPOLINE_BYTES_MOST];
		uint32_t length = rewrite_trampoline(&plan, 0x123456789abc, bytes), at = 0;
		char tail[32];

		assert_int_equal(length, plan.trampoline.bytes);
		snprintf(tail, sizeof(tail), "lea rcx, [0x%016llX]", (unsigned long long)plan.trampoline.start + length - 14);
		for (size_t i = form == TRAMPOLINE_MOV ? 0 : 1; i < 7; i++) {
			ZydisDisassembledInstruction instruction;

			assert_true(ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, plan.trampoline.start + at, bytes + at, length - at, &instruction)));
			assert_string_equal(instruction.text, i == 1 ? tail : expected[i]);
			at += instruction.info.length;
		}
		assert_int_equal(at, length);
	}
}

static void zones_hold_what_grows(void **state)
{
	struct address_range zone = room_break_zone(0x555555560123, 0x555555581000);

	(void)state;
	assert_int_equal(zone.start, 0x555555560000);
	assert_true(zone.end >= 0x555555581000 + (1ULL << 30));
	zone = room_stack_zone(0x7ffffffde123, 8 * MIB);
	assert_int_equal(zone.end, 0x7ffffffdf000);
	assert_int_equal(zone.start, 0x7ffffffde000 - 128 * MIB);
	zone = room_stack_zone(0x7ffffffde123, 1024 * MIB);
	assert_int_equal(zone.start, 0x7ffffffde000 - 1025 * MIB);
	zone = room_stack_zone(0x7ffffffde123, ~0ULL); /* unlimited */
	assert_true(zone.start > BASE && zone.start < 0x7ffffffde000 - (8ULL << 30));
}

static void each_reason_was_given(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < REWRITE_REFUSED; i++) {
		assert_true(rewrite_refusal_names[i][0] && rewrite_refusal_sentences[i][0]);
		if (!seen[i])
			fail_msg("nothing is refused for %s", rewrite_refusal_names[i]);
	}
}

static int empty_room(void **state)
{
	(void)state;
	room.used = 0;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_pattern_is_patched_or_refused_as_it_says, empty_room),
		cmocka_unit_test(all_patterns_are_code_as_they_say),
		cmocka_unit_test_setup(a_mov_on_two_pages_is_refused, empty_room),
		cmocka_unit_test_setup(no_place_is_outside_of_what_programs_may_map, empty_room),
		cmocka_unit_test_setup(a_hop_from_or_to_two_pages_is_refused, empty_room),
		cmocka_unit_test_setup(what_one_site_hops_to_is_not_given_to_another, empty_room),
		cmocka_unit_test_setup(a_trampoline_on_two_pages_needs_both, empty_room),
		cmocka_unit_test_setup(trampolines_do_not_overlap, empty_room),
		cmocka_unit_test_setup(the_distance_of_a_patched_site_is_not_overwritten, empty_room),
		cmocka_unit_test_setup(trampolines_of_movs_share_pages_near_their_sites, empty_room),
		cmocka_unit_test_setup(a_site_without_free_space_around_it_is_refused, empty_room),
		cmocka_unit_test_setup(a_full_room_refuses, empty_room),
		cmocka_unit_test_setup(a_trampoline_decodes_to_what_it_is_for, empty_room),
		cmocka_unit_test(zones_hold_what_grows),
		cmocka_unit_test(each_reason_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
