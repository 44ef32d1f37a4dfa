/* SPDX-License-Identifier: MIT */
/*
 * C++ operator new and delete by their mangled names (Itanium C++ ABI, 5.1.5), without a C++ library: the two functions
 * that are wanted of one, when memory runs out, are there when the program is in C++, and found then.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include "heap.h"
#include "lock.h"

#define EXPORT __attribute__((visibility("default")))

typedef void (*handler)(void);

/* std::get_new_handler and std::__throw_bad_alloc of libstdc++ */
extern handler _ZSt15get_new_handlerv(void) __attribute__((weak));
extern void _ZSt17__throw_bad_allocv(void) __attribute__((weak));

/* Of a library that came later than this one, with dlopen. */
static void *later(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);
	void *library = found ? NULL : dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);

	return library ? dlsym(library, name) : found;
}

static handler new_handler(void)
{
	handler (*get)(void) = _ZSt15get_new_handlerv;

	if (!get)
		get = (handler (*)(void))later("_ZSt15get_new_handlerv");
	return get ? get() : NULL;
}

static void *allocate(size_t bytes, size_t align)
{
	return align ? heap_allocate_aligned(align, bytes) : heap_allocate(bytes);
}

/* The program's handler may make room, throw, or end the program: [new.delete.single]. NULL: there is none. */
static COLD void *allocate_with_handler(size_t bytes, size_t align)
{
	for (;;) {
		handler handle = new_handler();
		void *block;

		if (!handle)
			return NULL;
		handle();
		block = allocate(bytes, align);
		if (block)
			return block;
	}
}

static COLD void *allocate_or_throw(size_t bytes, size_t align)
{
	void *block = allocate_with_handler(bytes, align);
	void (*throw)(void) = _ZSt17__throw_bad_allocv;

	if (block)
		return block;
	if (!throw)
		throw = (void (*)(void))later("_ZSt17__throw_bad_allocv");
	if (throw)
		throw();
	abort();
}

static inline void *new_block(size_t bytes, size_t align)
{
	void *block = allocate(bytes, align);

	return LIKELY(block) ? block : allocate_or_throw(bytes, align);
}

static inline void *new_block_or_null(size_t bytes, size_t align)
{
	void *block = allocate(bytes, align);

	return LIKELY(block) ? block : allocate_with_handler(bytes, align);
}

#define OPERATOR_NEW(name, function, parameters, align) \
EXPORT void *name parameters; \
EXPORT void *name parameters \
{ \
	return function(bytes, align); \
}

#define OPERATOR_DELETE(name, parameters) \
EXPORT void name parameters; \
EXPORT void name parameters \
{ \
	heap_free(block); \
}

#define UNUSED __attribute__((unused))

#define NEW_FORMS(prefix) \
OPERATOR_NEW(prefix##m, new_block, (size_t bytes), 0) \
OPERATOR_NEW(prefix##mRKSt9nothrow_t, new_block_or_null, (size_t bytes, UNUSED const void *nothrow), 0) \
OPERATOR_NEW(prefix##mSt11align_val_t, new_block, (size_t bytes, size_t align), align) \
OPERATOR_NEW(prefix##mSt11align_val_tRKSt9nothrow_t, new_block_or_null, \
	     (size_t bytes, size_t align, UNUSED const void *nothrow), align)

#define DELETE_FORMS(prefix) \
OPERATOR_DELETE(prefix##Pv, (void *block)) \
OPERATOR_DELETE(prefix##Pvm, (void *block, UNUSED size_t bytes)) \
OPERATOR_DELETE(prefix##PvRKSt9nothrow_t, (void *block, UNUSED const void *nothrow)) \
OPERATOR_DELETE(prefix##PvSt11align_val_t, (void *block, UNUSED size_t align)) \
OPERATOR_DELETE(prefix##PvmSt11align_val_t, (void *block, UNUSED size_t bytes, UNUSED size_t align)) \
OPERATOR_DELETE(prefix##PvSt11align_val_tRKSt9nothrow_t, (void *block, UNUSED size_t align, UNUSED const void *nothrow))

NEW_FORMS(_Znw)
NEW_FORMS(_Zna)
DELETE_FORMS(_Zdl)
DELETE_FORMS(_Zda)
