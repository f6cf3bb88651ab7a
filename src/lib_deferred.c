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
  lua_settop(L, 1);
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

/* A Deferred that has fired with the n values on top. */
static int fired(lua_State *L, weir_State *S, int n, int failed) {
  weir_deferred_pack(L, n);
  weir_deferred_new(L, S, KIND_DEFERRED, sizeof(weir_Deferred));
  lua_insert(L, -2);
  weir_deferred_fire_now(L, S, lua_gettop(L) - 1, n, failed);
  return 1;
}

static int succeed(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_values(L, S, 1);
  return fired(L, S, lua_gettop(L), 0);
}

static int fail(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  return fired(L, weir_upstate(L), 1, 1);
}

/* settled(ok, ...): for maybe. Unlike succeed it takes whatever a function returned. */
static int settled(lua_State *L) {
  int failed = !lua_toboolean(L, 1);
  lua_remove(L, 1);
  return fired(L, weir_upstate(L), failed ? 1 : lua_gettop(L), failed);
}

static int shield(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  lua_settop(L, 1);
  weir_deferred_new(L, S, KIND_DEFERRED, sizeof(weir_Deferred));
  weir_link_follow(L, S, 2, 1, WAIT_SHIELD);
  weir_lib_finish(L, S);
  return 1;
}

/* ---- firing ---- */

static int raise_already_called(lua_State *L, weir_State *S) {
  int known = weir_site_push(L, S, 1), site = lua_gettop(L) - 1;
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

static int fire(lua_State *L, weir_State *S, weir_Deferred *d, const char *verb, int failed) {
  int n = lua_gettop(L) - 1;
  if (weir_is_coroutine(d))
    return luaL_error(L, "attempt to %s a Coroutine", verb);
  weir_deferred_pack(L, n);
  if (S->debug && d->phase == PHASE_PENDING)
    weir_site_note(L, S, 1); /* a finalizer may fire it here */
  if (d->phase == PHASE_PENDING) {
    d->flags &= ~(uint32_t)FLAG_DROP_LATE;
    weir_deferred_fire_now(L, S, 1, n, failed);
    weir_lib_finish(L, S);
  } else if (d->flags & FLAG_DROP_LATE) {
    d->flags &= ~(uint32_t)FLAG_DROP_LATE;
  } else {
    return raise_already_called(L, S);
  }
  return return_self(L);
}

static int callback(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  weir_check_values(L, S, 2);
  return fire(L, S, d, "callback", 0);
}

static int errback(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  return fire(L, S, d, "errback", 1);
}

/* ---- callbacks ---- */

static int add(lua_State *L, weir_State *S, weir_Deferred *d, weir_Call call, int f) {
  weir_deferred_add(L, S, d, 1, call, f);
  weir_lib_finish(L, S);
  return return_self(L);
}

static int add_one(lua_State *L, weir_Call call) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  weir_check_callable(L, 2);
  lua_settop(L, 2);
  return add(L, S, d, call, 2);
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
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  lua_settop(L, 3);
  if (!lua_isnil(L, 2) || lua_isnil(L, 3))
    weir_check_callable(L, 2);
  if (!lua_isnil(L, 3))
    weir_check_callable(L, 3);
  if (lua_isnil(L, 2))
    return add(L, S, d, CALL_ERRBACK, 3);
  return add(L, S, d, lua_isnil(L, 3) ? CALL_CALLBACK : CALL_PAIR, 2);
}

static int chain(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_check_deferred(L, S, 1), *other = weir_check_deferred(L, S, 2);
  luaL_argcheck(L, d != other, 2, "a Deferred cannot be chained to itself");
  luaL_argcheck(L, !weir_is_coroutine(other), 2, "a Coroutine cannot be fired");
  luaL_argcheck(L, other->phase == PHASE_PENDING, 2, "Deferred has been fired already");
  lua_settop(L, 2);
  weir_link_follow(L, S, 2, 1, WAIT_CHAIN);
  weir_lib_finish(L, S);
  return return_self(L);
}

/* ---- state ---- */

static int status(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  lua_pushstring(L, weir_describe_status(L, S, 1));
  return 1;
}

static int result(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Deferred *d = weir_check_deferred(L, S, 1);
  int n;
  if (!weir_deferred_ready(d))
    return luaL_error(L, "attempt to take the result of a pending Deferred");
  n = weir_deferred_push_outcome(L, d, 1);
  if (!(d->flags & FLAG_FAILED))
    return n;
  weir_failure_handled(L, S, 1);
  return lua_error(L);
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

static int cancel(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double grace = S->grace;
  int done;
  weir_check_deferred(L, S, 1);
  if (!lua_isnoneornil(L, 3))
    grace = weir_check_seconds(L, 3);
  lua_settop(L, 2);
  done = weir_cancel(L, S, 1, grace);
  weir_lib_finish(L, S);
  lua_pushboolean(L, done);
  return 1;
}

static int set_pauses(lua_State *L, int change) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  int failed;
  if (change < 0 && d->pauses == 0)
    return luaL_error(L, "attempt to unpause a Deferred that is not paused");
  lua_settop(L, 1);
  d->pauses += change;
  if (d->voided > d->pauses)
    d->voided = d->pauses;
  weir_pause_rehold(L, S, d, 1);
  failed = weir_pause_run_hooks(L, S);
  weir_lib_finish(L, S);
  return failed ? lua_error(L) : 1;
}

static int pause(lua_State *L) {
  return set_pauses(L, 1);
}
static int unpause(lua_State *L) {
  return set_pauses(L, -1);
}

int weir_lib_timeout(lua_State *L, weir_State *S, int d, int clock, double seconds) {
  const weir_Deferred *of = lua_touserdata(L, d);
  const weir_Clock *k = lua_touserdata(L, clock);
  if (of->phase != PHASE_SETTLED)
    weir_timer_limit(L, S, d, clock, weir_clock_now(k) + seconds, TIMER_TIMEOUT);
  lua_pushvalue(L, d);
  return 1;
}

static int timeout(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double seconds;
  weir_check_deferred(L, S, 1);
  seconds = weir_check_seconds(L, 2);
  lua_settop(L, 1);
  weir_state_push(L, S, HOME_LOOP_CLOCK);
  return weir_lib_timeout(L, S, 1, 2, seconds);
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
