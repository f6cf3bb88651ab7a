#include "block.h"

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

void *weir_block_new(lua_State *L, size_t size) {
  void *block = lua_newuserdatauv(L, size, 0);
  weir_block_keep(L, block);
  return block;
}

/* Arguments: where its address is to go, its size. */
static int new_block(lua_State *L) {
  void **block = lua_touserdata(L, 1);
  *block = weir_block_new(L, (size_t)lua_tointeger(L, 2));
  return 0;
}

void *weir_block_new_quietly(lua_State *L, size_t size) {
  void *block = NULL;
  luaL_checkstack(L, 6, "too many nested calls");
  lua_pushcfunction(L, new_block);
  lua_pushlightuserdata(L, &block);
  lua_pushinteger(L, (lua_Integer)size);
  weir_call_quietly(L, 2, 0);
  return block;
}
