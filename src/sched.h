/*
** The trampoline, and the loop that feeds it from the ready queue.
*/
#ifndef WEIR_SCHED_H
#define WEIR_SCHED_H

#include "coroutine.h"

/* The running coroutine, if L may suspend it; else NULL. */
static inline weir_Coroutine *weir_sched_suspendable(lua_State *L, const weir_State *S) {
  weir_Coroutine *c = S->running;
  return c && c->d.at.top == L && !c->blocked && lua_isyieldable(L) ? c : NULL;
}

/* Starts the new Coroutine, the only value of L: at once where that is possible, else in turn. The
   tail of a lua_CFunction that returns it. */
int weir_sched_spawn(lua_State *L, weir_State *S);
/* Starts the new Coroutine on top of L, which is not to be suspended meanwhile: from the host at
   once, else in turn. [-0, +0, m] */
void weir_sched_start(lua_State *L, weir_State *S);
/* End of a call: from the host, runs what it woke. [-0, +0, m] */
void weir_sched_turn(lua_State *L, weir_State *S);
/* lua_pcall of what is on top, for the core: an error that comes out of it, that of a failed
   allocation, leaves the scheduler as it was. Returns Lua's status. [-(n+1), +nresults|1, -] */
int weir_sched_call(lua_State *L, weir_State *S, int n, int nresults);
/* weir_sched_turn within such a call. */
void weir_sched_turn_within(lua_State *L, weir_State *S);
/* Runs what is woken until nothing is, or the budget is spent. */
void weir_sched_run(lua_State *L, weir_State *S);

/* Seconds until real time alone gives the loop something to do, HUGE_VAL where that only a handle
   can; negative if nothing ever will. */
double weir_sched_real_wait(const weir_State *S);
/* Seconds until the first timer of the real clock, HUGE_VAL without one; `keeps`: does one of them
   keep a loop going? */
double weir_sched_first_timer(const weir_State *S, int *keeps);
/* Passes until nothing is ready, or the Deferred at idx is, which may be nil. Returns 0 if there is
   more to do at once, else what weir_sched_real_wait does. [-0, +0, m] */
double weir_sched_run_until(lua_State *L, weir_State *S, int idx);
/* One pass over what is ready and due. Returns seconds until there is more, or a negative number
   if there is nothing. */
double weir_sched_step(lua_State *L, weir_State *S, double budget);
/* The same without a pass. */
double weir_sched_next(weir_State *S);

#define WEIR_STAMPS 64 /* of a second: what `stamp` of the state counts */
uint32_t weir_sched_stamp(void);

/* May the loop run coroutines now: is none of them, no callback and no hook on the C stack? */
static inline int weir_sched_may_run(const weir_State *S) {
  return S->busy == S->loop_busy && (S->loop_busy || S->inline_runs);
}
/* Is the budget of this step spent? Then everything is to stop. */
int weir_sched_is_spent(weir_State *S);
/* Is anything ready, or in the mail? */
int weir_sched_is_ready(const weir_State *S);

/* From here on, until it is told once, a loop that sleeps as long as the timers and handles say
   that there are now is told when that is not true any more: the function on top is called. nil: it
   does not want to be. [-1, +0, -] */
void weir_sched_ask(lua_State *L, weir_State *S);
void weir_sched_tell_work(lua_State *L, weir_State *S);
/* Ends every call that may have left something for the loop. [-0, +0, -] */
static inline void weir_sched_tell(lua_State *L, weir_State *S) {
  if (S->asks && S->busy == 0)
    weir_sched_tell_work(L, S);
}

#endif
