/* SPDX-License-Identifier: MIT */
/*
 * C++ exceptions through frames, threads and library callbacks, from the allocation functions too. An instrument whose
 * wrappers have no unwind tables ends the program by std::terminate when an exception passes through them.
 *
 * run: => exit 0; signal 6
 */
#include "hostile.h"

#include <exception>
#include <functional>
#include <future>
#include <new>
#include <sys/resource.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

int unwound;

struct counted {
	std::string text = std::string(100, 'c');
	~counted() { unwound += text.size() == 100; }
};

[[gnu::noinline]] void deep(int depth)
{
	counted one;
	if (!depth)
		throw std::runtime_error("bottom of " + std::string(50, '.'));
	deep(depth - 1);
}

/* qsort is libc's, in C: the exception passes through it. */
int thrower(const void *left, const void *right)
{
	if (left != right)
		throw static_cast<int>(sizeof(left));
	return 0;
}

void rethrown_across_threads()
{
	std::exception_ptr caught;

	std::thread([&caught] {
		try {
			deep(20);
		} catch (...) {
			caught = std::current_exception();
		}
	}).join();
	try {
		std::rethrow_exception(caught);
	} catch (const std::runtime_error &error) {
		say("from a thread: %zu characters", std::string(error.what()).size());
	}
	auto future = std::async(std::launch::async, [] { deep(5); return 1; });
	try {
		say("future: %d", future.get());
	} catch (const std::exception &) {
		say("future threw");
	}
}

} // namespace

int main()
{
	try {
		deep(100);
	} catch (const std::exception &error) {
		say("caught: %s, unwound %d", error.what(), unwound);
	}
	int numbers[] = { 3, 2, 1 };
	try {
		qsort(numbers, 3, sizeof(*numbers), thrower);
	} catch (int size) {
		say("through qsort: %d", size);
	}
	rethrown_across_threads();
	std::vector<std::thread> many;
	for (int i = 0; i < 20; i++)
		many.emplace_back([] {
			for (int turn = 0; turn < 200; turn++)
				try {
					throw std::vector<int>(100, turn);
				} catch (const std::vector<int> &) {
				}
		});
	for (auto &one : many)
		one.join();
	say("many threads: %zu", many.size());
	pid_t child = fork();
	if (!child) {
		static const rlimit no_core = {};
		setrlimit(RLIMIT_CORE, &no_core);
		std::set_terminate([] { say("terminate"); abort(); });
		throw 1;
	}
	reap("child", child);
	return 0;
}
