/*
** The fuzzer of the C interface: the bytes of an input say which calls are made, from where, with
** what; see README.md. libFuzzer brings the main function and calls LLVMFuzzerTestOneInput; with
** replay.c it is a program that goes through files.
*/
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

Fuzz fuzz;

void fuzz_broken(const char *what) {
  fprintf(stderr, "BROKEN: %s\n", what);
  abort();
}

void fuzz_trace(const char *format, ...) {
  va_list arguments;
  if (!fuzz.traces)
    return;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

/* ---- time: that of the system does not move but here ---- */

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker wants these names */
double __wrap_weir_platform_now(void);
double __wrap_weir_platform_now(void) {
  fuzz_pass(1.0 / 4096);
  return fuzz.now;
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* `run` has nothing to do for so long. */
static void wait(lua_State *L, double seconds, void *ud) {
  (void)ud;
  if (++fuzz.waits > 50 || seconds == HUGE_VAL)
    luaL_error(L, "this run goes on for ever");
  fuzz_pass(seconds);
  if (fuzz_byte(L) % 4 != 0)
    return;
  lua_pushcfunction(L, fuzz_act);
  lua_call(L, 0, 0);
}

static void wake(void *ud) {
  (void)ud;
}

/* ---- what places.lua gets ---- */

static int pick(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  lua_pushinteger(L, n > 0 ? fuzz_byte(L) % n : 0);
  return 1;
}

static int value(lua_State *L) {
  fuzz_push_value(L);
  return 1;
}

static int seconds(lua_State *L) {
  lua_pushnumber(L, fuzz_seconds(L));
  return 1;
}

static int place(lua_State *L) {
  fuzz_push_function(L);
  return 1;
}

static int slot(lua_State *L) {
  fuzz_push_deferred(L);
  return 1;
}

/* ---- <close> variables of bodies: each handler is called, once ---- */

enum { IS_NEW, IS_OPEN, IS_CLOSED };

static int handler_returned(lua_State *L, int status, lua_KContext ctx) {
  (void)L;
  (void)status;
  (void)ctx;
  return 0;
}

/* In C, where no hook can raise before it has counted. Goes on with a function of places.lua. */
static int handler(lua_State *L) {
  int *state = lua_touserdata(L, 1);
  if (*state == IS_CLOSED)
    fuzz_broken("a handler was called twice");
  fuzz.opened -= *state == IS_OPEN;
  *state = IS_CLOSED;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_callk(L, 0, 0, 0, handler_returned);
  return 0;
}

/* guard(f): the value of such a variable, with f behind the handler. */
static int guard(lua_State *L) {
  int *state = lua_newuserdatauv(L, sizeof *state, 0);
  *state = IS_NEW;
  lua_newtable(L);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, handler, 1);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  return 1;
}

/* opened(guard): it is the value of a variable by now. */
static int opened(lua_State *L) {
  *(int *)lua_touserdata(L, 1) = IS_OPEN;
  fuzz.opened++;
  return 0;
}

static int broken(lua_State *L) {
  fuzz_broken(luaL_tolstring(L, 1, NULL));
  return 0;
}

static int trace(lua_State *L) {
  fuzz_trace("  %s", luaL_checkstring(L, 1));
  return 0;
}

static int count(lua_State *L) {
  lua_pushinteger(L, fuzz.made);
  return 1;
}

static const lua_CFunction given[] = {fuzz_act, pick,   value, seconds, place,
                                      slot,     opened, guard, broken,  trace};

/* ---- the Lua files, read once ---- */

typedef struct Code {
  char name[64];
  char *bytes;
  size_t size;
} Code;

static Code modules[64];
static Code places;

static int append(lua_State *L, const void *p, size_t size, void *ud) {
  Code *code = ud;
  (void)L;
  code->bytes = realloc(code->bytes, code->size + size);
  memcpy(code->bytes + code->size, p, size);
  code->size += size;
  return 0;
}

static void compile(Code *code, const char *path, int strip) {
  lua_State *L = luaL_newstate();
  if (luaL_loadfile(L, path) != LUA_OK)
    fuzz_broken(lua_tostring(L, -1));
  lua_dump(L, append, code, strip);
  lua_close(L);
}

/* Those that `require "weir"` loads, found by doing so. */
static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  char path[128];
  Code *code = modules;
  while (code->bytes && strcmp(code->name, name) != 0)
    code++;
  if (!code->bytes) {
    luaL_gsub(L, name, ".", "/");
    snprintf(path, sizeof path, "lua/%s%s.lua", lua_tostring(L, -1),
             strcmp(name, "weir") == 0 ? "/init" : "");
    compile(code, path, strcmp(name, "weir") != 0); /* it tells where the library is */
    snprintf(code->name, sizeof code->name, "%s", name);
  }
  if (luaL_loadbufferx(L, code->bytes, code->size, name, "b") != LUA_OK)
    lua_error(L);
  return 1;
}

/* ---- one input ---- */

/* In the place of all searchers: nothing comes from elsewhere. */
static void set_modules(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_weir_core);
  lua_setfield(L, -2, "weir.core");
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  lua_pushcfunction(L, search);
  lua_rawseti(L, -2, 2);
  lua_settop(L, 0);
}

static void new_table(lua_State *L, const void *key, const char *mode) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static void load_places(lua_State *L) {
  luaL_loadbufferx(L, places.bytes, places.size, "places", "b");
  for (size_t i = 0; i < sizeof given / sizeof *given; i++)
    lua_pushcfunction(L, given[i]);
  lua_call(L, sizeof given / sizeof *given, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &fuzz_places);
}

static int open_all(lua_State *L) {
  luaL_openlibs(L);
  set_modules(L);
  new_table(L, &fuzz_slots, "");
  new_table(L, &fuzz_list, "v");
  luaL_requiref(L, "weir.core", luaopen_weir_core, 0);
  fuzz.weir = weir_api(L);
  load_places(L);
  fuzz.weir->set_wait(L, wait, wake, NULL);
  return 0;
}

static int finish(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_places);
  lua_getfield(L, -1, "finish");
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_list);
  lua_pushcfunction(L, count);
  lua_pushboolean(L, !fuzz.may_fail);
  lua_call(L, 3, 0);
  return 0;
}

static void trace_end(lua_State *L, int ok) {
  const char *message = ok ? NULL : lua_tostring(L, -1);
  fuzz_trace(ok ? "-- returned" : "-- raised: %s", message ? message : "no string");
}

/* Returns whether it went well. */
static int call(lua_State *L, lua_CFunction f) {
  int ok;
  lua_settop(L, 0);
  lua_pushcfunction(L, f);
  ok = lua_pcall(L, 0, 0, 0) == LUA_OK;
  fuzz.memory.fail = 0;
  trace_end(L, ok);
  return ok;
}

/* The same, of what may not fail. */
static void must(lua_State *L, lua_CFunction f) {
  if (!call(L, f))
    fuzz_broken(lua_tostring(L, -1));
}

/* How a state is, by the first byte of an input. */
enum { MAY_FAIL = 1, GENERATIONAL = 2, QUEUES = 4, EAGER = 8, HANDLES_OUTLIVE = 16 };

static void prepare(lua_State *L, int how) {
  fuzz.may_fail = how & MAY_FAIL;
  if (how & GENERATIONAL)
    lua_gc(L, LUA_GCGEN, 0, 0);
  if (how & EAGER)
    lua_gc(L, LUA_GCINC, 1, 1000, 2);
  fuzz.weir->inline_runs(L, !(how & QUEUES));
}

/* Handlers that the state's own end calls have been called; what was fired has gone back. */
static void check_end(void) {
  if (fuzz.memory.used)
    fuzz_broken("memory is left behind lua_close");
  if (fuzz.accepted != fuzz.released)
    fuzz_broken("not as many fires as releases");
  if (fuzz.opened && !fuzz.may_fail)
    fuzz_broken("a handler was not called");
}

static void play(lua_State *L, int how) {
  int last;
  prepare(L, how);
  while (fuzz.next < fuzz.end) {
    call(L, fuzz_act);
    if (fuzz.weir->current(L))
      fuzz_broken("a coroutine is the current one in the host");
  }
  lua_sethook(L, NULL, 0, 0);
  lua_gc(L, LUA_GCRESTART);
  last = how & HANDLES_OUTLIVE;
  if (!last)
    fuzz_release_handles();
  if (!fuzz.may_fail)
    must(L, finish);
  else
    call(L, finish);
  lua_close(L);
  if (last)
    fuzz_release_handles();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  lua_State *L;
  if (size < 2)
    return 0;
  if (!places.bytes)
    compile(&places, "spec/fuzz/places.lua", 0);
  memset(&fuzz, 0, sizeof fuzz);
  fuzz.traces = getenv("WEIR_TRACE") != NULL;
  L = fuzz.host = memory_open(&fuzz.memory);
  lua_gc(L, LUA_GCSTOP);
  must(L, open_all);
  lua_gc(L, LUA_GCRESTART);
  fuzz.next = bytes + 1;
  fuzz.end = bytes + size;
  play(L, bytes[0]);
  check_end();
  return 0;
}
