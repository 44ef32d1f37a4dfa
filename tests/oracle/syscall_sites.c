/* SPDX-License-Identifier: MIT */
/*
 * Lists every `syscall` instruction of ELF files and what becomes of it: each file alone, as the loader would place it, or all files
 * of a running process where they are, with the free space that it has. Code is decoded from the beginning of each function (symbols
 * and the unwinder's table say where these are), so that what is called proven is so for another reason than that rewrite.c says it.
 *
 *   syscall_sites FILE…       syscall_sites -p PID
 *
 * One line each, fields with tabs between: file, address in it, function, form or "refused", and for each form why not.
 * One more line a file, "bytes", counts 0f 05 that is within other instructions; one for each file alone or for the process, "pages",
 * counts the pages of trampolines.
 *
 * build: -lZydis -Wno-unused-function
 */
#include <Zydis/Zydis.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rewrite.c"
#include "rewrite_room.c"

#define MAPPED_MOST 65536

/* What is known of a byte of code. */
enum { FUNCTION = 1, INSTRUCTION = 2, TARGET = 4, CLEAN = 8, SYSCALL = 16, UNUSED = 32, DATA = 64 };

struct symbol { uint64_t address, data_bytes; const char *name; }; /* 0: a function */

struct object {
	const char *name;
	const uint8_t *file;
	uint64_t size;
	const Elf64_Ehdr *header;
	const Elf64_Phdr *segments;
	const Elf64_Shdr *sections;
	struct symbol *symbols;         /* by address */
	uint64_t symbol_count;
	bool is_go;
};

static struct address_range mapped[MAPPED_MOST];
static struct rewrite_space space = { .mapped = mapped };
static struct rewrite_room room;
static ZydisDecoder decoder;

static bool open_object(struct object *object, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	const Elf64_Ehdr *header;

	if (fd < 0 || fstat(fd, &status) || status.st_size < (off_t)sizeof(*header))
		return false;
	header = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (header == MAP_FAILED || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_machine != EM_X86_64)
		return false;
	*object = (struct object){ .name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, .file = (const uint8_t *)header,
				   .size = (uint64_t)status.st_size, .header = header };
	object->segments = (const void *)(object->file + header->e_phoff);
	if (header->e_shnum && header->e_shoff + header->e_shnum * sizeof(Elf64_Shdr) <= object->size)
		object->sections = (const void *)(object->file + header->e_shoff);
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *first = a, *second = b;

	return first->address < second->address ? -1 : first->address > second->address;
}

static void add_symbol(struct object *object, uint64_t address, uint64_t data_bytes, const char *name)
{
	if (!(object->symbol_count & (object->symbol_count - 1))) /* room for powers of two */
		object->symbols = realloc(object->symbols, (object->symbol_count ? object->symbol_count * 2 : 1) * sizeof(object->symbols[0]));
	object->symbols[object->symbol_count++] = (struct symbol){ address, data_bytes, name };
}

/* The binary search table of .eh_frame_hdr: pairs of function and description, relative to itself (LSB Core, 10.6.2). */
static void read_unwinder_table(struct object *object, const Elf64_Phdr *segment)
{
	const uint8_t *table = object->file + segment->p_offset;
	uint32_t count;
	int32_t start;

	if (segment->p_filesz < 12 || table[0] != 1 || table[1] != 0x1b || table[2] != 0x03 || table[3] != 0x3b)
		return;
	memcpy(&count, table + 8, sizeof(count));
	for (uint64_t i = 0; i < count && 12 + i * 8 + 8 <= segment->p_filesz; i++) {
		memcpy(&start, table + 12 + i * 8, sizeof(start));
		add_symbol(object, segment->p_vaddr + (uint64_t)(int64_t)start, 0, "");
	}
}

static void read_symbols(struct object *object)
{
	for (int i = 0; object->sections && i < object->header->e_shnum; i++) {
		const Elf64_Shdr *section = &object->sections[i];
		const char *names = (const char *)object->file + object->sections[object->header->e_shstrndx].sh_offset;

		object->is_go |= !strcmp(names + section->sh_name, ".gopclntab");
		if (section->sh_type != SHT_SYMTAB && section->sh_type != SHT_DYNSYM)
			continue;
		for (uint64_t j = 0; j < section->sh_size / sizeof(Elf64_Sym); j++) {
			const Elf64_Sym *symbol = (const Elf64_Sym *)(object->file + section->sh_offset) + j;

			unsigned type = ELF64_ST_TYPE(symbol->st_info);

			if (symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC || (type == STT_OBJECT && symbol->st_size)))
				add_symbol(object, symbol->st_value, type == STT_OBJECT ? symbol->st_size : 0,
					   (const char *)object->file + object->sections[section->sh_link].sh_offset + symbol->st_name);
		}
	}
	for (int i = 0; i < object->header->e_phnum; i++)
		if (object->segments[i].p_type == PT_GNU_EH_FRAME)
			read_unwinder_table(object, &object->segments[i]);
	if (object->symbol_count)
		qsort(object->symbols, object->symbol_count, sizeof(object->symbols[0]), by_address);
}

static void note_targets(uint8_t *known, uint64_t size, uint64_t at, const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
	for (int i = 0; i < instruction->operand_count_visible; i++) {
		uint64_t target = at + instruction->length;

		if (operands[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[i].imm.is_relative)
			target += operands[i].imm.value.u;
		else if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && operands[i].mem.base == ZYDIS_REGISTER_RIP)
			target += (uint64_t)operands[i].mem.disp.value;
		else
			continue;
		if (target < size)
			known[target] |= TARGET;
	}
}

static bool goes_on(const ZydisDecodedInstruction *instruction)
{
	return instruction->mnemonic != ZYDIS_MNEMONIC_RET && instruction->mnemonic != ZYDIS_MNEMONIC_JMP &&
	       instruction->mnemonic != ZYDIS_MNEMONIC_HLT && instruction->mnemonic != ZYDIS_MNEMONIC_UD2;
}

/* Behind what does not go on, what does nothing is not executed, but from where something jumps to on. */
static void take_back_unused(uint8_t *known, uint64_t size)
{
	bool executed = false;

	for (uint64_t at = 0; at < size; at++) {
		executed = known[at] & UNUSED && (executed || known[at] & TARGET);
		if (executed)
			known[at] &= (uint8_t)~UNUSED;
	}
}

static void decode(const uint8_t *code, uint8_t *known, uint64_t size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction instruction;
	uint8_t clean = CLEAN;
	bool unused = false;

	for (uint64_t at = 0, next; at < size; at = next) {
		if (known[at] & FUNCTION) {
			clean = CLEAN;
			unused = false;
		}
		next = at + 1;
		if (known[at] & DATA || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, size - at, &instruction, operands))) {
			clean = 0;
			unused = false;
			continue;
		}
		for (; next < at + instruction.length && !(known[next] & FUNCTION); next++)
			;
		if (next < at + instruction.length) /* a function begins within it: it is none */
			continue;
		known[at] |= INSTRUCTION | clean;
		if (instruction.mnemonic == ZYDIS_MNEMONIC_SYSCALL && instruction.length == 2)
			known[at] |= SYSCALL;
		note_targets(known, size, at, &instruction, operands);
		unused = unused ? instruction.mnemonic == ZYDIS_MNEMONIC_NOP || instruction.mnemonic == ZYDIS_MNEMONIC_INT3 : !goes_on(&instruction);
		for (uint64_t i = at; unused && goes_on(&instruction) && clean && i < next; i++)
			known[i] |= UNUSED;
	}
	take_back_unused(known, size);
}

static const struct symbol *symbol_before(const struct object *object, uint64_t address)
{
	uint64_t low = 0, high = object->symbol_count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (object->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low && low > 1 && !object->symbols[low - 1].name[0] && object->symbols[low - 2].address == object->symbols[low - 1].address)
		low--;
	return low ? &object->symbols[low - 1] : NULL;
}

static uint32_t facts_of(const struct object *object, const Elf64_Phdr *segment, const uint8_t *known, uint64_t at)
{
	uint32_t facts = SITE_FILE | (segment->p_flags & PF_W ? SITE_WRITABLE : 0) | (object->is_go ? SITE_SMALL_STACK : 0);
	bool proven = at >= 5 && known[at] & CLEAN && known[at - 5] & INSTRUCTION && known[at - 5] & CLEAN && !(known[at] & FUNCTION);

	for (uint64_t i = at - 4; proven && i < at; i++) {
		proven = !(known[i] & (FUNCTION | INSTRUCTION));
		facts |= known[i] & TARGET ? SITE_JUMP_INSIDE : 0;
	}
	return facts | (proven ? SITE_PROVEN : 0);
}

/* Every fifth byte of what is unused, around a site. */
static uint32_t list_hops(int8_t *hops, const uint8_t *known, uint64_t size, uint64_t at)
{
	uint64_t begin = at > 2 * HOP_MOST ? at - 2 * HOP_MOST : 0;
	uint32_t count = 0, run = 0;

	for (uint64_t to = begin; to < size && to <= at + 2 + HOP_MOST + 4; to++) {
		run = known[to] & UNUSED ? run + 1 : 0;
		if (run && run % 5 == 0 && to - 4 + HOP_MOST >= at + 2 && to - 4 <= at + 2 + HOP_MOST)
			hops[count++] = (int8_t)(to - 4 - (at + 2));
	}
	return count;
}

static void judge(const struct object *object, const Elf64_Phdr *segment, const uint8_t *code, const uint8_t *known, uint64_t at, uint64_t base)
{
	uint64_t address = segment->p_vaddr + at, rest = segment->p_filesz - at;
	const struct symbol *function = symbol_before(object, address);
	int8_t hops[256];
	struct rewrite_site site = { base + address, code + at, at < 16 ? (uint32_t)at : 16, rest < 16 ? (uint32_t)rest : 16,
				     facts_of(object, segment, known, at), hops, list_hops(hops, known, segment->p_filesz, at) };
	static const char *const forms[] = { "one_byte", "mov", "hop" };
	struct rewrite_plan plan = rewrite_plan(&site, &space, &room, ~0u);

	printf("%s\t%#lx\t%s\t%s", object->name, address, function && function->name[0] ? function->name : "?",
	       rewrite_refused(&plan) ? "refused" : forms[plan.trampoline.form]);
	for (uint32_t form = 0; form < TRAMPOLINE_FORMS; form++) {
		struct rewrite_plan alone = rewrite_plan(&site, &space, &room, 1u << form);

		printf("\t%s", rewrite_refusal_names[alone.refusals[form]]);
	}
	putchar('\n');
	if (!rewrite_refused(&plan))
		room_enter(&room, plan.trampoline);
}

static void judge_object(struct object *object, uint64_t base)
{
	uint64_t bytes = 0;

	read_symbols(object);
	for (int i = 0; i < object->header->e_phnum; i++) {
		const Elf64_Phdr *segment = &object->segments[i];
		const uint8_t *code = object->file + segment->p_offset;
		uint64_t size = segment->p_filesz;
		uint8_t *known;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || segment->p_offset + size > object->size)
			continue;
		known = calloc(1, size);
		for (uint64_t j = 0; j < object->symbol_count; j++) {
			uint64_t at = object->symbols[j].address - segment->p_vaddr, bytes_there = object->symbols[j].data_bytes;

			if (at < size && !bytes_there)
				known[at] |= FUNCTION;
			else if (at < size)
				memset(known + at, DATA, bytes_there < size - at ? bytes_there : size - at);
		}
		for (int j = 0; object->sections && j < object->header->e_shnum; j++)
			if (object->sections[j].sh_flags & SHF_EXECINSTR && object->sections[j].sh_addr - segment->p_vaddr < size)
				known[object->sections[j].sh_addr - segment->p_vaddr] |= FUNCTION;
		decode(code, known, size);
		for (uint64_t at = 0; at + 1 < size; at++) {
			if (known[at] & SYSCALL)
				judge(object, segment, code, known, at, base);
			else
				bytes += code[at] == 0x0f && code[at + 1] == 0x05;
		}
		free(known);
	}
	printf("%s\tbytes\t%lu\n", object->name, bytes);
	free(object->symbols);
}

static void count_pages(const char *name)
{
	uint64_t pages = 0, last = 0;

	for (uint64_t i = 0; i < room.used; i++) {
		uint64_t first = room.trampolines[i].start / ROOM_PAGE;

		pages += first != last;
		last = (room.trampolines[i].start + room.trampolines[i].bytes - 1) / ROOM_PAGE;
		pages += last != first;
	}
	printf("%s\tpages\t%lu\n", name, pages);
}

static void judge_file(const char *path)
{
	uint64_t base, end = 0;
	struct object object;
	bool is_program;

	if (!open_object(&object, path)) {
		fprintf(stderr, "%s: no ELF file for x86-64\n", path);
		return;
	}
	is_program = !strstr(object.name, ".so"); /* the break is behind it */
	base = object.header->e_type == ET_EXEC ? 0 : is_program ? 0x555555554000 : 0x7ff000000000;
	room.used = space.ranges = 0;
	for (int i = 0; i < object.header->e_phnum; i++) {
		const Elf64_Phdr *segment = &object.segments[i];

		if (segment->p_type != PT_LOAD)
			continue;
		end = (base + segment->p_vaddr + segment->p_memsz + ROOM_PAGE - 1) & -ROOM_PAGE;
		mapped[space.ranges++] = (struct address_range){ (base + segment->p_vaddr) & -ROOM_PAGE, end };
	}
	space.stack_zone = room_stack_zone(0x7fffffffe000, 8 << 20);
	space.break_zone = is_program ? room_break_zone(end, end) : (struct address_range){ 0, 0 };
	judge_object(&object, base);
	count_pages(object.name);
}

static uint64_t break_start_of(int pid)
{
	char path[64], text[4096] = "", *at;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "r");
	if (!stat || !fgets(text, sizeof(text), stat) || !(at = strrchr(text, ')')))
		exit(1);
	for (int field = 2; field < 47; field++) /* start_brk: proc(5) */
		at = strchr(at + 1, ' ');
	fclose(stat);
	return strtoul(at, NULL, 10);
}

static void judge_process(int pid)
{
	struct { char path[4096]; uint64_t start, offset; } *code = calloc(1024, sizeof(*code));
	uint64_t start, end, offset, break_start = break_start_of(pid), break_now = break_start;
	char line[8192], permissions[8], path[4096];
	struct rlimit limit = { 8 << 20, 0 };
	uint32_t count = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps) && space.ranges < MAPPED_MOST) {
		path[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %4095[^\n]", &start, &end, permissions, &offset, path) < 4 || start >= USER_END)
			continue;
		mapped[space.ranges++] = (struct address_range){ start, end };
		if (!strcmp(path, "[heap]"))
			break_now = end;
		if (!strcmp(path, "[stack]")) {
			prlimit(pid, RLIMIT_STACK, NULL, &limit);
			space.stack_zone = room_stack_zone(end, limit.rlim_cur);
		}
		if (permissions[2] == 'x' && path[0] == '/' && count < 1024) {
			strcpy(code[count].path, path);
			code[count].start = start;
			code[count++].offset = offset;
		}
	}
	if (!maps)
		exit(1);
	fclose(maps);
	space.break_zone = room_break_zone(break_start, break_now);
	for (uint32_t i = 0; i < count; i++) {
		struct object object;

		if (!open_object(&object, code[i].path))
			continue;
		if (i && !strcmp(code[i].path, code[i - 1].path)) /* all of its code was judged */
			continue;
		if (strstr(code[i].path, "/libpagegap.so")) /* whose calls are not caught, and so never patched */
			continue;
		for (int j = 0; j < object.header->e_phnum; j++)
			if (object.segments[j].p_type == PT_LOAD && (object.segments[j].p_offset & -ROOM_PAGE) == code[i].offset)
				judge_object(&object, code[i].start - (object.segments[j].p_vaddr & -ROOM_PAGE));
	}
	free(code);
	count_pages("all");
}

int main(int argc, char **argv)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (argc == 3 && !strcmp(argv[1], "-p"))
		judge_process(atoi(argv[2]));
	else
		for (int i = 1; i < argc; i++)
			judge_file(argv[i]);
	return argc < 2;
}
