/* SPDX-License-Identifier: MIT */
/*
 * Brings its own libunwind and links the C++ runtime and libgcc statically; walks its own stack from within an
 * allocation's caller, and throws. An instrument whose unwinder meets another one of the same name in the process
 * breaks both.
 *
 * run: => exit 0
 */
#include "../hostile.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <stdexcept>
#include <string>

namespace {

[[gnu::noinline]] int frames()
{
	unw_context_t context;
	unw_cursor_t cursor;
	int count = 0;

	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	while (unw_step(&cursor) > 0 && count < 100)
		count++;
	return count;
}

[[gnu::noinline]] int recurse(int depth)
{
	volatile int seen = depth ? recurse(depth - 1) : frames();
	return seen;
}

} // namespace

int main()
{
	say("ten frames more: %d", recurse(15) - recurse(5));
	for (int i = 0; i < 100; i++)
		try {
			throw std::runtime_error(std::string(100, 'e'));
		} catch (const std::exception &error) {
			if (i == 99)
				say("caught %zu", std::string(error.what()).size());
		}
	say_heap("after");
	return 0;
}
