/* SPDX-License-Identifier: MIT */
/*
 * All forms of operator new and delete, new handlers and bad_alloc, for an allocator that brings its own operators:
 * prints "good" when each did what the standard says.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

struct alignas(256) wide {
	char bytes[300];
};

static int handled;

static void handler()
{
	if (++handled == 3)
		throw std::bad_alloc();
}

static bool throws(std::size_t bytes)
{
	try {
		::operator delete(::operator new(bytes));
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

int main()
{
	const std::size_t too_much = SIZE_MAX / 2;
	std::vector<std::string> strings;
	bool good = true;

	for (int i = 0; i < 10000; i++)
		strings.push_back(std::string(static_cast<std::size_t>(i % 300), 'x'));
	wide *one = new wide, *some = new wide[3];
	good = good && reinterpret_cast<std::uintptr_t>(one) % 256 == 0;
	good = good && reinterpret_cast<std::uintptr_t>(some) % 256 == 0;
	delete one;
	delete[] some;
	::operator delete(::operator new(100), std::size_t(100));
	::operator delete(::operator new(100, std::align_val_t(64)), std::size_t(100), std::align_val_t(64));
	::operator delete[](::operator new[](100, std::nothrow), std::nothrow);
	good = good && throws(too_much) && !::operator new(too_much, std::nothrow);
	std::set_new_handler(handler);
	good = good && throws(too_much) && handled == 3;
	std::puts(good ? "good" : "bad");
	return !good;
}
