#include "sched.h"

#include <math.h>

#include "await.h"
#include "cancel.h"
#include "clock.h"
#include "close.h"
#include "failure.h"
#include "guard.h"
#include "handle.h"
#include "lost.h"
#include "pause.h"
#include "platform.h"
#include "ready.h"
#include "slice.h"
#include "tail.h"
#include "trap.h"
#include "wait.h"
#include "watch.h"

/* ---- the trampoline ---- */

#define FOREIGN_HANDS "a coroutine of weir was resumed or closed from outside"

static int running_to(lua_State *L, weir_State *S) {
  weir_coroutine_push_running(L, S);
  return lua_gettop(L);
}

static void end_body(lua_State *L, weir_State *S, weir_Coroutine *c, int n, int failed) {
  int idx = lua_gettop(L) - n;
  if (c->raising) {
    lua_pop(L, n);
    weir_trap_take_raise(L, S);
    n = failed = 1;
  }
  weir_coroutine_finish(L, S, idx, n, failed);
  if (!weir_deferred_is_to_tell(&c->d))
    return;
  if (weir_deque_try(L, &S->fires))
    weir_deferred_tell(L, S, &c->d, idx);
  else
    weir_ready_append_ended(S, c);
}

/* It ended when there was no room to tell that; it stays in the queue while there is none. */
static void tell_ended(lua_State *L, weir_State *S, weir_Coroutine *c) {
  int idx = running_to(L, S);
  weir_ready_append(S, c);
  weir_deque_reserve(L, &S->fires);
  weir_ready_remove(S, c);
  if (weir_deferred_is_to_tell(&c->d))
    weir_deferred_tell(L, S, &c->d, idx);
  lua_settop(L, idx - 1);
}

/* The one at idx ends with the error on top, whatever its body would make of it. */
static void close_body(lua_State *L, weir_State *S, int idx) {
  if (weir_coroutine_reset(L, S, idx) != LUA_OK)
    lua_replace(L, -2);
  weir_coroutine_end(L, S, idx, 1, 1);
  lua_settop(L, idx - 1);
}

/* The thread died outside of its body, or somebody else used it. */
static void body_broke(lua_State *L, weir_State *S, weir_Coroutine *c, const char *message) {
  int idx = running_to(L, S);
  if (message)
    lua_pushstring(L, message);
  else
    lua_xmove(c->thread, L, 1);
  c->unwinding = 0;
  c->broken = 1;
  close_body(L, S, idx);
  weir_watch_leave(L, S, c);
}

static void body_exceeded(lua_State *L, weir_State *S) {
  int idx = running_to(L, S);
  weir_slice_push_error(L, S);
  weir_failure_break(L, S);
  close_body(L, S, idx);
}

/* Moves the Coroutine and its n values, which body_end has left behind a mark, to L. Returns their
   number. */
static int take_values(lua_State *L, weir_State *S, weir_Coroutine *c, int n, int *failed) {
  *failed = lua_isboolean(c->thread, 1);
  if (n > 1 && !lua_checkstack(L, n + 8)) { /* the loop has reserved enough for one */
    running_to(L, S);
    lua_pushliteral(L, "stack overflow");
    n = *failed = 1;
  } else {
    lua_xmove(c->thread, L, n + 1);
  }
  lua_settop(c->thread, 0);
  return n;
}

/* How many values body_end has left; negative: it has closed itself, and there are others. */
static inline int count_values(const weir_Coroutine *c) {
  int n = lua_gettop(c->thread) - 2;
#if WEIR_SELF_CLOSE
  if (n >= 0 && lua_touserdata(c->thread, 2) != (const void *)c)
    return -1;
#endif
  return n;
}

/* Is its end, with n values, all that there is to it? So it is with most that are run as soon as
   they are made: nobody waits for them yet, and what they return is no Deferred. */
static inline int ends_quietly(const weir_State *S, const weir_Coroutine *c, int n) {
  return weir_wait_is_plain(S, &c->d) && !c->d.first && (n == 0 || n == 1) &&
         !lua_isboolean(c->thread, 1) && (n == 0 || !lua_isuserdata(c->thread, -1)) &&
         !c->has_trap && !S->watch && !S->tracks && !S->depth;
}

/* [-0, +2, -] */
static inline void end_quietly(lua_State *L, weir_State *S, weir_Coroutine *c, int n) {
  lua_xmove(c->thread, L, n + 2);
  weir_coroutine_settle(L, S, c, n);
}

static inline void body_returned(lua_State *L, weir_State *S, weir_Coroutine *c) {
  int top = lua_gettop(L), n = count_values(c), failed;
  if (n < 0) {
    body_broke(L, S, c, FOREIGN_HANDS);
    return;
  }
  if (ends_quietly(S, c, n)) {
    end_quietly(L, S, c, n);
  } else {
    n = take_values(L, S, c, n, &failed);
    end_body(L, S, c, n, failed);
    weir_watch_leave(L, S, c);
  }
  lua_settop(L, top);
}

/* A value that waits to be raised in a body that has no continuation of ours goes to the trap. */
static void prepare_raw_raise(lua_State *L, weir_State *S, weir_Coroutine *c) {
  int idx = running_to(L, S);
  lua_xmove(c->thread, L, c->d.now.nargs);
  weir_trap_raise(L, S);
  if (c->raise == RAISE_NOTED)
    weir_failure_see(L, S);
  c->d.now.nargs = 0;
  lua_settop(L, idx - 1);
}

#if WEIR_SELF_CLOSE
/* If it closes itself, what it had called of ours has not come to its end. */
static int resume_thread(lua_State *L, weir_State *S, weir_Coroutine *c, int nargs, int *nresults) {
  weir_Mark mark;
  int status;
  weir_state_mark(S, &mark);
  status = S->resume(c->thread, L, nargs, nresults);
  if (status != LUA_YIELD && !(status == LUA_OK && lua_gettop(c->thread) > 0))
    weir_state_return(S, &mark);
  return status;
}
#else
#define resume_thread(L, S, c, nargs, nresults) (S)->resume((c)->thread, (L), (nargs), (nresults))
#endif

static inline int resume_body(lua_State *L, weir_State *S, weir_Coroutine *c, int *nresults) {
  int nargs = c->d.now.nargs;
  c->d.now.nargs = 0;
  c->gave_way = GAVE_NO_WAY;
  c->untouched = 0;
  c->life = LIFE_RUNNING;
  c->d.at.top = c->thread;
  weir_coroutine_note_resume(S, c);
  return resume_thread(L, S, c, nargs, nresults);
}

static int resume_carefully(lua_State *L, weir_State *S, weir_Coroutine *c, int *nresults) {
  weir_Meter *before;
  int status;
  if (c->raw && c->raise)
    prepare_raw_raise(L, S, c);
  if (!c->trapped)
    return resume_body(L, S, c, nresults);
  before = weir_slice_begin(L, S);
  status = resume_body(L, S, c, nresults);
  if (status == LUA_YIELD)
    weir_slice_note_yield(S, c, *nresults);
  weir_slice_end(S, before);
  return status;
}

static inline int resume(lua_State *L, weir_State *S, weir_Coroutine *c, int *nresults) {
  return weir_likely(!c->raw && !c->trapped) ? resume_body(L, S, c, nresults)
                                             : resume_carefully(L, S, c, nresults);
}

static WEIR_PART void give_way(weir_State *S, weir_Coroutine *c, weir_GaveWay way) {
  c->life = LIFE_READY;
  c->raise = 0;
  c->gave_way = (uint8_t)way;
  if (!(c->d.flags & FLAG_HELD))
    weir_ready_append(S, c);
}

/* It has been suspended only to be resumed. */
static void go_on(weir_Coroutine *c) {
  c->life = LIFE_READY;
  c->raise = 0;
}

/* The running one goes aside for its callee, which it has yielded. */
static inline void call_callee(weir_State *S, weir_Coroutine *c) {
  weir_Coroutine *callee = lua_touserdata(c->thread, -1);
  callee->d.anchor = weir_anchor_take(&S->anchors, c->thread);
  callee->in_hand = callee->untouched = 1;
  callee->called = 1;
  c->life = LIFE_CALLING;
  c->raise = 0;
  c->raw = 0;
  c->d.earlier = (weir_Deferred *)(void *)S->callers; /* perhaps NULL */
  S->callers = c;
  S->running = callee;
}

static int hop(lua_State *L, weir_State *S, int n) {
  int idx = running_to(L, S);
  int again = weir_tail_hop(L, S, idx, n);
  lua_settop(L, idx - 1);
  return again;
}

static int raw_wait(lua_State *L, weir_State *S, int n) {
  int idx = running_to(L, S), again = 0;
  if (weir_await_prepare_raw(L, S, idx))
    again = weir_await_raw(L, S, idx, n);
  else
    close_body(L, S, idx); /* nothing could be raised in it */
  lua_settop(L, idx - 1);
  return again;
}

static void arm_running(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  int idx = running_to(L, S);
  weir_coroutine_arm(L, S, c, idx);
  lua_settop(L, idx - 1);
}

/* What a resume ended in. Returns 1 if the (perhaps new) running one is to be resumed. */
static WEIR_PART int dispatch(lua_State *L, weir_State *S, weir_Coroutine *c, int status,
                              int nresults) {
  if (status == LUA_OK) {
    body_returned(L, S, c);
    return 0;
  }
  if (status != LUA_YIELD) {
    body_broke(L, S, c, NULL);
    return 0;
  }
  if (!weir_likely(c->armed))
    arm_running(L, S, c);
  if (S->signal == SIGNAL_YIELD) { /* what is most frequent needs no table of jumps */
    give_way(S, c, GAVE_A_PASS);
    return 0;
  }
  switch (S->signal) {
  case SIGNAL_WAIT: return 0;
  case SIGNAL_SPAWN: call_callee(S, c); return 1;
  case SIGNAL_HOP: return hop(L, S, nresults);
  case SIGNAL_AGAIN: go_on(c); return 1;
  case SIGNAL_LIMIT: body_exceeded(L, S); return 0;
  case SIGNAL_NONE:
    if (raw_wait(L, S, nresults))
      return 1;
    if (S->signal == SIGNAL_NONE)
      return 0;
    /* fall through */
  case SIGNAL_YIELD: give_way(S, c, GAVE_A_PASS); return 0;
  case SIGNAL_TURN: give_way(S, c, GAVE_A_TURN);
  }
  return 0;
}

static int step_running(lua_State *L, weir_State *S) {
  weir_Coroutine *c = S->running;
  int nresults = 0, status;
  if (!weir_likely(weir_coroutine_can_resume(c))) {
    if (c->life == LIFE_ENDED)
      tell_ended(L, S, c);
    else
      body_broke(L, S, c, FOREIGN_HANDS);
    return 0;
  }
  status = resume(L, S, c, &nresults);
  return dispatch(L, S, c, status, nresults);
}

int weir_sched_is_spent(weir_State *S) {
  if (!S->has_budget)
    return 0;
  if (weir_platform_now() >= S->budget)
    S->over = 1;
  return S->over;
}

/* The running one goes out of hand; its caller, if it has one, goes on. */
static int return_to_caller(weir_State *S) {
  weir_Coroutine *c = S->running, *caller = c->called ? S->callers : NULL;
  c->called = 0;
  weir_ready_put_down(S, c);
  S->running = caller;
  if (!caller)
    return 0;
  S->callers = weir_coroutine_caller(caller);
  caller->life = LIFE_READY;
  return 1;
}

/* Takes the callers of the one that goes out of hand, which then calls nobody; the first is the
   outermost. */
static weir_Coroutine *take_callers(weir_State *S, weir_Coroutine *c) {
  weir_Coroutine *first = NULL;
  while (c->called) {
    c->called = 0;
    c = S->callers;
    S->callers = weir_coroutine_caller(c);
    c->d.earlier = (weir_Deferred *)(void *)first;
    first = c;
  }
  return first;
}

/* The budget is spent while callers wait for their turn, which comes first in the next step; of one
   that is held, when it is let go. */
static void shelve_callers(weir_State *S) {
  weir_Coroutine *c = take_callers(S, S->running), *next;
  weir_ready_put_down(S, S->running);
  S->running = NULL;
  for (; c; c = next) {
    next = weir_coroutine_caller(c);
    c->life = LIFE_READY;
    if (!(c->d.flags & FLAG_HELD))
      weir_ready_add_first(S, c);
    weir_ready_put_down(S, c);
  }
}

static void close_if_forced(lua_State *L, weir_State *S, weir_Coroutine *c) {
  if (!weir_deferred_is_open(&c->d)) /* it may have returned what it waits for */
    return;
  running_to(L, S);
  if (!weir_close(L, S, lua_gettop(L)))
    lua_pop(L, 1);
  lua_pop(L, 1);
}

/* The running one has done with this resume, and something is to be seen to before the next. */
static void settle(lua_State *L, weir_State *S, weir_Coroutine *c) {
  if (c->force)
    close_if_forced(L, S, c);
  weir_deferred_drain(L, S);
  weir_pause_settle_hooks(L, S);
  if (weir_sched_is_spent(S))
    shelve_callers(S);
  else
    return_to_caller(S);
}

static int is_plain(const weir_State *S, const weir_Coroutine *c) {
  return weir_likely(!c->force && !c->called) && weir_likely(weir_deque_empty(&S->fires)) &&
         weir_likely(weir_deque_empty(&S->hooks)) && weir_likely(!S->has_budget);
}

/* The running one has been resumed, and is, or its callee, to be `again`; returns which one is now.
   What could go on at once, but behind the budget, goes to the back of the queue instead. */
static inline weir_Coroutine *next_in_hand(lua_State *L, weir_State *S, weir_Coroutine *c,
                                           int again) {
  if (again) {
    if (!weir_sched_is_spent(S) || S->signal == SIGNAL_SPAWN)
      return S->running;
    c->untouched = 0;
    if (!(c->d.flags & FLAG_HELD))
      weir_ready_append(S, c);
  }
  if (is_plain(S, c)) {
    weir_ready_put_down(S, c);
    S->running = NULL;
  } else {
    settle(L, S, c);
  }
  return S->running;
}

static inline weir_Coroutine *run_one(lua_State *L, weir_State *S) {
  weir_Coroutine *c = S->running;
  return next_in_hand(L, S, c, step_running(L, S));
}

/* ---- the loop ---- */

/* Instead of the ticket below which all is run. */
enum { ONLY_RUNNING, ONLY_WOKEN };

static inline weir_Coroutine *next_to_run(weir_State *S, uint64_t limit) {
  if (!weir_likely(!S->over))
    return NULL;
  if (limit > ONLY_WOKEN)
    return weir_ready_pop_next(S, limit);
  return limit == ONLY_WOKEN ? weir_ready_pop(S, READY_WOKEN) : NULL;
}

/* A call of the loop. */
typedef struct Loop {
  weir_Clock *root;
  double budget;              /* of each step; HUGE_VAL: none */
  int again;                  /* while anything is ready */
  const weir_Deferred *until; /* or until that is; may be NULL */
} Loop;

/* A hook of the host's, such as lua.c sets on an interrupt, ends it too: that is to be called
   outside. */
static int goes_on(lua_State *L, const Loop *loop) {
  return loop->again && !(loop->until && weir_deferred_ready(loop->until)) && !lua_gethook(L);
}

/* Is another pass all that is left for the loop to do? */
static int wants_pass(lua_State *L, const weir_State *S, const Loop *loop) {
  return S->ready[READY_YIELDED] && !S->mailbox && !loop->root->due.n &&
         weir_deque_empty(&S->found) && weir_deque_empty(&S->dying) && !S->has_budget &&
         goes_on(L, loop);
}

/* Runs what is in hand, everyone who called it, then what is ready; a loop, perhaps NULL, goes on
   with the next pass if it can. */
static void run(lua_State *L, weir_State *S, uint64_t limit, const Loop *loop) {
  const weir_Coroutine *c = S->running;
  for (;;) {
    if (!c)
      c = S->running = next_to_run(S, limit);
    if (c)
      c = run_one(L, S);
    else if (loop && wants_pass(L, S, loop))
      limit = S->ticket + 1;
    else
      return;
  }
}

static void reserve(lua_State *L) {
  luaL_checkstack(L, 16, "too many nested calls");
}

static void begin_turn(lua_State *L, weir_State *S) {
  S->busy++;
  S->looping++;
  if (!weir_deque_empty(&S->fires))
    weir_deferred_drain(L, S);
  if (!weir_deque_empty(&S->found))
    weir_lost_cancel(L, S);
}

static void end_turn(lua_State *L, weir_State *S) {
  if (!weir_deque_empty(&S->dying))
    weir_cancel_end_turn(L, S);
  S->looping--;
  S->busy--;
}

static void run_woken(lua_State *L, weir_State *S) {
  reserve(L);
  begin_turn(L, S);
  run(L, S, ONLY_WOKEN, NULL);
  end_turn(L, S);
}

static int has_work(const weir_State *S) {
  return S->ready[READY_WOKEN] || !weir_deque_empty(&S->found) || !weir_deque_empty(&S->dying) ||
         !weir_deque_empty(&S->fires);
}

/* As lua_pcall; but what an error returns to is left to the caller. */
static int call_guarded(lua_State *L, weir_State *S, weir_Mark *mark, int n, int nresults) {
  int status;
  (void)S;
  (void)mark;
  weir_guard_begin(L, S, mark, n);
  status = lua_pcall(L, n, nresults, 0);
  weir_guard_end(L, S, mark);
  return status;
}

int weir_sched_call(lua_State *L, weir_State *S, int n, int nresults) {
  weir_Mark mark;
  int status;
  weir_state_mark(S, &mark);
  status = call_guarded(L, S, &mark, n, nresults);
  if (status != LUA_OK)
    weir_state_return(S, &mark);
  return status;
}

/* An error that comes out of the task ends the host's call, not the scheduler. */
static void protect(lua_State *L, weir_State *S, int n, int nresults) {
  if (weir_sched_call(L, S, n, nresults) != LUA_OK)
    lua_error(L);
}

static int turn_task(lua_State *L) {
  run_woken(L, lua_touserdata(L, 1));
  return 0;
}

static void host_turn(lua_State *L, weir_State *S) {
  lua_pushcfunction(L, turn_task);
  lua_pushlightuserdata(L, S);
  protect(L, S, 1, 0);
}

void weir_sched_run(lua_State *L, weir_State *S) {
  if (S->busy == 0)
    host_turn(L, S);
  else
    run_woken(L, S);
}

static WEIR_PART void turn(lua_State *L, weir_State *S, void (*run_it)(lua_State *, weir_State *)) {
  weir_pause_settle_hooks(L, S);
  if (S->busy == 0 && S->inline_runs && has_work(S))
    run_it(L, S);
  weir_sched_tell(L, S);
}

void weir_sched_turn(lua_State *L, weir_State *S) {
  turn(L, S, host_turn);
}

void weir_sched_turn_within(lua_State *L, weir_State *S) {
  turn(L, S, run_woken);
}

static weir_Clock *home_clock(weir_State *S, int slot) {
  return lua_touserdata(S->home, slot);
}

/* What gave way during a pass waits for the next. */
static void pass(lua_State *L, weir_State *S, const Loop *loop) {
  begin_turn(L, S);
  run(L, S, S->ticket + 1, loop);
  end_turn(L, S);
}

static double seconds_until(const weir_Clock *k) {
  double next = weir_clock_next(k), left;
  if (next == HUGE_VAL)
    return HUGE_VAL;
  left = next - weir_clock_now(k);
  return left > 0 ? left : 0;
}

static const weir_Clock *source_of(const weir_Clock *k) {
  while (k->kind == CLOCK_SCALED)
    k = k->parent;
  return k;
}

/* Seconds that the host must let go by on the loop's own clock, where that is not the real one. */
static double manual_wait(weir_State *S, size_t *keeping) {
  const weir_Clock *loop = home_clock(S, HOME_LOOP_CLOCK);
  if (source_of(loop)->kind != CLOCK_MANUAL)
    return HUGE_VAL;
  if (loop->kind == CLOCK_SCALED && !weir_timer_is_armed(&loop->proxy))
    return HUGE_VAL; /* it stands still */
  *keeping += loop->keeping;
  return seconds_until(loop);
}

double weir_sched_first_timer(const weir_State *S, int *keeps) {
  const weir_Clock *root = lua_touserdata(S->home, HOME_ROOT_CLOCK);
  *keeps = root->keeping > 0;
  return seconds_until(root);
}

double weir_sched_real_wait(const weir_State *S) {
  int keeps;
  double left = weir_sched_first_timer(S, &keeps);
  return keeps || weir_handle_count(S) ? left : -1;
}

static double next_timer(weir_State *S) {
  const weir_Clock *root = home_clock(S, HOME_ROOT_CLOCK);
  size_t keeping = root->keeping;
  double real = seconds_until(root), manual = manual_wait(S, &keeping);
  if (manual < real)
    real = manual;
  return keeping || (real < HUGE_VAL && weir_handle_count(S)) ? real : -1;
}

static void fire_due(lua_State *L, weir_State *S, weir_Clock *root) {
  if (root->due.n)
    weir_clock_advance(L, S, root, weir_clock_now(root), S->armed);
}

/* What they wake stands behind what is left, instead of running at once. */
static void queue_due(lua_State *L, weir_State *S, weir_Clock *root) {
  S->busy++;
  fire_due(L, S, root);
  S->busy--;
}

/* What had come when it began. If the budget was spent on that the last time, all else has its turn
   now. */
static void take_mail(lua_State *L, weir_State *S) {
  if (weir_handle_count(S) && !S->owes_turn) {
    uint64_t limit = weir_mailbox_last(S->mailbox);
    while (weir_handle_deliver(L, S, limit) && !weir_sched_is_spent(S))
      ;
  }
  S->owes_turn = S->over;
}

static void take_turn(lua_State *L, weir_State *S, const Loop *loop) {
  if (S->owes_timers)
    queue_due(L, S, loop->root);
  if (!S->over)
    pass(L, S, loop);
  S->owes_timers = S->over && !S->owes_timers;
  if (!S->over)
    fire_due(L, S, loop->root);
}

static void step(lua_State *L, weir_State *S, const Loop *loop) {
  S->has_budget = loop->budget < HUGE_VAL;
  if (S->has_budget)
    S->budget = weir_platform_now() + loop->budget;
  if (S->mailbox)
    take_mail(L, S);
  if (!S->over)
    take_turn(L, S, loop);
  if (S->over)
    weir_ready_set_late(S);
  S->has_budget = S->over = 0;
}

int weir_sched_is_ready(const weir_State *S) {
  return !weir_ready_is_empty(S) || weir_handle_has_mail(S);
}

static int is_idle(const weir_State *S) {
  return !weir_sched_is_ready(S) && weir_deque_empty(&S->found) && weir_deque_empty(&S->dying) &&
         weir_deque_empty(&S->fires);
}

/* Arguments: the state, the budget, whether to go on while anything is ready, and perhaps until
   which Deferred is. */
static int steps_task(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  Loop loop = {home_clock(S, HOME_ROOT_CLOCK), lua_tonumber(L, 2), lua_toboolean(L, 3),
               lua_touserdata(L, 4)};
  reserve(L);
  S->loop_busy = ++S->busy;
  S->looping++; /* also for what its timers wake */
  do
    step(L, S, &loop);
  while (goes_on(L, &loop) && !is_idle(S));
  S->looping--;
  S->loop_busy = 0;
  S->busy--;
  return 0;
}

double weir_sched_next(weir_State *S) {
  return is_idle(S) ? next_timer(S) : 0;
}

/* Begins anywhere, and wraps. */
static uint32_t stamp_of(double now) {
  return (uint32_t)(uint64_t)(now * WEIR_STAMPS);
}

uint32_t weir_sched_stamp(void) {
  return stamp_of(weir_platform_now());
}

static void look_at_time(weir_State *S) {
  double now = weir_platform_now();
  S->stamp = stamp_of(now);
  weir_births_note(&S->births, S->born, now);
}

/* The Deferred, or nil, is on top. */
static double run_steps(lua_State *L, weir_State *S, double budget, int again) {
  look_at_time(S);
  lua_pushcfunction(L, steps_task);
  lua_pushlightuserdata(L, S);
  lua_pushnumber(L, budget);
  lua_pushboolean(L, again);
  lua_rotate(L, -5, -1);
  protect(L, S, 4, 0);
  return weir_sched_next(S);
}

double weir_sched_step(lua_State *L, weir_State *S, double budget) {
  lua_pushnil(L);
  return run_steps(L, S, budget, 0);
}

double weir_sched_run_until(lua_State *L, weir_State *S, int idx) {
  lua_pushvalue(L, idx);
  run_steps(L, S, HUGE_VAL, 1);
  return is_idle(S) ? weir_sched_real_wait(S) : 0; /* no other clock moves while we wait */
}

/* ---- the loop of another library ---- */

enum { KEPT_BY_TIMERS = 1, KEPT_BY_HANDLES };

static int what_keeps(const weir_State *S) {
  const weir_Clock *root = lua_touserdata(S->home, HOME_ROOT_CLOCK);
  return (root->keeping ? KEPT_BY_TIMERS : 0) | (weir_handle_count(S) ? KEPT_BY_HANDLES : 0);
}

static double next_due(weir_State *S) {
  return weir_clock_next(home_clock(S, HOME_ROOT_CLOCK));
}

void weir_sched_ask(lua_State *L, weir_State *S) {
  S->asks = !lua_isnil(L, -1);
  S->knows_due = next_due(S);
  S->knows_keeps = what_keeps(S);
  weir_state_set(L, S, HOME_ON_WORK);
}

static int has_news(weir_State *S) {
  return !is_idle(S) || S->listed || next_due(S) < S->knows_due || what_keeps(S) != S->knows_keeps;
}

void weir_sched_tell_work(lua_State *L, weir_State *S) {
  if (S->closing || !has_news(S) || !lua_checkstack(L, 24))
    return;
  S->asks = 0;
  weir_state_push(L, S, HOME_ON_WORK);
  if (weir_deferred_call(L, S, 0, 0) == LUA_OK)
    return;
  S->asks = 1;
  weir_failure_report_error(L, S);
}

/* ---- starting ---- */

static int started(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  lua_settop(L, 1);
  return 1;
}

/* The rest of what begins with a first resume. */
typedef struct Rest {
  weir_State *S;
  int is_resumed, status, nresults; /* of the running one: what came of it */
  int begun;                        /* the task has */
} Rest;

/* Argument: the Rest. */
static int rest_task(lua_State *L) {
  Rest *rest = lua_touserdata(L, 1);
  weir_State *S = rest->S;
  weir_Coroutine *c = S->running;
  rest->begun = 1;
  if (rest->is_resumed)
    next_in_hand(L, S, c, dispatch(L, S, c, rest->status, rest->nresults));
  run(L, S, ONLY_RUNNING, NULL);
  return 0;
}

/* There was no memory, or no stack, to look at what came of the resume: the error on top stays
   there. Who has called another one goes on behind it, in the next turn. */
static void end_unseen(lua_State *L, weir_State *S, const Rest *rest) {
  int idx;
  if (rest->status == LUA_YIELD && S->signal == SIGNAL_SPAWN) {
    arm_running(L, S, S->running);
    call_callee(S, S->running);
    return;
  }
  idx = running_to(L, S);
  weir_tail_drop(S->running->thread, S);
  lua_pushvalue(L, idx - 1);
  close_body(L, S, idx);
}

/* What an error returns to is the host. */
static void go_on_protected(lua_State *L, weir_State *S, Rest *rest) {
  weir_Mark mark;
  weir_state_mark(S, &mark);
  mark.running = NULL;
  mark.busy = mark.depth = 0;
  lua_pushcfunction(L, rest_task);
  lua_pushlightuserdata(L, rest);
  if (call_guarded(L, S, &mark, 1, 0) == LUA_OK) {
    S->busy--;
    return;
  }
  if (rest->is_resumed && !rest->begun)
    end_unseen(L, S, rest);
  weir_state_return(S, &mark);
  lua_error(L);
}

/* Does nothing come of its first resume that could raise an error, or run anything? So it is with
   nearly all that are started: they end, or wait. Then that is seen to here. */
static inline int is_done(lua_State *L, weir_State *S, weir_Coroutine *c, int status) {
  int n;
  if (!is_plain(S, c))
    return 0;
  if (status == LUA_OK) {
    n = count_values(c);
    if (!ends_quietly(S, c, n))
      return 0;
    end_quietly(L, S, c, n);
    return 1;
  }
  if (status != LUA_YIELD || S->signal != SIGNAL_WAIT || S->watch || S->tracks || c->has_trap)
    return 0;
  if (!c->armed)
    arm_running(L, S, c);
  return 1;
}

static void resume_first(lua_State *L, weir_State *S, weir_Coroutine *c) {
  Rest rest = {S, 1, 0, 0, 0};
  rest.status = resume_body(L, S, c, &rest.nresults);
  if (!weir_likely(is_done(L, S, c, rest.status))) {
    go_on_protected(L, S, &rest);
    return;
  }
  weir_ready_put_down(S, c);
  S->running = NULL;
  S->busy--;
}

/* In the host: runs the new one at idx. What needs a protected call gets one, but no more than
   that: they are dear. May leave something on L. */
static void start_now(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  weir_anchor_reserve(L, &S->anchors);
  weir_ready_take(L, S, c, idx);
  c->untouched = 1;
  S->busy++;
  S->running = c;
  if (weir_likely(!c->trapped)) {
    resume_first(L, S, c);
  } else {
    Rest rest = {S, 0, 0, 0, 0};
    go_on_protected(L, S, &rest);
  }
}

void weir_sched_start(lua_State *L, weir_State *S) {
  int idx = lua_gettop(L);
  weir_Coroutine *c = lua_touserdata(L, idx);
  if (S->busy == 0 && S->inline_runs) {
    start_now(L, S, c, idx);
    lua_settop(L, idx); /* where L is a body in other hands, a cancel has left its error there */
  } else {
    weir_ready_add(L, S, c, idx);
  }
  turn(L, S, host_turn);
}

int weir_sched_spawn(lua_State *L, weir_State *S) {
  if (weir_sched_suspendable(L, S)) {
    weir_anchor_reserve(L, &S->anchors);
    lua_pushvalue(L, 1);
    S->signal = SIGNAL_SPAWN;
    return lua_yieldk(L, 1, 0, started);
  }
  weir_sched_start(L, S);
  return 1;
}
