#include <string.h>

#include "describe.h"
#include "handle.h"
#include "lib.h"
#include "live.h"
#include "record.h"
#include "report.h"

/* ---- stats ---- */

/* How many coroutines have each status. Those that run for the first time are not in the list. */
static void count_statuses(const weir_State *S, lua_Integer *counts) {
  lua_Integer others = 0, place = 0;
  const weir_Coroutine *c;
  while ((c = weir_live_next(S, &place)))
    counts[weir_describe_plain(&c->d)]++;
  for (int status = WEIR_READY; status <= WEIR_PAUSED; status++)
    others += counts[status];
  counts[WEIR_RUNNING] = (lua_Integer)S->live - others;
}

static void set_integer(lua_State *L, const char *name, lua_Integer n) { /* table on top */
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static lua_Integer armed_timers(const weir_Clock *k) {
  return (lua_Integer)weir_clock_armed(k);
}

static lua_Integer count_timers(const weir_State *S) {
  const weir_Clock *root = lua_touserdata(S->home, HOME_ROOT_CLOCK);
  const weir_Clock *loop = lua_touserdata(S->home, HOME_LOOP_CLOCK);
  return armed_timers(root) + (loop == root ? 0 : armed_timers(loop));
}

static void set_counters(lua_State *L, const weir_State *S) {
  set_integer(L, "spawned", (lua_Integer)S->born);
  set_integer(L, "switches", (lua_Integer)S->switches);
  set_integer(L, "wakes", (lua_Integer)S->wakes);
  set_integer(L, "cancels", (lua_Integer)S->cancels);
  set_integer(L, "collected", (lua_Integer)S->collected);
  set_integer(L, "unhandled", (lua_Integer)S->unhandled);
}

static void set_gauges(lua_State *L, weir_State *S) {
  lua_Integer counts[WEIR_CANCELLED + 1] = {0};
  count_statuses(S, counts);
  set_integer(L, "live", (lua_Integer)S->live);
  for (int status = WEIR_RUNNING; status <= WEIR_PAUSED; status++)
    set_integer(L, weir_describe_status(status), counts[status]);
  set_integer(L, "timers", count_timers(S));
  set_integer(L, "handles", (lua_Integer)weir_handle_count(S));
  set_integer(L, "pool", (lua_Integer)weir_deque_length(&S->pool) + (S->spare && !S->lent));
}

static void set_number(lua_State *L, const char *name, double x) { /* table on top */
  lua_pushnumber(L, x);
  lua_setfield(L, -2, name);
}

static void push_queue_latency(lua_State *L, const weir_Timing *t) {
  lua_createtable(L, 0, 5);
  set_integer(L, "count", (lua_Integer)t->waits);
  set_number(L, "total", t->waited);
  set_number(L, "mean", t->waits ? t->waited / (double)t->waits : 0);
  set_number(L, "max", t->waited_most);
  lua_createtable(L, WEIR_BUCKETS, 0);
  for (int i = 0; i < WEIR_BUCKETS; i++) {
    lua_pushinteger(L, (lua_Integer)t->buckets[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "buckets");
}

static void set_times(lua_State *L, const weir_Timing *t) {
  set_number(L, "ran", t->ran);
  set_number(L, "longest_resume", t->longest);
  if (t->longest_of[0]) {
    lua_pushstring(L, t->longest_of);
    lua_setfield(L, -2, "longest_resume_of");
  }
  push_queue_latency(L, t);
  lua_setfield(L, -2, "queue_latency");
}

/* stats() */
static int stats(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_createtable(L, 0, 20);
  set_counters(L, S);
  set_gauges(L, S);
  if (S->watch & WATCH_TIMING)
    set_times(L, &S->watching->timing);
  return 1;
}

/* ---- timing ---- */

/* timing([on]) */
static int timing(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int old = (S->watch & WATCH_TIMING) != 0;
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TBOOLEAN);
    weir_watch_set(L, S, WATCH_TIMING, lua_toboolean(L, 1));
  }
  lua_pushboolean(L, old);
  return 1;
}

/* ---- trace ---- */

/* At lua_close a file is closed before weir is: so the trace into it ends before that. */
static int end_trace_of(lua_State *L) {
  weir_State *S = weir_upstate(L);
  if (lua_touserdata(L, 1) == lua_touserdata(S->home, HOME_TRACE))
    weir_report_trace(L, S);
  return 0;
}

/* Pushes the holder of the user's file at idx. */
static void push_holder(lua_State *L, int idx) {
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, idx);
  lua_setiuservalue(L, -2, 1);
  lua_createtable(L, 0, 1);
  weir_push_upstate(L);
  lua_pushcclosure(L, end_trace_of, 1);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
}

/* NULL: it is a name. */
static luaL_Stream *check_stream(lua_State *L, int arg) {
  luaL_Stream *stream = luaL_testudata(L, arg, LUA_FILEHANDLE);
  if (!stream && lua_type(L, arg) != LUA_TSTRING)
    luaL_typeerror(L, arg, "string or file");
  luaL_argcheck(L, !stream || stream->closef, arg, "the file is closed");
  return stream;
}

static void begin_trace(lua_State *L, weir_State *S) {
  const luaL_Stream *stream = check_stream(L, 1);
  const char *path = stream ? NULL : lua_tostring(L, 1);
  int error;
  weir_report_trace(L, S);
  if (S->watch & WATCH_TRACE) /* what that reported to did so */
    luaL_error(L, "another trace has begun meanwhile");
  if (stream)
    push_holder(L, 1);
  else
    lua_pushvalue(L, 1);
  error = weir_record_begin(L, S, path, stream);
  if (error)
    luaL_error(L, "cannot write '%s' (%s)", path, strerror(error));
  weir_state_set(L, S, HOME_TRACE);
}

/* trace([file]) */
static int trace(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int old = (S->watch & WATCH_TRACE) != 0;
  if (lua_isnoneornil(L, 1))
    weir_report_trace(L, S);
  else
    begin_trace(L, S);
  lua_pushboolean(L, old);
  return 1;
}

/* ---- debug ---- */

#define SLOW_SECONDS 0.1

static void check_options(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strcmp(name, "slow") != 0 && strcmp(name, "report") != 0)
      luaL_argerror(L, 1, lua_pushfstring(L, "unknown option '%s'", luaL_tolstring(L, -2, NULL)));
    lua_pop(L, 1);
  }
}

static double get_slow(lua_State *L) {
  double seconds;
  int is_number;
  if (lua_getfield(L, 1, "slow") == LUA_TNIL)
    return SLOW_SECONDS;
  seconds = lua_tonumberx(L, -1, &is_number);
  luaL_argcheck(L, is_number && seconds >= 0, 1, "option 'slow' is not a number of at least 0");
  return seconds;
}

/* Pushes it, or nil. */
static void get_report(lua_State *L) {
  if (lua_getfield(L, 1, "report") != LUA_TNIL)
    luaL_argcheck(L, weir_is_callable(L, lua_gettop(L)), 1, "option 'report' cannot be called");
}

/* Pushes what switches it to where it is: a boolean, or a table. */
static void push_debug(lua_State *L, weir_State *S) {
  weir_state_push(L, S, HOME_DEBUG);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, S->debug);
  }
}

static void set_debug(lua_State *L, weir_State *S) {
  double slow = SLOW_SECONDS;
  int is_table = lua_istable(L, 1), on = lua_toboolean(L, 1);
  if (is_table) {
    check_options(L);
    slow = get_slow(L);
    get_report(L);
  } else {
    luaL_checktype(L, 1, LUA_TBOOLEAN);
    lua_pushnil(L);
  }
  weir_watch_set(L, S, WATCH_SLOW, on);
  if (!on)
    weir_report_forget(L, S);
  S->watching->slow = slow;
  S->debug = on;
  weir_state_set(L, S, HOME_ON_REPORT);
  if (is_table)
    lua_pushvalue(L, 1);
  else
    lua_pushnil(L);
  weir_state_set(L, S, HOME_DEBUG);
}

/* debug([on]) */
static int debug(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_settop(L, 1);
  push_debug(L, S);
  if (!lua_isnil(L, 1))
    set_debug(L, S);
  lua_settop(L, 2);
  return 1;
}

/* ran(co): seconds that it ran; nil if that is not known. */
static int ran(lua_State *L) {
  weir_State *S = weir_upstate(L);
  double seconds = weir_watch_ran(S, weir_check_coroutine(L, S, 1, NULL));
  if (seconds < 0)
    lua_pushnil(L);
  else
    lua_pushnumber(L, seconds);
  return 1;
}

const luaL_Reg weir_lib_watch[] = {{"stats", stats}, {"timing", timing}, {"trace", trace},
                                   {"debug", debug}, {"ran", ran},       {NULL, NULL}};
