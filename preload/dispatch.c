/* SPDX-License-Identifier: MIT */
/*
 * Switching Syscall User Dispatch on: calls from this library's text go to the kernel as ever, all others raise SIGSYS. There is no selector
 * byte, for it is never to be off.
 */
#include "dispatch.h"

#include <link.h>
#include <string.h>
#include <sys/prctl.h>

#include "environment.h"
#include "instrument.h"
#include "log.h"
#include "smaps.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
#define SHADOW_STACK_STATUS 0x5005      /* ARCH_SHSTK_STATUS: arch/x86/include/uapi/asm/prctl.h */

uint32_t dispatch_on;

extern const char __ehdr_start[] HIDDEN, etext[] HIDDEN; /* of this library: ld(1) */

static GENERAL_REGISTERS long switch_on(void)
{
	return sys_call5(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, __ehdr_start, SYS_A(etext) - SYS_A(__ehdr_start), 0);
}

GENERAL_REGISTERS void dispatch_child_begins(void)
{
	switch_on();
}

void dispatch_again(void)
{
	if (dispatch_on)
		switch_on();
}

/* A handler that returns to another place than it was called from is what a shadow stack is there to prevent. */
static bool has_shadow_stack(void)
{
	uint64_t features = 0;

	return !sys_failed(sys_call2(SYS_arch_prctl, SHADOW_STACK_STATUS, &features)) && features;
}

/* Whoever traces this process is told of its signals, ours as well, and may stop at each: ptrace(2). */
static bool is_traced(void)
{
	char status[1024];
	int fd = proc_open(0, "status");
	long got = fd < 0 ? -1 : sys_read(fd, status, sizeof(status) - 1);
	const char *line;

	if (fd >= 0)
		sys_close(fd);
	if (got <= 0)
		return false;
	status[got] = '\0';
	line = strstr(status, "\nTracerPid:\t");
	return line && line[12] != '0';
}

static bool is_go_note(const char *at, const char *end)
{
	while (at + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *note = (const void *)at;
		const char *name = at + sizeof(*note);

		if (note->n_namesz == 4 && name + 4 <= end && !memcmp(name, "Go\0", 4))
			return true;
		at = name + ((note->n_namesz + 3UL) & ~3UL) + ((note->n_descsz + 3UL) & ~3UL);
	}
	return false;
}

static int object_is_go(struct dl_phdr_info *object, size_t bytes, void *unused)
{
	(void)bytes;
	(void)unused;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const char *notes = (const char *)object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_NOTE && is_go_note(notes, notes + segment->p_filesz))
			return 1;
	}
	return 0;
}

/*
 * Go calls the kernel from stacks of 2 KiB, on which no signal's frame has room (runtime/stack.go). Asked before the program has more than
 * one thread: nobody else holds the loader's lock.
 */
static bool has_go(void)
{
	return dl_iterate_phdr(object_is_go, NULL);
}

void dispatch_traced(void)
{
	instrument_note(NOTE_NO_DISPATCH, 0);
	sys_call5(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	dispatch_on = 0;
}

void dispatch_begin(void)
{
	char value[16] = "";
	long error;

	if (!log_file && (!environment_option("syscalls", value, sizeof(value)) || strcmp(value, "all")))
		return;
	if (has_shadow_stack() || is_traced() || has_go() || !dispatch_sites_begin()) {
		instrument_note(NOTE_NO_DISPATCH, 0);
		return;
	}
	error = dispatch_signals_begin();
	if (!sys_failed(error))
		error = switch_on();
	if (sys_failed(error)) {
		instrument_note(NOTE_NO_DISPATCH, (int)-error);
		return;
	}
	capture->calls_mode = CALLS_ALL;
	dispatch_on = 1;
}
