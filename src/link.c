#include "link.h"

#include "cancel.h"
#include "failure.h"
#include "pause.h"
#include "wait.h"
#include "walk.h"

static void set_slot(lua_State *L, int idx, int slot, int value) {
  lua_pushvalue(L, value);
  lua_setiuservalue(L, idx, slot);
}

/* ---- the list ---- */

/* Pushes a link that will stand before the Deferred at o. */
static void push_link(lua_State *L, weir_State *S, int o) {
  weir_Deferred *other = lua_touserdata(L, o);
  weir_Deferred *link = weir_deferred_new(L, S, KIND_LINK, sizeof *link);
  set_slot(L, lua_gettop(L), LINK_OTHER, o);
  link->first = other;
  link->nwaiters = 1;
}

static void set_first(lua_State *L, int o, int first) {
  weir_Deferred *other = lua_touserdata(L, o);
  set_slot(L, o, UV_TARGET, first);
  other->target = lua_touserdata(L, first);
  other->wait = other->target ? WAIT_LINKS : WAIT_NONE;
}

static void append(lua_State *L, int o, int idx) {
  int first = lua_gettop(L) + 1;
  ((weir_Deferred *)lua_touserdata(L, o))->nvalues++;
  lua_getiuservalue(L, o, UV_TARGET);
  if (lua_isnil(L, first)) {
    set_first(L, o, idx);
    set_slot(L, idx, LINK_PREVIOUS, idx);
  } else {
    lua_getiuservalue(L, first, LINK_PREVIOUS);
    set_slot(L, first + 1, LINK_NEXT, idx);
    set_slot(L, idx, LINK_PREVIOUS, first + 1);
    set_slot(L, first, LINK_PREVIOUS, idx);
  }
  lua_settop(L, first - 1);
}

static void take_out(lua_State *L, int o, int idx) {
  int first = lua_gettop(L) + 1, next = first + 1, previous = first + 2;
  int heir = next; /* of what was before it */
  ((weir_Deferred *)lua_touserdata(L, o))->nvalues--;
  lua_getiuservalue(L, o, UV_TARGET);
  lua_getiuservalue(L, idx, LINK_NEXT);
  lua_getiuservalue(L, idx, LINK_PREVIOUS);
  if (lua_rawequal(L, first, idx)) {
    set_first(L, o, next);
  } else {
    set_slot(L, previous, LINK_NEXT, next);
    heir = lua_isnil(L, next) ? first : next;
  }
  if (!lua_isnil(L, heir))
    set_slot(L, heir, LINK_PREVIOUS, previous);
  lua_settop(L, first - 1);
}

static void link_up(lua_State *L, weir_State *S, int o, int idx, int didx, weir_Wait how) {
  const weir_Deferred *other = lua_touserdata(L, o);
  weir_Deferred *link = lua_touserdata(L, idx), *d = lua_touserdata(L, didx);
  link->nheld = (other->flags & FLAG_HELD) != 0;
  link->flags |= other->flags & FLAG_HELD;
  weir_wait_attach(L, link, idx, d, didx, how);
  append(L, o, idx);
  weir_pause_rehold(L, S, d, didx);
}

/* No walk comes from the link at idx, which is in no list any more, to what was behind it. Returns
   whether it is still a waiter. */
static int cut(lua_State *L, int idx) {
  weir_Deferred *link = lua_touserdata(L, idx);
  link->first = NULL;
  link->nwaiters = 0;
  return link->target != NULL;
}

static void end(lua_State *L, weir_State *S, int idx) {
  if (((const weir_Deferred *)lua_touserdata(L, idx))->target)
    weir_wait_end(L, S, idx);
}

/* The same for the link on top and all behind it. [-1, +0, -] */
static int cut_all(lua_State *L) {
  int any = 0;
  for (; !lua_isnil(L, -1); weir_walk_down(L, LINK_NEXT))
    any |= cut(L, lua_gettop(L));
  lua_pop(L, 1);
  return any;
}

/* All are cut before the first ends: two may have the same source. */
void weir_link_drop(lua_State *L, weir_State *S, int o) {
  int idx;
  lua_getiuservalue(L, o, UV_TARGET);
  idx = lua_gettop(L);
  lua_pushnil(L);
  set_first(L, o, idx + 1);
  ((weir_Deferred *)lua_touserdata(L, o))->nvalues = 0;
  lua_settop(L, idx);
  lua_pushvalue(L, idx);
  if (cut_all(L))
    for (; !lua_isnil(L, idx); weir_walk_down(L, LINK_NEXT))
      end(L, S, idx);
  lua_settop(L, idx - 1);
}

void weir_link_remove(lua_State *L, weir_State *S, int o, int idx) {
  take_out(L, o, idx);
  cut(L, idx);
  end(L, S, idx);
}

/* ---- one of several sources ---- */

int weir_link_take(lua_State *L, weir_State *S, int o, int didx) {
  const weir_Deferred *d = lua_touserdata(L, didx);
  weir_Deferred *other = lua_touserdata(L, o);
  int told;
  if (other->phase != PHASE_PENDING)
    return 0;
  lua_getiuservalue(L, didx, UV_VALUE);
  told = weir_deferred_take(L, S, other, o, d->nvalues, d->flags & FLAG_FAILED);
  weir_deferred_copy_origin(L, didx, o);
  return told;
}

void weir_link_fire(lua_State *L, weir_State *S, int o, int didx) {
  if (weir_link_take(L, S, o, didx))
    weir_deferred_queue(L, S, o);
}

void weir_link_follow(lua_State *L, weir_State *S, int o, int d, weir_Wait how) {
  int idx;
  push_link(L, S, o); /* first: a finalizer may fire either of them */
  idx = lua_gettop(L);
  weir_wait_reserve(L, lua_touserdata(L, d), d);
  if (weir_deferred_ready(lua_touserdata(L, d))) {
    weir_link_fire(L, S, o, d);
    weir_failure_handled(L, S, d);
  } else if (((weir_Deferred *)lua_touserdata(L, o))->phase == PHASE_PENDING) {
    link_up(L, S, o, idx, d, how);
  }
  lua_settop(L, idx - 1);
}

/* ---- one of many parts ---- */

int weir_link_add_part(lua_State *L, weir_State *S, int o, int d, int h, weir_Wait how) {
  int idx, pending;
  push_link(L, S, o);
  idx = lua_gettop(L);
  set_slot(L, idx, LINK_HANDLER, h);
  set_slot(L, idx, LINK_KEY, h + 1);
  weir_wait_reserve(L, lua_touserdata(L, d), d);
  pending = !weir_deferred_ready(lua_touserdata(L, d));
  if (pending && ((weir_Deferred *)lua_touserdata(L, o))->phase == PHASE_PENDING)
    link_up(L, S, o, idx, d, how);
  lua_settop(L, idx - 1);
  return pending;
}

/* A success that is no answer to a cancel is no news to what was cancelled. */
static int is_news(lua_State *L, int o, int d, weir_Wait how) {
  const weir_Deferred *other = lua_touserdata(L, o), *source = lua_touserdata(L, d);
  return how == WAIT_OWN || !(other->flags & FLAG_MARKED) || (source->flags & FLAG_FAILED) ||
         !(source->flags & FLAG_STRUCK);
}

/* Pushes the first value of the outcome, or the error. */
static void push_first(lua_State *L, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  lua_getiuservalue(L, idx, UV_VALUE); /* nil if there is none */
  if (d->nvalues > 1) {
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
}

/* A handler fails only for want of memory. What it was to do is not done: so fails the whole. */
static void call_handler(lua_State *L, weir_State *S, int o, int idx, int d) {
  const weir_Deferred *source = lua_touserdata(L, d);
  lua_getiuservalue(L, idx, LINK_HANDLER);
  lua_getiuservalue(L, idx, LINK_KEY);
  lua_pushvalue(L, d);
  lua_pushboolean(L, !(source->flags & FLAG_FAILED));
  push_first(L, d);
  lua_pushboolean(L, (((const weir_Deferred *)lua_touserdata(L, idx))->flags & FLAG_LEAVING) != 0);
  if (weir_deferred_call(L, S, 5, 0) == LUA_OK)
    return;
  if (((const weir_Deferred *)lua_touserdata(L, o))->phase == PHASE_PENDING)
    weir_deferred_fire(L, S, o, 1, 1);
  else
    weir_failure_report_error(L, S);
}

/* One that was cancelled ends when the last of its parts has, if not before. */
static void end_if_last(lua_State *L, weir_State *S, int o) {
  const weir_Deferred *other = lua_touserdata(L, o);
  if (other->phase == PHASE_PENDING && other->wait == WAIT_NONE && (other->flags & FLAG_MARKED))
    weir_cancel_finish(L, S, o, 0);
}

int weir_link_deliver(lua_State *L, weir_State *S, int idx, int d, weir_Wait how) {
  int o;
  luaL_checkstack(L, 12, "too many nested calls");
  lua_getiuservalue(L, idx, LINK_OTHER);
  o = lua_gettop(L);
  if (how == WAIT_PART || how == WAIT_OWN) {
    weir_link_remove(L, S, o, idx);
    if (is_news(L, o, d, how))
      call_handler(L, S, o, idx, d);
    end_if_last(L, S, o);
  } else {
    weir_link_fire(L, S, o, d);
  }
  lua_settop(L, o - 1);
  return how == WAIT_CHAIN || how == WAIT_SHIELD;
}
