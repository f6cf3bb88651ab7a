#include "close.h"

#include "cancel.h"
#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "wait.h"
#include "walk.h"

/* Does it go with the one that has just left it? The last waiter takes it along; so does anyone
   when its own grace has run out. */
static int goes_along(weir_State *S, const weir_Deferred *d) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  if (!weir_deferred_is_open(d))
    return 0;
  return d->nwaiters == 0 || (weir_is_coroutine(d) && (d->flags & FLAG_MARKED) &&
                              c->deadline <= weir_cancel_deadline(S, 0));
}

/* What is left now: closed after those it waits on, or only cancelled. The error is at `error`. */
static int collect_one(lua_State *L, weir_State *S, int error) {
  weir_Deferred *d = lua_touserdata(L, -1);
  int idx = lua_gettop(L);
  if (weir_coroutine_is_executing(d) || (!weir_is_coroutine(d) && d->phase == PHASE_PENDING)) {
    lua_pushvalue(L, error);
    weir_cancel_from(L, S, idx, weir_cancel_deadline(S, 0));
    if (weir_coroutine_is_executing(d))
      weir_coroutine(d)->force = 1;
    return 0;
  }
  if (!(d->flags & FLAG_MARKED))
    weir_cancel_mark(L, S, idx, error);
  lua_pushvalue(L, idx);
  weir_deque_push(L, &S->walk, 0, NULL);
  if (!d->target)
    return 0;
  lua_getiuservalue(L, idx, UV_TARGET);
  weir_wait_end(L, S, idx);
  lua_replace(L, idx);
  d = lua_touserdata(L, idx);
  if (goes_along(S, d))
    return 1;
  if (weir_is_coroutine(d) && (d->flags & FLAG_MARKED)) /* nobody stands for it any more */
    weir_cancel_watch(L, S, idx);
  return 0;
}

static void close_one(lua_State *L, weir_State *S, int idx, int error) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int failed = 0;
  if (!weir_deferred_is_open(&c->d))
    return; /* ended meanwhile, by a handler of another */
  if (!weir_is_coroutine(&c->d) || c->life == LIFE_ENDED) {
    weir_cancel_push_parting(L, idx, error);
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

int weir_close(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int error;
  weir_Region r;
  luaL_checkstack(L, 12, "too many nested calls");
  lua_pushnil(L);
  weir_error_cancelled(L, S);
  error = lua_gettop(L);
  if (!weir_deferred_is_open(&c->d)) {
    lua_settop(L, error - 1);
    return 1;
  }
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
  lua_getiuservalue(L, idx, UV_VALUE);
  return 0;
}
