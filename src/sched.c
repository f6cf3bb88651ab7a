#include "sched.h"

#include <math.h>

#include "await.h"
#include "cancel.h"
#include "clock.h"
#include "close.h"
#include "failure.h"
#include "lost.h"
#include "pause.h"
#include "platform.h"
#include "tail.h"

/* ---- who is running ---- */

void weir_sched_enter(lua_State *L, weir_State *S) {
  S->running = lua_touserdata(L, -1);
  if (!lua_checkstack(S->run, 4))
    luaL_error(L, "too many nested coroutines");
  lua_xmove(L, S->run, 1);
}

void weir_sched_leave(weir_State *S, weir_Coroutine *before) {
  lua_pop(S->run, 1);
  S->running = before;
}

/* ---- the ready queue ---- */

static weir_Deque *queue_for(weir_State *S, const weir_Coroutine *c) {
  if (c->gave_way == GAVE_A_PASS)
    return &S->yielded;
  return S->looping || S->inline_runs ? &S->woken : &S->late;
}

void weir_sched_ready(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  c->ticket = ++S->ticket;
  lua_pushvalue(L, idx);
  weir_deque_push(L, queue_for(S, c), c->ticket, c);
}

/* Before all others. */
static void queue_first(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  c->ticket = --S->front;
  lua_pushvalue(L, idx);
  weir_deque_push_front(L, &S->late, c->ticket, c);
}

/* An entry counts while its number is its coroutine's ticket: leaving a queue is taking that away.
 */
static int is_stale(weir_Entry e) {
  return ((const weir_Coroutine *)e.item)->ticket != e.tag;
}

static void drop_stale(lua_State *L, weir_Deque *q) {
  do {
    weir_deque_take(L, q);
    lua_pop(L, 1);
  } while (!weir_deque_empty(q) && is_stale(weir_deque_front(q)));
}

/* The number at the head, of those that count; UINT64_MAX if there is none. */
static inline uint64_t head_tag(lua_State *L, weir_Deque *q) {
  if (!weir_deque_empty(q) && is_stale(weir_deque_front(q)))
    drop_stale(L, q);
  return weir_deque_empty(q) ? UINT64_MAX : weir_deque_front(q).tag;
}

/* The queue whose head a pass runs next: of those that gave way, only tickets below `limit`. */
static weir_Deque *least_of_all(lua_State *L, weir_State *S, uint64_t limit) {
  uint64_t woken = head_tag(L, &S->woken), late = head_tag(L, &S->late);
  uint64_t yielded = head_tag(L, &S->yielded);
  uint64_t least = woken < late ? woken : late;
  if (yielded < limit && yielded < least)
    return &S->yielded;
  if (least == UINT64_MAX)
    return NULL;
  return woken < late ? &S->woken : &S->late;
}

static inline weir_Deque *next_of_all(lua_State *L, weir_State *S, uint64_t limit) {
  if (!weir_deque_empty(&S->woken) || !weir_deque_empty(&S->late))
    return least_of_all(L, S, limit);
  return head_tag(L, &S->yielded) < limit ? &S->yielded : NULL;
}

int weir_sched_is_ready(lua_State *L, weir_State *S) {
  return next_of_all(L, S, UINT64_MAX) != NULL;
}

/* The budget is spent: what is woken but has not run waits for the next pass, not for a host's
   call. */
static void set_late(lua_State *L, weir_State *S) {
  while (head_tag(L, &S->woken) != UINT64_MAX) {
    weir_Entry e = weir_deque_front(&S->woken);
    weir_deque_take(L, &S->woken);
    weir_deque_push(L, &S->late, e.tag, e.item);
  }
}

/* ---- the trampoline ---- */

static int running_to(lua_State *L, weir_State *S) {
  weir_state_push_running(L, S);
  return lua_gettop(L);
}

static void end_body(lua_State *L, weir_State *S, weir_Coroutine *c, int n, int failed) {
  int idx = lua_gettop(L) - n;
  if (c->raising) {
    lua_pop(L, n);
    weir_coroutine_take_raise(L, c, idx);
    n = failed = 1;
  }
  weir_coroutine_finish(L, S, idx, n, failed);
  if (weir_deferred_is_to_tell(&c->d))
    weir_deferred_tell(L, S, &c->d, idx);
}

static void body_returned(lua_State *L, weir_State *S, weir_Coroutine *c) {
  int n = lua_gettop(c->thread) - 1;
  int failed = lua_isboolean(c->thread, 1);
  int idx = running_to(L, S);
  if (n > 1 && !lua_checkstack(L, n + 8)) { /* the loop has reserved enough for one */
    lua_pushliteral(L, "stack overflow");
    n = failed = 1;
  } else if (n > 0) {
    lua_xmove(c->thread, L, n);
  }
  lua_settop(c->thread, 0);
  end_body(L, S, c, n, failed);
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
  if (weir_coroutine_reset(L, S, idx) != LUA_OK)
    lua_replace(L, -2);
  weir_coroutine_end(L, S, idx, 1, 1);
  lua_settop(L, idx - 1);
}

/* A value that waits to be raised in a body that has no continuation of ours goes to a hook. */
static void prepare_raw_raise(lua_State *L, weir_State *S, weir_Coroutine *c) {
  int idx = running_to(L, S);
  lua_xmove(c->thread, L, 1);
  weir_coroutine_raise_raw(L, c, idx);
  c->nargs = 0;
  lua_settop(L, idx - 1);
}

/* Has nobody had its thread since it was prepared? */
static int is_untouched(const weir_Coroutine *c) {
  return c->life == LIFE_NEW && c->ticket == 0;
}

static int resume(lua_State *L, weir_State *S, weir_Coroutine *c, int *nresults) {
  int nargs;
  if (c->raw && c->raise)
    prepare_raw_raise(L, S, c);
  nargs = c->nargs;
  c->nargs = 0;
  c->gave_way = GAVE_NO_WAY;
  c->life = LIFE_RUNNING;
  S->signal = SIGNAL_NONE;
  return lua_resume(c->thread, L, nargs, nresults);
}

/* Is there nothing to be done between this resume and the next? */
static int is_plain(const weir_State *S, const weir_Coroutine *c) {
  return !c->force && !c->called && weir_deque_empty(&S->fires) && weir_deque_empty(&S->hooks) &&
         !(S->budget < HUGE_VAL);
}

/* Nothing may be raised on `run`, which nobody calls. */
static void give_way(lua_State *L, weir_State *S, weir_Coroutine *c, weir_GaveWay way) {
  weir_Deque *q;
  c->life = LIFE_READY;
  c->nargs = 0;
  c->raise = 0;
  c->gave_way = way;
  if (c->d.flags & FLAG_HELD)
    return;
  q = queue_for(S, c);
  weir_deque_reserve(L, q);
  c->ticket = ++S->ticket;
  if (is_plain(S, c))
    S->running = NULL; /* its value goes from `run` into the queue */
  else
    lua_pushvalue(S->run, -1);
  weir_deque_push(S->run, q, c->ticket, c);
}

/* The running one goes aside for its callee, which it has yielded. */
static void call_callee(lua_State *L, weir_State *S, weir_Coroutine *c) {
  weir_Coroutine *callee;
  weir_deque_reserve(L, &S->callers);
  c->life = LIFE_CALLING;
  c->raise = c->raw = 0;
  weir_deque_push(S->run, &S->callers, 0, NULL);
  lua_xmove(c->thread, S->run, 1);
  callee = S->running = lua_touserdata(S->run, -1);
  callee->called = callee->straight = 1;
}

static int hop(lua_State *L, weir_State *S, int n) {
  int idx = running_to(L, S);
  int again = weir_tail_hop(L, S, idx, n);
  lua_settop(L, idx - 1);
  return again;
}

static int raw_wait(lua_State *L, weir_State *S, int n) {
  int idx = running_to(L, S);
  int again = weir_await_raw(L, S, idx, n);
  lua_settop(L, idx - 1);
  return again;
}

/* What a resume ended in. Returns 1 if the (perhaps new) running one is to be resumed. */
static int dispatch(lua_State *L, weir_State *S, weir_Coroutine *c, int status, int nresults) {
  if (status == LUA_OK) {
    body_returned(L, S, c);
    return 0;
  }
  if (status != LUA_YIELD) {
    body_broke(L, S, c, NULL);
    return 0;
  }
  c->straight = 0;
  switch (S->signal) {
  case SIGNAL_WAIT: return 0;
  case SIGNAL_SPAWN: call_callee(L, S, c); return 1;
  case SIGNAL_HOP: return hop(L, S, nresults);
  case SIGNAL_NONE:
    if (raw_wait(L, S, nresults))
      return 1;
    if (S->signal == SIGNAL_NONE)
      return 0;
    /* fall through */
  case SIGNAL_YIELD: give_way(L, S, c, GAVE_A_PASS); return 0;
  case SIGNAL_TURN: give_way(L, S, c, GAVE_A_TURN);
  }
  return 0;
}

static int step_running(lua_State *L, weir_State *S) {
  weir_Coroutine *c = S->running;
  int nresults = 0, status;
  if (!is_untouched(c) && !weir_coroutine_can_resume(c)) {
    body_broke(L, S, c, "a coroutine of weir was resumed or closed from outside");
    return 0;
  }
  c->ticket = 0;
  status = resume(L, S, c, &nresults);
  return dispatch(L, S, c, status, nresults);
}

/* The one that the running one called has done with its first wait: its caller goes on. */
static int return_to_caller(weir_State *S) {
  weir_Coroutine *c = S->running;
  if (!c->called)
    return 0;
  c->called = 0;
  lua_pop(S->run, 1);
  weir_deque_take_back(S->run, &S->callers);
  S->running = lua_touserdata(S->run, -1);
  S->running->life = LIFE_READY;
  return 1;
}

static int budget_is_spent(weir_State *S) {
  if (!(S->budget < HUGE_VAL))
    return 0;
  if (weir_platform_now() >= S->budget)
    S->over = 1;
  return S->over;
}

/* The budget is spent while callers wait for their turn, which comes first in the next step. */
static void shelve_callers(lua_State *L, weir_State *S) {
  while (return_to_caller(S)) {
    int idx = running_to(L, S);
    if (!(S->running->d.flags & FLAG_HELD))
      queue_first(L, S, idx);
    lua_settop(L, idx - 1);
  }
}

/* What could go on at once goes to the back of the queue instead. */
static void requeue(lua_State *L, weir_State *S) {
  int idx = running_to(L, S);
  if (!(S->running->d.flags & FLAG_HELD))
    weir_sched_ready(L, S, S->running, idx);
  lua_settop(L, idx - 1);
}

static void close_if_forced(lua_State *L, weir_State *S, weir_Coroutine *c) {
  if (!weir_deferred_is_open(&c->d)) /* it may have returned what it waits for */
    return;
  running_to(L, S);
  if (!weir_close(L, S, lua_gettop(L)))
    lua_pop(L, 1);
  lua_pop(L, 1);
}

/* Runs `running`, which is on top of `run`, until it waits or ends; after it, everyone who called
 * it. */
static void run_one(lua_State *L, weir_State *S) {
  for (;;) {
    weir_Coroutine *c = S->running;
    if (step_running(L, S)) {
      if (!budget_is_spent(S) || S->signal == SIGNAL_SPAWN)
        continue;
      requeue(L, S);
    }
    if (!S->running)
      return;
    if (c->force)
      close_if_forced(L, S, c);
    weir_deferred_drain(L, S);
    weir_pause_settle_hooks(L, S);
    if (budget_is_spent(S)) {
      shelve_callers(L, S);
      break;
    }
    if (!return_to_caller(S))
      break;
  }
  weir_sched_leave(S, NULL);
}

/* ---- the loop ---- */

static int run_head(lua_State *L, weir_State *S, weir_Deque *q) {
  S->running = weir_deque_front(q).item;
  weir_deque_take(S->run, q);
  run_one(L, S);
  return !S->over;
}

static void reserve(lua_State *L, weir_State *S) {
  luaL_checkstack(L, 16, "too many nested calls");
  if (!lua_checkstack(S->run, 8))
    luaL_error(L, "too many nested coroutines");
}

static void begin_turn(lua_State *L, weir_State *S) {
  S->busy++;
  S->looping++;
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
  reserve(L, S);
  begin_turn(L, S);
  while (head_tag(L, &S->woken) != UINT64_MAX && run_head(L, S, &S->woken))
    ;
  end_turn(L, S);
}

static int has_work(const weir_State *S) {
  return !weir_deque_empty(&S->woken) || !weir_deque_empty(&S->found) ||
         !weir_deque_empty(&S->dying);
}

/* Calls the task on top of L, below its n arguments. An error that comes out of it, that of a
   failed allocation, ends the host's call, not the scheduler. */
static void protect(lua_State *L, weir_State *S, int n, int nresults) {
  weir_Mark mark;
  weir_state_mark(S, &mark);
  if (lua_pcall(L, n, nresults, 0) == LUA_OK)
    return;
  weir_state_return(S, &mark);
  S->over = 0;
  S->budget = HUGE_VAL;
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

void weir_sched_turn(lua_State *L, weir_State *S) {
  weir_pause_settle_hooks(L, S);
  if (S->busy == 0 && S->inline_runs && has_work(S))
    host_turn(L, S);
}

/* What gave way during the pass waits for the next. */
static void pass(lua_State *L, weir_State *S) {
  uint64_t limit;
  weir_Deque *q;
  begin_turn(L, S);
  limit = S->ticket + 1;
  while ((q = next_of_all(L, S, limit)) != NULL && run_head(L, S, q))
    ;
  end_turn(L, S);
}

static weir_Clock *home_clock(weir_State *S, int slot) {
  return lua_touserdata(S->home, slot);
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
  if (loop->kind == CLOCK_SCALED && !loop->proxy.item.pos)
    return HUGE_VAL; /* it stands still */
  *keeping += loop->keeping;
  return seconds_until(loop);
}

double weir_sched_real_wait(const weir_State *S) {
  const weir_Clock *root = lua_touserdata(S->home, HOME_ROOT_CLOCK);
  return root->keeping ? seconds_until(root) : -1;
}

static double next_timer(weir_State *S) {
  const weir_Clock *root = home_clock(S, HOME_ROOT_CLOCK);
  size_t keeping = root->keeping;
  double real = seconds_until(root), manual = manual_wait(S, &keeping);
  return !keeping ? -1 : real < manual ? real : manual;
}

static void fire_due(lua_State *L, weir_State *S, weir_Clock *root) {
  if (root->due.n)
    weir_clock_advance(L, S, root, weir_clock_now(root), S->armed);
}

static void step(lua_State *L, weir_State *S, double budget) {
  weir_Clock *root = home_clock(S, HOME_ROOT_CLOCK);
  S->budget = budget < HUGE_VAL ? weir_platform_now() + budget : HUGE_VAL;
  if (S->owes_timers)
    fire_due(L, S, root);
  if (!S->over)
    pass(L, S);
  S->owes_timers = S->over && !S->owes_timers;
  if (!S->over)
    fire_due(L, S, root);
  if (S->over)
    set_late(L, S);
  S->budget = HUGE_VAL;
  S->over = 0;
}

static int is_idle(lua_State *L, weir_State *S) {
  return !weir_sched_is_ready(L, S) && weir_deque_empty(&S->found);
}

/* Arguments: the state, the budget, whether to go on while anything is ready, and perhaps until
   which Deferred is. A hook of the host's, such as lua.c sets on an interrupt, ends it too: that is
   to be called outside. */
static int steps_task(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  double budget = lua_tonumber(L, 2);
  int again = lua_toboolean(L, 3);
  const weir_Deferred *d = lua_touserdata(L, 4);
  reserve(L, S);
  S->loop_busy = ++S->busy;
  S->looping++; /* also for what its timers wake */
  do
    step(L, S, budget);
  while (again && !(d && weir_deferred_ready(d)) && !is_idle(L, S) && !lua_gethook(L));
  S->looping--;
  S->loop_busy = 0;
  S->busy--;
  return 0;
}

/* The Deferred, or nil, is on top. */
static double run_steps(lua_State *L, weir_State *S, double budget, int again) {
  lua_pushcfunction(L, steps_task);
  lua_pushlightuserdata(L, S);
  lua_pushnumber(L, budget);
  lua_pushboolean(L, again);
  lua_rotate(L, -5, -1);
  protect(L, S, 4, 0);
  return is_idle(L, S) ? next_timer(S) : 0;
}

double weir_sched_step(lua_State *L, weir_State *S, double budget) {
  lua_pushnil(L);
  return run_steps(L, S, budget, 0);
}

double weir_sched_run_until(lua_State *L, weir_State *S, int idx) {
  lua_pushvalue(L, idx);
  return run_steps(L, S, HUGE_VAL, 1);
}

/* ---- starting ---- */

static int started(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  lua_settop(L, 1);
  return 1;
}

/* Arguments: the state, the Coroutine. */
static int spawn_task(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  S->busy++;
  weir_sched_enter(L, S);
  S->running->straight = 1;
  run_one(L, S);
  S->busy--;
  weir_pause_settle_hooks(L, S);
  if (has_work(S))
    run_woken(L, S);
  return 0;
}

int weir_sched_spawn(lua_State *L, weir_State *S) {
  if (weir_sched_suspendable(L, S)) {
    lua_pushvalue(L, 1);
    S->signal = SIGNAL_SPAWN;
    return lua_yieldk(L, 1, 0, started);
  }
  if (S->busy == 0 && S->inline_runs) {
    lua_pushcfunction(L, spawn_task);
    lua_pushlightuserdata(L, S);
    lua_pushvalue(L, 1);
    protect(L, S, 2, 0);
  } else {
    weir_sched_ready(L, S, lua_touserdata(L, 1), 1);
    weir_pause_settle_hooks(L, S); /* as calls do that cannot run what they woke */
  }
  lua_settop(L, 1);
  return 1;
}
