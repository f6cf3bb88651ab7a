/*
** Each call with the first of its allocations failing, then the second, and so on until it
** succeeds: a clean error, behind which others run and nothing is leaked. The Deferred is as it
** was, or as it is to be; who waited for it is told of that in the next step at the latest. A close
** that has come to a stop on its way does the rest when it is called again.
*/
#include "case.h"

#include <string.h>

/* ---- calls; a pending Deferred is at 1, a coroutine that awaits it at 2 ---- */

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

static int call_deferred(lua_State *L) {
  weir_api(L)->deferred(L);
  return 0;
}

static int call_deferred_with(lua_State *L) {
  for (int i = 0; i < 3; i++)
    lua_pushcfunction(L, nothing);
  weir_api(L)->deferred_with(L);
  return 0;
}

static int call_succeed(lua_State *L) {
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir_api(L)->succeed(L, 2);
  return 0;
}

static int call_fail(lua_State *L) {
  lua_pushnil(L);
  weir_api(L)->fail(L);
  return 0;
}

static int call_shield(lua_State *L) {
  weir_api(L)->shield(L, 1);
  return 0;
}

static int call_callback(lua_State *L) {
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir_api(L)->callback(L, 1, 2);
  return 0;
}

static int call_errback(lua_State *L) {
  lua_pushinteger(L, 1);
  weir_api(L)->errback(L, 1);
  return 0;
}

static int call_add(lua_State *L) {
  lua_pushcfunction(L, nothing);
  lua_pushnil(L);
  weir_api(L)->add(L, 1, WEIR_PAIR);
  lua_pushcfunction(L, nothing);
  weir_api(L)->add(L, 1, WEIR_BOTH);
  return 0;
}

static int call_chain(lua_State *L) {
  weir_api(L)->deferred(L);
  weir_api(L)->chain(L, 1, -1);
  return 0;
}

static int call_outcome(lua_State *L) {
  weir_api(L)->outcome(L, 2, NULL);
  return 0;
}

static int call_traceback(lua_State *L) {
  weir_api(L)->traceback(L, 2);
  return 0;
}

static int call_cancel(lua_State *L) {
  lua_pushnil(L);
  weir_api(L)->cancel(L, 2, 1);
  return 0;
}

static int call_pause(lua_State *L) {
  weir_api(L)->pause(L, 2);
  weir_api(L)->unpause(L, 2);
  return 0;
}

static int call_timeout(lua_State *L) {
  weir_api(L)->timeout(L, 1, 1000);
  return 0;
}

static int call_close(lua_State *L) {
  weir_api(L)->close(L, 2);
  return 0;
}

static int call_coroutine(lua_State *L) {
  lua_pushcfunction(L, nothing);
  weir_api(L)->coroutine(L, "a name of its own");
  return 0;
}

static int await_first(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, 1000, 0, NULL);
}

static int call_spawn(lua_State *L) {
  lua_pushcfunction(L, await_first);
  lua_pushvalue(L, 1);
  weir_api(L)->spawn(L, 1);
  return 0;
}

static int start_another(lua_State *L) {
  lua_pushcfunction(L, await_first);
  lua_pushvalue(L, 1);
  weir_api(L)->spawnk(L, 1, 0, NULL);
  return 0;
}

static int call_spawnk(lua_State *L) {
  lua_pushcfunction(L, start_another);
  lua_pushvalue(L, 1);
  weir_api(L)->spawn(L, 1);
  return 0;
}

static int call_after(lua_State *L) {
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir_api(L)->after(L, 1000, 2);
  return 0;
}

static int call_step(lua_State *L) {
  weir_api(L)->step(L, -1);
  return 0;
}

static int call_run(lua_State *L) {
  lua_pushcfunction(L, nothing);
  weir_api(L)->run(L, 0);
  return 0;
}

static int call_handle(lua_State *L) {
  weir_api(L)->handle_release(weir_api(L)->handle(L, 1));
  return 0;
}

static int call_on_unhandled(lua_State *L) {
  lua_pushcfunction(L, nothing);
  weir_api(L)->on_unhandled(L);
  return 0;
}

/* Those that are written in Lua. */
static void call_weir(lua_State *L, const char *name) {
  lua_getglobal(L, "weir");
  lua_getfield(L, -1, name);
  lua_call(L, 0, 1);
}

static int call_tree(lua_State *L) {
  call_weir(L, "tree");
  return 0;
}

static int call_graph(lua_State *L) {
  call_weir(L, "graph");
  return 0;
}

static int call_tasks(lua_State *L) {
  call_weir(L, "tasks");
  lua_call(L, 0, 1);
  return 0;
}

static int call_why(lua_State *L) {
  lua_getfield(L, 2, "why");
  lua_pushvalue(L, 2);
  lua_call(L, 1, 1);
  return 0;
}

/* ---- what is looked at afterwards ---- */

static int take_turns(lua_State *L) {
  weir_api(L)->after(L, 0, 0);
  return weir_api(L)->awaitk(L, -1, -1, 0, NULL);
}

/* Others run. */
static int run_others(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, take_turns);
  weir->run(L, 0);
  weir->step(L, -1);
  return 0;
}

/* And the Deferred has an outcome, or can get one; whoever waited has been told. */
static int use_again(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  if (weir->status(L, 1) == WEIR_PENDING)
    weir->callback(L, 1, 0);
  weir->step(L, -1);
  check(L, weir->outcome(L, 1, NULL) >= WEIR_SUCCESS);
  lua_settop(L, 2);
  check(L, weir->outcome(L, 2, NULL) >= WEIR_SUCCESS);
  return run_others(L);
}

static int close_again(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  if (weir->outcome(L, 2, NULL) < WEIR_SUCCESS)
    weir->close(L, 2);
  check(L, weir->outcome(L, 2, NULL) >= WEIR_SUCCESS);
  return run_others(L);
}

/* The collector goes on as well. */
static int look_again(lua_State *L) {
  check(L, lua_gc(L, LUA_GCISRUNNING) == 1);
  lua_pushcfunction(L, call_tree);
  lua_call(L, 0, 0);
  return use_again(L);
}

static int prepare(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, nothing);
  weir->on_unhandled(L);
  lua_settop(L, 0);
  weir->deferred(L);
  lua_pushcfunction(L, await_first);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  return 2;
}

static void fail_if(lua_State *L, lua_State *other, int status, const char *name, long n) {
  if (status != LUA_OK)
    luaL_error(L, "allocation %d of %s: %s", (int)n, name, luaL_tolstring(other, -1, NULL));
}

typedef struct Call {
  const char *name;
  lua_CFunction f, then;
} Call;

/* Lua has the same words for a stack that may not grow and for one that cannot. */
static void check_memory_error(lua_State *L, lua_State *other, const char *name, long n) {
  const char *text = luaL_tolstring(other, -1, NULL);
  if (strcmp(text, "not enough memory") != 0 && strncmp(text, "stack overflow", 14) != 0)
    luaL_error(L, "allocation %d of %s: %s", (int)n, name, text);
}

static int call_many_timers(lua_State *L) {
  for (int i = 0; i < 100; i++) {
    weir_api(L)->after(L, i, 0);
    lua_settop(L, 2);
  }
  return 0;
}

/* The call with its nth allocation failing, and all behind it; or that one alone, if somebody wants
   to know whether there was one to refuse. Returns 0 if it does not come to an error. */
static int try(lua_State *L, const Call *call, long n, int *refused) {
  Memory memory;
  lua_State *other = memory_open(&memory);
  int failed;
  case_open_weir(other, case_prepare(L));
  lua_pushcfunction(other, prepare);
  lua_call(other, 0, 2);
  lua_pushcfunction(other, call->f);
  lua_pushvalue(other, 1);
  lua_pushvalue(other, 2);
  memory_arm(&memory, n, refused ? n : MEMORY_NO_LAST);
  failed = lua_pcall(other, 2, 0, 0) != LUA_OK;
  memory.fail = 0;
  if (refused)
    *refused = memory.failed;
  if (failed)
    check_memory_error(L, other, call->name, n);
  lua_settop(other, 2);
  lua_pushcfunction(other, call->then);
  lua_insert(other, 1);
  fail_if(L, other, lua_pcall(other, 2, 0, 0), call->name, n);
  lua_close(other);
  check(L, memory.used == 0);
  return failed;
}

static int each_allocation(lua_State *L) {
  static const Call calls[] = {{"deferred", call_deferred, use_again},
                               {"deferred_with", call_deferred_with, use_again},
                               {"succeed", call_succeed, use_again},
                               {"fail", call_fail, use_again},
                               {"shield", call_shield, use_again},
                               {"callback", call_callback, use_again},
                               {"errback", call_errback, use_again},
                               {"add", call_add, use_again},
                               {"chain", call_chain, use_again},
                               {"outcome", call_outcome, use_again},
                               {"traceback", call_traceback, use_again},
                               {"cancel", call_cancel, use_again},
                               {"pause", call_pause, use_again},
                               {"timeout", call_timeout, use_again},
                               {"close", call_close, close_again},
                               {"coroutine", call_coroutine, use_again},
                               {"spawn", call_spawn, use_again},
                               {"spawnk", call_spawnk, use_again},
                               {"after", call_after, use_again},
                               {"step", call_step, use_again},
                               {"run", call_run, use_again},
                               {"handle", call_handle, use_again},
                               {"on_unhandled", call_on_unhandled, use_again},
                               {"tree", call_tree, look_again},
                               {"graph", call_graph, look_again},
                               {"tasks", call_tasks, look_again},
                               {"why", call_why, look_again}};
  int failures = 0;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    for (long n = 1; try(L, &calls[i], n, NULL); n++)
      failures++;
  check(L, failures > 100);
  return 0;
}

/* Lua collects, and asks again; but for what a collection itself needs, in later releases. */
static int each_first_refusal(lua_State *L) {
  static const Call calls[] = {{"spawn", call_spawn, use_again},
                               {"step", call_step, use_again},
                               {"timers", call_many_timers, use_again}};
  int refusals = 0;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    int refused = 1;
    for (long n = 1; refused; n++, refusals += refused)
      check(L, !try(L, &calls[i], n, &refused));
  }
  check(L, refusals > 100);
  return 0;
}

const Case memory_cases[] = {
    {"10.1 an allocation for which there is room behind a collection does not fail",
     each_first_refusal},
    {"10.1 an allocation that fails, whichever, leaves nothing half done", each_allocation},
    {NULL, NULL}};
