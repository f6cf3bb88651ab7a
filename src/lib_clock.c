#include <math.h>
#include <string.h>

#include "await.h"
#include "cancel.h"
#include "lib.h"
#include "sched.h"

#define NESTED_CLOCKS 50 /* each level of scaled clocks is one of C calls when its timers fire */

/* ---- clocks ---- */

static void check_options(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(name, "speed") != 0 && strcmp(name, "parent") != 0)
      luaL_argerror(L, 1, lua_pushfstring(L, "unknown option '%s'", luaL_tolstring(L, -2, NULL)));
    lua_pop(L, 1);
  }
}

static double check_speed(lua_State *L, int idx, int arg) {
  double speed;
  if (lua_type(L, idx) != LUA_TNUMBER)
    luaL_argerror(L, arg, "speed must be a number");
  speed = lua_tonumber(L, idx);
  luaL_argcheck(L, speed >= 0 && speed < HUGE_VAL, arg, "speed must be finite and not negative");
  return speed;
}

static int new_scaled(lua_State *L, weir_State *S) {
  double speed = 1;
  const weir_Clock *parent;
  check_options(L);
  if (lua_getfield(L, 1, "speed") != LUA_TNIL)
    speed = check_speed(L, 2, 1);
  if (lua_getfield(L, 1, "parent") == LUA_TNIL)
    weir_state_push(L, S, HOME_LOOP_CLOCK);
  parent = weir_clock_at(L, S, -1);
  luaL_argcheck(L, parent, 1, "parent must be a Clock");
  luaL_argcheck(L, parent->depth < NESTED_CLOCKS, 1, "too many nested clocks");
  weir_clock_new(L, S, CLOCK_SCALED, lua_gettop(L))->speed = speed;
  return 1;
}

static int clock(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    weir_clock_new(L, S, CLOCK_MANUAL, 0);
    return 1;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  return new_scaled(L, S);
}

static weir_Clock *check_scaled(lua_State *L, const weir_State *S, int arg) {
  weir_Clock *k = weir_check_clock(L, S, arg);
  luaL_argcheck(L, k->kind == CLOCK_SCALED, arg, "only a Clock with a parent can change its pace");
  return k;
}

static int loop_clock(lua_State *L) {
  weir_State *S = weir_upstate(L);
  if (!lua_isnoneornil(L, 1))
    weir_check_clock(L, S, 1);
  lua_settop(L, 1);
  weir_state_push(L, S, HOME_LOOP_CLOCK);
  if (!lua_isnil(L, 1)) {
    lua_pushvalue(L, 1);
    weir_cancel_end_turn(L, S); /* what was cancelled has its grace on the old one */
    weir_state_set(L, S, HOME_LOOP_CLOCK);
  }
  return 1;
}

static int change_pauses(lua_State *L, int change) {
  weir_State *S = weir_upstate(L);
  const weir_Clock *k = check_scaled(L, S, 1);
  if (change < 0 && k->pauses == 0)
    return luaL_error(L, "attempt to unpause a Clock that is not paused");
  lua_settop(L, 1);
  weir_clock_retime(L, 1, k->speed, k->pauses + change);
  weir_sched_tell(L, S);
  return 1;
}

static int clock_pause(lua_State *L) {
  return change_pauses(L, 1);
}
static int clock_unpause(lua_State *L) {
  return change_pauses(L, -1);
}

static int clock_speed(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Clock *k = check_scaled(L, S, 1);
  double old = k->speed;
  if (!lua_isnoneornil(L, 2))
    weir_clock_retime(L, 1, check_speed(L, 2, 2), k->pauses);
  weir_sched_tell(L, S);
  lua_pushnumber(L, old);
  return 1;
}

/* ---- advance ---- */

/* In a coroutine every deadline is a wait, so that what it woke runs before the next. */
static int advance_on(lua_State *L, int status, lua_KContext ctx) {
  weir_State *S = weir_upstate(L);
  weir_Clock *k = lua_touserdata(L, 1);
  double target = lua_tonumber(L, 2);
  weir_Coroutine *c = weir_sched_suspendable(L, S);
  if (status == LUA_YIELD && (!c || c->raise)) {
    lua_settop(L, 3);
    return c ? lua_error(L) : luaL_error(L, "a coroutine of weir was resumed from outside");
  }
  lua_settop(L, 2);
  if (!c) {
    weir_clock_advance(L, S, k, target, (uint64_t)ctx);
  } else if (weir_clock_advance_once(L, S, k, target, (uint64_t)ctx)) {
    weir_await_strike(L, S, c);
    c->raw = 0;
    S->signal = SIGNAL_TURN;
    return lua_yieldk(L, 0, ctx, advance_on);
  }
  weir_lib_finish(L, S);
  lua_settop(L, 1);
  return 1;
}

static int advance(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Clock *k = weir_check_clock(L, S, 1);
  double seconds = weir_check_seconds(L, 2);
  luaL_argcheck(L, k->kind == CLOCK_MANUAL, 1, "only a manual Clock can be advanced");
  luaL_argcheck(L, seconds < HUGE_VAL, 2, "time must be finite");
  lua_settop(L, 1);
  lua_pushnumber(L, weir_clock_now(k) + seconds);
  return advance_on(L, LUA_OK, (lua_KContext)S->armed);
}

/* ---- time; the clock is at 1 ---- */

static void use_loop_clock(lua_State *L) {
  weir_state_push(L, weir_upstate(L), HOME_LOOP_CLOCK);
  lua_insert(L, 1);
}

static int now_on(lua_State *L, weir_Clock *k) {
  lua_pushnumber(L, weir_clock_now(k));
  return 1;
}

static int sleep_on(lua_State *L, int arg) {
  weir_State *S = weir_upstate(L);
  double seconds = weir_check_seconds(L, arg);
  weir_Coroutine *c = weir_await_check(L, S, "sleep", 1);
  if (arg == 1)
    use_loop_clock(L);
  return weir_await_sleep(L, S, c, weir_clock_now(lua_touserdata(L, 1)) + seconds);
}

void weir_lib_after(lua_State *L, weir_State *S, int clock, double seconds, int n) {
  weir_timer_at(L, S, clock, weir_clock_now(lua_touserdata(L, clock)) + seconds, n);
  weir_sched_tell(L, S);
}

static int after_on(lua_State *L, int arg) {
  weir_State *S = weir_upstate(L);
  double seconds = weir_check_seconds(L, arg);
  weir_check_values(L, S, lua_gettop(L) - arg, arg + 1, NULL);
  if (arg == 1)
    use_loop_clock(L);
  weir_lib_after(L, S, 1, seconds, lua_gettop(L) - 2);
  return 1;
}

static int clock_now(lua_State *L) {
  return now_on(L, weir_check_clock(L, weir_upstate(L), 1));
}

static int clock_sleep(lua_State *L) {
  weir_check_clock(L, weir_upstate(L), 1);
  return sleep_on(L, 2);
}

static int clock_after(lua_State *L) {
  weir_check_clock(L, weir_upstate(L), 1);
  return after_on(L, 2);
}

static int clock_timeout(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_clock(L, S, 1);
  weir_check_deferred(L, S, 2);
  weir_lib_timeout(L, S, 2, 1, weir_check_seconds(L, 3));
  lua_settop(L, 2);
  return 1;
}

static int now(lua_State *L) {
  use_loop_clock(L);
  return now_on(L, lua_touserdata(L, 1));
}

static int sleep(lua_State *L) {
  return sleep_on(L, 1);
}
static int after(lua_State *L) {
  return after_on(L, 1);
}

/* sleep_until(clock, time): like sleep, with the time of the clock instead of a delay. */
static int sleep_until(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double time = luaL_checknumber(L, 2);
  weir_check_clock(L, S, 1);
  return weir_await_sleep(L, S, weir_await_check(L, S, "sleep", 1), time);
}

/* deadline(clock): the time of its first timer; nil if it has none that a loop would wait for. */
static int deadline(lua_State *L) {
  const weir_Clock *k = weir_check_clock(L, weir_upstate(L), 1);
  if (k->keeping)
    lua_pushnumber(L, weir_clock_next(k));
  else
    lua_pushnil(L);
  return 1;
}

const luaL_Reg weir_lib_clock[] = {
    {"Clock", clock}, {"clock", loop_clock},        {"now", now},           {"sleep", sleep},
    {"after", after}, {"sleep_until", sleep_until}, {"deadline", deadline}, {NULL, NULL}};

const luaL_Reg weir_lib_clock_methods[] = {
    {"advance", advance},   {"pause", clock_pause},     {"unpause", clock_unpause},
    {"speed", clock_speed}, {"now", clock_now},         {"sleep", clock_sleep},
    {"after", clock_after}, {"timeout", clock_timeout}, {NULL, NULL}};
