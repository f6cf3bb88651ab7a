/* Time, the loop and its settings. */
#include "case.h"

#include <string.h>

/* The host's time. */
static double frame_time(void *ud) {
  return *(double *)ud;
}

static int log_it(lua_State *L) {
  case_log(L, "timer");
  return 0;
}

static int wait_a_minute(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->after(L, 60, 0);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

/* ---- time ---- */

static int hosts_time(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  double time = 1000.25;
  weir->set_time(L, frame_time, &time);
  check(L, weir->now(L) == 1000.25);
  check(L, weir->next_deadline(L) < 0);
  lua_pushliteral(L, "kept");
  lua_pushliteral(L, "a");
  lua_pushnil(L);
  weir->after(L, 2, 2);
  check_stack(L, "'kept' D");
  weir->after(L, 0.5, 0);
  check_stack(L, "'kept' D D");
  check(L, weir->next_deadline(L) == 0.5);
  time += 0.25;
  check(L, weir->step(L, -1) == 0.25);
  check(L, weir->status(L, 3) == WEIR_PENDING);
  time += 1;
  check(L, weir->next_deadline(L) == 0);
  check(L, weir->step(L, -1) == 0.75);
  check(L, weir->status(L, 3) == WEIR_SUCCESS && weir->status(L, 2) == WEIR_PENDING);
  time += 0.75;
  check(L, weir->step(L, -1) < 0);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "'kept' D D 'a' nil");
  weir->set_time(L, NULL, NULL);
  check(L, weir->now(L) != time);
  return 0;
}

static int change_time(lua_State *L) {
  weir_api(L)->set_time(L, NULL, NULL);
  return 0;
}

static int time_while_armed(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  double time = 1;
  weir->set_time(L, frame_time, &time);
  weir->after(L, 1, 0);
  check_raises(L, 0, change_time, "attempt to set the time while timers are armed");
  check(L, weir->now(L) == 1);
  lua_pushnil(L);
  weir->cancel(L, 1, -1);
  case_lua(L, 0, 0, "game = weir.Clock { speed = 2 }; timer = game:after(1)");
  check_raises(L, 0, change_time, "attempt to set the time while timers are armed");
  case_lua(L, 0, 0, "timer:cancel()");
  change_time(L);
  return 0;
}

/* Slowed and stopped game time beside the host's own. */
static int game_time(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  double time = 0;
  weir->set_time(L, frame_time, &time);
  case_lua(L, 0, 2,
           "game = weir.Clock { speed = 0.5 }\n"
           "return game:after(1), weir.after(1.5)");
  time = 1.5;
  check(L, weir->step(L, -1) == 0.5);
  check(L, weir->status(L, 1) == WEIR_PENDING && weir->status(L, 2) == WEIR_SUCCESS);
  case_lua(L, 0, 0, "game:pause()");
  time = 100;
  weir->step(L, -1);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  case_lua(L, 0, 0, "game:unpause()");
  time = 100.5;
  weir->step(L, -1);
  check(L, weir->status(L, 1) == WEIR_SUCCESS);
  return 0;
}

static int after_nan(lua_State *L) {
  weir_api(L)->after(L, NAN, 0);
  return 0;
}
static int after_negative(lua_State *L) {
  weir_api(L)->after(L, -0.5, 0);
  return 0;
}
static int after_with_one(lua_State *L) {
  weir_api(L)->after(L, 1, 1);
  return 0;
}

static int wrong_timers(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check_raises(L, 0, after_nan, "bad argument #1 to 'after' (time must not be negative or NaN)");
  check_raises(L, 0, after_negative,
               "bad argument #1 to 'after' (time must not be negative or NaN)");
  weir->deferred(L);
  check_raises(L, 1, after_with_one, "bad argument #2 to 'after' (a Deferred cannot be a value)");
  check(L, weir->next_deadline(L) < 0); /* nothing was armed */
  weir->after(L, HUGE_VAL, 0);
  check(L, weir->next_deadline(L) < 0);
  return 0;
}

/* ---- step ---- */

/* Two thousandths of a second of the processor. */
static int work(lua_State *L, int status, lua_KContext n) {
  (void)status;
  case_lua(L, 0, 0, "local t = os.clock() + 0.002; repeat until os.clock() > t");
  case_log(L, lua_tostring(L, 1));
  return n > 0 ? weir_api(L)->yieldk(L, n - 1, work) : 0;
}

static int work_twice(lua_State *L) {
  return work(L, LUA_OK, 1);
}

static int budgets(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->inline_runs(L, 0);
  for (const char *name = "a\0b\0c\0"; *name; name += 2) {
    lua_pushcfunction(L, work_twice);
    lua_pushstring(L, name);
    weir->spawn(L, 1);
  }
  check(L, weir->step(L, 0.001) == 0); /* one resume is more than that */
  check_log(L, "a");
  check(L, weir->step(L, 0) == 0);
  check_log(L, "b");
  check(L, weir->step(L, HUGE_VAL) == 0);
  check_log(L, "c a b");
  check(L, weir->step(L, -1) < 0);
  check_log(L, "c");
  return 0;
}

static int step(lua_State *L) {
  weir_api(L)->step(L, -1);
  return 0;
}
static int step_nan(lua_State *L) {
  weir_api(L)->step(L, NAN);
  return 0;
}
static int run(lua_State *L) {
  return weir_api(L)->run(L, lua_gettop(L) - 1);
}
static int run_all(lua_State *L) {
  return weir_api(L)->run(L, -1);
}

static int step_inside(lua_State *L) {
  const char *message = "attempt to step inside a coroutine or callback";
  check_raises(L, 0, step, message);
  lua_pushcfunction(L, step);
  check_raises(L, 1, run, "attempt to run inside a coroutine or callback");
  check_raises(L, 0, run_all, "attempt to run inside a coroutine or callback");
  return 0;
}

static int only_the_host(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  case_inside(L, 0, step_inside);
  weir->succeed(L, 0);
  lua_pushcfunction(L, step_inside);
  weir->add(L, 1, WEIR_CALLBACK);
  check(L, weir->status(L, 1) == WEIR_SUCCESS);
  check_raises(L, 0, step_nan, "bad argument #1 to 'step' (time must not be negative or NaN)");
  return 0;
}

/* ---- run ---- */

static int three_values(lua_State *L) {
  check_stack(L, "'argument'");
  lua_pushnil(L);
  lua_pushinteger(L, 3);
  return 3;
}

static int runs(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, three_values);
  lua_pushliteral(L, "argument");
  check(L, weir->run(L, 1) == 3);
  check_stack(L, "'kept' 'argument' nil 3");
  return 0;
}

static int oops(lua_State *L) {
  lua_pushliteral(L, "oops");
  return lua_error(L);
}

static int await_nothing(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static int deadlock(lua_State *L) {
  lua_pushcfunction(L, await_nothing);
  return weir_api(L)->run(L, 0);
}

static int runs_and_raises(lua_State *L) {
  lua_pushcfunction(L, oops);
  check_raises(L, 1, run, "oops");
  lua_pushinteger(L, 1);
  check_raises(L, 1, run, "bad argument #1 to 'run' (function expected, got number)");
  lua_settop(L, 0);
  lua_pushcfunction(L, deadlock);
  check(L, lua_pcall(L, 0, 0, 0) == LUA_ERRRUN);
  check_stack(L, "E:DeadlockError");
  return 0;
}

static int runs_all(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->after(L, 0.001, 0);
  lua_pushcfunction(L, log_it);
  weir->add(L, 1, WEIR_CALLBACK);
  check(L, weir->run(L, -1) == 0);
  check_stack(L, "D");
  check_log(L, "timer");
  return 0;
}

/* ---- settings ---- */

static int inline_runs(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check(L, weir->inline_runs(L, 0) == 1);
  check(L, weir->inline_runs(L, 5) == 0);
  check(L, weir->inline_runs(L, 0) == 1);
  case_lua(L, 0, 1, "return weir.inline(true)");
  check_stack(L, "false");
  return 0;
}

static int negative_grace(lua_State *L) {
  weir_api(L)->grace(L, -1);
  return 0;
}

static int graces(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check(L, weir->grace(L, 2) == 5);
  check_raises(L, 0, negative_grace,
               "bad argument #1 to 'grace' (time must not be negative or NaN)");
  check(L, weir->grace(L, 0.5) == 2);
  case_lua(L, 0, 1, "return weir.grace(5)");
  check_stack(L, "0.5");
  return 0;
}

static int log_unhandled(lua_State *L) {
  check_stack(L, "'oops' '' D");
  case_log(L, "unhandled");
  return 0;
}

static int set_handler(lua_State *L) {
  weir_api(L)->on_unhandled(L);
  return 0;
}

static int handlers(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "kept");
  lua_pushcfunction(L, log_unhandled);
  weir->on_unhandled(L);
  check_stack(L, "'kept' nil");
  lua_pushliteral(L, "oops");
  weir->fail(L);
  weir->step(L, -1);
  check_log(L, "unhandled");
  lua_settop(L, 1);
  check_raises(L, 1, set_handler,
               "bad argument #1 to 'on_unhandled' (function expected, got string)");
  lua_pushnil(L);
  weir->on_unhandled(L);
  check(L, lua_tocfunction(L, 2) == log_unhandled);
  check_stack(L, "'kept' F");
  return 0;
}

static int idle(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check(L, weir->next_deadline(L) < 0);
  check(L, weir->step(L, -1) < 0);
  weir->inline_runs(L, 0);
  lua_pushcfunction(L, wait_a_minute);
  weir->spawn(L, 0);
  check(L, weir->next_deadline(L) == 0);
  check(L, weir->step(L, -1) > 59);
  return 0;
}

/* regression 175: next_deadline knew neither of failures to report nor of a grace time to come, and
   step told what had been before the reports. */
static int all_that_is_to_do(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "nobody handles this");
  weir->fail(L);
  lua_pop(L, 1);
  case_lua(L, 0, 0, "weir.on_unhandled(function() retry = weir.after(50) end)");
  check(L, weir->next_deadline(L) == 0);
  check(L, weir->step(L, -1) > 49);
  check(L, weir->next_deadline(L) > 49);
  weir->inline_runs(L, 0);
  case_lua(L, 0, 0,
           "co = weir.spawn(function() pcall(weir.sleep, 1e9) weir.await(weir.Deferred()) end) "
           "weir.step() co:cancel('x', 0.25)");
  check(L, weir->next_deadline(L) == 0);
  check(L, weir->step(L, -1) <= 0.25);
  check(L, weir->next_deadline(L) <= 0.25);
  return 0;
}

/* regression 176: run slept past the end of a grace time while there was a handle. */
static int grace_beside_a_handle(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir_Handle *h;
  weir->deferred(L);
  h = weir->handle(L, 1);
  case_lua(L, 0, 0,
           "co = weir.spawn(function() pcall(weir.await, weir.Deferred()) "
           "weir.await(weir.Deferred()) end) co:cancel('enough', 0.05)");
  check(L, weir->next_deadline(L) >= 0);
  case_lua(L, 0, 1, "return weir.run(function() pcall(weir.await, co) return co:status() end)");
  check_stack(L, "D 'cancelled'");
  weir->handle_release(h);
  return 0;
}

/* regression 177: the grace time of a cancel in the same turn was lost with the clock. */
static int time_behind_a_cancel(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->inline_runs(L, 0);
  case_lua(L, 0, 0,
           "co = weir.spawn(function() pcall(weir.await, weir.Deferred()) "
           "weir.await(weir.Deferred()) end) weir.step() co:cancel('x', 0.5)");
  check_raises(L, 0, change_time, "attempt to set the time while timers are armed");
  return 0;
}

const Case loop_cases[] = {
    {"10.1 7.1 7.2 set_time, now, after, step, next_deadline: frames of the host's time",
     hosts_time},
    {"10.1 7.2 set_time is refused while a timer of the real clock, or behind it, is armed",
     time_while_armed},
    {"10.1 7.2 a game clock follows the host's time, slowed and stopped", game_time},
    {"10.1 7.1 8.4 wrong arguments of after are named, nothing is armed", wrong_timers},
    {"10.1 7.3 step and next_deadline: 0 is now, less than 0 nothing", idle},
    {"10.1 7.3 8.1 next_deadline and step tell of reports and grace times", all_that_is_to_do},
    {"10.1 5.6 run closes by force while it waits for a handle", grace_beside_a_handle},
    {"10.1 5.6 7.2 a cancel in the same turn counts as a timer", time_behind_a_cancel},
    {"10.1 7.3 step stops behind its budget, what is left keeps its order", budgets},
    {"10.1 7.3 step and run are the host's", only_the_host},
    {"10.1 7.3 run pushes the values of the body", runs},
    {"10.1 7.3 3.7 8.4 run raises its error, or that it can never end", runs_and_raises},
    {"10.1 7.3 run without a function goes on until nothing is left", runs_all},
    {"10.1 3.5 inline_runs returns what it was", inline_runs},
    {"10.1 5.6 8.4 grace returns what it was", graces},
    {"10.1 8.1 8.4 on_unhandled takes a C function, and gives the old one back", handlers},
    {NULL, NULL}};
