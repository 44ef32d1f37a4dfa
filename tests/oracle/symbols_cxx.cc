// SPDX-License-Identifier: MIT
// Code whose frames are hard to name: templates, lambdas, anonymous namespaces, cold parts, functions inlined through many others. It need not run.
// build: -O2
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {
struct hidden {
	int value;
	explicit hidden(int x) : value(x) {}
	int twice() const { return value * 2; }
};
}

template <class T> static T sum(const std::vector<T> &values)
{
	T all{};

	for (const auto &value : values)
		all += value;
	return all;
}

struct base {
	virtual ~base() = default;
	virtual int area() const = 0;
};

template <int N> struct square : base {
	int area() const override { return N * N; }
};

static int local_class(int x)
{
	struct inner {
		static __attribute__((noinline)) int cube(int y) { return y * y * y; }
	};

	return inner::cube(x);
}

int main(int argc, char **argv)
{
	std::map<std::string, std::vector<int>> numbers;
	std::vector<std::string> names;
	std::regex letters("[a-z]*");
	hidden value(argc);
	std::function<int(int)> more = [&](int x) { return x + value.twice(); };
	const base *shapes[] = { new square<2>, new square<3> };

	for (int i = 0; i < argc; i++)
		numbers[argv[i]].push_back(i);
	for (const auto &pair : numbers)
		names.push_back(pair.first);
	std::sort(names.begin(), names.end(), [](const auto &a, const auto &b) { return a.size() < b.size(); });
	std::cout << std::regex_match(names[0], letters) << sum(numbers[names[0]]) << more(local_class(argc))
		  << shapes[argc % 2]->area() << '\n';
	delete shapes[0];
	delete shapes[1];
	return 0;
}
