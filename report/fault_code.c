/* SPDX-License-Identifier: MIT */
/* Instructions are decoded by Zydis; what is kept of each is a byte that says what it does to memory. */
#include "fault_code.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "figures.h"
#include "memory.h"

#define LONGEST       15                /* bytes of an instruction */
#define PIECES_MOST   1024              /* pieces of code of an image that are known; beyond that, none */
#define MODULES_MOST  4096
#define KEPT_MOST     65536             /* instructions of a file */
#define READS_AT_ONCE 1000              /* of memory that belongs to no file, in any case, and … */
#define READ_NS       40000ULL          /* … one more in that time: each takes about a microsecond */

/* What an instruction does to memory: bits. */
enum { READS = 1, WRITES = 2, AT_STACK_READS = 4, AT_STACK_WRITES = 8, AT_SOURCE_READS = 16, AT_TARGET_READS = 32,
       AT_TARGET_WRITES = 64, DECODED = 128 };

struct known { uint64_t key; uint8_t effect; }; /* offset in the file, plus 1; 0: unused */

struct module {
	uint64_t device, inode;
	char    *path;
	struct known *known;            /* a hash table */
	size_t   used, room;            /* the latter a power of two, or 0 */
};

struct fault_modules {
	struct module **modules;
	size_t used, room;
	uint64_t opened_ns, reads;
	ZydisDecoder decoder, decoder32;
};

struct piece { uint64_t start, end, offset; struct module *module; }; /* NULL: code in no file */

struct fault_code {
	struct piece *pieces;           /* sorted, disjoint */
	size_t used, room;
	uint32_t holders;
};

struct fault_modules *fault_modules_new(void)
{
	struct fault_modules *modules = memory_get(sizeof(*modules));

	modules->opened_ns = now_ns();
	ZydisDecoderInit(&modules->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderInit(&modules->decoder32, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
	return modules;
}

void fault_modules_free(struct fault_modules *modules)
{
	for (size_t i = 0; i < modules->used; i++) {
		free(modules->modules[i]->path);
		free(modules->modules[i]->known);
		free(modules->modules[i]);
	}
	free(modules->modules);
	free(modules);
}

static struct module *module_of(struct fault_modules *modules, const struct fault_event *event)
{
	struct module *module;

	for (size_t i = modules->used; i--;) {
		module = modules->modules[i];
		if (module->inode == event->inode && module->device == event->device && !strcmp(module->path, event->name))
			return module;
	}
	if (modules->used == MODULES_MOST)
		return NULL;
	if (modules->used == modules->room) {
		modules->room = modules->room ? modules->room * 2 : 16;
		modules->modules = memory_more(modules->modules, modules->room * sizeof(modules->modules[0]));
	}
	module = memory_get(sizeof(*module));
	module->inode = event->inode;
	module->device = event->device;
	module->path = memory_copy(event->name, strlen(event->name));
	return modules->modules[modules->used++] = module;
}

/* Pieces */

struct fault_code *fault_code_new(void)
{
	struct fault_code *code = memory_get(sizeof(*code));

	code->holders = 1;
	return code;
}

struct fault_code *fault_code_share(struct fault_code *code)
{
	code->holders++;
	return code;
}

void fault_code_drop(struct fault_code *code)
{
	if (--code->holders)
		return;
	free(code->pieces);
	free(code);
}

static void own(struct fault_code **code)
{
	struct fault_code *shared = *code, *copy;

	if (shared->holders == 1)
		return;
	copy = fault_code_new();
	copy->used = copy->room = shared->used;
	if (copy->used) {
		copy->pieces = memory_get(copy->room * sizeof(copy->pieces[0]));
		memcpy(copy->pieces, shared->pieces, copy->used * sizeof(copy->pieces[0]));
	}
	shared->holders--;
	*code = copy;
}

/* The first piece that ends above an address. */
static size_t piece_after(const struct fault_code *code, uint64_t address)
{
	size_t low = 0, high = code->used;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code->pieces[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void insert(struct fault_code *code, size_t at, struct piece piece)
{
	if (code->used == code->room) {
		code->room = code->room ? code->room * 2 : 16;
		code->pieces = memory_more(code->pieces, code->room * sizeof(code->pieces[0]));
	}
	memmove(code->pieces + at + 1, code->pieces + at, (code->used - at) * sizeof(code->pieces[0]));
	code->pieces[at] = piece;
	code->used++;
}

/* Takes addresses out of all pieces. */
static void cut(struct fault_code *code, uint64_t start, uint64_t end)
{
	size_t at = piece_after(code, start), gone;

	if (at == code->used)
		return;
	if (code->pieces[at].start < start) {
		struct piece tail = code->pieces[at];

		code->pieces[at].end = start;
		if (tail.end > end) {
			tail.offset += end - tail.start;
			tail.start = end;
			insert(code, at + 1, tail);
			return;
		}
		at++;
	}
	for (gone = at; gone < code->used && code->pieces[gone].end <= end; gone++)
		;
	memmove(code->pieces + at, code->pieces + gone, (code->used - gone) * sizeof(code->pieces[0]));
	code->used -= gone - at;
	if (at < code->used && code->pieces[at].start < end) {
		code->pieces[at].offset += end - code->pieces[at].start;
		code->pieces[at].start = end;
	}
}

void fault_code_map(struct fault_modules *modules, struct fault_code **code, const struct fault_event *event)
{
	uint64_t start = event->address, end = start + event->size;
	size_t at = piece_after(*code, start);
	struct piece piece = { start, end, event->offset, NULL };

	if (end <= start || (!event->executable && (at == (*code)->used || (*code)->pieces[at].start >= end)))
		return;
	own(code);
	cut(*code, start, end);
	if (!event->executable || (*code)->used >= PIECES_MOST)
		return;
	if (event->name && event->inode)
		piece.module = module_of(modules, event);
	insert(*code, piece_after(*code, start), piece);
}

/* Instructions */

static uint8_t operand_effect(const ZydisDecodedOperand *operand)
{
	bool reads = operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ, writes = operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	bool hidden = operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
	ZydisRegister base = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand->mem.base);

	if (operand->mem.type == ZYDIS_MEMOP_TYPE_AGEN) /* an address alone, as of lea */
		return 0;
	if (hidden && base == ZYDIS_REGISTER_RSP)
		return (uint8_t)((reads ? AT_STACK_READS : 0) | (writes ? AT_STACK_WRITES : 0));
	if (operand->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT && base == ZYDIS_REGISTER_RSI)
		return AT_SOURCE_READS;
	if (operand->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT && base == ZYDIS_REGISTER_RDI)
		return (uint8_t)((reads ? AT_TARGET_READS : 0) | (writes ? AT_TARGET_WRITES : 0));
	return (uint8_t)((reads ? READS : 0) | (writes ? WRITES : 0));
}

/* 0: these bytes are no instruction. */
static uint8_t decode(const ZydisDecoder *decoder, const uint8_t *bytes, size_t length)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction instruction;
	uint8_t effect = DECODED;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, length, &instruction, operands)))
		return 0;
	for (size_t i = 0; i < instruction.operand_count; i++)
		if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			effect |= operand_effect(&operands[i]);
	return effect;
}

/* The bytes at an offset of a file, if it is still the one that was mapped. */
static size_t read_file(const struct module *module, uint64_t offset, uint8_t bytes[LONGEST])
{
	int fd = open(module->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	ssize_t got = -1;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_ino == module->inode && status.st_dev == module->device)
		got = pread(fd, bytes, LONGEST, (off_t)offset);
	close(fd);
	return got < 0 ? 0 : (size_t)got;
}

/* Of a process that runs; when it has executed something else meanwhile, these are other bytes, or none. */
static size_t read_process(pid_t pid, uint64_t address, uint8_t bytes[LONGEST])
{
	size_t rest = 4096 - address % 4096, length = rest < LONGEST ? rest : LONGEST; /* what follows may not be mapped */
	struct iovec here = { bytes, LONGEST }, there[2] = {
		{ (void *)(uintptr_t)address, length }, { (void *)(uintptr_t)(address + length), LONGEST - length },
	};
	ssize_t got = process_vm_readv(pid, &here, 1, there, length < LONGEST ? 2 : 1, 0);

	return got < 0 ? 0 : (size_t)got;
}

static struct known *known_place(struct known *known, size_t room, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15ULL >> 32) & (room - 1);

	while (known[at].key && known[at].key != key)
		at = (at + 1) & (room - 1);
	return &known[at];
}

static void grow(struct module *module)
{
	size_t room = module->room ? module->room * 2 : 32;
	struct known *known = memory_get(room * sizeof(known[0]));

	for (size_t i = 0; i < module->room; i++)
		if (module->known[i].key)
			*known_place(known, room, module->known[i].key) = module->known[i];
	free(module->known);
	module->known = known;
	module->room = room;
}

/* A program can start others by the million: what belongs to no file is read as often as time allows. */
static bool may_read(struct fault_modules *modules)
{
	if (modules->reads >= READS_AT_ONCE + (now_ns() - modules->opened_ns) / READ_NS)
		return false;
	modules->reads++;
	return true;
}

static uint8_t effect_of(struct fault_modules *modules, const struct piece *piece, const struct fault_event *event)
{
	const ZydisDecoder *decoder = event->is_32bit ? &modules->decoder32 : &modules->decoder;
	struct module *module = piece ? piece->module : NULL;
	uint64_t offset = piece ? piece->offset + (event->ip - piece->start) : 0;
	struct known *known = NULL;
	uint8_t bytes[LONGEST], effect = 0;
	size_t length = 0;

	if (module) {
		if (2 * module->used >= module->room)
			grow(module);
		known = known_place(module->known, module->room, offset + 1);
		if (known->key)
			return known->effect;
		length = read_file(module, offset, bytes);
	}
	if (!length && may_read(modules))
		length = read_process(event->pid, event->ip, bytes);
	if (length)
		effect = decode(decoder, bytes, length);
	if (known && length && module->used < KEPT_MOST) {
		*known = (struct known){ offset + 1, effect };
		module->used++;
	}
	return effect;
}

static enum fault_access as_access(bool reads, bool writes)
{
	return writes ? ACCESS_WRITE : reads ? ACCESS_READ : ACCESS_UNKNOWN;
}

/* Within a page of what a register points to: what an instruction moves may be long, and may go downwards. */
static bool is_near(uint64_t address, uint64_t at)
{
	return address + 64 >= at && address < at + 64;
}

enum fault_access fault_code_access(struct fault_modules *modules, const struct fault_code *code, const struct fault_event *event)
{
	size_t at = piece_after(code, event->ip);
	const struct piece *piece = at < code->used && code->pieces[at].start <= event->ip ? &code->pieces[at] : NULL;
	uint8_t effect;

	if (event->address - event->ip < LONGEST) /* the instruction itself was not there */
		return ACCESS_READ;
	effect = effect_of(modules, piece, event);
	if (effect & (AT_STACK_READS | AT_STACK_WRITES) && (!(effect & (READS | WRITES)) || is_near(event->address, event->stack)))
		return as_access(effect & AT_STACK_READS, effect & AT_STACK_WRITES);
	if (effect & (AT_TARGET_READS | AT_TARGET_WRITES) && (!(effect & AT_SOURCE_READS) || is_near(event->address, event->target)))
		return as_access(effect & AT_TARGET_READS, effect & AT_TARGET_WRITES);
	if (effect & AT_SOURCE_READS && !(effect & (READS | WRITES)) &&
	    (!(effect & (AT_TARGET_READS | AT_TARGET_WRITES)) || is_near(event->address, event->source)))
		return ACCESS_READ;
	return as_access(effect & READS, effect & WRITES);
}
