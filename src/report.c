#include "report.h"

#include <errno.h>
#include <string.h>

#include "failure.h"
#include "record.h"

static int default_report(lua_State *L) {
  const char *trace = lua_tostring(L, 2);
  lua_writestringerror("weir: %s\n", luaL_tolstring(L, 1, NULL));
  if (trace && *trace)
    lua_writestringerror("%s\n", trace);
  return 0;
}

void weir_report(lua_State *L, weir_State *S) {
  weir_failure_tell(L, S, HOME_ON_REPORT, default_report);
}

/* ---- the trace ---- */

static void report_trace(lua_State *L, weir_State *S, int error) {
  luaL_checkstack(L, 8, "too many nested calls");
  weir_state_push(L, S, HOME_TRACE);
  if (lua_type(L, -1) == LUA_TSTRING)
    lua_pushfstring(L, "the trace into '%s' is not whole: %s", lua_tostring(L, -1),
                    strerror(error));
  else
    lua_pushfstring(L, "the trace is not whole: %s",
                    error == EBADF ? "its file was closed" : strerror(error));
  lua_replace(L, -2);
  lua_pushnil(L);
  weir_state_set(L, S, HOME_TRACE);
  lua_pushliteral(L, "");
  lua_pushnil(L);
  weir_report(L, S);
}

void weir_report_trace(lua_State *L, weir_State *S) {
  int error = 0;
  if (S->due & DUE_TRACE)
    error = S->watching->failed;
  else if (S->watch & WATCH_TRACE)
    error = weir_record_end(S);
  weir_watch_set_due(S, DUE_TRACE, 0);
  if (error) {
    report_trace(L, S, error);
  } else {
    lua_pushnil(L);
    weir_state_set(L, S, HOME_TRACE);
  }
}

void weir_report_due(lua_State *L, weir_State *S) {
  if (S->due & DUE_TRACE)
    weir_report_trace(L, S);
}
