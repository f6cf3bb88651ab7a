#include "ring.h"

static void link(Ring *r) {
  r->next = *r->list;
  if (r->next)
    r->next->prev = r;
  *r->list = r;
}

/* Takes it off the list; the collector may have it. */
static void end(lua_State *L, Ring *r) {
  *(r->prev ? &r->prev->next : r->list) = r->next;
  if (r->next)
    r->next->prev = r->prev;
  luaL_unref(L, LUA_REGISTRYINDEX, r->ref);
}

/* ---- the hooks; upvalue 1 is the ring ---- */

static Ring *upvalue(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static int on_cancel(lua_State *L) {
  end(L, upvalue(L));
  return 0;
}

static int on_pause(lua_State *L) {
  upvalue(L)->is_held = 1;
  return 0;
}

static int on_unpause(lua_State *L) {
  upvalue(L)->is_held = 0;
  return 0;
}

static void push_hook(lua_State *L, int ring, lua_CFunction hook) {
  lua_pushvalue(L, ring);
  lua_pushcclosure(L, hook, 1);
}

/* ---- what the engine does ---- */

void ring_begin(lua_State *L, Ring **list, double x, double y, double radius, double seconds) {
  Ring *r = lua_newuserdatauv(L, sizeof *r, 1);
  int ring = lua_gettop(L);
  *r = (Ring){.list = list, .x = x, .y = y, .radius = radius, .seconds = seconds};
  push_hook(L, ring, on_cancel);
  push_hook(L, ring, on_pause);
  push_hook(L, ring, on_unpause);
  weir_api(L)->deferred_with(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, ring, 1);
  lua_insert(L, ring);
  r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
  link(r);
}

static void finish(lua_State *L, Ring *r) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, r->ref);
  lua_getiuservalue(L, -1, 1);
  end(L, r);
  weir_api(L)->callback(L, -1, 0);
  lua_pop(L, 2);
}

static Ring *first_over(Ring *list) {
  while (list && list->age < list->seconds)
    list = list->next;
  return list;
}

/* What a ring's end leads to may end others, or begin some. */
void ring_update(lua_State *L, Ring **list, double seconds) {
  Ring *r;
  for (r = *list; r; r = r->next)
    if (!r->is_held)
      r->age += seconds;
  while ((r = first_over(*list)) != NULL)
    finish(L, r);
}

double ring_radius(const Ring *r) {
  return r->radius * r->age / r->seconds;
}
