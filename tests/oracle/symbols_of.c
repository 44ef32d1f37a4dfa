/* SPDX-License-Identifier: MIT */
/*
 * Prints functions and lines as `addr2line -afi -e MODULE` does: `symbols_of [-d DEBUG_PATH] [-b BUILD_ID] [-m] [-o] MODULE [ADDRESS…]`,
 * addresses from standard input without arguments; -m: a perf map, -o: offsets in the file instead of addresses. In the end, what is wrong
 * with the module, on standard error.
 * links: report/symbols*.c report/memory.c report/complain.c report/escape.c
 * build: -ldw -lelf -liberty
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../report/symbols.h"

static uint8_t build_id[64];

static size_t read_build_id(const char *text)
{
	size_t bytes = 0;

	while (bytes < sizeof(build_id) && sscanf(text + 2 * bytes, "%2" SCNx8, &build_id[bytes]) == 1)
		bytes++;
	return bytes;
}

static void print(struct symbols *symbols, const struct symbol_module *module, uint64_t address, bool offset)
{
	const struct symbol_frame *frames;
	size_t count;

	if (offset && !symbols_address(symbols, module, address, &address)) {
		printf("0x%016" PRIx64 "\nno address\n", address);
		return;
	}
	printf("0x%016" PRIx64 "\n", address);
	count = symbols_resolve(symbols, module, address, &frames);
	for (size_t i = 0; i < count; i++)
		printf("%s\n%s:%u\n", frames[i].function ? frames[i].function : "??", frames[i].file ? frames[i].file : "??", frames[i].line);
}

int main(int argc, char **argv)
{
	struct symbol_module module = { .build_id = build_id };
	const char *debug_path = NULL, *words;
	struct symbols *symbols;
	bool offset = false;
	char line[64], path[2 * PATH_MAX];
	int option;

	while ((option = getopt(argc, argv, "d:b:mo")) != -1)
		switch (option) {
		case 'd': debug_path = optarg; break;
		case 'b': module.build_id_bytes = read_build_id(optarg); break;
		case 'm': module.perf_map = true; break;
		case 'o': offset = true; break;
		default: return 2;
		}
	if (optind == argc)
		return 2;
	module.path = path;
	if (argv[optind][0] == '/' || !getcwd(path, sizeof(path)))
		path[0] = '\0';
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", argv[optind++]);
	symbols = symbols_open(debug_path);
	for (int i = optind; i < argc; i++)
		print(symbols, &module, strtoull(argv[i], NULL, 16), offset);
	while (optind == argc && fgets(line, sizeof(line), stdin))
		print(symbols, &module, strtoull(line, NULL, 16), offset);
	words = symbol_state_words(symbols_state(symbols, &module));
	if (words)
		fprintf(stderr, "%s\n", words);
	symbols_close(symbols);
	return 0;
}
