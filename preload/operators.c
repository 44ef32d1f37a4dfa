/* SPDX-License-Identifier: MIT */
/*
 * C++ operator new and delete, by their mangled names (Itanium C++ ABI, 5.1.5). libstdc++'s call malloc and free, which are counted
 * there; an allocator that defines the operators itself does not, so its calls are counted here. A program that defines its own is
 * not touched: its definition comes before this one.
 */
#include <dlfcn.h>

#include "heap.h"

typedef void *(*operator_function)();

static void *lookup(operator_function *cache, const char *name)
{
	static const char *const libraries[] = { "libstdc++.so.6", "libc++abi.so.1", "libc++.so.1" };
	void *found = *(void **)cache;

	if (found)
		return found;
	found = dlsym(RTLD_NEXT, name);
	/* A C program that opened a C++ library: its operators are in no scope that we can see, but they are loaded. */
	for (size_t i = 0; !found && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);

		found = library ? dlsym(library, name) : NULL;
	}
	*(void **)cache = found;
	return found;
}

/* Counts only where the allocator has the operators; elsewhere malloc and free below do. */
static struct thread *ready(void)
{
	struct thread *thread = &this_thread;

	return heap_next_ready() && allocator.operators && !thread->inside && instrument_ready(thread) ? thread : NULL;
}

/*
 * The call is not marked as the outermost one, because an exception would leave the mark behind. Should the allocator's operator call
 * its malloc through the program's symbol, the block is in the map already.
 */
static void *note(void *block, size_t size)
{
	struct thread *thread = ready();
	struct block known;

	if (thread && !blockmap_find((uint64_t)block, &known))
		heap_note(thread, block, size);
	return block;
}

/* libstdc++ asks malloc for more than it was asked for: one byte for none, and a multiple of the alignment (new_op.cc, new_opa.cc). */
static void *note_request(void *block, size_t size)
{
	struct block known;
	uint8_t *byte = block && !allocator.operators ? blockmap_find((uint64_t)block, &known) : NULL;

	if (byte && known.requested > size && !this_thread.inside && instrument_ready(&this_thread))
		heap_amend(&this_thread, byte, &known, size);
	return note(block, size);
}

#define OPERATOR_NEW(name, recorder, parameters, arguments) \
EXPORT void *name parameters; \
EXPORT void *name parameters \
{ \
	static void *(*function) parameters; \
\
	lookup((operator_function *)&function, #name); \
	return (recorder)(function arguments, size); \
}

#define OPERATOR_DELETE(name, parameters, arguments) \
EXPORT void name parameters; \
EXPORT void name parameters \
{ \
	static void (*function) parameters; \
	struct thread *thread = block ? ready() : NULL; \
\
	lookup((operator_function *)&function, #name); \
	if (thread) { \
		thread->inside = 1; \
		heap_forget(thread, block); \
		function arguments; \
		thread->inside = 0; \
	} else { \
		function arguments; \
	} \
}

#define NEW_FORMS(prefix) \
OPERATOR_NEW(prefix##m, size ? note : note_request, (size_t size), (size)) \
OPERATOR_NEW(prefix##mRKSt9nothrow_t, size ? note : note_request, (size_t size, const void *nothrow), (size, nothrow)) \
OPERATOR_NEW(prefix##mSt11align_val_t, note_request, (size_t size, size_t alignment), (size, alignment)) \
OPERATOR_NEW(prefix##mSt11align_val_tRKSt9nothrow_t, note_request, (size_t size, size_t alignment, const void *nothrow), (size, alignment, nothrow))

#define DELETE_FORMS(prefix) \
OPERATOR_DELETE(prefix##Pv, (void *block), (block)) \
OPERATOR_DELETE(prefix##Pvm, (void *block, size_t size), (block, size)) \
OPERATOR_DELETE(prefix##PvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow)) \
OPERATOR_DELETE(prefix##PvSt11align_val_t, (void *block, size_t alignment), (block, alignment)) \
OPERATOR_DELETE(prefix##PvmSt11align_val_t, (void *block, size_t size, size_t alignment), (block, size, alignment)) \
OPERATOR_DELETE(prefix##PvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *nothrow), \
		(block, alignment, nothrow))

NEW_FORMS(_Znw)
NEW_FORMS(_Zna)
DELETE_FORMS(_Zdl)
DELETE_FORMS(_Zda)
