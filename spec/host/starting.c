/* spawn, spawnk, coroutine and current; and nests as deep as one likes. */
#include "case.h"

#include <stdint.h>
#include <string.h>

/* ---- bodies ---- */

static int log_arguments(lua_State *L) {
  check_stack(L, "'a' 1");
  case_log(L, "body");
  return 2;
}

static int wait_a_turn(lua_State *L) {
  case_log(L, "before");
  return weir_api(L)->yieldk(L, 0, NULL);
}

/* ---- spawn ---- */

static int spawns(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, log_arguments);
  lua_pushliteral(L, "a");
  lua_pushinteger(L, 1);
  weir->spawn(L, 2);
  check_log(L, "body"); /* at once */
  check_stack(L, "'kept' C");
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "'kept' C 'a' 1");
  return 0;
}

static int spawns_outside(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->inline_runs(L, 0);
  lua_pushcfunction(L, log_arguments);
  lua_pushliteral(L, "a");
  lua_pushinteger(L, 1);
  weir->spawn(L, 2);
  check_stack(L, "C");
  check_log(L, "");
  weir->step(L, -1);
  check_log(L, "body");
  return 0;
}

static int spawn_in_coroutine(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, log_arguments);
  lua_pushliteral(L, "a");
  lua_pushinteger(L, 1);
  weir->spawn(L, 2);
  check_stack(L, "C");
  check(L, weir->status(L, 1) == WEIR_READY);
  case_log(L, "spawned");
  return 0;
}

static int spawns_in_coroutine(lua_State *L) {
  case_inside(L, 0, spawn_in_coroutine);
  check_log(L, "spawned body");
  return 0;
}

static int spawn_first(lua_State *L) {
  weir_api(L)->spawn(L, 0);
  return 1;
}
static int spawnk_first(lua_State *L) {
  weir_api(L)->spawnk(L, 0, 0, NULL);
  return 1;
}

static int wrong_spawns(lua_State *L) {
  lua_newtable(L);
  check_raises(L, 1, spawn_first, "bad argument #1 to 'spawn' (function expected, got table)");
  check_raises(L, 1, spawnk_first, "bad argument #1 to 'spawn' (function expected, got table)");
  return 0;
}

/* ---- spawnk ---- */

static int after_spawn(lua_State *L, int status, lua_KContext ctx) {
  case_log(L, status == LUA_YIELD ? "switched" : "at once");
  check_stack(L, "'kept' C");
  check(L, weir_api(L)->status(L, 2) == (int)ctx);
  return 1;
}

static int spawnk_waiting(lua_State *L) {
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, wait_a_turn);
  weir_api(L)->spawnk(L, 0, WEIR_READY, after_spawn);
  return after_spawn(L, LUA_OK, WEIR_READY);
}

static int spawnk_ending(lua_State *L) {
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, log_arguments);
  lua_pushliteral(L, "a");
  lua_pushinteger(L, 1);
  weir_api(L)->spawnk(L, 2, WEIR_SUCCESS, after_spawn);
  return luaL_error(L, "the call returned");
}

/* The body returns the Coroutine that it has spawned, and so waits for it. */
static int eager(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, spawnk_waiting);
  weir->spawn(L, 0);
  check_log(L, "before switched");
  check(L, weir->status(L, 1) == WEIR_WAITING);
  weir->step(L, -1);
  check(L, weir->status(L, 1) == WEIR_SUCCESS);
  case_inside(L, 0, spawnk_ending);
  check_log(L, "body switched");
  return 0;
}

static int spawnk_in_callback(lua_State *L) {
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, wait_a_turn);
  weir_api(L)->spawnk(L, 0, WEIR_READY, after_spawn);
  after_spawn(L, LUA_OK, WEIR_READY);
  return 0;
}

static int not_eager(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->succeed(L, 0);
  lua_pushcfunction(L, spawnk_in_callback);
  weir->add(L, 1, WEIR_CALLBACK);
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_log(L, "at once before"); /* in its turn, when the host's call ends */
  lua_settop(L, 0);
  spawnk_waiting(L); /* from the host at once */
  check_log(L, "before at once");
  return 0;
}

static int spawnk_as_tail(lua_State *L) {
  lua_pushliteral(L, "of no use");
  lua_pushcfunction(L, wait_a_turn);
  weir_api(L)->spawnk(L, 0, 0, NULL);
  return 1;
}

static int spawnk_without_continuation(lua_State *L) {
  lua_pushcfunction(L, spawnk_as_tail);
  case_lua(L, 1, 1,
           "local start = ...\n"
           "return weir.spawn(function()\n"
           "  local a, b = start()\n"
           "  return tostring(a):match '^%a+', b, select('#', start())\n"
           "end)");
  check(L, weir_api(L)->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "C 'Coroutine' nil 1");
  lua_settop(L, 0);
  lua_pushcfunction(L, spawnk_as_tail);
  lua_call(L, 0, LUA_MULTRET);
  check_stack(L, "C");
  return 0;
}

static int fail_at_once(lua_State *L) {
  return luaL_error(L, "oops");
}

static int after_failure(lua_State *L, int status, lua_KContext ctx) {
  int n;
  check(L, status == LUA_YIELD && ctx == 0);
  check(L, weir_api(L)->outcome(L, 1, &n) == WEIR_FAILURE && n == 1);
  check_stack(L, "C 'oops'");
  return 0;
}

static int spawnk_failing(lua_State *L) {
  lua_pushcfunction(L, fail_at_once);
  weir_api(L)->spawnk(L, 0, 0, after_failure);
  return luaL_error(L, "the call returned");
}

static int failing_callee(lua_State *L) {
  case_inside(L, 0, spawnk_failing);
  return 0;
}

/* ---- nests ---- */

/* The places on the C stack that the levels of a nest have seen. */
static uintptr_t lowest, highest;

static void note_place(void) {
  char here;
  uintptr_t place = (uintptr_t)&here;
  lowest = place < lowest ? place : lowest;
  highest = place > highest ? place : highest;
}

static int level_ends(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  note_place();
  lua_pushinteger(L, lua_tointeger(L, -1) + (lua_Integer)ctx);
  return 1;
}

static int level(lua_State *L);

static int level_spawned(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  note_place();
  weir_api(L)->awaitk(L, -1, -1, ctx, level_ends);
  return level_ends(L, LUA_OK, ctx);
}

/* Argument: how many levels are below. Each starts the next, and awaits it. */
static int level(lua_State *L) {
  lua_Integer n = lua_tointeger(L, 1);
  note_place();
  if (n == 0) {
    weir_api(L)->after(L, 0, 0);
    weir_api(L)->awaitk(L, -1, -1, 0, level_ends);
  }
  lua_pushcfunction(L, level);
  lua_pushinteger(L, n - 1);
  weir_api(L)->spawnk(L, 1, 1, level_spawned);
  return level_spawned(L, LUA_OK, 1);
}

static int deep(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int levels = case_scale(100000);
  lowest = UINTPTR_MAX;
  highest = 0;
  lua_pushcfunction(L, level);
  lua_pushinteger(L, levels);
  check(L, weir->run(L, 1) == 1);
  check(L, lua_tointeger(L, 1) == levels);
  check(L, highest - lowest < 20000);
  return 0;
}

static int deep_cancel(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lowest = UINTPTR_MAX;
  highest = 0;
  lua_pushcfunction(L, level);
  lua_pushinteger(L, case_scale(100000));
  weir->spawn(L, 1);
  weir->pause(L, 1);
  weir->unpause(L, 1);
  lua_pushliteral(L, "enough");
  check(L, weir->cancel(L, 1, -1) == 1);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  check(L, highest - lowest < 20000);
  return 0;
}

/* ---- coroutine, current ---- */

static int decorated(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  char name[] = "fetch";
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, wait_a_turn);
  weir->coroutine(L, name);
  name[0] = 'x';
  check_stack(L, "'kept' F");
  lua_pushvalue(L, 2);
  lua_call(L, 0, 1);
  check_stack(L, "'kept' F C");
  check(L, strncmp(luaL_tolstring(L, 3, NULL), "Coroutine 'fetch': ", 19) == 0);
  lua_settop(L, 2);
  weir->spawn(L, 0); /* its body, no second Coroutine */
  check(L, strncmp(luaL_tolstring(L, 2, NULL), "Coroutine 'fetch': ", 19) == 0);
  lua_settop(L, 1);
  lua_pushcfunction(L, wait_a_turn);
  weir->coroutine(L, NULL);
  lua_call(L, 0, 1);
  check(L, strncmp(luaL_tolstring(L, 2, NULL), "Coroutine: ", 11) == 0);
  return 0;
}

static int decorate(lua_State *L) {
  weir_api(L)->coroutine(L, "name");
  return 0;
}

static int wrong_decorations(lua_State *L) {
  lua_pushinteger(L, 1);
  check_raises(L, 1, decorate, "bad argument #1 to 'coroutine' (function expected, got number)");
  return 0;
}

static int none_is_current(lua_State *L) {
  check(L, weir_api(L)->current(L) == 0);
  check(L, lua_isnil(L, -1));
  lua_pop(L, 1);
  return 0;
}

static int is_current(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check(L, weir->current(L) == 1);
  check_stack(L, "C");
  weir->succeed(L, 0);
  lua_pushcfunction(L, none_is_current);
  weir->add(L, 2, WEIR_CALLBACK);
  check(L, weir->status(L, 2) == WEIR_SUCCESS);
  lua_settop(L, 1);
  return 1;
}

static int currents(lua_State *L) {
  lua_pushcfunction(L, is_current);
  weir_api(L)->spawn(L, 0);
  check(L, weir_api(L)->outcome(L, 1, NULL) == WEIR_FAILURE); /* a body that returns its own */
  check_stack(L, "C E:DeadlockError");
  none_is_current(L);
  return 0;
}

static int marks_its_thread(lua_State *L) {
  char *mark = lua_getextraspace(L);
  lua_pushboolean(L, *mark != 0);
  *mark = 1;
  return 1;
}

/* As a new thread has that of the main one, whoever had it before. */
static int extra_space(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_State *first;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  first = lua_tothread(L, -1);
  lua_pop(L, 1);
  memset(lua_getextraspace(first), 0, LUA_EXTRASPACE);
  for (int i = 0; i < 3; i++) {
    lua_pushcfunction(L, marks_its_thread);
    weir->spawn(L, 0);
    check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
    check_stack(L, "C false");
    lua_settop(L, 0);
  }
  return 0;
}

const Case starting_cases[] = {
    {"10.1 a coroutine begins with the extra space of the main thread", extra_space},
    {"10.1 3.1 3.2 spawn from the host runs a C function at once, with its arguments", spawns},
    {"10.1 3.5 spawn with inline_runs off: in the next step", spawns_outside},
    {"10.1 3.2 spawn in a coroutine: in its turn, as nothing is suspended", spawns_in_coroutine},
    {"10.1 8.4 spawn and spawnk want a function", wrong_spawns},
    {"10.1 3.2 spawnk in a coroutine: at once; k goes on with the Coroutine on top", eager},
    {"10.1 3.2 spawnk where nothing can be suspended is spawn, and returns", not_eager},
    {"10.1 3.2 spawnk without k: the function returns the Coroutine", spawnk_without_continuation},
    {"10.1 3.2 spawnk of one that fails at once", failing_callee},
    {"10.1 3.2 5.2 a hundred thousand nested awaits in C, on a flat C stack", deep},
    {"10.1 5.2 6.4 pause and cancel of such a nest", deep_cancel},
    {"10.1 3.1 coroutine makes a C function one that starts it, with a name", decorated},
    {"10.1 8.4 coroutine wants a function", wrong_decorations},
    {"10.1 3.9 current is the running one; nil in the host and in callbacks", currents},
    {NULL, NULL}};
