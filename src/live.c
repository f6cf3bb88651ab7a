#include "live.h"

#include <string.h>

/*
** HOME_LIVE has a place for each: the coroutine; in a free one the number of the next that is free.
** So a place that is written to has a value, and nothing is allocated there. A place from which the
** collector has taken one is nil: when many are, they are made free ones again. Those whose
** finalizers could not be called are not counted there, and so are recovered with others or never.
*/

#define FIRST_PLACES 32

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

/* The collector may have taken it out, and another may stand there by now. */
void weir_live_remove(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  if (!c->place)
    return;
  weir_state_push(L, S, HOME_LIVE);
  lua_rawgeti(L, -1, c->place);
  if (lua_touserdata(L, -1) == c) {
    lua_pop(L, 1);
    set_free(L, S, c->place);
  } else {
    lua_pop(L, 1);
    S->lost_places++;
  }
  lua_pop(L, 1);
}

void weir_live_add(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_live_remove(L, S, c);
  c->place = 0;
  if (!has_place(L, S))
    return;
  c->place = S->free_place;
  weir_state_push(L, S, HOME_LIVE);
  lua_rawgeti(L, -1, c->place);
  S->free_place = lua_tointeger(L, -1);
  lua_pop(L, 1);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, c->place);
  lua_pop(L, 1);
}

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

const weir_Coroutine *weir_live_next(lua_State *L, weir_State *S, lua_Integer *place) {
  const weir_Coroutine *c = NULL;
  weir_state_push(L, S, HOME_LIVE);
  while (!c && *place < S->places) {
    if (lua_rawgeti(L, -1, ++*place) == LUA_TUSERDATA)
      c = lua_touserdata(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return c;
}

int weir_live_oldest(lua_State *L, weir_State *S, const weir_Coroutine **list, int most) {
  const weir_Coroutine *c;
  lua_Integer place = 0;
  int n = 0;
  while ((c = weir_live_next(L, S, &place)))
    n = insert(list, n, most, c);
  return n;
}
