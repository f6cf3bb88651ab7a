#include <math.h>

#include "describe.h"
#include "failure.h"
#include "handle.h"
#include "lib.h"
#include "platform.h"
#include "ready.h"
#include "report.h"
#include "sched.h"

/* ---- stepping ---- */

void weir_check_host(lua_State *L, const weir_State *S, const char *what, int level) {
  if (!S->busy)
    return;
  luaL_where(L, level);
  lua_pushfstring(L, "attempt to %s inside a coroutine or callback", what);
  lua_concat(L, 2);
  lua_error(L);
}

/* The loop goes idle: what nobody has handled by now is reported. A handler may give it work. */
static void idle(lua_State *L, weir_State *S) {
  weir_failure_report_all(L, S);
  if (S->due)
    weir_report_due(L, S);
}

double weir_lib_next(weir_State *S) {
  return S->listed ? 0 : weir_sched_next(S);
}

double weir_lib_step(lua_State *L, weir_State *S, double budget) {
  double left;
  weir_check_host(L, S, "step", 1);
  left = weir_sched_step(L, S, budget);
  if (left != 0) {
    idle(L, S);
    left = weir_lib_next(S);
  }
  weir_sched_tell(L, S);
  return left;
}

static int step(lua_State *L) {
  double budget = HUGE_VAL, left;
  if (!lua_isnoneornil(L, 1))
    budget = weir_check_seconds(L, 1);
  lua_settop(L, 0);
  left = weir_lib_step(L, weir_upstate(L), budget);
  if (left < 0)
    lua_pushnil(L);
  else
    lua_pushnumber(L, left);
  return 1;
}

/* ---- running ---- */

#define NO_BELL "cannot wait for other threads: no more files can be opened"

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* Lets a hook of the host's, as lua.c sets one on an interrupt, have its call. */
static void let_hook_run(lua_State *L) {
  if (!lua_gethook(L))
    return;
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
}

static void sleep_as_host(lua_State *L, weir_State *S, double seconds) {
  int top = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, "too many nested calls");
  S->wait(L, seconds, S->wait_ud);
  lua_settop(L, top);
}

/* Nobody but the host's own `wait` and the mailbox knows of mail that comes meanwhile. */
static void sleep_for(lua_State *L, weir_State *S, double seconds) {
  if (S->wait)
    sleep_as_host(L, S, seconds);
  else if (!weir_handle_count(S))
    weir_platform_sleep(seconds);
  else if (!weir_mailbox_sleep(S->mailbox, seconds))
    luaL_error(L, NO_BELL);
}

static void wait_for(lua_State *L, weir_State *S, double seconds) {
  let_hook_run(L);
  if (seconds > 0) {
    sleep_for(L, S, seconds);
    let_hook_run(L);
  }
}

static int raise_deadlock(lua_State *L, weir_State *S, int idx) {
  weir_describe(L, S, idx);
  weir_describe_live(L, S);
  lua_pushfstring(L, "%s can never end; what is left:%s", lua_tostring(L, -2), lua_tostring(L, -1));
  weir_error_new(L, S, ERROR_DEADLOCK);
  return lua_error(L);
}

/* Until the Deferred on top is ready, or with nil there until nothing is left to do. */
static void loop(lua_State *L, weir_State *S, const weir_Deferred *d) {
  int idx = lua_gettop(L);
  while (!d || !weir_deferred_ready(d)) {
    double left = weir_sched_run_until(L, S, idx);
    if (d && weir_deferred_ready(d))
      break;
    if (left != 0) {
      idle(L, S);
      left = weir_sched_is_ready(S) ? 0 : weir_sched_real_wait(S);
    }
    if (left < 0) {
      if (d)
        raise_deadlock(L, S, idx);
      break;
    }
    wait_for(L, S, left);
  }
}

void weir_lib_run_all(lua_State *L, weir_State *S) {
  weir_check_host(L, S, "run", 1);
  lua_pushnil(L);
  loop(L, S, NULL);
  lua_pop(L, 1);
  if (S->debug)
    weir_report_left(L, S, 0);
  weir_sched_tell(L, S);
}

int weir_lib_run(lua_State *L, weir_State *S, int n, const char *of) {
  const weir_Deferred *d;
  uint64_t before = S->born;
  int idx;
  weir_check_host(L, S, "run", 1);
  d = &weir_lib_coroutine_of(L, S, n, of)->d;
  idx = lua_gettop(L);
  weir_ready_add(L, S, lua_touserdata(L, idx), idx);
  loop(L, S, d);
  weir_failure_handled(L, S, idx);
  if (!weir_sched_is_ready(S))
    idle(L, S);
  if (S->debug)
    weir_report_left(L, S, before);
  weir_sched_tell(L, S);
  n = weir_deferred_push_outcome(L, d, idx);
  if (d->flags & FLAG_FAILED)
    lua_error(L);
  lua_remove(L, idx);
  return n;
}

static int run(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int n = lua_gettop(L);
  if (n > 0)
    return weir_lib_run(L, S, n - 1, NULL);
  weir_lib_run_all(L, S);
  return 0;
}

/* ---- for what is written in Lua: weir in the loop of another library ---- */

/* check_host(what) raises, at the call of the function that calls this, inside a coroutine or
   callback. */
static int check_host(lua_State *L) {
  weir_check_host(L, weir_upstate(L), luaL_checkstring(L, 1), 2);
  return 0;
}

/* deadlock(co) raises the error of a `run` that can never end. */
static int deadlock(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  lua_settop(L, 1);
  return raise_deadlock(L, S, 1);
}

/* first_timer(): seconds to the first timer of the real clock, nil without one; and whether there
   is one that keeps a loop going. */
static int first_timer(lua_State *L) {
  int keeps;
  double left = weir_sched_first_timer(weir_upstate(L), &keeps);
  if (left == HUGE_VAL)
    lua_pushnil(L);
  else
    lua_pushnumber(L, left);
  lua_pushboolean(L, keeps);
  return 2;
}

/* on_work(f): f() is called once, when a call from the host has left something for the loop that it
   does not know of: what is ready, a timer before the first one there is now, a report, or nothing
   to wait for where there was something. nil: nobody is called. */
static int on_work(lua_State *L) {
  lua_settop(L, 1);
  weir_sched_ask(L, weir_upstate(L));
  return 0;
}

/* mail_file(): where there are handles, the number of a file that is readable when other threads
   have fired one, until this is called again; else nil. */
static int mail_file(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int fd;
  if (!weir_handle_count(S))
    return 0;
  fd = weir_mailbox_listen(S->mailbox);
  if (fd < 0)
    return luaL_error(L, NO_BELL);
  lua_pushinteger(L, fd);
  return 1;
}

/* ---- settings ---- */

static int set_inline(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int old = S->inline_runs;
  luaL_checktype(L, 1, LUA_TBOOLEAN);
  S->inline_runs = lua_toboolean(L, 1);
  lua_pushboolean(L, old);
  return 1;
}

void weir_lib_on_unhandled(lua_State *L, weir_State *S, const char *of) {
  if (!lua_isnil(L, -1))
    weir_check_callable(L, lua_gettop(L), 1, of);
  weir_state_push(L, S, HOME_ON_UNHANDLED);
  lua_insert(L, -2);
  weir_state_set(L, S, HOME_ON_UNHANDLED);
}

static int on_unhandled(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  weir_lib_on_unhandled(L, weir_upstate(L), NULL);
  return 1;
}

/* track([t]): from here on coroutines are in the table until their bodies end, each with its number
   in the order in which they were made; so the collector finds none of them. nil: no longer.
   Returns the table there was. */
static int track(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_settop(L, 1);
  if (!lua_isnil(L, 1))
    luaL_checktype(L, 1, LUA_TTABLE);
  weir_state_push(L, S, HOME_TRACK);
  lua_insert(L, 1);
  S->tracks = lua_isnil(L, 2) ? S->tracks & ~TRACK_TABLE : S->tracks | TRACK_TABLE;
  weir_state_set(L, S, HOME_TRACK);
  return 1;
}

/* is_ready(): can a step run something? */
static int is_ready(lua_State *L) {
  lua_pushboolean(L, weir_sched_is_ready(weir_upstate(L)));
  return 1;
}

const luaL_Reg weir_lib_loop[] = {{"run", run},
                                  {"step", step},
                                  {"inline", set_inline},
                                  {"on_unhandled", on_unhandled},
                                  {"track", track},
                                  {"is_ready", is_ready},
                                  {"check_host", check_host},
                                  {"deadlock", deadlock},
                                  {"first_timer", first_timer},
                                  {"on_work", on_work},
                                  {"mail_file", mail_file},
                                  {NULL, NULL}};
