/*
** Awaiting: the ways in which a running coroutine suspends itself.
*/
#ifndef WEIR_AWAIT_H
#define WEIR_AWAIT_H

#include "compat.h"
#include "sched.h"

/* Raises the error that nothing can suspend L here, with the position `level` levels up. */
WEIR_NO_RETURN WEIR_COLD void weir_await_refuse(lua_State *L, const weir_State *S, const char *what,
                                                int level);
/* The running coroutine; raises where nothing can suspend it. `level`: whose position that error
   has, 1 for the caller's. */
static inline weir_Coroutine *weir_await_check(lua_State *L, const weir_State *S, const char *what,
                                               int level) {
  weir_Coroutine *c = weir_sched_suspendable(L, S);
  if (!c)
    weir_await_refuse(L, S, what, level);
  return c;
}
/* Raises the cancel error of the running coroutine. */
WEIR_COLD int weir_await_raise_cancel(lua_State *L, weir_State *S, weir_Coroutine *c);
/* Raises a cancel that is due: a wait that would suspend is where it strikes (5.8). */
static inline void weir_await_strike(lua_State *L, weir_State *S, weir_Coroutine *c) {
  if (weir_coroutine_is_due(c))
    weir_await_raise_cancel(L, S, c);
}
/* Begins a wait for the Deferred at idx, `limit` the deadline on the clock at `clock`, or HUGE_VAL:
   the caller yields no values then, and -1 is returned. If the outcome is there, pushes its values,
   perhaps over one of no use, and returns their number; or raises it. [-0, +*, v] */
int weir_await_begin(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Deferred *d, int idx,
                     int clock, double limit);
/* To the back of the ready queue: the caller yields no values. [-0, +0, v] */
static inline void weir_await_give_way(lua_State *L, weir_State *S, weir_Coroutine *c) {
  weir_await_strike(L, S, c);
  c->raw = 0;
  S->signal = SIGNAL_YIELD;
}
/* Behind a yield: has the running coroutine, and nobody else, resumed L, and not with an error? */
static inline int weir_await_is_resumed(const lua_State *L, const weir_State *S) {
  const weir_Coroutine *c = S->running;
  return c && c->d.at.top == L && !c->raise;
}
/* If not: raises that. [-0, +0, v] */
WEIR_COLD int weir_await_raise(lua_State *L, weir_State *S);
static inline void weir_await_check_resumed(lua_State *L, weir_State *S) {
  if (!weir_await_is_resumed(L, S))
    weir_await_raise(L, S);
}
/* Tail of a lua_CFunction: the values of `d`, which is at index 1, awaited if need be. `limit`: the
   deadline on the clock at index 2, or HUGE_VAL. */
int weir_await(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Deferred *d, double limit);
/* The same for a sleep, till `deadline` of the clock at index 1. */
int weir_await_sleep(lua_State *L, weir_State *S, weir_Coroutine *c, double deadline);
/* The Coroutine at idx yielded n values by a plain coroutine.yield; they are taken off its thread.
   Returns 1 if it is to be resumed at once. [-0, +0, m] */
int weir_await_raw(lua_State *L, weir_State *S, int idx, int n);
/* Before that: returns 0 if there is no memory for it, and the error is pushed. [-0, +0|1, -] */
int weir_await_prepare_raw(lua_State *L, weir_State *S, int idx);

#endif
