/*
** oom FILE [SCENARIO]: runs each scenario of a file of spec/oom in a fresh state with the first of
** its allocations failing, then the second, and so on until none is left to fail. Prints what is
** wrong; the exit status is 1 then.
**
** An allocation fails in two ways: it alone, and with it all that come behind it until the call of
** the host returns. Lua asks again behind an emergency collection: that is refused as well.
*/
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "../memory.h"
#include "weir.h"

/* arm(n, all): the nth request for more memory from here on fails; `all`: and those behind it. */
static int arm(lua_State *L) {
  long n = (long)luaL_checkinteger(L, 1);
  memory_arm(lua_touserdata(L, lua_upvalueindex(1)), n,
             lua_toboolean(L, 2) ? MEMORY_NO_LAST : n + 1);
  return 0;
}

/* disarm() returns whether any has failed. */
static int disarm(lua_State *L) {
  Memory *m = lua_touserdata(L, lua_upvalueindex(1));
  m->fail = 0;
  lua_pushboolean(L, m->failed);
  return 1;
}

static void add_function(lua_State *L, Memory *m, const char *name, lua_CFunction f) {
  lua_pushlightuserdata(L, m);
  lua_pushcclosure(L, f, 1);
  lua_setglobal(L, name);
}

static lua_State *open(Memory *m) {
  lua_State *L = memory_open(m);
  if (!L)
    abort();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_weir_core);
  lua_setfield(L, -2, "weir.core");
  lua_pop(L, 1);
  add_function(L, m, "arm", arm);
  add_function(L, m, "disarm", disarm);
  return L;
}

/* What is on top as text. */
static const char *text(lua_State *L) {
  return luaL_tolstring(L, -1, NULL);
}

/* Pushes what the file spec/oom/run.lua returns. */
static void load(lua_State *L, const char *file) {
  if (luaL_loadfile(L, "spec/oom/run.lua") != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", text(L));
    exit(2);
  }
  lua_pushstring(L, file);
}

static void check_file(const char *name) {
  FILE *file = fopen(name, "r");
  if (!file) {
    perror(name);
    exit(2);
  }
  fclose(file);
}

typedef struct Attempt {
  const char *file;
  int scenario;
  long n;
  int all;
} Attempt;

static void report(const Attempt *a, const char *message) {
  printf("%s, scenario %d, allocation %ld%s: %s\n", a->file, a->scenario, a->n,
         a->all ? " and on" : "", message);
}

/* run.lua's function gets the file, the number of the scenario, which allocation is to fail and
   whether all behind it; it returns whether one did, or nil if there is no such scenario. */
typedef enum Result { NO_SCENARIO, NONE_FAILED, FAILED, WRONG } Result;

static Result result_of(lua_State *L, const Attempt *a, int status) {
  if (status != LUA_OK) {
    report(a, text(L));
    return WRONG;
  }
  return lua_isnil(L, -1) ? NO_SCENARIO : lua_toboolean(L, -1) ? FAILED : NONE_FAILED;
}

static Result attempt(const Attempt *a) {
  Memory m;
  Result result;
  lua_State *L = open(&m);
  load(L, a->file);
  lua_pushinteger(L, a->scenario);
  lua_pushinteger(L, a->n);
  lua_pushboolean(L, a->all);
  result = result_of(L, a, lua_pcall(L, 4, 1, 0));
  m.fail = 0;
  lua_close(L);
  if (m.used) {
    report(a, "memory is left behind lua_close");
    result = WRONG;
  }
  return result;
}

/* Returns how many were wrong, -1 if there is no such scenario. */
static long each_allocation(Attempt *a, long *tried) {
  long wrong = 0;
  Result result;
  a->n = 0;
  do {
    a->n++;
    result = attempt(a);
    wrong += result == WRONG;
    ++*tried;
  } while (result >= FAILED && wrong < 10);
  return result == NO_SCENARIO ? -1 : wrong;
}

int main(int argc, char **argv) {
  long wrong = 0, tried = 0, more;
  int only = argc > 2 ? atoi(argv[2]) : 0;
  Attempt a = {argc > 1 ? argv[1] : "", only ? only : 1, 0, 0};
  check_file(a.file);
  do {
    a.all = 0;
    more = each_allocation(&a, &tried);
    if (more < 0)
      break;
    wrong += more;
    a.all = 1;
    wrong += each_allocation(&a, &tried);
    a.scenario++;
  } while (!only);
  printf("%s: %d scenarios, %ld runs, %ld wrong\n", a.file, only ? 1 : a.scenario - 1, tried,
         wrong);
  return wrong > 0;
}
