#include "await.h"

#include <math.h>

#include "cancel.h"
#include "clock.h"
#include "failure.h"
#include "trap.h"
#include "wait.h"

void weir_await_refuse(lua_State *L, const weir_State *S, const char *what, int level) {
  luaL_where(L, level);
  lua_pushfstring(L, "attempt to %s %s", what,
                  S->running ? "across a C-call boundary" : "outside a coroutine");
  lua_concat(L, 2);
  lua_error(L);
}

int weir_await_raise_cancel(lua_State *L, weir_State *S, weir_Coroutine *c) {
  weir_coroutine_push_running(L, S);
  weir_coroutine_strike(L, c, lua_gettop(L));
  return lua_error(L);
}

int weir_await_raise(lua_State *L, weir_State *S) {
  const weir_Coroutine *c = S->running;
  if (!c || c->d.at.top != L)
    return luaL_error(L, "a coroutine of weir was resumed from outside");
  if (c->raise == RAISE_NOTED) {
    lua_insert(L, -2);
    weir_failure_see(L, S);
  }
  return lua_error(L);
}

/* The values lie above the Deferred. */
static int got_values(lua_State *L, int status, lua_KContext ctx) {
  weir_State *S = (weir_State *)ctx;
  (void)status;
  return weir_await_is_resumed(L, S) ? lua_gettop(L) - 1 : weir_await_raise(L, S);
}

#define AWAIT_ITSELF "attempt to await the running coroutine itself"

/* What is ready needs no switch. */
static int outcome_now(lua_State *L, weir_State *S, const weir_Deferred *d, int idx) {
  int n = weir_deferred_push_outcome(L, d, idx);
  if (!(d->flags & FLAG_FAILED))
    return n;
  weir_failure_seen(L, S, idx);
  return lua_error(L);
}

static void set_limit(lua_State *L, weir_State *S, weir_Coroutine *c, int me, int clock,
                      double limit) {
  weir_timer_limit(L, S, me, clock, limit, TIMER_AWAIT);
  c->limited = 1;
}

static void unlimit(weir_State *S, weir_Coroutine *c) {
  if (c->limited)
    weir_timer_unlimit(S, &c->d, TIMER_AWAIT);
  c->limited = 0;
}

static void suspend(weir_State *S, weir_Coroutine *c) {
  c->d.now.since = S->stamp;
  c->raw = 0;
  S->signal = SIGNAL_WAIT;
}

int weir_await_begin(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Deferred *d, int idx,
                     int clock, double limit) {
  int me;
  if (weir_deferred_ready(d))
    return outcome_now(L, S, d, idx);
  unlimit(S, c); /* of a wait that an error has prevented */
  weir_coroutine_push_running(L, S);
  me = lua_gettop(L);
  if (limit < HUGE_VAL)
    set_limit(L, S, c, me, clock, limit);
  weir_wait_reserve(L, d, idx); /* what allocates is done: what is looked at now stays as it is */
  if (weir_deferred_ready(d) || weir_coroutine_is_due(c) || d == &c->d) {
    unlimit(S, c);
    if (weir_deferred_ready(d))
      return outcome_now(L, S, d, idx);
    if (weir_coroutine_is_due(c))
      weir_cancel_claim(L, S, idx, me);
    weir_await_strike(L, S, c);
    return weir_error_raise(L, S, ERROR_DEADLOCK, AWAIT_ITSELF);
  }
  weir_wait_begin(L, S, &c->d, me, d, idx, WAIT_AWAIT);
  c->life = LIFE_WAITING;
  suspend(S, c);
  return -1;
}

int weir_await(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Deferred *d, double limit) {
  int n =
      weir_deferred_ready(d) ? outcome_now(L, S, d, 1) : weir_await_begin(L, S, c, d, 1, 2, limit);
  if (n >= 0)
    return n;
  lua_settop(L, 1);
  return lua_yieldk(L, 0, (lua_KContext)S, got_values);
}

/* ---- sleep ---- */

static int slept(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  weir_await_check_resumed(L, (weir_State *)ctx);
  return lua_gettop(L) - 1; /* of one that somebody has looked at, see weir_timer_show */
}

/* As one for weir.after: where that was made is noted. */
static WEIR_COLD int sleep_noted(lua_State *L, weir_State *S, weir_Coroutine *c, double deadline) {
  weir_timer_at(L, S, 1, deadline, 0);
  lua_replace(L, 1);
  return weir_await(L, S, c, lua_touserdata(L, 1), HUGE_VAL);
}

int weir_await_sleep(lua_State *L, weir_State *S, weir_Coroutine *c, double deadline) {
  weir_await_strike(L, S, c);
  if (S->debug)
    return sleep_noted(L, S, c, deadline);
  weir_timer_prepare(L, S, 1);
  weir_await_strike(L, S, c);
  weir_coroutine_push_running(L, S);
  weir_timer_sleep(L, S, 1, lua_gettop(L), deadline);
  suspend(S, c);
  lua_settop(L, 1);
  return lua_yieldk(L, 0, (lua_KContext)S, slept);
}

/* ---- coroutine.yield ---- */

#define NO_DEFERRED "attempt to yield something other than one Deferred"

/* Resume it at once with the n values on top of L, or raise the one. */
static int answer(lua_State *L, weir_Coroutine *c, int n, int raise) {
  lua_xmove(L, c->thread, n);
  c->life = LIFE_READY;
  c->d.now.nargs = n;
  c->raise = (uint8_t)raise;
  return 1;
}

/* As luaL_where does, for the call of coroutine.yield. */
static void push_place(lua_State *L, lua_State *thread) {
  lua_Debug ar;
  if (lua_getstack(thread, 1, &ar) && lua_getinfo(thread, "Sl", &ar) && ar.currentline > 0)
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
  else
    lua_pushliteral(L, "");
}

/* Arguments: the thread, the message, and the state if that is of a DeadlockError. */
static int message_task(lua_State *L) {
  push_place(L, lua_touserdata(L, 1));
  lua_pushstring(L, lua_touserdata(L, 2));
  lua_concat(L, 2);
  if (lua_touserdata(L, 3))
    weir_error_new(L, lua_touserdata(L, 3), ERROR_DEADLOCK);
  return 1;
}

/* Without memory for that it is the error of that. */
static int answer_error(lua_State *L, weir_State *S, weir_Coroutine *c, const char *message) {
  lua_pushcfunction(L, message_task);
  lua_pushlightuserdata(L, c->thread);
  lua_pushlightuserdata(L, (void *)message);
  lua_pushlightuserdata(L, S);
  lua_pcall(L, 3, 1, 0);
  return answer(L, c, 1, 1);
}

static int answer_outcome(lua_State *L, weir_State *S, weir_Coroutine *c, int d) {
  const weir_Deferred *of = lua_touserdata(L, d);
  int failed = (of->flags & FLAG_FAILED) != 0;
  int n = of->nvalues;
  if (!lua_checkstack(L, n + 4) || !lua_checkstack(c->thread, n + 4))
    return answer_error(L, NULL, c, "stack overflow");
  n = weir_deferred_push_outcome(L, of, d);
  if (failed)
    weir_failure_seen(L, S, d);
  return answer(L, c, n, failed);
}

static int answer_cancel(lua_State *L, weir_Coroutine *c, int idx) {
  weir_coroutine_strike(L, c, idx);
  return answer(L, c, 1, 1);
}

/* Waits on the Deferred on top. */
static int wait_raw(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  int d = lua_gettop(L);
  weir_Deferred *on = lua_touserdata(L, d);
  if (!weir_wait_try_reserve(L, on, d))
    return answer(L, c, 1, 1);
  if (weir_deferred_ready(on))
    return answer_outcome(L, S, c, d);
  if (weir_coroutine_is_due(c)) {
    weir_cancel_claim(L, S, d, idx);
    return answer_cancel(L, c, idx);
  }
  if (on == &c->d)
    return answer_error(L, S, c, AWAIT_ITSELF);
  weir_wait_begin(L, S, &c->d, idx, on, d, WAIT_AWAIT);
  c->life = LIFE_WAITING;
  c->d.now.since = S->stamp;
  return 0;
}

/* Arguments: the state, the Coroutine. */
static int prepare_task(lua_State *L) {
  weir_trap_prepare(L, lua_touserdata(L, 1), lua_touserdata(L, 2), 2);
  return 0;
}

int weir_await_prepare_raw(lua_State *L, weir_State *S, int idx) {
  const weir_Coroutine *c = lua_touserdata(L, idx);
  if (c->has_trap)
    return 1;
  lua_pushcfunction(L, prepare_task);
  lua_pushlightuserdata(L, S);
  lua_pushvalue(L, idx);
  return lua_pcall(L, 2, 0, 0) == LUA_OK;
}

/* Pushes what makes a Deferred of a yield that begins with what lies at `first` of its thread. */
static int push_maker(lua_State *L, weir_State *S, const weir_Coroutine *c, int first) {
  weir_state_push(L, S, HOME_YIELDS);
  lua_pushvalue(c->thread, first);
  lua_xmove(c->thread, L, 1);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1))
    return 1;
  lua_pop(L, 1);
  return 0;
}

/* Waits on what the function on top makes of the n values on the thread. */
static int wait_made(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, int n) {
  lua_xmove(c->thread, L, n);
  if (weir_deferred_call(L, S, n, 1) != LUA_OK)
    return answer(L, c, 1, 1);
  return weir_deferred_at(L, S, -1) ? wait_raw(L, S, c, idx)
                                    : answer_error(L, NULL, c, NO_DEFERRED);
}

/* n values that are not one Deferred: others may have said what these mean. */
static int wait_other(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, int n) {
  int first = lua_gettop(c->thread) - n + 1;
  if (!lua_checkstack(L, n + 8) || !lua_checkstack(c->thread, 1) || !push_maker(L, S, c, first)) {
    lua_pop(c->thread, n);
    return answer_error(L, NULL, c, NO_DEFERRED);
  }
  lua_remove(c->thread, first);
  return wait_made(L, S, c, idx, n - 1);
}

int weir_await_raw(lua_State *L, weir_State *S, int idx, int n) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  c->raw = 1;
  if (n == 0) {
    if (weir_coroutine_is_due(c))
      return answer_cancel(L, c, idx);
    S->signal = SIGNAL_YIELD;
    return 0;
  }
  if (n == 1 && weir_deferred_at(c->thread, S, -1)) {
    lua_xmove(c->thread, L, 1);
    return wait_raw(L, S, c, idx);
  }
  return wait_other(L, S, c, idx, n);
}
