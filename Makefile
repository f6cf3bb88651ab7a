# weir: a C core (src/*.c -> weir/core.so) under a Lua layer (lua/weir). `make help` lists the targets.
#
# Set on the command line or in the environment: LUA, LUA_CFLAGS, LUA_LIBS, CC, CFLAGS, PREFIX, DESTDIR.

LUA ?= lua5.4
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
ARGS ?= # for busted: make spec ARGS='--filter=cancel'

# Lazy on purpose: `make test` may have to install pkg-config and the headers first.
LUA_PC = $(shell for p in lua5.4 lua-5.4 lua; do \
	pkg-config --exists "$$p >= 5.4" 2>/dev/null && echo $$p && break; done)
LUA_CFLAGS ?= $(if $(LUA_PC),$(shell pkg-config --cflags $(LUA_PC)),$(error \
	no Lua 5.4 headers: install pkg-config and liblua5.4-dev, or set LUA_CFLAGS))
# For programs; the module is not linked with these.
LUA_LIBS ?= $(if $(LUA_PC),$(shell pkg-config --libs $(LUA_PC)))

WARNINGS = -Wall -Wextra -Wpedantic $(WERROR)
ifeq ($(CI),true)
WERROR = -Werror
endif
REQUIRED = -std=c99 -fPIC -pthread -fvisibility=hidden $(WARNINGS)
COMPILE = $(CC) $(REQUIRED) $(CFLAGS) $(CPPFLAGS) $(LUA_CFLAGS)

# The module a Lua program in this directory loads is ./weir/core.so. A build with another compiler or
# with sanitizers is a variant: `make V=name ...` keeps all it makes below build/name.
OBJ = build/$(or $(V),default)
ROOT = $(if $(V),$(OBJ),.)
CORE = $(ROOT)/weir/core.so

SOURCES := $(sort $(wildcard src/*.c))
OBJECTS = $(SOURCES:src/%.c=$(OBJ)/%.o)
# There alone the version is written; `make lint` looks at what cannot be made of it.
VERSION := $(shell sed -n 's/^.define WEIR_VERSION  *"\(.*\)"/\1/p' src/weir.h)
MODULES := $(sort $(shell find lua -name '*.lua'))
ROCKSPEC = rockspec/weir-scm-1.rockspec
C_FILES := $(wildcard src/*.[ch] spec/*.h spec/c/*.[ch] spec/budget/*.c spec/host/*.[ch] spec/host/*.cc \
	spec/host/*/*.c spec/threads/*.c spec/oom/*.c spec/fuzz/*.[ch] tools/*.c bench/*.c bench/echo/*.c examples/*/*.[ch])
C_SPECS := $(patsubst spec/c/%.c,%,$(sort $(wildcard spec/c/*.c)))

# The cases of spec/host in a host that has weir in it, and in a module that has not; and others that
# use weir.h, two of them as it is not.
HOST = $(OBJ)/host
HOST_OBJECTS = $(patsubst spec/host/%.c,$(HOST)/%.o,$(sort $(wildcard spec/host/*.c)))
HOST_CASES = $(filter-out $(HOST)/compiled_in.o $(HOST)/as_module.o,$(HOST_OBJECTS))
HOST_PROGRAMS = $(HOST)/compiled_in $(HOST)/cases.so $(HOST)/cxx $(HOST)/countdown.so \
	$(HOST)/newer/fetch.so $(HOST)/other/fetch.so $(HOST)/page/host $(HOST)/later.so \
	$(HOST)/elsewhere.so $(HOST)/handles.so $(HOST)/replay
GAME = $(OBJ)/game/game
GAME_OBJECTS = $(patsubst examples/game/%.c,$(OBJ)/game/%.o,$(sort $(wildcard examples/game/*.c)))
THREADS = $(OBJ)/examples/threads
THREAD_SPECS = $(patsubst spec/threads/%.c,$(OBJ)/threads/%,$(wildcard spec/threads/*.c))
EXAMPLES := cascade cancel_one factorial mutual release
# The console asks another program.
EXAMPLES += $(filter-out $(EXAMPLES) console,$(patsubst examples/%.lua,%,$(sort $(wildcard examples/*.lua))))

# What a target runs, as Debian packages. The compiler itself is there, or make says so.
TO_BUILD = pkg-config lua5.4 liblua5.4-dev
TO_DOCUMENT = lua-ldoc lua-discount lua5.1
TO_TEST = $(TO_BUILD) $(TO_DOCUMENT) git gcc g++ clang clang-format lua-busted lua-check luarocks \
	$(LIBUV) lua-cqueues
# What weir.luv and weir.socket stand on, and what their specs run over them.
LIBUV = lua-luv lua-socket lua-redis redis-server
TO_CHECK = $(TO_TEST) clang-tidy cppcheck valgrind
PEERS = lua-cqueues lua-luv python3-twisted nodejs

# Versioned variables would win over these two.
unexport LUA_PATH_5_4 LUA_CPATH_5_4
PATHS = LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='$(ROOT)/?.so;$(HOST)/?.so;;'
RUN = $(PATHS) $(WRAP) $(LUA)
# Not the busted command: that one picks a Lua of its own. The empty script gives it its arguments.
BUSTED = $(WRAP) $(LUA) -e 'require "busted.runner" { standalone = false }' /dev/null \
	--ignore-lua --cpath='$(ROOT)/?.so' $(ARGS)

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile) FORCE
SUB = +@$(MAKE) --no-print-directory

build: $(CORE) ## build weir/core.so (the default)

$(CORE): $(OBJECTS) $(OBJ)/command
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -pthread -o $@ $(OBJECTS) $(LDLIBS)

$(OBJ)/%.o: src/%.c $(OBJ)/command
	$(COMPILE) -MMD -MP -c -o $@ $<

# Changes with the compiler and its flags, so that no stale object is linked.
$(OBJ)/command: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(LDFLAGS) $(LDLIBS)' | cmp -s - $@ || echo '$(COMPILE) $(LDFLAGS) $(LDLIBS)' >$@

-include $(OBJECTS:.o=.d)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# -- run it ---------------------------------------------------------------------------------------

demo: ## install what is missing, build, run the short programs of examples/
	@tools/deps.sh $(TO_BUILD)
	$(SUB) build
	$(SUB) examples

examples: build $(THREADS)
	@set -e; for name in $(EXAMPLES); do \
		echo "== examples/$$name.lua"; $(RUN) examples/$$name.lua; echo; \
	done
	@echo "== examples/threads"; $(PATHS) $(WRAP) $(THREADS)

workers: build ## run examples/workers: jobs over Redis, with a server of its own
	@tools/deps.sh lua-luv lua-redis redis-server
	@$(RUN) examples/workers/demo.lua

workers-bench: build ## jobs a second with 1, 2 and 4 workers, docs/scaling.md (ARGS='--jobs 20000')
	@tools/deps.sh lua-luv lua-redis redis-server
	@$(RUN) examples/workers/bench.lua $(ARGS)

threads: $(THREADS) ## run examples/threads (WORKERS=4; as many as there are cores)
	@$(PATHS) $(WRAP) $(THREADS)

$(THREADS): $(wildcard examples/threads/*.[ch]) $(OBJECTS) src/weir.h $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -iquote src $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(FOR_TSAN) $(LUA_LIBS) $(LDLIBS)

game: $(GAME) ## play examples/game in a terminal (ARGS='--npcs 2000')
	@$(GAME) $(ARGS)

$(GAME): $(GAME_OBJECTS) $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(LUA_LIBS) -lm $(LDLIBS)

$(OBJ)/game/%.o: examples/game/%.c $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -iquote src -MMD -MP -c -o $@ $<

-include $(GAME_OBJECTS:.o=.d)

chat: ## run examples/chat, a chat server (ARGS='--port 4001')
	@tools/deps.sh $(TO_BUILD) lua-luv
	$(SUB) build
	@$(RUN) examples/chat/main.lua $(ARGS)

graph: build ## draw what examples/inside.lua looks like: build/graph.svg, build/graph.png
	@tools/deps.sh graphviz
	@$(RUN) examples/inside.lua graph >build/graph.dot
	@for type in svg png; do dot -T$$type -o build/graph.$$type build/graph.dot; done
	@echo build/graph.svg build/graph.png

# Without what differs from run to run.
pictures: build ## those in the documents, docs/pictures
	@tools/deps.sh graphviz
	@mkdir -p docs/pictures
	@$(RUN) examples/inside.lua graph | sed -E 's/: 0x[0-9a-f]+//; s/waiting [0-9.]+ s/waiting/' | \
		dot -Tsvg | sed '/<!-- Generated by/,/-->/d' >docs/pictures/inside.svg
	@echo docs/pictures/inside.svg

bench: build ## measure against plain Lua, bench/README.md (ARGS='switch spawn')
	@$(RUN) bench/run.lua $(ARGS)

bench-limit: $(OBJ)/bench/limit ## what the bare API of Lua costs, in C
	@$<

$(OBJ)/bench/limit: bench/limit.c $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) $(LDFLAGS) -o $@ $< $(LUA_LIBS) $(LDLIBS)

# Peers that cannot be installed are left out.
bench-peers: ## the same on other libraries and languages, bench/peers/README.md (ARGS='switch')
	@tools/deps.sh $(TO_BUILD)
	@tools/deps.sh $(PEERS) || echo 'going on without'
	$(SUB) build
	@$(RUN) bench/peers/run.lua $(ARGS)

bench-echo: ## echo servers over weir.luv, luv and cqueues, bench/echo/README.md (ARGS='1 50')
	@tools/deps.sh $(TO_BUILD) lua-luv
	@tools/deps.sh lua-cqueues || echo 'going on without'
	$(SUB) build $(OBJ)/bench/load
	@$(RUN) bench/echo/run.lua $(OBJ)/bench/load $(ARGS)

bench-chat: ## what a connection to examples/chat costs, and a broadcast (ARGS='2000')
	@tools/deps.sh $(TO_BUILD) lua-luv
	$(SUB) build
	@$(RUN) examples/chat/bench.lua $(ARGS)

$(OBJ)/bench/load: bench/echo/load.c $(OBJ)/command
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

bench-count: ## instructions per operation: 5% over bench/counts.txt fail (RECORD=1: write it)
	@tools/deps.sh $(TO_BUILD) valgrind
	$(SUB) build
	@CC='$(CC)' CFLAGS='$(CFLAGS)' $(RUN) bench/count.lua $(if $(RECORD),record)

# -- prove it -------------------------------------------------------------------------------------

# In sequence, the cheap steps first; the specs last, whose closing line sums up.
test: ## install what is missing, build with both compilers, lint, run the specs
	@tools/deps.sh $(TO_TEST)
	$(SUB) build
	$(SUB) lint
	$(SUB) second-compiler
	$(SUB) docs
	$(SUB) package
	$(SUB) installed
	$(SUB) c-spec
	$(SUB) frames-spec
	$(SUB) game-spec
	$(SUB) thread-spec
	$(SUB) $(ASAN_BUILD) build hosts
	$(SUB) -j1 asan
	$(SUB) -j1 oom OOM='calls cancel flow many pause sync'
	$(SUB) -j1 gc-stress N=20
	$(SUB) -j1 valgrind-core
	$(SUB) spec

check: ## test, then clang-tidy and other analyzers, and all specs under valgrind
	@tools/deps.sh $(TO_CHECK)
	$(SUB) test
	$(SUB) tidy
	$(SUB) cppcheck
	$(SUB) analyze
	$(SUB) valgrind

spec: build hosts ## only the busted specs (ARGS='--filter=...')
	@WEIR_HOST='$(HOST)' PARTS='$(PARTS)' $(PATHS) $(if $(ARGS),,tools/specs.sh) $(BUSTED)

# Each spec/c/*.c is a program of its own that exits with 0 when all is well. So are all cases of
# spec/host together; the busted specs run them one by one.
c-spec: build $(C_SPECS:%=$(OBJ)/c/%) hosts
	@set -e; for program in $(C_SPECS:%=$(OBJ)/c/%); do $(WRAP) $$program; done
	@$(PATHS) $(WRAP) $(HOST)/compiled_in
	@$(RUN) -e 'os.exit(require "cases"() == 0, true)'

$(OBJ)/c/%: spec/c/%.c spec/c/check.h $(wildcard src/*.[ch]) $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -iquote src $(LDFLAGS) -o $@ $< $(LDLIBS)

hosts: $(HOST_PROGRAMS) $(THREADS)

$(HOST)/%.o: spec/host/%.c $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -iquote src -MMD -MP -c -o $@ $<

$(HOST)/compiled_in: $(HOST)/compiled_in.o $(HOST_CASES) $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(LUA_LIBS) $(LDLIBS)

$(HOST)/cases.so: $(HOST)/as_module.o $(HOST_CASES)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(HOST)/cxx: spec/host/cxx.cc src/weir.h $(OBJECTS)
	$(CXX) -std=c++17 -pthread $(WARNINGS) $(CFLAGS) $(CPPFLAGS) $(LUA_CFLAGS) -iquote src $(LDFLAGS) -o $@ \
		$< $(OBJECTS) $(LUA_LIBS) $(LDLIBS)

$(HOST)/%.so: spec/host/modules/%.c src/weir.h $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -iquote src $(LDFLAGS) -shared -o $@ $< $(LDLIBS)

# A header with a member more than the library has, and one whose members are others.
$(HOST)/newer/weir.h: src/weir.h
	@mkdir -p $(@D)
	@sed 's/^} weir_Api;/  void (*added)(lua_State *L);\n&/' $< >$@

$(HOST)/other/weir.h: src/weir.h
	@mkdir -p $(@D)
	@sed 's/"weir\.api\.[0-9]*"/"weir.api.999"/' $< >$@

$(HOST)/newer/fetch.so $(HOST)/other/fetch.so: %fetch.so: spec/host/modules/fetch.c %weir.h
	$(COMPILE) -I$(@D) $(LDFLAGS) -shared -o $@ $< $(LDLIBS)

# The programs in docs/embedding.md: the blocks of C.
$(HOST)/page/host.c: BLOCK = 1
$(HOST)/page/later.c: BLOCK = 2
$(HOST)/page/elsewhere.c: BLOCK = 3
$(HOST)/page/host.c $(HOST)/page/later.c $(HOST)/page/elsewhere.c: docs/embedding.md Makefile
	@mkdir -p $(@D)
	@awk '/^```/ { inside = /^```c$$/; n += inside; next } inside && n == $(BLOCK)' $< >$@

$(HOST)/page/host: $(HOST)/page/host.c src/weir.h $(OBJECTS)
	$(COMPILE) -Werror -iquote src $(LDFLAGS) -o $@ $< $(OBJECTS) $(LUA_LIBS) $(LDLIBS)

$(HOST)/later.so $(HOST)/elsewhere.so: $(HOST)/%.so: $(HOST)/page/%.c src/weir.h
	$(COMPILE) -Werror -iquote src $(LDFLAGS) -shared -o $@ $< $(LDLIBS)

# The fuzzer of the C interface, without the fuzzer: it plays files. The clock is its own.
FUZZ_SOURCES = $(filter-out %/replay.c,$(wildcard spec/fuzz/*.c))
FUZZ_LINK = -Wl,--wrap=weir_platform_now $(LDFLAGS)
$(HOST)/replay: spec/fuzz/replay.c $(FUZZ_SOURCES) spec/fuzz/fuzz.h spec/memory.h src/weir.h $(OBJECTS)
	@mkdir -p $(@D)
	$(COMPILE) -iquote src $(FUZZ_LINK) -o $@ $(filter %.c %.o,$^) $(LUA_LIBS) $(LDLIBS) -lm

-include $(HOST_OBJECTS:.o=.d)

# What versions.sh has to have built.
programs: hosts $(GAME) $(OBJ)/frames/weir/core.so

# In a weir of its own, whose real clock is the spec's.
frames-spec: $(OBJ)/frames/weir/core.so ## the specs with a clock of their own: budgets, timing
	@LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='$(OBJ)/frames/?.so;;' $(WRAP) $(LUA) \
		-e 'require "busted.runner" { standalone = false }' /dev/null --ignore-lua \
		--cpath='$(OBJ)/frames/?.so' $(sort $(wildcard spec/budget/*.lua))

$(OBJ)/frames/weir/core.so: spec/budget/time.c $(OBJECTS) $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -Isrc $(LDFLAGS) -shared -Wl,--wrap=weir_platform_now -o $@ $< $(OBJECTS) $(LDLIBS)

# The picture in its README is one of those.
PICTURE = local function read(name) return assert(io.open("examples/game/" .. name)):read "a" end \
	local picture = read("README.md"):match "```text\n(.-)```" \
	assert(read("demo.txt"):find(picture, 1, true), "the picture in README.md is not in demo.txt")
game-spec: $(GAME) ## play the keys of examples/game/demo.keys: all that it prints is demo.txt
	@$(WRAP) $(GAME) --replay examples/game/demo.keys >$(OBJ)/game/demo.txt
	@diff -u examples/game/demo.txt $(OBJ)/game/demo.txt && $(LUA) -e '$(PICTURE)'
	@echo 'game: played as recorded'

# Programs with threads: one has weir compiled in, one finds it by require.
thread-spec: build $(THREAD_SPECS) ## handles in other threads (HANDLES=20000 SEED=1)
	@$(PATHS) $(WRAP) $(OBJ)/threads/outlive
	@$(PATHS) $(WRAP) $(OBJ)/threads/stress $(HANDLES) $(SEED)

$(OBJ)/threads/%: spec/threads/%.c $(wildcard src/*.h spec/*/*.h) $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -iquote src $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(FOR_TSAN) $(LUA_LIBS) $(LDLIBS)

$(OBJ)/threads/stress: $(OBJECTS)

# Lua itself is the system's: the sanitizer sees what weir and the programs do, and all locks.
TSAN = -O1 -g -fsanitize=thread
FOR_TSAN = $(if $(findstring -fsanitize=thread,$(CFLAGS)),tools/tsan.c)
tsan: ## handles and states in many threads under the thread sanitizer (HANDLES=1000000)
	@tools/deps.sh $(TO_BUILD) gcc
	$(SUB) V=tsan CC=gcc CFLAGS='$(TSAN)' HANDLES='$(or $(HANDLES),1000000)' thread-spec threads

second-compiler:
	$(SUB) V=second CC=$(if $(findstring clang,$(CC)),gcc,clang) WERROR=-Werror build

# Made twice: the same archive comes of the same files.
package: ## from an archive to a rock, to an installed one, to nothing; and the same with make install
ifeq ($(wildcard .git),)
	@echo 'package: skipped, this is no checkout'
else
	$(SUB) dist
	@mv $(ARCHIVE) build/first.tar.gz
	$(SUB) dist
	@cmp build/first.tar.gz $(ARCHIVE) && rm build/first.tar.gz
	@MAKE='$(MAKE)' LUA='$(LUA)' tools/package.sh $(ARCHIVE)
endif

# All that is used is what install put there: the header, the module and its Lua files.
TREE = $(CURDIR)/build/installed
installed: build ## compile and load a C module against an installed tree
	@rm -rf $(TREE)
	@$(MAKE) --no-print-directory install PREFIX=$(TREE) DESTDIR= >/dev/null
	@cp spec/host/modules/countdown.c $(TREE)
	@cd $(TREE) && $(COMPILE) $$(PKG_CONFIG_PATH=lib/pkgconfig pkg-config --cflags weir) -Werror \
		-shared -o countdown.so countdown.c $(LDLIBS)
	@cd $(TREE) && LUA_PATH='share/lua/5.4/?.lua;share/lua/5.4/?/init.lua' \
		LUA_CPATH='lib/lua/5.4/?.so;./?.so' $(LUA) \
		-e 'assert(require "weir".run(require "countdown".countdown, 2) == "liftoff")' \
		-e 'print "installed: a C module builds and runs"'

# -- keep it clean --------------------------------------------------------------------------------

lint: rockspec-lint meta-lint state-lint ## lists, names and types; luacheck and the format of C, where the tools are there
	@if command -v luacheck >/dev/null; then luacheck -q --no-color .; else echo 'no luacheck: skipped'; fi
	@if ! command -v clang-format >/dev/null; then echo 'no clang-format: skipped'; \
	else clang-format --dry-run -Werror $(C_FILES); fi

rockspec-lint:
	@mkdir -p build
	@printf '%s\n' $(SOURCES) $(MODULES) | LC_ALL=C sort >build/files
	@grep -Eo '"(src|lua)/[^"]+"' $(ROCKSPEC) | tr -d '"' | LC_ALL=C sort | \
		diff -u --label $(ROCKSPEC) --label 'the files there are' - build/files

# What the module has, what the reference has, and the types for editors; the map; the version.
meta-lint: build
	@$(RUN) tools/check_meta.lua
	@$(RUN) tools/map.lua
	@$(RUN) tools/check_version.lua

meta: build ## the descriptions in lua/weir/meta.lua, from those in docs/reference.md
	@$(RUN) tools/check_meta.lua write

map: ## the map in CONTRIBUTING.md, from what the files say of themselves
	@$(RUN) tools/map.lua write

# What is written to belongs to a Lua state: nothing of the library is in a section that a process can
# write to, but for what the loader alone does.
state-lint: $(OBJECTS)
	@! objdump -t $^ | grep -E '\s(\.t?data|\.t?bss|\*COM\*)\S*\s+0*[1-9a-f]\S*\s' | grep -vE '\.rel\.ro'

DOCS = build/docs
docs: build ## the documents as HTML, in build/docs/html
	@tools/deps.sh $(TO_DOCUMENT)
	@rm -rf $(DOCS) && mkdir -p $(DOCS)/source
	@$(RUN) tools/docs.lua $(DOCS)/source
	@cd $(DOCS)/source && ldoc --quiet --fatalwarnings --config config.ld .
	@cp -r docs/pictures $(DOCS)/html/topics
	@$(RUN) tools/check_html.lua $(DOCS)/html

tidy: ## clang-tidy
	@tools/deps.sh $(TO_BUILD) clang-tidy
	@mkdir -p build
	@clang-tidy --quiet $(SOURCES) -- -std=c99 $(CPPFLAGS) $(LUA_CFLAGS) 2>build/tidy.log || \
		{ cat build/tidy.log; exit 1; } # even without a finding it counts system headers' there

CPPCHECK = --quiet --error-exitcode=1 --inline-suppr --std=c99 --enable=warning,performance,portability
cppcheck: ## cppcheck
	@tools/deps.sh $(TO_BUILD) cppcheck
	@cppcheck $(CPPCHECK) -Isrc $(CPPFLAGS) $(SOURCES) $(wildcard tools/*.c)

# Of inlined code it takes what was tested and what is used for two values.
analyze: ## the analyzer of gcc
	@tools/deps.sh $(TO_BUILD) gcc
	$(SUB) V=analyze CC=gcc CFLAGS='-O0 -fanalyzer -DWEIR_ANALYZED' WERROR=-Werror build

# Both run the specs scaled down, and Lua closes the state when busted is through.
VALGRIND = WRAP="env WEIR_SCALE=small valgrind -q --error-exitcode=1 --leak-check=full --keep-debuginfo=yes \
	--child-silent-after-fork=yes --suppressions=$(CURDIR)/tools/valgrind.supp"
valgrind: ## the specs under valgrind
	@tools/deps.sh $(TO_BUILD) lua-busted valgrind $(LIBUV)
	$(SUB) spec c-spec frames-spec game-spec thread-spec HANDLES=2000 $(VALGRIND)

valgrind-core: ## those of them that are about the core
	@tools/deps.sh $(TO_BUILD) lua-busted valgrind
	$(SUB) spec ARGS='$(STRESS:%=spec/%_spec.lua)' $(VALGRIND)

# Not unloaded at lua_close: the report of a leak then has our function names.
ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all
ASAN_BUILD = V=asan CC=gcc CFLAGS='-O1 -g -fno-omit-frame-pointer $(ASAN)' LDFLAGS=-Wl,-z,nodelete
ASAN_ENV = WEIR_SCALE=small LSAN_OPTIONS=suppressions=$(CURDIR)/tools/lsan.supp:print_suppressions=0 \
	LD_PRELOAD='$$(gcc -print-file-name=libasan.so) libuv.so.1'
asan: ## the specs under the address and undefined-behaviour sanitizers
	@tools/deps.sh $(TO_BUILD) gcc lua-busted $(LIBUV)
	$(SUB) $(ASAN_BUILD) spec c-spec frames-spec game-spec thread-spec WRAP="env $(ASAN_ENV)"

# Specs that make little garbage of their own, and those of spec/stress.
STRESS = all await cancel clock close coroutine deferred every map pause sched scope slice tail \
	timeout traceback
gc-stress: ## a collection at every allocation, in both modes, under the same sanitizers (N=100)
	@tools/deps.sh $(TO_BUILD) gcc lua-busted $(LIBUV)
	$(SUB) $(ASAN_BUILD) stress-incremental stress-generational WRAP="env $(ASAN_ENV)"

stress-%: build $(OBJ)/stress.so
	@LUA_CPATH='$(ROOT)/?.so;$(OBJ)/?.so' LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua' $(WRAP) $(LUA) \
		spec/stress/programs.lua $* $(or $(N),100) $(OOM)
	@STRESS=$* PARTS='$(STRESS:%=spec/%_spec.lua)' $(PATHS) tools/specs.sh $(BUSTED) \
		--cpath='$(OBJ)/?.so' --helper=spec/stress/busted.lua

$(OBJ)/stress.so: tools/stress.c $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -shared -Wl,-z,nodelete -o $@ $<

# Each file of scenarios is a target, for make -j.
OOM = $(patsubst spec/oom/%.lua,%,$(filter-out %/run.lua %/help.lua,$(wildcard spec/oom/*.lua)))
oom: ## each allocation of spec/oom failing in turn, under the same sanitizers (OOM='fire time')
	@tools/deps.sh $(TO_BUILD) gcc
	$(SUB) $(ASAN_BUILD) $(OOM:%=oom-%)

oom-help oom-run: # what the checks share
	@echo 'no check: spec/oom/$(@:oom-%=%).lua' >&2; false

oom-%: $(OBJ)/oom
	@LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;' $< spec/oom/$*.lua

$(OBJ)/oom: spec/oom/main.c spec/memory.h src/weir.h $(OBJECTS)
	$(COMPILE) -iquote src $(LDFLAGS) -o $@ $< $(OBJECTS) $(LUA_LIBS) $(LDLIBS) -lm

# Twice: with gcov in the code, and under a hook that counts instructions of Lua. The specs left out
# there are about hooks of the user, and find that one.
COVERAGE = $(CURDIR)/build/coverage
HITS = env WEIR_SCALE=small HITS=$(COVERAGE)/hits \
	LUA_INIT='package.loadlib([[$(COVERAGE)/hits.so]], [[luaopen_hits]])()'
UNDER_HITS = $(filter-out %/slice_spec.lua %/trap_spec.lua,$(wildcard spec/*_spec.lua)) spec/hard \
	spec/regress spec/twisted
coverage: ## lines and branches of src and lua that the specs run, docs/reliability.md
	@tools/deps.sh $(TO_BUILD) gcc lua-busted $(LIBUV) lua-cqueues
	@rm -rf $(COVERAGE)/hits && mkdir -p $(COVERAGE)/hits && find $(COVERAGE) -name '*.gcda' -delete
	$(SUB) V=coverage CC=gcc CFLAGS='-O0 -g --coverage' LDFLAGS=-Wl,--exclude-libs,ALL HANDLES=2000 \
		WRAP='env WEIR_SCALE=small' spec || echo 'coverage: measured all the same'
	$(SUB) V=coverage CC=gcc CFLAGS='-O0 -g --coverage' LDFLAGS=-Wl,--exclude-libs,ALL HANDLES=2000 \
		WRAP='env WEIR_SCALE=small' c-spec frames-spec game-spec thread-spec $(OOM:%=oom-%)
	$(SUB) V=coverage CC=gcc build/coverage/hits.so
	$(SUB) PARTS='$(UNDER_HITS)' WRAP="$(HITS)" spec || echo 'coverage: measured all the same'
	@$(LUA) tools/coverage.lua build/coverage

$(OBJ)/hits.so: tools/hits.c $(OBJ)/command
	@mkdir -p $(@D)
	$(COMPILE) -D_POSIX_C_SOURCE=200809L -shared -Wl,-z,nodelete -o $@ $<

mutants: ## the core broken in ways that the specs should see (N=200 SEED=1 PLACE=src/wait.c:120)
	@tools/deps.sh $(TO_BUILD) gcc lua-busted $(LIBUV) lua-cqueues
	@MAKEFLAGS= nice $(LUA) tools/mutate.lua $(or $(N),200) $(or $(SEED),1) $(PLACE)

fuzz: build ## random programs on the module and on a model of it, spec/model/README.md (N=1000 SEED=1)
	@$(RUN) spec/model/fuzz.lua $(or $(N),100000) $(SEED)

# The compiler's own library has the main function. What is found stays in build/fuzz.
FUZZED = -O2 -g -fno-omit-frame-pointer $(ASAN)
fuzz-c: ## bytes to calls of the C interface, spec/fuzz/README.md (SECONDS=60)
	@tools/deps.sh $(TO_BUILD) clang libclang-rt-dev
	$(SUB) V=fuzz CC=clang CFLAGS='$(FUZZED) -fsanitize=fuzzer-no-link' build/fuzz/fuzz
	@mkdir -p build/fuzz/corpus
	@ASAN_OPTIONS=malloc_context_size=8 build/fuzz/fuzz -max_total_time=$(or $(SECONDS),60) -max_len=300 \
		-len_control=0 -timeout=60 -rss_limit_mb=4096 -close_fd_mask=2 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=build/fuzz/found- build/fuzz/corpus spec/fuzz/corpus
	$(SUB) fuzz-cover CORPUS='spec/fuzz/corpus/* build/fuzz/corpus/*'

$(OBJ)/fuzz: $(FUZZ_SOURCES) spec/fuzz/fuzz.h spec/memory.h src/weir.h $(OBJECTS)
	$(COMPILE) -fsanitize=fuzzer -iquote src $(FUZZ_LINK) -o $@ $(filter %.c %.o,$^) $(LUA_LIBS) $(LDLIBS) -lm

# Counted from nothing each time: the lines that are reached, file by file, and of all.
CORPUS = spec/fuzz/corpus/*
fuzz-cover: ## how much of src the inputs of spec/fuzz/corpus reach
	$(SUB) V=cover CC=gcc CFLAGS='-O0 -g --coverage' build/cover/host/replay
	@rm -f build/cover/*.gcda
	@echo $(CORPUS) | xargs -n 1000 build/cover/host/replay >/dev/null 2>&1
	@gcov -n -b -o build/cover $(SOURCES) | awk -F "[:%' ]" \
		'/^$$/ { is_ours = 0 } /^File/ { is_ours = $$3 ~ /^src.*c$$/; f = $$3 } !is_ours { next } \
		/^Lines/ { n += $$NF; hit += $$3 * $$NF / 100; printf "%6s%% %s\n", $$3, f } \
		/^Taken/ { b += $$NF; taken += $$5 * $$NF / 100 } \
		END { printf "%.1f%% of %d lines, %.1f%% of %d branches\n", 100 * hit / n, n, 100 * taken / b, b }'

versions: ## the specs with other releases of Lua (LUAS='DIR DIR'), see tools/versions.sh
	@tools/versions.sh $(LUAS)

soak: build ## memory stays flat, in both modes of the collector (SECONDS=60 SEED=1)
	@$(RUN) spec/soak.lua $(or $(SECONDS),60) $(SEED)

format: ## clang-format the C sources in place
	clang-format -i $(C_FILES)

# -- hand it on -----------------------------------------------------------------------------------

LUA_NUMBER = $(shell $(LUA) -e 'print(_VERSION:match "%d+%.%d+")')
LUA_DIR = $(DESTDIR)$(PREFIX)/share/lua/$(LUA_NUMBER)
LUA_C_DIR = $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_NUMBER)
PC_DIR = $(DESTDIR)$(PREFIX)/lib/pkgconfig
INCLUDE_DIR = $(DESTDIR)$(PREFIX)/include

# No Libs: the module is loaded by require, never linked.
define WEIR_PC
prefix=$(PREFIX)
includedir=$${prefix}/include

Name: weir
Description: Deferreds and coroutines for Lua
Version: $(VERSION)
Cflags: -I$${includedir}
endef
export WEIR_PC

install: build ## install under PREFIX (/usr/local), staged in DESTDIR
	@set -e; for file in $(MODULES:lua/%=%); do \
		install -d $(LUA_DIR)/$$(dirname $$file); install -m 644 lua/$$file $(LUA_DIR)/$$file; \
	done
	install -d $(LUA_C_DIR)/weir $(PC_DIR) $(INCLUDE_DIR)
	install -m 755 $(CORE) $(LUA_C_DIR)/weir/core.so
	install -m 644 src/weir.h $(INCLUDE_DIR)/weir.h
	@echo "$$WEIR_PC" >$(PC_DIR)/weir.pc

uninstall: ## remove what install put there
	rm -rf $(LUA_DIR)/weir $(LUA_C_DIR)/weir
	rm -f $(INCLUDE_DIR)/weir.h $(PC_DIR)/weir.pc

# Names, order, owners and times are the same whoever packs it, and where.
ARCHIVE = build/weir-$(VERSION).tar.gz
TAR = tar --create --no-recursion --format=ustar --mtime=$$(git log -1 --format=@%ct) --owner=0 --group=0 \
	--numeric-owner --mode=u=rwX,go=rX --transform='s,^,weir-$(VERSION)/,S'
dist: ## an archive of what git tracks, build/weir-VERSION.tar.gz
	@mkdir -p build && rm -f $(ARCHIVE)
	@git ls-files -z | LC_ALL=C sort -z | $(TAR) --null --files-from=- --file=$(ARCHIVE:.gz=)
	@gzip -9n $(ARCHIVE:.gz=) && echo $(ARCHIVE)

clean: ## remove everything built
	rm -rf build weir src/*.o
