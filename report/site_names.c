/* SPDX-License-Identifier: MIT */
/* The names of a site's frames: asked of one set of symbols for the whole report, for images share their libraries. */
#include <inttypes.h>
#include <stdlib.h>

#include "memory.h"
#include "sites.h"

static struct symbols *symbols;

static size_t compiled_code(const struct capture *capture, uint64_t frame, const struct symbol_frame **names)
{
	char *path = memory_format("/tmp/perf-%" PRIu32 ".map", capture->pid);
	struct symbol_module module = { .path = path, .perf_map = true, .since_ns = capture->start_realtime_ns };
	size_t count = symbols_resolve(symbols, &module, frame, names);

	free(path);
	return count;
}

size_t site_frame_names(const struct capture_module *module, const struct capture *capture, uint64_t frame, const struct symbol_frame **names)
{
	struct symbol_module of = { .path = NULL };

	if (!symbols)
		symbols = symbols_open(NULL);
	if (!module)
		return compiled_code(capture, frame, names);
	of.path = *module->path ? module->path : capture->exe;
	of.build_id = module->build_id;
	of.build_id_bytes = module->build_id_bytes;
	return symbols_resolve(symbols, &of, frame - module->bias, names);
}
