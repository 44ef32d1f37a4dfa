/* SPDX-License-Identifier: MIT */
/*
 * Replaces operator new and delete, as the standard allows, with its own counters, over malloc. An instrument that puts
 * its own before the program's takes them away from it; the class's own operators and placement stay what they are.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <map>
#include <memory>
#include <new>
#include <string>

namespace {

unsigned long news, deletes, class_news;

struct own {
	char data[40];
	static void *operator new(size_t size)
	{
		class_news++;
		return ::operator new(size);
	}
	static void operator delete(void *block) { ::operator delete(block); }
};

} // namespace

#define PUBLIC __attribute__((visibility("default")))

PUBLIC void *operator new(size_t size)
{
	news++;
	void *block = malloc(size + 8);
	if (!block)
		throw std::bad_alloc();
	return block;
}
PUBLIC void operator delete(void *block) noexcept
{
	deletes += block != nullptr;
	free(block);
}
PUBLIC void operator delete(void *block, size_t) noexcept { ::operator delete(block); }

int main()
{
	{
		std::map<int, std::string> map;
		for (int i = 0; i < 100; i++)
			map[i] = std::string(static_cast<size_t>(i) + 20, 'm');
		auto array = std::make_unique<std::string[]>(50);
		auto aligned = std::unique_ptr<own>(new own);
		auto shared = std::make_shared<own>();
		say("map of %zu", map.size());
	}
	say("new %lu, delete %lu, of the class %lu", news, deletes, class_news);
	return 0;
}
