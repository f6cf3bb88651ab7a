#include "report.h"

#include <errno.h>
#include <string.h>

#include "coroutine.h"
#include "describe.h"
#include "failure.h"
#include "quiet.h"
#include "record.h"
#include "site.h"

#define LEFT_MOST 10 /* coroutines that are reported one by one at the end of a run */

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

/* ---- what coroutines do ---- */

static const weir_Coroutine *coroutine_at(lua_State *L, int idx) {
  return lua_touserdata(L, idx);
}

/* Pushes what there is to say of the Coroutine at idx: also where it was started, if that is known.
 */
static void push_who(lua_State *L, weir_State *S, int idx) {
  weir_describe(L, S, idx);
  if (weir_site_push_made(L, S, idx)) {
    lua_pushfstring(L, "%s, started at %s", lua_tostring(L, -2), lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
}

/* The same of what it waits for: where it was made. */
static void push_target(lua_State *L, weir_State *S, int idx) {
  int top = lua_gettop(L);
  lua_getiuservalue(L, idx, UV_TARGET);
  if (lua_isuserdata(L, -1) && weir_site_push_made(L, S, top + 1))
    lua_pushfstring(L, "; what it waits for was made at %s", lua_tostring(L, -1));
  else
    lua_pushliteral(L, "");
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
}

/* The stack of one that is suspended, and nothing of others. */
static void push_stack(lua_State *L, const weir_Coroutine *c) {
  if (c->thread && c->life != LIFE_NEW)
    luaL_traceback(L, c->thread, NULL, 0);
  else
    lua_pushliteral(L, "");
}

/* The message is on top. */
static void report_one(lua_State *L, weir_State *S, int idx) {
  push_stack(L, coroutine_at(L, idx));
  lua_pushvalue(L, idx);
  weir_report(L, S);
}

/* ---- slow ones ---- */

/* Arguments: the state, seconds, the Coroutine. Adds the three values of a report to the list. */
static int note_slow(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  int n;
  push_who(L, S, 3);
  lua_pushfstring(L, "%s, ran for %f seconds at a stretch", lua_tostring(L, -1),
                  lua_tonumber(L, 2));
  weir_state_push(L, S, HOME_REPORTS);
  if (lua_isnil(L, -1)) {
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, -1);
    weir_state_set(L, S, HOME_REPORTS);
    lua_replace(L, 6);
  }
  n = (int)lua_rawlen(L, 6);
  push_stack(L, coroutine_at(L, 3));
  lua_pushvalue(L, 3);
  lua_rawseti(L, 6, n + 3);
  lua_rawseti(L, 6, n + 2);
  lua_pushvalue(L, 5);
  lua_rawseti(L, 6, n + 1);
  return 0;
}

void weir_report_slow(lua_State *L, weir_State *S, double seconds) {
  if (!lua_checkstack(L, 8))
    return;
  lua_pushcfunction(L, note_slow);
  lua_pushlightuserdata(L, S);
  lua_pushnumber(L, seconds);
  weir_coroutine_push_running(L, S);
  if (weir_pcall_quietly(L, 3, 0) == LUA_OK)
    weir_watch_set_due(S, DUE_REPORTS, 1);
  else
    lua_pop(L, 1); /* without memory nobody hears of it */
}

void weir_report_forget(lua_State *L, weir_State *S) {
  weir_watch_set_due(S, DUE_REPORTS, 0);
  lua_pushnil(L);
  weir_state_set(L, S, HOME_REPORTS);
}

static void report_noted(lua_State *L, weir_State *S) {
  int list = lua_gettop(L) + 1, n;
  luaL_checkstack(L, 12, "too many nested calls");
  weir_state_push(L, S, HOME_REPORTS);
  weir_report_forget(L, S);
  n = (int)lua_rawlen(L, list);
  for (int i = 1; i <= n; i += 3) {
    for (int j = 0; j < 3; j++)
      lua_rawgeti(L, list, i + j);
    weir_report(L, S);
  }
  lua_settop(L, list - 1);
}

/* ---- lost ones ---- */

void weir_report_lost(lua_State *L, weir_State *S, int idx) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 12, "too many nested calls");
  push_who(L, S, idx);
  push_target(L, S, idx);
  lua_pushfstring(L, "%s, was abandoned: nothing can reach it any more%s", lua_tostring(L, top + 1),
                  lua_tostring(L, top + 2));
  report_one(L, S, idx);
  lua_settop(L, top);
}

/* ---- those that are left ---- */

static int is_left(const weir_Deferred *d, uint64_t since) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  return weir_is_coroutine(d) && c->life != LIFE_ENDED && c->born > since;
}

/* Is the one on top older than the one at that place? */
static int is_older(lua_State *L, int list, int place) {
  int is;
  lua_rawgeti(L, list, place);
  is = coroutine_at(L, -2)->born < coroutine_at(L, -1)->born;
  lua_pop(L, 1);
  return is;
}

/* Puts the one on top, popped, among the oldest there are, of which `n` are in the list, in the
   order of birth. Returns how many then are. */
static int insert(lua_State *L, int list, int n) {
  int at = n + 1;
  for (; at > 1 && is_older(L, list, at - 1); at--) {
    lua_rawgeti(L, list, at - 1);
    lua_rawseti(L, list, at);
  }
  lua_rawseti(L, list, at);
  return n < LEFT_MOST ? n + 1 : n; /* one more place is for what is left out */
}

/* The list is on top, with room. Returns how many there are in all; `n` of them are in the list. */
static int collect_left(lua_State *L, weir_State *S, uint64_t since, int *n) {
  int list = lua_gettop(L), all = 0;
  weir_state_push(L, S, HOME_MADE);
  lua_pushnil(L);
  while (lua_next(L, list + 1)) {
    lua_pop(L, 1);
    if (!is_left(lua_touserdata(L, -1), since))
      continue;
    all++;
    lua_pushvalue(L, -1);
    *n = insert(L, list, *n);
  }
  lua_settop(L, list);
  return all;
}

static void report_left(lua_State *L, weir_State *S, int idx) {
  int top = lua_gettop(L);
  if (coroutine_at(L, idx)->life == LIFE_ENDED) /* a report has ended it */
    return;
  push_who(L, S, idx);
  lua_pushfstring(L, "left behind by a run: %s", lua_tostring(L, -1));
  report_one(L, S, idx);
  lua_settop(L, top);
}

void weir_report_left(lua_State *L, weir_State *S, uint64_t since) {
  int top = lua_gettop(L), n = 0, all;
  luaL_checkstack(L, 16, "too many nested calls");
  lua_createtable(L, LEFT_MOST + 1, 0);
  all = collect_left(L, S, since, &n);
  for (int i = 1; i <= n; i++) {
    lua_rawgeti(L, top + 1, i);
    report_left(L, S, top + 2);
    lua_settop(L, top + 1);
  }
  if (all > n) {
    lua_pushfstring(L, "left behind by a run: %d more", all - n);
    lua_pushliteral(L, "");
    lua_pushnil(L);
    weir_report(L, S);
  }
  lua_settop(L, top);
}

/* Argument: the state. */
static int report_due(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  if (S->due & DUE_TRACE)
    weir_report_trace(L, S);
  if (S->due & DUE_REPORTS)
    report_noted(L, S);
  return 0;
}

void weir_report_due(lua_State *L, weir_State *S) {
  if (!lua_checkstack(L, 2))
    return;
  lua_pushcfunction(L, report_due);
  lua_pushlightuserdata(L, S);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    lua_pop(L, 1); /* without memory nobody hears of it */
}
