#include "quiet.h"

void weir_call_quietly(lua_State *L, int n, int nresults) {
  int status, running = lua_gc(L, LUA_GCISRUNNING) == 1;
  if (running)
    lua_gc(L, LUA_GCSTOP);
  status = lua_pcall(L, n, nresults, 0);
  if (running)
    lua_gc(L, LUA_GCRESTART);
  if (status != LUA_OK)
    lua_error(L);
}
