/* SPDX-License-Identifier: MIT */
/*
 * C++ operator new and delete, by their mangled names (Itanium C++ ABI, 5.1.5). libstdc++'s call malloc and free, which are counted
 * there; an allocator that defines the operators itself does not, so its calls are counted here. A program that defines its own is
 * not touched: its definition comes before this one. operator new may throw through these frames, which therefore clean up.
 */
#include <dlfcn.h>

#include "heap.h"

typedef void *(*operator_function)();

static void *lookup(operator_function *cache, const char *name)
{
	if (!*cache)
		*(void **)cache = dlsym(RTLD_NEXT, name);
	return *(void **)cache;
}

static void leave(struct thread **thread)
{
	if (*thread)
		heap_leave(*thread);
}

/* Counts only where the allocator has the operators; elsewhere malloc and free below do. */
static struct thread *enter(void)
{
	return heap_next_ready() && allocator.operators ? heap_enter() : NULL;
}

#define OPERATOR_NEW(name, parameters, arguments) \
EXPORT void *name parameters; \
EXPORT void *name parameters \
{ \
	static void *(*function) parameters; \
	__attribute__((cleanup(leave))) struct thread *thread = enter(); \
	void *block; \
\
	lookup((operator_function *)&function, #name); \
	block = function arguments; \
	if (thread) \
		heap_note(thread, block, size); \
	return block; \
}

#define OPERATOR_DELETE(name, parameters, arguments) \
EXPORT void name parameters; \
EXPORT void name parameters \
{ \
	static void (*function) parameters; \
	__attribute__((cleanup(leave))) struct thread *thread = block ? enter() : NULL; \
\
	lookup((operator_function *)&function, #name); \
	if (thread) \
		heap_forget(thread, block); \
	function arguments; \
}

#define NEW_FORMS(prefix) \
OPERATOR_NEW(prefix##m, (size_t size), (size)) \
OPERATOR_NEW(prefix##mRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow)) \
OPERATOR_NEW(prefix##mSt11align_val_t, (size_t size, size_t alignment), (size, alignment)) \
OPERATOR_NEW(prefix##mSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *nothrow), (size, alignment, nothrow))

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
