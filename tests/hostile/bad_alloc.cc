/* SPDX-License-Identifier: MIT */
/*
 * operator new in all its forms, and its failures: bad_alloc, nothrow, a new handler that is called as often as it
 * should be, arrays of impossible length. An instrument that counts them must let the exception pass and call nothing
 * twice.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <new>
#include <vector>

namespace {

int handler_calls;
volatile size_t huge = PTRDIFF_MAX, negative = SIZE_MAX;

struct alignas(256) wide {
	char data[300];
};

void handler()
{
	if (++handler_calls % 3 == 0)
		throw std::bad_alloc();
}

template <typename F> void attempt(const char *what, F allocate)
{
	try {
		void *block = kept(allocate());
		say("%s: %s", what, block ? "block" : "null");
	} catch (const std::bad_array_new_length &) {
		say("%s: bad_array_new_length", what);
	} catch (const std::bad_alloc &) {
		say("%s: bad_alloc", what);
	} catch (const std::exception &error) {
		say("%s: %s", what, error.what());
	}
}

void all_forms()
{
	attempt("new of too much", [] { return ::operator new(huge - 64); });
	attempt("new[] of too much", [] { return new char[huge - 64]; });
	attempt("new[] of a negative length", [] { return new int[negative]; });
	attempt("nothrow", [] { return ::operator new(huge - 64, std::nothrow); });
	attempt("nothrow []", [] { return new (std::nothrow) char[huge - 64]; });
	attempt("aligned", [] { return ::operator new(huge - 64, std::align_val_t(64)); });
	attempt("aligned nothrow", [] { return ::operator new(huge - 64, std::align_val_t(64), std::nothrow); });
	attempt("vector", [] { return std::vector<int>(huge / 2).data(); });
}

} // namespace

int main()
{
	all_forms();
	std::set_new_handler(handler);
	all_forms();
	say("handler calls: %d", handler_calls);
	std::set_new_handler(nullptr);
	auto *one = new wide;
	auto *array = new wide[3];
	say("aligned: %d %d", reinterpret_cast<uintptr_t>(one) % 256 == 0,
	    reinterpret_cast<uintptr_t>(array) % 256 == 0);
	delete one;
	delete[] array;
	attempt("new of nothing", [] { return new char[0]; });
	delete static_cast<int *>(nullptr);
	::operator delete(::operator new(100), static_cast<size_t>(100));
	::operator delete(::operator new(100, std::align_val_t(64)), static_cast<size_t>(100), std::align_val_t(64));
	say_heap("after");
	return 0;
}
