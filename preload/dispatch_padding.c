/* SPDX-License-Identifier: MIT */
/*
 * Bytes near a site that are never executed. The instruction behind a `syscall` is known, for the call returns there; from it on each instruction
 * is, where it is one of the few that libc's functions end with, up to a return. The nops behind that one only fill the space to the next piece of
 * code: nothing falls into them, and what jumps over them jumps behind them.
 */
#include "dispatch.h"

#include <string.h>

#include "rewrite.h"

/* Length of a nop as assemblers fill gaps with them (Intel SDM 2B, NOP, "recommended multi-byte sequence"; GNU as adds prefixes), or 0. */
static uint32_t nop_length(const uint8_t *code, uint32_t after)
{
	static const struct { uint8_t length, bytes[9]; } nops[] = {
		{ 9, { 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 } }, { 8, { 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 } },
		{ 7, { 0x0f, 0x1f, 0x80, 0, 0, 0, 0 } }, { 6, { 0x66, 0x0f, 0x1f, 0x44, 0, 0 } }, { 5, { 0x0f, 0x1f, 0x44, 0, 0 } },
		{ 4, { 0x0f, 0x1f, 0x40, 0 } }, { 3, { 0x0f, 0x1f, 0x00 } }, { 2, { 0x66, 0x90 } }, { 1, { 0x90 } },
	};
	static const uint8_t longest[] = { 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 }; /* behind one 0x66 or more */
	uint32_t prefixes = 0;

	while (prefixes < 6 && prefixes < after && code[prefixes] == 0x66)
		prefixes++;
	if (prefixes && prefixes + sizeof(longest) <= after && !memcmp(code + prefixes, longest, sizeof(longest)))
		return prefixes + (uint32_t)sizeof(longest);
	for (size_t i = 0; i < sizeof(nops) / sizeof(nops[0]); i++)
		if (nops[i].length <= after && !memcmp(code, nops[i].bytes, nops[i].length))
			return nops[i].length;
	return 0;
}

/* Length of an instruction that a wrapper may have between its call and its return; 0: it is another. */
static uint32_t plain_length(const uint8_t *code)
{
	static const struct { uint8_t length, known, bytes[4]; } plain[] = {
		{ 6, 4, { 0x48, 0x3d, 0x00, 0xf0 } },   /* cmp $-4096, %rax */
		{ 6, 4, { 0x48, 0x3d, 0x01, 0xf0 } },   /* cmp $-4095, %rax */
		{ 5, 3, { 0x3d, 0x00, 0xf0 } },         /* cmp $-4096, %eax */
		{ 2, 1, { 0x77 } }, { 2, 1, { 0x73 } }, { 2, 1, { 0x78 } }, /* ja, jae, js: short */
		{ 6, 2, { 0x0f, 0x87 } }, { 6, 2, { 0x0f, 0x83 } }, { 6, 2, { 0x0f, 0x88 } }, /* and near */
		{ 4, 3, { 0x48, 0x83, 0xc4 } },         /* add $n, %rsp */
		{ 1, 1, { 0x5b } }, { 1, 1, { 0x5d } }, /* pop %rbx, %rbp */
		{ 2, 2, { 0x89, 0xc2 } }, { 2, 2, { 0xf7, 0xd8 } }, /* mov %eax, %edx; neg %eax */
		{ 3, 3, { 0x48, 0x85, 0xc0 } }, { 2, 2, { 0x85, 0xc0 } }, /* test */
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!memcmp(code, plain[i].bytes, plain[i].known))
			return plain[i].length;
	return 0;
}

uint32_t dispatch_padding(const struct rewrite_site *site, int8_t hops[DISPATCH_HOPS])
{
	const uint8_t *code = site->code;
	uint32_t at = 2, most = site->after < HOP_MOST ? site->after : HOP_MOST, length, start;

	while (at + 8 < most && code[at] != 0xc3 && (length = plain_length(code + at)))
		at += length;
	if (at + 8 >= most || code[at] != 0xc3)
		return 0;
	start = ++at;
	while (at < most && (length = nop_length(code + at, most - at)))
		at += length;
	if (at - start < 5)
		return 0;
	hops[0] = (int8_t)(start - 2);
	return 1;
}
