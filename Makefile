# SPDX-License-Identifier: MIT
# The whole build, in one make. Sources are found by wildcard and objects mirror the tree under $(BUILD), so that a
# new file needs no line here. A program of examples/ or tests/ that needs more than the usual flags says so in its
# leading comment:
#   build: FLAGS             flags for compiling and linking it; where the toolchain lacks them, it is left out, aloud
#                            (unit tests: for linking alone, and required)
#   links: FILE.c [FOLDER]   what it tests, of the parts; a folder stands for its files but main.c, a name may have a *
#   sanitize: thread         unit tests: also run under ThreadSanitizer by `make sanitize`
MAKEFLAGS += --no-builtin-rules
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

BUILD ?= build
PREFIX ?= /usr/local
CC ?= cc
CXX ?= c++
CLANG ?= clang
WERROR ?= -Werror
CFLAGS ?= -O2 -g
RUNS ?= 5
FUZZ_SECONDS ?= 600

ifneq ($(words $(BUILD)),1)
$(error BUILD must be one path without spaces; a source path may have them)
endif

, := ,
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-5s %s\n' $1 '$2')

WARNINGS := -Wall -Wextra -Wshadow -Wconversion $(WERROR)
C := $(CC) -std=gnu17 -D_GNU_SOURCE= $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -fvisibility=hidden -MMD -MP
# It lives in other people's processes: no call of its own may come back to a wrapper (-fno-builtin); exceptions and
# cancellation pass through its frames by their unwind tables, without an unwinder of its own (no -fexceptions, which
# would bring libgcc_s). Two counters updated by one vector store are read back by two scalar ones, which defeats
# store forwarding: -fno-tree-vectorize -fno-reorder-blocks-and-partition.
PRELOAD_FLAGS := -fPIC -ftls-model=initial-exec -fno-builtin -fno-tree-vectorize -fno-reorder-blocks-and-partition -fno-semantic-interposition
PRELOAD_LINK := -shared -static-libgcc -Wl,-soname,libpagegap.so -Wl,--version-script=$(BUILD)/preload/pagegap.map \
	-Wl,-Bsymbolic-functions -Wl,-z,initfirst,-z,defs,-z,now,-z,relro,-z,noseparate-code,-z,noexecstack
# The allocator: libc's own malloc is built-in to the compiler, which would turn calloc's body into a call of calloc.
ALLOC_FLAGS := -fPIC -ftls-model=initial-exec -fno-builtin-malloc -fno-builtin-calloc
ALLOC_LINK := -shared -static-libgcc -Wl,-soname,libpagepool.so -Wl,--version-script=alloc/pagepool.map \
	-Wl,-z,defs,-z,now,-z,relro,-z,noexecstack,-z,nodelete,-z,noseparate-code
REPORT_FLAGS := -fPIE
REPORT_LINK := -pie -Wl,-z,now,-z,relro
PROFILE := $(BUILD)/report/profile.a
REPORT_LIBS := $(PROFILE) -ljansson -ldw -lelf -liberty -lZydis -lm -lprotobuf-c -lz
# Programs under observation do the allocations that their source says, whatever the optimiser thinks of them.
PROGRAM_FLAGS := -O1 -g -Wall -Wextra $(WERROR) -fno-builtin -fno-allocation-dce -pthread -iquote preload -iquote alloc -MMD -MP
ASAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN := -O1 -g -fsanitize=thread

PRELOAD_SRC := $(wildcard preload/*.c preload/*.S)
ALLOC_SRC := $(wildcard alloc/*.c)
LEDGER_SRC := $(wildcard preload/ledger*.c preload/smaps.c preload/pages.c preload/sandbox.c preload/kept.c)
REPORT_SRC := $(wildcard report/*.c)
PROGRAM_SRC := $(wildcard $(foreach dir,examples tests/hostile tests/oracle tests/pool,$(dir)/*.c $(dir)/*.cc))
BENCH_SRC := $(wildcard tests/bench_*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)

objects = $(addprefix $2/,$(addsuffix .o,$(basename $1)))
programs = $(addprefix $2/,$(basename $1))
# What stands after "KEY:" in the first lines of a file: read for all of them at once, as one variable each.
define newline


endef
$(eval $(subst @@,$(newline),$(shell awk 'FNR <= 20 && match($$0, /^[\/* ]*(links|build|sanitize): */) { \
	key = substr($$0, 1, RLENGTH); gsub(/[^a-z]/, "", key); text = substr($$0, RLENGTH + 1); sub(/ *\*\/ *$$/, "", text); \
	gsub(/[$$]/, "$$$$", text); printf "header.%s.%s += %s@@", FILENAME, key, text }' \
	$(PROGRAM_SRC) $(BENCH_SRC) $(UNIT_SRC) $(FUZZ_SRC))))
header = $(header.$1.$2)
linked = $(foreach word,$(call header,$1,links),\
	$(if $(filter %.c %.S,$(word)),$(wildcard $(word)),$(filter-out %/main.c,$(wildcard $(word)/*.c))))
for_threads = $(foreach source,$1,$(if $(filter thread,$(call header,$(source),sanitize)),$(source)))

LIBRARY := $(BUILD)/libpagegap.so
POOL := $(BUILD)/libpagepool.so $(BUILD)/libpagepool.a
COMMAND := $(BUILD)/pagegap
PROGRAMS := $(call programs,$(PROGRAM_SRC) $(BENCH_SRC),$(BUILD))
UNITS := $(call programs,$(UNIT_SRC),$(BUILD))
ASAN_UNITS := $(call programs,$(UNIT_SRC),$(BUILD)/asan)
TSAN_UNITS := $(call programs,$(call for_threads,$(UNIT_SRC)),$(BUILD)/tsan)
FUZZERS := $(call programs,$(FUZZ_SRC),$(BUILD)/fuzz)

##@ The two commands of the README
.PHONY: demo check
demo: all ## install what is missing, build, show pagegap on a real program
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" CC='$(CC)' tests/demo.sh

check: all programs units ## install what is missing, build, run every test (under 15 minutes)
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" CC='$(CC)' CXX='$(CXX)' tests/check.sh

##@ Building
.PHONY: all programs units clean help
all: $(LIBRARY) $(POOL) $(COMMAND) ## the libraries and the command (default)
programs: $(PROGRAMS) ## the examples and the programs that tests observe
units: $(UNITS) ## the unit tests
clean: ## remove what was built
	rm -rf -- $(BUILD)
help: ## this list
	@awk -F ':.*## ' '/^##@/ { print substr($$0, 5) } \
		/^[a-z].*## / { sub(/[ :].*/, "", $$1); printf "  %-11s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables: BUILD=build PREFIX=/usr/local DESTDIR= CC=cc CXX=c++ CFLAGS="-O2 -g" WERROR=-Werror V=1'

##@ Installing
.PHONY: install uninstall deps deps-build deps-check
install: all ## into PREFIX (default /usr/local), below DESTDIR
	install -D -m 755 $(COMMAND) "$(DESTDIR)$(PREFIX)/bin/pagegap"
	install -D -m 755 $(LIBRARY) "$(DESTDIR)$(PREFIX)/lib/libpagegap.so"
	install -D -m 755 $(BUILD)/libpagepool.so "$(DESTDIR)$(PREFIX)/lib/libpagepool.so"
	install -D -m 644 $(BUILD)/libpagepool.a "$(DESTDIR)$(PREFIX)/lib/libpagepool.a"
	install -D -m 644 preload/pagegap.h "$(DESTDIR)$(PREFIX)/include/pagegap.h"
	install -D -m 644 alloc/pagepool.h "$(DESTDIR)$(PREFIX)/include/pagepool.h"
	install -D -m 644 report/pagegap.1 "$(DESTDIR)$(PREFIX)/share/man/man1/pagegap.1"
uninstall: ## remove it again
	cd "$(DESTDIR)$(PREFIX)" && rm -f bin/pagegap lib/libpagegap.so lib/libpagepool.so lib/libpagepool.a \
		include/pagegap.h include/pagepool.h share/man/man1/pagegap.1
deps: deps-check ## install the Debian packages that building and testing need
	$(Q)tests/deps.sh bench fuzz
deps-build:
	$(Q)tests/deps.sh build
deps-check:
	$(Q)tests/deps.sh build check

##@ Measuring and digging deeper
.PHONY: bench bench-alloc fuzz sanitize lint campaign
bench: all programs ## cost of pagegap beside heaptrack and memusage (RUNS=5, BENCH_OPTIONS=)
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" tests/bench.sh --runs=$(RUNS) $(BENCH_OPTIONS)
bench-alloc: all programs ## the pooled allocator beside glibc, jemalloc, mimalloc, tcmalloc (RUNS=5)
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" tests/bench_alloc.sh --runs=$(RUNS) $(BENCH_OPTIONS)
fuzz: $(FUZZERS) ## libFuzzer on reading recordings and call logs, and on patching code (FUZZ_SECONDS=600)
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" FUZZ_SECONDS='$(FUZZ_SECONDS)' tests/fuzz.sh $(notdir $(FUZZERS))
sanitize: all $(ASAN_UNITS) $(TSAN_UNITS) $(BUILD)/asan/pagegap $(BUILD)/tests/oracle/log_made ## unit tests and reporter under ASan, UBSan, TSan
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" tests/sanitize.sh
lint: ## shellcheck, cppcheck and the house rules
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" tests/lint.sh
campaign: all programs ## the slow tests: real programs, kills at random moments
	$(Q)BUILD='$(abspath $(BUILD))' SRC="$$PWD" tests/check.sh tests/campaign/*.sh

# --- the library ---

PRELOAD_OBJ := $(call objects,$(PRELOAD_SRC),$(BUILD))
$(BUILD)/preload/%.o $(BUILD)/asan/preload/%.o $(BUILD)/tsan/preload/%.o: PART := $(PRELOAD_FLAGS)
# In the middle of a program's code: no register but the general ones, and none of libc's functions, which use others.
GENERAL := dispatch_hub log log_take log_argument log_window
$(GENERAL:%=$(BUILD)/preload/%.o): PART := $(PRELOAD_FLAGS) -mgeneral-regs-only \
	-mmemcpy-strategy=rep_8byte:-1:noalign -mmemset-strategy=rep_8byte:-1:noalign
$(BUILD)/alloc/%.o $(BUILD)/asan/alloc/%.o $(BUILD)/tsan/alloc/%.o: PART := $(ALLOC_FLAGS)
$(BUILD)/report/%.o $(BUILD)/asan/report/%.o: PART := $(REPORT_FLAGS) -I$(BUILD)/report
$(BUILD)/fuzz/report/%.o: PART := -I$(BUILD)/report

$(BUILD)/preload/pagegap.map: preload/pagegap.map preload/wrappers_table.h $(BUILD)/.flags
	$(call say,CPP,$<)
	$(Q)mkdir -p $(@D) && $(CC) -E -P -undef -x c -o $@ $<
$(LIBRARY): $(PRELOAD_OBJ) $(BUILD)/preload/pagegap.map $(BUILD)/.sources
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(PRELOAD_LINK) -o $@ $(PRELOAD_OBJ)

# --- the pooled allocator ---

ALLOC_OBJ := $(call objects,$(ALLOC_SRC),$(BUILD))
$(BUILD)/libpagepool.so: $(ALLOC_OBJ) alloc/pagepool.map $(BUILD)/.sources
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(ALLOC_LINK) -o $@ $(ALLOC_OBJ)
$(BUILD)/libpagepool.a: $(ALLOC_OBJ) $(BUILD)/.sources
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(ALLOC_OBJ)

# --- the command ---

$(COMMAND): $(call objects,$(REPORT_SRC) $(LEDGER_SRC),$(BUILD)) $(BUILD)/.sources $(PROFILE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(REPORT_LINK) -o $@ $(filter %.o,$^) $(REPORT_LIBS)

$(BUILD)/asan/pagegap: $(call objects,$(REPORT_SRC) $(LEDGER_SRC),$(BUILD)/asan) $(PROFILE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ASAN) -pie -o $@ $(filter %.o,$^) $(REPORT_LIBS)

# What protoc-c makes of the profile's messages; it is not ours to warn about.
$(BUILD)/report/profile.pb-c.h: report/profile.proto $(BUILD)/.flags
	$(call say,PROTO,$<)
	$(Q)mkdir -p $(@D) && protoc-c --proto_path=report --c_out=$(@D) $<
$(PROFILE): $(BUILD)/report/profile.pb-c.h
	$(call say,AR,$@)
	$(Q)$(CC) $(CFLAGS) $(REPORT_FLAGS) -w -I$(<D) -c -o $(@:.a=.pb-c.o) $(<:.h=.c) && rm -f $@ && ar rcs $@ $(@:.a=.pb-c.o)
$(foreach dir,$(BUILD) $(BUILD)/asan $(BUILD)/fuzz,$(dir)/report/report_pprof.o): $(BUILD)/report/profile.pb-c.h

# --- objects ---

$(BUILD)/%.o: %.c $(BUILD)/.flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(C) $(PART) -c -o $@ $<
$(BUILD)/%.o: %.S $(BUILD)/.flags
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/asan/%.o: %.S $(BUILD)/.flags
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/asan/%.o: %.c $(BUILD)/.flags
	$(call say,ASAN,$<)
	$(Q)mkdir -p $(@D) && $(C) $(PART) $(ASAN) -c -o $@ $<
$(BUILD)/tsan/%.o: %.c $(BUILD)/.flags
	$(call say,TSAN,$<)
	$(Q)mkdir -p $(@D) && $(C) $(PART) $(TSAN) -c -o $@ $<
$(BUILD)/fuzz/%.o: %.c $(BUILD)/.flags
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) -std=gnu17 -D_GNU_SOURCE= $(PART) -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all -MMD -MP -c -o $@ $<

# --- observed programs, unit tests, fuzz targets: one rule each, from the leading comment of the source ---

# $1: source, $2: compiler, $3: language; examples/pool_* are linked with the pooled allocator
define program_rule
$(BUILD)/$(basename $1): $1 $(BUILD)/.flags $(if $(filter examples/pool_%,$1),$(BUILD)/libpagepool.a) $(call objects,$(call linked,$1),$(BUILD))
	$$(call say,CC,$1)
	$$(Q)mkdir -p $$(@D) && flags=($$(call header,$1,build)) && \
	if echo '#include <stdio.h>' | cat - <(echo 'int main(void) { return 0; }') | \
			$2 -x $3 - "$$$${flags[@]}" -o /dev/null 2>/dev/null; then \
		$2 $(PROGRAM_FLAGS) -o $$@ $$< $$(filter %.a %.o,$$^) "$$$${flags[@]}"; \
	else \
		echo "skip - $1: this toolchain cannot build with $$$${flags[*]}"; \
	fi
endef
$(foreach source,$(filter %.c,$(PROGRAM_SRC) $(BENCH_SRC)),\
	$(eval $(call program_rule,$(source),$(CC) -std=gnu17 -D_GNU_SOURCE=,c)))
$(foreach source,$(filter %.cc,$(PROGRAM_SRC)),\
	$(eval $(call program_rule,$(source),$(CXX) -std=gnu++17,c++)))

# $1: source, $2: directory, $3: compiler with its sanitizers
define unit_rule
$2/$(basename $1): $(call objects,$1 $(call linked,$1),$2) $(PROFILE)
	$$(call say,LINK,$$@)
	$$(Q)$3 -pthread -Wl,--as-needed -o $$@ $$(filter %.o,$$^) $4 $(call header,$1,build) $(REPORT_LIBS)
endef
$(foreach source,$(UNIT_SRC),$(eval $(call unit_rule,$(source),$(BUILD),$(CC) $(CFLAGS) $(LDFLAGS),-lcmocka)))
$(foreach source,$(UNIT_SRC),$(eval $(call unit_rule,$(source),$(BUILD)/asan,$(CC) $(ASAN),-lcmocka)))
$(foreach source,$(UNIT_SRC),$(eval $(call unit_rule,$(source),$(BUILD)/tsan,$(CC) $(TSAN),-lcmocka)))
$(foreach source,$(FUZZ_SRC),\
	$(eval $(call unit_rule,$(source),$(BUILD)/fuzz,$(CLANG) -fsanitize=fuzzer$(,)address$(,)undefined)))

# --- what make cannot see by itself: changed flags, removed sources, packages to install first ---

.PHONY: FORCE
# Writes the target only when its text changes.
renew = @mkdir -p $(@D); echo '$1' | cmp -s - $@ || echo '$1' >$@

# Packages first: nothing is compiled before the flags are written.
PACKAGES := $(if $(filter check,$(MAKECMDGOALS)),deps-check,$(if $(filter demo,$(MAKECMDGOALS)),deps-build))
$(BUILD)/.flags: FORCE | $(PACKAGES)
	$(call renew,$(C) $(PRELOAD_FLAGS) $(ALLOC_FLAGS) $(REPORT_FLAGS) $(PROGRAM_FLAGS) $(LDFLAGS))
$(BUILD)/.sources: FORCE
	$(call renew,$(PRELOAD_SRC) $(ALLOC_SRC) $(REPORT_SRC) $(LEDGER_SRC) $(PRELOAD_LINK) $(ALLOC_LINK) $(REPORT_LINK) $(REPORT_LIBS))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
