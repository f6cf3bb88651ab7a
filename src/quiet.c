#include "quiet.h"

int weir_pcall_quietly(lua_State *L, int n, int nresults) {
  int status, running = lua_gc(L, LUA_GCISRUNNING) == 1;
  if (running)
    lua_gc(L, LUA_GCSTOP);
  status = lua_pcall(L, n, nresults, 0);
  if (running)
    lua_gc(L, LUA_GCRESTART);
  return status;
}

void weir_call_quietly(lua_State *L, int n, int nresults) {
  if (weir_pcall_quietly(L, n, nresults) != LUA_OK)
    lua_error(L);
}
