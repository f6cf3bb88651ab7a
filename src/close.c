#include "close.h"

#include <math.h>

#include "cancel.h"
#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "link.h"
#include "wait.h"
#include "walk.h"

/* Does it go with the one that has just left it? The last waiter takes it along, or its owner; so
   does anyone when its own grace has run out. */
static int goes_along(weir_State *S, const weir_Deferred *d, int owned) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  if (!weir_deferred_is_open(d))
    return 0;
  return owned || d->nwaiters == 0 || (d->nwaiters == 1 && (d->flags & FLAG_OWNED)) ||
         (weir_is_coroutine(d) && c->deadline <= weir_cancel_deadline(S, 0));
}

/* Every circle goes through one that waits on several. */
static int is_seen(weir_Deferred *d, uint32_t look) {
  int seen = d->wait == WAIT_LINKS && d->now.look == look;
  if (d->wait == WAIT_LINKS)
    d->now.look = look;
  return seen;
}

/* How a side branch is gone into. */
enum { TAKE, LOOK_BELOW };

/* The one on top has just been left. Does it go along? If not, who watches over its end? What was
   cancelled, and is no coroutine with a grace of its own, may have such ones below it; that is
   looked at once in each close, by its number `look`. */
static int take_along(lua_State *L, weir_State *S, int owned, uint32_t look) {
  weir_Deferred *d = lua_touserdata(L, -1);
  if (goes_along(S, d, owned))
    return 1;
  if (!weir_deferred_is_open(d))
    return 0;
  if (weir_is_coroutine(d) && ((const weir_Coroutine *)(const void *)d)->deadline < HUGE_VAL) {
    weir_cancel_watch(L, S, lua_gettop(L));
  } else if (!weir_is_coroutine(d) && (d->flags & FLAG_OVERRIDE) && !is_seen(d, look)) {
    lua_pushvalue(L, -1);
    weir_deque_push(L, &S->walk, LOOK_BELOW);
  }
  return 0;
}

/* The one on top stays as it is; what it waits on is left by nobody, but its grace may have run
 * out. */
static void look_below(lua_State *L, weir_State *S, uint32_t look) {
  int idx = lua_gettop(L);
  const weir_Deferred *d = lua_touserdata(L, idx);
  lua_getiuservalue(L, idx, UV_TARGET);
  while (d->target && !lua_isnil(L, idx + 1)) {
    if (d->wait == WAIT_LINKS)
      lua_getiuservalue(L, idx + 1, LINK_SOURCE);
    else
      lua_pushvalue(L, idx + 1);
    if (take_along(L, S, 0, look))
      weir_deque_push(L, &S->walk, TAKE);
    lua_settop(L, idx + 1);
    if (d->wait != WAIT_LINKS)
      break;
    weir_walk_down(L, LINK_NEXT);
  }
  lua_settop(L, idx);
}

/* The pending Deferred on top, made of others: they become side branches. */
static void collect_links(lua_State *L, weir_State *S, uint32_t look) {
  int idx = lua_gettop(L), link = idx + 1;
  lua_getiuservalue(L, idx, UV_TARGET);
  while (!lua_isnil(L, link)) {
    weir_Wait how = (weir_Wait)((const weir_Deferred *)lua_touserdata(L, link))->wait;
    lua_getiuservalue(L, link, LINK_NEXT);
    lua_getiuservalue(L, link, LINK_SOURCE);
    weir_link_remove(L, S, idx, link);
    if (how != WAIT_SHIELD && take_along(L, S, how == WAIT_OWN, look))
      weir_deque_push(L, &S->walk, TAKE);
    lua_settop(L, link + 1);
    lua_replace(L, link);
  }
  lua_pop(L, 1);
}

static void put_in_ending(lua_State *L, weir_State *S) {
  lua_pushvalue(L, -1);
  weir_deque_push(L, &S->ending, 0);
}

/* A pending Deferred is cancelled, and ends behind what it is made of. One that is marked has asked
   its canceller, or is about to have its answer, and ends by itself unless parts keep it. */
static void collect_pending(lua_State *L, weir_State *S, int error, uint32_t look) {
  int idx = lua_gettop(L);
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (d->flags & FLAG_MARKED ? d->wait != WAIT_LINKS : !weir_cancel_ask(L, S, idx, error))
    return;
  put_in_ending(L, S);
  if (d->wait == WAIT_LINKS)
    collect_links(L, S, look);
}

/* It cannot be closed before its next wait. */
static void stop_executing(lua_State *L, weir_State *S, int error) {
  int idx = lua_gettop(L);
  weir_Deferred *d = lua_touserdata(L, idx);
  lua_pushvalue(L, error);
  weir_cancel_from(L, S, idx, weir_cancel_deadline(S, 0));
  if (weir_coroutine_is_executing(d))
    weir_coroutine(d)->force = 1;
}

/* The one on top is to end, closed after what it waits on, or cancelled. If that goes along and is
   one, it replaces it, and 1 is returned. */
static int collect_one(lua_State *L, weir_State *S, int error, uint32_t look) {
  int idx = lua_gettop(L);
  weir_Deferred *d = lua_touserdata(L, idx);
  if (weir_coroutine_is_executing(d)) {
    stop_executing(L, S, error);
    return 0;
  }
  if (!weir_is_coroutine(d) && d->phase == PHASE_PENDING) {
    collect_pending(L, S, error, look);
    return 0;
  }
  if (!weir_is_coroutine(d) || !(d->flags & FLAG_MARKED))
    weir_cancel_mark(L, S, idx, error);
  put_in_ending(L, S);
  if (weir_coroutine_is_asleep(d))
    weir_timer_end_sleep(L, S, weir_coroutine(d), idx);
  if (!d->target)
    return 0;
  lua_getiuservalue(L, idx, UV_TARGET);
  weir_wait_end(L, S, idx);
  lua_replace(L, idx);
  return take_along(L, S, 0, look);
}

static void collect(lua_State *L, weir_State *S, int error) {
  uint32_t look = ++S->looks;
  while (collect_one(L, S, error, look))
    ;
  while (!weir_deque_empty(&S->walk)) {
    int how = (int)weir_deque_tag(&S->walk);
    weir_walk_aside(L, &S->walk);
    if (how == LOOK_BELOW) {
      look_below(L, S, look);
      continue;
    }
    while (collect_one(L, S, error, look))
      ;
  }
}

static void end_grace(weir_State *S, weir_Coroutine *c) {
  c->deadline = HUGE_VAL;
  weir_timer_unlimit(S, &c->d, TIMER_GRACE);
}

/* Pushes the error that was to be raised in it next, and what is known of it, or twice nil. */
static int push_undelivered(lua_State *L, weir_Coroutine *c) {
  int n = c->d.now.nargs;
  if (c->life != LIFE_READY || c->raise < RAISE_FAILURE || n == 0) {
    lua_pushnil(L);
    lua_pushnil(L);
    return 0;
  }
  c->d.now.nargs = 0;
  lua_xmove(c->thread, L, n);
  if (n == 1)
    lua_pushnil(L);
  else
    lua_insert(L, -2);
  return 1;
}

/* Nobody else has it, and here nobody gets it. */
static void report_undelivered(lua_State *L, weir_State *S, int idx) {
  if (!lua_isnil(L, idx + 1)) {
    lua_pushvalue(L, idx + 1);
    weir_failure_set_last(L, S);
  }
  lua_pushvalue(L, idx);
  weir_failure_report_error(L, S);
}

/* Pushes what a handler has raised, and returns 1, or returns 0. */
static int end_body(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int failed, lost = push_undelivered(L, c), error = lua_gettop(L) - 1;
  c->struck = 1;
  c->force = 0;
  failed = weir_coroutine_reset(L, S, idx) != LUA_OK;
  if (failed)
    lua_pushvalue(L, -1);
  else
    lua_getiuservalue(L, idx, UV_VALUE);
  weir_coroutine_end(L, S, idx, 1, 1);
  if (failed)
    weir_failure_take(L, S, idx);
  if (lost)
    report_undelivered(L, S, error);
  return failed;
}

/* The same for what needs not be a Coroutine, or not have a body any more. */
static int close_one(lua_State *L, weir_State *S, int idx, int error) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (!weir_deferred_is_open(d))
    return 0; /* ended meanwhile, by a handler of another */
  weir_deferred_reserve(L, S);
  if (weir_is_coroutine(d))
    end_grace(S, weir_coroutine(d));
  if (!weir_is_coroutine(d) && d->phase == PHASE_PENDING) {
    weir_cancel_finish(L, S, idx, error);
    return 0;
  }
  if (d->phase == PHASE_WAITING) {
    weir_cancel_push_parting(L, idx, error);
    weir_wait_fail(L, S, idx);
    return 0;
  }
  return end_body(L, S, idx);
}

/* Closes what was collected, from the inside out. Returns whether a handler of `root` has raised
   what is put at `raised` then. */
static int close_all(lua_State *L, weir_State *S, int error, const weir_Coroutine *root,
                     int raised) {
  int failed = 0;
  while (!weir_deque_empty(&S->ending)) {
    weir_deque_take_back(L, &S->ending);
    if (close_one(L, S, error + 1, error) && lua_touserdata(L, error + 1) == root) {
      lua_copy(L, -1, raised);
      failed = 1;
    }
    lua_settop(L, error);
  }
  return failed;
}

int weir_close(lua_State *L, weir_State *S, int idx) {
  const weir_Coroutine *c = lua_touserdata(L, idx);
  int error, failed, raised = lua_gettop(L) + 1;
  weir_Region branches, collected;
  luaL_checkstack(L, 16, "too many nested calls");
  lua_settop(L, raised + 1);
  weir_error_cancelled(L, S);
  error = lua_gettop(L);
  if (!weir_deferred_is_open(&c->d)) {
    lua_settop(L, raised - 1);
    return 1;
  }
  branches = weir_deque_begin(&S->walk);
  collected = weir_deque_begin(&S->ending);
  lua_pushvalue(L, idx);
  collect(L, S, error);
  lua_settop(L, error);
  weir_deque_end(&S->walk, branches);
  failed = close_all(L, S, error, c, raised);
  weir_deque_end(&S->ending, collected);
  lua_settop(L, failed ? raised : raised - 1);
  return !failed;
}
