#include "live.h"

#include <string.h>

/*
** HOME_LIVE is an array of places. They are given out one behind the other, and nobody gives one
** back: when all have been, a new array is made, into which those move that are live. With room for
** twice as many as there are a coroutine moves less than once, on average. The collector takes out
** what it frees.
*/

#define FIRST_PLACES 32
#define SPARSE       8 /* as many places for each: then a smaller array does */

/* ---- on the stack of `home`, where the array is at hand ---- */

/* Pushes what is at the place; NULL if that is none on the list. [-0, +1, -] */
static const weir_Coroutine *push(const weir_State *S, lua_Integer place) {
  const weir_Coroutine *c;
  lua_rawgeti(S->home, HOME_LIVE, place);
  c = lua_touserdata(S->home, -1);
  return c && c->armed ? c : NULL;
}

/* ---- room ---- */

/* From the array in HOME_LIVE to the one on top of `home`; returns how many of `most` places are
   taken then. */
static lua_Integer move_all(const weir_State *S, lua_Integer most) {
  int to = lua_gettop(S->home);
  lua_Integer n = 0;
  for (lua_Integer i = 1; i <= S->place && n < most; i++)
    if (push(S, i))
      lua_rawseti(S->home, to, ++n);
    else
      lua_pop(S->home, 1);
  return n;
}

/* Argument: the state. */
static int make_room(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  lua_Integer places = 2 * (lua_Integer)S->live + FIRST_PLACES, before = S->places;
  lua_createtable(L, (int)places, 0);
  if (S->places != before)
    return 0; /* a finalizer has come here */
  weir_state_push(L, S, HOME_LIVE);
  lua_getmetatable(L, -1);
  lua_setmetatable(L, -3);
  lua_pop(L, 1);
  lua_xmove(L, S->home, 1);
  S->place = move_all(S, places - 1);
  S->places = places;
  lua_replace(S->home, HOME_LIVE);
  return 0;
}

static int is_sparse(const weir_State *S) {
  return S->places > SPARSE * ((lua_Integer)S->live + FIRST_PLACES);
}

static int has_room(lua_State *L, weir_State *S) {
  if (S->place < S->places && !is_sparse(S))
    return 1;
  if (!lua_checkstack(L, LUA_MINSTACK))
    return 0;
  lua_pushcfunction(L, make_room);
  lua_pushlightuserdata(L, S);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  return S->place < S->places;
}

void weir_live_add(lua_State *L, weir_State *S, int idx) {
  if (!has_room(L, S))
    return;
  lua_pushvalue(L, idx);
  lua_xmove(L, S->home, 1);
  lua_rawseti(S->home, HOME_LIVE, ++S->place); /* the array has it: no memory is needed */
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
  while (!c && *place < S->place) {
    c = push(S, ++*place);
    lua_pop(S->home, 1);
  }
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
