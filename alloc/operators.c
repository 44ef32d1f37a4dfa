/* SPDX-License-Identifier: MIT */
/*
 * C++ operator new and delete by their mangled names (Itanium C++ ABI, 5.1.5), without a C++ library: what is wanted of
 * one, when memory runs out, is there when the program is in C++, and found then.
 *
 * A program may define one form and count on the others to call it ([new.delete] in the standard): so they do, through
 * the dynamic linker. The forms that may not throw would have to catch what a new handler throws, or what a program's
 * operator does: there the C++ library's own form goes on.
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

#define UNUSED __attribute__((unused))
#define NEW_FORM(name, parameters) EXPORT void *name parameters; EXPORT void *name parameters
#define DELETE_FORM(name, parameters) EXPORT void name parameters; EXPORT void name parameters

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

/* The forms that all others call */

NEW_FORM(_Znwm, (size_t bytes))
{
	void *block = heap_allocate(bytes);

	return LIKELY(block) ? block : allocate_or_throw(bytes, 0);
}

NEW_FORM(_ZnwmSt11align_val_t, (size_t bytes, size_t align))
{
	void *block = heap_allocate_aligned(align, bytes);

	return LIKELY(block) ? block : allocate_or_throw(bytes, align);
}

DELETE_FORM(_ZdlPv, (void *block))
{
	heap_free(block);
}

DELETE_FORM(_ZdlPvSt11align_val_t, (void *block, UNUSED size_t align))
{
	heap_free(block);
}

/* Arrays */

NEW_FORM(_Znam, (size_t bytes))
{
	return _Znwm(bytes);
}

NEW_FORM(_ZnamSt11align_val_t, (size_t bytes, size_t align))
{
	return _ZnwmSt11align_val_t(bytes, align);
}

DELETE_FORM(_ZdaPv, (void *block))
{
	_ZdlPv(block);
}

DELETE_FORM(_ZdaPvSt11align_val_t, (void *block, size_t align))
{
	_ZdlPvSt11align_val_t(block, align);
}

/* Deletes that are told more */

DELETE_FORM(_ZdlPvm, (void *block, UNUSED size_t bytes))
{
	_ZdlPv(block);
}

DELETE_FORM(_ZdaPvm, (void *block, UNUSED size_t bytes))
{
	_ZdaPv(block);
}

DELETE_FORM(_ZdlPvRKSt9nothrow_t, (void *block, UNUSED const void *nothrow))
{
	_ZdlPv(block);
}

DELETE_FORM(_ZdaPvRKSt9nothrow_t, (void *block, UNUSED const void *nothrow))
{
	_ZdaPv(block);
}

DELETE_FORM(_ZdlPvmSt11align_val_t, (void *block, UNUSED size_t bytes, size_t align))
{
	_ZdlPvSt11align_val_t(block, align);
}

DELETE_FORM(_ZdaPvmSt11align_val_t, (void *block, UNUSED size_t bytes, size_t align))
{
	_ZdaPvSt11align_val_t(block, align);
}

DELETE_FORM(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t align, UNUSED const void *nothrow))
{
	_ZdlPvSt11align_val_t(block, align);
}

DELETE_FORM(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t align, UNUSED const void *nothrow))
{
	_ZdaPvSt11align_val_t(block, align);
}

/* News that may not throw */

/* The definitions above under names that the dynamic linker does not know: is it they that a call would reach? */
#define OWN(own, name) extern __typeof__(name) own __attribute__((alias(#name), visibility("hidden")))
OWN(own_new, _Znwm);
OWN(own_new_array, _Znam);
OWN(own_new_aligned, _ZnwmSt11align_val_t);
OWN(own_new_array_aligned, _ZnamSt11align_val_t);

/* The C++ library's form, which calls the throwing one and catches. NULL: there is no C++ library. */
static void *next_form(const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);

	return next ? next : later(name);
}

static COLD void *new_or_null(const char *name, size_t bytes, const void *nothrow)
{
	void *(*next)(size_t, const void *) = (void *(*)(size_t, const void *))next_form(name);

	return next ? next(bytes, nothrow) : allocate_with_handler(bytes, 0);
}

static COLD void *new_aligned_or_null(const char *name, size_t bytes, size_t align, const void *nothrow)
{
	void *(*next)(size_t, size_t, const void *) = (void *(*)(size_t, size_t, const void *))next_form(name);

	return next ? next(bytes, align, nothrow) : allocate_with_handler(bytes, align);
}

NEW_FORM(_ZnwmRKSt9nothrow_t, (size_t bytes, const void *nothrow))
{
	void *block = _Znwm == own_new ? heap_allocate(bytes) : NULL;

	return LIKELY(block) ? block : new_or_null("_ZnwmRKSt9nothrow_t", bytes, nothrow);
}

NEW_FORM(_ZnamRKSt9nothrow_t, (size_t bytes, const void *nothrow))
{
	void *block = _Znwm == own_new && _Znam == own_new_array ? heap_allocate(bytes) : NULL;

	return LIKELY(block) ? block : new_or_null("_ZnamRKSt9nothrow_t", bytes, nothrow);
}

NEW_FORM(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t bytes, size_t align, const void *nothrow))
{
	void *block = _ZnwmSt11align_val_t == own_new_aligned ? heap_allocate_aligned(align, bytes) : NULL;

	return LIKELY(block) ? block :
			       new_aligned_or_null("_ZnwmSt11align_val_tRKSt9nothrow_t", bytes, align, nothrow);
}

NEW_FORM(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t bytes, size_t align, const void *nothrow))
{
	bool own = _ZnwmSt11align_val_t == own_new_aligned && _ZnamSt11align_val_t == own_new_array_aligned;
	void *block = own ? heap_allocate_aligned(align, bytes) : NULL;

	return LIKELY(block) ? block :
			       new_aligned_or_null("_ZnamSt11align_val_tRKSt9nothrow_t", bytes, align, nothrow);
}
