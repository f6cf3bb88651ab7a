/* Calls from where one might not expect them: finalizers, hooks, other threads, other states. */
#include "case.h"

#include <string.h>

static int wait_for_first(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, -1, 0, NULL);
}

/* Starts a coroutine that awaits the Deferred at idx. */
static void spawn_waiter(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  lua_pushcfunction(L, wait_for_first);
  lua_pushvalue(L, idx);
  weir_api(L)->spawn(L, 1);
}

/* ---- finalizers ---- */

/* Makes the C function on top the finalizer of something that is garbage. */
static void make_garbage(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_newtable(L);
  lua_rotate(L, -3, -1);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* Upvalue: a Deferred that a coroutine awaits. */
static int fire_in_finalizer(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "from a finalizer");
  weir->callback(L, lua_upvalueindex(1), 1);
  lua_pushcfunction(L, wait_for_first);
  weir->after(L, 60, 0);
  weir->spawn(L, 1);
  weir->pause(L, -1);
  weir->unpause(L, -1);
  lua_pushnil(L);
  weir->cancel(L, -2, -1);
  case_log(L, "fired");
  return 0;
}

static int finalizers(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  spawn_waiter(L, 1);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, fire_in_finalizer, 1);
  make_garbage(L);
  check_stack(L, "D C");
  lua_gc(L, LUA_GCCOLLECT);
  check_log(L, "fired");
  weir->step(L, -1);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D C 'from a finalizer'");
  return 0;
}

static int await_in_finalizer(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->succeed(L, 0);
  check_raises(L, 1, wait_for_first, "attempt to await across a C-call boundary");
  case_log(L, "refused");
  return 0;
}

static int collect_inside(lua_State *L) {
  lua_pushcfunction(L, await_in_finalizer);
  make_garbage(L);
  lua_gc(L, LUA_GCCOLLECT);
  return 0;
}

static int finalizer_in_coroutine(lua_State *L) {
  case_inside(L, 0, collect_inside);
  check_log(L, "refused");
  return 0;
}

/* ---- lua_close ---- */

/* Everything that can be called, at the very end; upvalue: the counter of those that came back. */
static int call_at_close(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int *calls = lua_touserdata(L, lua_upvalueindex(1));
  weir->deferred(L);
  lua_pushinteger(L, 1);
  weir->callback(L, -2, 1);
  weir->after(L, 0, 0);
  weir->timeout(L, -1, 1);
  spawn_waiter(L, -1);
  weir->pause(L, -1);
  weir->unpause(L, -1);
  lua_pushnil(L);
  weir->cancel(L, -2, 0);
  weir->traceback(L, -1);
  lua_pop(L, 1);
  weir->close(L, -1);
  weir->step(L, -1);
  ++*calls;
  return 0;
}

static int call_at_close_quietly(lua_State *L) {
  int *calls = lua_touserdata(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, call_at_close, 1);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK)
    ++*calls;
  return 0;
}

/* Two finalizers: one made before weir was opened, which comes when all of weir is gone. */
static int at_close(lua_State *L) {
  int calls = 0;
  Memory memory;
  lua_State *other = memory_open(&memory);
  for (int i = 0; i < 2; i++) {
    lua_pushlightuserdata(other, &calls);
    lua_pushcclosure(other, call_at_close_quietly, 1);
    make_garbage(other);
    if (i == 0)
      case_open_weir(other, case_prepare(L));
  }
  lua_close(other);
  check(L, calls == 2);
  check(L, memory.used == 0);
  return 0;
}

/* ---- hooks ---- */

static const char deferred_key;

/* What a hook does to the Deferred that is kept under the key; it goes away at once. */
static void push_kept(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &deferred_key);
}

static void fire_in_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  push_kept(L);
  lua_pushliteral(L, "from a hook");
  weir_api(L)->callback(L, -2, 1);
  lua_pop(L, 1);
  case_log(L, "fired");
}

static int hooks(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  for (int i = 0; i < 2; i++) {
    lua_settop(L, 0);
    weir->deferred(L);
    spawn_waiter(L, 1);
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &deferred_key);
    lua_sethook(L, fire_in_hook, i == 0 ? LUA_MASKCOUNT : LUA_MASKCALL, 1);
    case_lua(L, 0, 1, "local n = 0 for i = 1, 10 do n = n + i end return n");
    check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
    check_stack(L, "D C 55 'from a hook'");
  }
  check_log(L, "fired fired");
  return 0;
}

/* These do so in the hook itself, not in a function that it calls, which could not be suspended
   anyway. Each strikes once. */
static int armed;

static int disarm(void) {
  int was = armed;
  armed = 0;
  return was;
}

static void await_in_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (!disarm())
    return;
  push_kept(L);
  weir_api(L)->awaitk(L, -1, -1, 0, NULL);
}

static void yield_in_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (disarm())
    weir_api(L)->yieldk(L, 0, NULL);
}

static void hop_in_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (!disarm())
    return;
  push_kept(L);
  weir_api(L)->noreturn(L, 0);
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* Here the call itself is in place, and only not eager. */
static void spawn_in_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (!disarm())
    return;
  lua_pushcfunction(L, nothing);
  weir_api(L)->spawnk(L, 0, 0, NULL);
  lua_pop(L, 1);
}

static const struct {
  lua_Hook hook;
  const char *error;
} suspending[] = {{await_in_hook, "attempt to await inside a hook"},
                  {yield_in_hook, "attempt to yield inside a hook"},
                  {hop_in_hook, "attempt to noreturn inside a hook"},
                  {spawn_in_hook, "nothing"}};

/* Arguments: which hook, its mask. */
static int set_hook(lua_State *L) {
  int mask = (int)lua_tointeger(L, 2);
  armed = 1;
  lua_sethook(L, suspending[lua_tointeger(L, 1)].hook, mask, mask == LUA_MASKCOUNT ? 5 : 0);
  return 0;
}

static int clear_hook(lua_State *L) {
  lua_sethook(L, NULL, 0, 0);
  return 0;
}

/* A body with such a hook in it gets this error out of what the hook calls. */
static void check_hook(lua_State *L, int hook, int mask) {
  lua_settop(L, 0);
  lua_pushinteger(L, hook);
  lua_pushinteger(L, mask);
  case_lua(L, 2, 1,
           "local hook, mask = ...\n"
           "return weir.spawn(function()\n"
           "  local ok, err = pcall(function()\n"
           "    set_hook(hook, mask)\n"
           "    for i = 1, 100 do\n"
           "      local n = math.abs(i)\n"
           "    end\n"
           "    return 'nothing'\n"
           "  end)\n"
           "  clear_hook()\n"
           "  return (tostring(err):gsub('^chunk:%d+: ', ''))\n"
           "end):result()");
  check(L, !armed && strcmp(lua_tostring(L, 1), suspending[hook].error) == 0);
}

static void check_hooks(lua_State *L, int mask) {
  weir_api(L)->deferred(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &deferred_key);
  lua_register(L, "set_hook", set_hook);
  lua_register(L, "clear_hook", clear_hook);
  for (int i = 0; i < 4; i++)
    check_hook(L, i, mask);
}

static int refused_in_line_hooks(lua_State *L) {
  check_hooks(L, LUA_MASKLINE);
  return 0;
}

static int refused_in_count_hooks(lua_State *L) {
  check_hooks(L, LUA_MASKCOUNT);
  return 0;
}

/* The first function that is called is one of C. */
static int refused_in_call_hooks(lua_State *L) {
  check_hooks(L, LUA_MASKCALL);
  return 0;
}

/* ---- the stack ---- */

/* It is as full as a C function may fill it without asking for more. */
static int full_stack(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  weir->deferred(L);
  while (lua_gettop(L) < LUA_MINSTACK)
    lua_pushinteger(L, lua_gettop(L));
  weir->pause(L, 1);
  weir->unpause(L, 1);
  weir->timeout(L, 1, 1);
  weir->chain(L, 1, 2);
  weir->callback(L, 1, 3);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D D 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
  weir->shield(L, 1);
  weir->after(L, 1, 0);
  lua_pop(L, 1);
  check(L, weir->outcome(L, -1, NULL) == WEIR_SUCCESS);
  check_stack(L, "D D 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 D 17 18 19");
  return 0;
}

/* ---- threads ---- */

/* The host's own thread, and one of a plain coroutine. */
static int other_threads(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_State *own = lua_newthread(L);
  weir->deferred(own);
  lua_pushvalue(own, 1);
  lua_xmove(own, L, 1);
  spawn_waiter(own, 1);
  check_stack(own, "D C");
  check_stack(L, "L D");
  lua_pushliteral(L, "here");
  weir->callback(L, 2, 1);
  check(L, weir->outcome(own, 2, NULL) == WEIR_SUCCESS);
  check_stack(own, "D C 'here'");
  lua_pushcfunction(own, wait_for_first);
  weir->after(own, 0, 0);
  check(L, weir->run(own, 1) == 0);
  check_stack(L, "L D");
  return 0;
}

static int fire_and_spawn(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "from within");
  weir->callback(L, 1, 1);
  lua_pushcfunction(L, nothing);
  weir->spawn(L, 0);
  check(L, weir->status(L, -1) == WEIR_SUCCESS); /* no coroutine of ours runs: it is the host */
  check_raises(L, 1, wait_for_first, "attempt to await outside a coroutine");
  return 0;
}

static int plain_coroutine(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  spawn_waiter(L, 1);
  lua_pushcfunction(L, fire_and_spawn);
  lua_pushvalue(L, 1);
  case_lua(L, 2, 0,
           "local f, d = ...\n"
           "coroutine.wrap(function() f(d) end)()");
  check(L, weir->status(L, 2) == WEIR_SUCCESS);
  return 0;
}

static lua_State *suspended;

static int keep_thread(lua_State *L) {
  suspended = L;
  return wait_for_first(L);
}

/* What a C module must not do: use the thread that it was given, later. */
static int use_suspended(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(suspended);
  return 0;
}

static int suspended_thread(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, keep_thread);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  check_raises(L, 0, use_suspended, "attempt to use the thread of a suspended coroutine");
  weir->callback(L, 1, 0);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS); /* regression 178: it had lost its stack */
  return 0;
}

/* ---- states ---- */

static int fetch(lua_State *L) {
  weir_api(L);
  return 0;
}

/* Upvalue: a table from another state. */
static int use_unopened(lua_State *L) {
  const weir_Api *weir = lua_touserdata(L, lua_upvalueindex(1));
  weir->deferred(L);
  return 0;
}

static int unopened(lua_State *L) {
  Memory memory;
  lua_State *other = memory_open(&memory);
  lua_pushcfunction(other, fetch);
  check(L, lua_pcall(other, 0, 0, 0) == LUA_ERRRUN);
  check(L, strcmp(lua_tostring(other, -1),
                  "weir is not open in this state (C interface weir.api.1)") == 0);
  lua_pushlightuserdata(other, (void *)weir_api(L));
  lua_pushcclosure(other, use_unopened, 1);
  check(L, lua_pcall(other, 0, 0, 0) == LUA_ERRRUN);
  check(L, strcmp(lua_tostring(other, -1), "weir is not open in this state") == 0);
  lua_close(other);
  check(L, memory.used == 0);
  return 0;
}

static int opened_again(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushvalue(L, 1);
  case_lua(L, 1, 2,
           "local d = ...\n"
           "local before = package.loaded['weir.core']\n"
           "package.loaded['weir.core'], package.loaded.weir = nil, nil\n"
           "again = require 'weir'\n"
           "renamed = package.preload['weir.core'] or select(2, true)\n"
           "return again.is_deferred(d), require 'weir.core' ~= before");
  check_stack(L, "D true true");
  check(L, weir_api(L) == weir);
  case_lua(L, 0, 1, "return again.Deferred()");
  check(L, weir->is_deferred(L, -1));
  return 0;
}

/* Counts down, in turns of two states. */
static int count_down(lua_State *L, int status, lua_KContext n) {
  (void)status;
  case_log(L, lua_tostring(L, 1));
  return n > 0 ? weir_api(L)->yieldk(L, n - 1, count_down) : 0;
}

static int count_from_two(lua_State *L) {
  return count_down(L, LUA_OK, 2);
}

/* In a callback of one state, steps the other. */
static int step_other(lua_State *L) {
  lua_State *other = lua_touserdata(L, lua_upvalueindex(1));
  weir_api(other)->step(other, -1);
  check(L, weir_api(other)->current(other) == 0);
  return 0;
}

static int two_states(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  Memory memory;
  lua_State *other = memory_open(&memory);
  case_open_weir(other, case_prepare(L));
  check(L, weir_api(other) == weir); /* one table, constant */
  for (int i = 0; i < 2; i++) {
    lua_State *each = i ? other : L;
    lua_pushcfunction(each, count_from_two);
    lua_pushstring(each, i ? "b" : "a");
    weir->spawn(each, 1);
  }
  check(L, weir->status(other, 1) == WEIR_READY);
  weir->step(L, -1);
  check_log(L, "a a");
  check_log(other, "b");
  weir->deferred(L);
  lua_pushlightuserdata(L, other);
  lua_pushcclosure(L, step_other, 1);
  weir->add(L, -2, WEIR_CALLBACK);
  weir->callback(L, -1, 0);
  check(L, weir->status(L, -1) == WEIR_SUCCESS);
  check_log(other, "b");
  check(L, weir->step(other, -1) < 0);
  check_log(other, "b");
  lua_close(other);
  check(L, memory.used == 0);
  weir->step(L, -1);
  check_log(L, "a");
  return 0;
}

const Case places_cases[] = {
    {"10.1 3.8 a finalizer fires, starts, pauses and cancels", finalizers},
    {"10.1 3.6 awaitk in a finalizer, inside a coroutine, is refused", finalizer_in_coroutine},
    {"10.1 3.8 8.4 calls from finalizers at lua_close, also when weir is gone", at_close},
    {"10.1 2.3 a hook fires", hooks},
    {"10.1 3.6 8.4 what suspends is refused in a hook of lines; spawnk is spawn",
     refused_in_line_hooks},
    {"10.1 3.6 8.4 what suspends is refused in a hook of the count; spawnk is spawn",
     refused_in_count_hooks},
    {"10.1 3.6 8.4 what suspends is refused in a hook of calls, also of a C function",
     refused_in_call_hooks},
    {"10.1 each call makes its own room on a full stack", full_stack},
    {"10.1 3.5 calls on a thread of the host's own", other_threads},
    {"10.1 3.2 3.6 calls from a plain coroutine", plain_coroutine},
    {"10.1 8.4 a call on the thread of a suspended coroutine is an error", suspended_thread},
    {"10.1 8.4 no table where weir is not open, and another state's raises there", unopened},
    {"10.1 opened again, it is the same scheduler and the same table", opened_again},
    {"10.1 10.2 two states side by side, one inside a callback of the other", two_states},
    {NULL, NULL}};
