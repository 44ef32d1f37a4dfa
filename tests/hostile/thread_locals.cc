/* SPDX-License-Identifier: MIT */
/*
 * thread_local objects and statics whose constructors and destructors allocate, in threads, in the main thread, at
 * exit. Their destructors run after those of thread keys began, when an instrument may already have let go of the
 * thread.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <string>
#include <thread>
#include <vector>

namespace {

struct noisy {
	const char *who;
	std::vector<std::string> kept_strings;

	explicit noisy(const char *name) : who(name)
	{
		for (int i = 0; i < 100; i++)
			kept_strings.emplace_back(static_cast<size_t>(i) * 3, 'x');
	}
	noisy(const noisy &) = delete;
	noisy &operator=(const noisy &) = delete;
	~noisy()
	{
		size_t length = 0;
		for (const auto &one : kept_strings)
			length += one.size();
		kept_strings.clear();
		kept_strings.shrink_to_fit();
		say("%s ends with %zu", who, length);
		say_heap(who);
	}
};

noisy global("global");
thread_local noisy first("thread_local");

} // namespace

int main()
{
	static noisy local("static local");

	for (int i = 0; i < 3; i++)
		std::thread([] { say("thread has %zu", first.kept_strings.size()); }).join();
	say("main has %zu", first.kept_strings.size() + local.kept_strings.size());
	return 0;
}
