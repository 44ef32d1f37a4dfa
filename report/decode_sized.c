/* SPDX-License-Identifier: MIT */
/* Structures that grow from kernel to kernel: how long one is, it says itself or an argument does. Those that are shorter than a field have none. */
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <stddef.h>
#include <string.h>

#include "decode_internal.h"

#define NEXT(d, i) ((i) + 1 < SYSCALL_ARGUMENTS ? (d)->call->arguments[(i) + 1] : 0)

static void filled_int(const struct decoding *d, uint64_t address)
{
	int value;

	if (decode_after(d, address, &value, sizeof(value)))
		fprintf(d->out, "[%d]", value);
	else
		decode_address(d->out, address);
}

static void clone_args(const struct decoding *d, uint64_t address, uint64_t size)
{
	struct clone_args a = { 0 };
	bool begun = false;

	if (size < CLONE_ARGS_SIZE_VER0 || log_memory_read(&d->call->before, address, &a, size < sizeof(a) ? (size_t)size : sizeof(a), NULL) < CLONE_ARGS_SIZE_VER0) {
		decode_address(d->out, address);
		return;
	}
	fputs("{flags=", d->out);
	decode_flags(d->out, &words_clone3, a.flags);
	if (a.flags & CLONE_PIDFD) {
		fputs(", pidfd=", d->out);
		decode_address(d->out, a.pidfd);
	}
	if (a.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		fputs(", child_tid=", d->out);
		decode_address(d->out, a.child_tid);
	}
	if (a.flags & CLONE_PARENT_SETTID) {
		fputs(", parent_tid=", d->out);
		decode_address(d->out, a.parent_tid);
	}
	fputs(", exit_signal=", d->out);
	if (a.exit_signal)
		decode_signal_name(d->out, (int)a.exit_signal);
	else
		fputc('0', d->out);
	fputs(", stack=", d->out);
	decode_address(d->out, a.stack);
	fprintf(d->out, ", stack_size=%#lx", (uint64_t)a.stack_size);
	if (a.flags & CLONE_SETTLS)
		fprintf(d->out, ", tls=%#lx", (uint64_t)a.tls);
	if (size >= CLONE_ARGS_SIZE_VER1 && (a.set_tid || a.set_tid_size)) {
		fputs(", set_tid=", d->out);
		decode_address(d->out, a.set_tid);
		fprintf(d->out, ", set_tid_size=%lu", (uint64_t)a.set_tid_size);
	}
	if (size >= CLONE_ARGS_SIZE_VER2 && a.flags & CLONE_INTO_CGROUP)
		fprintf(d->out, ", cgroup=%lu", (uint64_t)a.cgroup);
	fputc('}', d->out);
	if (!d->returned || d->error || d->call->result <= 0 || !(a.flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)))
		return;
	fputs(" => {", d->out);
	if (a.flags & CLONE_PIDFD) {
		fputs("pidfd=", d->out);
		filled_int(d, a.pidfd);
		begun = true;
	}
	if (a.flags & CLONE_PARENT_SETTID) {
		fputs(begun ? ", parent_tid=" : "parent_tid=", d->out);
		filled_int(d, a.parent_tid);
	}
	fputc('}', d->out);
}

static void open_how(const struct decoding *d, uint64_t address, uint64_t size)
{
	struct open_how h = { 0 };

	if (size < sizeof(h) || !decode_before(d, address, &h, sizeof(h))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{flags=", d->out);
	decode_open_flags(d->out, (uint32_t)h.flags);
	if (h.mode) {
		fputs(", mode=", d->out);
		decode_mode(d->out, (unsigned)h.mode);
	}
	fputs(", resolve=", d->out);
	decode_flags(d->out, &words_resolve, h.resolve);
	fputc('}', d->out);
}

static void scheduling(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t least, most; } a = { 0 };
	size_t kept = log_memory_read(memory, address, &a, sizeof(a), NULL);

	if (kept < 48) {                /* SCHED_ATTR_SIZE_VER0 */
		decode_address(d->out, address);
		return;
	}
	fprintf(d->out, "{size=%u, sched_policy=", a.size);
	decode_word(d->out, &words_sched_policy, a.policy);
	fputs(", sched_flags=", d->out);
	decode_flags(d->out, &words_sched_flags, a.flags);
	fprintf(d->out, ", sched_nice=%d, sched_priority=%u, sched_runtime=%lu, sched_deadline=%lu, sched_period=%lu", a.nice, a.priority, a.runtime,
		a.deadline, a.period);
	if (a.size >= 56 && kept >= 56)
		fprintf(d->out, ", sched_util_min=%u, sched_util_max=%u", a.least, a.most);
	fputc('}', d->out);
}

/* What is counted, and how; the bits that change nothing of that are left out, as strace does. */
static void counter(const struct decoding *d, uint64_t address)
{
	struct perf_event_attr a = { 0 };
	size_t kept = log_memory_read(&d->call->before, address, &a, sizeof(a), NULL);

	if (kept < PERF_ATTR_SIZE_VER0) {
		decode_address(d->out, address);
		return;
	}
	fputs("{type=", d->out);
	decode_word(d->out, &words_perf_type, a.type);
	fprintf(d->out, ", size=%#x, config=%#lx, %s=%lu, sample_type=%#lx, read_format=%#lx", a.size, (uint64_t)a.config,
		a.freq ? "sample_freq" : "sample_period", (uint64_t)a.sample_period, (uint64_t)a.sample_type, (uint64_t)a.read_format);
	fprintf(d->out, "%s%s%s%s, precise_ip=%u, ...}", a.disabled ? ", disabled=1" : "", a.inherit ? ", inherit=1" : "",
		a.exclude_kernel ? ", exclude_kernel=1" : "", a.exclude_hv ? ", exclude_hv=1" : "", a.precise_ip);
}

static void file_handle(const struct decoding *d, const struct log_memory *memory, uint64_t address, bool filled)
{
	struct { uint32_t bytes; int32_t type; } h, asked;
	size_t kept;
	const unsigned char *at;

	if (filled && !decode_before(d, address, &asked, sizeof(asked))) {
		decode_address(d->out, address);
		return;
	}
	if (log_memory_read(memory, address, &h, sizeof(h), NULL) < sizeof(h)) {
		if (filled)
			fprintf(d->out, "{handle_bytes=%u}", asked.bytes);
		else
			decode_address(d->out, address);
		return;
	}
	fprintf(d->out, "{handle_bytes=%u", filled ? asked.bytes : h.bytes);
	if (filled && asked.bytes != h.bytes)
		fprintf(d->out, " => %u", h.bytes);
	if (!filled || !d->error) {
		fprintf(d->out, ", handle_type=%d, f_handle=", h.type);
		at = log_memory_at(memory, address, &kept, NULL);
		kept = kept - sizeof(h) < h.bytes ? kept - sizeof(h) : h.bytes;
		decode_quoted_hex(d->out, at + sizeof(h), kept, kept < h.bytes);
	}
	fputc('}', d->out);
}

/* What is asked of a ring, and, where it was made, what the kernel says of it. */
static void ring(const struct decoding *d, uint64_t address)
{
	struct io_uring_params p;
	bool made = d->returned && !d->error && decode_after(d, address, &p, sizeof(p));

	if (!made && !decode_before(d, address, &p, sizeof(p))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{flags=", d->out);
	decode_flags(d->out, &words_uring_setup, p.flags);
	if (!made && p.flags & IORING_SETUP_CQSIZE)
		fprintf(d->out, ", cq_entries=%u", p.cq_entries);
	fprintf(d->out, ", sq_thread_cpu=%#x, sq_thread_idle=%u", p.sq_thread_cpu, p.sq_thread_idle);
	if (p.flags & IORING_SETUP_ATTACH_WQ)
		fprintf(d->out, ", wq_fd=%d", (int)p.wq_fd);
	if (p.resv[0] || p.resv[1] || p.resv[2])
		fprintf(d->out, ", resv=[%#x, %#x, %#x]", p.resv[0], p.resv[1], p.resv[2]);
	if (made) {
		fprintf(d->out, ", sq_entries=%u, cq_entries=%u, features=", p.sq_entries, p.cq_entries);
		decode_flags(d->out, &words_uring_features, p.features);
		fprintf(d->out, ", sq_off={head=%u, tail=%u, ring_mask=%u, ring_entries=%u, flags=%u, dropped=%u, array=%u}, "
			"cq_off={head=%u, tail=%u, ring_mask=%u, ring_entries=%u, overflow=%u, cqes=%u, flags=%u}",
			p.sq_off.head, p.sq_off.tail, p.sq_off.ring_mask, p.sq_off.ring_entries, p.sq_off.flags, p.sq_off.dropped, p.sq_off.array,
			p.cq_off.head, p.cq_off.tail, p.cq_off.ring_mask, p.cq_off.ring_entries, p.cq_off.overflow, p.cq_off.cqes, p.cq_off.flags);
	}
	fputc('}', d->out);
}

static void bpf(const struct decoding *d, uint64_t address, uint64_t size)
{
	union bpf_attr a = { 0 };
	size_t kept = log_memory_read(&d->call->before, address, &a, size < sizeof(a) ? (size_t)size : sizeof(a), NULL);

	if (kept < 8) {
		decode_address(d->out, address);
		return;
	}
	switch ((uint32_t)d->call->arguments[0]) {
	case BPF_MAP_CREATE:
		fprintf(d->out, "{map_type=%u, key_size=%u, value_size=%u, max_entries=%u, map_flags=%#x, ...}", a.map_type, a.key_size, a.value_size,
			a.max_entries, a.map_flags);
		break;
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
		fprintf(d->out, "{map_fd=%d, key=%#lx, value=%#lx, flags=%#lx}", (int)a.map_fd, (uint64_t)a.key, (uint64_t)a.value, (uint64_t)a.flags);
		break;
	case BPF_PROG_LOAD:
		fprintf(d->out, "{prog_type=%u, insn_cnt=%u, insns=%#lx, license=%#lx, ...}", a.prog_type, a.insn_cnt, (uint64_t)a.insns,
			(uint64_t)a.license);
		break;
	default:
		decode_address(d->out, address);
	}
}

static void mount_attributes(const struct decoding *d, uint64_t address, uint64_t size)
{
	struct { uint64_t set, clear, propagation, userns; } a = { 0 };

	if (size < sizeof(a) || !decode_before(d, address, &a, sizeof(a))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{attr_set=", d->out);
	decode_flags(d->out, &words_mount_attr, a.set);
	fputs(", attr_clr=", d->out);
	decode_flags(d->out, &words_mount_attr, a.clear);
	fputs(", propagation=", d->out);
	decode_flags(d->out, &words_mount, a.propagation);
	fprintf(d->out, ", userns_fd=%lu}", a.userns);
}

static void ruleset(const struct decoding *d, uint64_t address, uint64_t size)
{
	uint64_t handled[8];
	size_t kept = log_memory_read(&d->call->before, address, handled, size < sizeof(handled) ? (size_t)size : sizeof(handled), NULL);

	if (kept < 8) {
		decode_address(d->out, address);
		return;
	}
	fputs("{handled_access_fs=", d->out);
	decode_flags(d->out, &words_landlock_access, handled[0]);
	fputs(kept > 8 ? ", ...}" : "}", d->out);
}

static void xattr_args(const struct decoding *d, uint64_t address, bool filled)
{
	struct { uint64_t value; uint32_t size, flags; } a;

	if (!decode_before(d, address, &a, sizeof(a))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{value=", d->out);
	if (filled && a.size)
		decode_buffer(d, &d->call->after, a.value, d->returned && !d->error ? (uint64_t)d->call->result : a.size);
	else if (filled)
		decode_address(d->out, a.value);
	else
		decode_buffer(d, &d->call->before, a.value, a.size);
	fprintf(d->out, ", size=%u, flags=", a.size);
	decode_flags(d->out, &words_xattr, a.flags);
	fputc('}', d->out);
}

static void file_attributes(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	struct { uint64_t xflags; uint32_t extent, extents, project, cow; } a;

	if (log_memory_read(memory, address, &a, sizeof(a), NULL) < sizeof(a)) {
		decode_address(d->out, address);
		return;
	}
	fprintf(d->out, "{fa_xflags=%#lx, fa_extsize=%u, fa_nextents=%u, fa_projid=%u, fa_cowextsize=%u}", a.xflags, a.extent, a.extents, a.project, a.cow);
}

static void signals_sized(const struct decoding *d, uint64_t address)
{
	uint64_t a[2], set;

	if (!decode_before(d, address, a, sizeof(a))) {
		decode_address(d->out, address);
		return;
	}
	fputs("{sigmask=", d->out);
	if (decode_before(d, a[0], &set, sizeof(set)))
		decode_signal_set(d->out, set);
	else
		decode_address(d->out, a[0]);
	fprintf(d->out, ", sigsetsize=%lu}", a[1]);
}

bool decode_sized(const struct decoding *d, unsigned i, unsigned kind)
{
	uint64_t address = d->call->arguments[i];
	const struct log_memory *before = &d->call->before, *after = &d->call->after;

	switch (kind) {
	case KIND_CLONE_ARGS:
		clone_args(d, address, NEXT(d, i));
		return true;
	case KIND_OPEN_HOW:
		open_how(d, address, NEXT(d, i));
		return true;
	case KIND_SCHED_ATTR:
		scheduling(d, before, address);
		return true;
	case KIND_SCHED_ATTR_FILLED:
		scheduling(d, after, address);
		return true;
	case KIND_PERF_ATTR:
		counter(d, address);
		return true;
	case KIND_FILE_HANDLE:
		file_handle(d, before, address, false);
		return true;
	case KIND_FILE_HANDLE_FILLED:
		file_handle(d, after, address, true);
		return true;
	case KIND_URING_PARAMS:
		ring(d, address);
		return true;
	case KIND_BPF_ATTR:
		bpf(d, address, NEXT(d, i));
		return true;
	case KIND_MOUNT_ATTR:
		mount_attributes(d, address, NEXT(d, i));
		return true;
	case KIND_LANDLOCK_RULESET:
		ruleset(d, address, NEXT(d, i));
		return true;
	case KIND_XATTR_ARGS:
	case KIND_XATTR_ARGS_FILLED:
		xattr_args(d, address, kind == KIND_XATTR_ARGS_FILLED);
		return true;
	case KIND_FILE_ATTR:
		file_attributes(d, before, address);
		return true;
	case KIND_FILE_ATTR_FILLED:
		file_attributes(d, after, address);
		return true;
	case KIND_SIGSET_SIZED:
		signals_sized(d, address);
		return true;
	case KIND_STATMOUNT:
		decode_address(d->out, address);
		return true;
	}
	return false;
}
