#include "flow.h"

#include <math.h>

#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "sched.h"
#include "wait.h"

/* Every walk here is a loop: down along `target`, and for the side branches of a chain with several
   sources along the deque `walk`, of which a walk uses the region that it begins. */
/* Replaces the value on top by the next side branch; 0 if there is none. */
static int next_branch(lua_State *L, weir_Deque *q) {
  if (weir_deque_empty(q))
    return 0;
  lua_pop(L, 1);
  weir_deque_take(L, q);
  return 1;
}

static void replace_by_user_value(lua_State *L, int slot) {
  lua_getiuservalue(L, -1, slot);
  lua_replace(L, -2);
}

/* ---- hold ---- */

static int wants_hold(const weir_Deferred *d) {
  return !(d->flags & FLAG_OVERRIDE) &&
         (d->pauses > d->voided || (d->nwaiters > 0 && d->nheld == d->nwaiters));
}

static int is_queueable(const weir_Deferred *d) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  return weir_is_coroutine(d) && (c->life == LIFE_READY || c->life == LIFE_NEW);
}

static void queue_hook(lua_State *L, weir_State *S, const weir_Deferred *d, int idx, int pause) {
  if (!(d->flags & FLAG_HOOKS))
    return;
  lua_pushvalue(L, idx);
  weir_deque_push(L, &S->hooks, (uint64_t)pause);
}

static void hold(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  d->flags |= FLAG_HELD;
  if (is_queueable(d))
    weir_coroutine(d)->ticket = 0;
  else if (d->kind == KIND_TIMED && d->phase == PHASE_PENDING)
    weir_timer_freeze(S, (weir_Timed *)(void *)d);
  else if (d->phase == PHASE_PENDING)
    queue_hook(L, S, d, idx, 1);
}

static void let_go(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  d->flags &= (uint16_t)~FLAG_HELD;
  if (is_queueable(d))
    weir_sched_ready(L, S, idx);
  else if (d->kind == KIND_TIMED && d->phase == PHASE_PENDING)
    weir_timer_thaw(L, S, idx);
  else if (d->phase == PHASE_PENDING)
    queue_hook(L, S, d, idx, 0);
  if (d->phase == PHASE_SETTLED && d->nwaiters > 0)
    d->phase = PHASE_FIRED;
  if (d->phase == PHASE_FIRED)
    weir_deferred_queue(L, S, idx);
}

/* Is what it waits on held along with it? */
static int passes_hold(const weir_Deferred *d) {
  return d->wait != WAIT_NONE && d->wait != WAIT_SHIELD;
}

/* All links of the Deferred on top but the first become side branches; the first replaces it. */
static void branch_links(lua_State *L, weir_State *S, int32_t change) {
  replace_by_user_value(L, UV_TARGET);
  for (;;) {
    weir_Deferred *link = lua_touserdata(L, -1);
    link->nheld += (uint32_t)change;
    if (lua_getiuservalue(L, -1, UV_VALUE) == LUA_TNIL)
      break;
    lua_insert(L, -2);
    weir_deque_push(L, &S->walk, 0);
  }
  lua_pop(L, 1);
}

/* Brings the one on top up to date; if that changed it, replaces it by what it waits on. */
static int rehold_one(lua_State *L, weir_State *S) {
  weir_Deferred *d = lua_touserdata(L, -1);
  int want = wants_hold(d);
  if (want == ((d->flags & FLAG_HELD) != 0))
    return 0;
  if (want)
    hold(L, S, d, lua_gettop(L));
  else
    let_go(L, S, d, lua_gettop(L));
  if (!passes_hold(d))
    return 0;
  if (d->wait == WAIT_LINKS) {
    branch_links(L, S, want ? 1 : -1);
    return 1;
  }
  d->target->nheld += want ? 1u : ~0u;
  replace_by_user_value(L, UV_TARGET);
  return 1;
}

void weir_flow_rehold(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  weir_Region r;
  if (wants_hold(d) == ((d->flags & FLAG_HELD) != 0))
    return;
  luaL_checkstack(L, 8, "too many nested calls");
  r = weir_deque_begin(&S->walk);
  lua_pushvalue(L, idx);
  while (rehold_one(L, S) || next_branch(L, &S->walk))
    ;
  lua_pop(L, 1);
  weir_deque_end(&S->walk, r);
}

/* ---- hooks ---- */

enum { HOOK_CANCEL = 1, HOOK_PAUSE, HOOK_UNPAUSE };

/* Pushes a hook of the Deferred at idx; 0 if it has none. */
static int push_hook(lua_State *L, const weir_Deferred *d, int idx, int hook) {
  if (d->kind != KIND_DEFERRED || d->phase != PHASE_PENDING)
    return 0;
  lua_getiuservalue(L, idx, UV_VALUE);
  if (d->flags & FLAG_HOOKS) {
    lua_rawgeti(L, -1, hook);
    lua_remove(L, -2);
  } else if (hook != HOOK_CANCEL) {
    lua_pop(L, 1);
    return 0;
  }
  if (!lua_isnil(L, -1))
    return 1;
  lua_pop(L, 1);
  return 0;
}

/* Returns Lua's status; the error is pushed. What the hook pauses runs its own hooks. */
static int call_hook(lua_State *L, weir_State *S, int idx) {
  weir_Region r = weir_deque_begin(&S->hooks);
  int status;
  lua_pushvalue(L, idx);
  status = weir_deferred_call(L, S, 1, 0);
  weir_deque_end(&S->hooks, r);
  return status;
}

int weir_flow_run_hooks(lua_State *L, weir_State *S) {
  int base = lua_gettop(L), failed = 0;
  if (weir_deque_empty(&S->hooks))
    return 0;
  luaL_checkstack(L, 8, "too many nested calls");
  lua_pushnil(L);
  while (!weir_deque_empty(&S->hooks)) {
    int pause = weir_deque_tag(&S->hooks) != 0;
    weir_deque_take(L, &S->hooks);
    if (push_hook(L, lua_touserdata(L, base + 2), base + 2, pause ? HOOK_PAUSE : HOOK_UNPAUSE) &&
        call_hook(L, S, base + 2) != LUA_OK) {
      if (failed)
        weir_failure_report_error(L, S);
      else
        lua_replace(L, base + 1);
      failed = 1;
    }
    lua_settop(L, base + 1);
  }
  lua_settop(L, base + failed);
  return failed;
}

void weir_flow_settle_hooks(lua_State *L, weir_State *S) {
  if (weir_flow_run_hooks(L, S))
    weir_failure_report_error(L, S);
}

/* ---- cancel ---- */

typedef struct Walk {
  int error;       /* index of the one cancel error of the tree */
  double deadline; /* and its one deadline */
  int has_root;    /* a coroutine of this tree has been met: it stands for all below */
} Walk;

enum { STOP = 0, DONE = 1, DESCEND = 2 };

static int is_cancellable(const weir_Deferred *d) {
  return d->phase == PHASE_PENDING || d->phase == PHASE_WAITING;
}

/* Does a cancel under way, going down from `d`, come to `w`? */
static int leads_back(const weir_Deferred *d, const weir_Deferred *w) {
  while (d && (d->flags & FLAG_LEAVING)) {
    d = d->target;
    if (d == w)
      return 1;
  }
  return 0;
}

/* 5.3: is what `w` waits on to be left alone when it goes? */
static int is_left_alone(const weir_Deferred *w) {
  const weir_Deferred *d = w->target;
  return d->nwaiters > 1 || w->wait == WAIT_SHIELD || !is_cancellable(d) || leads_back(d, w);
}

/* 5.8: is an outcome about to be told? */
static int is_arriving(const weir_Deferred *w) {
  return !is_cancellable(w->target) && !(w->target->flags & FLAG_HELD);
}

/* Pushes the error with which the waiter at idx goes. */
static void push_parting_error(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *w = lua_touserdata(L, idx);
  if (weir_is_coroutine(w) && (w->flags & FLAG_MARKED))
    weir_coroutine_strike(L, S, weir_coroutine(w), idx);
  else
    lua_pushvalue(L, error);
}

/* The waiter at idx, on top, leaves: at once, or when what it waits on, which replaces it, has
   ended. */
static int descend(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *w = lua_touserdata(L, idx);
  if (is_arriving(w))
    return STOP;
  if (is_left_alone(w)) {
    weir_wait_end(L, S, idx);
    push_parting_error(L, S, idx, error);
    weir_wait_fail(L, S, idx);
    return DONE;
  }
  w->flags |= FLAG_LEAVING;
  replace_by_user_value(L, UV_TARGET);
  return DESCEND;
}

static void kill_new(lua_State *L, weir_State *S, int idx) {
  if (weir_coroutine_reset(L, S, idx) != LUA_OK)
    lua_pop(L, 1);
  lua_getiuservalue(L, idx, UV_VALUE);
  weir_coroutine_end(L, S, idx, 1, 1);
}

static void strike_ready(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  if (!c->gave_way)
    return; /* 5.8: what has arrived is delivered first */
  weir_coroutine_strike(L, S, c, idx);
  weir_coroutine_raise(L, S, idx);
}

static void mark(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *d = lua_touserdata(L, idx);
  d->flags |= FLAG_MARKED | FLAG_OVERRIDE;
  if (weir_is_coroutine(d)) {
    lua_pushvalue(L, error);
    lua_setiuservalue(L, idx, UV_VALUE);
  }
  weir_flow_rehold(L, S, idx);
}

static int leaves_others(const weir_Deferred *w) {
  return w->target && w->target->nwaiters > 1 && is_cancellable(w->target);
}

/* One deadline for the whole tree: the first coroutine of it has the timer. */
static void give_grace(lua_State *L, weir_State *S, int idx, Walk *walk) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  c->deadline = walk->deadline;
  if (walk->has_root)
    return;
  walk->has_root = 1;
  lua_pushvalue(L, idx);
  weir_deque_push(L, &S->dying, 0);
}

static int cancel_coroutine(lua_State *L, weir_State *S, int idx, Walk *walk) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int leaves;
  if (c->d.flags & FLAG_MARKED)
    return STOP;
  leaves = leaves_others(&c->d);
  if (leaves) /* before it is freed: what the others wait on stays as it is */
    weir_wait_end(L, S, idx);
  mark(L, S, idx, walk->error);
  give_grace(L, S, idx, walk);
  if (leaves) {
    push_parting_error(L, S, idx, walk->error);
    weir_wait_fail(L, S, idx);
    return DONE;
  }
  if (c->d.target)
    return DONE | descend(L, S, idx, walk->error);
  if (c->life == LIFE_NEW)
    kill_new(L, S, idx);
  else if (c->life == LIFE_READY)
    strike_ready(L, S, idx);
  return DONE;
}

/* Asks the canceller. One that raises fails the Deferred; one that fires as well has answered. */
static void call_canceller(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (!push_hook(L, d, idx, HOOK_CANCEL))
    return;
  if (call_hook(L, S, idx) == LUA_OK)
    return;
  if (d->phase != PHASE_PENDING) {
    weir_failure_report_error(L, S);
    return;
  }
  d->flags |= FLAG_DROP_LATE;
  weir_deferred_fire(L, S, idx, 1, 1);
  weir_failure_take(L, S, idx);
}

/* 2.6: cancels the sources of the `other` on top that nobody else waits on, and drops the rest. The
   first of them replaces it. */
static int cancel_links(lua_State *L, weir_State *S, int idx) {
  int next = 0;
  lua_getiuservalue(L, idx, UV_TARGET);
  while (!lua_isnil(L, -1)) {
    int link = lua_gettop(L);
    weir_Deferred *l = lua_touserdata(L, link);
    if (l->target && is_left_alone(l)) {
      weir_wait_end(L, S, link);
    } else if (l->target) {
      l->flags |= FLAG_LEAVING;
      lua_getiuservalue(L, link, UV_TARGET);
      weir_deque_push(L, &S->walk, 0);
      next = 1;
    }
    replace_by_user_value(L, UV_VALUE);
  }
  lua_pop(L, 1);
  return next;
}

static int cancel_pending(lua_State *L, weir_State *S, int idx, Walk *walk) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (d->flags & FLAG_MARKED)
    return STOP;
  mark(L, S, idx, walk->error);
  weir_flow_settle_hooks(L, S);
  call_canceller(L, S, idx);
  if (d->phase == PHASE_PENDING && d->wait == WAIT_LINKS && cancel_links(L, S, idx))
    return DONE;
  if (d->phase == PHASE_PENDING) {
    d->flags |= FLAG_DROP_LATE;
    lua_pushvalue(L, walk->error);
    weir_deferred_fire(L, S, idx, 1, 1);
  }
  return DONE;
}

static int cancel_one(lua_State *L, weir_State *S, Walk *walk) {
  int idx = lua_gettop(L);
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (!is_cancellable(d))
    return STOP;
  if (weir_is_coroutine(d))
    return cancel_coroutine(L, S, idx, walk);
  if (d->phase == PHASE_WAITING)
    return descend(L, S, idx, walk->error);
  return cancel_pending(L, S, idx, walk);
}

/* Cancels from the Deferred at idx down, with the error on top. */
static int cancel_from(lua_State *L, weir_State *S, int idx, double deadline) {
  Walk walk = {lua_gettop(L), deadline, 0};
  weir_Region r = weir_deque_begin(&S->walk);
  int result = STOP, last;
  luaL_checkstack(L, 12, "too many nested calls");
  lua_pushvalue(L, idx);
  do {
    last = cancel_one(L, S, &walk);
    result |= last;
  } while ((last & DESCEND) || next_branch(L, &S->walk));
  weir_deque_end(&S->walk, r);
  lua_settop(L, walk.error - 1);
  return (result & DONE) != 0;
}

static double grace_from_now(weir_State *S, double grace) {
  return weir_clock_now(lua_touserdata(S->home, HOME_LOOP_CLOCK)) + grace;
}

int weir_flow_cancel(lua_State *L, weir_State *S, int idx, double grace) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (!is_cancellable(d)) {
    lua_pop(L, 1);
    return 0;
  }
  weir_error_cancelled(L, S);
  return cancel_from(L, S, idx, grace_from_now(S, grace));
}

void weir_flow_leave(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *w = lua_touserdata(L, idx);
  int error = lua_gettop(L);
  if (w->flags & FLAG_MARKED) { /* leaving already, with its cancel error */
    lua_settop(L, error - 1);
    return;
  }
  lua_pushvalue(L, error);
  lua_setiuservalue(L, idx, UV_VALUE);
  lua_pushvalue(L, idx);
  if (descend(L, S, lua_gettop(L), error) == DESCEND) {
    lua_pushvalue(L, error);
    weir_flow_cancel(L, S, error + 1, S->grace);
  }
  lua_settop(L, error - 1);
}

void weir_flow_end_turn(lua_State *L, weir_State *S) {
  while (!weir_deque_empty(&S->dying)) {
    weir_Coroutine *c;
    weir_deque_take(L, &S->dying);
    c = lua_touserdata(L, -1);
    if (is_cancellable(&c->d)) {
      weir_state_push(L, S, HOME_LOOP_CLOCK);
      weir_timer_limit(L, S, lua_gettop(L) - 1, lua_gettop(L), c->deadline, TIMER_GRACE);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  weir_deque_trim(L, &S->dying);
}

/* ---- close ---- */

static int is_executing(const weir_Deferred *d) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  return weir_is_coroutine(d) && (c->life == LIFE_RUNNING || c->life == LIFE_CALLING);
}

/* Does it go with the one that has just left it? The last waiter takes it along; so does anyone when
   its own grace has run out. */
static int goes_along(weir_State *S, const weir_Deferred *d) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  if (!is_cancellable(d))
    return 0;
  return d->nwaiters == 0 || (weir_is_coroutine(d) && (d->flags & FLAG_MARKED) &&
                              c->deadline <= grace_from_now(S, 0));
}

/* What is left now: closed after those it waits on, or only cancelled. The error is at `error`. */
static int collect_one(lua_State *L, weir_State *S, int error) {
  weir_Deferred *d = lua_touserdata(L, -1);
  int idx = lua_gettop(L);
  if (is_executing(d) || (!weir_is_coroutine(d) && d->phase == PHASE_PENDING)) {
    lua_pushvalue(L, error);
    cancel_from(L, S, idx, grace_from_now(S, 0));
    if (is_executing(d))
      weir_coroutine(d)->force = 1;
    return 0;
  }
  if (!(d->flags & FLAG_MARKED))
    mark(L, S, idx, error);
  lua_pushvalue(L, idx);
  weir_deque_push(L, &S->walk, 0);
  if (!d->target)
    return 0;
  lua_getiuservalue(L, idx, UV_TARGET);
  weir_wait_end(L, S, idx);
  lua_replace(L, idx);
  return goes_along(S, lua_touserdata(L, idx));
}

static void close_one(lua_State *L, weir_State *S, int idx, int error) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int failed = 0;
  if (!is_cancellable(&c->d))
    return; /* ended meanwhile, by a handler of another */
  if (!weir_is_coroutine(&c->d) || c->life == LIFE_ENDED) {
    push_parting_error(L, S, idx, error);
    weir_wait_fail(L, S, idx);
    return;
  }
  c->struck = 1;
  c->force = 0;
  failed = weir_coroutine_reset(L, S, idx) != LUA_OK;
  if (!failed)
    lua_getiuservalue(L, idx, UV_VALUE);
  weir_coroutine_end(L, S, idx, 1, 1);
  if (failed)
    weir_failure_take(L, S, idx);
  c->handler_failed = (unsigned)failed & 1;
}

int weir_flow_close(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int error;
  weir_Region r;
  if (!is_cancellable(&c->d))
    return 1;
  luaL_checkstack(L, 12, "too many nested calls");
  lua_pushnil(L);
  weir_error_cancelled(L, S);
  error = lua_gettop(L);
  r = weir_deque_begin(&S->walk);
  lua_pushvalue(L, idx);
  while (collect_one(L, S, error))
    ;
  lua_settop(L, error);
  while (!weir_deque_empty(&S->walk)) {
    weir_deque_take_back(L, &S->walk);
    close_one(L, S, error + 1, error);
    lua_settop(L, error);
  }
  weir_deque_end(&S->walk, r);
  lua_settop(L, error - 1);
  if (!c->handler_failed)
    return 1;
  c->d.flags |= FLAG_HANDLED; /* the caller sees it */
  lua_getiuservalue(L, idx, UV_VALUE);
  return 0;
}
