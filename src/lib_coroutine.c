#include <math.h>
#include <string.h>

#include "await.h"
#include "close.h"
#include "failure.h"
#include "lib.h"
#include "quiet.h"
#include "sched.h"
#include "tail.h"
#include "wait.h"
#include "wrap.h"

#define TRACE_MOST 50 /* coroutines that a traceback shows */

/* ---- making ---- */

static int coroutine(lua_State *L) {
  weir_check_callable(L, 1);
  if (!lua_isnoneornil(L, 2))
    luaL_checkstring(L, 2);
  lua_settop(L, 2);
  if (weir_coroutine_undecorate(L, 1)) {
    if (lua_isnil(L, 2))
      lua_replace(L, 2);
    else
      lua_pop(L, 1);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushcclosure(L, weir_coroutine_decorator(), 3);
  return 1;
}

static int spawn(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_callable(L, 1);
  weir_coroutine_make(L, S);
  return weir_sched_spawn(L, S);
}

static int current(lua_State *L) {
  weir_State *S = weir_upstate(L);
  if (S->running)
    weir_coroutine_push_running(L, S);
  else
    lua_pushnil(L);
  return 1;
}

/* ---- waiting ---- */

static int await(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double limit = HUGE_VAL;
  weir_Coroutine *c;
  weir_check_deferred(L, S, 1);
  if (!lua_isnoneornil(L, 2))
    limit = weir_check_seconds(L, 2);
  c = weir_await_check(L, S, "await", 1);
  if (limit < HUGE_VAL) {
    lua_settop(L, 1);
    weir_state_push(L, S, HOME_LOOP_CLOCK);
    limit += weir_clock_now(lua_touserdata(L, 2));
  }
  return weir_await(L, S, c, limit);
}

static int noreturn(lua_State *L) {
  weir_State *S = weir_upstate(L);
  if (!weir_deferred_at(L, S, 1) && !weir_is_callable(L, 1))
    return luaL_typeerror(L, 1, "function or Deferred");
  return weir_tail_noreturn(L, S);
}

static int yield(lua_State *L) {
  weir_State *S = weir_upstate(L);
  return weir_await_turn(L, S, weir_await_check(L, S, "yield", 1));
}

static int grace(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double old = S->grace;
  S->grace = weir_check_seconds(L, 1);
  lua_pushnumber(L, old);
  return 1;
}

/* ---- methods ---- */

static weir_Coroutine *check_coroutine(lua_State *L, const weir_State *S, int arg) {
  weir_Deferred *d = weir_deferred_at(L, S, arg);
  if (!d || !weir_is_coroutine(d))
    luaL_typeerror(L, arg, "Coroutine");
  return weir_coroutine(d);
}

static int close(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Coroutine *c = check_coroutine(L, S, 1);
  lua_settop(L, 1);
  if (weir_coroutine_is_executing(&c->d) || (c->thread && weir_coroutine_is_used(c)))
    return luaL_error(L, "cannot close a running coroutine");
  lua_pushboolean(L, 1);
  if (!weir_close(L, S, 1)) {
    lua_pushboolean(L, 0);
    lua_replace(L, 2);
    weir_failure_handled(L, S, 1);
  }
  weir_lib_finish(L, S);
  return lua_gettop(L) - 1;
}

/* Pushes a thread, and those of the generators that it waits in, the innermost first. */
static int push_nested(lua_State *L, lua_State *thread, int most) {
  int n = 0, first = lua_gettop(L) + 1;
  while (thread && n < most && lua_checkstack(thread, 2)) {
    lua_pushthread(thread);
    lua_xmove(thread, L, 1);
    lua_insert(L, first);
    n++;
    thread = lua_status(thread) == LUA_YIELD ? weir_wrap_inner(thread) : NULL;
  }
  return n;
}

/* Pushes the threads of the coroutine and of those that wait on it. Nothing is allocated meanwhile:
   the pointers hold. */
static int push_threads(lua_State *L, weir_State *S, const weir_Deferred *root) {
  weir_Above above;
  int n = 0;
  weir_wait_look_above(S, &above, root, WEIR_ABOVE_MOST);
  for (const weir_Deferred *w = root; w && n < TRACE_MOST; w = weir_wait_next_above(&above))
    if (weir_is_coroutine(w))
      n += push_nested(L, ((const weir_Coroutine *)(const void *)w)->thread, TRACE_MOST - n);
  return n;
}

/* Argument: the Coroutine. To be called quietly: a finalizer could resume a thread that is being
   looked at. */
static int live_trace(lua_State *L) {
  int n;
  luaL_Buffer b;
  luaL_checkstack(L, TRACE_MOST + 8, NULL);
  n = push_threads(L, weir_state_get(L), lua_touserdata(L, 1));
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    lua_State *thread = lua_tothread(L, 1 + i);
    if (i > 1)
      luaL_addstring(&b, "\nawaited by:\n");
    luaL_traceback(L, thread, NULL, thread == L ? 2 : 0); /* not this and the method itself */
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

static int push_live_trace(lua_State *L) {
  lua_pushcfunction(L, live_trace);
  lua_pushvalue(L, 1);
  weir_call_quietly(L, 1, 1);
  return 1;
}

static int traceback(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Coroutine *c = check_coroutine(L, S, 1);
  lua_settop(L, 1);
  if (c->d.phase == PHASE_PENDING || c->d.phase == PHASE_WAITING)
    return push_live_trace(L);
  if (!(c->d.flags & FLAG_NOTED)) {
    lua_pushliteral(L, "");
    return 1;
  }
  lua_getiuservalue(L, 1, UV_TARGET);
  weir_failure_push_trace(L, S, 2);
  return 1;
}

const luaL_Reg weir_lib_coroutine[] = {
    {"coroutine", coroutine}, {"spawn", spawn}, {"current", current},
    {"await", await},         {"yield", yield}, {"noreturn", noreturn},
    {"wrap", weir_wrap},      {"grace", grace}, {NULL, NULL}};

const luaL_Reg weir_lib_coroutine_methods[] = {
    {"close", close}, {"traceback", traceback}, {NULL, NULL}};
