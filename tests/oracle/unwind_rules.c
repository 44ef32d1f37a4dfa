/* SPDX-License-Identifier: MIT */
/*
 * Prints how many rules of preload/unwind_rules.c agree with what libdw reads from the same unwind tables, at each address of each loaded object at
 * which a row of a table begins, and the byte before it. Objects: this program's, and those named as arguments, which are loaded. Of what libdw
 * says and a rule cannot, the count is printed; a rule that says something else is a difference.
 *
 * links: preload/unwind_rules.c
 * build: -ldw -lelf -ldl
 */
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../preload/unwind_rules.h"

static struct {
	uint64_t same, lost, outermost, signals, differ;
} counts;

/* What libdw says of one register that the frame saves. */
static bool place_of(Dwarf_Frame *frame, int number, enum unwind_base *base, int64_t *offset, bool *undefined)
{
	Dwarf_Op memory[3], *ops;
	size_t used;

	if (dwarf_frame_register(frame, number, memory, &ops, &used))
		return false;
	*offset = 0;
	*undefined = !used && ops;
	if (!used) {
		*base = ops ? BASE_LOST : BASE_KEPT; /* kept: same value */
	} else if (used == 1 && ops[0].atom == DW_OP_call_frame_cfa) {
		*base = BASE_IN_FRAME;
	} else if (used == 2 && ops[0].atom == DW_OP_call_frame_cfa && ops[1].atom == DW_OP_plus_uconst) {
		*base = BASE_IN_FRAME;
		*offset = (int64_t)ops[1].number;
	} else if (used == 2 && ops[0].atom == DW_OP_call_frame_cfa && ops[1].atom == DW_OP_breg6 && !ops[1].number) { /* an expression */
		*base = BASE_AT_BASE;
	} else {
		*base = BASE_LOST;
	}
	return true;
}

/* The rule as libdw has it; FRAME_LOST: not one of ours. */
static struct unwind_rule theirs_of(Dwarf_Frame *frame, uint64_t address)
{
	struct unwind_rule rule = { .frame = FRAME_LOST };
	enum unwind_base returns;
	int64_t offset, base_offset;
	bool signal, none;
	Dwarf_Op *ops;
	size_t used;

	dwarf_frame_info(frame, NULL, NULL, &signal);
	if (signal)
		return (struct unwind_rule){ .frame = FRAME_OF_SIGNAL };
	if (!place_of(frame, 16, &returns, &offset, &none) || dwarf_frame_cfa(frame, &ops, &used))
		return rule;
	if (none)
		return (struct unwind_rule){ .frame = FRAME_OUTERMOST };
	if (returns != BASE_IN_FRAME || offset != -8)
		return rule;
	place_of(frame, 6, &rule.base, &base_offset, &none);
	rule.base_offset = (int32_t)base_offset;
	if (used == 1 && (ops[0].atom == DW_OP_breg7 || (ops[0].atom == DW_OP_bregx && ops[0].number == 7))) {
		rule.frame = FRAME_BY_STACK;
		rule.frame_offset = (int32_t)(ops[0].atom == DW_OP_bregx ? ops[0].number2 : ops[0].number);
	} else if (used == 1 && (ops[0].atom == DW_OP_breg6 || (ops[0].atom == DW_OP_bregx && ops[0].number == 6))) {
		rule.frame = FRAME_BY_BASE;
		rule.frame_offset = (int32_t)(ops[0].atom == DW_OP_bregx ? ops[0].number2 : ops[0].number);
	} else if (used == 2 && ops[0].atom == DW_OP_breg6 && ops[1].atom == DW_OP_deref) {
		rule.frame = FRAME_BEHIND_BASE;
		rule.frame_offset = (int32_t)ops[0].number;
	} else if (used > 4 && ops[0].atom == DW_OP_breg7 && ops[1].atom == DW_OP_breg16) { /* linkage tables */
		rule.frame = FRAME_BY_STACK;
		rule.frame_offset = (address & 15) >= (uint64_t)(ops[4].atom - DW_OP_lit0) ? 16 : 8;
	}
	return rule;
}

static bool same(const struct unwind_rule *a, const struct unwind_rule *b)
{
	if (a->frame != b->frame)
		return false;
	if (a->frame < FRAME_BY_STACK || a->frame == FRAME_OF_SIGNAL)
		return true;
	return a->frame_offset == b->frame_offset && a->base == b->base && (a->base != BASE_IN_FRAME || a->base_offset == b->base_offset);
}

static void compare(const char *name, Dwarf_CFI *cfi, uint64_t bias, uint64_t address)
{
	Dwarf_Frame *frame = NULL;
	struct unwind_rule ours, theirs;
	bool known;

	if (dwarf_cfi_addrframe(cfi, address, &frame))
		return;
	ours = unwind_rule(address + bias, &known);
	theirs = theirs_of(frame, address + bias);
	free(frame);
	if (!known || !same(&ours, &theirs)) {
		if (counts.differ++ < 20)
			printf("%s+0x%" PRIx64 ": %d %d, base %d %d; libdw: %d %d, base %d %d\n", name, address, ours.frame, ours.frame_offset, ours.base,
			       ours.base_offset, theirs.frame, theirs.frame_offset, theirs.base, theirs.base_offset);
		return;
	}
	*(theirs.frame == FRAME_LOST ? &counts.lost : theirs.frame == FRAME_OUTERMOST ? &counts.outermost : theirs.frame == FRAME_OF_SIGNAL ?
	  &counts.signals : &counts.same) += 1;
}

/* Each row of each function: libdw says how far one reaches. */
static void compare_rows(const char *name, Dwarf_CFI *cfi, uint64_t bias, uint64_t start, uint64_t end)
{
	while (start < end) {
		Dwarf_Addr from = start, to = start;
		Dwarf_Frame *frame = NULL;
		bool signal;

		if (dwarf_cfi_addrframe(cfi, start, &frame)) {
			start++;
			continue;
		}
		dwarf_frame_info(frame, &from, &to, &signal);
		free(frame);
		compare(name, cfi, bias, start);
		if (to <= start)
			to = start + 1;
		compare(name, cfi, bias, to - 1);
		start = to;
	}
}

static int compare_object(struct dl_phdr_info *object, size_t bytes, void *unused)
{
	const char *path = *object->dlpi_name ? object->dlpi_name : "/proc/self/exe";
	int fd = open(path, O_RDONLY);
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	Dwarf_CFI *cfi = elf ? dwarf_getcfi_elf(elf) : NULL;

	(void)bytes;
	(void)unused;
	for (int i = 0; cfi && i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X)
			compare_rows(path, cfi, object->dlpi_addr, segment->p_vaddr, segment->p_vaddr + segment->p_memsz);
	}
	if (cfi)
		dwarf_cfi_end(cfi);
	if (elf)
		elf_end(elf);
	if (fd >= 0)
		close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!dlopen(argv[i], RTLD_LAZY | RTLD_LOCAL))
			printf("%s\n", dlerror());
	elf_version(EV_CURRENT);
	dl_iterate_phdr(compare_object, NULL);
	printf("same %" PRIu64 " outermost %" PRIu64 " signals %" PRIu64 " lost %" PRIu64 " differ %" PRIu64 "\n", counts.same, counts.outermost,
	       counts.signals, counts.lost, counts.differ);
	return 0;
}
