#include "anchor.h"

#include <string.h>

#include "block.h"
#include "quiet.h"

/* Pushes it. */
static weir_AnchorSegment *new_segment(lua_State *L) {
  weir_AnchorSegment *seg = lua_newuserdatauv(L, sizeof *seg, 1);
  seg->stack = lua_newthread(L);
  lua_sethook(seg->stack, NULL, 0, 0);
  if (!lua_checkstack(seg->stack, WEIR_ANCHORS + 4))
    luaL_error(L, "not enough memory");
  lua_setiuservalue(L, -2, 1);
  return seg;
}

static void grow_array(lua_State *L, weir_Anchors *a) {
  int cap = a->cap ? a->cap * 2 : 4;
  weir_AnchorSegment **all = lua_newuserdatauv(L, (size_t)cap * sizeof *all, 0);
  if (cap <= a->cap) { /* a finalizer has done it */
    lua_pop(L, 1);
    return;
  }
  if (a->n > 0)
    memcpy(all, a->segments, (size_t)a->n * sizeof *all);
  weir_block_keep(L, all);
  weir_block_drop(L, a->segments);
  a->segments = all;
  a->cap = cap;
}

/* The slots of segment i, all empty, are the next that are given out, in order. */
static void add_slots(weir_Anchors *a, int i) {
  weir_AnchorSegment *seg = a->segments[i];
  int first = i * WEIR_ANCHORS + 1;
  for (int k = 0; k < WEIR_ANCHORS; k++)
    seg->next[k] = k + 1 < WEIR_ANCHORS ? first + k + 1 : a->free;
  lua_settop(seg->stack, WEIR_ANCHOR_NIL);
  seg->top = WEIR_ANCHOR_NIL;
  a->free = first;
}

static void add_segment(lua_State *L, weir_Anchors *a) {
  weir_AnchorSegment *seg = new_segment(L);
  while (a->n == a->cap)
    grow_array(L, a);
  weir_block_keep(L, seg);
  a->segments[a->n] = seg;
  add_slots(a, a->n++);
}

/* Argument: the anchors. As growth is dear, for as much again as there was. */
static int grow(lua_State *L) {
  weir_Anchors *a = lua_touserdata(L, 1);
  for (int more = a->n ? a->n : 1; more > 0; more--)
    add_segment(L, a);
  return 0;
}

static void push_growth(lua_State *L, weir_Anchors *a) {
  luaL_checkstack(L, 6, "too many nested calls");
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, a);
}

void weir_anchor_prepare(lua_State *L, weir_Anchors *a) {
  push_growth(L, a);
  lua_call(L, 1, 0);
}

void weir_anchor_grow(lua_State *L, weir_Anchors *a) {
  push_growth(L, a);
  weir_call_quietly(L, 1, 0);
}

int weir_anchor_grow_safely(lua_State *L, weir_Anchors *a) {
  int top = lua_gettop(L), status;
  if (!lua_checkstack(L, 6))
    return 0;
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, a);
  status = weir_pcall_quietly(L, 1, 0);
  lua_settop(L, top);
  return status == LUA_OK;
}

void weir_anchor_trim(weir_Anchors *a) {
  lua_State *L = a->segments[0]->stack;
  while (a->n > WEIR_ANCHOR_KEPT)
    weir_block_drop(L, a->segments[--a->n]);
  a->free = WEIR_NO_ANCHOR;
  for (int i = a->n - 1; i >= 0; i--)
    add_slots(a, i);
}

void weir_anchor_free(lua_State *L, weir_Anchors *a) {
  for (int i = 0; i < a->n; i++)
    weir_block_drop(L, a->segments[i]);
  weir_block_drop(L, a->segments);
  *a = (weir_Anchors){0};
}
