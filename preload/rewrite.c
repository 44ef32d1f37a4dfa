/* SPDX-License-Identifier: MIT */
/* From the bytes around a site to the bytes that are written: first what rules it out, then one form after the other. */
#include "rewrite.h"

#include <stddef.h>
#include <string.h>

#define JMP 0xe9
#define JMP_SHORT 0xeb
#define MOV_EAX 0xb8
#define JUMP_BYTES 5u
#define ENTRY_BYTES 20u                 /* of a trampoline: what comes before its own `syscall` */
#define TAIL_BYTES 14u
#define PLAIN_BYTES (ENTRY_BYTES + TAIL_BYTES)
#define MOV_BYTES (JUMP_BYTES + PLAIN_BYTES)

_Static_assert(MOV_BYTES == TRAMPOLINE_BYTES_MOST, "the mov form's is the longer one");

#define REFUSAL(name, sentence) #name,
const char *const rewrite_refusal_names[REWRITE_REFUSED] = { REWRITE_REFUSALS(REFUSAL) };
#undef REFUSAL
#define REFUSAL(name, sentence) sentence,
const char *const rewrite_refusal_sentences[REWRITE_REFUSED] = { REWRITE_REFUSALS(REFUSAL) };
#undef REFUSAL

rewrite_hub_function *rewrite_hub;

static bool ends_with(const struct rewrite_site *site, const char *bytes, uint32_t count)
{
	return site->before >= count && !memcmp(site->code - count, bytes, count);
}

/* Without symbols, these are known by what they look like in every build, for they are assembly. */
static bool is_cancellation(const struct rewrite_site *site)
{
	/* mov %r11,8(%rsp); syscall; ret: musl's __syscall_cp_asm, glibc's __syscall_cancel_arch from 2.41 on */
	return site->facts & SITE_CANCELLATION ||
	       (ends_with(site, "\x4c\x89\x5c\x24\x08", 5) && site->after > 2 && site->code[2] == 0xc3);
}

static bool is_signal_return(const struct rewrite_site *site)
{
	/* mov $15,%rax or mov $15,%eax: gcc's unwinder and gdb compare these bytes and the syscall's */
	return ends_with(site, "\xc7\xc0\x0f\0\0\0", 6) || ends_with(site, "\xb8\x0f\0\0\0", 5);
}

static enum rewrite_refusal refuse_site(const struct rewrite_site *site)
{
	if (site->after < 2 || site->code[0] != 0x0f || site->code[1] != 0x05)
		return REFUSE_NOT_SYSCALL;
	if (site->facts & SITE_SHARED)
		return REFUSE_SHARED;
	if (site->facts & SITE_WRITABLE)
		return REFUSE_WRITABLE;
	if (!(site->facts & SITE_FILE))
		return REFUSE_NO_FILE;
	if (site->facts & SITE_SMALL_STACK)
		return REFUSE_SMALL_STACK;
	if (is_cancellation(site))
		return REFUSE_CANCELLATION;
	return is_signal_return(site) ? REFUSE_SIGNAL_RETURN : REFUSE_ACCEPTED;
}

/* Four bytes behind a site of the first form are a distance, and those that others hop to are a jump: they must stay. */
static bool is_others(const struct rewrite_room *room, uint64_t start, uint64_t end)
{
	for (uint64_t i = 0; i < room->used; i++) {
		const struct trampoline *other = &room->trampolines[i];
		uint64_t jump = other->form == TRAMPOLINE_HOP ? other->site + 2 + (uint64_t)other->hop : other->site;

		if (other->form != TRAMPOLINE_MOV && start < jump + JUMP_BYTES && jump < end)
			return true;
	}
	return false;
}

static enum rewrite_refusal plan_one_byte(struct rewrite_plan *plan, const struct rewrite_site *site, const struct rewrite_space *space,
					  const struct rewrite_room *room)
{
	struct trampoline trampoline = { 0, site->address, PLAIN_BYTES, TRAMPOLINE_ONE_BYTE, 0 };
	enum rewrite_refusal refusal;
	int32_t forward;

	if (site->after < JUMP_BYTES)
		return REFUSE_CUT;
	if (is_others(room, site->address, site->address + 1))
		return REFUSE_NEIGHBOUR;
	memcpy(&forward, site->code + 1, sizeof(forward)); /* ends in 05, so there is a way back from the trampoline's end as well */
	trampoline.start = site->address + JUMP_BYTES + (uint64_t)forward;
	refusal = room_refuses(room, space, trampoline.start, trampoline.bytes);
	if (refusal)
		return refusal;
	plan->trampoline = trampoline;
	plan->last = (struct rewrite_write){ site->address, 1, { JMP } };
	return REFUSE_ACCEPTED;
}

static void put_distance(uint8_t *code, uint64_t from, uint64_t to)
{
	uint32_t distance = (uint32_t)(to - from);

	memcpy(code, &distance, sizeof(distance));
}

static struct rewrite_write jump(uint64_t from, uint64_t to)
{
	struct rewrite_write write = { from, JUMP_BYTES, { JMP } };

	put_distance(write.code + 1, from + JUMP_BYTES, to);
	return write;
}

static enum rewrite_refusal plan_mov(struct rewrite_plan *plan, const struct rewrite_site *site, const struct rewrite_space *space,
				     const struct rewrite_room *room)
{
	struct trampoline trampoline = { 0, site->address, MOV_BYTES, TRAMPOLINE_MOV, 0 };
	uint64_t mov = site->address - JUMP_BYTES;

	if (site->before < JUMP_BYTES || site->code[-5] != MOV_EAX)
		return REFUSE_NO_MOV;
	if (!(site->facts & SITE_PROVEN))
		return REFUSE_UNPROVEN;
	if (site->facts & SITE_JUMP_INSIDE)
		return REFUSE_JUMP_INSIDE;
	if (mov / ROOM_PAGE != (site->address - 1) / ROOM_PAGE)
		return REFUSE_STRADDLES;
	if (is_others(room, mov, site->address))
		return REFUSE_NEIGHBOUR;
	if (room->used == ROOM_MOST)
		return REFUSE_FULL;
	trampoline.start = room_near(room, space, site->address, trampoline.bytes);
	if (!trampoline.start)
		return REFUSE_FAR;
	plan->trampoline = trampoline;
	plan->last = jump(mov, trampoline.start);
	memcpy(&plan->number, site->code - 4, sizeof(plan->number));
	return REFUSE_ACCEPTED;
}

static enum rewrite_refusal plan_hop(struct rewrite_plan *plan, const struct rewrite_site *site, const struct rewrite_space *space,
				     const struct rewrite_room *room)
{
	struct trampoline trampoline = { 0, site->address, PLAIN_BYTES, TRAMPOLINE_HOP, 0 };
	uint64_t after = site->address + 2, padding = 0;

	if (site->address / ROOM_PAGE != (after - 1) / ROOM_PAGE)
		return REFUSE_STRADDLES;
	if (is_others(room, site->address, after))
		return REFUSE_NEIGHBOUR;
	for (uint32_t i = 0; i < site->hop_count && !padding; i++) {
		trampoline.hop = site->hops[i];
		padding = after + (uint64_t)trampoline.hop;
		if (padding / ROOM_PAGE != (padding + JUMP_BYTES - 1) / ROOM_PAGE || is_others(room, padding, padding + JUMP_BYTES))
			padding = 0;
	}
	if (!padding)
		return REFUSE_NO_PADDING;
	if (room->used == ROOM_MOST)
		return REFUSE_FULL;
	trampoline.start = room_near(room, space, site->address, trampoline.bytes);
	if (!trampoline.start)
		return REFUSE_FAR;
	plan->trampoline = trampoline;
	plan->first = jump(padding, trampoline.start);
	plan->last = (struct rewrite_write){ site->address, 2, { JMP_SHORT, (uint8_t)trampoline.hop } };
	return REFUSE_ACCEPTED;
}

struct rewrite_plan rewrite_plan(const struct rewrite_site *site, const struct rewrite_space *space, const struct rewrite_room *room, uint32_t wanted)
{
	struct rewrite_plan plan = { .number = 0 };
	enum rewrite_refusal refusal = refuse_site(site), *refusals = plan.refusals;

	for (uint32_t form = 0; form < TRAMPOLINE_FORMS; form++)
		refusals[form] = refusal ? refusal : REFUSE_NOT_WANTED;
	if (refusal)
		return plan;
	if (wanted & 1u << TRAMPOLINE_ONE_BYTE)
		refusals[TRAMPOLINE_ONE_BYTE] = plan_one_byte(&plan, site, space, room);
	if (wanted & 1u << TRAMPOLINE_MOV && rewrite_refused(&plan))
		refusals[TRAMPOLINE_MOV] = plan_mov(&plan, site, space, room);
	if (wanted & 1u << TRAMPOLINE_HOP && rewrite_refused(&plan))
		refusals[TRAMPOLINE_HOP] = plan_hop(&plan, site, space, room);
	return plan;
}

/*
 * rcx and r11 are free: the `syscall` instruction overwrites both. None of these touches a flag or the stack.
 *
 *	[mov $number, %eax]
 *	lea  tail(%rip), %rcx
 *	mov  $enter, %r11
 *	jmp  *%r11
 * tail:
 *	syscall
 *	lea  site_after(%rip), %rcx
 *	jmp  site_after
 */
uint32_t rewrite_trampoline(const struct rewrite_plan *plan, uint64_t enter, uint8_t code[TRAMPOLINE_BYTES_MOST])
{
	static const uint8_t entry[ENTRY_BYTES] = { 0x48, 0x8d, 0x0d, 13, 0, 0, 0, 0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3 };
	static const uint8_t tail[TAIL_BYTES] = { 0x0f, 0x05, 0x48, 0x8d, 0x0d, 0, 0, 0, 0, JMP, 0, 0, 0, 0 };
	uint64_t start = plan->trampoline.start, site_after = plan->trampoline.site + 2;
	uint8_t *at = code;

	if (plan->trampoline.form == TRAMPOLINE_MOV) {
		at[0] = MOV_EAX;
		memcpy(at + 1, &plan->number, sizeof(plan->number));
		at += JUMP_BYTES;
	}
	memcpy(at, entry, sizeof(entry));
	memcpy(at + 9, &enter, sizeof(enter));
	at += ENTRY_BYTES;
	memcpy(at, tail, sizeof(tail));
	put_distance(at + 5, start + (uint64_t)(at - code) + 9, site_after);
	put_distance(at + 10, start + (uint64_t)(at - code) + TAIL_BYTES, site_after);
	return plan->trampoline.bytes;
}
