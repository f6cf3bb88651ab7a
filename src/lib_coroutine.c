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

void weir_lib_decorate(lua_State *L, const char *of) {
  int f = lua_gettop(L) - 1;
  weir_check_callable(L, f, 1, of);
  if (weir_coroutine_undecorate(L, f)) {
    if (lua_isnil(L, f + 1))
      lua_replace(L, f + 1);
    else
      lua_pop(L, 1);
  }
  weir_state_open(L);
  lua_insert(L, f);
  lua_pushcclosure(L, weir_coroutine_decorator(), 3);
}

static int coroutine(lua_State *L) {
  weir_check_callable(L, 1, 1, NULL);
  if (!lua_isnoneornil(L, 2))
    luaL_checkstring(L, 2);
  lua_settop(L, 2);
  weir_lib_decorate(L, NULL);
  return 1;
}

static int spawn(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_lib_coroutine_of(L, S, lua_gettop(L) - 1, NULL);
  return weir_sched_spawn(L, S);
}

int weir_lib_current(lua_State *L, weir_State *S) {
  if (S->running)
    weir_coroutine_push_running(L, S);
  else
    lua_pushnil(L);
  return S->running != NULL;
}

static int current(lua_State *L) {
  weir_lib_current(L, weir_upstate(L));
  return 1;
}

/* ---- waiting ---- */

static int await(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double limit = HUGE_VAL;
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  weir_Coroutine *c;
  if (lua_gettop(L) > 1 && !lua_isnil(L, 2))
    limit = weir_check_seconds(L, 2);
  c = weir_await_check(L, S, "await", 1);
  if (limit < HUGE_VAL) {
    lua_settop(L, 1);
    weir_state_push(L, S, HOME_LOOP_CLOCK);
    limit += weir_clock_now(lua_touserdata(L, 2));
  }
  return weir_await(L, S, c, d, limit);
}

void weir_check_body(lua_State *L, const weir_State *S, int idx, const char *of) {
  if (!weir_deferred_at(L, S, idx) && !weir_is_callable(L, idx))
    weir_bad_type(L, idx, 1, of, "function or Deferred");
}

static int noreturn(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_body(L, S, 1, NULL);
  return weir_tail_noreturn(L, S, lua_gettop(L) - 1, 1);
}

static int got_turn(lua_State *L, int status, lua_KContext ctx) {
  weir_State *S = (weir_State *)ctx;
  (void)status;
  return weir_await_is_resumed(L, S) ? 0 : weir_await_raise(L, S);
}

static int yield(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_await_give_way(L, S, weir_await_check(L, S, "yield", 1));
  return lua_yieldk(L, 0, (lua_KContext)S, got_turn);
}

static int grace(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double old = S->grace;
  S->grace = weir_check_seconds(L, 1);
  lua_pushnumber(L, old);
  return 1;
}

/* ---- methods ---- */

weir_Coroutine *weir_check_coroutine(lua_State *L, const weir_State *S, int idx, const char *of) {
  weir_Deferred *d = weir_deferred_at(L, S, idx);
  if (!d || !weir_is_coroutine(d))
    weir_bad_type(L, idx, 1, of, "Coroutine");
  return weir_coroutine(d);
}

int weir_lib_close(lua_State *L, weir_State *S, int idx, const char *of) {
  const weir_Coroutine *c = weir_check_coroutine(L, S, idx, of);
  int clean;
  if (weir_coroutine_is_executing(&c->d) || (c->thread && weir_coroutine_is_used(c)))
    luaL_error(L, "cannot close a running coroutine");
  clean = weir_close(L, S, idx);
  if (!clean)
    weir_failure_handled(L, S, idx);
  weir_lib_finish(L, S);
  return clean;
}

static int close(lua_State *L) {
  int clean = weir_lib_close(L, weir_upstate(L), 1, NULL);
  lua_pushboolean(L, clean);
  if (clean)
    return 1;
  lua_insert(L, -2);
  return 2;
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

/* Arguments: the Coroutine, and how much of the stack of its caller is not shown. To be called
   quietly: a finalizer could resume a thread that is being looked at. */
static int live_trace(lua_State *L) {
  int level = (int)lua_tointeger(L, 2), n;
  luaL_Buffer b;
  luaL_checkstack(L, TRACE_MOST + 8, NULL);
  lua_settop(L, 1);
  n = push_threads(L, weir_state_get(L), lua_touserdata(L, 1));
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    lua_State *thread = lua_tothread(L, 1 + i);
    if (i > 1)
      luaL_addstring(&b, "\nawaited by:\n");
    luaL_traceback(L, thread, NULL, thread == L ? 1 + level : 0); /* not this function itself */
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

static void push_live_trace(lua_State *L, int idx, int level) {
  lua_pushcfunction(L, live_trace);
  lua_pushvalue(L, idx);
  lua_pushinteger(L, level);
  weir_call_quietly(L, 2, 1);
}

void weir_lib_traceback(lua_State *L, weir_State *S, int idx, int level, const char *of) {
  const weir_Coroutine *c = weir_check_coroutine(L, S, idx, of);
  if (c->d.phase == PHASE_PENDING || c->d.phase == PHASE_WAITING) {
    push_live_trace(L, idx, level);
  } else if (c->d.flags & FLAG_NOTED) {
    lua_getiuservalue(L, idx, UV_TARGET);
    weir_failure_push_trace(L, S, lua_gettop(L));
    lua_remove(L, -2);
  } else {
    lua_pushliteral(L, "");
  }
}

static int traceback(lua_State *L) {
  weir_lib_traceback(L, weir_upstate(L), 1, 1, NULL);
  return 1;
}

const luaL_Reg weir_lib_coroutine[] = {
    {"coroutine", coroutine}, {"spawn", spawn}, {"current", current},
    {"await", await},         {"yield", yield}, {"noreturn", noreturn},
    {"wrap", weir_wrap},      {"grace", grace}, {NULL, NULL}};

const luaL_Reg weir_lib_coroutine_methods[] = {
    {"close", close}, {"traceback", traceback}, {NULL, NULL}};
