#include "describe.h"
#include "handle.h"
#include "lib.h"

/* ---- stats ---- */

/* How many coroutines have each status. Those that run for the first time are not in the list. */
static void count_statuses(const weir_State *S, lua_Integer *counts) {
  lua_Integer others = 0;
  for (const weir_Coroutine *c = S->live_first; c; c = c->next)
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
  return (lua_Integer)(k->due.n + k->aside.n);
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
  set_integer(L, "pool", (lua_Integer)weir_deque_length(&S->pool));
}

/* stats() */
static int stats(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_createtable(L, 0, 20);
  set_counters(L, S);
  set_gauges(L, S);
  return 1;
}

const luaL_Reg weir_lib_watch[] = {{"stats", stats}, {NULL, NULL}};
