/* SPDX-License-Identifier: MIT */
/*
 * C++: containers, strings, streams, exceptions, threads' futures and every form of operator new, for the comparison
 * of counts with valgrind. libstdc++ allocates 72,704 bytes for emergencies before main; both count them. Valgrind
 * replaces operator new and sees what the program asked of it; what reaches malloc differs in two places: libstdc++ asks
 * for 1 byte where the program asks for none, and rounds an aligned size up to a multiple of its alignment (300 at 256:
 * 512). Both count what the program asked for.
 */
#include <cstdio>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "tls.h"

namespace {

struct alignas(128) Wide {
	char bytes[256];
};

void containers()
{
	std::map<int, std::string> map;
	std::unordered_map<std::string, std::vector<int>> table;
	std::vector<std::unique_ptr<int>> pointers;

	for (int i = 0; i < 1000; i++) {
		map[i * 7919 % 1000] = std::string(static_cast<size_t>(i), 'x');
		table[std::to_string(i)].push_back(i);
		pointers.push_back(std::make_unique<int>(i));
	}
	map.erase(map.begin(), map.find(500));
}

void exceptions()
{
	for (int i = 0; i < 100; i++) {
		try {
			throw std::runtime_error("thrown " + std::to_string(i));
		} catch (const std::exception &) {
		}
	}
	try {
		std::string().at(1);
	} catch (const std::out_of_range &) {
	}
}

void operators()
{
	void *volatile p = ::operator new(100);

	::operator delete(p);
	p = ::operator new[](0);
	::operator delete[](p);
	p = ::operator new(50, std::nothrow);
	::operator delete(p, std::nothrow);
	p = ::operator new(300, std::align_val_t(256));
	::operator delete(p, std::align_val_t(256));
	p = new Wide[3];
	delete[] static_cast<Wide *>(p);
	p = new Wide;                   /* left live on purpose */
}

} // namespace

int main()
{
	std::ostringstream stream;
	std::function<int(int)> function;

	containers();
	exceptions();
	operators();
	for (int i = 0; i < 3000; i++)
		stream << i << ' ';
	tls_say(1);
	auto later = std::async(std::launch::async, [] { return std::string(1000, 'y'); });
	std::printf("cxx %zu %zu\n", stream.str().size(), later.get().size());
	return 0;
}
