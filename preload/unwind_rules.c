/* SPDX-License-Identifier: MIT */
/*
 * From a code address to its rule: the sorted index of the object (.eh_frame_hdr) names the function's entry (FDE), which leads to what it
 * shares with others (CIE); their instructions, carried out up to the address, leave the rule. All of it is the program's, and may be
 * damaged or made by hand: whatever is not as expected is FRAME_LOST.
 */
#include "unwind_rules.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

int _dl_find_object(void *address, struct dl_find_object *result) __attribute__((weak));

enum { REGISTER_BASE = 6, REGISTER_STACK = 7, REGISTER_RETURN = 16 }; /* ABI figure 3.36 */

/* Pointer encodings: LSB, "DWARF Exception Header Encoding". */
enum {
	ENCODED_NATIVE = 0x00, ENCODED_ULEB = 0x01, ENCODED_U2 = 0x02, ENCODED_U4 = 0x03, ENCODED_U8 = 0x04,
	ENCODED_SLEB = 0x09, ENCODED_S2 = 0x0a, ENCODED_S4 = 0x0b, ENCODED_S8 = 0x0c,
	ENCODED_RELATIVE = 0x10, ENCODED_TO_HEADER = 0x30, ENCODED_INDIRECT = 0x80
};

/* Reading stops at the end, for good. */
struct reader {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t read_bytes(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if ((uint64_t)(r->end - r->at) < bytes) {
		r->bad = true;
		return 0;
	}
	memcpy(&value, r->at, bytes);
	r->at += bytes;
	return value;
}

static uint64_t read_leb(struct reader *r, bool is_signed)
{
	uint64_t value = 0, byte;
	unsigned shift = 0;

	do {
		byte = read_bytes(r, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !r->bad);
	if (is_signed && shift < 64 && byte & 0x40)
		value |= ~0ULL << shift;
	return value;
}

static uint64_t read_uleb(struct reader *r)
{
	return read_leb(r, false);
}

static int64_t read_sleb(struct reader *r)
{
	return (int64_t)read_leb(r, true);
}

static void skip(struct reader *r, uint64_t bytes)
{
	if ((uint64_t)(r->end - r->at) < bytes)
		r->bad = true;
	else
		r->at += bytes;
}

static uint64_t read_encoded(struct reader *r, uint8_t encoding, uint64_t header)
{
	uint64_t from = (uint64_t)r->at, value;

	switch (encoding & 0x0f) {
	case ENCODED_NATIVE: case ENCODED_U8: case ENCODED_S8: value = read_bytes(r, 8); break;
	case ENCODED_ULEB: value = read_uleb(r); break;
	case ENCODED_SLEB: value = (uint64_t)read_sleb(r); break;
	case ENCODED_U2: value = read_bytes(r, 2); break;
	case ENCODED_S2: value = (uint64_t)(int16_t)read_bytes(r, 2); break;
	case ENCODED_U4: value = read_bytes(r, 4); break;
	case ENCODED_S4: value = (uint64_t)(int32_t)read_bytes(r, 4); break;
	default: r->bad = true; return 0;
	}
	switch (encoding & 0x70) {
	case 0: break;
	case ENCODED_RELATIVE: value += from; break;
	case ENCODED_TO_HEADER: value += header; break;
	default: r->bad = true;
	}
	if (encoding & ENCODED_INDIRECT)
		r->bad = true;
	return value;
}

/* An entry of .eh_frame, from behind its length. False: the end of the section, or longer than any is. */
static bool open_entry(const struct unwind_table *table, const uint8_t *at, struct reader *entry)
{
	struct reader r = { at, table->end, at < table->start || at > table->end };
	uint64_t bytes = r.bad ? 0 : read_bytes(&r, 4);

	if (r.bad || !bytes || bytes >= 0xfffffff0 || bytes > (uint64_t)(r.end - r.at))
		return false;
	*entry = (struct reader){ r.at, r.at + bytes, false };
	return true;
}

struct common {
	uint64_t code_unit;
	int64_t data_unit;
	uint8_t encoding;
	bool augmented, signal;
	struct reader instructions;
};

static void read_augmentation(struct reader *r, const char *letters, struct common *c)
{
	struct reader data;
	uint64_t bytes;

	if (letters[0] != 'z') {
		r->bad |= letters[0] != '\0';
		return;
	}
	c->augmented = true;
	bytes = read_uleb(r);
	data = *r;
	skip(r, bytes);
	if (r->bad)
		return;
	data.end = r->at;
	while (*++letters) {
		switch (*letters) {
		case 'R': c->encoding = (uint8_t)read_bytes(&data, 1); break;
		case 'L': skip(&data, 1); break;
		case 'P': { /* only to be passed over: what it is relative to does not matter */
			uint8_t encoding = (uint8_t)read_bytes(&data, 1);

			read_encoded(&data, encoding & 0x0f, 0);
			break;
		}
		case 'S': c->signal = true; break;
		default: return; /* what is behind it cannot be told apart, but its length is known */
		}
	}
	r->bad |= data.bad;
}

static bool read_common(const struct unwind_table *table, const uint8_t *at, struct common *c)
{
	const char *letters;
	struct reader r;
	uint64_t version;

	if (!open_entry(table, at, &r) || read_bytes(&r, 4) != 0) /* no CIE */
		return false;
	*c = (struct common){ .encoding = ENCODED_NATIVE };
	version = read_bytes(&r, 1);
	letters = (const char *)r.at;
	if (r.bad || !memchr(letters, '\0', (size_t)(r.end - r.at)))
		return false;
	r.at += strlen(letters) + 1;
	c->code_unit = read_uleb(&r);
	c->data_unit = read_sleb(&r);
	if ((version == 1 ? read_bytes(&r, 1) : read_uleb(&r)) != REGISTER_RETURN || (version != 1 && version != 3))
		return false;
	read_augmentation(&r, letters, c);
	c->instructions = r;
	return !r.bad;
}

/* Where the value of a register is that the caller will need. */
enum where { AS_IT_IS, IN_FRAME, AT_BASE, NOWHERE, ELSEWHERE };

struct row {
	enum unwind_frame frame;
	int64_t frame_offset;
	struct { enum where where; int64_t offset; } base, returns;
};

#define REMEMBERED_MOST 8

struct machine {
	const struct common *common;
	struct reader r;
	uint64_t at, upto;              /* address of code that the row is for; the one that is asked for */
	struct row row, initial, remembered[REMEMBERED_MOST];
	unsigned remembered_used;
};

static void set_frame_register(struct row *row, uint64_t number)
{
	row->frame = number == REGISTER_STACK ? FRAME_BY_STACK : number == REGISTER_BASE ? FRAME_BY_BASE : FRAME_LOST;
}

static void set_place(struct row *row, uint64_t number, enum where where, int64_t offset)
{
	if (number == REGISTER_BASE) {
		row->base.where = where;
		row->base.offset = offset;
	} else if (number == REGISTER_RETURN) {
		row->returns.where = where;
		row->returns.offset = offset;
	}
}

static void restore_place(struct machine *m, uint64_t number)
{
	if (number == REGISTER_BASE)
		m->row.base = m->initial.base;
	else if (number == REGISTER_RETURN)
		m->row.returns = m->initial.returns;
}

enum { OP_DEREF = 0x06, OP_BREG_BASE = 0x76, OP_BREG_STACK = 0x77 }; /* DWARF 5, 7.7.1 */

/*
 * What the linker says of the entries of a procedure linkage table, which push 8 bytes in their eleventh byte: GNU ld, elf_x86_64_eh_frame_plt;
 * lld and gold have the same.
 */
static const uint8_t plt_expression[] = { 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22 };

static void frame_by_expression(struct machine *m, struct reader e)
{
	uint64_t bytes = (uint64_t)(e.end - e.at);
	uint8_t first;
	int64_t offset;

	m->row.frame = FRAME_LOST;
	if (bytes == sizeof(plt_expression) && !memcmp(e.at, plt_expression, 4) && !memcmp(e.at + 5, plt_expression + 5, bytes - 5) &&
	    e.at[4] == 0x3f) {
		uint8_t from = (uint8_t)(e.at[6] - 0x30); /* DW_OP_lit0 … lit31: which byte */

		m->row.frame = FRAME_BY_STACK;
		m->row.frame_offset = (m->upto & 15) >= from ? 16 : 8;
		return;
	}
	first = (uint8_t)read_bytes(&e, 1);
	offset = read_sleb(&e);
	if (first == OP_BREG_BASE && read_bytes(&e, 1) == OP_DEREF && e.at == e.end && !e.bad) {
		m->row.frame = FRAME_BEHIND_BASE;
		m->row.frame_offset = offset;
	}
}

static void place_by_expression(struct machine *m, uint64_t number, struct reader e)
{
	uint8_t first = (uint8_t)read_bytes(&e, 1);
	int64_t offset = read_sleb(&e);
	bool at_base = first == OP_BREG_BASE && !offset && e.at == e.end && !e.bad;

	set_place(&m->row, number, at_base ? AT_BASE : ELSEWHERE, 0);
}

static struct reader read_block(struct reader *r)
{
	uint64_t bytes = read_uleb(r);
	struct reader block = *r;

	skip(r, bytes);
	block.end = r->at;
	if (r->bad)
		block.end = block.at;
	return block;
}

static void advance(struct machine *m, uint64_t units)
{
	m->at += units * m->common->code_unit;
}

enum { /* DWARF 5, table 7.29 */
	CFA_ADVANCE = 0x40, CFA_OFFSET = 0x80, CFA_RESTORE = 0xc0,
	CFA_NOP = 0, CFA_SET_LOC, CFA_ADVANCE1, CFA_ADVANCE2, CFA_ADVANCE4, CFA_OFFSET_EXTENDED, CFA_RESTORE_EXTENDED, CFA_UNDEFINED,
	CFA_SAME_VALUE, CFA_REGISTER, CFA_REMEMBER, CFA_RESTORE_STATE, CFA_DEF, CFA_DEF_REGISTER, CFA_DEF_OFFSET, CFA_DEF_EXPRESSION,
	CFA_EXPRESSION, CFA_OFFSET_SIGNED, CFA_DEF_SIGNED, CFA_DEF_OFFSET_SIGNED, CFA_VAL_OFFSET, CFA_VAL_OFFSET_SIGNED, CFA_VAL_EXPRESSION,
	CFA_GNU_ARGS_SIZE = 0x2e
};

/* Those that say what the frame's address is. False: it is another one. */
static bool define_frame(struct machine *m, uint8_t code)
{
	struct row *row = &m->row;

	switch (code) {
	case CFA_DEF:
		set_frame_register(row, read_uleb(&m->r));
		row->frame_offset = (int64_t)read_uleb(&m->r);
		return true;
	case CFA_DEF_SIGNED:
		set_frame_register(row, read_uleb(&m->r));
		row->frame_offset = read_sleb(&m->r) * m->common->data_unit;
		return true;
	case CFA_DEF_REGISTER:
		set_frame_register(row, read_uleb(&m->r));
		return true;
	case CFA_DEF_OFFSET:
		row->frame_offset = (int64_t)read_uleb(&m->r);
		return true;
	case CFA_DEF_OFFSET_SIGNED:
		row->frame_offset = read_sleb(&m->r) * m->common->data_unit;
		return true;
	case CFA_DEF_EXPRESSION:
		frame_by_expression(m, read_block(&m->r));
		return true;
	}
	return false;
}

/* Those that say where a register is. */
static bool define_place(struct machine *m, uint8_t code)
{
	uint64_t number;

	switch (code) {
	case CFA_OFFSET_EXTENDED:
		number = read_uleb(&m->r);
		set_place(&m->row, number, IN_FRAME, (int64_t)read_uleb(&m->r) * m->common->data_unit);
		return true;
	case CFA_OFFSET_SIGNED:
		number = read_uleb(&m->r);
		set_place(&m->row, number, IN_FRAME, read_sleb(&m->r) * m->common->data_unit);
		return true;
	case CFA_RESTORE_EXTENDED:
		restore_place(m, read_uleb(&m->r));
		return true;
	case CFA_UNDEFINED:
		set_place(&m->row, read_uleb(&m->r), NOWHERE, 0);
		return true;
	case CFA_SAME_VALUE:
		set_place(&m->row, read_uleb(&m->r), AS_IT_IS, 0);
		return true;
	case CFA_REGISTER: case CFA_VAL_OFFSET: case CFA_VAL_OFFSET_SIGNED:
		set_place(&m->row, read_uleb(&m->r), ELSEWHERE, 0);
		read_uleb(&m->r); /* of the same length signed */
		return true;
	case CFA_EXPRESSION:
		number = read_uleb(&m->r);
		place_by_expression(m, number, read_block(&m->r));
		return true;
	case CFA_VAL_EXPRESSION:
		set_place(&m->row, read_uleb(&m->r), ELSEWHERE, 0);
		read_block(&m->r);
		return true;
	}
	return false;
}

static void carry_out(struct machine *m, uint8_t code)
{
	switch (code) {
	case CFA_NOP: break;
	case CFA_ADVANCE1: advance(m, read_bytes(&m->r, 1)); break;
	case CFA_ADVANCE2: advance(m, read_bytes(&m->r, 2)); break;
	case CFA_ADVANCE4: advance(m, read_bytes(&m->r, 4)); break;
	case CFA_SET_LOC: m->at = read_encoded(&m->r, m->common->encoding, 0); break;
	case CFA_GNU_ARGS_SIZE: read_uleb(&m->r); break;
	case CFA_REMEMBER:
		m->r.bad |= m->remembered_used == REMEMBERED_MOST;
		if (!m->r.bad)
			m->remembered[m->remembered_used++] = m->row;
		break;
	case CFA_RESTORE_STATE:
		m->r.bad |= !m->remembered_used;
		if (!m->r.bad)
			m->row = m->remembered[--m->remembered_used];
		break;
	default:
		m->r.bad |= !define_frame(m, code) && !define_place(m, code);
	}
}

/* Up to the row that holds at the address. */
static void run(struct machine *m, struct reader instructions)
{
	m->r = instructions;
	while (!m->r.bad && m->r.at < m->r.end && m->at <= m->upto) {
		uint8_t code = (uint8_t)read_bytes(&m->r, 1), low = code & 0x3f;
		struct row before = m->row;

		switch (code & 0xc0) {
		case CFA_ADVANCE: advance(m, low); break;
		case CFA_OFFSET: set_place(&m->row, low, IN_FRAME, (int64_t)read_uleb(&m->r) * m->common->data_unit); break;
		case CFA_RESTORE: restore_place(m, low); break;
		default: carry_out(m, code);
		}
		if (m->at > m->upto)
			m->row = before;
	}
}

#define OFFSET_MOST (1 << 22)           /* bytes; a frame that is larger is none */

static struct unwind_rule rule_of(const struct row *row)
{
	struct unwind_rule rule = { row->frame, BASE_LOST, (int32_t)row->frame_offset, (int32_t)row->base.offset };

	if (row->returns.where == NOWHERE)
		return (struct unwind_rule){ .frame = FRAME_OUTERMOST };
	if (row->returns.where != IN_FRAME || row->returns.offset != -8 || row->frame_offset > OFFSET_MOST || row->frame_offset < -OFFSET_MOST)
		return (struct unwind_rule){ .frame = FRAME_LOST };
	switch (row->base.where) {
	case AS_IT_IS: rule.base = BASE_KEPT; break;
	case AT_BASE: rule.base = BASE_AT_BASE; break;
	case IN_FRAME:
		if (row->base.offset < OFFSET_MOST && row->base.offset > -OFFSET_MOST)
			rule.base = BASE_IN_FRAME;
		break;
	default: break;
	}
	return rule;
}

/* The entry of the function that may cover an address: the last one in the index that begins at or below it. */
static const uint8_t *find_entry(const struct unwind_table *table, uint64_t address)
{
	struct reader r = { table->header, table->end, table->header < table->start || table->header > table->end };
	uint64_t header = (uint64_t)table->header, low = 0, high;
	uint8_t frame_encoding, count_encoding, index_encoding;
	int32_t entry[2];

	if (r.bad || read_bytes(&r, 1) != 1)
		return NULL;
	frame_encoding = (uint8_t)read_bytes(&r, 1);
	count_encoding = (uint8_t)read_bytes(&r, 1);
	index_encoding = (uint8_t)read_bytes(&r, 1);
	read_encoded(&r, frame_encoding, header);
	high = read_encoded(&r, count_encoding, header);
	if (r.bad || index_encoding != (ENCODED_TO_HEADER | ENCODED_S4) || !high || high > (uint64_t)(r.end - r.at) / sizeof(entry))
		return NULL;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		memcpy(entry, r.at + middle * sizeof(entry), sizeof(entry));
		if (header + (uint64_t)entry[0] <= address)
			low = middle;
		else
			high = middle;
	}
	memcpy(entry, r.at + low * sizeof(entry), sizeof(entry));
	return header + (uint64_t)entry[0] <= address ? table->header + entry[1] : NULL;
}

struct unwind_rule unwind_rule_in(const struct unwind_table *table, uint64_t address)
{
	struct machine m = { .upto = address, .row = { .frame = FRAME_LOST, .returns.where = ELSEWHERE } };
	const uint8_t *entry = find_entry(table, address), *back;
	struct unwind_rule lost = { .frame = FRAME_LOST };
	struct common common;
	struct reader r;
	uint64_t start, bytes;

	if (!entry || !open_entry(table, entry, &r))
		return lost;
	back = r.at;
	back -= (int32_t)read_bytes(&r, 4);
	if (r.bad || !read_common(table, back, &common))
		return lost;
	start = read_encoded(&r, common.encoding, (uint64_t)table->header);
	bytes = read_encoded(&r, common.encoding & 0x0f, 0);
	if (common.augmented)
		skip(&r, read_uleb(&r));
	if (r.bad || address < start || address - start >= bytes)
		return lost;
	if (common.signal)
		return (struct unwind_rule){ .frame = FRAME_OF_SIGNAL };
	m.common = &common;
	m.at = 0; /* what all entries begin with holds everywhere */
	run(&m, common.instructions);
	if (m.r.bad)
		return lost;
	m.initial = m.row;
	m.at = start;
	run(&m, r);
	return m.r.bad ? lost : rule_of(&m.row);
}

struct unwind_rule unwind_rule(uint64_t address, bool *known)
{
	struct dl_find_object found;
	struct unwind_table table;

	*known = false;
	if (!_dl_find_object || _dl_find_object((void *)address, &found))
		return (struct unwind_rule){ .frame = FRAME_LOST };
	*known = true;
	table.header = found.dlfo_eh_frame;
	table.start = found.dlfo_map_start;
	table.end = found.dlfo_map_end;
	if (!table.header)
		return (struct unwind_rule){ .frame = FRAME_LOST };
	return unwind_rule_in(&table, address);
}
