/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer on the planning of patches: functions of random instructions, their `syscall` sites patched one after the other, in random
 * surroundings. Zydis is the judge: from its beginning the function decodes to the same instructions at the same places, but for sites,
 * which jump to their trampolines, and for what is never executed. A trampoline decodes to what returns behind its site, and lies where
 * nothing else is.
 *
 *   bytes 0-2  facts, above 127; what is wanted; the order of the sites and the place of the function on its page
 *   3-26       six distances from the function, in pages: what is mapped there, and the two zones
 *   then       the function: 0 to 19 stand for an instruction that is found at sites, others for themselves
 *
 * links: preload/rewrite.c preload/rewrite_room.c
 */
#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../preload/rewrite.h"

#define CODE_MOST 4000
#define BASE      0x7f1234560000ULL
#define ENTER     0x123456789abcULL
#define RANGES    5                     /* mapped: the code, and four others */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct { uint8_t length, bytes[8]; } usual[] = {
	{ 2, { 0x0f, 0x05 } },
	{ 7, { 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05 } },
	{ 5, { 0xb8, 0x0f, 0x05, 0, 0 } },
	{ 5, { 0xb8, 0x0f, 0, 0, 0 } },
	{ 6, { 0x41, 0xb8, 8, 0, 0, 0 } },
	{ 6, { 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff } },
	{ 6, { 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff } },
	{ 5, { 0x3d, 0x00, 0xf0, 0xff, 0xff } },
	{ 1, { 0xc3 } },
	{ 5, { 0x4c, 0x89, 0x5c, 0x24, 0x08 } },
	{ 3, { 0x48, 0x89, 0xc3 } },
	{ 2, { 0x85, 0xc0 } },
	{ 2, { 0x31, 0xc0 } },
	{ 2, { 0xeb, 0xfb } },
	{ 2, { 0x74, 0xf9 } },
	{ 4, { 0x0f, 0x1f, 0x40, 0x00 } },
	{ 1, { 0x90 } },
	{ 1, { 0x57 } },
	{ 7, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0 } },
	{ 1, { 0xe9 } },
};
#define USUAL (sizeof(usual) / sizeof(usual[0]))

static uint8_t original[CODE_MOST + 8], patched[CODE_MOST + 8];
static uint8_t length_at[CODE_MOST];    /* of the instruction that begins there; 0: none does */
static bool target_at[CODE_MOST], is_site[CODE_MOST];
static uint8_t is_unused[CODE_MOST];    /* 1: never executed */
static const struct rewrite_plan *plan_at[CODE_MOST]; /* by where it writes */
static struct rewrite_plan plans[CODE_MOST];
static uint64_t address, count, planned;
static struct rewrite_room room;
static ZydisDecoder decoder;
static ZydisDecodedInstruction instruction;
static ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

static void expect(bool is_so)
{
	if (!is_so)
		abort();
}

static bool decode(const uint8_t *code, uint64_t room_left)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, room_left, &instruction, operands));
}

/* Where a relative jump, or lea from the instruction pointer, leads. */
static uint64_t leads_to(uint64_t from, int operand)
{
	uint64_t to = 0;

	expect(ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[operand], from, &to)));
	return to;
}

static void make_function(const uint8_t *data, size_t size)
{
	count = 0;
	for (size_t i = 0; i < size && count < CODE_MOST - 8; i++) {
		if (data[i] < USUAL) {
			memcpy(original + count, usual[data[i]].bytes, usual[data[i]].length);
			count += usual[data[i]].length;
		} else {
			original[count++] = data[i];
		}
	}
}

/* The function ends where it does not decode any more. */
static void decode_function(void)
{
	bool unused = false;
	uint64_t at = 0;

	memset(length_at, 0, sizeof(length_at));
	memset(target_at, 0, sizeof(target_at));
	memset(is_site, 0, sizeof(is_site));
	memset(is_unused, 0, sizeof(is_unused));
	for (; at < count && decode(original + at, count - at); at += instruction.length) {
		uint64_t to = count;

		if (instruction.operand_count && operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[0].imm.is_relative)
			to = leads_to(at, 0);
		length_at[at] = instruction.length;
		is_site[at] = instruction.mnemonic == ZYDIS_MNEMONIC_SYSCALL && instruction.length == 2;
		if (to < count)
			target_at[to] = true;
	}
	count = at;
	/* Behind a ret or jmp, what does nothing is not executed, unless something jumps there or to what is before it. */
	for (at = 0; at < count; at += length_at[at]) {
		decode(original + at, count - at);
		if (!target_at[at] && unused && (instruction.mnemonic == ZYDIS_MNEMONIC_NOP || instruction.mnemonic == ZYDIS_MNEMONIC_INT3))
			memset(is_unused + at, 1, length_at[at]);
		else
			unused = instruction.mnemonic == ZYDIS_MNEMONIC_RET || instruction.mnemonic == ZYDIS_MNEMONIC_JMP;
	}
}

static void write_code(const struct rewrite_write *write)
{
	memcpy(patched + (write->address - address) % CODE_MOST, write->code, write->bytes); /* of none, nowhere */
}

static void plan_site(uint64_t at, uint32_t facts, uint32_t wanted, const struct rewrite_space *space)
{
	int8_t hops[256];
	struct rewrite_site site = { address + at, patched + at, (uint32_t)at, (uint32_t)(count - at), facts, hops, 0 };
	struct rewrite_plan *plan = &plans[planned];
	bool accepted = false;

	if (at >= 5 && length_at[at - 5] == 5)
		site.facts |= SITE_PROVEN;
	for (uint64_t i = at - (at < 4 ? at : 4); i < at; i++)
		site.facts |= target_at[i] ? SITE_JUMP_INSIDE : 0;
	for (int hop = -HOP_MOST; hop <= HOP_MOST; hop++) {
		uint64_t to = at + 2 + (uint64_t)(int64_t)hop;

		if (to < count && to + 5 <= count && !memchr(is_unused + to, 0, 5))
			hops[site.hop_count++] = (int8_t)hop;
	}
	*plan = rewrite_plan(&site, space, &room, wanted);
	for (uint32_t form = 0; form < TRAMPOLINE_FORMS; form++)
		accepted |= !plan->refusals[form];
	expect(rewrite_refused(plan) != accepted);
	if (rewrite_refused(plan))
		return;
	expect(plan->last.address == (plan->last.bytes == 5 ? site.address - 5 : site.address));
	write_code(&plan->first);
	write_code(&plan->last);
	room_enter(&room, plan->trampoline);
	plan_at[plan->last.address - address] = plan;
	planned++;
}

static void check_trampoline(const struct rewrite_plan *plan, const struct rewrite_space *space)
{
	uint64_t at = plan->trampoline.start, end = at + plan->trampoline.bytes, tail = end - 14;
	uint8_t bytes[TRAMPOLINE_BYTES_MOST];
	const uint8_t *code = bytes;
	int step = plan->trampoline.form == TRAMPOLINE_MOV ? 0 : 1;

	expect(rewrite_trampoline(plan, ENTER, bytes) == plan->trampoline.bytes);
	for (; at < end; at += instruction.length, code += instruction.length, step++) {
		expect(decode(code, end - at));
		switch (step) {
		case 0:
			expect(!memcmp(code, original + (plan->trampoline.site - address - 5), 5));
			break;
		case 1:
			expect(instruction.mnemonic == ZYDIS_MNEMONIC_LEA && operands[0].reg.value == ZYDIS_REGISTER_RCX && leads_to(at, 1) == tail);
			break;
		case 2:
			expect(instruction.mnemonic == ZYDIS_MNEMONIC_MOV && operands[0].reg.value == ZYDIS_REGISTER_R11 && operands[1].imm.value.u == ENTER);
			break;
		case 3:
			expect(instruction.mnemonic == ZYDIS_MNEMONIC_JMP && operands[0].reg.value == ZYDIS_REGISTER_R11);
			break;
		case 4:
			expect(instruction.mnemonic == ZYDIS_MNEMONIC_SYSCALL && at == tail);
			break;
		case 5:
			expect(instruction.mnemonic == ZYDIS_MNEMONIC_LEA && operands[0].reg.value == ZYDIS_REGISTER_RCX && leads_to(at, 1) == plan->trampoline.site + 2);
			break;
		default:
			expect(step == 6 && instruction.mnemonic == ZYDIS_MNEMONIC_JMP && leads_to(at, 0) == plan->trampoline.site + 2);
		}
	}
	expect(step == 7 && at == end);
	for (uint64_t page = plan->trampoline.start & -ROOM_PAGE; page < end; page += ROOM_PAGE) {
		expect(page >= USER_START && page + ROOM_PAGE <= USER_END && room_has_page(&room, page));
		for (uint64_t i = 0; i < space->ranges; i++)
			expect(page + ROOM_PAGE <= space->mapped[i].start || page >= space->mapped[i].end);
		expect(page + ROOM_PAGE <= space->break_zone.start || page >= space->break_zone.end);
		expect(page + ROOM_PAGE <= space->stack_zone.start || page >= space->stack_zone.end);
	}
}

static void expect_jump(uint64_t at, uint32_t length, uint64_t to)
{
	expect(decode(patched + at, sizeof(patched) - at) && instruction.mnemonic == ZYDIS_MNEMONIC_JMP && instruction.length == length);
	expect(leads_to(address + at, 0) == to);
}

static void check_site(uint64_t at, const struct rewrite_plan *plan)
{
	uint64_t site = plan->trampoline.site - address, to = plan->first.address - address;

	switch (plan->trampoline.form) {
	case TRAMPOLINE_ONE_BYTE:
		expect(is_site[at] && site == at && plan->last.bytes == 1 && !plan->first.bytes);
		expect_jump(at, 5, plan->trampoline.start);
		break;
	case TRAMPOLINE_MOV:
		expect(is_site[site] && site == at + 5 && length_at[at] == 5 && plan->last.bytes == 5 && !plan->first.bytes);
		expect((address + at) / ROOM_PAGE == (address + at + 4) / ROOM_PAGE);
		expect_jump(at, 5, plan->trampoline.start);
		break;
	default:
		expect(is_site[at] && site == at && plan->last.bytes == 2 && plan->first.bytes == 5);
		expect((address + at) / ROOM_PAGE == (address + at + 1) / ROOM_PAGE);
		expect(to < count && !memchr(is_unused + to, 0, 5));
		expect_jump(at, 2, plan->first.address);
		expect_jump(to, 5, plan->trampoline.start);
	}
}

static void check_function(void)
{
	for (uint64_t at = 0; at < count; at += length_at[at]) {
		if (plan_at[at])
			check_site(at, plan_at[at]);
		else if (!is_unused[at])
			expect(decode(patched + at, count - at) && instruction.length == length_at[at] && !memcmp(patched + at, original + at, length_at[at]));
	}
}

static void add_range(struct address_range *ranges, uint64_t *used, struct address_range range)
{
	uint64_t at = *used;

	for (uint64_t i = 0; i < *used; i++)
		if (range.start < ranges[i].end && ranges[i].start < range.end)
			return;
	for (; at && ranges[at - 1].start > range.start; at--)
		ranges[at] = ranges[at - 1];
	ranges[at] = range;
	++*used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address_range ranges[RANGES], others[6];
	struct rewrite_space space = { ranges, 0, { 0, 0 }, { 0, 0 } };

	if (size < 28)
		return 0;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	address = BASE + (data[2] >> 1) * 33;
	make_function(data + 27, size - 27);
	decode_function();
	memcpy(patched, original, sizeof(patched));
	memset(plan_at, 0, sizeof(plan_at));
	room.used = planned = 0;
	add_range(ranges, &space.ranges, (struct address_range){ BASE, BASE + 2 * CODE_MOST / ROOM_PAGE * ROOM_PAGE + 2 * ROOM_PAGE });
	for (int i = 0; i < 6; i++) {
		int32_t pages;

		memcpy(&pages, data + 3 + i * 4, sizeof(pages));
		others[i].start = BASE + (uint64_t)(int64_t)(pages >> 12) * ROOM_PAGE;
		others[i].end = others[i].start + ((uint64_t)(pages & 0xfff) + 1) * ROOM_PAGE;
	}
	for (int i = 0; i < 4; i++)
		add_range(ranges, &space.ranges, others[i]);
	space.break_zone = others[4];
	space.stack_zone = others[5];
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = data[2] & 1 ? count - 1 - i : i;

		if (is_site[at])
			plan_site(at, data[0] < 128 ? SITE_FILE : data[0] & ~(SITE_PROVEN | SITE_JUMP_INSIDE), data[1] & 7 ? data[1] & 7 : 7, &space);
	}
	for (uint64_t i = 0; i < planned; i++)
		check_trampoline(&plans[i], &space);
	for (uint64_t i = 1; i < room.used; i++)
		expect(room.trampolines[i - 1].start + room.trampolines[i - 1].bytes <= room.trampolines[i].start);
	check_function();
	return 0;
}
