/*
** Walks along what waits on what. Every walk is a loop: down along `target`, and
** for the side branches of a chain with several sources along the deque `walk`,
** of which it uses a region of its own.
*/
#ifndef WEIR_WALK_H
#define WEIR_WALK_H

#include "deferred.h"

/* Replaces the value on top by what it holds in a user value. [-1, +1, -] */
static inline void weir_walk_down(lua_State *L, int slot) {
  lua_getiuservalue(L, -1, slot);
  lua_replace(L, -2);
}

/* A way down `target` that needs few of the values: `at` is where it has come to. The value at
   `idx` is that of `known`, from where that is reached. Nothing on the way changes meanwhile. */
typedef struct weir_Path {
  weir_Deferred *at, *known;
  int idx;
} weir_Path;

/* Makes the value at `idx` that of `at`. [-0, +0, -] */
static inline void weir_path_fetch(lua_State *L, weir_Path *p) {
  for (; p->known != p->at; p->known = p->known->target) {
    lua_getiuservalue(L, p->idx, UV_TARGET);
    lua_replace(L, p->idx);
  }
}

/* The value at `idx` has been replaced by another. */
static inline void weir_path_begin(lua_State *L, weir_Path *p) {
  p->at = p->known = lua_touserdata(L, p->idx);
}

/* Replaces the value on top by the next side branch; 0 if there is none. [-1, +1, -] */
static inline int weir_walk_aside(lua_State *L, weir_Deque *q) {
  if (weir_deque_empty(q))
    return 0;
  lua_pop(L, 1);
  weir_deque_take(L, q);
  return 1;
}

#endif
