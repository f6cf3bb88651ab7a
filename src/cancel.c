#include "cancel.h"

#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "fetch.h"
#include "link.h"
#include "pause.h"
#include "record.h"
#include "sched.h"
#include "side.h"
#include "wait.h"
#include "walk.h"

typedef struct Walk {
  int error;       /* index of the one cancel error of the tree */
  double deadline; /* and its one deadline */
  int has_root;    /* a coroutine of this tree has been met: it stands for all below */
} Walk;

enum { STOP = 0, DONE = 1, DESCEND = 2 };

/* Has this very cancel marked what the waiter at idx waits on, on its way down to it? Then it went
   round in a circle. A coroutine tells by its error; one that an earlier cancel marked will end. */
static int leads_back(lua_State *L, weir_State *S, int idx, int error) {
  const weir_Deferred *w = lua_touserdata(L, idx), *d = w->target;
  int same = 1;
  if (!(d->flags & (FLAG_LEAVING | FLAG_MARKED)))
    return 0;
  if (weir_is_coroutine(d)) {
    lua_getiuservalue(L, idx, UV_TARGET);
    lua_getiuservalue(L, -1, UV_VALUE);
    same = lua_rawequal(L, -1, error);
    lua_pop(L, 2);
  }
  return same && weir_wait_closes_circle(S, w, d, 1);
}

/* Links that make one Deferred several parts of a join. */
static int are_twins(const weir_Deferred *w, const weir_Deferred *other) {
  return w->wait == WAIT_PART && other->wait == WAIT_PART && other->first == w->first;
}

static int is_other(const weir_Deferred *w, const weir_Deferred *other) {
  return other->wait != WAIT_OWN && !are_twins(w, other);
}

/* Does anybody else wait on what `w` waits on? */
static int has_others(const weir_Deferred *w) {
  const weir_Deferred *other = w->target->first;
  if (weir_wait_count(w->target) <= 1)
    return 0;
  if (w->wait != WAIT_PART || is_other(w, other->earlier)) /* the last of them */
    return 1;
  while (other && !is_other(w, other))
    other = other->later;
  return other != NULL;
}

/* 5.3: is what `w` waits on to be left alone when it goes? */
static int is_left_alone(lua_State *L, weir_State *S, int idx, int error) {
  const weir_Deferred *w = lua_touserdata(L, idx), *d = w->target;
  if (w->wait == WAIT_SHIELD || !weir_deferred_is_open(d))
    return 1;
  return (w->wait != WAIT_OWN && has_others(w)) || leads_back(L, S, idx, error);
}

/* 5.8: is an outcome about to be told? */
static int is_arriving(const weir_Deferred *w) {
  return !weir_deferred_is_open(w->target) && !(w->target->flags & FLAG_HELD);
}

void weir_cancel_push_parting(lua_State *L, int idx, int error) {
  weir_Deferred *w = lua_touserdata(L, idx);
  weir_Coroutine *c = weir_is_coroutine(w) ? weir_coroutine(w) : NULL;
  if (c && (weir_coroutine_is_due(c) || ((w->flags & FLAG_MARKED) && c->life == LIFE_ENDED)))
    weir_coroutine_strike(L, c, idx);
  else
    lua_pushvalue(L, error);
}

/* The waiter at idx, on top, leaves: at once, or when what it waits on, which replaces it, has
   ended. */
static int descend(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *w = lua_touserdata(L, idx);
  if (is_arriving(w))
    return STOP;
  if (is_left_alone(L, S, idx, error)) {
    weir_wait_end(L, S, idx);
    weir_cancel_push_parting(L, idx, error);
    weir_wait_fail(L, S, idx);
    return DONE;
  }
  w->flags |= FLAG_LEAVING;
  weir_walk_down(L, UV_TARGET);
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
  if (c->preempted) {
    weir_coroutine_rouse(L, S, idx);
    return;
  }
  weir_coroutine_strike(L, c, idx);
  weir_coroutine_raise(L, S, idx);
}

static void strike_asleep(lua_State *L, weir_State *S, int idx) {
  weir_coroutine_strike(L, lua_touserdata(L, idx), idx);
  weir_coroutine_raise(L, S, idx);
}

void weir_cancel_mark(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *d = lua_touserdata(L, idx);
  d->flags &= ~(uint32_t)FLAG_STRUCK;
  d->flags |= FLAG_MARKED | FLAG_OVERRIDE;
  S->cancels++;
  if ((S->watch & WATCH_TRACE) && weir_is_coroutine(d))
    weir_record_cancel(L, S, weir_coroutine(d), error);
  if (weir_is_coroutine(d) || d->kind == KIND_JOIN) {
    lua_pushvalue(L, error);
    lua_setiuservalue(L, idx, UV_VALUE);
  }
  weir_pause_rehold(L, S, d, idx);
}

static int leaves_others(const weir_Deferred *w) {
  return w->target && weir_wait_count(w->target) > 1 && weir_deferred_is_open(w->target);
}

/* One deadline for the whole tree: the first coroutine of it has the timer. */
static void give_grace(lua_State *L, weir_State *S, int idx, Walk *walk) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  c->deadline = walk->deadline;
  if (walk->has_root)
    return;
  walk->has_root = 1;
  weir_cancel_watch(L, S, idx);
}

static int cancel_coroutine(lua_State *L, weir_State *S, int idx, Walk *walk) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int leaves;
  if (c->d.flags & FLAG_MARKED)
    return STOP;
  leaves = leaves_others(&c->d);
  if (leaves) /* before it is freed: what the others wait on stays as it is */
    weir_wait_end(L, S, idx);
  weir_cancel_mark(L, S, idx, walk->error);
  give_grace(L, S, idx, walk);
  if (leaves) {
    weir_cancel_push_parting(L, idx, walk->error);
    weir_wait_fail(L, S, idx);
    return DONE;
  }
  if (c->d.target)
    return DONE | descend(L, S, idx, walk->error);
  if (c->life == LIFE_NEW)
    kill_new(L, S, idx);
  else if (c->life == LIFE_READY)
    strike_ready(L, S, idx);
  else if (c->life == LIFE_ASLEEP)
    strike_asleep(L, S, idx);
  return DONE;
}

/* Asks the canceller. One that raises fails the Deferred; one that fires as well has answered. */
static void call_canceller(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (!weir_pause_push_hook(L, S, idx, HOOK_CANCEL))
    return;
  if (weir_pause_call_hook(L, S, idx) == LUA_OK)
    return;
  if (d->phase != PHASE_PENDING) {
    weir_failure_report_error(L, S);
    return;
  }
  d->flags |= FLAG_DROP_LATE;
  weir_deferred_fire(L, S, idx, 1, 1);
  weir_failure_take(L, S, idx);
}

int weir_cancel_ask(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *d = lua_touserdata(L, idx);
  weir_cancel_mark(L, S, idx, error);
  weir_pause_tell_hook(L, S, idx);
  call_canceller(L, S, idx);
  if (d->phase != PHASE_PENDING)
    return 0;
  d->flags |= FLAG_DROP_LATE;
  return 1;
}

void weir_cancel_finish(lua_State *L, weir_State *S, int idx, int error) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (d->kind == KIND_JOIN)
    lua_getiuservalue(L, idx, UV_VALUE);
  else
    lua_pushvalue(L, error);
  weir_deferred_fire(L, S, idx, 1, 1);
}

/* What is shielded stays where it is: nothing of it is lost. */
static int brings_news(const weir_Deferred *link, int wants_news) {
  return (link->wait == WAIT_CHAIN || (wants_news && link->wait != WAIT_SHIELD)) &&
         is_arriving(link);
}

/* The link, and its twins: their source is a side branch, once. */
static void leave_by(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *link = lua_touserdata(L, idx), *other = link->target->first;
  link->flags |= FLAG_LEAVING;
  for (; weir_wait_count(link->target) > 1 && other; other = other->later)
    if (are_twins(link, other))
      other->flags |= FLAG_LEAVING;
  lua_getiuservalue(L, idx, LINK_SOURCE);
  weir_deque_push(L, &S->walk, 0);
}

static int has_left(const weir_Deferred *link) {
  return link->wait == WAIT_PART && (link->flags & FLAG_LEAVING);
}

/* 2.6: the sources of the Deferred at idx become side branches, those that somebody else waits on
   are dropped; so are parts with news, if nobody wants any. Returns whether any is left. */
static int cancel_links(lua_State *L, weir_State *S, int idx, const Walk *walk, int wants_news) {
  const weir_Deferred *other = lua_touserdata(L, idx);
  int link = lua_gettop(L) + 1;
  lua_getiuservalue(L, idx, UV_TARGET);
  while (!lua_isnil(L, link)) {
    weir_Deferred *l = lua_touserdata(L, link);
    lua_getiuservalue(L, link, LINK_NEXT);
    if (brings_news(l, wants_news) || has_left(l)) {
      /* 5.8: what is about to be told comes before the cancel */
    } else if (is_left_alone(L, S, link, walk->error)) {
      weir_link_remove(L, S, idx, link);
    } else {
      leave_by(L, S, link);
    }
    lua_replace(L, link);
  }
  lua_settop(L, link - 1);
  return other->wait == WAIT_LINKS;
}

static int cancel_pending(lua_State *L, weir_State *S, int idx, Walk *walk) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (d->flags & FLAG_MARKED)
    return STOP;
  if (!weir_cancel_ask(L, S, idx, walk->error))
    return DONE;
  if (d->wait != WAIT_LINKS || !cancel_links(L, S, idx, walk, 1))
    weir_cancel_finish(L, S, idx, walk->error);
  return DONE;
}

/* What it waits on is cancelled for it; a pause of its own does not keep the answer from it. */
static int cancel_adopter(lua_State *L, weir_State *S, int idx, const Walk *walk) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (!d->target)
    return STOP; /* it is being closed along with a coroutine */
  d->flags |= FLAG_OVERRIDE;
  weir_pause_rehold(L, S, d, idx);
  return descend(L, S, idx, walk->error);
}

static int cancel_one(lua_State *L, weir_State *S, Walk *walk) {
  int idx = lua_gettop(L);
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (!weir_deferred_is_open(d))
    return STOP;
  weir_deferred_reserve(L, S);
  if (weir_is_coroutine(d) && !walk->has_root)
    weir_deque_reserve(L, &S->dying);
  if (weir_is_coroutine(d))
    return cancel_coroutine(L, S, idx, walk);
  if (d->phase == PHASE_WAITING)
    return cancel_adopter(L, S, idx, walk);
  return cancel_pending(L, S, idx, walk);
}

/* Takes the next side branch. What stands above may end before it does: it has a root of its own.
 */
static int walk_aside(lua_State *L, weir_State *S, Walk *walk) {
  walk->has_root = 0;
  return weir_walk_aside(L, &S->walk);
}

/* From the one on top. */
static int walk_on(lua_State *L, weir_State *S, Walk *walk) {
  int result = STOP, last;
  do {
    last = cancel_one(L, S, walk);
    result |= last;
  } while ((last & DESCEND) || walk_aside(L, S, walk));
  return (result & DONE) != 0;
}

int weir_cancel_from(lua_State *L, weir_State *S, int idx, double deadline) {
  Walk walk = {lua_gettop(L), deadline, 0};
  weir_Region r;
  int done;
  luaL_checkstack(L, 16, "too many nested calls");
  r = weir_deque_begin(&S->walk);
  lua_pushvalue(L, idx);
  done = walk_on(L, S, &walk);
  weir_deque_end(&S->walk, r);
  lua_settop(L, walk.error - 1);
  return done;
}

/* Arguments: the state, the Walk, the error. */
static int parts_task(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  Walk *walk = lua_touserdata(L, 2);
  walk->error = 3;
  lua_pushnil(L); /* it is replaced by what is next */
  if (walk_aside(L, S, walk))
    walk_on(L, S, walk);
  return 0;
}

/* All side branches that there are. What raises an error is left to raise it. Returns Lua's status.
   [-0, +0|1, -] */
static int walk_parts(lua_State *L, weir_State *S, Walk walk) {
  lua_pushcfunction(L, parts_task);
  lua_pushlightuserdata(L, S);
  lua_pushlightuserdata(L, &walk);
  lua_pushvalue(L, walk.error);
  return lua_pcall(L, 3, 0, 0);
}

void weir_cancel_parts(lua_State *L, weir_State *S, int idx, int taken) {
  const weir_Deferred *other = lua_touserdata(L, idx);
  Walk walk = {lua_gettop(L), weir_cancel_deadline(S, S->grace), 0};
  weir_Region r;
  int told = 0, status;
  luaL_checkstack(L, 16, "too many nested calls");
  weir_error_cancelled(L, S);
  r = weir_deque_begin(&S->walk);
  if (other->wait == WAIT_LINKS) /* a finalizer may have fired it just now */
    cancel_links(L, S, idx, &walk, 0);
  if (taken)
    told = weir_link_take(L, S, idx, taken);
  status = walk_parts(L, S, walk);
  if (told && other->phase == PHASE_FIRED)
    weir_deferred_queue(L, S, idx);
  weir_deque_end(&S->walk, r);
  if (status != LUA_OK)
    lua_error(L);
  lua_settop(L, walk.error - 1);
}

double weir_cancel_deadline(weir_State *S, double grace) {
  return weir_clock_now(lua_touserdata(S->home, HOME_LOOP_CLOCK)) + grace;
}

/* Where many sleep, nothing of one that is cancelled is in the processor's cache: its thread, and
   its timer, come while its error is made. */
static void fetch_near(const weir_Deferred *d) {
  if (!weir_is_coroutine(d))
    return;
  weir_fetch_thread(weir_coroutine_thread_of(d));
  if (weir_coroutine_is_asleep(d))
    weir_fetch(d->at.timer);
}

int weir_cancel(lua_State *L, weir_State *S, int idx, double grace) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (!weir_deferred_is_open(d)) {
    lua_pop(L, 1);
    return 0;
  }
  fetch_near(d);
  weir_error_cancelled(L, S); /* what a finalizer does meanwhile is seen by the walk */
  weir_fetch_calls(weir_coroutine_thread_of(d));
  return weir_cancel_from(L, S, idx, weir_cancel_deadline(S, grace));
}

void weir_cancel_claim(lua_State *L, weir_State *S, int didx, int cidx) {
  const weir_Deferred *d = lua_touserdata(L, didx);
  const weir_Coroutine *c = lua_touserdata(L, cidx);
  if (!(d->flags & FLAG_CLAIM) || d->nwaiters > 0)
    return;
  lua_getiuservalue(L, cidx, UV_VALUE); /* one error for the whole tree */
  weir_cancel_from(L, S, didx, c->deadline);
}

/* 6.1: is an outcome there, only it is held? */
static int is_kept(const weir_Coroutine *c) {
  return (c->d.flags & FLAG_HELD) && !weir_deferred_is_open(c->d.target);
}

void weir_cancel_leave(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int error = lua_gettop(L);
  weir_side_need(L, S, c, idx);
  if (!c->d.target || (c->d.flags & FLAG_LEAVING) || is_kept(c)) { /* gone, or already leaving */
    lua_settop(L, error - 1);
    return;
  }
  lua_pushvalue(L, error);
  weir_side_set(L, idx, SIDE_ERROR);
  lua_pushvalue(L, idx);
  if (descend(L, S, lua_gettop(L), error) == DESCEND) {
    lua_pushvalue(L, error);
    weir_cancel(L, S, error + 1, S->grace);
  }
  lua_settop(L, error - 1);
}

void weir_cancel_watch(lua_State *L, weir_State *S, int idx) {
  lua_pushvalue(L, idx);
  weir_deque_push(L, &S->dying, 0);
}

void weir_cancel_end_turn(lua_State *L, weir_State *S) {
  while (!weir_deque_empty(&S->dying)) {
    weir_Coroutine *c;
    weir_deque_take(L, &S->dying);
    c = lua_touserdata(L, -1);
    if (weir_deferred_is_open(&c->d)) {
      weir_state_push(L, S, HOME_LOOP_CLOCK);
      weir_timer_limit(L, S, lua_gettop(L) - 1, lua_gettop(L), c->deadline, TIMER_GRACE);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
}
