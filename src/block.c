#include "block.h"

#include <string.h>

#include "quiet.h"

void weir_block_keep(lua_State *L, const void *block) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, block);
}

void weir_block_drop(lua_State *L, const void *block) {
  if (!block)
    return;
  lua_pushnil(L);
  weir_block_keep(L, block);
}

typedef struct Growth {
  void *block;
  size_t used, size;
} Growth;

/* Argument: the Growth. */
static int grow(lua_State *L) {
  Growth *g = lua_touserdata(L, 1);
  void *old = g->block;
  g->block = lua_newuserdatauv(L, g->size, 0);
  if (old)
    memcpy(g->block, old, g->used);
  weir_block_keep(L, g->block);
  weir_block_drop(L, old);
  return 0;
}

void *weir_block_grow_quietly(lua_State *L, void *old, size_t used, size_t size) {
  Growth g = {old, used, size};
  luaL_checkstack(L, 6, "too many nested calls");
  lua_pushcfunction(L, grow);
  lua_pushlightuserdata(L, &g);
  weir_call_quietly(L, 1, 0);
  return g.block;
}
