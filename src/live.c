#include "live.h"

#include <string.h>

/*
** HOME_LIVE has a place for each: the coroutine; in a free one the number of the next that is free.
** So a place that is written to has a value, and nothing is allocated there. A place from which the
** collector has taken one is nil: when many are, they are made free ones again. Those whose
** finalizers could not be called are not counted there, and so are recovered with others or never.
*/

#define FIRST_PLACES 32

/* ---- places: these may want memory, and are on the stack of L ---- */

static void set_free(lua_State *L, weir_State *S, lua_Integer place) { /* the table on top */
  lua_pushinteger(L, S->free_place);
  lua_rawseti(L, -2, place);
  S->free_place = place;
}

static void recover(lua_State *L, weir_State *S) {
  for (lua_Integer i = S->places; i > 0; i--) {
    int is_empty = lua_rawgeti(L, -1, i) == LUA_TNIL;
    lua_pop(L, 1);
    if (is_empty)
      set_free(L, S, i);
  }
  S->lost_places = 0;
}

/* Argument: the state. */
static int make_places(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  weir_state_push(L, S, HOME_LIVE);
  if (S->lost_places > S->places / 4) {
    recover(L, S);
    return 0;
  }
  for (lua_Integer n = S->places / 2 + FIRST_PLACES; n > 0; n--) {
    set_free(L, S, S->places + 1);
    S->places++;
  }
  return 0;
}

static int has_place(lua_State *L, weir_State *S) {
  if (S->free_place)
    return 1;
  if (!lua_checkstack(L, LUA_MINSTACK))
    return 0;
  lua_pushcfunction(L, make_places);
  lua_pushlightuserdata(L, S);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) /* runs no finalizer: no object is made */
    lua_pop(L, 1);
  return S->free_place != 0;
}

/* ---- these want none: on the stack of `home`, where the table is at hand ---- */

static void *at(const weir_State *S, lua_Integer place) {
  void *p;
  lua_rawgeti(S->home, HOME_LIVE, place);
  p = lua_touserdata(S->home, -1);
  lua_pop(S->home, 1);
  return p;
}

/* The collector may have taken it out, and another may stand there by now. */
void weir_live_remove(weir_State *S, const weir_Coroutine *c) {
  if (!c->place)
    return;
  if (at(S, c->place) != c) {
    S->lost_places++;
    return;
  }
  lua_pushinteger(S->home, S->free_place);
  lua_rawseti(S->home, HOME_LIVE, c->place);
  S->free_place = c->place;
}

static void take_place(weir_State *S, weir_Coroutine *c) {
  c->place = S->free_place;
  lua_rawgeti(S->home, HOME_LIVE, c->place);
  S->free_place = lua_tointeger(S->home, -1);
  lua_pop(S->home, 1);
}

void weir_live_add(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_live_remove(S, c);
  c->place = 0;
  if (!has_place(L, S))
    return;
  take_place(S, c);
  lua_pushvalue(L, idx);
  lua_xmove(L, S->home, 1);
  lua_rawseti(S->home, HOME_LIVE, c->place);
}

/* ---- looking ---- */

/* Among the n in the list, of which there may be `most`; returns how many there are then. */
static int insert(const weir_Coroutine **list, int n, int most, const weir_Coroutine *c) {
  int i = n;
  while (i > 0 && list[i - 1]->born > c->born)
    i--;
  if (i == most)
    return n;
  n -= n == most;
  memmove(list + i + 1, list + i, (size_t)(n - i) * sizeof *list);
  list[i] = c;
  return n + 1;
}

const weir_Coroutine *weir_live_next(const weir_State *S, lua_Integer *place) {
  const weir_Coroutine *c = NULL;
  while (!c && *place < S->places)
    c = at(S, ++*place);
  return c;
}

int weir_live_oldest(const weir_State *S, const weir_Coroutine **list, int most) {
  const weir_Coroutine *c;
  lua_Integer place = 0;
  int n = 0;
  while ((c = weir_live_next(S, &place)))
    n = insert(list, n, most, c);
  return n;
}
