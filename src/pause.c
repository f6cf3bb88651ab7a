#include "pause.h"

#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "link.h"
#include "ready.h"
#include "record.h"
#include "wait.h"
#include "walk.h"

/* ---- hold ---- */

static int held_by_waiters(const weir_Deferred *d) {
  if (d->nwaiters == 1 && (d->flags & FLAG_OWNED))
    return (d->first->flags & FLAG_HELD) != 0;
  return d->nwaiters > 0 && d->nheld == weir_wait_count(d);
}

static int wants_hold(const weir_Deferred *d) {
  return !(d->flags & (FLAG_OVERRIDE | FLAG_TELLING)) &&
         (d->pauses > d->voided || held_by_waiters(d));
}

static int is_queueable(const weir_Deferred *d) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  return weir_is_coroutine(d) && d->wait == WAIT_NONE &&
         (c->life == LIFE_READY || c->life == LIFE_NEW);
}

static void tell_of_hold(lua_State *L, weir_State *S, weir_Path *p) {
  weir_Deferred *d = p->at;
  if ((S->watch & WATCH_TRACE) && weir_is_coroutine(d))
    weir_record_hold(S, weir_coroutine(d), (d->flags & FLAG_HELD) != 0);
  if (!(d->flags & FLAG_HOOKS))
    return;
  weir_path_fetch(L, p);
  lua_pushvalue(L, p->idx);
  weir_deque_push(L, &S->hooks, 0);
}

/* What is pending has become held, or free: is there anyone to tell? */
static inline void queue_hook(lua_State *L, weir_State *S, weir_Path *p) {
  if (p->at->phase == PHASE_PENDING && ((p->at->flags | S->all_hooks) & FLAG_HOOKS))
    tell_of_hold(L, S, p);
}

static void hold(lua_State *L, weir_State *S, weir_Path *p) {
  weir_Deferred *d = p->at;
  weir_Timer *timer = weir_timer_of(d);
  d->flags |= FLAG_HELD;
  if (is_queueable(d))
    weir_ready_remove(S, weir_coroutine(d));
  else if (timer)
    weir_timer_freeze(timer);
  queue_hook(L, S, p);
}

static void let_go(lua_State *L, weir_State *S, weir_Path *p) {
  weir_Deferred *d = p->at;
  weir_Timer *timer = weir_timer_of(d);
  if (timer) { /* first: it may fail */
    weir_path_fetch(L, p);
    weir_timer_thaw(L, S, timer, p->idx);
  }
  d->flags &= ~(uint32_t)FLAG_HELD;
  if (is_queueable(d)) {
    weir_path_fetch(L, p);
    weir_ready_add(L, S, weir_coroutine(d), p->idx);
  }
  queue_hook(L, S, p);
  if (d->phase == PHASE_SETTLED && d->nwaiters > 0)
    d->phase = PHASE_FIRED;
  if (d->phase == PHASE_FIRED) {
    weir_path_fetch(L, p);
    weir_deferred_queue(L, S, p->idx);
  }
}

/* Is what it waits on held along with it? */
static int passes_hold(const weir_Deferred *d) {
  return d->wait != WAIT_NONE && d->wait != WAIT_SHIELD;
}

/* The first link of the Deferred on top replaces it; the others become side branches. */
static void branch_links(lua_State *L, weir_State *S, uint32_t change) {
  weir_walk_down(L, UV_TARGET);
  ((weir_Deferred *)lua_touserdata(L, -1))->nheld += change;
  lua_getiuservalue(L, -1, LINK_NEXT);
  while (!lua_isnil(L, -1)) {
    ((weir_Deferred *)lua_touserdata(L, -1))->nheld += change;
    lua_pushvalue(L, -1);
    weir_deque_push(L, &S->walk, 0);
    weir_walk_down(L, LINK_NEXT);
  }
  lua_pop(L, 1);
}

/* What may fail comes before it is changed: then it is as it was, and so is all behind it. */
static void reserve(lua_State *L, weir_State *S, const weir_Deferred *d, int want) {
  if (d->flags & FLAG_HOOKS)
    weir_deque_reserve(L, &S->hooks);
  if (d->wait == WAIT_LINKS)
    weir_deque_reserve_many(L, &S->walk, (uint32_t)d->nvalues);
  if (!want)
    weir_deferred_reserve(L, S);
}

/* Brings the one that the path has come to, which is on top, up to date. If that changed it, goes
   on to what it waits on, and returns 1. */
static int rehold_one(lua_State *L, weir_State *S, weir_Path *p) {
  weir_Deferred *d = p->at;
  int want = wants_hold(d);
  if (want == ((d->flags & FLAG_HELD) != 0))
    return 0;
  reserve(L, S, d, want);
  if (want)
    hold(L, S, p);
  else
    let_go(L, S, p);
  if (!passes_hold(d))
    return 0;
  if (d->wait == WAIT_LINKS) {
    weir_path_fetch(L, p);
    branch_links(L, S, want ? 1u : ~0u);
    weir_path_begin(L, p);
    return 1;
  }
  if (d->wait != WAIT_OWN)
    d->target->nheld += want ? 1u : ~0u;
  p->at = d->target;
  return 1;
}

static void rehold_from(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  weir_Region r;
  weir_Path path = {d, d, lua_gettop(L) + 1};
  luaL_checkstack(L, 8, "too many nested calls");
  r = weir_deque_begin(&S->walk);
  lua_pushvalue(L, idx);
  for (;;) {
    if (rehold_one(L, S, &path))
      continue;
    if (!weir_walk_aside(L, &S->walk))
      break;
    weir_path_begin(L, &path);
  }
  lua_pop(L, 1);
  weir_deque_end(&S->walk, r);
}

/* Held by its waiters, it may be among those that hold them, round a circle of waits. */
static int may_hold_itself(weir_State *S, const weir_Deferred *d) {
  return (d->flags & FLAG_HELD) && d->pauses <= d->voided && weir_wait_is_in_circle(S, d);
}

void weir_pause_walk(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  if (wants_hold(d) == ((d->flags & FLAG_HELD) != 0)) {
    if (!may_hold_itself(S, d))
      return;
    d->flags |= FLAG_OVERRIDE; /* let go, it is held again by those that are held without it */
    rehold_from(L, S, d, idx);
    d->flags &= ~(uint32_t)FLAG_OVERRIDE;
  }
  rehold_from(L, S, d, idx);
}

/* ---- from outside ---- */

/* Arguments: the state, the Deferred. */
static int rehold_task(lua_State *L) {
  weir_pause_rehold(L, lua_touserdata(L, 1), lua_touserdata(L, 2), 2);
  return 0;
}

/* The way back needs no more room than the way there had, and was there before. */
void weir_pause_change(lua_State *L, weir_State *S, int idx, int change) {
  weir_Deferred *d = lua_touserdata(L, idx);
  weir_Place hooks = weir_deque_mark(&S->hooks), walk = weir_deque_mark(&S->walk);
  int voided = d->voided;
  weir_deferred_reserve(L, S);
  d->pauses += change;
  if (d->voided > d->pauses)
    d->voided = d->pauses;
  lua_pushcfunction(L, rehold_task);
  lua_pushlightuserdata(L, S);
  lua_pushvalue(L, idx);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK)
    return;
  weir_deque_return(&S->hooks, hooks, 0);
  weir_deque_return(&S->walk, walk, 0);
  d->pauses -= change;
  d->voided = voided;
  weir_pause_rehold(L, S, d, idx);
  lua_error(L);
}

/* ---- hooks ---- */

/* Pushes the table of hooks of the pending Deferred at idx. */
static void push_hooks(lua_State *L, weir_State *S, const weir_Deferred *d, int idx) {
  if (!weir_is_coroutine(d)) {
    lua_getiuservalue(L, idx, UV_VALUE);
    return;
  }
  weir_state_push(L, S, HOME_HOOKS);
  lua_pushvalue(L, idx);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

int weir_pause_push_hook(lua_State *L, weir_State *S, int idx, int hook) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (d->phase != PHASE_PENDING)
    return 0;
  if (d->flags & FLAG_HOOKS) {
    push_hooks(L, S, d, idx);
    lua_rawgeti(L, -1, hook);
    lua_remove(L, -2);
  } else if (hook == HOOK_CANCEL && d->kind == KIND_DEFERRED) {
    lua_getiuservalue(L, idx, UV_VALUE);
  } else {
    return 0;
  }
  if (!lua_isnil(L, -1))
    return 1;
  lua_pop(L, 1);
  return 0;
}

int weir_pause_call_hook(lua_State *L, weir_State *S, int idx) {
  weir_Region r = weir_deque_begin(&S->hooks), fires = weir_deque_begin(&S->fires);
  int status;
  lua_pushvalue(L, idx);
  status = weir_deferred_call(L, S, 1, 0);
  weir_deque_end(&S->fires, fires);
  weir_deque_end(&S->hooks, r);
  return status;
}

/* Pushes the hook that tells the Deferred at idx what has become of it since the last one; 0 if
   nothing has: it went there and back in one walk. */
static int push_due_hook(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  int held = (d->flags & FLAG_HELD) != 0;
  if (held == ((d->flags & FLAG_TOLD_HELD) != 0))
    return 0;
  d->flags ^= FLAG_TOLD_HELD;
  return weir_pause_push_hook(L, S, idx, held ? HOOK_PAUSE : HOOK_UNPAUSE);
}

void weir_pause_tell_hook(lua_State *L, weir_State *S, int idx) {
  if (push_due_hook(L, S, idx) && weir_pause_call_hook(L, S, idx) != LUA_OK)
    weir_failure_report_error(L, S);
}

int weir_pause_run_hooks(lua_State *L, weir_State *S) {
  int base = lua_gettop(L), failed = 0;
  if (weir_deque_empty(&S->hooks))
    return 0;
  luaL_checkstack(L, 8, "too many nested calls");
  lua_pushnil(L);
  while (!weir_deque_empty(&S->hooks)) {
    weir_deque_take(L, &S->hooks);
    if (push_due_hook(L, S, base + 2) && weir_pause_call_hook(L, S, base + 2) != LUA_OK) {
      if (failed)
        weir_failure_report_error(L, S);
      else
        lua_replace(L, base + 1);
      failed = 1;
    }
    lua_settop(L, base + 1);
  }
  if (failed)
    weir_failure_forget_last(L, S);
  lua_settop(L, base + failed);
  return failed;
}

void weir_pause_report_hooks(lua_State *L, weir_State *S) {
  if (weir_pause_run_hooks(L, S))
    weir_failure_report_error(L, S);
}
