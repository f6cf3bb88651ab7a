#include "wait.h"

#include "coroutine.h"
#include "failure.h"
#include "link.h"
#include "list.h"
#include "pause.h"

/* A shield's waiter is never held by what waits on the shield (5.3); an owner is not counted. */
static int counts_as_held(const weir_Deferred *w) {
  return (w->flags & FLAG_HELD) && w->wait != WAIT_SHIELD && w->wait != WAIT_OWN;
}

/* Of one waiter it makes a table of them. */
static void spread(lua_State *L, weir_Deferred *d, int idx) {
  lua_createtable(L, 4, 0);
  if (d->nwaiters == 0 || (d->flags & FLAG_MANY)) { /* a finalizer changed it */
    lua_pop(L, 1);
    return;
  }
  lua_getiuservalue(L, idx, UV_WAITERS);
  lua_rawseti(L, -2, d->first->at.slot);
  lua_setiuservalue(L, idx, UV_WAITERS);
  d->flags |= FLAG_MANY;
}

static int64_t next_slot(const weir_Deferred *d) {
  const weir_Deferred *last = weir_list_last(d->first, earlier);
  return last ? last->at.slot + 1 : 1;
}

void weir_wait_make_room(lua_State *L, weir_Deferred *d, int idx) {
  if (!(d->flags & FLAG_MANY))
    spread(L, d, idx);
  if (!(d->flags & FLAG_MANY))
    return;
  lua_getiuservalue(L, idx, UV_WAITERS);
  lua_pushboolean(L, 0); /* the place is taken */
  lua_rawseti(L, -2, next_slot(d));
  lua_pop(L, 1);
}

/* Argument: the Deferred. */
static int make_room(lua_State *L) {
  weir_wait_reserve(L, lua_touserdata(L, 1), 1);
  return 0;
}

int weir_wait_try_reserve(lua_State *L, weir_Deferred *d, int idx) {
  if (d->nwaiters == 0)
    return 1;
  lua_pushvalue(L, idx);
  lua_pushcfunction(L, make_room);
  lua_insert(L, -2);
  return lua_pcall(L, 1, 0, 0) == LUA_OK;
}

/* Makes the waiter's Deferred hold it. */
static void anchor(lua_State *L, weir_Deferred *d, int w, int idx, int64_t slot) {
  if (d->flags & FLAG_MANY) {
    lua_getiuservalue(L, idx, UV_WAITERS);
    lua_pushvalue(L, w);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
  } else {
    lua_pushvalue(L, w);
    lua_setiuservalue(L, idx, UV_WAITERS);
  }
}

void weir_wait_attach(lua_State *L, weir_Deferred *w, int widx, weir_Deferred *d, int didx,
                      weir_Wait how) {
  int64_t slot;
  weir_wait_reserve(L, d, didx);
  slot = next_slot(d);
  anchor(L, d, widx, didx, slot);
  lua_pushvalue(L, didx);
  lua_setiuservalue(L, widx, UV_TARGET);
  w->at.slot = slot;
  w->target = d;
  w->wait = (uint8_t)how;
  w->flags &= ~(uint32_t)(FLAG_LEAVING | FLAG_NOTED);
  if (how == WAIT_OWN)
    d->flags |= FLAG_OWNED;
  weir_list_append(d->first, w, earlier, later);
  d->nwaiters++;
  d->nheld += (uint32_t)counts_as_held(w);
}

void weir_wait_begin(lua_State *L, weir_State *S, weir_Deferred *w, int widx, weir_Deferred *d,
                     int didx, weir_Wait how) {
  weir_wait_attach(L, w, widx, d, didx, how);
  weir_pause_rehold(L, S, d, didx);
}

static void release_anchor(lua_State *L, weir_Deferred *d, int idx, int64_t slot) {
  if (d->nwaiters == 0) {
    lua_pushnil(L);
    lua_setiuservalue(L, idx, UV_WAITERS);
    d->flags &= ~(uint32_t)FLAG_MANY;
  } else {
    lua_getiuservalue(L, idx, UV_WAITERS);
    lua_pushnil(L);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
  }
}

/* Takes the waiter w out of the list of d, its target. */
static void detach(lua_State *L, weir_Deferred *w, int widx, weir_Deferred *d, int didx) {
  weir_list_remove(d->first, w, earlier, later);
  d->nwaiters--;
  d->nheld -= (uint32_t)counts_as_held(w);
  if (w->wait == WAIT_OWN)
    d->flags &= ~(uint32_t)FLAG_OWNED;
  w->target = NULL;
  w->wait = WAIT_NONE;
  release_anchor(L, d, didx, w->at.slot);
  lua_pushnil(L);
  lua_setiuservalue(L, widx, UV_TARGET);
}

void weir_wait_end(lua_State *L, weir_State *S, int widx) {
  weir_Deferred *w = lua_touserdata(L, widx), *d = w->target;
  int didx;
  lua_getiuservalue(L, widx, UV_TARGET);
  didx = lua_gettop(L);
  detach(L, w, widx, d, didx);
  weir_pause_rehold(L, S, d, didx);
  lua_settop(L, didx - 1);
}

/* ---- telling ---- */

/* 4.2, 5.6: is its own cancel the outcome, and not what it waited for? Not if it has ended so
   before, and a callback went on from there. */
static int ends_cancelled(const weir_Coroutine *c, const weir_Deferred *d) {
  return (c->d.flags & (FLAG_MARKED | FLAG_STRUCK)) == FLAG_MARKED &&
         (!c->struck || !(d->flags & FLAG_FAILED));
}

/* A coroutine that has no body any more takes the outcome. */
static int adopt_in_coroutine(lua_State *L, weir_State *S, int widx, int didx) {
  const weir_Coroutine *c = lua_touserdata(L, widx);
  if (!ends_cancelled(c, lua_touserdata(L, didx))) {
    weir_deferred_copy_outcome(L, S, didx, widx);
    return 1;
  }
  lua_getiuservalue(L, widx, UV_VALUE);
  weir_deferred_set_outcome(L, S, lua_touserdata(L, widx), widx, 1, 1);
  return 0;
}

int weir_wait_take(lua_State *L, weir_State *S, int widx, int didx) {
  if (weir_is_coroutine(lua_touserdata(L, widx)))
    return adopt_in_coroutine(L, S, widx, didx);
  weir_deferred_copy_outcome(L, S, didx, widx);
  return 1;
}

static int tell_adopter(lua_State *L, weir_State *S, int widx, int didx) {
  const weir_Deferred *w = lua_touserdata(L, widx);
  int told = weir_wait_take(L, S, widx, didx);
  if (!(w->flags & FLAG_HELD))
    weir_deferred_queue(L, S, widx);
  return told;
}

/* Returns whether the waiter saw the outcome. */
static int deliver(lua_State *L, weir_State *S, weir_Deferred *w, int widx, const weir_Deferred *d,
                   int didx, weir_Wait how) {
  switch (how) {
  case WAIT_AWAIT: {
    int leaving = w->flags & FLAG_LEAVING;
    weir_coroutine_wake(L, S, weir_coroutine(w), widx, d, didx);
    return !(leaving && (d->flags & FLAG_FAILED));
  }
  case WAIT_ADOPT: return tell_adopter(L, S, widx, didx);
  default: return weir_link_deliver(L, S, widx, didx, how);
  }
}

static void push_first_waiter(lua_State *L, const weir_Deferred *d, int idx) {
  lua_getiuservalue(L, idx, UV_WAITERS);
  if (d->flags & FLAG_MANY) {
    lua_rawgeti(L, -1, d->first->at.slot);
    lua_remove(L, -2);
  }
}

/* Before a waiter is taken out: it may have to be queued, and delivered to through a link. */
static int has_room(lua_State *L, weir_State *S) {
  return weir_anchor_try(L, &S->anchors) && weir_deque_try(L, &S->fires) && lua_checkstack(L, 12);
}

/* Of many that wait each is found by the one before. */
static void fetch_later(const weir_Deferred *w) {
  const weir_Deferred *next = w->later;
  if (!next)
    return;
  weir_fetch_thread(weir_coroutine_thread_of(next));
  if (next->later)
    weir_coroutine_fetch_all(next->later);
}

int weir_wait_tell(lua_State *L, weir_State *S, weir_Deferred *d, int idx, uint32_t *told) {
  int widx = lua_gettop(L) + 1;
  while (d->first) {
    weir_Deferred *w = d->first;
    weir_Wait how = (weir_Wait)w->wait;
    fetch_later(w);
    if (!has_room(L, S))
      return 0;
    push_first_waiter(L, d, idx);
    detach(L, w, widx, d, idx);
    *told += (uint32_t)deliver(L, S, w, widx, d, idx, how);
    lua_settop(L, widx - 1);
  }
  return 1;
}

void weir_wait_hand(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n) {
  weir_Deferred *w = d->first;
  int widx;
  lua_getiuservalue(L, idx, UV_WAITERS);
  widx = lua_gettop(L);
  detach(L, w, widx, d, idx);
  d->phase = PHASE_SETTLED;
  if (n)
    lua_pushvalue(L, widx - 1);
  weir_coroutine_hand(L, S, weir_coroutine(w), widx, n);
  lua_settop(L, widx - n - 1);
}

void weir_wait_fail(lua_State *L, weir_State *S, int widx) {
  weir_Deferred *w = lua_touserdata(L, widx);
  if (weir_is_coroutine(w) && w->phase == PHASE_PENDING) {
    weir_coroutine_raise(L, S, widx);
  } else {
    weir_deferred_set_outcome(L, S, w, widx, 1, 1);
    if (!(w->flags & FLAG_HELD))
      weir_deferred_queue(L, S, widx);
  }
}

/* ---- above and below ---- */

/* Of several sources each may fire what is behind the links, or all may be needed. */
static int has_one_source(const weir_Deferred *other) {
  return other->nvalues == 1;
}

void weir_wait_look_above(weir_State *S, weir_Above *a, const weir_Deferred *root, int room) {
  a->number = ++S->looks;
  a->root = a->at = root;
  a->depth = 0;
  a->room = room;
}

/* Behind a link. The way back from one of several has to be kept; and more than one way leads to
   what is behind these, in circles any number. */
static const weir_Deferred *behind_link(weir_Above *a, const weir_Deferred *link) {
  weir_Deferred *other = link->first;
  if (!other || other == a->root)
    return NULL;
  if (!has_one_source(other)) {
    if (a->depth == a->room || other->now.look == a->number)
      return NULL;
    other->now.look = a->number;
    a->links[a->depth++] = link;
  }
  return other;
}

/* The root may itself be among those that wait on it. */
static const weir_Deferred *but_for_root(const weir_Above *a, const weir_Deferred *w) {
  return w == a->root && w ? w->later : w;
}

static const weir_Deferred *way_back(weir_Above *a, const weir_Deferred *w) {
  return w->wait == WAIT_LINKS && !has_one_source(w) ? a->links[--a->depth] : w->target;
}

const weir_Deferred *weir_wait_next_above(weir_Above *a) {
  const weir_Deferred *w = a->at;
  const weir_Deferred *next = w->kind == KIND_LINK ? behind_link(a, w) : but_for_root(a, w->first);
  while (!next && w != a->root) {
    next = w->wait == WAIT_LINKS ? NULL : but_for_root(a, w->later);
    w = way_back(a, w);
  }
  a->at = next;
  return next;
}

static int is_link_of(const weir_Deferred *up, const weir_Deferred *d) {
  return up->kind == KIND_LINK && up->first == d;
}

/* Down from `target` and up from `d` in step: it costs the shorter of both. */
int weir_wait_closes_circle(weir_State *S, const weir_Deferred *d, const weir_Deferred *target,
                            int thorough) {
  weir_Above above;
  const weir_Deferred *up = d, *down = target;
  weir_wait_look_above(S, &above, d, thorough ? WEIR_ABOVE_MOST : 0);
  while (up) {
    if (down == d || up == target || is_link_of(up, d))
      return 1;
    if (down && down->wait == WAIT_LINKS && !has_one_source(down)) {
      if (!thorough)
        return 0;
      down = NULL; /* below it is a tree: only the way up can tell */
    } else if (down) {
      down = down->target;
      if (!down)
        return 0;
    }
    up = weir_wait_next_above(&above);
  }
  return 0;
}

int weir_wait_is_in_circle(weir_State *S, const weir_Deferred *d) {
  int is_one = d->wait != WAIT_LINKS || has_one_source(d); /* else only the way up leads to all */
  return d->target && weir_wait_closes_circle(S, d, is_one ? d->target : NULL, 1);
}
