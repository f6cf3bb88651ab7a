#include <string.h>

#include "cancel.h"
#include "describe.h"
#include "failure.h"
#include "lib.h"
#include "link.h"
#include "pause.h"
#include "sched.h"
#include "site.h"

static int return_self(lua_State *L) {
  lua_pushvalue(L, 1);
  return 1;
}

/* ---- making ---- */

static const char *const hook_names[] = {"cancel", "pause", "unpause", NULL};

static int is_hook_name(const char *name) {
  for (int i = 0; hook_names[i]; i++)
    if (name && strcmp(name, hook_names[i]) == 0)
      return 1;
  return 0;
}

static void check_hook_names(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    if (!is_hook_name(name))
      luaL_argerror(L, 1, lua_pushfstring(L, "unknown hook '%s'", luaL_tolstring(L, -2, NULL)));
    lua_pop(L, 1);
  }
}

/* Replaces the table of hooks at 1 by one that only we know. */
static void copy_hooks(lua_State *L) {
  check_hook_names(L);
  lua_createtable(L, 3, 0);
  for (int i = 0; hook_names[i]; i++) {
    if (lua_getfield(L, 1, hook_names[i]) != LUA_TNIL && !weir_is_callable(L, -1))
      luaL_argerror(L, 1, lua_pushfstring(L, "hook '%s' is not a function", hook_names[i]));
    lua_rawseti(L, -2, i + 1);
  }
  lua_replace(L, 1);
}

/* A canceller, or hooks, at 1. */
static int deferred_with_hooks(lua_State *L, weir_State *S) {
  weir_Deferred *d;
  int single = weir_is_callable(L, 1);
  lua_settop(L, 1);
  if (!single) {
    luaL_checktype(L, 1, LUA_TTABLE);
    copy_hooks(L);
  }
  d = weir_deferred_new(L, S, KIND_DEFERRED, sizeof *d);
  if (!single)
    d->flags |= FLAG_HOOKS;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, UV_VALUE);
  return 1;
}

static int deferred(lua_State *L) {
  weir_State *S = weir_upstate(L);
  if (!lua_isnoneornil(L, 1))
    return deferred_with_hooks(L, S);
  weir_deferred_new(L, S, KIND_DEFERRED, sizeof(weir_Deferred));
  return 1;
}

static void check_hook(lua_State *L, int idx, const char *name) {
  if (!lua_isnil(L, idx) && !weir_is_callable(L, idx))
    weir_bad_argument(L, 1, "deferred_with",
                      lua_pushfstring(L, "hook '%s' is not a function", name));
}

void weir_lib_hooked(lua_State *L, weir_State *S) {
  int list = lua_gettop(L) - 2;
  for (int i = 0; hook_names[i]; i++)
    check_hook(L, list + i, hook_names[i]);
  lua_createtable(L, 3, 0);
  lua_insert(L, list);
  for (int i = 3; i > 0; i--)
    lua_rawseti(L, list, i);
  weir_deferred_new(L, S, KIND_DEFERRED, sizeof(weir_Deferred))->flags |= FLAG_HOOKS;
  lua_insert(L, list);
  lua_setiuservalue(L, list, UV_VALUE);
}

void weir_lib_settled(lua_State *L, weir_State *S, int n, int failed) {
  weir_Deferred *d;
  weir_deferred_pack(L, n);
  d = weir_deferred_new(L, S, KIND_DEFERRED, sizeof *d);
  lua_insert(L, -2);
  weir_deferred_fire_now(L, S, d, lua_gettop(L) - 1, n, failed);
}

static int succeed(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int n = lua_gettop(L);
  weir_check_values(L, S, n, 1, NULL);
  weir_lib_settled(L, S, n, 0);
  return 1;
}

static int fail(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  weir_lib_settled(L, weir_upstate(L), 1, 1);
  return 1;
}

/* settled(ok, ...): for maybe. Unlike succeed it takes whatever a function returned. */
static int settled(lua_State *L) {
  int failed = !lua_toboolean(L, 1);
  luaL_checkany(L, failed ? 2 : 1);
  lua_remove(L, 1);
  if (failed)
    lua_settop(L, 1);
  weir_lib_settled(L, weir_upstate(L), lua_gettop(L), failed);
  return 1;
}

void weir_lib_shield(lua_State *L, weir_State *S, int idx, const char *of) {
  weir_check_deferred_at(L, S, idx, 1, of);
  weir_deferred_new(L, S, KIND_DEFERRED, sizeof(weir_Deferred));
  weir_link_follow(L, S, lua_gettop(L), idx, WAIT_SHIELD);
  weir_lib_finish(L, S);
}

static int shield(lua_State *L) {
  weir_lib_shield(L, weir_upstate(L), 1, NULL);
  return 1;
}

/* ---- firing ---- */

static int raise_already_called(lua_State *L, weir_State *S, int idx) {
  int known = weir_site_push(L, S, idx), site = lua_gettop(L) - 1;
  luaL_where(L, 1);
  lua_pushliteral(L, "Deferred has been fired already");
  lua_concat(L, 2);
  if (known)
    lua_pushfstring(L, "%s, first at %s", lua_tostring(L, -1), lua_tostring(L, site));
  weir_error_new(L, S, ERROR_ALREADY_CALLED);
  if (known) {
    lua_pushvalue(L, site + 1);
    lua_setfield(L, -2, "first");
  }
  return lua_error(L);
}

void weir_lib_fire(lua_State *L, weir_State *S, int idx, int n, int failed, const char *of) {
  weir_Deferred *d = weir_check_deferred_at(L, S, idx, 1, of);
  if (!failed)
    weir_check_values(L, S, n, 2, of);
  if (weir_is_coroutine(d))
    luaL_error(L, "attempt to %s a Coroutine", failed ? "errback" : "callback");
  weir_deferred_pack(L, n);
  if (S->debug && d->phase == PHASE_PENDING)
    weir_site_note(L, S, idx); /* a finalizer may fire it here */
  if (d->phase == PHASE_PENDING) {
    d->flags &= ~(uint32_t)FLAG_DROP_LATE;
    weir_deferred_fire_now(L, S, d, idx, n, failed);
    weir_lib_finish(L, S);
  } else if (d->flags & FLAG_DROP_LATE) {
    d->flags &= ~(uint32_t)FLAG_DROP_LATE;
    lua_pop(L, 1);
  } else {
    raise_already_called(L, S, idx);
  }
}

static int callback(lua_State *L) {
  weir_lib_fire(L, weir_upstate(L), 1, lua_gettop(L) - 1, 0, NULL);
  return return_self(L);
}

static int errback(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  weir_lib_fire(L, S, 1, 1, 1, NULL);
  return return_self(L);
}

/* ---- callbacks ---- */

/* One callback at f, or of a pair the one that is not nil. */
static void check_calls(lua_State *L, weir_Call *call, int *f, const char *of) {
  int callback_only = *call != CALL_PAIR, errback_only = 0;
  if (!callback_only) {
    callback_only = lua_isnil(L, *f + 1);
    errback_only = lua_isnil(L, *f) && !callback_only;
    *call = callback_only ? CALL_CALLBACK : errback_only ? CALL_ERRBACK : CALL_PAIR;
  }
  if (!errback_only)
    weir_check_callable(L, *f, 2, of);
  if (!callback_only)
    weir_check_callable(L, *f + 1, 3, of);
  *f += errback_only;
}

void weir_lib_add(lua_State *L, weir_State *S, int idx, weir_Call call, int f, const char *of) {
  weir_Deferred *d = weir_check_deferred_at(L, S, idx, 1, of);
  check_calls(L, &call, &f, of);
  weir_deferred_add(L, S, d, idx, call, f);
  weir_lib_finish(L, S);
}

static int add_one(lua_State *L, weir_Call call) {
  weir_lib_add(L, weir_upstate(L), 1, call, 2, NULL);
  return return_self(L);
}

static int add_callback(lua_State *L) {
  return add_one(L, CALL_CALLBACK);
}
static int add_errback(lua_State *L) {
  return add_one(L, CALL_ERRBACK);
}
static int add_both(lua_State *L) {
  return add_one(L, CALL_BOTH);
}

static int add_callbacks(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  lua_settop(L, 3);
  weir_lib_add(L, S, 1, CALL_PAIR, 2, NULL);
  return return_self(L);
}

void weir_lib_chain(lua_State *L, weir_State *S, int from, int to, const char *of) {
  weir_Deferred *d = weir_check_deferred_at(L, S, from, 1, of);
  weir_Deferred *other = weir_check_deferred_at(L, S, to, 2, of);
  if (d == other)
    weir_bad_argument(L, 2, of, "a Deferred cannot be chained to itself");
  if (weir_is_coroutine(other))
    weir_bad_argument(L, 2, of, "a Coroutine cannot be fired");
  if (other->phase != PHASE_PENDING)
    weir_bad_argument(L, 2, of, "Deferred has been fired already");
  weir_link_follow(L, S, to, from, WAIT_CHAIN);
  weir_lib_finish(L, S);
}

static int chain(lua_State *L) {
  weir_lib_chain(L, weir_upstate(L), 1, 2, NULL);
  return return_self(L);
}

/* ---- state ---- */

static int status(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  lua_pushstring(L, weir_describe_status(weir_describe_look(L, S, 1)));
  return 1;
}

int weir_lib_outcome(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  int n = weir_deferred_push_outcome(L, d, idx);
  if (d->flags & FLAG_FAILED)
    weir_failure_handled(L, S, idx);
  return n;
}

static int result(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Deferred *d = weir_check_deferred(L, S, 1);
  int n;
  if (!weir_deferred_ready(d))
    return luaL_error(L, "attempt to take the result of a pending Deferred");
  n = weir_lib_outcome(L, S, 1);
  return d->flags & FLAG_FAILED ? lua_error(L) : n;
}

int weir_lib_tostring(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  weir_describe(L, S, 1);
  return 1;
}

static int is_deferred(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, weir_deferred_at(L, weir_upstate(L), 1) != NULL);
  return 1;
}

static int is_cancelled(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, weir_error_is(L, weir_upstate(L), 1, ERROR_CANCELLED));
  return 1;
}

/* ---- flow ---- */

int weir_lib_cancel(lua_State *L, weir_State *S, int idx, double grace) {
  int done = weir_cancel(L, S, idx, grace);
  weir_lib_finish(L, S);
  return done;
}

static int cancel(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double grace = S->grace;
  weir_check_deferred(L, S, 1);
  if (!lua_isnoneornil(L, 3))
    grace = weir_check_seconds(L, 3);
  lua_settop(L, 2);
  lua_pushboolean(L, weir_lib_cancel(L, S, 1, grace));
  return 1;
}

void weir_lib_pause(lua_State *L, weir_State *S, int idx, int change, const char *of) {
  const weir_Deferred *d = weir_check_deferred_at(L, S, idx, 1, of);
  int failed;
  if (change < 0 && d->pauses == 0)
    luaL_error(L, "attempt to unpause a Deferred that is not paused");
  weir_pause_change(L, S, idx, change);
  failed = weir_pause_run_hooks(L, S);
  weir_lib_finish(L, S);
  if (failed)
    lua_error(L);
}

static int pause(lua_State *L) {
  weir_lib_pause(L, weir_upstate(L), 1, 1, NULL);
  return return_self(L);
}

static int unpause(lua_State *L) {
  weir_lib_pause(L, weir_upstate(L), 1, -1, NULL);
  return return_self(L);
}

void weir_lib_timeout(lua_State *L, weir_State *S, int d, int clock, double seconds) {
  const weir_Deferred *of = lua_touserdata(L, d);
  const weir_Clock *k = lua_touserdata(L, clock);
  if (of->phase != PHASE_SETTLED)
    weir_timer_limit(L, S, d, clock, weir_clock_now(k) + seconds, TIMER_TIMEOUT);
  weir_sched_tell(L, S);
}

static int timeout(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double seconds;
  weir_check_deferred(L, S, 1);
  seconds = weir_check_seconds(L, 2);
  lua_settop(L, 1);
  weir_state_push(L, S, HOME_LOOP_CLOCK);
  weir_lib_timeout(L, S, 1, 2, seconds);
  return return_self(L);
}

const luaL_Reg weir_lib_deferred[] = {{"Deferred", deferred},
                                      {"succeed", succeed},
                                      {"fail", fail},
                                      {"shield", shield},
                                      {"settled", settled},
                                      {"is_deferred", is_deferred},
                                      {"is_cancelled", is_cancelled},
                                      {NULL, NULL}};

const luaL_Reg weir_lib_deferred_methods[] = {{"callback", callback},
                                              {"errback", errback},
                                              {"add_callback", add_callback},
                                              {"add_errback", add_errback},
                                              {"add_callbacks", add_callbacks},
                                              {"add_both", add_both},
                                              {"chain", chain},
                                              {"status", status},
                                              {"result", result},
                                              {"cancel", cancel},
                                              {"pause", pause},
                                              {"unpause", unpause},
                                              {"timeout", timeout},
                                              {NULL, NULL}};
